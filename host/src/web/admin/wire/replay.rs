//! What became of what operators wanted: replays, and tests of webhooks.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{ReplayPage as Page, Tested as Test};

/// What became of some of the deliveries that were to be replayed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReplayPage {
    /// How many fit the filter.
    #[schema(example = 500)]
    matched: u64,
    /// How many of them are on their way now; in a dry run, how many would be.
    on_their_way: u64,
    /// How many of them wait until their subscriber, who is absent, paused or disabled, comes back.
    parked: u64,
    /// How many are left as they are, since they are on their way already.
    open: u64,
    /// How many cannot be made: nothing is left of their event, or it is of a timer, which belongs to its plugin alone.
    gone: u64,
    /// Give this as `after` to go on; `null` if that was all.
    next: Option<String>,
}

/// What a webhook said to a test.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tested {
    /// The id of what it was sent.
    id: String,
    /// Whether it took that.
    arrived: bool,
    /// The HTTP status that it answered with.
    #[schema(example = 200)]
    status: Option<u16>,
    /// How it ended.
    #[schema(example = "answered with status 200")]
    detail: String,
    /// The beginning of what it answered.
    answer: String,
    /// How long it took, in milliseconds.
    took_ms: u64,
}

impl From<Page> for ReplayPage {
    fn from(page: Page) -> Self {
        let Page { matched, on_their_way, parked, open, gone, next } = page;
        Self { matched, on_their_way, parked, open, gone, next: next.map(|next| next.to_string()) }
    }
}

impl From<Test> for Tested {
    fn from(tested: Test) -> Self {
        let Test { id, arrived, status, detail, answer, took } = tested;
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Self { id, arrived, status, detail, answer, took_ms }
    }
}
