//! JSON as nobody expects it, for the properties.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::value::RawValue;

use super::{KEY, with};

/// The text of any JSON, its numbers as odd as they come.
pub(super) fn json() -> impl Strategy<Value = String> {
    const ODD: &[&str] = &[
        "null",
        "true",
        "-0",
        "1.0",
        "1e999",
        "5602541568",
        "-9223372036854775808",
        "18446744073709551616",
        "\"\\ud800\"",
    ];
    let leaf = prop_oneof![select(ODD).prop_map(String::from), any::<i64>().prop_map(|n| n.to_string()), string()];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[ {}]", items.join(" ,"))),
            vec((string(), inner), 0..4).prop_map(object),
        ]
    })
}

/// The text of a JSON string.
pub(super) fn string() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap())
}

/// Names that mean something are more likely to break something.
pub(super) fn name() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "\"chat_id\"",
        "\"topic_id\"",
        "\"backend_chat_id\"",
        "\"backend_thread_id\"",
        "\"user_id\"",
        "\"text\"",
        "\"sender_user_id\"",
        "\"message_id\"",
        "\"backend_message_id\"",
        "\"command_data\"",
    ];
    prop_oneof![select(KNOWN).prop_map(String::from), string()]
}

pub(super) fn object(members: Vec<(String, String)>) -> String {
    let members: Vec<_> = members.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("{{{}}}", members.join(","))
}

pub(super) fn data() -> impl Strategy<Value = String> {
    prop_oneof![vec((name(), json()), 0..5).prop_map(object), json()]
}

/// A sound request, of any name and with any other members.
pub(super) fn request() -> impl Strategy<Value = String> {
    let event_type = select(&["dialog_closed", "message_sent", "message_received", "/mark", "other"][..]);
    let timestamp = select(&["null", "\"2025-10-09 00:24:55\""][..]);
    let others = vec(("x[a-z\"\\\\/\u{0}é]{0,4}", json()), 0..4);
    let data = vec(("\"y[a-z]{0,4}\"", json()), 0..5).prop_map(object);
    (event_type, timestamp, others, data).prop_map(|(event_type, timestamp, others, data)| {
        let others = others.iter().map(|(name, value)| format!("{}:{value},", serde_json::to_string(name).unwrap()));
        let others: String = others.collect();
        with(&format!("\"event_type\":\"{event_type}\", {others}\"timestamp\":{timestamp},\"data\":{data}"))
    })
}

/// The members of an object, sorted, each value as it is written.
pub(super) fn members(body: &str) -> Vec<(String, String)> {
    struct Members(Vec<(String, Box<RawValue>)>);
    impl<'de> serde::Deserialize<'de> for Members {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Members;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                    let mut members = Vec::new();
                    while let Some(member) = map.next_entry()? {
                        members.push(member);
                    }
                    Ok(Members(members))
                }
            }
            deserializer.deserialize_map(Visitor)
        }
    }
    let Members(members) = serde_json::from_str(body).unwrap();
    let mut members: Vec<_> = members.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect();
    members.sort();
    members
}

/// A spelling of the key in a JSON string, with as many escapes as there are ones among the bits.
pub(super) fn spelled(bits: u16) -> String {
    let escaped = |(at, c): (usize, char)| {
        if bits >> at & 1 == 1 { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }
    };
    KEY.chars().enumerate().map(escaped).collect()
}

/// JSON text with its escapes of ASCII undone, sound or not.
pub(super) fn unescaped(json: &str) -> String {
    let mut pieces = json.split("\\u");
    let mut text = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let code = piece.get(..4).and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(u8::is_ascii);
        match code {
            Some(code) => {
                text.push(code.into());
                text.push_str(&piece[4..]);
            }
            None => text.push_str(piece),
        }
    }
    text.replace("\\/", "/")
}
