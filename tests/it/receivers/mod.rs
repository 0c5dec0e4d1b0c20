//! Receivers of webhooks, each written from one platform's public document alone, as an integrator writes one who never
//! heard of slashbox.
//!
//! This file owns how a POST's JSON is read, and knows no platform. A receiver never looks at the sender's code or at
//! another receiver. It is strict about what its document promises of the outer shape and of the types; a member that
//! the document's own examples leave out may be absent, which is the same as null; and an event that the document does
//! not name is a value, since platforms add events.

pub(crate) mod hotline;
pub(crate) mod inbox;
pub(crate) mod sendpulse;
pub(crate) mod tg_staff;

use serde_json::{Map, Value};

/// How many characters of a wrong value an error shows: enough to recognise it, and no whole bodies.
const SHOWN_CHARS_MAX: usize = 80;

/// A POST as it arrived. The headers' names are lower case.
pub(crate) struct Posted<'p> {
    pub(crate) headers: &'p [(String, String)],
    pub(crate) body: &'p [u8],
}

impl Posted<'_> {
    /// The first header of a name, which is lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(its, _)| its == name).map(|(_, value)| value.as_str())
    }

    /// The body, which all documents promise to be JSON and to be called so.
    fn json(&self) -> Result<Value, String> {
        let content_type = self.header("content-type").unwrap_or_default();
        // Parameters may follow: they do not change what JSON is.
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(format!("content-type is {content_type:?}, expected application/json"));
        }
        let text = std::str::from_utf8(self.body).map_err(|error| format!("body is not UTF-8: {error}"))?;
        serde_json::from_str(text).map_err(|error| format!("body is not JSON: {error}"))
    }
}

/// What a member is to be.
struct Kind<T> {
    /// In an error's words.
    expected: &'static str,
    /// The value, if it is that.
    read: fn(&Value) -> Option<T>,
}

const STRING: Kind<String> = Kind { expected: "a string", read: |value| value.as_str().map(str::to_owned) };
const WHOLE: Kind<i64> = Kind { expected: "a whole number", read: Value::as_i64 };
const MAP: Kind<Map<String, Value>> = Kind { expected: "an object", read: |value| value.as_object().cloned() };
/// Where a document says of no type, or of several.
const ANY: Kind<Value> = Kind { expected: "a value", read: |value| Some(value.clone()) };
/// Platforms write ids as numbers here and as strings there: both are the same text.
const ID: Kind<String> = Kind { expected: "an id as a whole number or as a string", read: id };

fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

/// An object of a body. It knows where it stands there, so that errors can say it.
struct Object<'v> {
    /// Empty for the body itself.
    path: String,
    members: &'v Map<String, Value>,
}

impl<'v> Object<'v> {
    /// The whole body, as an object.
    fn body(value: &'v Value) -> Result<Self, String> {
        let members = value.as_object().ok_or_else(|| wrong("body", value, MAP.expected))?;
        Ok(Self { path: String::new(), members })
    }

    /// An object that stands at a path.
    fn at(path: String, value: &'v Value) -> Result<Self, String> {
        let members = value.as_object().ok_or_else(|| wrong(&path, value, MAP.expected))?;
        Ok(Self { path, members })
    }

    /// A member that the document promises.
    fn required<T>(&self, name: &str, kind: &Kind<T>) -> Result<T, String> {
        self.optional(name, kind)?.ok_or_else(|| self.absent(name, kind.expected))
    }

    /// A member that may be null or absent, and is of the kind if it is there.
    fn optional<T>(&self, name: &str, kind: &Kind<T>) -> Result<Option<T>, String> {
        let read = |value| (kind.read)(value).ok_or_else(|| wrong(&self.path_of(name), value, kind.expected));
        self.get(name).map(read).transpose()
    }

    /// An object that the document promises.
    fn object(&self, name: &str) -> Result<Object<'v>, String> {
        self.optional_object(name)?.ok_or_else(|| self.absent(name, MAP.expected))
    }

    fn optional_object(&self, name: &str) -> Result<Option<Object<'v>>, String> {
        self.get(name).map(|value| Object::at(self.path_of(name), value)).transpose()
    }

    /// The objects of an array; none if it is null or absent.
    fn objects(&self, name: &str) -> Result<Vec<Object<'v>>, String> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let path = self.path_of(name);
        let array = value.as_array().ok_or_else(|| wrong(&path, value, "an array"))?;
        elements(&path, array)
    }

    fn get(&self, name: &str) -> Option<&'v Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn absent(&self, name: &str, expected: &str) -> String {
        format!("{} is absent, expected {expected}", self.path_of(name))
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

/// The elements of an array, each of which is an object.
fn elements<'v>(path: &str, array: &'v [Value]) -> Result<Vec<Object<'v>>, String> {
    array.iter().enumerate().map(|(index, value)| Object::at(format!("{path}[{index}]"), value)).collect()
}

fn wrong(path: &str, value: &Value, expected: &str) -> String {
    let shown: String = value.to_string().chars().take(SHOWN_CHARS_MAX).collect();
    format!("{path} is {shown}, expected {expected}")
}

/// What a receiver says of a body that is posted with the header that all documents promise.
fn post<T>(body: &str, receive: impl FnOnce(&Posted<'_>) -> Result<T, String>) -> Result<T, String> {
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    receive(&Posted { headers: &headers, body: body.as_bytes() })
}

/// Asserts of each body that a receiver refuses it, and says why.
fn assert_refused<T: std::fmt::Debug>(cases: &[(&str, &str)], receive: impl Fn(&Posted<'_>) -> Result<T, String>) {
    for (body, why) in cases {
        let said = post(body, &receive).expect_err(body);
        assert!(said.contains(why), "expected {why:?} in {said:?}, of {body}");
    }
}

/// What is read of a body under a content type.
fn json_as(content_type: Option<&str>, body: &[u8]) -> Result<Value, String> {
    let headers: Vec<_> = content_type.map(|it| ("content-type".to_owned(), it.to_owned())).into_iter().collect();
    Posted { headers: &headers, body }.json()
}

#[test]
fn json_is_what_is_called_so() {
    for content_type in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        assert_eq!(json_as(Some(content_type), b"[1]"), Ok(serde_json::json!([1])));
    }
    for content_type in [None, Some(""), Some("text/plain"), Some("application/json5")] {
        assert!(json_as(content_type, b"[1]").unwrap_err().contains("expected application/json"), "{content_type:?}");
    }
}

#[test]
fn a_body_is_utf_8_and_json() {
    assert!(json_as(Some("application/json"), b"[\"\xff\"]").unwrap_err().starts_with("body is not UTF-8"));
    for body in [&b""[..], b"[1", b"[1] 2", b"event=1"] {
        assert!(json_as(Some("application/json"), body).unwrap_err().starts_with("body is not JSON"), "{body:?}");
    }
}

#[test]
fn null_is_absent_and_ids_are_text() {
    let value = serde_json::json!({ "none": null, "number": -1_002_146_012_345_i64, "text": "7", "half": 0.5 });
    let body = Object::body(&value).unwrap();
    assert_eq!(body.optional("none", &ID), Ok(None));
    assert_eq!(body.required("none", &ID), body.required("gone", &ID).map_err(|error| error.replace("gone", "none")));
    assert_eq!(body.required("number", &ID), Ok("-1002146012345".to_owned()));
    assert_eq!(body.required("text", &ID), Ok("7".to_owned()));
    assert!(body.required("half", &ID).unwrap_err().starts_with("half is 0.5, expected an id"));
}

#[test]
fn an_error_shows_no_whole_body() {
    let value = Value::from("é".repeat(10_000));
    assert!(wrong("data", &value, "an object").chars().count() < 2 * SHOWN_CHARS_MAX);
}
