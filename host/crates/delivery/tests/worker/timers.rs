//! When timers fire, and at whom.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use slashbox_core::{DeliveryState, Schedule, SubscriberKind};
use slashbox_store::Store;
use tracing::{Level, Metadata, span};

use crate::{
    place::{BEGIN_MS, Place, timing, until},
    script::{
        Say::{Change, Hang, Yes},
        Script,
    },
};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_timer_fires_when_it_is_due_and_not_before() {
    let place = Place::new(Schedule::plugin()).await;
    place.set_timers(&[("t", Some(10))]).await;
    place.clock.advance(seconds(10) - Duration::from_millis(1));
    place.settle("before").await;
    assert!(place.fired().await.is_empty() && place.one.got_of("t").is_empty());
    place.clock.advance(Duration::from_millis(1));
    place.under_way("t").await;
    let fired = place.fired().await.remove(0);
    assert_eq!((fired.message.as_deref(), fired.conversation.as_deref()), (Some("t"), Some("x")));
    assert_eq!((fired.occurred_at_ms, fired.id.len()), (BEGIN_MS + 10_000, 26));
    let record = place.wait_for(&fired.id, DeliveryState::Succeeded).await;
    assert_eq!((record.subscriber.kind, record.subscriber.name.as_str()), (SubscriberKind::Plugin, "one"));
    place.clock.advance(seconds(1_000));
    place.settle("after").await;
    assert_eq!((place.fired().await.len(), place.one.got_of("t")), (1, vec![1]));
}

#[tokio::test]
async fn a_timer_that_is_replaced_fires_at_its_new_time() {
    for (first, second) in [(100, 10), (10, 100)] {
        let place = Place::new(Schedule::plugin()).await;
        place.set_timers(&[("t", Some(first))]).await;
        place.set_timers(&[("t", Some(second))]).await;
        place.clock.advance(seconds(second) - Duration::from_millis(1));
        place.settle("before").await;
        assert_eq!(place.fired().await.len(), 0, "{first}, then {second}");
        place.clock.advance(Duration::from_millis(1));
        place.under_way("t").await;
        place.clock.advance(seconds(1_000));
        place.settle("after").await;
        assert_eq!(place.one.got_of("t"), [1], "{first}, then {second}");
    }
}

#[tokio::test]
async fn a_timer_that_is_cancelled_does_not_fire() {
    let place = Place::new(Schedule::plugin()).await;
    place.set_timers(&[("t", Some(10)), ("u", Some(20))]).await;
    place.set_timers(&[("t", None)]).await;
    place.clock.advance(seconds(20));
    place.under_way("u").await;
    assert_eq!((place.fired().await.len(), place.one.got_of("t").len()), (1, 0));
}

/// Each sets the next one, in the call that it comes to.
#[tokio::test]
async fn a_timer_may_set_the_next_one() {
    let place = Place::new(Schedule::plugin()).await;
    place.one.says("t", &[Change(|| timing(&[("u", Some(20))]))]);
    place.one.says("u", &[Change(|| timing(&[("v", Some(0))]))]);
    place.set_timers(&[("t", Some(10))]).await;
    place.clock.advance(seconds(10));
    place.under_way("t").await;
    place.clock.advance(seconds(10));
    place.under_way("v").await;
    assert_eq!(place.one.got().len(), 3);
}

#[tokio::test]
async fn more_than_fire_at_once_all_fire() {
    let place = Place::new(Schedule::plugin()).await;
    let names: Vec<String> = (0..250).map(|n| n.to_string()).collect();
    let timers: Vec<_> = names.iter().map(|name| (name.as_str(), Some(10))).collect();
    place.set_timers(&timers).await;
    place.clock.advance(seconds(10));
    for name in &names {
        place.under_way(name).await;
    }
    assert_eq!((place.one.got().len(), place.fired().await.len()), (250, 250));
}

#[tokio::test]
async fn what_was_due_while_nobody_ran_fires_at_the_start() {
    let place = Place::new(Schedule::plugin()).await;
    place.set_timers(&[("t", Some(10)), ("u", Some(100))]).await;
    let place = place.after_crash_of(seconds(50)).await;
    place.under_way("t").await;
    assert_eq!(place.fired().await[0].occurred_at_ms, BEGIN_MS + 10_000);
    place.clock.advance(seconds(50));
    place.under_way("u").await;
    assert_eq!(place.one.got().len(), 2);
}

#[tokio::test]
async fn a_timer_that_has_fired_before_a_crash_does_not_fire_again() {
    let place = Place::new(Schedule::plugin()).await;
    place.one.says("t", &[Hang, Yes]);
    place.set_timers(&[("t", Some(10))]).await;
    place.clock.advance(seconds(10));
    place.under_way("t").await;
    let place = place.after_crash_of(seconds(50)).await;
    let id = place.fired().await[0].id.clone();
    place.wait_for(&id, DeliveryState::Succeeded).await;
    // Its delivery was cut off, and is made again.
    assert_eq!((place.fired().await.len(), place.one.got_of("t")), (1, vec![1, 1]));
}

#[tokio::test]
async fn a_plugin_that_is_gone_gets_what_fired_when_it_comes_back() {
    let place = Place::new(Schedule::plugin()).await;
    // Nobody has ever sent it anything: as a subscriber it is unknown.
    place.set_timers(&[("t", Some(10))]).await;
    place.names.take("one");
    place.deliveries.directory_changed();
    place.clock.advance(seconds(10));
    let other = Script::new(Schedule::remote(), "1");
    place.names.put("other", &other);
    until("it has fired", async || !place.fired().await.is_empty()).await;
    let id = place.fired().await[0].id.clone();
    place.accept_for("a", None, &["other"]).await;
    place.wait_for("a", DeliveryState::Succeeded).await;
    until("it is parked", async || place.record(&id).await.parked).await;
    assert_eq!(place.one.got().len(), 0);
    // Neither does a restart lose it.
    let place = place.after_crash().await;
    assert!(place.record(&id).await.parked);
    place.names.put("one", &place.one);
    place.deliveries.directory_changed();
    assert!(!place.wait_for(&id, DeliveryState::Succeeded).await.parked);
    assert_eq!(place.one.got_of("t"), [1]);
}

#[tokio::test]
async fn nothing_fires_after_a_shutdown() {
    let place = Place::new(Schedule::plugin()).await;
    place.set_timers(&[("t", Some(10))]).await;
    place.settle("the loop waits for it").await;
    let ended = tokio::time::timeout(seconds(30), place.deliveries.shutdown(seconds(5))).await;
    ended.expect("it waits for the timer");
    place.clock.advance(seconds(10));
    place.set_timers(&[("u", Some(5))]).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(place.fired().await, []);
    assert_eq!(place.store.reader().next_timer_at_ms().await.unwrap(), Some(BEGIN_MS + 5_000));
}

/// Counts the errors in the log of its thread.
#[derive(Clone, Default)]
pub(crate) struct Errors(pub(crate) Arc<AtomicU32>);

impl tracing::Subscriber for Errors {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// As long as the database refuses; then without anybody's help, and once.
#[tokio::test]
async fn a_store_that_does_not_write_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::with(Store::open(dir.path()).unwrap(), Schedule::plugin()).await;
    place.set_timers(&[("t", Some(10)), ("u", Some(10))]).await;
    let stranger = rusqlite::Connection::open(dir.path().join("slashbox.db")).unwrap();
    stranger
        .execute_batch("CREATE TRIGGER broken BEFORE DELETE ON timer BEGIN SELECT RAISE(ABORT, 'broken'); END")
        .unwrap();
    let errors = Errors::default();
    let log = tracing::subscriber::set_default(errors.clone());
    place.clock.advance(seconds(10));
    until("it has failed", async || errors.0.load(Ordering::Relaxed) > 0).await;
    drop(log);
    assert_eq!(place.fired().await, []);
    stranger.execute_batch("DROP TRIGGER broken").unwrap();
    place.under_way("t").await;
    place.under_way("u").await;
    assert_eq!((place.fired().await.len(), place.one.got().len()), (2, 2));
}
