//! The remotes: `[[webhooks]]`, and the files of Hotline's WEBHOOKS objects.
//!
//! Never shows a URL, a key or a header: each may hold a secret.

use std::{fmt, fs, io::Read, path::Path};

use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use slashbox_core::{Pattern, Sender};
use slashbox_egress::{Egress, Settings as EgressSettings};

use super::{
    ConfigError,
    file::{EgressTable, WebhookTable},
    resolve::{Text, wrong},
};
use crate::{Profile, Webhook, WebhookError};

/// The most bytes of a WEBHOOKS object: some thousand URLs.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A WEBHOOKS object as it is pasted: for each URL what it wants, in the order in which they stand.
struct Entries(Vec<(String, Vec<String>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of URLs with a list of events each")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries: Vec<(String, Vec<String>)> = Vec::new();
        while let Some((url, events)) = map.next_entry::<String, Vec<String>>()? {
            if entries.iter().any(|(earlier, _)| *earlier == url) {
                return Err(A::Error::custom(format!("entry {} has the same URL as an earlier one", entries.len() + 1)));
            }
            entries.push((url, events));
        }
        Ok(Entries(entries))
    }
}

/// Where requests may go.
pub(super) fn egress(table: &EgressTable) -> Result<EgressSettings, ConfigError> {
    let ranges = table.allow_cidrs.iter().enumerate().map(|(index, range)| {
        range.parse().map_err(|error: slashbox_egress::RangeError| ConfigError::Value {
            key: format!("egress.allow_cidrs[{index}]"),
            value: None,
            expected: error.to_string(),
        })
    });
    let allow_cidrs = ranges.collect::<Result<_, _>>()?;
    Ok(EgressSettings { allow_http: table.allow_http.unwrap_or(false), allow_cidrs })
}

/// What every webhook of a file has from its source.
pub(super) struct OfSource<'s> {
    pub(super) key: &'s str,
    pub(super) name: &'s str,
    pub(super) tenant: &'s str,
    pub(super) api_key: &'s str,
}

/// The webhooks of a source's `webhooks_file`.
pub(super) fn of_file(path: &Path, source: &OfSource<'_>) -> Result<Vec<Webhook>, ConfigError> {
    let shown = path.display().to_string();
    let mistake = |problem: String| wrong(source.key, &shown, &problem);
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
    read.map_err(|error| mistake(format!("cannot be read: {error}")))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(mistake(format!("expected at most {FILE_BYTES_MAX} bytes")));
    }
    let Entries(entries) = serde_json::from_str(&text).map_err(|error| {
        mistake(format!("expected Hotline's WEBHOOKS object, {{\"https://…\": [\"dialog_created\", \"/mark\"]}}: {error}"))
    })?;
    let webhooks = entries.into_iter().enumerate().map(|(index, (url, events))| {
        let place = |problem: String| mistake(format!("entry {}: {problem}", index + 1));
        let patterns = events.iter().map(|event| event.parse::<Pattern>().map_err(|error| place(error.to_string())));
        let webhook = Webhook::new(&url)
            .tenant(source.tenant)
            .sources([source.name.to_owned()])
            .api_key(source.api_key)
            .events(patterns.collect::<Result<Vec<_>, _>>()?);
        Ok(webhook)
    });
    webhooks.collect()
}

/// A `[[webhooks]]` table.
pub(super) fn of_table<E: Fn(&str) -> Option<String>>(
    index: usize,
    table: WebhookTable,
    text: &Text<E>,
) -> Result<Webhook, ConfigError> {
    let key = |name: &str| format!("webhooks[{index}].{name}");
    let expanded = |name: &str, value: &str| text.expand(&key(name), value);
    let optional = |name: &str, value: Option<String>| value.map(|value| expanded(name, &value)).transpose();
    let hidden = |name: &str, expected: String| ConfigError::Value { key: key(name), value: None, expected };
    let mut webhook = Webhook::new(&expanded("url", &table.url)?)
        .tenant(&expanded("tenant", table.tenant.as_deref().unwrap_or("default"))?)
        .sources(table.sources);
    if let Some(name) = optional("name", table.name)? {
        webhook = webhook.name(&name);
    }
    for event in &table.events {
        let pattern = event.parse::<Pattern>().map_err(|error| hidden("events", error.to_string()))?;
        webhook = webhook.events([pattern]);
    }
    for sender in &table.senders {
        let sender = sender.parse::<Sender>().map_err(|error| hidden("senders", error.to_string()))?;
        webhook = webhook.senders([sender]);
    }
    if let Some(format) = optional("format", table.format)? {
        webhook = webhook.format(format.parse().map_err(|_| wrong(&key("format"), &format, "expected as-received or hotline"))?);
    }
    webhook = match optional("profile", table.profile)?.as_deref() {
        None | Some("default") => webhook,
        Some("none") => webhook.profile(Profile::None),
        Some(other) => return Err(wrong(&key("profile"), other, "expected default or none")),
    };
    if let Some(api_key) = optional("api_key", table.api_key)? {
        webhook = webhook.api_key(SecretString::from(api_key));
    }
    for (name, value) in &table.headers {
        let place = format!("headers.{name}");
        let value = expanded(&place, value)?;
        webhook = webhook.header(name, &value).map_err(|error| hidden(&place, header_problem(error)))?;
    }
    Ok(webhook)
}

fn header_problem(error: WebhookError) -> String {
    match error {
        WebhookError::Header { problem, .. } => problem.into(),
        other => other.to_string(),
    }
}

/// Whether all of them can be served together; `keys` says where each one stands.
pub(super) fn check(webhooks: &[(String, Webhook)], egress: &Egress) -> Result<(), ConfigError> {
    let mut names: Vec<(&str, String)> = Vec::new();
    for (key, webhook) in webhooks {
        let value = |name: &str, expected: String| ConfigError::Value { key: format!("{key}{name}"), value: None, expected };
        let (_, name) = webhook.check(egress).map_err(|error| match error {
            WebhookError::Name(error) => value(".name", error.to_string()),
            WebhookError::Tenant(error) => value(".tenant", error.to_string()),
            WebhookError::Url(error) => value(".url", error.to_string()),
            WebhookError::NoEvents => value(".events", "empty: expected at least one kind or command".into()),
            WebhookError::Header { name, problem } => value(&format!(".headers.{name}"), problem.into()),
        })?;
        let of_tenant = (webhook.tenant.as_str(), name);
        if names.contains(&of_tenant) {
            let expected = format!("{:?} is another webhook's: expected a name that no other one has", of_tenant.1);
            return Err(value(".name", expected));
        }
        names.push(of_tenant);
    }
    Ok(())
}
