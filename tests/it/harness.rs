//! What every test needs: a place for a host, a host that runs there, and ways to ask it and to wait for it.

mod answer;
mod binary;
mod bystander;
mod curt;
mod disk;
mod endless;
mod foreign;
mod lines;
mod load;
mod platform;
mod process;
mod receiver;
mod recorded;
mod sender;
mod server;
mod site;

use std::{
    io::Write,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;

pub(crate) use answer::Answer;
pub(crate) use bystander::Bystander;
pub(crate) use curt::{Certificate, Curt};
pub(crate) use disk::{Disk, Fault, Place};
pub(crate) use endless::{Endless, Part};
pub(crate) use foreign::{changed, of_world};
pub(crate) use lines::Lines;
pub(crate) use load::Load;
pub(crate) use platform::{Platform, SECRET};
pub(crate) use process::{Ended, Process};
pub(crate) use receiver::{Received, Receiver, Said};
pub(crate) use recorded::{DIALOG_REOPENED, MARK, MESSAGE_SENT, data_of, recorded};
pub(crate) use sender::{Sender, Taken, client};
pub(crate) use server::Server;
pub(crate) use site::{KEY, Site, guest};

/// The version of slashbox: all packages of the repository have the same.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How long a state may take to come: many times what it takes on a busy machine, and short enough for somebody to see
/// which one it was.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long until the next look.
const LOOK: Duration = Duration::from_millis(10);

/// Looks until there is something to be seen.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "{what}: not so within {PATIENCE:?}");
        tokio::time::sleep(LOOK).await;
    }
}

/// A time of an answer.
pub(crate) fn at(time: &Value) -> Timestamp {
    time.as_str().unwrap_or_else(|| panic!("{time} is no time")).parse().unwrap()
}

/// How much later one is than another.
pub(crate) fn between(earlier: &Value, later: &Value) -> Duration {
    at(later).duration_since(at(earlier)).try_into().unwrap()
}

/// Says in the summary that a test left itself out, and why.
pub(crate) fn skipped(test: &str, why: &str) {
    // All at once: a test beside this one may write there too.
    std::io::stderr().write_all(format!("skipped: {test}: {why}\n").as_bytes()).unwrap();
}

/// Asserts that a text has each of the parts.
pub(crate) fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "expected {part:?} in:\n{text}");
    }
}
