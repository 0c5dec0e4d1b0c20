//! The remotes: `[[webhooks]]`, and the files of Hotline's WEBHOOKS objects.
//!
//! Never shows a URL, a key or a header: each may hold a secret.

use std::{fmt, fs, io::Read, path::Path};

use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use slashbox_core::{Pattern, Sender, signature::SigningKeyError};
use slashbox_dialects::Format;
use slashbox_egress::{RangeError, Settings as EgressSettings};

use super::{
    ConfigError,
    file::{EgressTable, WebhookTable},
    resolve::{Text, hidden, wrong},
};
use crate::{Profile, Webhook, WebhookError};

/// The most bytes of a WEBHOOKS object: some thousand URLs.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The most requests at the same time that may be set: a third of what the host has under way to all remotes, so that
/// one that hangs leaves room to the others.
const IN_FLIGHT_LARGEST: u32 = 256;

/// The most requests in a second that may be set: they are a millisecond apart then.
const PER_SECOND_LARGEST: u32 = 1_000;

/// A webhook, and where it stands in the configuration.
pub(super) type Placed = (Place, Webhook);

/// Where a webhook stands.
pub(super) enum Place {
    /// A table, by its index.
    Table(usize),
    /// An entry of a file, counted from 1, and the key that names the file.
    Entry { key: String, number: usize },
}

impl Place {
    /// What is wrong with one of its values, which is not shown.
    pub(super) fn mistake(&self, name: &str, expected: &str) -> ConfigError {
        match self {
            Self::Table(index) => hidden(&format!("webhooks[{index}].{name}"), expected),
            Self::Entry { key, number } => hidden(key, &format!("entry {number}: {name}: {expected}")),
        }
    }
}

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
                return Err(A::Error::custom(format!(
                    "entry {} has the same URL as an earlier one",
                    entries.len() + 1
                )));
            }
            entries.push((url, events));
        }
        Ok(Entries(entries))
    }
}

/// Where requests may go.
pub(super) fn egress(table: &EgressTable) -> Result<EgressSettings, ConfigError> {
    let ranges = table.allow_cidrs.iter().enumerate().map(|(index, range)| {
        let wrong = |error: RangeError| hidden(&format!("egress.allow_cidrs[{index}]"), &error.to_string());
        range.parse().map_err(wrong)
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
pub(super) fn of_file(path: &Path, source: &OfSource<'_>) -> Result<Vec<Placed>, ConfigError> {
    let shown = path.display().to_string();
    let mistake = |problem: String| wrong(source.key, &shown, &problem);
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
    read.map_err(|error| mistake(format!("cannot be read: {error}")))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(mistake(format!("expected at most {FILE_BYTES_MAX} bytes")));
    }
    let Entries(entries) = serde_json::from_str(&text).map_err(|error| {
        mistake(format!(
            "expected Hotline's WEBHOOKS object, {{\"https://…\": [\"dialog_created\", \"/mark\"]}}: {error}"
        ))
    })?;
    let webhooks = entries.into_iter().enumerate().map(|(index, (url, events))| {
        let place = Place::Entry { key: source.key.into(), number: index + 1 };
        let pattern = |event: &String| event.parse::<Pattern>();
        let patterns =
            events.iter().map(|event| pattern(event).map_err(|error| place.mistake("events", &error.to_string())));
        let patterns = patterns.collect::<Result<Vec<_>, _>>()?;
        let webhook = Webhook::new(&url)
            .tenant(source.tenant)
            .sources([source.name.to_owned()])
            .api_key(source.api_key)
            .events(patterns);
        Ok((place, webhook))
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
    let mistake = |name: &str, expected: String| hidden(&key(name), &expected);
    let mut webhook = Webhook::new(&expanded("url", &table.url)?)
        .tenant(&expanded("tenant", table.tenant.as_deref().unwrap_or("default"))?)
        .sources(table.sources);
    if let Some(name) = optional("name", table.name)? {
        webhook = webhook.name(&name);
    }
    for event in &table.events {
        let pattern = event.parse::<Pattern>().map_err(|error| mistake("events", error.to_string()))?;
        webhook = webhook.events([pattern]);
    }
    for sender in &table.senders {
        let sender = sender.parse::<Sender>().map_err(|error| mistake("senders", error.to_string()))?;
        webhook = webhook.senders([sender]);
    }
    if let Some(format) = optional("format", table.format)? {
        webhook = webhook.format(
            format.parse().map_err(|_| wrong(&key("format"), &format, &format!("expected {}", Format::names())))?,
        );
    }
    webhook = match optional("profile", table.profile)?.as_deref() {
        None => webhook,
        Some("default") => webhook.profile(Profile::Default),
        Some("tg-staff") => webhook.profile(Profile::TgStaff),
        Some("none") => webhook.profile(Profile::None),
        Some(other) => return Err(wrong(&key("profile"), other, "expected default, tg-staff or none")),
    };
    if let Some(in_flight) = table.in_flight {
        if !(1..=IN_FLIGHT_LARGEST).contains(&in_flight) {
            let expected = format!("{in_flight}: expected 1 to {IN_FLIGHT_LARGEST}");
            return Err(mistake("in_flight", expected));
        }
        webhook = webhook.in_flight_max(in_flight);
    }
    if let Some(per_second) = table.per_second {
        if !(1..=PER_SECOND_LARGEST).contains(&per_second) {
            return Err(mistake("per_second", format!("{per_second}: expected 1 to {PER_SECOND_LARGEST}")));
        }
        webhook = webhook.per_second(per_second);
    }
    if let Some(api_key) = optional("api_key", table.api_key)? {
        webhook = webhook.api_key(SecretString::from(api_key));
    }
    if let Some(secret) = optional("hmac_secret", table.hmac_secret)? {
        if secret.is_empty() {
            return Err(mistake("hmac_secret", "empty: expected the secret that the receiver checks by".into()));
        }
        webhook = webhook.hmac_secret(SecretString::from(secret));
    }
    for (number, secret) in table.secrets.iter().enumerate() {
        let place = format!("secrets[{number}]");
        let parsed =
            expanded(&place, secret)?.parse().map_err(|error: SigningKeyError| mistake(&place, error.to_string()));
        webhook = webhook.signing_keys([parsed?]);
    }
    for (name, value) in &table.headers {
        let place = format!("headers.{name}");
        let value = expanded(&place, value)?;
        webhook = webhook.header(name, &value).map_err(|error| mistake(&place, header_problem(error)))?;
    }
    Ok(webhook)
}

fn header_problem(error: WebhookError) -> String {
    match error {
        WebhookError::Header { problem, .. } => problem.into(),
        other => other.to_string(),
    }
}

/// Whether all of them can be served together.
pub(super) fn check(webhooks: &[Placed], egress: &EgressSettings) -> Result<(), ConfigError> {
    let mut names: Vec<(&str, String)> = Vec::new();
    for (place, webhook) in webhooks {
        let (_, name) = webhook.check(egress).map_err(|error| match error {
            WebhookError::Name(error) => place.mistake("name", &error.to_string()),
            WebhookError::Tenant(error) => place.mistake("tenant", &error.to_string()),
            WebhookError::Url(error) => place.mistake("url", &error.to_string()),
            WebhookError::NoEvents => place.mistake("events", "empty: expected at least one kind or command"),
            WebhookError::Header { name, problem } => place.mistake(&format!("headers.{name}"), problem),
        })?;
        let of_tenant = (webhook.tenant.as_str(), name);
        if names.contains(&of_tenant) {
            let expected = format!("{:?} is another webhook's: expected a name that no other one has", of_tenant.1);
            return Err(place.mistake("name", &expected));
        }
        names.push(of_tenant);
    }
    Ok(())
}
