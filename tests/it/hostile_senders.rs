//! Senders that nobody should trust, at a source of every dialect: each is told in its dialect's way, nothing breaks, and
//! what is taken holds no credential. Slow bodies and crowds are in `overload`, bodies over their limit in `bodies`.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};
use slashbox::Dialect;

use crate::harness::{Answer, KEY, Platform, Receiver, SECRET, Server, Site, recorded};

/// How long a connection may last on which no request comes to the end of its headers, and some more.
const HEADERS_MAX: Duration = Duration::from_secs(100);

/// The longest that a dialect says of what is wrong.
const TOLD_BYTES_MAX: usize = 2_000;

struct Crowd {
    platforms: Vec<Platform>,
    server: Server,
    site: Site,
}

async fn crowd(plugins: &[&str]) -> Crowd {
    let site = Site::new(plugins);
    let platforms = Platform::all(&site);
    let server = Server::start(&site).await;
    Crowd { platforms, server, site }
}

/// An event of each platform, with this text.
fn message(dialect: Dialect, text: &Value) -> Value {
    match dialect.name() {
        "hotline" => json!({
            "event_type": "message_received",
            "timestamp": "2025-10-08 20:41:20",
            "data": { "backend_message_id": 1, "sender_user_id": 2, "text": text },
        }),
        "sendpulse" => json!([{
            "title": "incoming_message",
            "service": "telegram",
            "bot": { "id": "b" },
            "contact": { "id": "c", "last_message": text },
            "date": 1_625_834_714,
        }]),
        "tg-staff" => json!({
            "event_type": "message.received",
            "conversation_id": "1",
            "sender_type": "user",
            "user_id": "2",
            "message_id": "3",
            "text": text,
        }),
        "inbox" => json!({
            "event": "message.received",
            "delivery_id": "1",
            "data": { "thread_id": "t", "message_id": "m", "text": text, "from": { "id": "f" } },
        }),
        "native" => json!({ "kind": "message.received", "id": "1", "sender": "contact", "text": text }),
        other => panic!("{other} has no message: add one"),
    }
}

/// Whether it is a dialect's own way of saying no: its status, its type, and no more than it has to say.
#[track_caller]
fn assert_refused(dialect: Dialect, answer: &Answer, statuses: &[u16], what: &str) {
    let content_type = if dialect == Dialect::NATIVE { "application/problem+json" } else { "application/json" };
    assert!(statuses.contains(&answer.status), "{dialect}: {what}: {answer:?}");
    assert_eq!(answer.content_type, content_type, "{dialect}: {what}");
    assert!(answer.body.len() < TOLD_BYTES_MAX && !answer.body.contains(SECRET), "{dialect}: {what}: {answer:?}");
    answer.json();
}

#[tokio::test]
async fn whoever_has_not_the_sources_own_secret_is_sent_away() {
    let Crowd { platforms, server, site: _site } = crowd(&["recorder"]).await;
    for platform in &platforms {
        let dialect = platform.dialect;
        let path = format!("/in/{}", platform.source());
        let body = message(dialect, &json!("let me in")).to_string();
        let nothing = server.posts(&path, &[], body.clone()).await;
        assert_refused(dialect, &nothing, &[401], "no secret");
        for wrong in [KEY, "", "x", &SECRET[1..], &format!("{SECRET}x"), &SECRET.to_lowercase(), &"k".repeat(5_000)] {
            let bearer = format!("Bearer {wrong}");
            let headers = [("authorization", &*bearer), ("x-tg-staff-signature", wrong)];
            let mut with_key = message(dialect, &json!("let me in"));
            if dialect == Dialect::HOTLINE {
                with_key["api_key"] = wrong.into();
            }
            let answer = server.posts(&path, &headers, with_key.to_string()).await;
            assert_refused(dialect, &answer, &[401], wrong);
        }
        // Another tenant's name in the body opens nothing, and changes nothing: the source's is what counts.
        let mut other = message(dialect, &json!("mine"));
        let object = if other.is_array() { &mut other[0] } else { &mut other };
        if dialect != Dialect::NATIVE {
            (object["tenant"], object["source"]) = (json!("acme"), json!("other"));
        }
        assert!((200..300).contains(&platform.sends(&server, &other.to_string()).await.status), "{dialect}");
    }
    for event in recorded(&server.support, platforms.len()).await {
        assert_eq!(event["text"], "mine", "{event}");
    }
    let tenants: Vec<Value> = server.listed("events").await.iter().map(|event| event["tenant"].clone()).collect();
    assert_eq!(tenants, vec![json!("default"); platforms.len()]);
    let log = server.stop().await.err;
    assert!(!log.contains(SECRET) && !log.contains("kkkk"), "{log}");
}

#[tokio::test]
async fn a_secret_that_a_sender_repeats_is_nowhere() {
    let receiver = Receiver::start();
    let site = Site::new(&["recorder"]);
    let platforms = Platform::all(&site);
    site.add_webhook("crm", &receiver.url("/"), &["*"], "");
    site.configure("[log]\nlevel = \"debug\"");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let escaped = format!("\\u{:04x}{}", u32::from(SECRET.as_bytes()[0]), &SECRET[1..]);
    for platform in &platforms {
        for text in [SECRET.to_owned(), format!("a {SECRET} b {SECRET}"), "so ESCAPED".into()] {
            let body = message(platform.dialect, &json!(text)).to_string().replace("ESCAPED", &escaped);
            // Each is another event, also when nothing is left of its text.
            let body = body.replace("\"1\"", &format!("\"{}\"", fastrand::u32(..)));
            let nonce = format!("{{\"nonce\":{},", fastrand::u32(..));
            let body = if platform.dialect == Dialect::NATIVE { body } else { body.replacen('{', &nonce, 1) };
            let answer = platform.sends(&server, &body).await;
            assert!((200..300).contains(&answer.status), "{}: {answer:?}", platform.dialect);
        }
    }
    let count = platforms.len() * 3;
    let recorded = recorded(&server.support, count).await;
    let received = receiver.received(count).await;
    let mut shown = format!("{recorded:?} {received:?}");
    assert_eq!(recorded.iter().filter(|event| event.to_string().contains("[redacted]")).count(), count);
    for event in server.listed("events").await {
        shown += &server.admin(&format!("events/{}", event["id"].as_str().unwrap())).await.to_string();
    }
    server.settled().await;
    let ended = server.stop().await;
    assert!(!shown.contains(SECRET) && !format!("{}{}", ended.out, ended.err).contains(SECRET));
    crate::credentials::nowhere(&site, &[SECRET]);
}

/// Bodies that are no JSON, or none that anybody should read: each is refused, or is an event, and the host goes on.
#[tokio::test]
async fn broken_bodies_are_told_or_taken() {
    let Crowd { platforms, server, site: _site } = crowd(&["mark"]).await;
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
    let refused: [(&str, Vec<u8>); 12] = [
        ("not JSON", b"event_type=message_received".to_vec()),
        ("half of it", b"{\"event_type\":\"message_received\",".to_vec()),
        ("two of it", b"{} {}".to_vec()),
        ("a number", b"5".to_vec()),
        ("not UTF-8", b"{\"event_type\":\"a\xff\",\"event\":\"\xff\",\"kind\":\"\xff\"}".to_vec()),
        ("UTF-16", "{\"event_type\":\"a\"}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("NUL", b"{\"event_type\":\"\0\",\"event\":\"\0\",\"kind\":\"\0\"}".to_vec()),
        ("deep arrays that end too soon", deep("[", "]").into_bytes().split_off(1)),
        ("deep objects that never end", "{\"a\":".repeat(10_000).into_bytes()),
        ("a million numbers", format!("[{}1]", "1,".repeat(500_000)).into_bytes()),
        ("an array of a million", format!("[{}{{}}]", "{},".repeat(300_000)).into_bytes()),
        ("NaN", b"{\"event_type\":NaN,\"event\":NaN,\"kind\":NaN}".to_vec()),
    ];
    for platform in &platforms {
        for (what, body) in &refused {
            let answer = platform.sends_bytes(&server, body).await;
            assert_refused(platform.dialect, &answer, &[400, 401, 413], what);
        }
    }
    // They were refused for what they are, not for what they took.
    assert_eq!(server.says("/mark").await, "Not marked yet. Mark it with /mark STATUS");
}

/// Values that are odd, and valid JSON: what can be read of them is, and the rest stands in the data.
#[tokio::test]
async fn odd_values_are_taken_as_they_are() {
    let Crowd { platforms, server, site: _site } = crowd(&["recorder"]).await;
    let odd = [
        "1e999",
        "-9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "-0",
        "1.50",
        "\"9223372036854775807\"",
        "\"\\u0000\"",
        "{\"a\":{\"a\":{\"a\":[[[[]]]]}}}",
        "\"0000-99-99T99:99:99Z\"",
        "[[[[[[[[[[1]]]]]]]]]]",
    ];
    let mut count = 0;
    for platform in &platforms {
        for odd in odd {
            let body = message(platform.dialect, &json!("ODD")).to_string();
            // As a value that nobody reads, and twice, with another one before it.
            let body = body.replacen("\"ODD\"", &format!("\"text\",\"x\":{odd},\"x\":1,\"x\":{odd}"), 1);
            let body = body.replace("\"1\"", &format!("\"{}\"", fastrand::u32(..)));
            let body = match platform.dialect.name() {
                // Nothing may be there that nobody knows, so it is inside of what is the sender's own.
                "native" => format!("{{\"kind\":\"a.b\",\"data\":{{\"x\":{odd},\"x\":1,\"x\":{odd}}}}}"),
                _ => body,
            };
            let answer = platform.sends(&server, &body).await;
            assert!((200..300).contains(&answer.status), "{}: {odd}: {answer:?}", platform.dialect);
            count += 1;
            let id = &server.listed("events").await[0]["id"];
            let shown = server.request(Method::GET, &format!("/v1/admin/events/{}", id.as_str().unwrap())).await.body;
            assert!(shown.contains(&format!("\"x\":{odd}")), "{}: {odd} in {shown}", platform.dialect);
        }
    }
    recorded(&server.support, count).await;
}

/// Ids and times at their edges. Hotline and the native API say what is wrong, for they have one kind of sender; of the
/// others, what cannot be read is left out.
#[tokio::test]
async fn ids_and_times_at_their_edges() {
    let Crowd { platforms, server, site: _site } = crowd(&["recorder"]).await;
    let ids = ["-9223372036854775808", "18446744073709551615", "\"7\"", "1.0", "1e3", "\"\"", "null", "[1]", "true"];
    let times = ["\"yesterday\"", "\"2025-02-30 00:00:00\"", "99999999999999999999", "-1", "{}", "\"\"", "1e999"];
    for platform in &platforms {
        let bodies = ids.iter().map(|id| ("ID", id)).chain(times.iter().map(|time| ("TIME", time)));
        for (place, value) in bodies {
            let body = match platform.dialect.name() {
                "hotline" => {
                    r#"{"event_type":"dialog_closed","timestamp":TIME,"data":{"chat_id":ID,"topic_id":ID,"user_id":ID}}"#
                }
                "sendpulse" => r#"[{"title":"open_chat","bot":{"id":ID},"contact":{"id":ID},"date":TIME}]"#,
                "tg-staff" => {
                    r#"{"event_type":"conversation.created","conversation_id":ID,"user_id":ID,"timestamp":TIME}"#
                }
                "inbox" => r#"{"event":"conversation.started","data":{"thread_id":ID,"created_at":TIME}}"#,
                _ => r#"{"kind":"a.b","conversation":ID,"contact":ID,"occurred_at":TIME}"#,
            };
            let body = body.replace(place, value).replace("ID", "1").replace("TIME", "null");
            let answer = platform.sends(&server, &body).await;
            let dialect = platform.dialect;
            if (200..300).contains(&answer.status) {
                continue;
            }
            assert!([Dialect::HOTLINE, Dialect::NATIVE].contains(&dialect), "{dialect}: {body}: {answer:?}");
            assert_refused(dialect, &answer, &[400], &body);
            let named = match place {
                "ID" => ["`data.chat_id`", "`conversation`"].iter().any(|name| answer.body.contains(name)),
                _ => ["`timestamp`", "`occurred_at`"].iter().any(|name| answer.body.contains(name)),
            };
            assert!(named, "{dialect}: {body}: {answer:?}");
        }
    }
    // Whatever was taken has a time, that of its arrival if none could be read.
    let year = |event: &Value| event["occurred_at"].as_str().unwrap()[..4].to_owned();
    assert!(server.listed("events").await.iter().all(|event| *"2000" < *year(event) && *year(event) < *"2100"));
}

#[tokio::test]
async fn commands_that_nobody_could_have_typed() {
    let Crowd { platforms, server, site: _site } = crowd(&["mark"]).await;
    let can = platforms.iter().filter(|platform| platform.dialect.has_commands());
    for platform in can {
        for name in ["/", "//", "/a b", "/mark\n", "/mark\u{0}", "/*", "/a/b", &format!("/{}", "x".repeat(10_000))] {
            let body = match platform.dialect.name() {
                "native" => json!({ "command": name }),
                _ => json!({ "event_type": name, "data": {} }),
            };
            let answer = platform.sends(&server, &body.to_string()).await;
            assert_refused(platform.dialect, &answer, &[400], name);
            assert!(answer.body.contains("is no command name"), "{answer:?}");
        }
    }
    // Where there are no commands, a name is a name: somebody may call a flow so.
    let sendpulse = platforms.iter().find(|platform| platform.dialect.name() == "sendpulse").unwrap();
    let answer = sendpulse.sends(&server, r#"[{"title":"/mark"},{"title":"/*"},{"title":"message.*"}]"#).await;
    assert_eq!((answer.status, answer.json().as_array().unwrap().len()), (200, 3), "{answer:?}");
    assert!(server.listed("events").await.iter().all(|event| event["kind"] == "flow.reached"));
}

#[tokio::test]
async fn the_same_event_twice_is_one() {
    let Crowd { platforms, server, site: _site } = crowd(&["recorder"]).await;
    for platform in &platforms {
        let body = message(platform.dialect, &json!("once")).to_string();
        let (one, two) = tokio::join!(platform.sends(&server, &body), platform.sends(&server, &body));
        let duplicates = [one, two].iter().filter(|answer| answer.body.contains("\"duplicate\":true")).count();
        assert_eq!(duplicates, 1, "{}", platform.dialect);
    }
    // Also in one batch.
    let sendpulse = platforms.iter().find(|platform| platform.dialect.name() == "sendpulse").unwrap();
    let [event] = message(sendpulse.dialect, &json!("in a batch")).as_array().unwrap().clone().try_into().unwrap();
    let told = sendpulse.sends(&server, &json!([event, event, { "title": "unsubscribe" }]).to_string()).await.json();
    let duplicates: Vec<bool> = told.as_array().unwrap().iter().map(|one| one["duplicate"] == true).collect();
    assert_eq!(duplicates, [false, true, false]);
    assert_eq!(told[0]["id"], told[1]["id"]);
    recorded(&server.support, platforms.len() + 2).await;
}

#[tokio::test]
async fn no_path_leads_around_a_source() {
    let Crowd { server, platforms: _, site: _site } = crowd(&[]).await;
    // Written as they are: a client would tidy them up.
    let paths = [
        "/in/../in/support",
        "/in/./support",
        "/in/%2e%2e/support",
        "/in/support%2f..",
        "/in/support%00",
        "/in//support",
        "/in/support/",
        "/in/support%20",
        "/in/sup%70ort%2e",
        "/in/..%5csupport",
        "/in/support;x=1",
        &format!("/in/{}", "x".repeat(5_000)),
        &format!("/in/support/{SECRET}/more"),
    ];
    for path in paths {
        let status = raw(&server, path);
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
    assert_eq!(raw(&server, "/in/sup%70ort"), 401, "the name itself, spelled otherwise");
}

/// The status that a request is answered with whose path is sent as it is.
fn raw(server: &Server, path: &str) -> u16 {
    let address = server.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{path}: {answer:?}"))
}

/// Whoever sends headers slowly, or without end, holds a connection for some seconds and no longer.
#[tokio::test]
async fn slow_and_endless_headers_come_to_an_end() {
    let Crowd { server, platforms: _, site: _site } = crowd(&["mark"]).await;
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    let (endless, silent) = (TcpStream::connect(&address).unwrap(), TcpStream::connect(&address).unwrap());
    let crowd: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).unwrap();
            stream.write_all(b"POST /in/support HTTP/1.1\r\nhost: a\r\nx-slow: ").unwrap();
            stream
        })
        .collect();
    // Meanwhile, others are answered.
    assert_eq!(server.says("/mark").await, "Not marked yet. Mark it with /mark STATUS");
    let (began, told) = (Instant::now(), told_when_endless(endless));
    assert!(told.is_empty() || told.contains(" 431 ") || told.contains(" 400 "), "{told}");
    let ended = tokio::task::spawn_blocking(move || {
        for mut stream in crowd.into_iter().chain([silent]) {
            stream.set_read_timeout(Some(HEADERS_MAX)).unwrap();
            let read = stream.read_to_end(&mut Vec::new()); // To its end, told or not.
            assert!(read.is_ok() || read.is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock));
        }
    });
    ended.await.unwrap();
    assert!(began.elapsed() > Duration::from_secs(1), "it was given some time");
}

/// What somebody is told who sends headers without end.
fn told_when_endless(mut stream: TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let _ = stream.write_all(b"POST /in/support HTTP/1.1\r\n");
    let line = format!("x-more: {}\r\n", "x".repeat(1_000));
    for _ in 0..100_000 {
        if stream.write_all(line.as_bytes()).is_err() {
            break;
        }
    }
    let mut told = Vec::new();
    let _ = stream.read_to_end(&mut told);
    String::from_utf8_lossy(&told).into_owned()
}
