//! Who may attempt a delivery, and for how long.

use DeliveryState::{Due, Leased, Succeeded, Waiting};
use slashbox_core::{DeliveryState, Next};
use slashbox_store::{ClaimRequest, FinishError, Store, SubscriberKey};
use tokio::task::JoinSet;

use crate::feed::{Feed, LEASE_MS, finished, ids};

pub(crate) async fn a_claim_takes_what_is_due_for_longest(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.after(20).take(to, None, &["later"]).await;
    feed.after(10).take(to, None, &["second", "third"]).await;
    feed.take(to, None, &["first"]).await;
    let feed = feed.after(15);
    for (limit, expected) in [(0, &[][..]), (2, &["first", "second"]), (2, &["third"]), (2, &[])] {
        assert_eq!(ids(&feed.claim(to, limit).await), expected, "{limit}");
    }
    assert_eq!(feed.after(4).claim_ids(to).await, [""; 0]);
    assert_eq!(feed.after(5).claim_ids(to).await, ["later"]);
}

pub(crate) async fn a_claim_tells_when_to_ask_again(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    assert_eq!(feed.claim_and_next(to, 9).await.1, None);
    feed.after(50).take(to, None, &["later"]).await;
    assert_eq!(feed.claim_and_next(to, 9).await.1, Some(feed.now_ms + 50));
    feed.take(to, None, &["a", "b"]).await;
    // What is left now, what is due later, the end of a lease: whatever comes first.
    assert_eq!(feed.claim_and_next(to, 1).await.1, Some(feed.now_ms));
    let (claimed, next) = feed.claim_and_next(to, 1).await;
    assert_eq!(next, Some(feed.now_ms + 50));
    let (_, next) = feed.after(50).claim_and_next(to, 1).await;
    assert_eq!(next, Some(feed.now_ms + LEASE_MS));
    feed.finish(&claimed[0], Next::RetryAt(feed.now_ms + 7)).await;
    assert_eq!(feed.claim_and_next(to, 0).await.1, Some(feed.now_ms + 7));
    let all = feed.reader.subscribers().await.unwrap();
    assert_eq!(all[0].ready.earliest_ms(), Some(feed.now_ms + 7));
}

pub(crate) async fn several_subscribers_are_asked_at_once(store: Store) {
    let feed = Feed::new(store);
    let (one, two, three) = (feed.webhook("one").await, feed.webhook("two").await, feed.webhook("three").await);
    feed.accept(vec![crate::feed::new(crate::feed::event("a"), &[one, two, three])]).await;
    let requests = [(two, 5), (SubscriberKey(999), 5), (one, 5), (three, 0)].map(|(subscriber, limit)| ClaimRequest {
        subscriber,
        limit,
        again: limit,
    });
    let claims = feed.store.claim(requests.to_vec(), feed.now_ms, feed.now_ms + 10).await.unwrap();
    let whose: Vec<_> = claims.claimed.iter().map(|claimed| claimed.delivery.subscriber).collect();
    assert_eq!(whose, [two, one]);
    let end = Some(feed.now_ms + 10);
    let next: Vec<_> = claims.next.iter().map(|(key, ready)| (*key, ready.earliest_ms())).collect();
    assert_eq!(next, [(two, end), (SubscriberKey(999), None), (one, end), (three, Some(feed.now_ms))]);
    // One event, held in memory once.
    assert!(std::sync::Arc::ptr_eq(&claims.claimed[0].event, &claims.claimed[1].event));
}

pub(crate) async fn nothing_is_claimed_twice(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    feed.take(to, None, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut calls = JoinSet::new();
    for _ in 0..40 {
        let feed = feed.clone();
        calls.spawn(async move { feed.claim(to, 3).await });
    }
    let mut claimed: Vec<_> = calls.join_all().await.concat().iter().map(|claimed| claimed.delivery).collect();
    claimed.sort();
    claimed.dedup();
    assert_eq!(claimed.len(), 100);
}

pub(crate) async fn a_lease_ends_and_the_stale_worker_is_fenced(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, Some("x"), &["x1", "x2"]).await;
    let stale = feed.claim(to, 1).await.remove(0);
    assert_eq!((stale.claim, stale.attempt), (1, 1));
    assert_eq!(feed.states("crm").await, [Leased, Waiting]);
    assert_eq!(feed.after(LEASE_MS - 1).claim_ids(to).await, [""; 0]);
    let feed = feed.after(LEASE_MS);
    let fresh = feed.claim(to, 1).await.remove(0);
    // An attempt that never ended does not count.
    assert_eq!((fresh.delivery, fresh.claim, fresh.attempt), (stale.delivery, 2, 1));

    let fenced = async |claimed, next| {
        let before = feed.deliveries("crm").await;
        let error = feed.store.finish(finished(claimed, next), feed.now_ms).await.unwrap_err();
        assert!(matches!(error, FinishError::Fenced), "{error:?}");
        assert_eq!(feed.deliveries("crm").await, before);
    };
    for next in [Next::Succeeded, Next::Dead, Next::RetryAt(5)] {
        fenced(&stale, next).await;
    }
    feed.finish(&fresh, Next::Succeeded).await;
    // Twice is once too often, for whomever.
    fenced(&fresh, Next::Succeeded).await;
    fenced(&stale, Next::Dead).await;
    let mut nobody = fresh.clone();
    nobody.delivery.event += 1000;
    fenced(&nobody, Next::Succeeded).await;
    assert_eq!(feed.states("crm").await, [Succeeded, Due]);
}

/// Nobody else has claimed it meanwhile, so its end counts.
pub(crate) async fn a_late_end_counts_if_nobody_took_over(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, None, &["a"]).await;
    let claimed = feed.claim(to, 1).await;
    feed.after(10 * LEASE_MS).finish(&claimed[0], Next::Succeeded).await;
    assert_eq!(feed.states("crm").await, [Succeeded]);
}

pub(crate) async fn a_retry_is_claimed_anew(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, None, &["a"]).await;
    for number in 1..=4 {
        let claimed = feed.claim(to, 1).await.remove(0);
        assert_eq!((claimed.claim, claimed.attempt), (number, number));
        feed.finish(&claimed, Next::RetryAt(feed.now_ms)).await;
        let error = feed.store.finish(finished(&claimed, Next::Succeeded), feed.now_ms).await.unwrap_err();
        assert!(matches!(error, FinishError::Fenced), "{error:?}");
    }
    let delivery = feed.deliveries("crm").await.remove(0);
    let (_, _, attempts) = feed.reader.delivery(delivery.key).await.unwrap().unwrap();
    let expected: Vec<_> = (1..=4).map(|number| (number, crate::feed::attempt(number, Next::RetryAt(0)))).collect();
    assert_eq!(attempts, expected);
    assert_eq!((delivery.attempts, delivery.last), (4, Some(expected[3].1.clone())));
}

pub(crate) async fn a_start_releases_all_leases(store: Store) {
    let feed = Feed::new(store);
    let (one, two) = (feed.webhook("one").await, feed.webhook("two").await);
    assert_eq!(feed.store.release_leases(feed.now_ms).await.unwrap(), 0);
    feed.take(one, Some("x"), &["x1", "x2"]).await;
    feed.take(two, None, &["a", "b"]).await;
    feed.after(900).take(one, None, &["later"]).await;
    let before = feed.claim(one, 9).await;
    let retried = feed.claim(two, 1).await;
    feed.finish(&retried[0], Next::RetryAt(feed.now_ms + 500)).await;
    feed.claim(two, 9).await;

    let feed = feed.after(100);
    assert_eq!(feed.store.release_leases(feed.now_ms).await.unwrap(), 2);
    assert_eq!(feed.store.release_leases(feed.now_ms).await.unwrap(), 0);
    let error = feed.store.finish(finished(&before[0], Next::Succeeded), feed.now_ms).await.unwrap_err();
    assert!(matches!(error, FinishError::Fenced), "{error:?}");
    let one_again = feed.claim(one, 9).await;
    assert_eq!(ids(&one_again), ["x1"]);
    assert_eq!((one_again[0].claim, one_again[0].attempt), (2, 1));
    // What waited for its time still does.
    assert_eq!(feed.claim_ids(two).await, ["b"]);
    assert_eq!(feed.after(400).claim_ids(two).await, ["a"]);
}

pub(crate) async fn who_is_absent_is_parked(store: Store) {
    let feed = Feed::new(store);
    let (one, two) = (feed.webhook("one").await, feed.webhook("two").await);
    feed.take(one, Some("x"), &["x1", "x2"]).await;
    feed.take(two, None, &["a"]).await;
    let absent = async |since_ms| feed.store.set_absent(vec![(one, since_ms)], feed.now_ms).await.unwrap();
    absent(Some(77)).await;
    let all = feed.reader.subscribers().await.unwrap();
    let seen: Vec<_> = all.iter().map(|one| (one.absent_since_ms, one.ready.earliest_ms())).collect();
    assert_eq!(seen, [(Some(77), Some(feed.now_ms)), (None, Some(feed.now_ms))]);

    let (claimed, next) = feed.claim_and_next(one, 9).await;
    assert_eq!((ids(&claimed), next), (vec![], None));
    assert_eq!(feed.claim_ids(two).await, ["a"]);
    // What comes meanwhile is kept for it.
    feed.take(one, None, &["b"]).await;
    let parked: Vec<_> = feed.deliveries("one").await.iter().map(|one| (one.parked, one.state)).collect();
    assert_eq!(parked, [(true, Due), (true, Waiting), (true, Due)]);
    assert!(!feed.deliveries("two").await[0].parked);

    absent(None).await;
    let claimed = feed.claim(one, 9).await;
    assert_eq!(ids(&claimed), ["x1", "b"]);
    feed.finish(&claimed[0], Next::Succeeded).await;
    // What is closed is not parked; an attempt under way may end.
    absent(Some(78)).await;
    let parked: Vec<_> = feed.deliveries("one").await.iter().map(|one| (one.parked, one.state)).collect();
    assert_eq!(parked, [(false, Succeeded), (true, Due), (true, Leased)]);
    feed.finish(&claimed[1], Next::Succeeded).await;
    // Of those that there are not, nothing is noted.
    feed.store.set_absent(vec![(SubscriberKey(999), Some(1))], 1).await.unwrap();
    assert_eq!(feed.reader.subscribers().await.unwrap().len(), 2);
}

pub(crate) async fn what_is_handed_back_was_no_attempt(store: Store) {
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    feed.take(to, Some("x"), &["x1", "x2"]).await;
    let claimed = feed.claim(to, 1).await.remove(0);
    feed.store.hand_back(claimed.delivery, claimed.claim, feed.now_ms + 5).await.unwrap();
    let delivery = feed.deliveries("crm").await.remove(0);
    assert_eq!((delivery.state, delivery.attempts, delivery.ready_at_ms), (Due, 0, Some(feed.now_ms + 5)));
    assert_eq!(delivery.last, None);
    // The lease is gone with it.
    for error in [
        feed.store.hand_back(claimed.delivery, claimed.claim, feed.now_ms).await.unwrap_err(),
        feed.store.finish(finished(&claimed, Next::Succeeded), feed.now_ms).await.unwrap_err(),
    ] {
        assert!(matches!(error, FinishError::Fenced), "{error:?}");
    }
    assert_eq!(feed.after(4).claim_ids(to).await, [""; 0]);
    let again = feed.after(5).claim(to, 1).await.remove(0);
    assert_eq!((again.event.id.as_str(), again.claim, again.attempt), ("x1", 2, 1));
}

pub(crate) async fn a_new_revision_makes_retries_due(store: Store) {
    let feed = Feed::new(store);
    let (to, other) = (feed.webhook("crm").await, feed.webhook("other").await);
    let set = async |revision: &str| feed.store.set_revisions(vec![(to, revision.into())], feed.now_ms).await.unwrap();
    set("1").await;
    feed.take(to, None, &["retried"]).await;
    feed.take(to, None, &["leased"]).await;
    feed.take(other, None, &["of another"]).await;
    let claimed = feed.claim(to, 2).await;
    feed.finish(&claimed[0], Next::RetryAt(feed.now_ms + 60_000)).await;
    let of_another = feed.claim(other, 1).await.remove(0);
    feed.finish(&of_another, Next::RetryAt(feed.now_ms + 60_000)).await;
    set("1").await;
    assert_eq!(feed.claim_ids(to).await, [""; 0]);
    set("2").await;
    assert_eq!(feed.claim_ids(to).await, ["retried"], "what is leased stays so");
    assert_eq!(feed.claim_ids(other).await, [""; 0]);
    let subscribers = feed.reader.subscribers().await.unwrap();
    let revisions: Vec<_> = subscribers.iter().map(|subscriber| subscriber.revision.as_deref()).collect();
    assert_eq!(revisions, [Some("2"), None]);
}
