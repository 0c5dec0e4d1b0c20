//! Who is left alone, who is overtaken, who is disabled, and who has to wait.

use std::time::Duration;

use slashbox_core::{DeliveryState, Fault, Schedule};
use slashbox_delivery::Policy;
use slashbox_store::Health;

use crate::{
    place::{Place, id, until},
    script::{
        Say::{Gone, Hang, Hindered, No, Ours, Yes},
        Script, exact,
    },
};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A place with `two` beside `one`, who says yes to everything.
async fn with_two(schedule: Schedule) -> Place {
    let place = Place::new(schedule).await;
    place.names.put("two", &Script::new(Schedule::remote(), "1"));
    place
}

impl Place {
    /// Waits until nothing of `one` is due or under way, whatever becomes of it.
    async fn rest(&self) {
        let records = async || {
            let all = self.store.reader().deliveries(&Default::default(), None, 1_000).await.unwrap().items;
            all.into_iter().filter(|record| record.subscriber.name == "one").collect::<Vec<_>>()
        };
        until("nothing is under way", async || {
            records().await.iter().all(|record| record.state != DeliveryState::Leased)
        })
        .await;
    }

    /// Lets so much time pass in steps, and what is due be done after each.
    async fn pass(&self, time: Duration, step: Duration, name: &str) {
        let steps = time.as_secs() / step.as_secs();
        for number in 0..steps {
            self.clock.advance(step);
            let marker = format!("{name} {number}");
            self.accept_for(&marker, None, &["two"]).await;
            self.wait_for(&marker, DeliveryState::Succeeded).await;
            self.rest().await;
        }
    }
}

/// Down for a day: no delivery is used up by it, none overtakes another, and all arrive in order afterwards.
#[tokio::test]
async fn an_endpoint_that_is_down_costs_no_attempts_and_keeps_its_order() {
    let place = with_two(Schedule::remote()).await;
    place.one.says_otherwise(No);
    let events: Vec<(String, String)> = (0..20)
        .flat_map(|conversation| (0..3).map(move |n| (format!("{conversation}/{n}"), conversation.to_string())))
        .collect();
    for (event, conversation) in &events {
        place.accept(event, Some(conversation)).await;
    }
    place.pass(DAY, 10 * MINUTE, "down").await;
    let made = place.one.got().len();
    assert!((100..400).contains(&made), "a probe every ten minutes, and what began before: {made}");
    place.one.says_otherwise(Yes);
    place.clock.advance(11 * MINUTE);
    for (event, _) in &events {
        place.wait_for(event, DeliveryState::Succeeded).await;
    }
    assert_eq!(place.one.out_of_order(), [""; 0]);
    let got: Vec<String> = place.one.got().into_iter().skip(made).map(|(event, _)| event).collect();
    for conversation in 0..20 {
        let of_it: Vec<&String> = got.iter().filter(|event| event.starts_with(&format!("{conversation}/"))).collect();
        assert_eq!(of_it, [0, 1, 2].map(|n| format!("{conversation}/{n}")).iter().collect::<Vec<_>>());
    }
}

/// Whoever fails alone holds up its conversation for five minutes and no longer; it is tried on, and arrives.
#[tokio::test]
async fn a_poison_message_is_set_aside() {
    let place = Place::new(Schedule::remote()).await;
    place.one.says("x1", &[No, No, No, No, No, Yes]);
    for event in ["x1", "x2"] {
        place.accept(event, Some("x")).await;
    }
    place.wait_for_attempts("x1", 1).await;
    place.settle("the first other one").await;
    for (made, seconds) in [(2, 5), (3, 30), (4, 120)] {
        place.clock.advance(Duration::from_secs(seconds));
        place.wait_for_attempts("x1", made).await;
    }
    place.clock.advance(Duration::from_millis(144_999));
    place.settle("another's").await;
    assert_eq!(place.record("x2").await.state, DeliveryState::Waiting, "five minutes are not over");
    place.clock.advance(Duration::from_millis(1));
    place.wait_for("x2", DeliveryState::Succeeded).await;
    place.accept("x3", Some("x")).await;
    place.wait_for("x3", DeliveryState::Succeeded).await;
    assert_eq!(place.one.out_of_order(), ["x2", "x3"]);
    // It goes on by its schedule.
    place.clock.advance(Duration::from_millis(155_000));
    place.wait_for_attempts("x1", 5).await;
    place.clock.advance(Duration::from_secs(1_800));
    let record = place.wait_for("x1", DeliveryState::Succeeded).await;
    assert_eq!(record.attempts, 6);
    place.accept("x4", Some("x")).await;
    place.wait_for("x4", DeliveryState::Succeeded).await;
    assert_eq!(place.one.out_of_order(), ["x2", "x3", "x1", "x1"], "late itself, and nothing after it");
}

/// Its next attempt is far away when the host starts anew, and nothing has arrived so far.
#[tokio::test]
async fn a_poison_message_is_set_aside_after_a_restart_too() {
    let place = Place::new(Schedule::remote()).await;
    place.one.says("x1", &[No]);
    for event in ["x1", "x2"] {
        place.accept(event, Some("x")).await;
    }
    for (made, seconds) in [(1, 5), (2, 30), (3, 120), (4, 300)] {
        place.wait_for_attempts("x1", made).await;
        place.clock.advance(Duration::from_secs(seconds));
    }
    place.wait_for_attempts("x1", 5).await;
    let place = place.after_crash().await;
    place.settle("the first other one").await;
    place.clock.advance(5 * MINUTE);
    place.wait_for("x2", DeliveryState::Succeeded).await;
    assert_eq!((place.one.out_of_order(), place.record("x1").await.attempts), (vec!["x2".to_owned()], 5));
}

#[tokio::test]
async fn nothing_is_set_aside_where_nothing_arrives() {
    let place = with_two(Schedule::remote()).await;
    place.one.says_otherwise(No);
    place.accept("x1", Some("x")).await;
    place.accept("x2", Some("x")).await;
    place.wait_for_attempts("x1", 1).await;
    place.pass(10 * MINUTE, MINUTE, "alone").await;
    assert_eq!(place.record("x2").await.state, DeliveryState::Waiting);
    assert_eq!(place.one.got_of("x2"), [0; 0]);
}

#[tokio::test]
async fn a_restart_leaves_an_open_breaker_half_open() {
    let place = with_two(Schedule::remote()).await;
    place.one.says_otherwise(No);
    for event in 0..30 {
        place.accept(&event.to_string(), None).await;
    }
    place.pass(5 * MINUTE, MINUTE, "before").await;
    let made = place.one.got().len();
    let place = place.after_crash().await;
    // By their schedule, all thirty would be due.
    place.accept_for("marker", None, &["two"]).await;
    place.wait_for("marker", DeliveryState::Succeeded).await;
    until("a probe", async || place.one.got().len() > made).await;
    place.rest().await;
    assert_eq!(place.one.got().len(), made + 1);
}

#[tokio::test]
async fn who_fails_for_five_days_is_disabled_and_what_it_should_get_is_kept() {
    let place = with_two(Schedule::remote()).await;
    place.one.says_otherwise(No);
    for event in 0..30 {
        place.accept(&event.to_string(), Some(&event.to_string())).await;
    }
    place.pass(5 * DAY - 30 * MINUTE, 30 * MINUTE, "failing").await;
    let disabled = async || {
        let all = place.store.reader().subscribers().await.unwrap();
        all.into_iter().find(|known| known.id == id("one")).unwrap().health.disabled_since_ms.is_some()
    };
    assert!(!disabled().await);
    place.pass(60 * MINUTE, 30 * MINUTE, "the last hour").await;
    until("it is disabled", disabled).await;
    let made = place.one.got().len();
    place.one.says_otherwise(Yes);
    place.pass(60 * MINUTE, 30 * MINUTE, "disabled").await;
    assert_eq!(place.one.got().len(), made);
    let place = place.after_crash().await;
    place.accept_for("marker", None, &["two"]).await;
    place.wait_for("marker", DeliveryState::Succeeded).await;
    assert_eq!(place.one.got().len(), made, "also after a restart");
    place.deliveries.resume(&id("one")).await.unwrap();
    for event in 0..30 {
        place.wait_for(&event.to_string(), DeliveryState::Succeeded).await;
    }
}

#[tokio::test]
async fn what_is_gone_for_an_hour_is_disabled() {
    let place = with_two(Schedule::remote()).await;
    place.one.says_otherwise(Gone);
    place.accept("a", None).await;
    place.wait_for_attempts("a", 1).await;
    place.pass(3 * 60 * MINUTE, 10 * MINUTE, "gone").await;
    let made = place.one.got().len();
    place.accept("b", None).await;
    place.pass(10 * MINUTE, 10 * MINUTE, "disabled").await;
    assert_eq!(place.one.got().len(), made);
    assert_eq!(place.record("b").await.state, DeliveryState::Due);
}

#[tokio::test]
async fn who_is_paused_gets_nothing_until_it_is_resumed() {
    let place = with_two(Schedule::remote()).await;
    place.deliveries.pause(&id("one")).await.unwrap();
    place.accept("a", Some("x")).await;
    place.pass(MINUTE, MINUTE, "paused").await;
    assert_eq!(place.one.got(), []);
    let place = place.after_crash().await;
    place.accept_for("marker", None, &["two"]).await;
    place.wait_for("marker", DeliveryState::Succeeded).await;
    assert_eq!(place.one.got(), [], "also after a restart");
    place.deliveries.resume(&id("one")).await.unwrap();
    place.wait_for("a", DeliveryState::Succeeded).await;
}

/// One attempt is all that this schedule has, and it is not used up by faults of this host's.
#[tokio::test]
async fn what_hinders_this_host_uses_up_nothing() {
    let place = Place::new(Schedule::none()).await;
    place.one.says("a", &[Hindered, Hindered, Hindered, Yes]);
    place.accept("a", Some("x")).await;
    for (made, seconds) in [(1, 5), (2, 30), (3, 120)] {
        place.wait_for_attempts("a", made).await;
        let last = place.record("a").await.last.unwrap();
        assert_eq!(last.fault, Some(Fault::Ours));
        place.clock.advance(Duration::from_secs(seconds));
    }
    assert_eq!(place.wait_for("a", DeliveryState::Succeeded).await.attempts, 4);
}

/// However often and for however long: who was never asked has not failed.
#[tokio::test]
async fn faults_of_this_hosts_speak_against_nobody() {
    for fault in [Ours, Hindered] {
        let place = with_two(Schedule::remote()).await;
        place.one.says_otherwise(fault);
        for event in 0..30 {
            place.accept(&event.to_string(), None).await;
        }
        place.pass(6 * DAY, 60 * MINUTE, "not asked").await;
        for event in 0..30 {
            let last = place.record(&event.to_string()).await.last.unwrap();
            assert_eq!(last.fault, Some(Fault::Ours), "{event}");
        }
        assert_eq!(place.deliveries.left_alone_until_ms(&id("one")), None);
        let all = place.store.reader().subscribers().await.unwrap();
        assert_eq!(all.iter().find(|known| known.id == id("one")).unwrap().health, Health::default());
        place.one.says_otherwise(Yes);
        // A host that is hindered pauses, for a minute at most.
        place.clock.advance(MINUTE);
        place.settle("asked again").await;
    }
}

/// Retries that hang hold half of the places; who comes for the first time has the others.
#[tokio::test]
async fn retries_leave_places_to_first_tries() {
    let place = Place::new(Schedule::remote()).await;
    for event in ["a", "b", "c", "d", "e"] {
        place.one.says(event, &[No, Hang]);
        place.accept(event, None).await;
        place.wait_for_attempts(event, 1).await;
    }
    place.clock.advance(Duration::from_secs(5));
    let hanging = || place.one.got().iter().filter(|(_, attempt)| *attempt == 2).count();
    until("retries hang", async || hanging() == 2).await;
    place.settle("for the first time").await;
    assert_eq!(hanging(), 2, "of four places");
}

#[tokio::test]
async fn no_more_attempts_in_a_second_than_the_policy_says() {
    let place = with_two(Schedule::remote()).await;
    let policy = Policy {
        schedule: exact(Schedule::tg_staff()),
        in_flight_max: 40,
        attempt_max: Duration::from_secs(5),
        per_second: Some(10),
        may_be_disabled: true,
    };
    let slow = Script::treated(policy, "2");
    place.names.put("one", &slow);
    place.deliveries.directory_changed();
    for event in 0..30 {
        place.accept(&event.to_string(), None).await;
    }
    for step in 1..=20 {
        place.accept_for(&format!("marker {step}"), None, &["two"]).await;
        place.wait_for(&format!("marker {step}"), DeliveryState::Succeeded).await;
        until("as many as may", async || slow.got().len() == step).await;
        place.clock.advance(Duration::from_millis(99));
        place.accept_for(&format!("early {step}"), None, &["two"]).await;
        place.wait_for(&format!("early {step}"), DeliveryState::Succeeded).await;
        assert_eq!(slow.got().len(), step);
        place.clock.advance(Duration::from_millis(1));
    }
}

#[tokio::test]
async fn what_is_replayed_arrives_once_more_and_says_so() {
    let place = Place::new(Schedule::none()).await;
    place.one.says("a", &[No, Yes]);
    place.accept("a", Some("x")).await;
    let dead = place.wait_for("a", DeliveryState::Dead).await.key;
    assert_eq!(place.one.replayed(), [""; 0]);
    let replayed = place.deliveries.replay(vec![dead], None, None).await.unwrap();
    assert_eq!(replayed, [slashbox_store::Replayed::OnItsWay(dead)]);
    assert_eq!(place.wait_for("a", DeliveryState::Succeeded).await.attempts, 2);
    assert_eq!(place.one.replayed(), ["a"]);
    // To another, who has not been heard of yet.
    let two = Script::new(Schedule::remote(), "1");
    place.names.put("two", &two);
    place.deliveries.replay(vec![dead], Some(id("two")), None).await.unwrap();
    until("it is there", async || two.got_of("a") == [1]).await;
    assert_eq!(two.replayed(), ["a"]);
}
