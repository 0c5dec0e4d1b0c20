//! slashbox: a host for custom command handlers of chat-support platforms.
//!
//! Platforms send commands (`/invoice 42`) and events (a message came in); [`Host`] hands each command to the sandboxed
//! WebAssembly plugin that owns it, or to a remote webhook, and gives the reply back; each event it stores, and delivers it
//! to every plugin and webhook that wants it. The binary of this crate is one user of this library; a hosting provider that links it into a
//! service of its own is another, and neither can do what the other cannot.
//!
//! ```no_run
//! # async fn run() -> anyhow::Result<()> {
//! use slashbox::{Host, NewCommand, NewEvent, Source};
//!
//! let host = Host::builder()
//!     .plugins_dir("plugins")
//!     .data_dir("data")
//!     .source(Source::hotline("support", "the key that Hotline sends")?)
//!     .build()
//!     .await?;
//!
//! // Commands come in over HTTP …
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8787").await?;
//! let server = tokio::spawn(axum::serve(listener, host.router()).into_future());
//!
//! // … or from the program itself.
//! let answer = host.command("default", NewCommand::new("/mark").args("deal").conversation("42")).await?;
//! println!("{:?}", answer.outcome);
//! host.emit("default", NewEvent::new("message.received").conversation("42").text("hello")).await?;
//!
//! host.shutdown().await;
//! # server.abort();
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod activation;
mod builder;
pub mod config;
mod configured;
mod host;
mod never_matching;
mod new;
mod pipeline;
mod reload;
mod rename;
mod repeats;
mod replay;
mod room;
mod source;
mod subscribers;
pub mod telemetry;
mod trial;
mod warnings;
mod web;
mod webhook;

pub use builder::{BuildError, HostBuilder};
pub use configured::ConfigurationError;
pub use host::{CommandError, CutOff, EmitError, Host, OfFileError};
pub use never_matching::{About, Warning};
pub use new::{NewCommand, NewEvent};
pub use pipeline::{Answer, Answered};
pub use reload::{Changes, Configuration, ReloadError, Reloaded, WebhookId};
pub use rename::{RenamePluginError, Renamed, rename_plugin};
pub use replay::{Replay, ReplayError, ReplayPage, ReplayTo, Test, Tested, WebhookActionError};
pub use slashbox_core::signature;
pub use slashbox_core::{
    CommandName, CommandNameError, CommandSpec, Conflict, DeliveryState, Descriptor, Effects, Emit, Folder, Format,
    HostLimits, HttpHost, Limit, LimitKey, Limits, NameError, Outcome, Pattern, PatternError, PluginId, PrivateUrl,
    Quota, Reply, Sender, SettingSpec, SubscriberKind, TimerWrite, Trap, Write,
};
pub use slashbox_delivery::Keeping;
pub use slashbox_dialects::{
    Credential, Credentials, CredentialsError, Dialect, DialectError, Format as WebhookFormat, ReplyStyle, Sample,
    Secret, ShortSecret, Shown,
};
pub use slashbox_egress::{Range, RangeError, Settings as EgressSettings, TargetError};
pub use slashbox_runtime::{
    Ask, Catalog, Cost, LoadError, Owner, Plugin, PluginFile, Problem, RenameFilesError, Settings, Standing,
};
pub use slashbox_store::{DeliveryFilter, DeliveryKey, Moved, OpenError, ReadError, RenameError, Usage, WriteError};
pub use source::{Source, SourceError};
pub use subscribers::{WebhookInfo, WebhookState};
pub use trial::{Trial, TrialSettings};
pub use web::{AdminAccess, BODY_BYTES_MAX, version_json};
pub use webhook::{Profile, Webhook, WebhookError};
