//! The black-box tests: the real binary, real HTTP, real files. This file is the table of what is tested.
//!
//! Each test has a host and folders of its own. It waits for states, with a limit, and never for a while.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of this is a test: a failed expectation is how it reports"
)]

mod harness;

/// Bodies that are no commands and no events.
mod bodies;
/// The platform's request, and the way of a command.
mod commands;
/// What an operator gets to see.
mod replies;
/// Who may send one.
mod senders;
mod signatures;

/// Whether a key is anywhere.
mod credentials;
/// What becomes of a delivery.
mod deliveries;
/// What a plugin's events change.
mod effects;
/// Where requests may go.
mod egress;
/// Events that plugins emit.
mod emits;
/// System events, as plugins and remotes get them.
mod events;
/// Commands that no plugin owns.
mod fallback;
/// Who observes a command.
mod native;
mod observers;
/// Deliveries to those who are gone for a while.
mod parked;
/// Events that are sent again.
mod rename;
mod repeats;
/// What outlives the sudden end of a host.
mod survival;

/// Hosts that are killed, again and again.
mod crash;
/// How a host ends that is told to.
mod ending;
/// Disks that fail.
mod faults;
/// More than the disk can take.
mod overload;

/// Compiled code on disk.
mod cache;
/// Which of a plugin's events its grant lets through.
mod filters;
/// Subscriptions that nothing fits.
mod never_matching;
/// Who answers a command.
mod owners;
/// Sources and webhooks that change while a host runs.
mod receivers;
mod reconfigure;
/// Plugins that come, change and go.
mod reload;
/// Plugins that are replaced without a pause.
mod replaced;
mod replays;
/// What is left after a restart.
mod restart;
/// Plugins of earlier interfaces.
mod versions;

/// What a plugin is granted.
mod grants;
/// Plugins that mean harm.
mod hostile;
/// Plugins whose events cause themselves.
mod hostile_events;
/// Files that are no plugins.
mod hostile_files;
/// Plugins that send HTTP where they must not.
mod hostile_http;
/// Remotes that do not answer as they should.
mod hostile_remotes;
mod hostile_senders;
/// HTTP that plugins send.
mod http;
/// What a plugin must not reach.
mod isolation;
/// What a plugin keeps.
mod kv;
/// What a call may use.
mod limits;
/// Whether the limits hold, by the word of `slashbox selftest`.
mod selftest;
/// What else a plugin may ask for.
mod services;
/// What plugins do later.
mod timers;

/// What operators look at.
mod admin;

/// `slashbox events` and `slashbox deliveries`.
mod listings;
/// Plugins and how they stand: the admin API, and `slashbox plugins`.
mod platforms;
mod plugins;

/// A plugin from its first line to its first call.
mod author;
/// `slashbox call`.
mod call;
/// `slashbox check`.
mod check;
/// `slashbox config`, and what is wrong usage.
mod config;
/// `slashbox emit`.
mod emit;
/// `slashbox samples`.
mod samples;
/// `slashbox send`.
mod send;
/// `slashbox serve`, from its first line to its end.
mod serve;
/// What is configured of a remote.
mod webhooks;

/// The example plugins that live on events.
mod clients;

/// The library, without HTTP and without the binary.
mod embed;

/// Plugins in other languages than Rust.
mod languages;
