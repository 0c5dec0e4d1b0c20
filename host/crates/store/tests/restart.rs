//! What is there when a store is opened again, and when it may be.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

use slashbox_core::{
    Attempt, Dedupe, DeliveryState, Effects, Event, Next, Origin, Quota, Scope, Sender, SubscriberId, SubscriberKind,
    TimerWrite, Version, Write,
};
use slashbox_store::{
    Accepted, Change, ClaimRequest, Claimed, CommitError, DeliveryFilter, EventFilter, Finished, NewEvent, OpenError,
    Store, SubscriberKey, Usage,
};

fn scope() -> Scope {
    Scope { tenant: "default".to_owned(), plugin: "notes".to_owned() }
}

fn origin() -> Origin {
    Origin { tenant: "default".to_owned(), source: "support".to_owned(), dialect: "hotline".to_owned(), instance: None }
}

fn change(effects: Effects) -> Change {
    let quota = Quota { kv_keys: 10, kv_bytes: 1000, timers: 10 };
    Change { scope: scope(), effects, quota, origin: origin(), conversation: Some("x".to_owned()), events: Vec::new() }
}

async fn write(store: &Store, key: &str, write: Write) -> Result<(), CommitError> {
    store.commit(change(Effects { writes: [(key.to_owned(), write)].into(), ..Effects::default() }), 1000).await
}

async fn add(store: &Store) {
    write(store, "n", Write::Add(1)).await.unwrap();
}

/// The number and its version.
async fn number(store: &Store) -> Option<(String, Version)> {
    let entry = store.reader().get(&scope(), "n", 1000).await.unwrap()?;
    Some((String::from_utf8(entry.value).unwrap(), entry.version))
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What is on the disk now is what a crash would leave.
fn copy_of(dir: &Path, copy: &Path) {
    for file in files(dir) {
        fs::copy(dir.join(&file), copy.join(&file)).unwrap();
    }
}

#[tokio::test]
async fn what_was_committed_is_there_again() {
    let dir = tempfile::tempdir().unwrap();
    for (n, close) in [(1, true), (2, false), (3, true)] {
        let store = Store::open(dir.path()).unwrap();
        add(&store).await;
        assert_eq!(number(&store).await.unwrap().0, n.to_string());
        // Dropped instead of closed, it gives the directory free just as well.
        if close {
            store.close().await;
        }
    }
}

#[tokio::test]
async fn a_crash_loses_nothing_that_was_committed() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::open(dir.path()).unwrap();
    add(&store).await;
    copy_of(dir.path(), copy.path());
    store.close().await;
    let crashed = Store::open(copy.path()).unwrap();
    assert_eq!(number(&crashed).await.unwrap().0, "1");
}

#[tokio::test]
async fn versions_never_come_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut last = Version(0);
    for _ in 0..3 {
        let store = Store::open(dir.path()).unwrap();
        add(&store).await;
        let (_, version) = number(&store).await.unwrap();
        assert!(last < version, "{last:?} {version:?}");
        last = version;
        write(&store, "n", Write::Delete).await.unwrap();
        store.close().await;
    }
}

#[tokio::test]
async fn one_at_a_time_has_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let first = Store::open(dir.path()).unwrap();
    let (clone, reader) = (first.clone(), first.reader());
    let error = Store::open(dir.path()).unwrap_err();
    assert_eq!(error.to_string(), format!("data directory {:?} is in use by another slashbox", dir.path()));
    assert!(matches!(error, OpenError::InUse { path } if path == dir.path()));

    // Closing is for all clones and readers; they do not keep the directory.
    first.close().await;
    let second = Store::open(dir.path()).unwrap();
    add(&second).await;
    write(&clone, "n", Write::Delete).await.unwrap_err();
    reader.get(&scope(), "n", 1000).await.unwrap_err();
    drop((clone, reader));
    Store::open(dir.path()).unwrap_err();
    assert_eq!(number(&second).await.unwrap().0, "1");
}

#[tokio::test]
async fn closing_leaves_one_file_with_everything() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let reader = store.reader();
    add(&store).await;
    assert_eq!(files(dir.path()), ["lock", "slashbox.db", "slashbox.db-shm", "slashbox.db-wal"]);
    store.close().await;
    assert_eq!(files(dir.path()), ["lock", "slashbox.db"]);
    drop(reader);
}

#[tokio::test]
async fn a_newer_database_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    Store::open(dir.path()).unwrap().close().await;
    let path = dir.path().join("slashbox.db");
    let sql = rusqlite::Connection::open(&path).unwrap();
    let known: i64 = sql.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    sql.pragma_update(None, "user_version", known + 1).unwrap();
    sql.close().unwrap();

    // Also the second time: the refusal gives the directory free.
    for _ in 0..2 {
        let error = Store::open(dir.path()).unwrap_err();
        let expected =
            format!("database {path:?} has schema version {}, this slashbox knows versions up to {known}", known + 1);
        assert_eq!(error.to_string(), expected);
        assert!(matches!(error, OpenError::Newer { .. }));
    }
}

#[tokio::test]
async fn a_missing_directory_is_created_for_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("srv").join("data");
    let store = Store::open(&data_dir).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&data_dir).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{mode:o}");
    }
    store.close().await;
}

#[test]
fn what_is_no_store_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(&file).unwrap_err();
    assert!(matches!(&error, OpenError::Unusable { path, .. } if *path == file), "{error:?}");

    let path = dir.path().join("slashbox.db");
    fs::write(&path, "no database at all, but long enough to look like one".repeat(100)).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert_eq!(error.to_string(), format!("{path:?} cannot be used as a store"));
}

fn notes() -> SubscriberId {
    SubscriberId { tenant: "default".to_owned(), kind: SubscriberKind::Plugin, name: "notes".to_owned() }
}

/// An event of one conversation, known again by the first byte of its id.
fn event(id: &str, to: SubscriberKey) -> NewEvent {
    let event = Event {
        id: id.to_owned(),
        kind: "message.received".to_owned(),
        native_kind: "message_received".to_owned(),
        conversation: Some("x".to_owned()),
        contact: None,
        operator: None,
        sender: Sender::Contact,
        message: None,
        text: None,
        occurred_at_ms: 999,
        origin: origin(),
        data: "{}".to_owned(),
        envelope: String::new(),
        hops: 0,
    };
    let dedupe = Some(Dedupe { key: [id.as_bytes()[0]; 32], ttl_ms: 1000 });
    NewEvent { event, dedupe, subscribers: vec![to] }
}

async fn claim(store: &Store, subscriber: SubscriberKey) -> Vec<Claimed> {
    let claims = store.claim(vec![ClaimRequest { subscriber, limit: 10, again: 10 }], 1000, 2000).await.unwrap();
    claims.claimed
}

async fn finish(store: &Store, claimed: &Claimed, next: Next) {
    let attempt =
        Attempt { at_ms: 1000, took_ms: 1, fault: None, status: None, detail: String::new(), answer: String::new() };
    let effects = Effects { writes: [("n".to_owned(), Write::Add(1))].into(), ..Effects::default() };
    let change = Some(change(effects));
    let finished = Finished { delivery: claimed.delivery, claim: claimed.claim, attempt, counts: true, next, change };
    store.finish(finished, 1000).await.unwrap();
}

async fn states(store: &Store) -> Vec<DeliveryState> {
    let page = store.reader().deliveries(&DeliveryFilter::default(), None, 10).await.unwrap();
    page.items.into_iter().rev().map(|delivery| delivery.state).collect()
}

/// Four deliveries of a conversation: arrived, dead, under way, waiting; and of another one that is absent, one.
async fn with_deliveries(store: &Store) -> SubscriberKey {
    let gone = SubscriberId { name: "gone".to_owned(), ..notes() };
    let keys = store.subscribers_of(vec![notes(), gone]).await.unwrap();
    store.set_absent(vec![(keys[1], Some(77))], 77).await.unwrap();
    let mut events: Vec<_> = ["a", "b", "c", "d"].map(|id| event(id, keys[0])).into();
    events.push(event("e", keys[1]));
    assert_eq!(store.accept(events, 1000).await.unwrap(), vec![Accepted::New; 5]);
    for next in [Next::Succeeded, Next::Dead] {
        finish(store, &claim(store, keys[0]).await[0], next).await;
    }
    assert_eq!(claim(store, keys[0]).await.len(), 1);
    keys[0]
}

/// What `with_deliveries` left is there, and goes on.
async fn check_deliveries(store: &Store, to: SubscriberKey) {
    use DeliveryState::{Dead, Due, Leased, Succeeded, Waiting};
    assert_eq!(states(store).await, [Succeeded, Dead, Leased, Waiting, Due]);
    let subscribers = store.reader().subscribers().await.unwrap();
    let absent: Vec<_> = subscribers.iter().map(|subscriber| subscriber.absent_since_ms).collect();
    assert_eq!(absent, [None, Some(77)]);
    assert_eq!(store.subscribers_of(vec![notes()]).await.unwrap(), [to]);
    // Known is known.
    let again = store.accept(vec![event("a2", to)], 1999).await.unwrap();
    assert_eq!(again, [Accepted::Duplicate { of: "a".to_owned() }]);

    assert_eq!(claim(store, to).await.len(), 0);
    assert_eq!(store.release_leases(1000).await.unwrap(), 1);
    for id in ["c", "d"] {
        let claimed = claim(store, to).await;
        assert_eq!((claimed.len(), claimed[0].event.id.as_str(), claimed[0].attempt), (1, id, 1));
        finish(store, &claimed[0], Next::Succeeded).await;
    }
    assert_eq!(states(store).await, [Succeeded, Dead, Succeeded, Succeeded, Due]);
    assert_eq!(number(store).await.unwrap().0, "4");
}

#[tokio::test]
async fn deliveries_go_on_where_they_were() {
    for close in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let to = with_deliveries(&store).await;
        if close {
            store.close().await;
        } else {
            drop(store);
        }
        let store = Store::open(dir.path()).unwrap();
        check_deliveries(&store, to).await;
        store.close().await;
    }
}

#[tokio::test]
async fn a_crash_loses_no_delivery() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::open(dir.path()).unwrap();
    let to = with_deliveries(&store).await;
    copy_of(dir.path(), copy.path());
    store.close().await;
    let crashed = Store::open(copy.path()).unwrap();
    check_deliveries(&crashed, to).await;
}

/// Sets a timer to 1500, in a call that adds one.
async fn set_timer(store: &Store) {
    let timer = TimerWrite::Set { due_at_ms: 1500, payload: "[1]".to_owned() };
    let effects = Effects {
        writes: [("n".to_owned(), Write::Add(1))].into(),
        timers: [("t".to_owned(), timer)].into(),
        ..Effects::default()
    };
    store.commit(change(effects), 1000).await.unwrap();
}

/// Fires what is due at a time later than that, and tells the ids and data of all events.
async fn fired(store: &Store, id: &str) -> Vec<(String, String)> {
    store.fire_timers(2000, vec![id.to_owned(), format!("{id}-more")]).await.unwrap();
    let page = store.reader().events(&EventFilter::default(), None, 10).await.unwrap();
    let mut events = Vec::new();
    for record in page.items {
        let (record, deliveries) = store.reader().event(&record.event.id).await.unwrap().unwrap();
        assert_eq!(deliveries.iter().map(|one| &one.subscriber).collect::<Vec<_>>(), [&notes()]);
        events.push((record.event.id, record.event.data));
    }
    events
}

/// A crash before it is set, between that and its event, and after.
#[tokio::test]
async fn a_timer_is_set_or_fired_whenever_it_crashes() {
    let dirs = [(); 4].map(|()| tempfile::tempdir().unwrap());
    let store = Store::open(dirs[0].path()).unwrap();
    write(&store, "other", Write::Add(1)).await.unwrap();
    copy_of(dirs[0].path(), dirs[1].path());
    set_timer(&store).await;
    copy_of(dirs[0].path(), dirs[2].path());
    assert_eq!(fired(&store, "first").await, [("first".to_owned(), "[1]".to_owned())]);
    copy_of(dirs[0].path(), dirs[3].path());
    store.close().await;

    let unset = Store::open(dirs[1].path()).unwrap();
    assert_eq!((number(&unset).await, unset.reader().next_timer_at_ms().await.unwrap()), (None, None));
    assert_eq!(fired(&unset, "none").await, []);
    let set = Store::open(dirs[2].path()).unwrap();
    assert_eq!(number(&set).await.unwrap().0, "1");
    assert_eq!(set.reader().next_timer_at_ms().await.unwrap(), Some(1500));
    assert_eq!(set.reader().usage(&scope()).await.unwrap(), Usage { kv_keys: 2, kv_bytes: 12, timers: 1 });
    assert_eq!(fired(&set, "second").await, [("second".to_owned(), "[1]".to_owned())]);
    let fired_before = Store::open(dirs[3].path()).unwrap();
    assert_eq!(fired(&fired_before, "third").await, [("first".to_owned(), "[1]".to_owned())]);
    let to = fired_before.subscribers_of(vec![notes()]).await.unwrap()[0];
    assert_eq!(claim(&fired_before, to).await.len(), 0, "not before 2000");
    let claims =
        fired_before.claim(vec![ClaimRequest { subscriber: to, limit: 9, again: 9 }], 2000, 3000).await.unwrap();
    assert_eq!(claims.claimed[0].event.conversation.as_deref(), Some("x"));
}

#[tokio::test]
async fn a_database_of_the_second_version_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let sql = rusqlite::Connection::open(dir.path().join("slashbox.db")).unwrap();
    for version in [include_str!("../migrations/0001_kv.sql"), include_str!("../migrations/0002_events.sql")] {
        sql.execute_batch(version).unwrap();
    }
    sql.execute_batch(
        "INSERT INTO kv VALUES ('default', 'notes', 'é', 1, NULL, x'0000'), ('default', 'notes', 'n', 2, 500, x'32'),
            ('default', 'other', 'a' || char(0) || 'b', 3, NULL, x'');
        INSERT INTO source VALUES (1, 'default', 'support');
        INSERT INTO event VALUES (1, 'old', 1, 5, 4, 0, NULL, 'hotline', NULL, 'k', 'n', NULL, NULL, NULL, NULL, NULL,
            NULL, '', '[' || hex(zeroblob(100000)) || ']')",
    )
    .unwrap();
    sql.pragma_update(None, "user_version", 2).unwrap();
    sql.close().unwrap();

    let store = Store::open(dir.path()).unwrap();
    let usage = async |scope: Scope| store.reader().usage(&scope).await.unwrap();
    assert_eq!(usage(scope()).await, Usage { kv_keys: 2, kv_bytes: 6, timers: 0 });
    let other = Scope { plugin: "other".to_owned(), ..scope() };
    assert_eq!(usage(other).await, Usage { kv_keys: 1, kv_bytes: 3, timers: 0 });
    // From now on, what goes is taken off: `n` has expired.
    write(&store, "m", Write::Set { value: vec![0; 10], expires_at_ms: None }).await.unwrap();
    assert_eq!(usage(scope()).await, Usage { kv_keys: 2, kv_bytes: 15, timers: 0 });
    let (record, _) = store.reader().event("old").await.unwrap().unwrap();
    assert_eq!((record.event.hops, record.event.data.len()), (0, 200_002));
}

#[tokio::test]
async fn a_database_of_the_first_version_keeps_what_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let sql = rusqlite::Connection::open(dir.path().join("slashbox.db")).unwrap();
    sql.execute_batch(include_str!("../migrations/0001_kv.sql")).unwrap();
    sql.execute_batch(
        "INSERT INTO kv VALUES ('default', 'notes', 'n', 7, NULL, x'32'); UPDATE kv_version SET last = 7",
    )
    .unwrap();
    sql.pragma_update(None, "user_version", 1).unwrap();
    sql.close().unwrap();

    let store = Store::open(dir.path()).unwrap();
    assert_eq!(number(&store).await, Some(("2".to_owned(), Version(7))));
    add(&store).await;
    assert_eq!(number(&store).await, Some(("3".to_owned(), Version(8))));
    write(&store, "n", Write::Delete).await.unwrap();
    let to = with_deliveries(&store).await;
    store.close().await;
    check_deliveries(&Store::open(dir.path()).unwrap(), to).await;
}
