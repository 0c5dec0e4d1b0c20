//! How a repeated event is known again.

use sha2::{Digest, Sha256};
use slashbox_core::Dedupe;

/// For how long a platform's own id of an event identifies it, in milliseconds: 24 hours.
const BY_ID_TTL_MS: u64 = 24 * 60 * 60 * 1_000;

/// For how long an event's content identifies it, in milliseconds: 15 minutes, longer than the retries of any platform.
const BY_CONTENT_TTL_MS: u64 = 15 * 60 * 1_000;

/// By the id that the platform gave it.
pub(crate) fn by_id(id: &str) -> Dedupe {
    Dedupe { key: digest(["id", id]), ttl_ms: BY_ID_TTL_MS }
}

/// By what it says, where it has no id. Only for what has its sender's own time, or a message's or a payment's id: the same
/// may well happen twice.
pub(crate) fn by_content<const N: usize>(parts: [&str; N]) -> Dedupe {
    Dedupe { key: digest(parts), ttl_ms: BY_CONTENT_TTL_MS }
}

/// Each part behind its length, so that no two requests have the same bytes.
fn digest<const N: usize>(parts: [&str; N]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((N as u64).to_be_bytes());
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_runs_into_the_next() {
        let all = [["ab", "c", ""], ["a", "bc", ""], ["a", "b", "c"], ["", "ab", "c"], ["", "", "abc"]].map(digest);
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one));
        }
        assert_ne!(digest(["a", ""]), digest(["a"]));
    }
}
