//! Remotes that do not answer as they should, each beside a calm one, which gets all of its own meanwhile.
//!
//! Two more need what no black box has. A name that resolves differently the second time needs a resolver of the test's
//! own: `host/crates/egress/src/tests/answers.rs`. Who is gone for an hour, or down for a day, needs a clock of its own:
//! `host/crates/delivery/tests/worker`.

use std::time::Duration;

use serde_json::Value;

use crate::harness::{Certificate, Curt, Endless, Part, Process, Receiver, Said, Server, Site, assert_has, between};

/// How long a remote may take in all, and how long until there is a connection.
const ANSWER_MAX: Duration = Duration::from_secs(15);
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How much of an answer is kept to be shown, and how much of it is read at most.
const KEPT_BYTES: usize = 4 * 1024;
const READ_BYTES: usize = 64 * 1024;

/// What a connection's buffers take besides, on both sides; far less than what never ends.
const BUFFERS_BYTES: usize = 16 * 1024 * 1024;

/// Who answers as it should.
struct Calm(Receiver);

impl Calm {
    fn beside(site: &Site) -> Self {
        let receiver = Receiver::start();
        site.add_webhook("calm", &receiver.url("/"), &["message.*"], "");
        site.allow_receivers();
        Self(receiver)
    }

    /// Each of so many messages, of a conversation each, arrives before the next one is sent, at its first attempt. Gives back
    /// the id of the first one.
    async fn gets(&self, server: &Server, count: usize) -> String {
        let before = self.0.all().len();
        let mut ids = Vec::new();
        for number in 1..=count {
            ids.push(server.support.in_topic(100 + number as u64).writes("hello").await.id);
            self.0.received(before + number).await;
        }
        let received = self.0.all().split_off(before);
        assert!(received.iter().all(|received| received.attempt() == 1), "{received:#?}");
        assert_eq!(received.iter().map(|received| received.id()).collect::<Vec<_>>(), ids);
        ids.remove(0)
    }
}

/// The delivery of an event to a webhook, as it is after its first attempt.
async fn after_first(server: &Server, name: &str, event: &str) -> Value {
    let path = format!("?name={name}&event={event}");
    server.delivery(&path, |delivery| delivery["attempt_count"] == 1 && delivery["state"] != "leased").await
}

/// Asserts how the first attempt failed, and that another one follows.
async fn check_failed(server: &Server, name: &str, event: &str, fault: &str, detail: &str) -> Value {
    let delivery = after_first(server, name, event).await;
    let last = &delivery["last_attempt"];
    assert_eq!((&delivery["state"], &last["fault"]), (&"due".into(), &fault.into()), "{name}: {delivery:#}");
    assert_has(last["detail"].as_str().unwrap(), &[detail]);
    delivery
}

fn took(delivery: &Value) -> Duration {
    Duration::from_millis(delivery["last_attempt"]["took_ms"].as_u64().unwrap())
}

#[tokio::test]
async fn who_takes_too_long_is_given_up_and_holds_up_nobody() {
    let silent = Receiver::start();
    silent.says(Said::Nothing);
    let late = Curt::later("HTTP/1.1 200 OK\r\n\r\n", ANSWER_MAX + Duration::from_secs(1)).await;
    let (head, body) = (Endless::start(Part::Head).await, Endless::start(Part::Body).await);
    let no_tls = Curt::later("", ANSWER_MAX * 100).await;
    let site = Site::new(&[]);
    let slow = [
        ("silent", silent.url("/"), "no answer within 15000 ms"),
        ("late", late.url("http"), "no answer within 15000 ms"),
        ("head", head.url(), "no answer within 15000 ms"),
        ("body", body.url(), "no end of the answer within 15000 ms"),
    ];
    for (name, url, _) in &slow {
        site.add_webhook(name, url, &["*"], "in_flight = 4");
    }
    site.add_webhook("handshake", &no_tls.url("https"), &["*"], "in_flight = 4");
    let calm = Calm::beside(&site);
    let server = Server::start(&site).await;
    let first = calm.gets(&server, 10).await;
    // All of that was done while these had not come to an end with the first ones.
    for (name, ..) in &slow {
        let of = async |state: &str| server.listed(&format!("deliveries?name={name}&state={state}")).await.len();
        assert_eq!((of("leased").await, of("due").await), (4, 6), "{name}");
    }
    let delivery = check_failed(&server, "handshake", &first, "timeout", "no connection within 5000 ms").await;
    assert!((CONNECT_MAX..ANSWER_MAX).contains(&took(&delivery)), "{delivery:#}");
    for (name, _, detail) in &slow {
        let delivery = check_failed(&server, name, &first, "timeout", detail).await;
        assert!((ANSWER_MAX..ANSWER_MAX * 2).contains(&took(&delivery)), "{delivery:#}");
        assert_eq!(delivery["last_attempt"]["status"], Value::Null, "{name}");
    }
    assert!(head.sent() > 10 && body.sent() > 10, "it was no silence that ended them");
    calm.gets(&server, 1).await;
}

#[tokio::test]
async fn what_has_no_end_is_not_collected() {
    let (head, body) = (Endless::start(Part::HeadFlood).await, Endless::start(Part::Flood).await);
    let site = Site::new(&[]);
    site.add_webhook("head", &head.url(), &["*"], "in_flight = 1");
    site.add_webhook("body", &body.url(), &["*"], "in_flight = 1");
    let calm = Calm::beside(&site);
    let server = Server::start(&site).await;
    let event = calm.gets(&server, 1).await;
    check_failed(&server, "head", &event, "theirs", "no whole answer from ").await;
    // Its status was that of a success, and nobody is interested in the rest.
    let delivery = after_first(&server, "body", &event).await;
    let last = &delivery["last_attempt"];
    assert_eq!((&delivery["state"], &last["status"]), (&"succeeded".into(), &200.into()), "{delivery:#}");
    assert_eq!(last["answer"].as_str().unwrap(), "x".repeat(KEPT_BYTES));
    for endless in [&head, &body] {
        assert!((READ_BYTES..BUFFERS_BYTES).contains(&endless.sent()), "{} bytes", endless.sent());
    }
}

#[tokio::test]
async fn what_breaks_off_or_is_no_http_did_not_arrive() {
    let site = Site::new(&[]);
    let mut remotes = Vec::new();
    for (number, answer) in [
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nx: y\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
        "SSH-2.0-OpenSSH_9.6\r\n",
    ]
    .iter()
    .enumerate()
    {
        let (name, remote) = (format!("broken-{number}"), Curt::start(answer).await);
        site.add_webhook(&name, &remote.url("http"), &["*"], "");
        remotes.push((name, remote));
    }
    let calm = Calm::beside(&site);
    let server = Server::start(&site).await;
    let event = calm.gets(&server, 1).await;
    for (name, _) in &remotes {
        let delivery = check_failed(&server, name, &event, "theirs", "no whole answer from 127.0.0.1:").await;
        assert_eq!(delivery["last_attempt"]["status"], Value::Null, "{name}");
    }
}

/// So much of two gigabytes of zeros: gzip's head, a block of deflate with a code of one bit for 258 zeros, and such codes.
fn bomb() -> Vec<u8> {
    const BEGIN: [u8; 24] = [
        0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0x02, 0x03, 0xec, 0xc1, 0x01, 0x01, 0, 0, 0, 0x80, 0x90, 0xfe, 0xaf, 0xee,
        0x08, 0x0a,
    ];
    [&BEGIN[..], &[0; 2 * 1024 * 1024]].concat()
}

/// Whoever unpacked it would be shown zeros.
#[tokio::test]
async fn what_is_compressed_is_left_as_it_is() {
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-type: application/json\r\n\r\n";
    let remote = Curt::start([head.as_bytes(), &bomb()].concat()).await;
    let site = Site::new(&[]);
    site.add_webhook("bomb", &remote.url("http"), &["*", "/bomb"], "");
    let calm = Calm::beside(&site);
    let server = Server::start(&site).await;
    let event = calm.gets(&server, 1).await;
    let delivery = after_first(&server, "bomb", &event).await;
    assert_eq!(delivery["state"], "succeeded", "{delivery:#}");
    let answer = delivery["last_attempt"]["answer"].as_str().unwrap();
    assert!(answer.starts_with("\u{1f}\u{fffd}\u{8}\0") && answer.len() <= KEPT_BYTES, "{answer:?}");
    let shown = server.says("/bomb").await;
    assert_has(&shown, &["! /bomb: the webhook bomb "]);
    calm.gets(&server, 1).await;
}

/// What would move a terminal's cursor, ring its bell, or write from right to left.
const BINARY: &[u8] = b"\x1b[2J\x1b]0;title\x07\0\xff\xfe\xe2\x80\xaetxt\r\nnext\tline\x9b2J";

#[tokio::test]
async fn what_is_no_text_is_shown_and_does_nothing() {
    let remote = Curt::start([&b"HTTP/1.1 500 Oops\r\ncontent-type: image/png\r\n\r\n"[..], BINARY].concat()).await;
    let site = Site::new(&[]);
    site.add_webhook("binary", &remote.url("http"), &["*"], "profile = \"none\"");
    let calm = Calm::beside(&site);
    let server = Server::start(&site).await;
    let event = calm.gets(&server, 1).await;
    let delivery = after_first(&server, "binary", &event).await;
    let expected = String::from_utf8_lossy(BINARY);
    assert_eq!(delivery["last_attempt"]["answer"], *expected, "{delivery:#}");
    let id = delivery["id"].as_str().unwrap();
    for arguments in [&["deliveries", "show", id][..], &["deliveries", "show", id, "--json"]] {
        let shown = Process::run(&[arguments, &["--url", server.url()]].concat(), site.dir()).await;
        shown.assert(0, &["\u{fffd}", "txt", "next"]);
        let acts = |c: &char| c.is_control() && *c != '\n' || ('\u{202a}'..='\u{202e}').contains(c);
        assert_eq!(shown.out.chars().find(acts), None, "{arguments:?}: {:?}", shown.out);
    }
    assert!(!server.log().all().concat().contains("\u{1b}[2J"));
}

#[tokio::test]
async fn redirects_lead_nowhere() {
    let inside = Receiver::start();
    let site = Site::new(&[]);
    let mut remotes = Vec::new();
    for status in [301, 302, 303, 307, 308] {
        for (number, to) in [inside.url("/"), "http://169.254.169.254/latest/meta-data".into()].iter().enumerate() {
            let (name, answer) =
                (format!("to-{status}-{number}"), format!("HTTP/1.1 {status} X\r\nlocation: {to}\r\n\r\n"));
            let remote = Curt::start(answer).await;
            site.add_webhook(&name, &remote.url("http"), &["*"], "");
            remotes.push((name, status, remote));
        }
    }
    let calm = Calm::beside(&site);
    let server = Server::start(&site).await;
    let event = calm.gets(&server, 1).await;
    for (name, status, _) in &remotes {
        let detail = format!("answered with status {status}");
        check_failed(&server, name, &event, "theirs", &detail).await;
    }
    assert_eq!(inside.all().len(), 0);
}

/// After a 429 or a 503 that says when, and after a 410.
#[tokio::test]
async fn nobody_is_asked_earlier_than_by_the_schedule_nor_later_than_in_ten_hours() {
    const FIRST: Duration = Duration::from_secs(5);
    const LONGEST: Duration = Duration::from_secs(10 * 60 * 60);
    let site = Site::new(&[]);
    let mut remotes = Vec::new();
    for (number, (answer, pause)) in [
        ("429 X\r\nretry-after: -1", FIRST),
        ("429 X\r\nretry-after: ", FIRST),
        ("429 X\r\nretry-after: soon", FIRST),
        ("429 X\r\nretry-after: 1e9", FIRST),
        ("429 X\r\nretry-after: \u{ff}\u{fe}", FIRST),
        ("429 X\r\nretry-after: Mon, 01 Jan 1990 00:00:00 GMT", FIRST),
        ("429 X\r\nretry-after: 4\r\nretry-after: 99999", FIRST),
        ("429 X", FIRST),
        ("503 X\r\nretry-after: 99999999999999999999999999999", LONGEST),
        ("429 X\r\nretry-after: 36001", LONGEST),
        ("429 X\r\nretry-after: Wed, 01 Jan 2200 00:00:00 GMT", LONGEST),
        ("410 Gone\r\nretry-after: 36000", FIRST),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("asks-{number}");
        let remote = Curt::start(format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n")).await;
        site.add_webhook(&name, &remote.url("http"), &["*"], "");
        remotes.push((name, answer, pause, remote));
    }
    let calm = Calm::beside(&site);
    let server = Server::start(&site).await;
    let event = calm.gets(&server, 1).await;
    for (name, answer, pause, _) in &remotes {
        let (status, _) = answer.split_once(' ').unwrap();
        let detail = format!("answered with status {status}");
        let delivery = check_failed(&server, name, &event, "theirs", &detail).await;
        assert_eq!(delivery["last_attempt"]["status"].to_string(), status);
        let waits = between(&delivery["last_attempt"]["at"], &delivery["ready_at"]);
        // What chance adds comes on top: a tenth, at least two seconds.
        let longest = took(&delivery) + *pause + Duration::from_secs(2).max(*pause / 10);
        assert!((*pause..=longest).contains(&waits), "{answer:?}: waits for {waits:?}");
    }
}

/// The host believes both certificates; each counts for its own name alone.
#[tokio::test]
async fn a_certificate_that_is_wrong_is_a_fault_of_tls() {
    let (right, other, own) =
        (Certificate::of("127.0.0.1"), Certificate::of("other.example"), Certificate::of("127.0.0.1"));
    let mut site = Site::new(&[]);
    site.write("believed.pem", format!("{}{}", right.pem, other.pem));
    site.set_variable("SSL_CERT_FILE", site.path("believed.pem").to_str().unwrap());
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let remotes = [
        ("right", Curt::showing(ok, &right).await),
        ("other", Curt::showing(ok, &other).await),
        ("own", Curt::showing(ok, &own).await),
    ];
    for (name, remote) in &remotes {
        site.add_webhook(name, &remote.url("https"), &["*"], "");
    }
    let calm = Calm::beside(&site);
    let server = Server::start(&site).await;
    let event = calm.gets(&server, 1).await;
    assert_eq!(after_first(&server, "right", &event).await["state"], "succeeded");
    for (name, remote) in &remotes[1..] {
        let detail =
            format!("no TLS with {}: ", remote.url("https").trim_start_matches("https://").trim_end_matches('/'));
        check_failed(&server, name, &event, "tls", &detail).await;
    }
}
