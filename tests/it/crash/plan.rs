//! How each host dies: by chance, from a seed.

use fastrand::Rng;

use crate::harness::Place;

/// The most commits, answers or events until a host dies: it has a backlog by then, and 100 of them take minutes.
const COUNT_MAX: u32 = 150;

/// About how many writes a commit under load takes.
const WRITES_EACH: u32 = 8;

/// How a host dies.
#[derive(Clone, Copy, Debug)]
pub(super) enum Death {
    /// Whatever it is doing when so many events were accepted of it.
    AfterAccepted(u32),
    /// At this place of a commit, the count-th time; that may be before it serves.
    At(Place, u32),
    /// When its receiver has answered so often, and it cannot have recorded that.
    AfterAnswer(u32),
}

/// Chance from a seed.
#[derive(Debug)]
pub(super) struct Plan {
    chance: Rng,
    /// Which ways to die are still to come before each has come once.
    left: Vec<usize>,
}

impl Plan {
    pub(super) fn of(seed: u64) -> Self {
        Self { chance: Rng::with_seed(seed), left: Vec::new() }
    }

    /// The next host's end.
    pub(super) fn next(&mut self) -> Death {
        if self.left.is_empty() {
            self.left = (0..5).collect();
            self.chance.shuffle(&mut self.left);
        }
        // As often early as late.
        let most = if self.chance.bool() { 8 } else { COUNT_MAX };
        let count = self.chance.u32(1..=most);
        match self.left.pop() {
            Some(1) => Death::At(Place::BeforeSync, count),
            Some(2) => Death::At(Place::AfterSync, count),
            Some(3) => Death::At(Place::AfterWrite, count * WRITES_EACH),
            Some(4) => Death::AfterAnswer(count),
            _ => Death::AfterAccepted(count),
        }
    }

    /// Whether the machine loses power, too, so that what was not synced is torn.
    pub(super) fn loses_power(&mut self) -> bool {
        self.chance.bool()
    }

    /// Whether a sender who got no answer sends the same again.
    pub(super) fn comes_again(&mut self) -> bool {
        self.chance.bool()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.chance.u8(..)
    }
}
