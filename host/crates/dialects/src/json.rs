//! JSON that is passed on as it was written: objects whose values are still texts, and texts of objects that are made.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny},
};
use serde_json::value::RawValue;

use crate::Refusal;

/// The longest piece of a wrong value that an error repeats, in characters.
const SHOWN_CHARS_MAX: usize = 60;

/// For how many bytes an object has room from the beginning: most envelopes need no more, and so no copy.
const OBJECT_BYTES: usize = 128;

/// An object's members in their order, the values as they were written.
#[derive(Debug, Default)]
pub(crate) struct Members<'b>(Vec<(Cow<'b, str>, &'b RawValue)>);

/// A body's text.
///
/// # Errors
/// If it is no UTF-8.
pub(crate) fn text_of(body: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        Refusal::Malformed(format!("the body is no UTF-8: invalid byte at position {at}"))
    })
}

impl<'b> Members<'b> {
    /// Those of a body that is one object.
    pub(crate) fn of_body(text: &'b str) -> Result<Self, Refusal> {
        if text.trim_start().as_bytes().first().is_some_and(|&first| first != b'{') {
            let shown = shown(text.trim_start());
            return Err(Refusal::Malformed(format!("the body is {shown}: expected a JSON object")));
        }
        serde_json::from_str(text)
            .map_err(|error| Refusal::Malformed(format!("the body is no sound JSON object: {error}")))
    }

    /// Those of sound JSON; none if it is no object.
    pub(crate) fn of(json: &'b str) -> Option<Self> {
        json.trim_start().starts_with('{').then(|| serde_json::from_str(json).ok())?
    }

    /// The value of this name as it was written, unless it is null. Of several, the last one counts, as it does where most
    /// programs read JSON.
    pub(crate) fn get(&self, name: &str) -> Option<&'b str> {
        let found = self.0.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.get());
        found.filter(|&value| value != "null")
    }

    /// The members of the object of this name; none if it is anything else.
    pub(crate) fn object(&self, name: &str) -> Members<'b> {
        self.get(name).and_then(Members::of).unwrap_or_default()
    }

    /// The first of these names that is there twice.
    pub(crate) fn twice(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().find(|name| self.0.iter().filter(|(own, _)| own == **name).count() > 1).copied()
    }

    /// Name and value of each, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'b str)> {
        self.0.iter().map(|(name, value)| (&**name, value.get()))
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An object of them all, in their order, but for those of this name.
    pub(crate) fn without(&self, name: &str) -> Object {
        let mut object = Object::new();
        for (own, value) in self.iter().filter(|(own, _)| *own != name) {
            object.json(own, value);
        }
        object
    }
}

impl<'de: 'b, 'b> Deserialize<'de> for Members<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> de::Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(8);
        while let Some((Text(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(Members(members))
    }
}

/// A string, not copied unless it has escapes.
pub(crate) struct Text<'b>(pub(crate) Cow<'b, str>);

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

/// The text of an object that is being made.
#[derive(Debug)]
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        let mut text = String::with_capacity(OBJECT_BYTES);
        text.push('{');
        Self(text)
    }

    /// An object with these members already: the text of one without its last brace.
    pub(crate) fn with(members: &str) -> Self {
        Self(members.into())
    }

    /// Adds a member whose value is JSON already.
    pub(crate) fn json(&mut self, name: &str, value: &str) -> &mut Self {
        if !self.is_empty() {
            self.0.push(',');
        }
        push_string(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(value);
        self
    }

    /// Adds a member whose value is a string.
    pub(crate) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.json(name, &string(value))
    }

    /// Adds a member whose value is a string, if there is one.
    pub(crate) fn text_if(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// Adds a member whose value is an id, if there is one: a number where the text is one of 64 bits, since the platforms'
    /// receivers expect numbers, else a string.
    pub(crate) fn id_if(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) if is_number(value) => self.json(name, value),
            value => self.text_if(name, value),
        }
    }

    /// Whether nothing has been added.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.ends_with('{')
    }

    /// The names of its members.
    pub(crate) fn names(&self) -> Vec<String> {
        let closed = format!("{}}}", self.0);
        let members = Members::of(&closed).unwrap_or_default();
        members.iter().map(|(name, _)| name.to_owned()).collect()
    }

    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Whether a text is how a whole number of 64 bits is written, so that it is the same text when it is read again.
fn is_number(text: &str) -> bool {
    let is_same = |number: Option<String>| number.is_some_and(|number| number == text);
    is_same(text.parse::<i64>().ok().map(|number| number.to_string()))
        || is_same(text.parse::<u64>().ok().map(|number| number.to_string()))
}

/// A text as a JSON string.
pub(crate) fn string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    push_string(&mut json, text);
    json
}

fn push_string(json: &mut String, text: &str) {
    if text.bytes().all(|byte| (byte.is_ascii_graphic() || byte == b' ') && !matches!(byte, b'"' | b'\\')) {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        json.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// Whether it is sound. Takes no stack for what is nested.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// An event's `data` as JSON: an embedding program may pass anything. What is no JSON goes as a string of it, nothing as
/// null.
pub(crate) fn sound(data: &str) -> Cow<'_, str> {
    if data.trim().is_empty() {
        "null".into()
    } else if is_json(data) {
        data.trim().into()
    } else {
        string(data).into()
    }
}

/// The beginning of a wrong value.
pub(crate) fn shown(value: &str) -> Cow<'_, str> {
    match value.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", value.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(value),
    }
}

/// `a, b or c`.
pub(crate) fn one_of<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbers_where_they_stay_the_same() {
        let check = |id: &str, expected: &str| {
            let mut object = Object::new();
            object.id_if("id", Some(id));
            assert_eq!(object.finish(), format!("{{\"id\":{expected}}}"));
        };
        for number in ["0", "-1", "5602541568", "-9223372036854775808", "18446744073709551615"] {
            check(number, number);
        }
        for text in ["", "-0", "+1", "007", "1.0", "1e3", "18446744073709551616", "-9223372036854775809", "a", " 1"] {
            check(text, &format!("\"{text}\""));
        }
    }

    #[test]
    fn the_last_of_several_counts() {
        let members = Members::of(r#"{"a":1,"b":{"c":"x"},"a":2,"n":null,"\u0061b":3}"#).unwrap();
        assert_eq!((members.get("a"), members.get("n"), members.get("ab")), (Some("2"), None, Some("3")));
        assert_eq!((members.object("b").get("c"), members.object("a").is_empty()), (Some("\"x\""), true));
        assert_eq!((members.twice(&["b", "a"]), members.twice(&["b"])), (Some("a"), None));
        assert!(Members::of("[1]").is_none());
    }
}
