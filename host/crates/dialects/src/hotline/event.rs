//! System events: what they say in slashbox's words, and how a repeated one is known.

use sha2::{Digest, Sha256};
use slashbox_core::{Dedupe, Event, Sender};

use super::{body::Content, fields::Fields, kinds, origin};
use crate::{Arrival, EVENT_BYTES_MAX, Incoming, Refusal};

/// For how long an event's content identifies it, in milliseconds: 15 minutes, longer than the retries of any platform.
/// The platform gives its events no ids of their own.
const DEDUPE_TTL_MS: u64 = 15 * 60 * 1_000;

pub(super) fn incoming(name: &str, content: Content<'_>, arrival: Arrival<'_>) -> Result<Incoming, Refusal> {
    if content.data.len() + content.envelope.len() > EVENT_BYTES_MAX {
        return Err(Refusal::TooLarge { bytes_max: EVENT_BYTES_MAX });
    }
    let known = kinds::of_native(name);
    let sender = known.map_or(Sender::Unknown, |kind| kind.sender);
    let fields = match known {
        Some(_) => Fields::read(&content.data)?,
        None => Fields::read_what_fits(&content.data),
    };
    let occurred_at_ms = content.occurred_at_ms()?;
    let message = fields.backend_message_id()?.or(fields.message_id()?);
    let identifies = occurred_at_ms.is_some() || message.is_some();
    let dedupe =
        identifies.then(|| Dedupe { key: digest([name, &content.envelope, &content.data]), ttl_ms: DEDUPE_TTL_MS });
    let event = Event {
        id: (arrival.new_id)(),
        kind: known.map_or_else(|| kinds::unknown(name), |kind| kind.canonical.into()),
        native_kind: kinds::beginning(name).into(),
        conversation: conversation(&fields, sender)?,
        contact: contact(&fields, sender)?,
        // Nothing says for sure who it was: the document's example of a sent message has the contact's id as the
        // sender's.
        operator: None,
        sender,
        message,
        text: fields.text()?,
        occurred_at_ms: occurred_at_ms.unwrap_or(arrival.now_ms),
        origin: origin(&content, arrival)?,
        data: content.data.into_owned(),
        envelope: content.envelope,
        hops: 0,
    };
    Ok(Incoming { event, dedupe })
}

/// Messages name their thread, all else its topic; where one is missing, the other will do.
fn conversation(fields: &Fields<'_>, sender: Sender) -> Result<Option<String>, Refusal> {
    let (dialog, thread) = (fields.dialog()?, fields.thread()?);
    Ok(match sender {
        Sender::Contact | Sender::Operator => thread.or(dialog),
        Sender::Bot | Sender::System | Sender::Unknown => dialog.or(thread),
    })
}

fn contact(fields: &Fields<'_>, sender: Sender) -> Result<Option<String>, Refusal> {
    match sender {
        Sender::Contact => fields.sender_user_id(),
        Sender::Operator => Ok(None),
        Sender::Bot | Sender::System | Sender::Unknown => fields.user_id(),
    }
}

/// Each part behind its length, so that no two requests have the same bytes.
fn digest(parts: [&str; 3]) -> [u8; 32] {
    let mut hash = Sha256::new();
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
    }
}
