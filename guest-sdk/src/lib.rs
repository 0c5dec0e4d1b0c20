//! Write a plugin for slashbox: it answers commands that operators type, and takes what happens on the platform.
//!
//! A plugin is a few plain functions and one that says what they are for:
//!
//! ```
//! use slashbox_sdk::{Command, Event, Plugin, Result, export, kv, log};
//!
//! export!(plugin);
//!
//! fn plugin() -> Plugin {
//!     Plugin::new("count", env!("CARGO_PKG_VERSION"))
//!         .summary("How much is written")
//!         .command("/count", "", "shows how many messages came in", count)
//!         .on("message.received", received)
//! }
//!
//! fn count(_: Command) -> Result<String> {
//!     let count: Option<u64> = kv::get("count")?;
//!     Ok(format!("{} messages so far", count.unwrap_or(0)))
//! }
//!
//! fn received(event: Event) -> Result<()> {
//!     let count = kv::increment("count", 1)?;
//!     log::debug!("message {count} came in, at attempt {}", event.attempt);
//!     Ok(())
//! }
//! # fn main() {
//! #     use slashbox_sdk::testing::Host;
//! #     let host = Host::new();
//! #     host.event(&plugin(), Event::new("message.received")).unwrap();
//! #     assert_eq!(host.command(&plugin(), Command::new("/count")), Ok(Some("1 messages so far".into())));
//! # }
//! ```
//!
//! # Build and try it
//! `Cargo.toml` says that the crate becomes a plugin:
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [dependencies]
//! slashbox-sdk = "0.1"
//! ```
//!
//! ```text
//! rustup target add wasm32-wasip2
//! cargo build --release --target wasm32-wasip2
//! slashbox call target/wasm32-wasip2/release/count.wasm /count
//! ```
//!
//! The one `.wasm` file is all that the host needs: put it into its plugins folder.
//!
//! # How it runs
//! The host calls a handler in a fresh sandbox each time: nothing in memory survives a call, and two calls never share
//! one. What has to last goes to [`kv`]. What a call changes there, its [`timers`] and the [`events`] that it emits are
//! committed together with its outcome: a call that fails leaves none of them, and an event that comes twice counts once.
//!
//! # Answering
//! A command's handler takes a [`Command`] and returns what [`IntoReply`] lists: a text, a [`Reply`] where the text is
//! [`markdown`], an `Option` of it, or nothing. An event's handler takes an [`Event`] and returns nothing. Both may return
//! a [`Result`] instead: `?` makes a [`Failure`] of any error, [`OrRefuse`] and [`refuse!`] say in the plugin's own words
//! why it does not do what it was asked.
//!
//! # Asking
//! A plugin may keep data ([`kv`]), wake itself later ([`timers`]), tell others ([`events`](mod@events)) and write to the
//! log ([`log`]); none of this needs the operator's word. What the operator set for it is in [`settings`]; a plugin
//! declares which it reads, as it declares the hosts that it wants to reach over [`http`].
//!
//! # Testing
//! On any other target than `wasm32` the services are a fake: handlers are called as the functions that they are, in
//! ordinary tests. See [`testing`].
#![deny(missing_docs)]

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod bindings;
mod command;
mod event;
pub mod events;
mod failure;
#[cfg(target_arch = "wasm32")]
mod host;
pub mod http;
pub mod kv;
pub mod log;
pub mod markdown;
mod millis;
mod origin;
mod pattern;
mod plugin;
mod reply;
mod service_error;
pub mod settings;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod timers;

pub use command::Command;
pub use event::{Event, Sender};
pub use failure::{Failure, OrRefuse, Result};
pub use origin::Origin;
pub use plugin::Plugin;
pub use reply::{Format, IntoDone, IntoReply, Reply};
pub use service_error::ServiceError;
#[cfg(not(target_arch = "wasm32"))]
use testing::fake as host;
pub use timers::Timer;

/// Makes a function that returns a [`Plugin`] the plugin of this crate.
///
/// Once per crate, at its root. Compiled to `wasm32-wasip2`, it exports the interface that the host calls; on other
/// targets it only checks the function's type, so that `cargo test` runs the plugin's own tests.
///
/// ```
/// use slashbox_sdk::{Plugin, export};
///
/// export!(plugin);
///
/// fn plugin() -> Plugin {
///     Plugin::new("ping", env!("CARGO_PKG_VERSION")).command("/ping", "", "answers pong", |_| "pong")
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export {
    ($plugin:path) => {
        const _: fn() -> $crate::Plugin = $plugin;

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Exported;

            impl $crate::bindings::Guest for Exported {
                fn describe() -> $crate::bindings::Descriptor {
                    $crate::bindings::describe(&$plugin())
                }

                fn on_command(
                    command: $crate::bindings::Command,
                ) -> ::core::result::Result<::core::option::Option<$crate::bindings::Reply>, $crate::bindings::Failure>
                {
                    $crate::bindings::on_command(&$plugin(), command)
                }

                fn on_event(event: $crate::bindings::Event) -> ::core::result::Result<(), $crate::bindings::Failure> {
                    $crate::bindings::on_event(&$plugin(), event)
                }
            }

    $crate::bindings::export_plugin!(Exported with_types_in $crate::bindings);
        };
    };
}

/// Compiles the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Compiles the guide's examples.
#[cfg(doctest)]
#[doc = include_str!("../../docs/sdk.md")]
struct Guide;
