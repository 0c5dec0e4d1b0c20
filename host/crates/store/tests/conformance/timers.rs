//! What becomes of timers.

use slashbox_core::{DeliveryState, Effects, Event, Limit, Origin, Quota, Sender, SubscriberId, SubscriberKind};
use slashbox_store::{Change, CommitError, Fired, Store, Usage};
use tokio::task::JoinSet;

use crate::feed::{Feed, event, ids, new};
use crate::plugin::{Plugin, UNLIMITED, set, then, timing, writing};

fn id_of(plugin: &Plugin) -> SubscriberId {
    let (tenant, name) = (plugin.scope.tenant.clone(), plugin.scope.plugin.clone());
    SubscriberId { tenant, kind: SubscriberKind::Plugin, name }
}

/// A store, and a plugin in it, at the same time.
fn of(store: Store) -> (Feed, Plugin) {
    let feed = Feed::new(store.clone());
    let plugin = Plugin::new(store).at(feed.now_ms);
    (feed, plugin)
}

/// The ids of the events that a plugin gets, with the keys of their timers.
async fn got(feed: &Feed, plugin: &Plugin) -> Vec<(String, String)> {
    let to = feed.store.subscribers_of(vec![id_of(plugin)]).await.unwrap()[0];
    let claimed = feed.claim(to, 1000).await;
    claimed.iter().map(|one| (one.event.id.clone(), one.event.message.clone().unwrap())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(id, key)| ((*id).to_owned(), (*key).to_owned())).collect()
}

pub(crate) async fn a_timer_becomes_an_event(store: Store) {
    let (feed, plugin) = of(store);
    assert_eq!(feed.reader.next_timer_at_ms().await.unwrap(), None);
    assert_eq!(feed.fire(&["none"]).await, Fired::default());
    let origin = Origin {
        tenant: "default".to_owned(),
        source: "support".to_owned(),
        dialect: "tg-staff".to_owned(),
        instance: Some("two".to_owned()),
    };
    let due_at_ms = feed.now_ms + 50;
    let change = Change {
        origin: origin.clone(),
        conversation: Some("-100:5343".to_owned()),
        ..plugin.change(timing(&[("remind/4711", Some(due_at_ms))]))
    };
    feed.store.commit(change, feed.now_ms).await.unwrap();
    assert_eq!(feed.reader.next_timer_at_ms().await.unwrap(), Some(due_at_ms));
    let early = feed.after(49).fire(&["early"]).await;
    assert_eq!(early, Fired { subscribers: vec![], next_at_ms: Some(due_at_ms) });
    assert_eq!(plugin.usage().await, Usage { timers: 1, kv_bytes: 20, ..Usage::default() });

    let late = feed.after(70);
    let fired = late.fire(&["event", "another"]).await;
    let to = feed.store.subscribers_of(vec![id_of(&plugin)]).await.unwrap()[0];
    assert_eq!(fired, Fired { subscribers: vec![(to, id_of(&plugin))], next_at_ms: None });
    let claimed = late.claim(to, 9).await;
    let expected = Event {
        id: "event".to_owned(),
        kind: "timer.fired".to_owned(),
        native_kind: "timer.fired".to_owned(),
        conversation: Some("-100:5343".to_owned()),
        contact: None,
        operator: None,
        sender: Sender::System,
        message: Some("remind/4711".to_owned()),
        text: None,
        occurred_at_ms: due_at_ms,
        origin,
        data: format!("[{due_at_ms}]"),
        envelope: String::new(),
        hops: 0,
    };
    assert_eq!(claimed.iter().map(|one| &*one.event).collect::<Vec<_>>(), [&expected]);
    assert_eq!(feed.reader.event("event").await.unwrap().unwrap().0.accepted_at_ms, late.now_ms);
    // Once.
    assert_eq!(late.fire(&["again"]).await, Fired::default());
    assert_eq!((late.kept().await.len(), plugin.usage().await), (1, Usage::default()));
}

pub(crate) async fn one_with_the_same_key_is_replaced(store: Store) {
    let (feed, plugin) = of(store);
    for due in [30, 10, 20] {
        plugin.commit(timing(&[("t", Some(feed.now_ms + due))])).await.unwrap();
        assert_eq!(plugin.usage().await.timers, 1);
    }
    assert_eq!(feed.after(19).fire(&["early"]).await.next_at_ms, Some(feed.now_ms + 20));
    feed.after(20).fire(&["a", "b"]).await;
    feed.after(100).fire(&["c"]).await;
    assert_eq!(feed.kept().await, ["a"]);
    let (record, _) = feed.reader.event("a").await.unwrap().unwrap();
    assert_eq!(record.event.data, format!("[{}]", feed.now_ms + 20));
    // One that has fired can be set anew.
    plugin.commit(timing(&[("t", Some(feed.now_ms))])).await.unwrap();
    feed.after(100).fire(&["d"]).await;
    assert_eq!(feed.kept().await, ["a", "d"]);
}

pub(crate) async fn what_is_cancelled_does_not_fire(store: Store) {
    let (feed, plugin) = of(store);
    plugin.commit(timing(&[("never set", None)])).await.unwrap();
    assert_eq!(plugin.usage().await, Usage::default());
    plugin.commit(timing(&[("t", Some(feed.now_ms)), ("u", Some(feed.now_ms + 1))])).await.unwrap();
    plugin.commit(timing(&[("t", None)])).await.unwrap();
    assert_eq!(feed.reader.next_timer_at_ms().await.unwrap(), Some(feed.now_ms + 1));
    feed.after(9).fire(&["a", "b"]).await;
    assert_eq!(got(&feed.after(9), &plugin).await, pairs(&[("a", "u")]));
    assert_eq!(plugin.usage().await, Usage::default());
}

pub(crate) async fn those_due_for_longest_come_first(store: Store) {
    let (feed, plugin) = of(store);
    let other = Plugin::of(plugin.store.clone(), "default", "other").at(feed.now_ms);
    let at = |ms| Some(feed.now_ms + ms);
    plugin.commit(timing(&[("d", at(4)), ("b", at(2)), ("far", at(90)), ("e", at(4))])).await.unwrap();
    other.commit(timing(&[("a", at(1)), ("c", at(3))])).await.unwrap();
    let late = feed.after(10);
    assert_eq!(late.fire(&[]).await, Fired { subscribers: vec![], next_at_ms: at(1) });
    let fired = late.fire(&["1", "2", "3"]).await;
    let names: Vec<_> = fired.subscribers.iter().map(|(_, id)| id.name.as_str()).collect();
    assert_eq!((names, fired.next_at_ms), (vec!["other", "notes"], at(4)));
    assert_eq!((plugin.usage().await.timers, other.usage().await.timers), (3, 0));
    assert_eq!(late.fire(&["4", "5", "6"]).await.next_at_ms, at(90));
    assert_eq!(got(&late, &plugin).await, pairs(&[("2", "b"), ("4", "d"), ("5", "e")]));
    assert_eq!(got(&late, &other).await, pairs(&[("1", "a"), ("3", "c")]));
}

pub(crate) async fn timers_of_scopes_are_apart(store: Store) {
    let feed = Feed::new(store.clone());
    let scopes = [("a", "notes"), ("b", "notes"), ("a", "other"), ("an", "otes")];
    let plugins = scopes.map(|(tenant, plugin)| Plugin::of(store.clone(), tenant, plugin).at(feed.now_ms));
    for plugin in &plugins {
        plugin.commit(timing(&[("t", Some(feed.now_ms))])).await.unwrap();
    }
    plugins[1].commit(timing(&[("t", None)])).await.unwrap();
    let fired = feed.fire(&["1", "2", "3", "4"]).await;
    assert_eq!(fired.subscribers.len(), 3);
    for (plugin, expected) in plugins.iter().zip([1, 0, 1, 1]) {
        let to = feed.store.subscribers_of(vec![id_of(plugin)]).await.unwrap()[0];
        let claimed = feed.claim(to, 9).await;
        assert_eq!(claimed.len(), expected, "{:?}", plugin.scope);
        assert!(claimed.iter().all(|one| one.event.origin.tenant == plugin.scope.tenant));
    }
}

pub(crate) async fn a_timer_and_a_write_of_one_call_are_all_or_none(store: Store) {
    let (feed, plugin) = of(store);
    plugin.write(&[("text", set("no number"))]).await;
    plugin.commit(timing(&[("kept", Some(feed.now_ms + 5))])).await.unwrap();
    let setting = |effects: Effects| {
        let timers = timing(&[("t", Some(feed.now_ms)), ("kept", None)]).timers;
        Effects { timers, ..effects }
    };
    let stale = plugin.having_read("k").await;
    plugin.write(&[("k", set("changed"))]).await;
    assert_eq!(plugin.conflict(setting(then(stale.clone(), &[]))).await.as_deref(), Some("k"));
    assert_eq!(plugin.conflict(setting(then(stale, &[("l", set("1"))]))).await.as_deref(), Some("k"));
    let no_number = writing(&[("l", set("1")), ("text", slashbox_core::Write::Add(1))]);
    assert_eq!(plugin.conflict(setting(no_number)).await.as_deref(), Some("text"));
    let full = plugin.within(Quota { kv_keys: 2, ..UNLIMITED });
    let error = full.commit(setting(writing(&[("l", set("1"))]))).await.unwrap_err();
    assert!(matches!(error, CommitError::Quota(Limit::KvKeys { keys: 2 })), "{error:?}");
    assert_eq!(error.to_string(), "kv limit of 2 keys reached");
    assert_eq!(feed.reader.next_timer_at_ms().await.unwrap(), Some(feed.now_ms + 5));
    assert_eq!((plugin.usage().await.timers, plugin.text("l").await), (1, None));

    assert_eq!(plugin.conflict(setting(writing(&[("l", set("1"))]))).await, None);
    assert_eq!(feed.reader.next_timer_at_ms().await.unwrap(), Some(feed.now_ms));
    assert_eq!((plugin.usage().await.timers, plugin.text("l").await.as_deref()), (1, Some("1")));
}

pub(crate) async fn its_event_waits_for_its_conversation(store: Store) {
    let (feed, plugin) = of(store);
    let to = feed.store.subscribers_of(vec![id_of(&plugin)]).await.unwrap()[0];
    let in_x = |id: &str| Event { conversation: Some("x".to_owned()), ..event(id) };
    feed.accept(vec![new(in_x("x1"), &[to])]).await;
    let timer = plugin.change(timing(&[("t", Some(feed.now_ms))]));
    let timer = Change { conversation: Some("x".to_owned()), ..timer };
    feed.store.commit(timer, feed.now_ms).await.unwrap();
    feed.fire(&["fired"]).await;
    let claimed = feed.claim(to, 9).await;
    assert_eq!(ids(&claimed), ["x1"]);
    assert_eq!(feed.states("notes").await, [DeliveryState::Leased, DeliveryState::Waiting]);
    feed.finish(&claimed[0], slashbox_core::Next::Succeeded).await;
    assert_eq!(feed.claim_ids(to).await, ["fired"]);
}

pub(crate) async fn what_an_absent_plugin_has_set_is_parked(store: Store) {
    let (feed, plugin) = of(store);
    let to = feed.store.subscribers_of(vec![id_of(&plugin)]).await.unwrap()[0];
    feed.store.set_absent(vec![(to, Some(1))], 1).await.unwrap();
    plugin.commit(timing(&[("t", Some(feed.now_ms))])).await.unwrap();
    feed.fire(&["fired"]).await;
    assert_eq!(feed.claim_ids(to).await, [""; 0]);
    assert!(feed.deliveries("notes").await[0].parked);
    feed.store.set_absent(vec![(to, None)], 1).await.unwrap();
    assert_eq!(feed.claim_ids(to).await, ["fired"]);
}

/// That would be one event for two of something.
pub(crate) async fn with_an_id_that_is_taken_it_stays(store: Store) {
    let (feed, plugin) = of(store);
    feed.accept(vec![new(event("taken"), &[])]).await;
    plugin.commit(timing(&[("t", Some(feed.now_ms)), ("u", Some(feed.now_ms))])).await.unwrap();
    assert_eq!(feed.fire(&["taken", "free"]).await.next_at_ms, Some(feed.now_ms));
    assert_eq!(plugin.usage().await.timers, 1);
    feed.fire(&["other"]).await;
    assert_eq!(got(&feed, &plugin).await, pairs(&[("free", "u"), ("other", "t")]));
}

pub(crate) async fn of_those_that_fire_at_once_each_fires_once(store: Store) {
    let (feed, plugin) = of(store);
    let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let timers: Vec<_> = names.iter().map(|key| (key.as_str(), Some(feed.now_ms))).collect();
    plugin.commit(timing(&timers)).await.unwrap();
    let mut calls = JoinSet::new();
    for call in 0..30 {
        let feed = feed.clone();
        let ids = (0..5).map(|n| format!("{call}-{n}")).collect();
        calls.spawn(async move { feed.store.fire_timers(feed.now_ms, ids).await.unwrap() });
    }
    calls.join_all().await;
    let mut keys: Vec<String> = got(&feed, &plugin).await.into_iter().map(|(_, key)| key).collect();
    keys.sort_by_key(|key| key.parse::<u32>().unwrap());
    assert_eq!(keys, names);
    assert_eq!(plugin.usage().await, Usage::default());
}
