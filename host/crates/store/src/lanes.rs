//! Lanes: by which number a conversation's order is kept.
//!
//! A hash of fixed size instead of the names: a conversation's id may be of any length. Two that share a hash share an
//! order, which delays but never mixes up anything; whoever lists by it has to look at the names too.

use sha2::{Digest, Sha256};

/// The lane of a conversation. The same for ever, as it is stored: 63 bits of a SHA-256, so that it is never negative.
pub(crate) fn lane(source: &str, conversation: &str) -> i64 {
    let mut hash = Sha256::new();
    // With the length before it, no two pairs of names run into the same bytes.
    hash.update((source.len() as u64).to_be_bytes());
    hash.update(source);
    hash.update(conversation);
    let digest: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    i64::from_be_bytes([a, b, c, d, e, f, g, h]) & i64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_stay_what_they_are() {
        // From another implementation of SHA-256.
        assert_eq!(lane("support", "-100:5343"), 6_943_680_516_174_009_773);
        assert_ne!(lane("ab", "c"), lane("a", "bc"));
        assert_ne!(lane("", "c"), lane("c", ""));
        assert!((0..1000).all(|n| lane("support", &n.to_string()) >= 0));
    }
}
