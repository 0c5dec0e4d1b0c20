//! How a remote webhook wants to be written to.

use std::{fmt, str::FromStr};

use slashbox_core::{Command, Event};

use crate::hotline;

/// How requests to a remote webhook are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// As the platform wrote it, with the subscriber's own credential. What no platform wrote (an event of an embedding
    /// program, of a plugin, of a timer) goes as [`Format::Hotline`].
    #[default]
    AsReceived,
    /// Hotline's object, wherever the event came from.
    Hotline,
}

/// A text that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no format: expected as-received or hotline")]
pub struct FormatError(String);

/// A request's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The body's type.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Format {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::AsReceived, Self::Hotline];

    /// Its name in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::AsReceived => "as-received",
            Self::Hotline => "hotline",
        }
    }

    /// The request that tells a subscriber of an event. `api_key` is the subscriber's own; the format's member for it
    /// is absent without one.
    pub fn event(&self, event: &Event, api_key: Option<&str>) -> Rendered {
        match self {
            // Hotline is the only dialect so far; more of them make a choice by `event.origin.dialect` here.
            Self::AsReceived | Self::Hotline => hotline::event(event, api_key),
        }
    }

    /// The request that asks a subscriber to answer a command. `api_key` as in [`Format::event`].
    pub fn command(&self, command: &Command, api_key: Option<&str>) -> Rendered {
        match self {
            Self::AsReceived | Self::Hotline => hotline::command(command, api_key),
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
        let found = Self::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| FormatError(name.chars().take(60).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        for wrong in ["", "Hotline", "as_received", "sendpulse"] {
            let error = wrong.parse::<Format>().unwrap_err().to_string();
            assert_eq!(error, format!("{wrong:?} is no format: expected as-received or hotline"));
        }
    }
}
