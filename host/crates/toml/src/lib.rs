//! The operator's files: TOML that is read strictly, with values from the environment.
//!
//! Used for the configuration and for the grants beside plugins, so that both refuse the same mistakes in the same words.
//! Never shows a line of the file: it might hold a secret.

mod expand;

use serde::de::DeserializeOwned;
pub use serde_aux::serde_introspection::serde_introspect as keys_of;

pub use expand::{ExpandError, expand};

/// How unlike a key may be that is suggested instead of an unknown one.
const NEAR_DISTANCE_MAX: usize = 3;

/// A file's shape: which keys each of its tables knows.
pub trait File: DeserializeOwned {
    /// The keys of a table, named without indices: `""` is the file itself, `"sources"` each of its `[[sources]]`.
    /// `None` if there is no such table, or every key of it is the user's own.
    fn keys(table: &str) -> Option<&'static [&'static str]>;

    /// Whether a key, named with its tables, may hold a secret: its value is then not shown, whatever is wrong with it.
    /// Such a value is always a text.
    fn is_secret(key: &str) -> bool;
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is not TOML.
    #[error("line {line}, column {column}: {problem}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
        /// What TOML expects there.
        problem: String,
    },
    /// A key that nobody knows.
    #[error("unknown key `{key}`: {}", expected(.nearest, .known))]
    UnknownKey {
        /// With its tables, e.g. `sources[0].api_kye`.
        key: String,
        /// The known key that is most like it.
        nearest: Option<&'static str>,
        /// All that its table knows.
        known: &'static [&'static str],
    },
    /// A value of the wrong kind.
    #[error("`{key}`: {problem}")]
    Value {
        /// With its tables.
        key: String,
        /// The value's kind and what was expected.
        problem: String,
    },
}

fn expected(nearest: &Option<&'static str>, known: &[&'static str]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("expected one of {}", known.join(", ")),
    }
}

/// Reads a file strictly.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse<T: File>(text: &str) -> Result<T, FileError> {
    let mut unknown = None;
    let deserializer = toml::Deserializer::parse(text).map_err(|error| syntax(text, &error))?;
    let mut note = |path: serde_ignored::Path<'_>| {
        unknown.get_or_insert_with(|| keys(&path));
    };
    let deserializer = serde_ignored::Deserializer::new(deserializer, &mut note);
    let parsed = serde_path_to_error::deserialize(deserializer);
    // An unknown key is often the cause of what else is wrong, so it is told first.
    if let Some(path) = unknown.and_then(|keys: Vec<Key>| unknown_key::<T>(&keys)) {
        return Err(path);
    }
    parsed.map_err(|error| {
        let key = error.path().to_string();
        let problem =
            if T::is_secret(&key) { "expected text in quotes".into() } else { one_line(error.inner().message()) };
        FileError::Value { key, problem }
    })
}

fn syntax(text: &str, error: &toml::de::Error) -> FileError {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).map_or(0, |rest| rest.chars().count()) + 1;
    FileError::Syntax { line: before.matches('\n').count() + 1, column, problem: one_line(error.message()) }
}

fn one_line(message: &str) -> String {
    message.lines().collect::<Vec<_>>().join(", ")
}

enum Key {
    Name(String),
    Index(usize),
}

fn keys(path: &serde_ignored::Path<'_>) -> Vec<Key> {
    use serde_ignored::Path;
    let (parent, key) = match path {
        Path::Root => return Vec::new(),
        Path::Seq { parent, index } => (parent, Some(Key::Index(*index))),
        Path::Map { parent, key } => (parent, Some(Key::Name(key.clone()))),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => (parent, None),
    };
    let mut keys = keys(parent);
    keys.extend(key);
    keys
}

/// None if the key is the user's own after all.
fn unknown_key<T: File>(path: &[Key]) -> Option<FileError> {
    let mut table = String::new();
    let mut key = String::new();
    let mut name = "";
    for part in path {
        match part {
            Key::Index(index) => key.push_str(&format!("[{index}]")),
            Key::Name(part) => {
                for (joined, part) in [(&mut table, name), (&mut key, part)] {
                    let dot = if joined.is_empty() || part.is_empty() { "" } else { "." };
                    joined.push_str(&format!("{dot}{part}"));
                }
                name = part;
            }
        }
    }
    Some(FileError::unknown_key(key, name, T::keys(&table)?))
}

impl FileError {
    /// Of a key, named with its tables, whose last part is none that its table knows.
    pub fn unknown_key(key: String, name: &str, known: &'static [&'static str]) -> Self {
        let distance = |known: &&&str| strsim::damerau_levenshtein(known, name);
        let nearest = known.iter().min_by_key(distance).filter(|known| distance(known) <= NEAR_DISTANCE_MAX).copied();
        Self::UnknownKey { key, nearest, known }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Shape {
        listen: Option<String>,
        limits: Option<Limits>,
        #[serde(default)]
        sources: Vec<Source>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Limits {
        memory_mib: Option<u32>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Source {
        name: String,
        api_key: Option<String>,
        #[serde(default)]
        own: BTreeMap<String, String>,
    }

    impl File for Shape {
        fn keys(table: &str) -> Option<&'static [&'static str]> {
            match table {
                "" => Some(keys_of::<Self>()),
                "limits" => Some(keys_of::<Limits>()),
                "sources" => Some(keys_of::<Source>()),
                _ => None,
            }
        }

        fn is_secret(key: &str) -> bool {
            key.ends_with("api_key")
        }
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(parse::<Shape>(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_sound_file_is_read() {
        let text = "listen = \"a\"\n[limits]\nmemory_mib = 3\n[[sources]]\nname = \"x\"\nown = { any = \"thing\" }\n";
        let shape: Shape = parse(text).unwrap();
        assert_eq!(shape.limits.unwrap().memory_mib, Some(3));
        assert_eq!(shape.sources[0].own["any"], "thing");
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        check("listn = \"a\"", "unknown key `listn`: did you mean `listen`?");
        check("[limits]\nmemory_mb = 3", "unknown key `limits.memory_mb`: did you mean `memory_mib`?");
        check(
            "[[sources]]\nname = \"a\"\n[[sources]]\nname = \"b\"\napikey = \"k\"",
            "unknown key `sources[1].apikey`: did you mean `api_key`?",
        );
        check("colour = 1", "unknown key `colour`: expected one of listen, limits, sources");
    }

    #[test]
    fn an_unknown_key_comes_before_what_it_causes() {
        check("[[sources]]\nnam = \"a\"", "unknown key `sources[0].nam`: did you mean `name`?");
    }

    #[test]
    fn a_wrong_value_names_its_key() {
        check("listen = 5", "`listen`: invalid type: integer `5`, expected a string");
        check("[[sources]]\n", "`sources[0]`: missing field `name`");
        check("[limits]\nmemory_mib = -1", "`limits.memory_mib`: invalid value: integer `-1`, expected u32");
    }

    #[test]
    fn a_secret_is_not_shown() {
        check("[[sources]]\nname = \"a\"\napi_key = 48151623", "`sources[0].api_key`: expected text in quotes");
    }

    #[test]
    fn broken_syntax_names_its_place_and_shows_no_line() {
        let error = parse::<Shape>("listen = \"a\"\nlimits = { memory_mib = secret").unwrap_err().to_string();
        assert!(error.starts_with("line 2, column ") && !error.contains("secret"), "{error}");
    }
}
