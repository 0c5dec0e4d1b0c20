//! How a remote webhook wants to be written to.

use std::{fmt, str::FromStr};

use slashbox_core::{Command, Event};

use crate::{Dialect, cloudevents, json::one_of, standard};

/// How requests to a remote webhook are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// As the platform wrote it, with the subscriber's own credential. What no platform wrote (an event of an embedding
    /// program, of a plugin) goes in slashbox's own dialect.
    #[default]
    AsReceived,
    /// As a platform would write it, wherever the event came from.
    Dialect(Dialect),
    /// The payload of [Standard Webhooks](https://www.standardwebhooks.com).
    Standard,
    /// [CloudEvents](https://cloudevents.io) 1.0, structured.
    CloudEvents,
}

/// A text that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no format: expected {}", Format::names())]
pub struct FormatError {
    name: String,
}

/// By what a subscriber knows the sender, where the format has a place for it.
#[derive(Clone, Copy, Default)]
pub struct Recipient<'r> {
    /// What goes into the body.
    pub api_key: Option<&'r str>,
    /// By what the body is signed.
    pub hmac_secret: Option<&'r str>,
}

/// Without what they are.
impl fmt::Debug for Recipient<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient(..)")
    }
}

/// A request's body, and the headers that belong to its format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The body's type.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
    /// Name, in lower case, and value of a header by which the receiver knows the sender.
    pub signature: Option<(&'static str, String)>,
}

impl Rendered {
    pub(crate) fn json(body: String) -> Self {
        Self { content_type: "application/json", body, signature: None }
    }
}

impl Format {
    /// Each of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let dialects = Dialect::ALL.iter().copied().map(Self::Dialect);
        std::iter::once(Self::AsReceived).chain(dialects).chain([Self::Standard, Self::CloudEvents])
    }

    /// The names of all, for people: `as-received, hotline, … or cloudevents`.
    pub fn names() -> String {
        one_of(Self::all().map(Self::name))
    }

    /// Its name in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::AsReceived => "as-received",
            Self::Dialect(dialect) => dialect.name(),
            Self::Standard => "standard",
            Self::CloudEvents => "cloudevents",
        }
    }

    /// The request that tells a subscriber of an event, or of a command that another answers.
    pub fn event(self, event: &Event, to: &Recipient<'_>) -> Rendered {
        match self {
            Self::AsReceived => event.origin.dialect.parse().unwrap_or(Dialect::NATIVE).render(event, to),
            Self::Dialect(dialect) => dialect.render(event, to),
            Self::Standard => standard::render(event),
            Self::CloudEvents => cloudevents::render(event),
        }
    }

    /// The request that has a subscriber answer a command.
    pub fn command(self, command: &Command, to: &Recipient<'_>) -> Rendered {
        self.event(&Event::from(command), to)
    }

    /// Whether it can say that something is a command; in others, it goes as an event of the command's name.
    pub fn has_commands(self) -> bool {
        match self {
            Self::Dialect(dialect) => dialect.has_commands(),
            Self::AsReceived | Self::Standard | Self::CloudEvents => true,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::all()
            .find(|format| format.name() == name)
            .ok_or_else(|| FormatError { name: name.chars().take(60).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for format in Format::all() {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        for wrong in ["", "Hotline", "as_received"] {
            let error = wrong.parse::<Format>().unwrap_err().to_string();
            let expected = "as-received, hotline, sendpulse, tg-staff, inbox, native, standard or cloudevents";
            assert_eq!(error, format!("{wrong:?} is no format: expected {expected}"));
        }
    }
}
