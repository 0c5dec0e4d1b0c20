//! What happens to the shared connections when a read goes wrong, or the store is closed.

use super::*;

fn reader() -> (Connection, Reader) {
    let database = Database::in_memory();
    let writer = database.open_writer().unwrap();
    (writer, Reader::new(Arc::new(Pools::open(&database).unwrap())))
}

#[tokio::test]
async fn a_panic_is_told_and_its_connection_used_again() {
    let (_writer, reader) = reader();
    for _ in 0..=READERS {
        let error = reader.read(|_| -> rusqlite::Result<()> { panic!("broken") }).await.unwrap_err();
        let ReadError::Unavailable(fault) = error;
        assert_eq!(fault.to_string(), "a panic in the store: broken");
    }
    reader.read(|sql| sql.query_row("SELECT 1", (), |_| Ok(()))).await.unwrap();
}

#[tokio::test]
async fn its_connections_cannot_write() {
    let (_writer, reader) = reader();
    reader.read(|sql| sql.execute_batch("CREATE TABLE t (a)")).await.unwrap_err();
}

#[tokio::test]
async fn closing_refuses_later_reads() {
    let (_writer, reader) = reader();
    for _ in 0..2 {
        reader.pools.close().await;
        let ReadError::Unavailable(fault) = reader.read(|_| Ok(())).await.unwrap_err();
        assert_eq!(fault.to_string(), "the store is closed");
    }
}

#[tokio::test]
async fn no_call_waits_for_a_look() {
    let (_writer, reader) = reader();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let looks: Vec<_> = (0..=LOOKERS)
        .map(|_| {
            let (reader, held) = (reader.clone(), held.clone());
            tokio::spawn(async move {
                reader.look(move |_| Ok(held.lock().unwrap().recv().unwrap_err())).await.unwrap();
            })
        })
        .collect();
    for _ in 0..=READERS {
        reader.read(|_| Ok(())).await.unwrap();
    }
    assert!(looks.iter().all(|look| !look.is_finished()));
    drop(release);
    for look in looks {
        look.await.unwrap();
    }
}
