//! What people see of events and deliveries.

use slashbox_core::{DeliveryState, Event, Next, SubscriberId, SubscriberKind};
use slashbox_store::{DeliveryFilter, DeliveryKey, EventFilter, NewEvent, Store, SubscriberKey};

use crate::feed::{Feed, event_of, new, webhook};

/// The ids of the events that fit, page by page.
async fn events(feed: &Feed, filter: &EventFilter, limit: u32) -> Vec<String> {
    let (mut ids, mut before) = (Vec::new(), None);
    loop {
        let page = feed.reader.events(filter, before, limit).await.unwrap();
        assert!(page.items.len() <= limit.max(1) as usize && ids.len() < 100_000);
        ids.extend(page.items.into_iter().map(|record| record.event.id));
        assert!(page.next.is_none() || before.is_none() || page.next < before);
        before = page.next;
        if before.is_none() {
            return ids;
        }
    }
}

async fn deliveries(feed: &Feed, filter: &DeliveryFilter, limit: u32) -> Vec<DeliveryKey> {
    let (mut keys, mut before) = (Vec::new(), None);
    loop {
        let page = feed.reader.deliveries(filter, before, limit).await.unwrap();
        assert!(page.items.len() <= limit.max(1) as usize && keys.len() < 100_000);
        keys.extend(page.items.into_iter().map(|record| record.key));
        assert!(page.next.is_none() || before.is_none() || page.next < before);
        before = page.next;
        if before.is_none() {
            return keys;
        }
    }
}

/// Every combination of two tenants, two sources, three kinds and three conversations, twice.
fn all_sorts() -> Vec<Event> {
    let mut events = Vec::new();
    for round in ["a", "b"] {
        for tenant in ["acme", "umbrella"] {
            for source in ["support", "sales"] {
                for kind in ["message.received", "conversation.closed", "/mark"] {
                    for conversation in [None, Some("x"), Some("y")] {
                        let id = format!("{round} {tenant} {source} {kind} {conversation:?}");
                        let conversation = conversation.map(str::to_owned);
                        events.push(Event { kind: kind.to_owned(), conversation, ..event_of(&id, tenant, source) });
                    }
                }
            }
        }
    }
    events
}

pub(crate) async fn events_are_listed_by_what_they_are(store: Store) {
    let feed = Feed::new(store);
    let all = all_sorts();
    assert_eq!(events(&feed, &EventFilter::default(), 10).await, [""; 0]);
    let accepted = feed.accept(all.iter().map(|event| new(event.clone(), &[])).collect()).await;
    assert_eq!(accepted.len(), all.len());
    let options = |values: [&str; 3]| [None].into_iter().chain(values.map(|value| Some(value.to_owned())));
    for tenant in options(["acme", "umbrella", "nobody"]) {
        for source in options(["support", "sales", "none"]) {
            for kind in options(["message.received", "/mark", "message"]) {
                for conversation in options(["x", "y", "z"]) {
                    let filter = EventFilter {
                        tenant: tenant.clone(),
                        source: source.clone(),
                        kind: kind.clone(),
                        conversation: conversation.clone(),
                    };
                    let fits = |event: &&Event| {
                        tenant.as_ref().is_none_or(|tenant| *tenant == event.origin.tenant)
                            && source.as_ref().is_none_or(|source| *source == event.origin.source)
                            && kind.as_ref().is_none_or(|kind| *kind == event.kind)
                            && (conversation.is_none() || conversation == event.conversation)
                    };
                    let expected: Vec<_> = all.iter().rev().filter(fits).map(|event| event.id.clone()).collect();
                    for limit in [0, 1, 7, 1000] {
                        assert_eq!(events(&feed, &filter, limit).await, expected, "{filter:?} by {limit}");
                    }
                }
            }
        }
    }
}

pub(crate) async fn rare_ones_are_found_in_a_long_log(store: Store) {
    const COUNT: usize = 13_000;
    let feed = Feed::new(store);
    // The rare ones stand at the beginning, behind everything else; 13,000 are more than a page looks at.
    let rare = |id: &str, kind: &str, conversation: &str| {
        let conversation = Some(conversation.to_owned());
        Event { kind: kind.to_owned(), conversation, ..event_of(id, "default", "support") }
    };
    feed.accept(vec![new(rare("rare", "contact.blocked", "rare"), &[]), new(event_of("tiny", "tiny", "own"), &[])])
        .await;
    for start in (0..COUNT).step_by(1000) {
        let many = (start..start + 1000).map(|n| new(rare(&format!("{n}"), "message.sent", &format!("c{n}")), &[]));
        feed.accept(many.collect()).await;
    }
    let filters = [
        (EventFilter { kind: Some("contact.blocked".to_owned()), ..EventFilter::default() }, "rare"),
        (EventFilter { conversation: Some("rare".to_owned()), ..EventFilter::default() }, "rare"),
        (EventFilter { tenant: Some("tiny".to_owned()), ..EventFilter::default() }, "tiny"),
        (EventFilter { source: Some("own".to_owned()), ..EventFilter::default() }, "tiny"),
        (EventFilter { conversation: Some("c4095".to_owned()), ..EventFilter::default() }, "4095"),
    ];
    for (filter, expected) in filters {
        assert_eq!(events(&feed, &filter, 10).await, [expected], "{filter:?}");
    }
    // An indexed one is on the first page, and it is the last one; for the kind, the log is gone through in parts.
    let first = async |filter: EventFilter| feed.reader.events(&filter, None, 10).await.unwrap();
    let page = first(EventFilter { tenant: Some("tiny".to_owned()), ..EventFilter::default() }).await;
    assert_eq!((page.items.len(), page.next), (1, None));
    let page = first(EventFilter { kind: Some("contact.blocked".to_owned()), ..EventFilter::default() }).await;
    assert!(page.items.is_empty() && page.next.is_some());
}

struct Sent {
    key: DeliveryKey,
    to: SubscriberId,
    state: DeliveryState,
}

/// Deliveries in every state, of several subscribers.
async fn in_every_state(feed: &Feed) -> Vec<Sent> {
    let ids = [
        webhook("acme", "crm"),
        webhook("acme", "bi"),
        webhook("umbrella", "crm"),
        SubscriberId { kind: SubscriberKind::Plugin, ..webhook("acme", "crm") },
    ];
    let keys: Vec<SubscriberKey> = feed.store.subscribers_of(ids.to_vec()).await.unwrap();
    let in_conversation = |id: String| Event { conversation: Some("x".to_owned()), ..event_of(&id, "acme", "support") };
    let accept: Vec<NewEvent> = (0..6).map(|n| new(in_conversation(n.to_string()), &keys)).collect();
    feed.accept(accept).await;
    for &key in &keys {
        // Of six in a lane: two succeed, one dies, one is under way or due, two wait.
        for next in [Next::Succeeded, Next::Dead, Next::Succeeded] {
            let claimed = feed.claim(key, 1).await;
            feed.finish(&claimed[0], next).await;
        }
        if key != keys[1] {
            feed.claim(key, 1).await;
        }
    }
    let mut sent = Vec::new();
    for n in (0..6).rev() {
        let (record, deliveries) = feed.reader.event(&n.to_string()).await.unwrap().unwrap();
        assert_eq!(deliveries.len(), keys.len());
        for (index, (key, id)) in keys.iter().zip(&ids).enumerate().rev() {
            let state = match n {
                0 | 2 => DeliveryState::Succeeded,
                1 => DeliveryState::Dead,
                3 if index == 1 => DeliveryState::Due,
                3 => DeliveryState::Leased,
                _ => DeliveryState::Waiting,
            };
            assert_eq!((deliveries[index].state, deliveries[index].event_id.as_str()), (state, &*n.to_string()));
            let key = DeliveryKey { event: record.seq, subscriber: *key };
            sent.push(Sent { key, to: id.clone(), state });
        }
    }
    sent
}

pub(crate) async fn deliveries_are_listed_by_whose_and_how_they_stand(store: Store) {
    let feed = Feed::new(store);
    let all = in_every_state(&feed).await;
    let names = |values: [&str; 3]| [None].into_iter().chain(values.map(|value| Some(value.to_owned())));
    let kinds = [None, Some(SubscriberKind::Plugin), Some(SubscriberKind::Webhook)];
    let states = DeliveryState::ALL.map(Some).into_iter().chain([None]);
    let of_events = [None, Some(all[0].key.event), Some(all[12].key.event), Some(999)];
    for state in states {
        for (kind, event) in kinds.into_iter().flat_map(|kind| of_events.map(|event| (kind, event))) {
            for tenant in names(["acme", "umbrella", "nobody"]) {
                for name in names(["crm", "bi", "none"]) {
                    let filter = DeliveryFilter {
                        tenant: tenant.clone(),
                        kind,
                        name,
                        state,
                        event,
                        ..DeliveryFilter::default()
                    };
                    let fits = |sent: &&Sent| {
                        filter.tenant.as_ref().is_none_or(|tenant| *tenant == sent.to.tenant)
                            && filter.kind.is_none_or(|kind| kind == sent.to.kind)
                            && filter.name.as_ref().is_none_or(|name| *name == sent.to.name)
                            && filter.state.is_none_or(|state| state == sent.state)
                            && filter.event.is_none_or(|event| event == sent.key.event)
                    };
                    let expected: Vec<_> = all.iter().filter(fits).map(|sent| sent.key).collect();
                    assert_eq!(deliveries(&feed, &filter, 5).await, expected, "{filter:?}");
                }
            }
        }
    }
    for limit in [0, 1, 24, 25] {
        let keys: Vec<_> = all.iter().map(|sent| sent.key).collect();
        assert_eq!(deliveries(&feed, &DeliveryFilter::default(), limit).await, keys, "by {limit}");
    }
}

pub(crate) async fn a_delivery_tells_its_story(store: Store) {
    let feed = Feed::new(store);
    let all = in_every_state(&feed).await;
    for Sent { key, to, state } in &all {
        let (record, event, attempts) = feed.reader.delivery(*key).await.unwrap().unwrap();
        let count = u32::from(matches!(state, DeliveryState::Succeeded | DeliveryState::Dead));
        assert_eq!((record.key, &record.subscriber, record.state, record.attempts), (*key, to, *state, count));
        assert_eq!((event.seq, &event.event.id, &event.event.kind), (key.event, &record.event_id, &record.event_kind));
        assert_eq!(attempts.len(), count as usize);
        assert_eq!(record.last, attempts.last().map(|(_, attempt)| attempt.clone()));
        assert_eq!(record.ready_at_ms.is_some(), matches!(state, DeliveryState::Due | DeliveryState::Leased));
    }
    for missing in
        [DeliveryKey { event: 999, ..all[0].key }, DeliveryKey { subscriber: SubscriberKey(99), ..all[0].key }]
    {
        assert!(feed.reader.delivery(missing).await.unwrap().is_none());
    }
}

pub(crate) async fn few_that_are_due_are_found_among_many_that_wait(store: Store) {
    const COUNT: usize = 6_000;
    let feed = Feed::new(store);
    let to = feed.webhook("crm").await;
    let event = |n: usize| {
        // The first one is due, and all others wait for it but two.
        let conversation = if n % 3_000 == 1_500 { format!("own {n}") } else { "x".to_owned() };
        new(Event { conversation: Some(conversation), ..event_of(&n.to_string(), "default", "support") }, &[to])
    };
    feed.accept((0..COUNT).map(event).collect()).await;
    feed.claim(to, 1).await;
    let first = async |state| {
        let filter = DeliveryFilter { state: Some(state), ..DeliveryFilter::default() };
        let page = feed.reader.deliveries(&filter, None, 10).await.unwrap();
        let oldest = feed.reader.oldest_deliveries(&filter, None, 10).await.unwrap();
        assert_eq!((oldest.items.len(), oldest.next), (page.items.len(), None), "{state}");
        assert_eq!(page.next, None, "{state}");
        page.items.into_iter().map(|record| record.event_id).collect::<Vec<_>>()
    };
    assert_eq!(first(DeliveryState::Due).await, ["4500", "1500"]);
    assert_eq!(first(DeliveryState::Leased).await, ["0"]);
    // By one: page by page they are the same.
    let filter = DeliveryFilter { state: Some(DeliveryState::Due), ..DeliveryFilter::default() };
    assert_eq!(deliveries(&feed, &filter, 1).await.len(), 2);
    // Of more than are looked at at once, all are found all the same.
    let all = |n: usize| new(event_of(&format!("more {n}"), "default", "support"), &[to]);
    feed.accept((0..COUNT).map(all).collect()).await;
    assert_eq!(deliveries(&feed, &filter, 1_000).await.len(), COUNT + 2);
}
