//! JSON as nobody expects it, for the properties.

use proptest::{collection::vec, prelude::*, sample::select};

/// The text of any JSON, its numbers as odd as they come.
pub(super) fn json() -> impl Strategy<Value = String> {
    const ODD: &[&str] = &[
        "null",
        "true",
        "-0",
        "1.0",
        "1e999",
        "1625834714",
        "16377590567070",
        "18446744073709551616",
        "\"\"",
        "\"open_chat\"",
        "\"incoming_message\"",
        "\"outgoing_message\"",
        "\"\\ud800\"",
    ];
    let leaf = prop_oneof![select(ODD).prop_map(String::from), any::<i64>().prop_map(|n| n.to_string()), string()];
    leaf.prop_recursive(8, 32, 4, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(|items| format!("[ {}]", items.join(" ,"))),
            4 => vec((name(), inner), 0..6).prop_map(object),
        ]
    })
}

/// The text of any object, with surroundings that it has not to have.
pub(super) fn an_object() -> impl Strategy<Value = String> {
    vec((name(), json()), 0..8).prop_map(object)
}

/// The text of a JSON string.
fn string() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap())
}

/// Names that mean something are more likely to break something, above all where they mean nothing.
fn name() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "\"title\"",
        "\"event\"",
        "\"date\"",
        "\"timestamp\"",
        "\"bot\"",
        "\"id\"",
        "\"contact\"",
        "\"last_message\"",
        "\"operator\"",
        "\"user_id\"",
        "\"info\"",
        "\"message\"",
        "\"channel_data\"",
        "\"message_id\"",
        "\"text\"",
        "\"body\"",
        "\"order\"",
        "\"contactId\"",
        "\"description\"",
    ];
    prop_oneof![8 => select(KNOWN).prop_map(String::from), 1 => string()]
}

fn object(members: Vec<(String, String)>) -> String {
    let members: Vec<_> = members.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("{{{}}}", members.join("\n,"))
}
