//! Files of the operator's, by the reader that all of them have: the shape stands for those of the configuration and of
//! grants.

use std::collections::BTreeMap;

use serde::Deserialize;
use slashbox_toml::{File, expand, keys_of, parse};

/// A file of every shape that ours have: values, tables, lists of tables, tables whose keys are the user's.
#[derive(Debug, Deserialize)]
struct Shapes {
    listen: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "reading it is what is tried")]
    limits: BTreeMap<String, u32>,
    #[serde(default)]
    sources: Vec<Source>,
}

#[derive(Debug, Deserialize)]
struct Source {
    name: String,
    api_key: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    enabled: Option<bool>,
}

impl File for Shapes {
    fn keys(table: &str) -> Option<&'static [&'static str]> {
        match table {
            "" => Some(keys_of::<Self>()),
            "sources" => Some(keys_of::<Source>()),
            _ => None,
        }
    }

    fn is_secret(key: &str) -> bool {
        key.ends_with("api_key") || key.contains("headers")
    }
}

/// What stands for a secret: no mistake may show it.
const SECRET: &str = "hunter2hunter2";

/// A configuration, with values of the environment in it.
pub fn configuration(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let variable = |name: &str| (name != "UNSET").then(|| SECRET.to_owned());
    match parse::<Shapes>(&text) {
        Ok(Shapes { listen, limits: _, sources }) => {
            let texts = sources.into_iter().flat_map(|source| {
                let Source { name, api_key, headers, enabled } = source;
                let name = if enabled == Some(false) { String::new() } else { name };
                [name].into_iter().chain(api_key).chain(headers.into_values())
            });
            for text in texts.chain(listen) {
                let _ = expand(&text, variable);
            }
        }
        Err(error) => {
            let error = error.to_string();
            let key = format!("api_key = {SECRET}");
            assert!(!error.is_empty());
            assert!(!text.contains(&key) || !error.contains(SECRET), "{error}");
        }
    }
}
