//! The figures that `docs/deliveries.md` tells are those of the program.

use std::time::Duration;

use slashbox_core::Schedule;
use slashbox_egress::{CONNECT_MAX, Limits};

use crate::{
    breaker::{self, ATTEMPTS_MIN, FAILED_PERCENT, WINDOW_MS},
    fares::{FAILING_MAX, FAILURES_MIN, GONE_MAX, WARNED_EACH},
    heads::BLOCKED_MAX,
    queues::{PLUGIN_ATTEMPTS_MAX, REMOTE_ATTEMPTS_MAX, share_of_again},
    remote::{ANSWER_BYTES_MAX, ANSWER_MAX, IN_FLIGHT_MAX},
    retry_after::HINT_MAX,
    worker::LEASE_MARGIN,
};

/// As people say it.
fn said(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds < 60 => format!("{seconds} s"),
        seconds if seconds < 3_600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

fn pauses(schedule: &Schedule) -> String {
    schedule.pauses.iter().copied().map(said).collect::<Vec<_>>().join(", ")
}

/// The pauses after attempts that use up nothing, as long as they differ.
fn pauses_uncounted() -> String {
    let pause = |made| Schedule::none().pause_uncounted(made, Duration::ZERO, 0.0);
    let differing = (1..).take_while(|&made| made == 1 || pause(made) != pause(made - 1));
    let differing: Vec<String> = differing.map(|made| said(pause(made))).collect();
    format!("{}, and {} ever after", differing.join(", "), said(pause(u32::MAX)))
}

#[test]
fn each_figure_is_written_down() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/deliveries.md")).unwrap();
    let (_, table) = text.split_once("|---|---|---|---|\n").unwrap();
    let rows = table.lines().map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let written: Vec<(String, String)> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split(" | ").collect();
            assert!(cells.len() == 4 && cells.iter().all(|cell| !cell.is_empty()), "{row}");
            (cells[0].to_owned(), cells[1].to_owned())
        })
        .collect();
    let remote = Schedule::remote();
    assert_eq!(share_of_again(IN_FLIGHT_MAX) * 2, IN_FLIGHT_MAX);
    assert_eq!(Limits::default().total, ANSWER_MAX);
    let expected = [
        ("success", format!("a status from 200 to 299 within {}, the whole answer included", said(ANSWER_MAX))),
        ("connection", format!("within {}", said(CONNECT_MAX))),
        ("answer", {
            let (read, kept) = (Limits::default().body_bytes_max / 1024, ANSWER_BYTES_MAX / 1024);
            format!("{read} KiB are read, {kept} KiB are kept")
        }),
        ("pauses of a webhook", pauses(&remote)),
        ("pauses of a plugin", pauses(&Schedule::plugin())),
        ("pauses after attempts that use up nothing", pauses_uncounted()),
        ("chance, added to each pause", {
            format!("up to {} %, at least up to {}", remote.jitter_percent, said(remote.jitter_min))
        }),
        ("`Retry-After` of a 429 or 503", {
            format!("heeded if it asks for more than the schedule, up to {}", said(HINT_MAX))
        }),
        ("requests at the same time to a webhook", IN_FLIGHT_MAX.to_string()),
        ("requests in a second to a webhook", "no limit".into()),
        ("attempts at the same time", {
            format!("{REMOTE_ATTEMPTS_MAX} at webhooks, {PLUGIN_ATTEMPTS_MAX} at plugins")
        }),
        ("of these, retries and replays", "half".into()),
        ("left alone", {
            let window = said(Duration::from_millis(WINDOW_MS));
            format!("when {FAILED_PERCENT} % of at least {ATTEMPTS_MIN} attempts in {window} failed")
        }),
        ("… for", {
            let (first, longest) = breaker::PAUSES;
            format!("{}, then twice as long each time, up to {}", said(first), said(longest))
        }),
        ("set aside", format!("after {} in which it alone failed", said(BLOCKED_MAX))),
        ("warned", format!("each {} without success", said(WARNED_EACH))),
        ("disabled", {
            let days = FAILING_MAX.as_secs() / (24 * 3_600);
            let gone = said(GONE_MAX);
            format!("after {days} days without success and {FAILURES_MIN} failures, or {gone} of nothing but 410")
        }),
        ("lease of an attempt", format!("its own limit, and {}", said(LEASE_MARGIN))),
    ];
    assert_eq!(written, expected.map(|(what, figure)| (what.to_owned(), figure)));
}
