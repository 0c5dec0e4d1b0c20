//! What becomes of what calls change.

use std::time::Duration;

use slashbox_core::{DeliveryState, Effects, Fault, Limit, Quota, Schedule, Write};
use slashbox_delivery::Changed;
use slashbox_store::CommitError;

use crate::{
    place::{Place, emitting, timing, until},
    script::{
        Say::{Change, HangAndChange},
        Script, changed, conflicting, counting,
    },
};

/// Longer than a plugin's first pause, to which the time is added that the attempt took: with a commit, that is some
/// milliseconds of the machine's clock.
const PAUSE: Duration = Duration::from_secs(10);

/// What was emitted goes to `two`, whom nobody knew before.
async fn with_two() -> (Place, std::sync::Arc<Script>) {
    let place = Place::new(Schedule::plugin()).await;
    let two = Script::new(Schedule::remote(), "1");
    place.names.put("two", &two);
    (place, two)
}

#[tokio::test]
async fn what_a_handler_emits_arrives() {
    let (place, two) = with_two().await;
    place.one.says("a", &[Change(|| emitting("emitted", &["two", "one"]))]);
    place.accept("a", Some("x")).await;
    place.under_way("emitted").await;
    until("it has arrived at both", async || !two.got().is_empty()).await;
    assert_eq!((two.got_of("emitted"), place.one.got_of("emitted")), (vec![1], vec![1]));
    let (record, _) = place.store.reader().event("emitted").await.unwrap().unwrap();
    assert_eq!(record.event.hops, 1);
}

#[tokio::test]
async fn what_a_conflicting_call_emits_does_not_arrive() {
    let (place, two) = with_two().await;
    let stale = Change(|| conflicting(emitting("stale", &["two"])));
    place.one.says("a", &[stale, stale, Change(|| emitting("emitted", &["two"]))]);
    place.accept("a", Some("x")).await;
    place.wait_until_there("emitted").await;
    place.wait_for("emitted", DeliveryState::Succeeded).await;
    assert_eq!(place.record("a").await.attempts, 1);
    assert_eq!(two.got(), [("emitted".to_owned(), 1)]);
    assert!(place.store.reader().event("stale").await.unwrap().is_none());
}

#[tokio::test]
async fn what_a_fenced_call_changes_is_not_kept() {
    let (place, two) = with_two().await;
    let late =
        HangAndChange(|| Changed { effects: timing(&[("late", Some(1))]).effects, ..emitting("late", &["two"]) });
    place.one.says("a", &[late, Change(|| emitting("emitted", &["two"]))]);
    place.accept("a", Some("x")).await;
    place.under_way("a").await;
    // Fifteen seconds for the attempt and thirty for its record.
    place.clock.advance(Duration::from_secs(45));
    place.wait_until_there("emitted").await;
    place.wait_for("emitted", DeliveryState::Succeeded).await;
    place.one.release.notify_one();
    place.settle("the late one has ended").await;
    assert_eq!(two.got(), [("emitted".to_owned(), 1)]);
    assert!(place.store.reader().event("late").await.unwrap().is_none());
    assert_eq!((place.store.reader().next_timer_at_ms().await.unwrap(), place.fired().await.len()), (None, 0));
}

#[tokio::test]
async fn what_a_command_emits_arrives() {
    let (place, two) = with_two().await;
    place.commit(emitting("emitted", &["two"])).await.unwrap();
    place.wait_for("emitted", DeliveryState::Succeeded).await;
    assert_eq!(two.got_of("emitted"), [1]);
    let conflict = place.commit(conflicting(emitting("stale", &["two"]))).await;
    assert!(matches!(conflict, Err(CommitError::Conflict { key }) if key == "count"));
    assert!(place.store.reader().event("stale").await.unwrap().is_none());
    // Nothing to commit, so nothing to check.
    place.commit(conflicting(changed(Effects::default()))).await.unwrap();
}

#[tokio::test]
async fn a_command_that_nobody_waits_for_any_longer_is_committed() {
    let (place, two) = with_two().await;
    place.commit(emitting("known", &["two"])).await.unwrap();
    {
        let both = Changed { effects: timing(&[("t", Some(9))]).effects, ..emitting("emitted", &["two"]) };
        let commit = std::pin::pin!(place.commit(both));
        // As far as the queue of the store's writer; hardly ever is that so quick that it has ended.
        let _ = futures_util::poll!(commit);
    }
    place.wait_until_there("emitted").await;
    place.wait_for("emitted", DeliveryState::Succeeded).await;
    assert_eq!(two.got_of("emitted"), [1]);
    place.clock.advance(Duration::from_secs(9));
    place.under_way("t").await;
}

/// Sets two keys where one may be.
fn over_quota() -> Changed {
    let set = Write::Set { value: Vec::new(), expires_at_ms: None };
    let writes = ["k", "l"].map(|key| (key.to_owned(), set.clone())).into();
    let quota = Quota { kv_keys: 1, kv_bytes: 100, timers: 1 };
    let effects = Effects { writes, ..timing(&[("t", Some(1))]).effects };
    Changed { effects, quota, ..emitting("never", &["two"]) }
}

#[tokio::test]
async fn over_a_quota_the_attempt_fails_and_nothing_is_kept() {
    let (place, two) = with_two().await;
    place.one.says("a", &[Change(over_quota), Change(counting)]);
    place.accept("a", Some("x")).await;
    place.wait_for_attempts("a", 1).await;
    let record = place.record("a").await;
    let last = record.last.unwrap();
    assert_eq!((last.fault, last.detail.as_str()), (Some(Fault::Theirs), "limit: kv limit of 1 keys reached"));
    assert_eq!((record.state, last.status), (DeliveryState::Due, None));
    assert_eq!(place.one.got_of("a"), [1], "it does not run again before its time");
    assert_eq!(place.store.reader().next_timer_at_ms().await.unwrap(), None);
    place.clock.advance(PAUSE);
    assert_eq!(place.wait_for("a", DeliveryState::Succeeded).await.attempts, 2);
    assert_eq!((place.count().await, two.got().len()), (1, 0));
}

#[tokio::test]
async fn a_command_over_a_quota_is_told_so() {
    let (place, _) = with_two().await;
    let error = place.commit(over_quota()).await.unwrap_err();
    assert!(matches!(error, CommitError::Quota(Limit::KvKeys { keys: 1 })), "{error:?}");
    assert!(place.store.reader().event("never").await.unwrap().is_none());
    assert_eq!(place.store.reader().next_timer_at_ms().await.unwrap(), None);
}

#[tokio::test]
async fn a_call_that_sent_http_does_not_run_again_at_once() {
    let place = Place::new(Schedule::plugin()).await;
    let sent = || {
        let changed = conflicting(counting());
        Changed { effects: Effects { sent_http: true, ..changed.effects }, ..changed }
    };
    place.one.says("a", &[Change(sent), Change(counting)]);
    place.accept("a", Some("x")).await;
    place.wait_for_attempts("a", 1).await;
    let last = place.record("a").await.last.unwrap();
    let why = "others changed the same data, and it cannot run again after HTTP";
    assert_eq!((last.fault, last.detail.as_str()), (Some(Fault::Ours), why));
    assert_eq!(place.one.got_of("a"), [1]);
    place.clock.advance(PAUSE);
    place.wait_for("a", DeliveryState::Succeeded).await;
    assert_eq!((place.one.got_of("a"), place.count().await), (vec![1, 2], 1));
}
