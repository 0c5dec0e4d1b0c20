//! What is shown of an answer.
//!
//! A template is text with fields in braces. A field is a path into the answer, a name or a number (of a list, from 0) for
//! each step: `{name}`, `{company.name}`, `{orders.0.id}`. A line with a field that is not there is left out, so a template
//! may name more than every answer has. Braces around anything else stay as they are.

use serde_json::Value;

/// The template with what the answer has. None if the answer has none of its fields.
pub fn fill(template: &str, answer: &Value) -> Option<String> {
    let mut lines = Vec::new();
    let mut found = false;
    for line in template.trim().lines() {
        let Some(filled) = Filled::of(line, answer) else { continue };
        found |= filled.fields > 0;
        lines.push(filled.text);
    }
    found.then(|| lines.join("\n"))
}

/// What there is at the top of the answer, a line for each field by its name; of a list, what its first element has. None
/// if there is nothing.
pub fn outline(answer: &Value) -> Option<String> {
    let answer = answer.get(0).unwrap_or(answer);
    let lines: Vec<String> = match answer {
        Value::Object(fields) => {
            fields.iter().filter_map(|(name, value)| Some(format!("{name}: {}", shown(value)?))).collect()
        }
        other => shown(other).into_iter().collect(),
    };
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A line with its fields filled in.
struct Filled {
    text: String,
    fields: usize,
}

impl Filled {
    /// None if a field is not there.
    fn of(line: &str, answer: &Value) -> Option<Self> {
        let mut filled = Self { text: String::new(), fields: 0 };
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('{') {
            filled.text.push_str(before);
            match after.split_once('}') {
                Some((path, others)) if is_path(path) => {
                    filled.text.push_str(&shown(at(path, answer)?)?);
                    filled.fields += 1;
                    rest = others;
                }
                _ => {
                    filled.text.push('{');
                    rest = after;
                }
            }
        }
        filled.text.push_str(rest);
        Some(filled)
    }
}

fn is_path(path: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    path.split('.').all(|step| !step.is_empty() && step.chars().all(allowed))
}

fn at<'a>(path: &str, answer: &'a Value) -> Option<&'a Value> {
    path.split('.').try_fold(answer, |value, step| match value {
        Value::Array(values) => values.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    })
}

/// A value as people read it: of a list its values with commas between. None if there is nothing to read.
fn shown(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null | Value::Object(_) => return None,
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Array(values) => values.iter().filter_map(shown).collect::<Vec<_>>().join(", "),
    };
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer() -> Value {
        json!({
            "name": "Ann Smith", "vip": true, "debt": false, "balance": -12.5, "id": 9_007_199_254_740_993_i64,
            "phone": null, "note": " ", "tags": ["new", null, 3], "none": [],
            "company": { "name": "Acme", "first-order": "2025-10-08" },
            "orders": [{ "id": "A1" }, { "id": "B2" }],
        })
    }

    #[test]
    fn fields_are_filled_in() {
        let check = |template: &str, expected: &str| {
            assert_eq!(fill(template, &answer()).as_deref(), Some(expected), "{template}");
        };
        check("{name}", "Ann Smith");
        check("\n{name} ({company.name})\n", "Ann Smith (Acme)");
        check("{vip} {debt} {balance} {id}", "yes no -12.5 9007199254740993");
        check("{tags}, {orders.1.id}, {company.first-order}", "new, 3, B2, 2025-10-08");
        check("{name} {not a field} {} {{name}} {", "Ann Smith {not a field} {} {Ann Smith} {");
    }

    #[test]
    fn a_line_without_its_field_is_left_out() {
        let check = |template: &str, expected: Option<&str>| {
            assert_eq!(fill(template, &answer()).as_deref(), expected, "{template}");
        };
        check("Client\n{name}\nPhone: {phone}\nNote: {note}", Some("Client\nAnn Smith"));
        for field in
            ["x", "name.x", "company", "orders.2.id", "orders.x.id", "orders.-1.id", "phone", "note", "none", "name.0"]
        {
            check(&format!("{{name}} {{{field}}}"), None);
        }
        check("Client", None);
        check("", None);
    }

    #[test]
    fn a_list_begins_with_its_first() {
        let list = json!([{ "name": "Ann" }, { "name": "Bob" }]);
        assert_eq!(fill("{0.name}, {1.name}", &list).as_deref(), Some("Ann, Bob"));
        assert_eq!(fill("{0.name}", &json!([])), None);
        assert_eq!(outline(&list).as_deref(), Some("name: Ann"));
    }

    #[test]
    fn without_a_template_it_is_what_there_is_at_the_top() {
        let check = |answer: Value, expected: Option<&str>| assert_eq!(outline(&answer).as_deref(), expected);
        check(json!({ "name": "Ann", "vip": true, "phone": null, "company": {} }), Some("name: Ann\nvip: yes"));
        check(json!("Ann"), Some("Ann"));
        check(json!({}), None);
        check(json!([]), None);
        check(json!(null), None);
    }
}
