//! What slashbox keeps over a crash: at present, the plugins' key-value memory.
//!
//! Owns the data directory's database, its one writer, its readers, its schema. Never decides what is stored, and reads
//! no clock: whoever needs the time is given it.
//!
//! Invariants:
//! * What [`Store::commit`] has confirmed survives a crash of the process and of the machine.
//! * The effects of a call are applied all or none, and only if what the call read still holds.
//! * One process at a time has a data directory, and one thread in it writes.
//! * No type or error of the SQL library appears outside.

mod commit;
mod data_dir;
mod database;
mod error;
mod kv;
mod migrations;
mod reader;
mod store;
mod writer;

pub use error::{CommitError, Fault, OpenError, ReadError};
pub use kv::Entry;
pub use reader::Reader;
pub use store::Store;
