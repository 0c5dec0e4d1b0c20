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
}

/// About two minutes.
pub(crate) const FULL: Plan = Plan {
    sessions: 3,
    call_turns: 10,
    call_round: Duration::from_millis(150),
    command_turns: 5,
    command_round: Duration::from_secs(2),
};

/// A quarter of a minute: to see that it works, and where about the figures are.
pub(crate) const QUICK: Plan = Plan {
    sessions: 1,
    call_turns: 5,
    call_round: Duration::from_millis(100),
    command_turns: 3,
    command_round: Duration::from_secs(1),
};
