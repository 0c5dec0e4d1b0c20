//! What slashbox keeps over a crash: events, their deliveries and attempts, by what events are known again, the plugins'
//! key-value memory and their timers.
//!
//! Owns the data directory's database, its one writer, its readers, its schema. Never decides what is stored, and reads
//! no clock: whoever needs the time is given it.
//!
//! Invariants:
//! * What a method of [`Store`] has confirmed survives a crash of the process and of the machine.
//! * An event is kept together with its deliveries and its dedupe key, or not at all.
//! * Of a subscriber's open deliveries of one conversation, only the oldest can be claimed; one claim at a time counts.
//! * What a call changes is kept all or none, together with its outcome, and only if what it read still holds and the
//!   plugin keeps no more than it may.
//! * A timer that fires becomes one event, on its way to the plugin that set it; before that it is there.
//! * What is removed is old, and nobody is to get it any more.
//! * One process at a time has a data directory, and one thread in it writes.
//! * No type or error of the SQL library appears outside.

mod accept;
mod attempts;
mod claims;
mod commit;
mod data_dir;
mod database;
mod dead_letters;
mod dedupe;
mod deliveries;
mod error;
mod events;
mod keys;
mod kv;
mod lanes;
mod listings;
mod migrations;
mod numbers;
#[cfg(test)]
mod plans;
mod reader;
mod rename;
mod replays;
mod retention;
mod revisions;
mod store;
mod subscribers;
mod timers;
mod usage;
mod writer;

pub use accept::{Accepted, NewEvent};
pub use attempts::Finished;
pub use claims::{ClaimRequest, Claimed, Claims, Ready};
pub use commit::Change;
pub use dead_letters::{Backlog, GiveUp, GivenUp, Rule};
pub use error::{CommitError, Fault, FinishError, OpenError, ReadError, RenameError, WriteError};
pub use keys::{DeliveryKey, DeliveryKeyError, Health, Subscriber, SubscriberKey};
pub use kv::Entry;
pub use listings::{DeliveryFilter, DeliveryRecord, DeliveryStory, EventFilter, EventRecord, Page, Payload};
pub use reader::Reader;
pub use rename::Moved;
pub use replays::{ReplayTo, Replayed};
pub use retention::{Removed, Span};
pub use store::Store;
pub use timers::Fired;
pub use usage::Usage;
