//! What every dialect does with an event that came in by another one: its typed fields go under the format's own names,
//! and with them goes what its own platform said, so that nothing is lost.

use slashbox_core::{Event, Sender};

use crate::{
    Dialect,
    json::{Members, Object, sound},
};

/// What a dialect has kept of an event that came in by it, to be sent on as it came; none if it came by another one, or by
/// none.
pub(crate) fn own_envelope(event: &Event, dialect: &str) -> Option<Object> {
    let members =
        Members::of(&event.envelope).filter(|members| event.origin.dialect == dialect && !members.is_empty())?;
    Some(members.without("data"))
}

/// An object of fields in the format's own names, and in it the event's own data: that of a platform under its dialect's
/// name, since its members have names of their own; that of slashbox's own dialect, whose names mean nothing to any format,
/// beside the fields, of which none is replaced.
pub(crate) fn with_own_data(fields: Object, event: &Event) -> String {
    let data = sound(&event.data);
    if fields.is_empty() && platform(event).is_none() {
        return data.into_owned();
    }
    if data == "null" {
        return fields.finish();
    }
    if let Some(dialect) = platform(event) {
        let mut fields = fields;
        fields.json(dialect.name(), &data);
        return fields.finish();
    }
    match Members::of(&data) {
        Some(members) => beside(fields, &members),
        None => {
            let mut fields = fields;
            fields.json("data", &data);
            fields.finish()
        }
    }
}

fn beside(mut fields: Object, members: &Members<'_>) -> String {
    let taken = fields.names();
    for (name, value) in members.iter().filter(|(name, _)| !taken.iter().any(|taken| taken == name)) {
        fields.json(name, value);
    }
    fields.finish()
}

/// The platform that wrote an event; none if it was nobody's.
fn platform(event: &Event) -> Option<Dialect> {
    event.origin.dialect.parse().ok().filter(|dialect| *dialect != Dialect::NATIVE)
}

/// The person who is meant by the sender of a message.
pub(crate) fn sender_id(event: &Event) -> Option<&str> {
    match event.sender {
        Sender::Contact => event.contact.as_deref(),
        Sender::Operator => event.operator.as_deref(),
        Sender::Bot | Sender::System | Sender::Unknown => None,
    }
}
