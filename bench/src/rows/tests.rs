//! The rows of the benchmark held against those of the store.

use slashbox_core::{Attempt, Dedupe, Event, Next, Origin, Sender, SubscriberId, SubscriberKind};
use slashbox_store::{ClaimRequest, Finished, NewEvent};

use super::*;

const TABLES: [&str; 5] = ["event", "payload", "dedupe", "delivery", "attempt"];

/// Each table's columns with the type of what stands there in the first row.
fn shape(sql: &Connection) -> Vec<Vec<String>> {
    let shape_of = |table: &str| {
        let names = format!(
            "SELECT group_concat(format('%s||typeof(\"%w\")', quote(name || ' '), name), ';')
            FROM pragma_table_info('{table}')"
        );
        let columns: String = sql.query_row(&names, (), |row| row.get(0)).unwrap();
        let columns: Vec<&str> = columns.split(';').collect();
        let query = format!("SELECT {} FROM {table} LIMIT 1", columns.join(", "));
        sql.query_row(&query, (), |row| (0..columns.len()).map(|at| row.get(at)).collect()).unwrap()
    };
    TABLES.map(shape_of).into()
}

/// So that a change of the store's tables is not overlooked here.
#[tokio::test]
async fn rows_are_those_of_the_store() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    Store::open(ours.path()).unwrap().close().await;
    let bare = open(ours.path()).unwrap();
    let mut rows = Rows::of(&bare).unwrap();
    let order = Order { what: "deliver".into(), abreast: 300, lasting: Duration::ZERO };
    rows.deliver(&order).unwrap();
    let open: i64 = bare.query_row("SELECT count(*) FROM delivery WHERE outcome <> 1", (), |row| row.get(0)).unwrap();
    assert_eq!(open, 0);

    let store = Store::open(theirs.path()).unwrap();
    let id = SubscriberId { tenant: "default".into(), kind: SubscriberKind::Webhook, name: "receiver".into() };
    let [subscriber] = store.subscribers_of(vec![id]).await.unwrap()[..] else { panic!() };
    let new = NewEvent {
        event: their_event(),
        dedupe: Some(Dedupe { key: [7; 32], ttl_ms: 1_000 }),
        subscribers: vec![subscriber],
    };
    store.accept(vec![new], 1).await.unwrap();
    let claims = store.claim(vec![ClaimRequest { subscriber, limit: 1, again: 0 }], 2, 3).await.unwrap();
    let attempt = Attempt {
        at_ms: 2,
        took_ms: 1,
        fault: None,
        status: Some(200),
        detail: "answered with status 200".into(),
        answer: ANSWER_BODY.into(),
    };
    let delivery = claims.claimed[0].delivery;
    let finished = Finished { delivery, claim: 1, attempt, counts: true, next: Next::Succeeded, change: None };
    store.finish(finished, 2).await.unwrap();
    let slashbox = Connection::open(database::file(theirs.path())).unwrap();
    assert_eq!(shape(&bare), shape(&slashbox));
}

/// With the same fields as the events of Hotline have.
fn their_event() -> Event {
    Event {
        id: event::id(0),
        kind: event::KIND.into(),
        native_kind: event::NATIVE_KIND.into(),
        conversation: Some("1:2".into()),
        contact: None,
        operator: None,
        sender: Sender::Operator,
        message: Some("3".into()),
        text: Some(event::TEXT.into()),
        occurred_at_ms: 1,
        origin: Origin {
            tenant: "default".into(),
            source: payload::SOURCE.into(),
            dialect: "hotline".into(),
            instance: Some(payload::INSTANCE.into()),
        },
        data: event::data(),
        envelope: event::envelope(),
        hops: 0,
    }
}
