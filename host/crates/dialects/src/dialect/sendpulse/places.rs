//! Where SendPulse's objects say what every handler may want to know, and how it is found.
//!
//! In one go: they are nested six deep, and whoever reads each of the objects anew reads the innermost six times. Never
//! fails: what is not where it is expected, or is of another type, is not found. Of members with the same name the last
//! one counts, as it does where most programs read JSON. Takes no more stack than the places are deep.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IgnoredAny},
};
use serde_json::value::RawValue;

use self::Place::{Has, Is};
use crate::fields;

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Title,
    Event,
    Date,
    Timestamp,
    Order,
    Bot,
    Contact,
    LastMessage,
    Operator,
    /// SendPulse's own id of a message.
    Message,
    /// The channel's, which stands beside its message.
    ChannelMessage,
    /// The channel's, which stands in it.
    ChannelOwnMessage,
    /// A string, or an object whose `body` it is: the channels differ.
    ChannelText,
    OrderContact,
    OrderId,
    OrderDescription,
}

/// What a member is: something that is looked for, or an object that has some of it.
pub(super) enum Place {
    Is(Field),
    Has(Places),
}

/// The members of an object that are of interest, by their names.
pub(super) type Places = &'static [(&'static str, Place)];

/// An element of an array, or a payment.
pub(super) const OBJECT: Places = &[
    ("title", Is(Field::Title)),
    ("date", Is(Field::Date)),
    ("bot", Has(&[("id", Is(Field::Bot))])),
    ("contact", Has(CONTACT)),
    ("info", Has(&[("message", Has(MESSAGE))])),
    ("event", Is(Field::Event)),
    ("timestamp", Is(Field::Timestamp)),
    ("order", Is(Field::Order)),
];

/// The `order` of a payment.
pub(super) const ORDER: Places =
    &[("contactId", Is(Field::OrderContact)), ("id", Is(Field::OrderId)), ("description", Is(Field::OrderDescription))];

const CONTACT: Places = &[
    ("id", Is(Field::Contact)),
    ("last_message", Is(Field::LastMessage)),
    ("operator", Has(&[("user_id", Is(Field::Operator))])),
];

const MESSAGE: Places = &[("id", Is(Field::Message)), ("channel_data", Has(CHANNEL_DATA))];

const CHANNEL_DATA: Places = &[
    ("message_id", Is(Field::ChannelMessage)),
    ("message", Has(&[("id", Is(Field::ChannelOwnMessage)), ("text", Is(Field::ChannelText))])),
];

/// What was found, as it was written.
pub(super) struct Found<'o>(Vec<(Field, &'o str)>);

impl<'o> Found<'o> {
    /// In an object that is sound JSON.
    pub(super) fn of(object: &'o str, places: Places) -> Self {
        let read = |way: Way| {
            let mut found = Self(Vec::with_capacity(8));
            let walk = Walk { places, found: &mut found, way };
            serde_json::Deserializer::from_str(object).deserialize_map(walk).map(|()| found)
        };
        let found = read(Way::Straight).or_else(|_| read(Way::Careful));
        found.unwrap_or(Self(Vec::new())) // Never, of what is sound.
    }

    /// Unless it is null.
    pub(super) fn get(&self, field: Field) -> Option<&'o str> {
        let found = self.0.iter().find(|(own, _)| *own == field).map(|(_, value)| *value);
        found.filter(|&value| value != "null")
    }

    /// The first of these that is an id.
    pub(super) fn id(&self, fields: &[Field]) -> Option<String> {
        let id = |field: &Field| fields::id("", self.get(*field)).ok().flatten().filter(|id| !id.is_empty());
        fields.iter().find_map(id)
    }

    /// The first of these that is a text. Half of a surrogate pair, which is no character, becomes U+FFFD.
    pub(super) fn text(&self, fields: &[Field]) -> Option<String> {
        fields.iter().find_map(|field| fields::lossy(self.get(*field)?))
    }

    /// In place of what was found before: there is at most one of each, however often it is said.
    fn keep(&mut self, field: Field, value: &'o str) {
        match self.0.iter_mut().find(|(own, _)| *own == field) {
            Some((_, own)) => *own = value,
            None => self.0.push((field, value)),
        }
    }

    fn forget(&mut self, places: Places) {
        for (_, place) in places {
            match place {
                Is(field) => self.0.retain(|(own, _)| own != field),
                Has(places) => self.forget(places),
            }
        }
    }
}

/// How an object in an object is read.
#[derive(Clone, Copy)]
enum Way {
    /// In the same go. Only if all that have to be objects are, or null.
    Straight,
    /// First to its end, then, if it is an object, once more.
    Careful,
}

/// An object that is being read.
struct Walk<'f, 'o> {
    places: Places,
    found: &'f mut Found<'o>,
    way: Way,
}

impl<'o> DeserializeSeed<'o> for Walk<'_, 'o> {
    type Value = ();

    fn deserialize<D: Deserializer<'o>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.way {
            Way::Straight => deserializer.deserialize_option(self),
            Way::Careful => {
                let value = <&RawValue>::deserialize(deserializer)?.get();
                if value.starts_with('{') {
                    let read = serde_json::Deserializer::from_str(value).deserialize_map(self);
                    read.map_err(de::Error::custom)?;
                }
                Ok(())
            }
        }
    }
}

impl<'o> de::Visitor<'o> for Walk<'_, 'o> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'o>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: de::MapAccess<'o>>(self, mut members: A) -> Result<(), A::Error> {
        let Self { places, found, way } = self;
        while let Some(place) = members.next_key_seed(Name(places))? {
            match place {
                Some(Is(field)) => found.keep(*field, members.next_value::<&RawValue>()?.get()),
                Some(Has(places)) => {
                    found.forget(places);
                    members.next_value_seed(Walk { places, found: &mut *found, way })?;
                }
                None => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// A member's name, which becomes its place. Read as bytes: one with half of a surrogate pair is no text, but no fault of
/// the other members either.
struct Name(Places);

impl<'o> DeserializeSeed<'o> for Name {
    type Value = Option<&'static Place>;

    fn deserialize<D: Deserializer<'o>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl de::Visitor<'_> for Name {
    type Value = Option<&'static Place>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_bytes<E>(self, name: &[u8]) -> Result<Self::Value, E> {
        Ok(self.0.iter().find(|(own, _)| own.as_bytes() == name).map(|(_, place)| place))
    }
}
