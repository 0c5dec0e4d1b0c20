//! The sandbox of slashbox: loads plugins from a folder, keeps them current, and calls them.
//!
//! Owns everything that knows wasmtime. A call runs in a fresh sandbox under limits and gives back how it ended and what
//! it wants to change, `(Outcome, Effects)`; this crate never writes the store, it only reads from it. Nothing that goes
//! wrong in a plugin, a plugin's file or a grant ends more than that one call or that one load.

mod beginning;
mod bindings;
mod cache;
mod call;
mod catalog;
mod compile;
mod component;
mod cost;
mod emit_rate;
mod engine;
mod folder;
mod from_wit;
mod grant;
mod guest;
mod health;
mod http_bounds;
mod kept;
mod lanes;
mod limiter;
mod load;
mod meter;
mod mismatch;
mod pace;
mod places;
mod plugin;
mod reload;
mod rename;
mod report;
mod runtime;
mod services;
mod shelf;
mod telemetry;
mod threads;
mod to_wit;
mod watch;

pub use call::{Call, Input};
pub use catalog::{Catalog, Owner, Problem, Standing};
pub use component::LoadError;
pub use cost::Cost;
pub use engine::{Settings, StartError};
pub use grant::{Grant, GrantError};
pub use plugin::{Ask, Plugin, PluginFile};
pub use rename::{RenameFilesError, Renaming};
pub use runtime::{Folders, Runtime};
