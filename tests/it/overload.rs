//! More than the disk can take: senders are told to come again before the host keeps more than it may, and commands are
//! answered meanwhile.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{Answer, Disk, Fault, Sender, Server, Site, eventually};

/// What all events that wait for the store may have together, and what each has besides its own texts.
const EVENTS_BYTES_MAX: usize = 64 * 1024 * 1024;
/// See [`EVENTS_BYTES_MAX`].
const EVENT_OWN_BYTES: usize = 8 * 1024;

/// What all bodies may have together beyond their first 8 KiB, and what one may have.
const BODIES_BYTES_MAX: usize = 32 * 1024 * 1024;
/// See [`BODIES_BYTES_MAX`].
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The length of the events here.
const LENGTH: usize = 200 * 1024;

const NO_ROOM: &str = r#"{"error":"too much waits to be taken, send it again later"}"#;
const NOT_IN_TIME: &str = r#"{"error":"the event cannot be stored now, send it again later"}"#;

fn long_event(sender: &Sender) -> Value {
    let mut event = sender.message("long");
    event["data"]["padding"] = json!("x".repeat(LENGTH));
    event
}

/// Sends so many at once; gives back the answers, each of which says when to come again.
async fn refused(sender: &Sender, count: usize) -> Vec<Answer> {
    let mut sending = JoinSet::new();
    for _ in 0..count {
        let sender = sender.clone();
        sending.spawn(async move { sender.tries(long_event(&sender)).await.unwrap() });
    }
    let answers = sending.join_all().await;
    for answer in &answers {
        assert_eq!((answer.status, answer.retry_after_s), (503, Some(5)), "{answer:?}");
    }
    answers
}

#[tokio::test]
async fn what_waits_for_a_stuck_disk_is_bounded_and_commands_are_answered() {
    let mut site = Site::new(&["probe", "mark", "recorder"]);
    let test = "overload::what_waits_for_a_stuck_disk_is_bounded_and_commands_are_answered";
    let Some(disk) = Disk::of(&mut site, test) else { return };
    let server = Server::start(&site).await;
    let accepted = server.support.writes("before").await.id;
    server.settled().await;
    disk.set(Fault::Stuck);
    let senders = 400;
    let (sender, commands) = (server.support.clone(), server.support.in_topic(9));
    let sending = tokio::spawn(async move { refused(&sender, senders).await });
    disk.stuck().await;
    while !sending.is_finished() {
        assert_eq!(commands.says("/echo hello").await, "hello");
    }
    let answers = sending.await.unwrap();
    let (late, at_once): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.body == NOT_IN_TIME);
    assert!(at_once.iter().all(|answer| answer.body == NO_ROOM), "{at_once:#?}");
    // Those that were not stored in time are those that were kept: no more than there is room for.
    assert!(!late.is_empty() && late.len() * (LENGTH + EVENT_OWN_BYTES) <= EVENTS_BYTES_MAX, "{}", late.len());
    // They are kept until the disk has them, so of the next ones hardly one finds room, and nobody waits for that.
    let more = refused(&server.support, senders).await;
    let kept = more.iter().filter(|answer| answer.body == NOT_IN_TIME).count() + late.len();
    assert!(kept * (LENGTH + EVENT_OWN_BYTES) <= EVENTS_BYTES_MAX, "{kept}");
    // What is to be kept cannot be; and those who observe `/mark` come to know, or do not, but hold up nobody.
    let mark = server.says("/mark lost").await;
    assert_eq!(mark, "! /mark is temporarily unavailable (ref REF)");
    disk.set(Fault::None);
    let mut tries = 0;
    let after = eventually("an event that is taken", async || {
        tries += 1;
        let answer = server.support.tries(server.support.message("after")).await.unwrap();
        (answer.status == 200).then(|| answer.taken().id)
    })
    .await;
    server.kill().await;
    let server = Server::start(&site).await;
    let events = server.listed("events").await;
    let has = |id: &str| events.iter().any(|event| event["id"] == *id);
    assert!(has(&accepted) && has(&after));
    // What was kept was stored, though nobody could be told; nothing else was, but the first one, `/mark`, and these tries.
    assert!(events.len() <= kept + 2 + tries, "{}", events.len());
}

/// Senders whose long bodies lack the last byte, and who come again whenever they are sent away.
struct Slow {
    over: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Slow {
    fn start(server: &Server, count: usize) -> Self {
        let slow = Self { over: Arc::default(), connections: Arc::default() };
        let address = server.url().strip_prefix("http://").unwrap().to_owned();
        for _ in 0..count {
            let (address, over, connections) = (address.clone(), slow.over.clone(), slow.connections.clone());
            thread::spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    let _ = send_all_but_one(&address, &connections); // The host may send it away at any time.
                }
            });
        }
        slow
    }
}

/// Also if the test fails: they would take the processor from all that come after it.
impl Drop for Slow {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        for connection in &*self.connections.lock().unwrap() {
            let _ = connection.shutdown(Shutdown::Both); // It may be over.
        }
    }
}

fn send_all_but_one(address: &str, connections: &Mutex<Vec<TcpStream>>) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    connections.lock().unwrap().push(stream.try_clone()?);
    let head = format!("POST /in/support HTTP/1.1\r\nhost: x\r\ncontent-length: {BODY_BYTES_MAX}\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(&vec![b' '; BODY_BYTES_MAX - 1])?;
    stream.read_to_end(&mut Vec::new()).map(drop)
}

#[tokio::test]
async fn slow_senders_of_long_bodies_keep_out_long_bodies_alone() {
    let site = Site::new(&["probe", "recorder"]);
    let server = Server::start(&site).await;
    let slow = Slow::start(&server, BODIES_BYTES_MAX / BODY_BYTES_MAX + 2);
    // Understood, it is nothing; first there must be room for it, more than the slow ones leave over.
    let posts = async |status: u16| {
        let answer = server.support.posts(" ".repeat(BODY_BYTES_MAX / 2)).await;
        if answer.status == 503 {
            assert_eq!((answer.retry_after_s, &*answer.body), (Some(5), NO_ROOM));
        }
        (answer.status == status).then_some(())
    };
    eventually("no room for a long body", async || posts(503).await).await;
    server.check(&[("/echo hello", "hello")]).await;
    server.support.writes("short").await;
    drop(slow);
    eventually("room for a long body", async || posts(400).await).await;
}
