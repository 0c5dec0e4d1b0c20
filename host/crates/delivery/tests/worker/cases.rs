//! What becomes of deliveries.

use std::{sync::Arc, time::Duration};

use slashbox_core::{DeliveryState, Fault, Schedule};
use slashbox_delivery::{Clock as _, CutOff};

use crate::{
    place::Place,
    script::{
        Say::{After, Aside, Conflict, Count, Hang, Later, Never, No, Panic, Yes},
        Script,
    },
};

#[tokio::test]
async fn an_event_arrives_at_each_of_its_subscribers() {
    let place = Place::new(Schedule::remote()).await;
    let two = Script::new(Schedule::remote(), "1");
    place.names.put("two", &two);
    place.accept_for("a", None, &["one", "two"]).await;
    place.accept("b", None).await;
    place.wait_for("a", DeliveryState::Succeeded).await;
    let record = place.wait_for("b", DeliveryState::Succeeded).await;
    assert_eq!((record.attempts, record.last.unwrap().fault), (1, None));
    place.deliveries.shutdown(Duration::from_secs(5)).await;
    assert_eq!(place.one.got_of("a"), [1]);
    assert_eq!((two.got_of("a"), two.got_of("b")), (vec![1], vec![]));
}

/// More than a day in no time: each attempt comes when its pause is over and not a millisecond earlier; after the last one the
/// delivery is a dead letter.
async fn check_schedule(schedule: Schedule) {
    let place = Place::new(schedule.clone()).await;
    place.one.says("a", &[No]);
    place.accept("a", None).await;
    for (made, pause) in (1..).zip(&schedule.pauses) {
        place.wait_for_attempts("a", made).await;
        place.clock.advance(*pause - Duration::from_millis(1));
        place.settle(&format!("before {made}")).await;
        assert_eq!(place.one.got_of("a").len(), made as usize, "{pause:?} are not over");
        place.clock.advance(Duration::from_millis(1));
    }
    let attempts = u32::try_from(schedule.pauses.len()).unwrap() + 1;
    let record = place.wait_for("a", DeliveryState::Dead).await;
    assert_eq!((record.attempts, record.last.unwrap().fault), (attempts, Some(Fault::Theirs)));
    assert_eq!(place.one.got_of("a"), (1..=attempts).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_remote_is_tried_for_more_than_a_day() {
    check_schedule(Schedule::remote()).await;
}

#[tokio::test]
async fn a_plugin_is_tried_for_some_minutes() {
    check_schedule(Schedule::plugin()).await;
}

#[tokio::test]
async fn as_tg_staff_does_four_attempts_are_all() {
    check_schedule(Schedule::tg_staff()).await;
}

#[tokio::test]
async fn without_a_schedule_one_attempt_is_all() {
    check_schedule(Schedule::none()).await;
}

#[tokio::test]
async fn a_subscriber_may_ask_for_more_time_but_not_for_less() {
    let check = async |asked: u64, waited: u64| {
        let place = Place::new(Schedule::remote()).await;
        place.one.says("a", &[After(asked), Yes]);
        place.accept("a", None).await;
        place.wait_for_attempts("a", 1).await;
        place.clock.advance(Duration::from_millis(waited * 1_000 - 1));
        place.settle("before").await;
        assert_eq!(place.one.got_of("a"), [1], "{asked}");
        place.clock.advance(Duration::from_millis(1));
        place.wait_for("a", DeliveryState::Succeeded).await;
    };
    check(3_600, 3_600).await;
    check(1, 5).await;
}

#[tokio::test]
async fn what_is_refused_is_a_dead_letter_at_once() {
    let place = Place::new(Schedule::remote()).await;
    place.one.says("a", &[Never]);
    place.accept("a", Some("x")).await;
    place.accept("b", Some("x")).await;
    assert_eq!(place.wait_for("a", DeliveryState::Dead).await.attempts, 1);
    place.wait_for("b", DeliveryState::Succeeded).await;
}

#[tokio::test]
async fn a_conversation_keeps_its_order_and_holds_up_no_other() {
    let place = Place::new(Schedule::remote()).await;
    place.one.says("x1", &[No, No, Yes]);
    for (event, conversation) in [("x1", "x"), ("x2", "x"), ("y1", "y"), ("x3", "x"), ("y2", "y")] {
        place.accept(event, Some(conversation)).await;
    }
    place.wait_for_attempts("x1", 1).await;
    place.wait_for("y2", DeliveryState::Succeeded).await;
    assert_eq!(place.record("x2").await.state, DeliveryState::Waiting);
    place.clock.advance(Duration::from_secs(5));
    place.wait_for_attempts("x1", 2).await;
    place.clock.advance(Duration::from_secs(30));
    place.wait_for("x3", DeliveryState::Succeeded).await;
    let of_x: Vec<_> = place.one.got().into_iter().filter(|(id, _)| id.starts_with('x')).collect();
    let expected = [("x1", 1), ("x1", 2), ("x1", 3), ("x2", 1), ("x3", 1)];
    assert_eq!(of_x, expected.map(|(id, attempt)| (id.to_owned(), attempt)));
}

#[tokio::test]
async fn what_an_absent_subscriber_should_get_waits_for_it() {
    let place = Place::new(Schedule::remote()).await;
    place.one.says("a", &[No, Yes]);
    place.accept("a", Some("x")).await;
    place.wait_for_attempts("a", 1).await;
    place.names.take("one");
    place.deliveries.directory_changed();
    place.clock.advance(Duration::from_secs(60 * 60));
    let other = Script::new(Schedule::remote(), "1");
    place.names.put("other", &other);
    place.accept_for("b", None, &["other"]).await;
    place.wait_for("b", DeliveryState::Succeeded).await;
    let record = place.record("a").await;
    assert!(record.parked && record.state == DeliveryState::Due, "{record:?}");
    assert_eq!(place.one.got_of("a"), [1]);
    place.names.put("one", &place.one);
    place.deliveries.directory_changed();
    assert!(!place.wait_for("a", DeliveryState::Succeeded).await.parked);
}

#[tokio::test]
async fn who_was_absent_at_the_start_gets_what_is_due_when_it_comes() {
    let place = Place::new(Schedule::remote()).await;
    place.one.says("a", &[Hang, Yes]);
    place.accept("a", Some("x")).await;
    place.under_way("a").await;
    place.names.take("one");
    let place = place.after_crash().await;
    assert!(place.record("a").await.parked);
    place.names.put("one", &place.one);
    place.deliveries.directory_changed();
    place.wait_for("a", DeliveryState::Succeeded).await;
}

#[tokio::test]
async fn a_new_version_is_tried_at_once() {
    let place = Place::new(Schedule::plugin()).await;
    place.one.says("a", &[No]);
    place.accept("a", Some("x")).await;
    place.wait_for_attempts("a", 1).await;
    place.deliveries.directory_changed();
    place.settle("the same version").await;
    assert_eq!(place.one.got_of("a"), [1]);
    let newer = Script::new(Schedule::plugin(), "2");
    place.names.put("one", &newer);
    place.deliveries.directory_changed();
    place.wait_for("a", DeliveryState::Succeeded).await;
    assert_eq!(newer.got_of("a"), [2]);
}

#[tokio::test]
async fn an_attempt_that_was_cut_off_is_made_again_by_the_next_run() {
    let place = Place::new(Schedule::remote()).await;
    place.one.says("a", &[Hang, Yes]);
    place.accept("a", Some("x")).await;
    place.accept("b", Some("x")).await;
    place.under_way("a").await;
    assert_eq!(place.record("a").await.state, DeliveryState::Leased);
    let place = place.after_crash().await;
    place.wait_for("b", DeliveryState::Succeeded).await;
    // The one that was cut off was never recorded, so it does not count.
    let expected = [("a", 1), ("a", 1), ("b", 1)];
    assert_eq!(place.one.got(), expected.map(|(id, attempt)| (id.to_owned(), attempt)));
}

#[tokio::test]
async fn a_fault_of_the_hosts_costs_one_attempt() {
    let place = Place::new(Schedule::remote()).await;
    place.one.says("a", &[Panic, Yes]);
    place.accept("a", Some("x")).await;
    place.wait_for_attempts("a", 1).await;
    let last = place.record("a").await.last.unwrap();
    assert_eq!((last.fault, last.detail.as_str()), (Some(Fault::Ours), "the host failed in this attempt"));
    place.clock.advance(Duration::from_secs(5));
    assert_eq!(place.wait_for("a", DeliveryState::Succeeded).await.attempts, 2);
}

#[tokio::test]
async fn effects_are_committed_with_the_attempt_and_only_then() {
    let place = Place::new(Schedule::remote()).await;
    place.one.says("a", &[No, Count]);
    place.one.says("b", &[Count]);
    place.accept("a", Some("x")).await;
    place.accept("b", Some("y")).await;
    place.wait_for("b", DeliveryState::Succeeded).await;
    place.wait_for_attempts("a", 1).await;
    assert_eq!(place.count().await, 1);
    place.clock.advance(Duration::from_secs(5));
    place.wait_for("a", DeliveryState::Succeeded).await;
    assert_eq!(place.count().await, 2);
}

#[tokio::test]
async fn no_more_attempts_at_once_than_the_policy_says() {
    let place = Place::new(Schedule::remote()).await;
    for event in ["a", "b", "c", "d", "e", "f"] {
        place.one.says(event, &[Hang]);
        place.accept(event, None).await;
    }
    let two = Script::new(Schedule::remote(), "1");
    place.names.put("two", &two);
    place.accept_for("z", None, &["two"]).await;
    place.wait_for("z", DeliveryState::Succeeded).await;
    assert_eq!(place.one.got().len(), 4);
    assert_eq!(place.record("f").await.state, DeliveryState::Due);
}

#[tokio::test]
async fn a_shutdown_waits_for_what_is_under_way() {
    let place = Place::new(Schedule::remote()).await;
    place.one.says("a", &[Hang]);
    place.accept("a", None).await;
    place.under_way("a").await;
    let released = async {
        // Polled after the shutdown has begun.
        tokio::task::yield_now().await;
        place.one.release.notify_one();
    };
    tokio::join!(place.deliveries.shutdown(Duration::from_secs(30)), released);
    let record = place.record("a").await;
    assert_eq!((record.state, record.attempts), (DeliveryState::Succeeded, 1));
    place.accept("b", None).await;
    assert_eq!(Arc::strong_count(&place.one), 2, "the worker is gone");
    assert_eq!(place.record("b").await.state, DeliveryState::Due);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let place = Place::new(Schedule::remote()).await;
    place.one.says("a", &[Hang]);
    place.accept("a", None).await;
    place.under_way("a").await;
    let cut_off = place.deliveries.shutdown(Duration::from_millis(1)).await;
    assert_eq!(cut_off, CutOff { handed_back: 1, lost: 0 });
    let record = place.record("a").await;
    assert_eq!((record.state, record.attempts), (DeliveryState::Due, 0));
}

#[tokio::test]
async fn what_cannot_be_given_back_is_told() {
    let place = Place::new(Schedule::remote()).await;
    place.one.says("a", &[Hang]);
    place.accept("a", None).await;
    place.under_way("a").await;
    place.store.clone().close().await;
    let cut_off = place.deliveries.shutdown(Duration::from_millis(1)).await;
    assert_eq!(cut_off, CutOff { handed_back: 0, lost: 1 });
}

#[tokio::test]
async fn a_sender_that_goes_away_costs_no_delivery() {
    let place = Place::new(Schedule::remote()).await;
    place.accept("known", None).await;
    {
        let accept = std::pin::pin!(place.accept("a", None));
        // As far as the queue of the store's writer; hardly ever is that so quick that it has ended.
        let _ = futures_util::poll!(accept);
    }
    place.wait_until_there("a").await;
    place.wait_for("a", DeliveryState::Succeeded).await;
}

#[tokio::test]
async fn what_there_was_no_place_for_is_no_attempt() {
    let place = Place::new(Schedule::none()).await;
    place.one.says("a", &[Later, Later, Yes]);
    place.accept("a", Some("x")).await;
    for tries in 1..=2 {
        while place.one.got_of("a").len() < tries || place.record("a").await.state != DeliveryState::Due {
            tokio::task::yield_now().await;
        }
        place.clock.advance(Duration::from_secs(2));
    }
    assert_eq!(place.wait_for("a", DeliveryState::Succeeded).await.attempts, 1);
    assert_eq!(place.one.got_of("a"), [1, 1, 1]);
}

/// One that is set aside is asked again when that is over, and not a millisecond earlier.
#[tokio::test]
async fn who_says_when_it_can_is_asked_then() {
    let place = Place::new(Schedule::none()).await;
    place.one.says("a", &[Aside(60), Yes]);
    place.accept("a", Some("x")).await;
    while place.one.got_of("a").is_empty() || place.record("a").await.state != DeliveryState::Due {
        tokio::task::yield_now().await;
    }
    let ready_at_ms = place.record("a").await.ready_at_ms;
    assert_eq!(ready_at_ms, Some(place.clock.now_ms() + 60_000));
    place.clock.advance(Duration::from_secs(60));
    assert_eq!(place.wait_for("a", DeliveryState::Succeeded).await.attempts, 1);
    assert_eq!(place.one.got_of("a"), [1, 1]);
}

#[tokio::test]
async fn a_call_that_read_what_has_changed_runs_again_and_leaves_nothing() {
    let place = Place::new(Schedule::remote()).await;
    place.one.says("a", &[Conflict, Conflict, Count]);
    place.one.says("b", &[Conflict]);
    place.accept("a", Some("x")).await;
    place.accept("b", Some("y")).await;
    assert_eq!(place.wait_for("a", DeliveryState::Succeeded).await.attempts, 1);
    assert_eq!(place.one.got_of("a"), [1, 1, 1]);
    place.wait_for_attempts("b", 1).await;
    assert_eq!(place.one.got_of("b"), [1, 1, 1, 1]);
    let last = place.record("b").await.last.unwrap();
    assert_eq!((last.fault, last.detail.as_str()), (Some(Fault::Ours), "others keep changing the same data"));
    assert_eq!(place.count().await, 1);
}

#[tokio::test]
async fn an_attempt_whose_lease_has_ended_is_not_recorded() {
    let place = Place::new(Schedule::remote()).await;
    place.one.says("a", &[Hang, Count]);
    place.accept("a", Some("x")).await;
    place.under_way("a").await;
    // Fifteen seconds for the attempt and thirty for its record.
    place.clock.advance(Duration::from_secs(45));
    place.wait_for("a", DeliveryState::Succeeded).await;
    place.one.release.notify_one();
    place.settle("the late one has ended").await;
    let record = place.record("a").await;
    assert_eq!((record.attempts, place.count().await), (1, 1));
}

#[tokio::test]
async fn a_new_version_that_came_while_nobody_ran_is_tried_at_once() {
    let mut place = Place::new(Schedule::plugin()).await;
    place.one.says("a", &[No]);
    place.accept("a", Some("x")).await;
    place.wait_for_attempts("a", 1).await;
    let newer = Script::new(Schedule::plugin(), "2");
    place.names.put("one", &newer);
    place.one = newer;
    let place = place.after_crash().await;
    place.wait_for("a", DeliveryState::Succeeded).await;
    assert_eq!(place.one.got_of("a"), [2]);
}
