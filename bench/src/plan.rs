//! How much is measured.

use std::time::Duration;

/// How many rounds there are, and how long each takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How often the processes are started anew: where their memory lies differs each time, and costs a few per cent.
    pub(crate) sessions: usize,
    /// Turns of goal 1 in a session: each contestant once on one thread, once on two.
    pub(crate) call_turns: usize,
    /// A round of calls.
    pub(crate) call_round: Duration,
    /// Turns of goal 2 in a session: each server once.
    pub(crate) command_turns: usize,
    /// A round of HTTP commands.
    pub(crate) command_round: Duration,
    /// Turns of goal 3 in a session: each server and bare SQLite once, for each number of connections.
    pub(crate) ingest_turns: usize,
    /// A round of events over HTTP.
    pub(crate) ingest_round: Duration,
    /// A round of bare SQLite: shorter, since it writes faster, so that both databases are of a size.
    pub(crate) rows_round: Duration,
    /// Turns of goal 4 in a session: each once.
    pub(crate) delivery_turns: usize,
    /// How long events are accepted while the receiver answers nothing, …
    pub(crate) pile_round: Duration,
    /// … and while it does.
    pub(crate) together_round: Duration,
    /// A round of bare reqwest.
    pub(crate) send_round: Duration,
    /// Turns of goal 5 in a session: claims of few and of many, …
    pub(crate) claim_turns: usize,
    /// … a round of claims, …
    pub(crate) claim_round: Duration,
    /// … turns of events that are on their way, …
    pub(crate) arrival_turns: usize,
    /// … a round of those, …
    pub(crate) arrival_round: Duration,
    /// … the deliveries in a long log, …
    pub(crate) log_deliveries: u64,
    /// … and a round of looks at it.
    pub(crate) look_round: Duration,
    /// Starts of goal 6 in a session, with a warm cache and without plugins.
    pub(crate) starts: usize,
    /// Plugins in Rust that are dropped in a session, …
    pub(crate) drops: usize,
    /// … and in each other language: they compile for seconds.
    pub(crate) language_drops: usize,
    /// Reloads in the whole run.
    pub(crate) reloads: usize,
    /// Turns of goal 7 in a session: a calm and a hostile round for each kind of attack and number of connections.
    pub(crate) neighbour_turns: usize,
    /// A round of the bystander.
    pub(crate) neighbour_round: Duration,
    /// Turns of goal 8 in a session: a batch of each dialect's samples, and one of a `Value`.
    pub(crate) dialect_turns: usize,
}

/// About a quarter of an hour.
pub(crate) const FULL: Plan = Plan {
    sessions: 3,
    call_turns: 10,
    call_round: Duration::from_millis(150),
    command_turns: 5,
    command_round: Duration::from_secs(2),
    ingest_turns: 4,
    ingest_round: Duration::from_secs(1),
    rows_round: Duration::from_millis(400),
    delivery_turns: 4,
    pile_round: Duration::from_secs(1),
    together_round: Duration::from_secs(2),
    send_round: Duration::from_secs(1),
    claim_turns: 5,
    claim_round: Duration::from_secs(1),
    arrival_turns: 3,
    arrival_round: Duration::from_secs(3),
    log_deliveries: 10_000_000,
    look_round: Duration::from_secs(2),
    starts: 10,
    drops: 6,
    language_drops: 1,
    reloads: 1_000,
    neighbour_turns: 2,
    neighbour_round: Duration::from_secs(1),
    dialect_turns: 20,
};

/// Some three minutes: to see that it works, and where about the figures are.
pub(crate) const QUICK: Plan = Plan {
    sessions: 1,
    call_turns: 5,
    call_round: Duration::from_millis(100),
    command_turns: 3,
    command_round: Duration::from_secs(1),
    ingest_turns: 3,
    ingest_round: Duration::from_millis(500),
    rows_round: Duration::from_millis(200),
    delivery_turns: 3,
    pile_round: Duration::from_millis(500),
    together_round: Duration::from_secs(1),
    send_round: Duration::from_millis(500),
    claim_turns: 3,
    claim_round: Duration::from_millis(500),
    arrival_turns: 2,
    arrival_round: Duration::from_secs(2),
    log_deliveries: 1_000_000,
    look_round: Duration::from_millis(300),
    starts: 5,
    drops: 4,
    language_drops: 1,
    reloads: 100,
    neighbour_turns: 1,
    neighbour_round: Duration::from_millis(500),
    dialect_turns: 10,
};
