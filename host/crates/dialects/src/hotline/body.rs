//! A request's outermost object: who sent it, and what of it is passed on.
//!
//! Owns the order of judgement: JSON, then the key, then everything else, from which the key has been taken out by
//! then.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use super::{TIMESTAMP, fields};
use crate::{Refusal, Secret};

/// The members that the platform documents: each may be there once.
const MEMBERS: [&str; 5] = ["event_type", "timestamp", "instance_id", "data", "api_key"];

/// The longest piece of a wrong value that an error repeats, in characters.
const SHOWN_CHARS_MAX: usize = 60;

/// The object, its values still as they were written.
#[derive(Debug)]
pub(super) struct Body<'b>(Vec<(Cow<'b, str>, &'b RawValue)>);

/// What an authenticated body has. The source's key is nowhere in it.
#[derive(Debug)]
pub(super) struct Content<'b> {
    event_type: Option<Cow<'b, str>>,
    timestamp: Option<Cow<'b, str>>,
    instance_id: Option<Cow<'b, str>>,
    /// `data` as it was written; `null` if there is none.
    pub(super) data: Cow<'b, str>,
    /// An object of all other members but `api_key`, in their order, the values as they were written.
    pub(super) envelope: String,
}

impl<'b> Body<'b> {
    pub(super) fn read(body: &'b [u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(body).map_err(|error| {
            let at = error.valid_up_to();
            Refusal::Malformed(format!("the body is no UTF-8: invalid byte at position {at}"))
        })?;
        if text.trim_start().as_bytes().first().is_some_and(|&first| first != b'{') {
            return Err(Refusal::Malformed(format!(
                "the body is {}: expected a JSON object",
                shown(text.trim_start())
            )));
        }
        serde_json::from_str(text)
            .map_err(|error| Refusal::Malformed(format!("the body is no sound JSON object: {error}")))
    }

    pub(super) fn authenticate(&self, key: &Secret) -> Result<(), Refusal> {
        let api_key = self.0.iter().find(|(name, _)| name == "api_key").map(|(_, value)| value.get());
        let Some(api_key) = api_key.filter(|&value| value != "null") else {
            return Err(Refusal::Unauthorized("`api_key` is missing: expected this source's key".into()));
        };
        let right = serde_json::from_str::<Text<'_>>(api_key).is_ok_and(|Text(api_key)| key.is(&api_key));
        if right { Ok(()) } else { Err(Refusal::Unauthorized("`api_key` is not this source's key".into())) }
    }

    pub(super) fn without(self, key: &Secret) -> Content<'b> {
        let (data, envelope) = (Cow::Borrowed("null"), String::from("{"));
        let mut content = Content { event_type: None, timestamp: None, instance_id: None, data, envelope };
        for (name, value) in self.0 {
            if name == "api_key" {
                continue;
            }
            let value = key.taken_out_of_json(value.get());
            if name == "data" {
                content.data = value;
                continue;
            }
            push_member(&mut content.envelope, &key.taken_out_of(&name), &value);
            match &*name {
                "event_type" => content.event_type = Some(value),
                "timestamp" => content.timestamp = Some(value),
                "instance_id" => content.instance_id = Some(value),
                _ => {}
            }
        }
        content.envelope.push('}');
        content
    }
}

impl Content<'_> {
    /// The event's or command's name, never empty.
    pub(super) fn event_type(&self) -> Result<String, Refusal> {
        let Some(raw) = self.event_type.as_deref().filter(|&raw| raw != "null") else {
            return Err(Refusal::Malformed("`event_type` is missing: expected a command such as \"/mark\"".into()));
        };
        if matches!(self.event_type, Some(Cow::Owned(_))) {
            // A name is shown everywhere, and one that had something taken out is another name.
            return Err(Refusal::Malformed("`event_type` has this source's key in it".into()));
        }
        match serde_json::from_str::<String>(raw) {
            Ok(name) if name.is_empty() => Err(Refusal::Malformed(
                "`event_type` is empty: expected a command such as \"/mark\" or an event such as \"dialog_closed\""
                    .into(),
            )),
            Ok(name) => Ok(name),
            Err(_) => {
                let value = shown(raw);
                Err(Refusal::Malformed(format!("`event_type` is {value}: expected a string such as \"/mark\"")))
            }
        }
    }

    pub(super) fn instance(&self) -> Result<Option<String>, Refusal> {
        fields::id("instance_id", self.instance_id.as_deref())
    }

    /// `None` if the sender does not say.
    pub(super) fn occurred_at_ms(&self) -> Result<Option<u64>, Refusal> {
        let Some(timestamp) = fields::text("timestamp", self.timestamp.as_deref())? else { return Ok(None) };
        let parsed = jiff::civil::DateTime::strptime(TIMESTAMP, &timestamp).ok();
        let parsed = parsed.and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC).ok());
        let ms = parsed.and_then(|time| u64::try_from(time.timestamp().as_millisecond()).ok());
        ms.map(Some).ok_or_else(|| {
            let timestamp = shown(&timestamp);
            Refusal::Malformed(format!("`timestamp` is {timestamp:?}: expected a time as 2025-10-08 20:41:20, in UTC"))
        })
    }
}

/// Adds a member to an object that is not closed yet. `value` is JSON.
pub(super) fn push_member(object: &mut String, name: &str, value: &str) {
    if !object.ends_with('{') {
        object.push(',');
    }
    object.push_str(&serde_json::Value::from(name).to_string());
    object.push(':');
    object.push_str(value);
}

/// The beginning of a wrong value.
pub(super) fn shown(value: &str) -> Cow<'_, str> {
    match value.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", value.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(value),
    }
}

impl<'de: 'b, 'b> Deserialize<'de> for Body<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BodyVisitor)
    }
}

struct BodyVisitor;

impl<'de> de::Visitor<'de> for BodyVisitor {
    type Value = Body<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(MEMBERS.len());
        let mut seen = [false; MEMBERS.len()];
        while let Some(Text(name)) = map.next_key()? {
            let known = MEMBERS.iter().zip(&mut seen).find(|(known, _)| **known == name);
            if let Some((known, seen)) = known
                && std::mem::replace(seen, true)
            {
                return Err(de::Error::duplicate_field(known));
            }
            members.push((name, map.next_value()?));
        }
        Ok(Body(members))
    }
}

/// A string, not copied unless it has escapes.
struct Text<'b>(Cow<'b, str>);

impl<'de: 'b, 'b> Deserialize<'de> for Text<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> de::Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.into()))
    }
}
