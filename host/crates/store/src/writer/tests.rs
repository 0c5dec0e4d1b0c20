//! What requests that share a commit may and may not do to each other.

use std::sync::{Arc, mpsc as std_mpsc};

use rusqlite::Error::QueryReturnedNoRows;
use tokio::task::JoinSet;

use super::*;
use crate::database::Database;

/// A writer on a database with a table whose rows must refer to each other, which SQLite checks only at the commit; and a
/// connection that sees what was committed.
fn writer() -> (Arc<Writer>, Connection) {
    let database = Database::in_memory();
    let sql = database.open_writer().unwrap();
    sql.execute_batch(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, next INTEGER REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED) STRICT",
    )
    .unwrap();
    let reader = database.open_reader().unwrap();
    (Arc::new(Writer::start(sql, None).unwrap()), reader)
}

type Tasks = JoinSet<Result<(), Fault>>;

fn spawn(
    tasks: &mut Tasks,
    writer: &Arc<Writer>,
    work: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
) {
    let writer = Arc::clone(writer);
    tasks.spawn(async move { writer.write(|sql| work(sql).map_err(Fault::sql)).await });
}

fn insert(id: usize) -> impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static {
    move |sql| sql.execute("INSERT INTO t (id) VALUES (?1)", [id as i64]).map(drop)
}

/// Makes every commit that it is part of fail.
fn dangling(sql: &Connection) -> rusqlite::Result<()> {
    sql.execute("INSERT INTO t (id, next) VALUES (-1, -2)", ()).map(drop)
}

/// Has the requests of `fill` wait in the queue together, and tells how each ended.
async fn queued_together(writer: &Arc<Writer>, fill: impl FnOnce(&mut Tasks)) -> Vec<Result<(), Fault>> {
    let (began, begun) = oneshot::channel();
    let (release, released) = std_mpsc::channel();
    let mut first = Tasks::new();
    spawn(&mut first, writer, move |_| {
        began.send(()).unwrap();
        released.recv().unwrap();
        Ok(())
    });
    begun.await.unwrap();
    let mut tasks = Tasks::new();
    fill(&mut tasks);
    // One thread runs the tasks in the order in which they were spawned: the last one finds the others queued.
    let last = tokio::spawn(async move { release.send(()).unwrap() });
    last.await.unwrap();
    first.join_all().await.into_iter().for_each(|result| result.unwrap());
    tasks.join_all().await
}

fn rows(reader: &Connection) -> i64 {
    reader.query_row("SELECT count(*) FROM t", (), |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_failed_commit_fails_all_that_share_it_and_no_others() {
    let (writer, reader) = writer();
    let results = queued_together(&writer, |tasks| {
        spawn(tasks, &writer, dangling);
        (1..=BATCH_MAX).for_each(|id| spawn(tasks, &writer, insert(id)));
    })
    .await;
    assert_eq!(results.len(), BATCH_MAX + 1);
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), BATCH_MAX);
    assert_eq!(rows(&reader), 1);
}

#[tokio::test]
async fn a_request_that_fails_leaves_nothing_and_its_neighbours_alone() {
    let (writer, reader) = writer();
    let results = queued_together(&writer, |tasks| {
        spawn(tasks, &writer, insert(1));
        spawn(tasks, &writer, |sql| insert(2)(sql).and(Err(QueryReturnedNoRows)));
        spawn(tasks, &writer, insert(3));
    })
    .await;
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
    assert_eq!(rows(&reader), 2);
}

#[tokio::test]
async fn a_transaction_that_the_database_gave_up_fails_as_a_whole() {
    let (writer, reader) = writer();
    // As SQLite does by itself when the disk is full.
    let results = queued_together(&writer, |tasks| {
        spawn(tasks, &writer, insert(1));
        spawn(tasks, &writer, |sql| sql.execute_batch("ROLLBACK").and(Err(QueryReturnedNoRows)));
        spawn(tasks, &writer, insert(3));
    })
    .await;
    assert!(results.iter().all(Result::is_err), "{results:?}");
    assert_eq!(rows(&reader), 0);
    writer.write(|sql| insert(4)(sql).map_err(Fault::sql)).await.unwrap();
    assert_eq!(rows(&reader), 1);
}

#[tokio::test]
async fn a_panic_is_told_and_the_writer_lives_on() {
    let (writer, reader) = writer();
    let panics = writer.write(|sql| -> Result<(), Fault> {
        insert(1)(sql).unwrap();
        panic!("broken")
    });
    assert_eq!(panics.await.unwrap_err().to_string(), "a panic in the store: broken");
    assert_eq!(rows(&reader), 0);
    writer.write(|sql| insert(2)(sql).map_err(Fault::sql)).await.unwrap();
    assert_eq!(rows(&reader), 1);
}

#[tokio::test]
async fn what_is_queued_is_finished_by_closing_and_by_dropping() {
    for close in [true, false] {
        let (writer, reader) = writer();
        // Queued by hand, so that nobody waits for the answer, and nobody else has the writer.
        for id in 0..QUEUE_MAX / 2 {
            let work = Work::Guarded(Box::new(move |sql| insert(id)(sql).map_or(Verdict::Undo, |()| Verdict::Keep)));
            let (answer, _) = oneshot::channel();
            writer
                .queue
                .send(Message::Write(Request { work, answer }))
                .await
                .unwrap_or_else(|_| panic!("queue closed"));
        }
        if close {
            writer.close().await;
            let late = writer.write(|sql| insert(0)(sql).map_err(Fault::sql)).await;
            assert_eq!(late.unwrap_err().to_string(), "the store is closed");
            writer.close().await;
        }
        drop(writer);
        assert_eq!(rows(&reader), (QUEUE_MAX / 2) as i64);
    }
}
