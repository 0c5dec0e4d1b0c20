//! What becomes of a delivery: attempts and their schedule, the order in a conversation, dead letters.

use std::time::Duration;

use axum::http::header::{LOCATION, RETRY_AFTER};
use serde_json::Value;

use crate::harness::{Receiver, Said, Server, Site, assert_has, at, between, eventually, recorded};

/// The first pauses after an attempt that failed; chance adds up to 2 s to the first, 3 s to the second.
const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(30)];

#[tokio::test]
async fn a_delivery_that_is_tried_again_holds_up_its_conversation_alone() {
    let receiver = Receiver::start();
    receiver
        .answers(|received| Said::status(if received.text() == "a1" && received.attempt() == 1 { 500 } else { 200 }));
    let site = Site::new(&["recorder"]);
    site.add_webhook("crm", &receiver.url("/"), &["message.*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let (a, b) = (server.support.in_topic(1), server.support.in_topic(2));
    let id = a.writes("a1").await.id;
    for text in ["a2", "a3"] {
        a.writes(text).await;
    }
    server.delivery("?state=due&name=crm", |delivery| delivery["attempt_count"] == 1).await;
    for text in ["b1", "b2"] {
        b.writes(text).await;
    }
    // Another subscriber of the same conversation is not held up either.
    recorded(&server.support, 5).await;
    let received = receiver.received(6).await;
    let texts: Vec<String> = received.iter().map(|received| received.text()).collect();
    assert_eq!(texts, ["a1", "b1", "b2", "a1", "a2", "a3"]);
    for (received, attempt) in [(&received[0], 1), (&received[3], 2)] {
        assert_eq!((received.id(), received.attempt()), (&*id, attempt));
    }
    let pause = received[3].at - received[0].at;
    assert!(pause >= PAUSES[0], "tried again after {pause:?}");
}

/// What a remote answers to an event, and what is recorded of it.
struct Case {
    path: &'static str,
    said: fn() -> Said,
    status: u16,
    answer: &'static str,
    /// The least that is waited; nothing if it has arrived.
    pause: Option<Duration>,
}

const FIRST: Option<Duration> = Some(PAUSES[0]);

const CASES: [Case; 10] = [
    Case { path: "a", said: || Said::of(200, None, "thank you"), status: 200, answer: "thank you", pause: None },
    // Nobody is shown what it says, so that it may say that.
    Case { path: "b", said: || Said::json(r#"{"error":"x"}"#), status: 200, answer: r#"{"error":"x"}"#, pause: None },
    Case { path: "c", said: || Said::status(204), status: 204, answer: "", pause: None },
    Case { path: "d", said: || Said::of(500, None, b"oops \xff"), status: 500, answer: "oops \u{fffd}", pause: FIRST },
    Case { path: "e", said: || Said::status(404), status: 404, answer: "", pause: FIRST },
    Case { path: "f", said: || Said::status(302).with(LOCATION, "/elsewhere"), status: 302, answer: "", pause: FIRST },
    Case {
        path: "g",
        said: || Said::status(503).with(RETRY_AFTER, "90"),
        status: 503,
        answer: "",
        pause: Some(Duration::from_secs(90)),
    },
    Case {
        path: "h",
        said: || Said::status(429).with(RETRY_AFTER, "99999999"),
        status: 429,
        answer: "",
        pause: Some(Duration::from_secs(10 * 60 * 60)),
    },
    // Never earlier than the schedule, and no other status may say when.
    Case { path: "i", said: || Said::status(503).with(RETRY_AFTER, "0"), status: 503, answer: "", pause: FIRST },
    Case { path: "j", said: || Said::status(500).with(RETRY_AFTER, "90"), status: 500, answer: "", pause: FIRST },
];

#[tokio::test]
async fn what_a_remote_answers_is_recorded_and_decides_what_follows() {
    let receiver = Receiver::start();
    receiver.answers(|received| (CASES.iter().find(|case| received.path == format!("/{}", case.path)).unwrap().said)());
    let site = Site::new(&[]);
    for Case { path, .. } in &CASES {
        site.add_webhook(path, &receiver.url(&format!("/{path}")), &["*"], "");
    }
    site.allow_receivers();
    let server = Server::start(&site).await;
    let event = server.support.writes("hello").await.id;
    for Case { path, status, answer, pause, .. } in &CASES {
        let delivery = server.delivery(&format!("?name={path}"), |delivery| delivery["attempt_count"] == 1).await;
        let last = &delivery["last_attempt"];
        let found = (&last["number"], &last["status"], &last["answer"], &last["detail"]);
        let detail = format!("answered with status {status}");
        assert_eq!(found, (&1.into(), &(*status).into(), &(*answer).into(), &detail.into()), "{path}: {delivery:#}");
        assert_eq!(delivery["event_id"], event);
        let (state, fault) = if pause.is_some() { ("due", "theirs".into()) } else { ("succeeded", Value::Null) };
        assert_eq!((&delivery["state"], &last["fault"]), (&state.into(), &fault), "{path}: {delivery:#}");
        if let Some(pause) = pause {
            let found = between(&last["at"], &delivery["ready_at"]);
            let took = Duration::from_millis(last["took_ms"].as_u64().unwrap());
            let longest = took + *pause + Duration::from_secs(2).max(*pause / 10);
            assert!(found >= *pause && found <= longest, "{path}: waits for {found:?}");
        }
    }
}

#[tokio::test]
async fn a_remote_that_cannot_be_reached_is_told_with_its_cause() {
    let receiver = Receiver::down();
    let site = Site::new(&[]);
    site.add_webhook("down", &receiver.url("/secret-path?token=s3cret"), &["*"], "");
    site.add_webhook("nowhere", &format!("http://nowhere.invalid:{}/", receiver.port()), &["*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    server.support.writes("hello").await;
    let check = async |name: &str, fault: &str, detail: &str| {
        let delivery = server.delivery(&format!("?name={name}"), |delivery| delivery["attempt_count"] == 1).await;
        let last = &delivery["last_attempt"];
        assert_eq!((&last["fault"], &last["status"], &delivery["state"]), (&fault.into(), &Value::Null, &"due".into()));
        assert_has(last["detail"].as_str().unwrap(), &[detail]);
    };
    check("down", "connect", &format!("no connection to 127.0.0.1:{}: ", receiver.port())).await;
    check("nowhere", "dns", "nowhere.invalid does not resolve: ").await;
    let log = server.stop().await.err;
    assert_has(&log, &["INFO slashbox::deliveries: did not arrive", "kind=\"message.received\"", "attempt=1"]);
    assert!(!log.contains("s3cret") && !log.contains("secret-path"), "{log}");
}

#[tokio::test]
async fn what_is_refused_or_never_tried_again_is_a_dead_letter_at_once() {
    let receiver = Receiver::start();
    receiver.says(Said::of(500, None, "oops"));
    let site = Site::new(&["counter"]);
    site.add_webhook("once", &receiver.url("/"), &["message.*"], "profile = \"none\"");
    site.allow_receivers();
    let server = Server::start(&site).await;
    // Of one conversation: a dead letter holds up nothing.
    let first = server.support.writes("refuse").await.id;
    let second = server.support.writes("refuse").await.id;
    server.settled().await;
    let check = async |name: &str, detail: &str| {
        let dead = server.listed(&format!("deliveries?state=dead&name={name}")).await;
        let ids: Vec<&str> = dead.iter().map(|delivery| delivery["event_id"].as_str().unwrap()).collect();
        assert_eq!(ids, [&*second, &*first]);
        for delivery in dead {
            assert_eq!(delivery["last_attempt"]["detail"], detail, "{delivery:#}");
            assert_eq!((&delivery["attempt_count"], &delivery["ready_at"]), (&1.into(), &Value::Null), "{delivery:#}");
            assert_eq!(delivery["last_attempt"]["fault"], "theirs");
        }
        server.log().wait_for(&["WARN", "dead letter", "attempt=1", detail]).await;
    };
    check("counter", "refused: told to refuse").await;
    check("once", "answered with status 500").await;
    // What it wrote before it refused is not there.
    server.check(&[("/count", "0"), ("/ids", "")]).await;
    assert_eq!(receiver.all().len(), 2);
}

/// How many requests a remote has at the same time.
const IN_FLIGHT_MAX: usize = 40;

#[tokio::test]
async fn a_remote_that_hangs_holds_up_nobody_and_is_not_flooded() {
    let receiver = Receiver::start();
    receiver.answers(|received| if received.path == "/hangs" { Said::Nothing } else { Said::status(200) });
    let site = Site::new(&["recorder"]);
    for name in ["hangs", "works"] {
        site.add_webhook(name, &receiver.url(&format!("/{name}")), &["*"], "");
    }
    site.allow_receivers();
    let server = Server::start(&site).await;
    let sent = IN_FLIGHT_MAX + 5;
    for topic in 1..=sent {
        server.support.in_topic(topic as u64).writes("hello").await;
    }
    recorded(&server.support, sent).await;
    let received = receiver.received(sent + IN_FLIGHT_MAX).await;
    let at = |path: &str| received.iter().filter(|received| received.path == path).count();
    assert_eq!((at("/works"), at("/hangs")), (sent, IN_FLIGHT_MAX));
    let leased = server.listed("deliveries?name=hangs&state=leased").await.len();
    assert_eq!((leased, server.listed("deliveries?name=hangs&state=due").await.len()), (IN_FLIGHT_MAX, 5));
}

/// A new version may do what the one before could not, so nothing waits longer for it than it takes to load.
#[tokio::test]
async fn a_new_version_of_a_plugin_is_tried_at_once() {
    let site = Site::new(&["counter"]);
    let server = Server::start(&site).await;
    let id = server.support.writes("later").await.id;
    for made in [1, 2] {
        server.delivery("", |delivery| delivery["attempt_count"] == made).await;
        site.plugin_version("counter", "counter", made);
    }
    let delivery = server.delivery("", |delivery| delivery["state"] == "succeeded").await;
    let shown = server.admin(&format!("deliveries/{}", delivery["id"].as_str().unwrap())).await;
    let attempts = shown["attempts"].as_array().unwrap();
    let details: Vec<&str> = attempts.iter().map(|attempt| attempt["detail"].as_str().unwrap()).collect();
    let later = "unavailable: told to come later";
    assert_eq!(details, [later, later, "replied"]);
    let pause = between(&attempts[1]["at"], &attempts[2]["at"]);
    assert!(pause < PAUSES[1], "tried again after {pause:?}");
    server.check(&[("/count", "1"), ("/ids", &id)]).await;
}

/// Where somebody has written a receiver for TG-Staff: status 200 within five seconds, and no more than ten in a second.
#[tokio::test]
async fn who_is_treated_as_by_tg_staff_has_its_limits() {
    let receiver = Receiver::start();
    receiver.answers(|received| match received.path.as_str() {
        "/created" => Said::status(201),
        "/hangs" => Said::Nothing,
        _ => Said::status(200),
    });
    let site = Site::new(&["recorder"]);
    for name in ["ok", "created", "hangs"] {
        site.add_webhook(name, &receiver.url(&format!("/{name}")), &["*"], "profile = \"tg-staff\"");
    }
    site.allow_receivers();
    let server = Server::start(&site).await;
    let first = server.support.writes("hello").await.id;
    let after_first = async |name: &str| {
        let path = format!("?name={name}&event={first}");
        server.delivery(&path, |delivery| delivery["attempt_count"] == 1).await
    };
    assert_eq!(after_first("ok").await["state"], "succeeded");
    for (name, fault, detail) in
        [("created", "theirs", "answered with status 201"), ("hangs", "timeout", "no answer within 5000 ms")]
    {
        let delivery = after_first(name).await;
        let last = &delivery["last_attempt"];
        assert_eq!((&delivery["state"], &last["fault"]), (&"due".into(), &fault.into()), "{delivery:#}");
        assert_has(last["detail"].as_str().unwrap(), &[detail]);
        let waits = between(&last["at"], &delivery["ready_at"]);
        let took = Duration::from_millis(last["took_ms"].as_u64().unwrap());
        assert!((PAUSES[1]..=took + PAUSES[1] + Duration::from_secs(3)).contains(&waits), "{waits:?}");
    }
    let sent = 30;
    for topic in 1..=sent {
        server.support.in_topic(100 + topic).writes("hello").await;
    }
    let all = async || {
        let arrived = server.listed("deliveries?name=ok&state=succeeded").await;
        Some(arrived).filter(|arrived| arrived.len() == sent as usize + 1)
    };
    let mut attempts = eventually("all of them", all).await;
    attempts.sort_by_key(|delivery| at(&delivery["last_attempt"]["at"]));
    let (of_first, of_last) = (&attempts[1]["last_attempt"]["at"], &attempts[sent as usize]["last_attempt"]["at"]);
    // Some later than it is written: attempts are spaced when they are claimed, and begin when there is a thread for them.
    let least = Duration::from_millis(100) * (sent as u32 - 4);
    assert!(between(of_first, of_last) >= least, "{sent} within {:?}", between(of_first, of_last));
}

/// Who fails altogether is asked no more for a while, which costs nobody an attempt; a word of the operator's ends it.
#[tokio::test]
async fn who_fails_altogether_is_left_alone() {
    let mut receiver = Receiver::down();
    let site = Site::new(&["recorder"]);
    site.add_webhook("crm", &receiver.url("/"), &["*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    for topic in 1..=10 {
        server.support.in_topic(topic).writes("before").await;
    }
    server.log().wait_for(&["WARN", "webhook crm", "fails: it is left alone", "for_s=30"]).await;
    assert!(server.admin("webhooks").await["items"][0]["left_alone_until"].is_string());
    for topic in 11..=15 {
        server.support.in_topic(topic).writes("meanwhile").await;
    }
    recorded(&server.support, 15).await;
    let due = server.listed("deliveries?name=crm&state=due").await;
    let attempts: Vec<&Value> = due.iter().map(|delivery| &delivery["attempt_count"]).collect();
    assert_eq!((attempts.len(), &attempts[..5]), (15, &[&Value::from(0); 5][..]), "the newest first");
    receiver.restart().await;
    server.does("webhooks/default/crm/resume").await;
    let received = receiver.received(15).await;
    assert!(received.iter().all(|received| received.text() != "meanwhile" || received.attempt() == 1));
    assert_eq!(server.admin("webhooks").await["items"][0]["left_alone_until"], Value::Null);
}
