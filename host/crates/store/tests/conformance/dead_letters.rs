//! Which open deliveries become dead letters without an attempt.

use DeliveryState::{Dead, Due, Leased, Succeeded, Waiting};
use slashbox_core::{DeadWhy, DeliveryState, Event, Next};
use slashbox_store::{FinishError, GiveUp, GivenUp, Rule, Store, SubscriberKey};

use crate::feed::{Feed, LEASE_MS, event, finished, new};

/// Has all given up that the rule asks for, in as many steps as that takes; tells how many these were.
async fn give_up(feed: &Feed, subscriber: SubscriberKey, rule: Rule, last: u64) -> (u64, bool, usize) {
    let (mut count, mut promoted, mut steps) = (0, false, 0);
    let mut which = GiveUp { subscriber, rule, after: 0, last };
    loop {
        let given_up = feed.store.give_up(which, feed.now_ms).await.unwrap();
        count += given_up.count;
        promoted |= given_up.promoted;
        steps += 1;
        match given_up.next {
            Some(next) => which.after = next,
            None => return (count, promoted, steps),
        }
    }
}

pub(crate) async fn what_is_beyond_a_backlog_is_found(store: Store) {
    let feed = Feed::new(store);
    let (one, two) = (feed.webhook("one").await, feed.webhook("two").await);
    assert_eq!((feed.reader.backlogs().await.unwrap(), feed.reader.last_event().await.unwrap()), (vec![], None));
    feed.take(two, None, &["other"]).await;
    feed.take(one, Some("x"), &["a", "b", "c", "d"]).await;
    let events: Vec<u64> = feed.deliveries("one").await.iter().map(|delivery| delivery.key.event).collect();
    let beyond = async |max| feed.reader.beyond(one, max).await.unwrap();
    for (max, expected) in [(0, Some(events[3])), (3, Some(events[0])), (4, None), (1_000_000, None)] {
        assert_eq!(beyond(max).await, expected, "{max}");
    }
    // What is closed does not count.
    let claimed = feed.claim(one, 1).await;
    feed.finish(&claimed[0], Next::Succeeded).await;
    assert_eq!((beyond(2).await, beyond(3).await), (Some(events[1]), None));
    feed.store.set_absent(vec![(two, Some(7))]).await.unwrap();
    let backlogs = feed.reader.backlogs().await.unwrap();
    let seen: Vec<_> = backlogs.iter().map(|one| (one.subscriber, one.oldest, one.absent_since_ms)).collect();
    assert_eq!(seen, [(one, events[1], None), (two, 1, Some(7))]);
    assert_eq!(backlogs[0].id.name, "one");
    assert_eq!(feed.reader.last_event().await.unwrap(), Some(events[3]));
}

pub(crate) async fn the_oldest_of_a_backlog_are_given_up(store: Store) {
    let feed = Feed::new(store);
    let (one, two) = (feed.webhook("one").await, feed.webhook("two").await);
    let in_x = |id: &str| new(Event { conversation: Some("x".to_owned()), ..event(id) }, &[one, two]);
    feed.accept(["a", "b", "c", "d"].map(in_x).into()).await;
    let last = feed.reader.beyond(one, 2).await.unwrap().unwrap();
    let feed = feed.after(70);
    assert_eq!(give_up(&feed, one, Rule::Backlog, last).await, (2, true, 1));
    assert_eq!(feed.states("one").await, [Dead, Dead, Due, Waiting]);
    assert_eq!(feed.states("two").await, [Due, Waiting, Waiting, Waiting]);
    let all = feed.deliveries("one").await;
    let why: Vec<_> =
        all.iter().map(|one| (one.dead_why, one.dead_since_ms, one.ready_at_ms, one.last.clone())).collect();
    let dead = (Some(DeadWhy::Backlog), Some(feed.now_ms), None, None);
    assert_eq!(why, [dead.clone(), dead, (None, None, Some(feed.now_ms), None), (None, None, None, None)]);
    assert_eq!(feed.claim_ids(one).await, ["c"]);
    // What comes later queues up as ever; and there is nothing more to give up.
    feed.take(one, Some("x"), &["e"]).await;
    assert_eq!(give_up(&feed, one, Rule::Backlog, last).await, (0, false, 1));
    assert_eq!(feed.states("one").await, [Dead, Dead, Leased, Waiting, Waiting]);
}

pub(crate) async fn what_dies_by_an_attempt_says_since_when(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, None, &["a"]).await;
    let claimed = feed.claim(to, 1).await;
    feed.after(5).finish(&claimed[0], Next::Dead).await;
    let dead = feed.deliveries("crm").await.remove(0);
    assert_eq!((dead.dead_why, dead.dead_since_ms), (None, Some(feed.now_ms + 5)));
    assert!(dead.last.is_some());
}

pub(crate) async fn an_attempt_under_way_is_left_alone(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, Some("x"), &["x1", "x2", "x3"]).await;
    feed.take(to, Some("y"), &["y1"]).await;
    feed.take(to, None, &["a"]).await;
    let claimed = feed.claim(to, 2).await;
    assert_eq!(give_up(&feed.after(LEASE_MS - 1), to, Rule::Backlog, u64::MAX).await, (3, false, 1));
    assert_eq!(feed.states("crm").await, [Leased, Dead, Dead, Leased, Dead]);
    // It ends as it would have; nothing waits any more.
    assert_eq!(feed.finish(&claimed[0], Next::Succeeded).await, None);
    // A lease that has ended is no attempt: the end comes too late.
    let feed = feed.after(LEASE_MS);
    assert_eq!(give_up(&feed, to, Rule::Backlog, u64::MAX).await, (1, false, 1));
    let error = feed.store.finish(finished(&claimed[1], Next::Succeeded), feed.now_ms).await.unwrap_err();
    assert!(matches!(error, FinishError::Fenced), "{error:?}");
    assert_eq!(feed.states("crm").await, [Succeeded, Dead, Dead, Dead, Dead]);
    assert_eq!(feed.claim_ids(to).await, [""; 0]);
}

pub(crate) async fn who_is_absent_for_too_long_gets_nothing_more(store: Store) {
    let feed = Feed::new(store);
    let (one, two) = (feed.webhook("one").await, feed.webhook("two").await);
    let both = |id: &str| new(Event { conversation: Some("x".to_owned()), ..event(id) }, &[one, two]);
    feed.accept(["a", "b"].map(both).into()).await;
    let absent = async |since_ms| feed.store.set_absent(vec![(one, since_ms)]).await.unwrap();
    let given_up = async |since_ms| give_up(&feed, one, Rule::Absent { since_ms }, u64::MAX).await.0;
    assert_eq!(given_up(u64::MAX).await, 0, "it is there");
    absent(Some(100)).await;
    assert_eq!(given_up(99).await, 0);
    // Whoever has come back meanwhile keeps what is left.
    absent(None).await;
    assert_eq!(given_up(100).await, 0);
    absent(Some(100)).await;
    assert_eq!(given_up(100).await, 2);
    assert_eq!((feed.states("one").await, feed.states("two").await), (vec![Dead, Dead], vec![Due, Waiting]));
    let dead = feed.deliveries("one").await.remove(0);
    assert_eq!((dead.dead_why, dead.parked), (Some(DeadWhy::Absent), false));
    // What comes later is parked, and given up when it is asked for again.
    feed.take(one, None, &["c"]).await;
    assert!(feed.deliveries("one").await[2].parked);
    assert_eq!(given_up(100).await, 1);
}

pub(crate) async fn very_many_are_given_up_in_steps(store: Store) {
    const COUNT: usize = 2_600;
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    let event = |n: usize| {
        let conversation = n.is_multiple_of(2).then(|| (n % 7).to_string());
        new(Event { conversation, ..event(&n.to_string()) }, &[to])
    };
    feed.accept((0..COUNT).map(event).collect()).await;
    // None of these is given up, and they are no reason to stop or to go round in a circle.
    let under_way = feed.claim(to, 300).await.len() as u64;
    let which =
        GiveUp { subscriber: to, rule: Rule::Waited { since_ms: u64::MAX }, after: 0, last: COUNT as u64 - 100 };
    let GivenUp { count, next, .. } = feed.store.give_up(which, feed.now_ms).await.unwrap();
    assert!(count < 500 && next.is_some_and(|next| next < 1_000), "{count} {next:?}");
    let (more, _, steps) = give_up(&feed, to, which.rule, which.last).await;
    assert_eq!(count + more + under_way, COUNT as u64 - 100);
    assert!((5..20).contains(&steps), "{steps}");
    let last = feed.reader.deliveries(&Default::default(), None, 101).await.unwrap().items;
    assert!(last[..100].iter().all(|one| one.state != Dead), "those that come after it");
    assert_eq!((last[100].state, last[100].dead_why), (Dead, Some(DeadWhy::Waited)));
}
