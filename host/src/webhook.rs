//! A remote webhook as it is configured: where it is, what it wants, how it is written to.

use std::{fmt, time::Duration};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_TYPE, HOST, USER_AGENT},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use slashbox_core::{
    NameError, Pattern, Schedule, Sender, Subscription, check_name,
    signature::{SigningKey, sign},
};
use slashbox_delivery::{ANSWER_MAX, IN_FLIGHT_MAX, Success};
use slashbox_dialects::{Dialect, Format};
use slashbox_egress::{OWN_HEADERS, Settings as EgressSettings, Target, TargetError};

/// The headers that the host itself writes, besides those that belong to the connection.
const OWN: [HeaderName; 3] = [CONTENT_TYPE, HOST, USER_AGENT];

/// What every header that tells of the delivery begins with.
const OWN_PREFIX: &str = "webhook-";

/// How many letters of the digest a name ends with, if nobody gave one: enough for some thousand webhooks on one host.
const NAME_HASH_CHARS: usize = 8;

/// When attempts that failed are made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Nine more times in some 28 hours, at any pace.
    #[default]
    Default,
    /// As TG-Staff does: three more times in some eight minutes, and no more than ten requests in a second. Status 200 within 5 s is
    /// success, and nothing else.
    TgStaff,
    /// Never.
    None,
}

impl Profile {
    pub(crate) fn schedule(self) -> Schedule {
        match self {
            Self::Default => Schedule::remote(),
            Self::TgStaff => Schedule::tg_staff(),
            Self::None => Schedule::none(),
        }
    }

    pub(crate) fn success(self) -> Success {
        match self {
            Self::TgStaff => Success::Only200,
            Self::Default | Self::None => Success::Any2xx,
        }
    }

    pub(crate) fn answer_max(self) -> Duration {
        match self {
            Self::TgStaff => Duration::from_secs(5),
            Self::Default | Self::None => ANSWER_MAX,
        }
    }

    pub(crate) fn per_second(self) -> Option<u32> {
        match self {
            Self::TgStaff => Some(10),
            Self::Default | Self::None => None,
        }
    }
}

/// A remote subscriber: it gets a tenant's events over HTTP, and answers commands that no plugin owns.
#[derive(Clone)]
pub struct Webhook {
    pub(crate) name: Option<String>,
    pub(crate) tenant: String,
    pub(crate) url: String,
    pub(crate) subscription: Subscription,
    pub(crate) format: Format,
    pub(crate) profile: Option<Profile>,
    pub(crate) in_flight_max: u32,
    pub(crate) per_second: Option<u32>,
    pub(crate) api_key: Option<SecretString>,
    pub(crate) hmac_secret: Option<SecretString>,
    pub(crate) keys: Vec<SigningKey>,
    pub(crate) headers: HeaderMap,
}

/// Why a webhook cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Its name cannot stand in a path.
    #[error("name: {0}")]
    Name(NameError),
    /// Its tenant's name is none.
    #[error("tenant: {0}")]
    Tenant(NameError),
    /// Requests must not or cannot go there.
    #[error("url: {0}")]
    Url(#[from] TargetError),
    /// It wants nothing.
    #[error("events: expected at least one kind or command")]
    NoEvents,
    /// A header that HTTP does not know, or that the host writes itself.
    #[error("header {name:?}: {problem}")]
    Header {
        /// Which header.
        name: String,
        /// Why not. Never its value, which may be a secret.
        problem: &'static str,
    },
}

impl Webhook {
    /// A webhook of the tenant `default` that wants nothing yet.
    pub fn new(url: &str) -> Self {
        Self {
            name: None,
            tenant: "default".into(),
            url: url.into(),
            subscription: Subscription::default(),
            format: Format::AsReceived,
            profile: None,
            in_flight_max: IN_FLIGHT_MAX,
            per_second: None,
            api_key: None,
            hmac_secret: None,
            keys: Vec::new(),
            headers: HeaderMap::new(),
        }
    }

    /// What it is called, and what its deliveries belong to, wherever it is reached. If nothing is said, a name is made of
    /// the host and a digest of URL and tenant.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The tenant whose events these are.
    #[must_use]
    pub fn tenant(mut self, tenant: &str) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Any of these kinds and commands.
    #[must_use]
    pub fn events(mut self, patterns: impl IntoIterator<Item = Pattern>) -> Self {
        self.subscription.patterns.extend(patterns);
        self
    }

    /// From these sources alone.
    #[must_use]
    pub fn sources(mut self, sources: impl IntoIterator<Item = String>) -> Self {
        self.subscription.sources.extend(sources);
        self
    }

    /// Written by these alone.
    #[must_use]
    pub fn senders(mut self, senders: impl IntoIterator<Item = Sender>) -> Self {
        self.subscription.senders.extend(senders);
        self
    }

    /// How requests to it are written; as they were received if nothing is said.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// When attempts that failed are made again. If nothing is said, that of TG-Staff for its format, else the default one.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    pub(crate) fn its_profile(&self) -> Profile {
        let of_format =
            if self.format == Format::Dialect(Dialect::TG_STAFF) { Profile::TgStaff } else { Profile::Default };
        self.profile.unwrap_or(of_format)
    }

    /// The most requests to it at the same time, at least 1; 40 if nothing is said.
    #[must_use]
    pub fn in_flight_max(mut self, in_flight_max: u32) -> Self {
        self.in_flight_max = in_flight_max.max(1);
        self
    }

    /// The most requests to it in a second, at least 1; as many as its profile says if nothing is said.
    #[must_use]
    pub fn per_second(mut self, per_second: u32) -> Self {
        self.per_second = Some(per_second.max(1));
        self
    }

    /// What it knows the sender by, written into the body where the format has a place for it.
    #[must_use]
    pub fn api_key(mut self, api_key: impl Into<SecretString>) -> Self {
        self.api_key = Some(api_key.into());
        self
    }

    /// By what bodies are signed that are written as TG-Staff writes them: the hex of HMAC-SHA256 in
    /// `X-TG-Staff-Signature`.
    #[must_use]
    pub fn hmac_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.hmac_secret = Some(secret.into());
        self
    }

    /// By what its requests are signed ([`signature`](crate::signature)): each by all of them, so that a key can be replaced
    /// while both sides go on.
    #[must_use]
    pub fn signing_keys(mut self, keys: impl IntoIterator<Item = SigningKey>) -> Self {
        self.keys.extend(keys);
        self
    }

    /// A header of its requests, e.g. `Authorization`.
    ///
    /// # Errors
    /// If HTTP does not know such a header or value, or the host writes this one itself.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, WebhookError> {
        let wrong = |problem| WebhookError::Header { name: name.into(), problem };
        let parsed: HeaderName = name.parse().map_err(|_| wrong("expected letters, digits and hyphens"))?;
        if OWN.contains(&parsed) || OWN_HEADERS.contains(&parsed) || parsed.as_str().starts_with(OWN_PREFIX) {
            return Err(wrong("slashbox writes this one itself"));
        }
        let mut value =
            HeaderValue::from_str(value).map_err(|_| wrong("its value has characters that no header may have"))?;
        value.set_sensitive(true);
        self.headers.append(parsed, value);
        Ok(self)
    }

    /// Whether it can be served; gives back where it is and what it is called.
    pub(crate) fn check(&self, egress: &EgressSettings) -> Result<(Target, String), WebhookError> {
        check_name(&self.tenant).map_err(WebhookError::Tenant)?;
        let target = egress.check(&self.url)?;
        if self.subscription.patterns.is_empty() {
            return Err(WebhookError::NoEvents);
        }
        let name = self.name.clone().unwrap_or_else(|| self.made_name(target.host()));
        check_name(&name).map_err(WebhookError::Name)?;
        Ok((target, name))
    }

    /// Another one for each way in which it is reached and written to, and may answer: whatever of that changes, may be what
    /// the attempts before failed for.
    pub(crate) fn revision(&self, egress: &EgressSettings) -> String {
        let Self { url, format, api_key, hmac_secret, keys, headers, .. } = self;
        let profile = self.its_profile();
        let mut parts = Sha256::new();
        let mut part = |bytes: &[u8]| {
            parts.update(bytes.len().to_be_bytes()); // So that no two lists of parts come to the same.
            parts.update(bytes);
        };
        part(format!("{url} {} {:?}", egress.allow_http, egress.allow_cidrs).as_bytes());
        part(format!("{} {:?} {:?}", format.name(), profile.answer_max(), profile.success()).as_bytes());
        for secret in [api_key, hmac_secret] {
            part(&[u8::from(secret.is_some())]);
            part(secret.as_ref().map_or("", ExposeSecret::expose_secret).as_bytes());
        }
        // By what its requests are signed, without the keys themselves. No request is so empty.
        part(sign(keys, "", 0, b"").as_bytes());
        for (name, value) in headers {
            part(name.as_str().as_bytes());
            part(value.as_bytes());
        }
        hex(&parts.finalize())
    }

    /// The URL itself may hold a secret, so only the host is shown of it.
    fn made_name(&self, host: &str) -> String {
        let digest = digest(&format!("{}\n{}", self.url, self.tenant));
        let hash = digest.get(..NAME_HASH_CHARS).unwrap_or_default();
        let fits = |c: char| if c.is_alphanumeric() || c == '.' { c } else { '_' };
        let host: String = host.trim_matches(['[', ']']).chars().take(60).map(fits).collect();
        // An IPv6 address may begin with colons.
        let host = host.trim_start_matches(['_', '.']);
        if host.is_empty() { format!("webhook-{hash}") } else { format!("{host}-{hash}") }
    }
}

pub(crate) fn digest(text: &str) -> String {
    hex(&Sha256::digest(text))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Without its headers and its key, which are secrets.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("name", &self.name)
            .field("tenant", &self.tenant)
            .field("subscription", &self.subscription)
            .field("format", &self.format)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `docs/deliveries.md` has a row for each profile.
    #[test]
    fn the_profiles_are_written_down() {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/deliveries.md")).unwrap();
        for (name, profile) in [("default", Profile::Default), ("tg-staff", Profile::TgStaff), ("none", Profile::None)]
        {
            let row = text.lines().find(|line| line.starts_with(&format!("| `{name}` | "))).unwrap();
            let cells: Vec<&str> = row.split(" | ").collect();
            let attempts = (profile.schedule().pauses.len() + 1).to_string();
            assert_eq!(cells[1].split(' ').next(), Some(&*attempts), "{row}");
            let statuses = if profile.success() == Success::Only200 { "200 alone" } else { "200 to 299" };
            assert_eq!(cells[2], format!("{statuses} within {} s", profile.answer_max().as_secs()), "{row}");
            let per_second = profile.per_second().map_or("no limit".into(), |most| most.to_string());
            assert_eq!(cells[3].trim_end_matches(" |"), per_second, "{row}");
        }
    }

    /// What failed before may succeed when any of this is another.
    #[test]
    fn whatever_a_request_is_made_of_is_part_of_the_revision() {
        let key = |letter: &str| format!("whsec_{}", letter.repeat(32)).parse::<SigningKey>().unwrap();
        let webhook = || {
            let webhook = Webhook::new("https://a.example/").api_key("k".to_owned()).signing_keys([key("A")]);
            webhook.header("x-a", "1").unwrap()
        };
        let egress = EgressSettings::default();
        let revision = |webhook: &Webhook| webhook.revision(&egress);
        let other = [
            Webhook { url: "https://a.example/b".into(), ..webhook() },
            webhook().format(Format::Standard),
            webhook().hmac_secret("k".to_owned()),
            webhook().profile(Profile::TgStaff),
            webhook().api_key("l".to_owned()),
            Webhook { api_key: None, ..webhook() },
            Webhook { api_key: Some(String::new().into()), ..webhook() },
            webhook().signing_keys([key("B")]),
            Webhook { keys: vec![key("B")], ..webhook() },
            Webhook { keys: Vec::new(), ..webhook() },
            webhook().header("x-b", "1").unwrap(),
            Webhook { headers: HeaderMap::new(), ..webhook() }.header("x-a", "2").unwrap(),
        ];
        let mut revisions: Vec<String> = [webhook()].iter().chain(&other).map(revision).collect();
        let allowing = EgressSettings { allow_http: true, ..EgressSettings::default() };
        revisions.push(webhook().revision(&allowing));
        let count = revisions.len();
        revisions.sort_unstable();
        revisions.dedup();
        assert_eq!(revisions.len(), count, "each is another one");
        let same = webhook().name("a").tenant("acme").events(["*".parse().unwrap()]).profile(Profile::None);
        assert_eq!(revision(&same.in_flight_max(1).per_second(1)), revision(&webhook()));
    }
}
