//! What becomes a dead letter by itself, and what is removed, day after day.

use std::{sync::atomic::Ordering, time::Duration};

use slashbox_core::{DeadWhy, DeliveryState, Schedule};
use slashbox_delivery::{Clock as _, Keeping};
use slashbox_store::{Payload, Store};

use crate::{
    place::{Place, id, until},
    script::Say::{Aside, No},
    timers::Errors,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The loop looks every minute.
const LOOK: Duration = Duration::from_secs(60);

/// `one` is paused, so that whatever it should get stays open.
async fn paused(keeping: Keeping) -> Place {
    let place = Place::keeping(Store::in_memory().unwrap(), Schedule::remote(), keeping).await;
    place.deliveries.pause(&id("one")).await.unwrap();
    place
}

/// `one` is there, and never has a place: whatever it should get stays open.
async fn full(keeping: Keeping) -> Place {
    let place = Place::keeping(Store::in_memory().unwrap(), Schedule::remote(), keeping).await;
    place.one.says_otherwise(Aside(1_000_000_000));
    place
}

async fn wait_until_dead(place: &Place, event: &str, why: DeadWhy) {
    let dead = place.wait_for(event, DeliveryState::Dead).await;
    assert_eq!((dead.dead_why, dead.attempts, dead.dead_since_ms.is_some()), (Some(why), 0, true), "{event}");
}

async fn state(place: &Place, event: &str) -> DeliveryState {
    place.record(event).await.state
}

/// How the event's payload stands; none if the event is gone.
async fn payload(place: &Place, event: &str) -> Option<Payload> {
    place.store.reader().event(event).await.unwrap().map(|(record, _)| record.payload)
}

async fn wait_for_payload(place: &Place, event: &str, expected: Option<Payload>) {
    until(&format!("{event} is {expected:?}"), async || payload(place, event).await == expected).await;
}

#[tokio::test]
async fn what_waits_for_a_week_is_a_dead_letter() {
    let place = full(Keeping::default()).await;
    place.accept("a", Some("x")).await;
    place.clock.advance(Duration::from_millis(1));
    place.accept("b", Some("x")).await;
    place.clock.advance(7 * DAY - Duration::from_millis(1));
    wait_until_dead(&place, "a", DeadWhy::Waited).await;
    assert!(state(&place, "b").await.is_open(), "it is the next one, and a millisecond too young");
    place.clock.advance(LOOK);
    wait_until_dead(&place, "b", DeadWhy::Waited).await;
}

#[tokio::test]
async fn of_a_full_backlog_the_oldest_are_dead_letters() {
    let place = paused(Keeping { backlog_max: 3, ..Keeping::default() }).await;
    for event in ["a", "b", "c"] {
        place.accept(event, Some("x")).await;
    }
    place.accept_for("another's", None, &["two"]).await;
    let errors = Errors::default();
    let _log = tracing::subscriber::set_default(errors.clone());
    place.clock.advance(LOOK);
    place.accept("d", Some("x")).await;
    place.accept("e", Some("x")).await;
    place.clock.advance(LOOK);
    wait_until_dead(&place, "a", DeadWhy::Backlog).await;
    wait_until_dead(&place, "b", DeadWhy::Backlog).await;
    until("it is said", async || errors.0.load(Ordering::Relaxed) > 0).await;
    assert_eq!(state(&place, "c").await, DeliveryState::Due);
    place.deliveries.resume(&id("one")).await.unwrap();
    place.wait_for("e", DeliveryState::Succeeded).await;
    assert_eq!(place.one.got().len(), 3);
    assert_eq!(errors.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_next_of_its_conversation_is_delivered_at_once() {
    let keeping = Keeping { backlog_max: 1, ..Keeping::default() };
    let place = Place::keeping(Store::in_memory().unwrap(), Schedule::remote(), keeping).await;
    place.one.says("x1", &[Aside(100_000)]);
    place.accept("x1", Some("x")).await;
    place.under_way("x1").await;
    until("it was put off", async || state(&place, "x1").await == DeliveryState::Due).await;
    place.accept("x2", Some("x")).await;
    place.clock.advance(LOOK);
    wait_until_dead(&place, "x1", DeadWhy::Backlog).await;
    place.wait_for("x2", DeliveryState::Succeeded).await;
}

#[tokio::test]
async fn who_is_gone_for_a_week_gets_nothing_more() {
    let place = full(Keeping::default()).await;
    place.accept("a", Some("x")).await;
    place.clock.advance(6 * DAY);
    place.set_timers(&[("t", Some(10 * 24 * 60 * 60))]).await;
    place.names.take("one");
    place.deliveries.directory_changed();
    until("it is absent", async || place.store.reader().subscribers().await.unwrap()[0].absent_since_ms.is_some())
        .await;
    // It has waited for more than a week: what is parked has a time of its own.
    place.clock.advance(6 * DAY);
    until("the timer has fired", async || !place.fired().await.is_empty()).await;
    let fired = place.fired().await.remove(0).id;
    place.accept_for("marker", None, &["one"]).await;
    assert_eq!((state(&place, "a").await, state(&place, &fired).await), (DeliveryState::Due, DeliveryState::Due));
    place.clock.advance(DAY);
    wait_until_dead(&place, "a", DeadWhy::Parked).await;
    // Who has set the timer is a plugin of the same name, and gone since it fired.
    assert_eq!(state(&place, &fired).await, DeliveryState::Due);
    place.accept("later", None).await;
    place.clock.advance(LOOK);
    place.accept_for("marker 2", None, &["one"]).await;
    assert_eq!(state(&place, "later").await, DeliveryState::Due, "what comes meanwhile has a week too");
    place.clock.advance(7 * DAY);
    wait_until_dead(&place, "later", DeadWhy::Parked).await;
    wait_until_dead(&place, &fired, DeadWhy::Parked).await;
}

#[tokio::test]
async fn what_has_arrived_is_removed_in_the_course_of_time() {
    let place = Place::new(Schedule::none()).await;
    place.one.says("dead", &[No]);
    place.accept("arrived", None).await;
    place.accept("dead", None).await;
    place.accept_for("nobody's", None, &[]).await;
    place.wait_for("arrived", DeliveryState::Succeeded).await;
    place.wait_for("dead", DeliveryState::Dead).await;
    place.clock.advance(Duration::from_millis(1));
    place.accept("younger", None).await;
    place.wait_for("younger", DeliveryState::Succeeded).await;
    place.clock.advance(7 * DAY - Duration::from_millis(1));
    wait_for_payload(&place, "arrived", Some(Payload::Gone)).await;
    wait_for_payload(&place, "nobody's", Some(Payload::Gone)).await;
    for event in ["dead", "younger"] {
        assert_eq!(payload(&place, event).await, Some(Payload::There), "{event}");
    }
    place.clock.advance(LOOK);
    wait_for_payload(&place, "younger", Some(Payload::Gone)).await;
    place.clock.advance(23 * DAY - LOOK);
    wait_for_payload(&place, "arrived", None).await;
    wait_for_payload(&place, "nobody's", None).await;
    wait_for_payload(&place, "dead", None).await;
    assert_eq!(payload(&place, "younger").await, Some(Payload::Gone));
}

#[tokio::test]
async fn dead_letters_are_kept_from_their_death_on() {
    let place = paused(Keeping::default()).await;
    place.accept("a", None).await;
    place.clock.advance(7 * DAY);
    wait_until_dead(&place, "a", DeadWhy::Parked).await;
    place.accept("marker", None).await;
    // It is passed over when its event has its age, …
    place.clock.advance(29 * DAY);
    wait_until_dead(&place, "marker", DeadWhy::Parked).await;
    assert_eq!(payload(&place, "a").await, Some(Payload::There));
    // … and looked at again.
    place.clock.advance(2 * DAY);
    wait_for_payload(&place, "a", None).await;
    assert_eq!(payload(&place, "marker").await, Some(Payload::There));
}

#[tokio::test]
async fn a_crash_in_between_leaves_nothing_undone() {
    let place = paused(Keeping::default()).await;
    for n in 0..600 {
        place.accept(&n.to_string(), Some(&(n % 3).to_string())).await;
    }
    place.clock.advance(7 * DAY);
    until("some are dead", async || state(&place, "0").await == DeliveryState::Dead).await;
    let place = place.after_crash().await;
    // It gives everybody an hour first.
    place.clock.advance(60 * LOOK);
    for n in [1, 300, 599] {
        wait_until_dead(&place, &n.to_string(), DeadWhy::Parked).await;
    }
    let backlogs = async || place.store.reader().backlogs().await.unwrap();
    until("all are dead", async || backlogs().await.is_empty()).await;
    place.clock.advance(31 * DAY);
    until("the first are gone", async || payload(&place, "0").await.is_none()).await;
    let place = place.after_crash().await;
    place.clock.advance(60 * LOOK);
    until("all are gone", async || place.store.reader().last_event().await.unwrap().is_none()).await;
}

#[tokio::test]
async fn a_store_that_does_not_write_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::with(Store::open(dir.path()).unwrap(), Schedule::remote()).await;
    place.accept("a", None).await;
    place.wait_for("a", DeliveryState::Succeeded).await;
    let stranger = rusqlite::Connection::open(dir.path().join("slashbox.db")).unwrap();
    stranger
        .execute_batch("CREATE TRIGGER broken BEFORE DELETE ON payload BEGIN SELECT RAISE(ABORT, 'broken'); END")
        .unwrap();
    let errors = Errors::default();
    let log = tracing::subscriber::set_default(errors.clone());
    place.clock.advance(7 * DAY);
    until("it has failed", async || errors.0.load(Ordering::Relaxed) > 0).await;
    drop(log);
    assert_eq!(payload(&place, "a").await, Some(Payload::There));
    stranger.execute_batch("DROP TRIGGER broken").unwrap();
    wait_for_payload(&place, "a", Some(Payload::Gone)).await;
}

/// Whoever was away for long gets the time for what waited meanwhile.
#[tokio::test]
async fn who_comes_back_gets_what_waited() {
    let place = full(Keeping { parked_days: 30, ..Keeping::default() }).await;
    place.deliveries.pause(&id("one")).await.unwrap();
    place.accept("a", Some("x")).await;
    place.clock.advance(20 * DAY);
    place.accept_for("marker", None, &["two"]).await;
    assert_eq!(state(&place, "a").await, DeliveryState::Due, "what is parked has a time of its own");
    place.deliveries.resume(&id("one")).await.unwrap();
    place.under_way("a").await;
    place.clock.advance(7 * DAY - LOOK);
    place.accept_for("marker 2", None, &["two"]).await;
    assert_eq!(state(&place, "a").await, DeliveryState::Due);
    place.clock.advance(2 * LOOK);
    wait_until_dead(&place, "a", DeadWhy::Waited).await;
}

/// Somebody sets the clock by a month: nothing is a month older by that.
#[tokio::test]
async fn a_clock_that_is_set_forward_ends_nothing() {
    let place = full(Keeping::default()).await;
    place.accept("a", Some("x")).await;
    place.accept_for("nobody's", None, &[]).await;
    place.clock.advance(2 * 60 * LOOK);
    place.settle_two("before").await;
    place.clock.set(place.clock.now_ms() + 40 * 24 * 60 * 60 * 1_000);
    for look in 0..10 {
        place.settle_two(&format!("{look}")).await;
        place.clock.advance(LOOK);
    }
    assert!(state(&place, "a").await.is_open());
    assert_eq!(payload(&place, "nobody's").await, Some(Payload::There));
    // Its patience begins when it has looked, of which nothing tells: days pass until it is over.
    until("it is dead", async || {
        place.clock.advance(DAY);
        !state(&place, "a").await.is_open()
    })
    .await;
    wait_until_dead(&place, "a", DeadWhy::Waited).await;
    wait_for_payload(&place, "nobody's", None).await;
}

/// Somebody sets it back by a day: what comes is delivered, who was left alone is asked again, and things still end.
#[tokio::test]
async fn a_clock_that_is_set_back_stops_nothing() {
    let place = Place::new(Schedule::remote()).await;
    place.one.says_otherwise(No);
    for event in 0..20 {
        place.accept(&event.to_string(), None).await;
    }
    until("it is left alone", async || place.deliveries.left_alone_until_ms(&id("one")).is_some()).await;
    place.one.says_otherwise(crate::script::Say::Yes);
    place.clock.set(place.clock.now_ms() - 24 * 60 * 60 * 1_000);
    place.accept("later", None).await;
    place.wait_for("later", DeliveryState::Succeeded).await;
}
