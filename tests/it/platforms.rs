//! Every platform's requests, in and out: what its document shows is taken by a source that speaks its dialect, and goes
//! out in every format to receivers that were written from the documents alone.

use std::time::Duration;

use serde_json::{Value, json};
use slashbox::{Dialect, Sample, WebhookFormat};

use crate::{
    harness::{KEY, Platform, Received, Receiver, SECRET, Said, Server, Site, at, eventually, recorded},
    receivers::{Posted, hotline, inbox, sendpulse, tg_staff},
};

/// The formats, each with a receiver of its own.
const FORMATS: [&str; 8] =
    ["as-received", "hotline", "sendpulse", "tg-staff", "inbox", "native", "standard", "cloudevents"];

/// What the receivers know the host by.
const RECEIVERS_KEY: &str = "Rv4TheReceiversOwnKey";

/// What commands and events are answered with by the native API; the platforms count 200 alone.
const NATIVE_STATUSES: &[u16] = &[200, 202];

/// How long a platform waits for its answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// A host with a source of each dialect, and a receiver for each format that gets everything.
struct Hub {
    site: Site,
    platforms: Vec<Platform>,
    receivers: Vec<(&'static str, Receiver)>,
}

impl Hub {
    fn new() -> Self {
        let site = Site::new(&["mark"]);
        let platforms = Platform::all(&site);
        let all: Vec<&str> = WebhookFormat::all().map(WebhookFormat::name).collect();
        assert_eq!(all, FORMATS, "a format has no receiver here");
        let receivers: Vec<_> = FORMATS.map(|format| (format, Receiver::start())).into();
        for (format, receiver) in &receivers {
            let more = format!(
                "format = {format:?}\napi_key = {RECEIVERS_KEY:?}\nhmac_secret = {RECEIVERS_KEY:?}\nprofile = \"none\""
            );
            site.add_webhook(&format!("to-{format}"), &receiver.url("/"), &["*", "/mark"], &more);
        }
        site.allow_receivers();
        Self { site, platforms, receivers }
    }

    fn receiver(&self, format: &str) -> &Receiver {
        self.receivers.iter().find(|(name, _)| *name == format).map(|(_, receiver)| receiver).unwrap()
    }
}

/// A sample's events, as their platform sends them.
fn samples(platform: &Platform) -> impl Iterator<Item = Sample> {
    platform.dialect.samples().iter().copied().filter(|sample| sample.name != "ping")
}

/// Waits for what a receiver got of one event, and gives it back.
async fn got(receiver: &Receiver, id: &str) -> Received {
    let is_it = |received: &Received| received.headers.get("webhook-id").is_some_and(|header| header == id);
    eventually(&format!("the event {id}"), async || receiver.all().into_iter().find(is_it)).await
}

fn understood<T>(received: &Received, read: impl Fn(&Posted<'_>) -> Result<T, String>) -> T {
    let headers: Vec<(String, String)> = received
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()))
        .collect();
    let posted = Posted { headers: &headers, body: received.body.as_bytes() };
    read(&posted).unwrap_or_else(|error| panic!("not understood: {error}: {}", received.body))
}

/// Each sample goes in at its platform's source, and out in every format: each receiver understands it.
#[tokio::test]
async fn what_the_documents_show_goes_in_and_out_in_every_format() {
    let hub = Hub::new();
    let server = Server::start(&hub.site).await;
    eventually("the webhook that is pinged", async || {
        let webhooks = server.admin("webhooks").await;
        let items = webhooks["items"].as_array()?;
        items.iter().all(|webhook| webhook["inactive"].is_null()).then_some(())
    })
    .await;
    for platform in &hub.platforms {
        for sample in samples(platform) {
            let what = format!("{} {}", platform.dialect, sample.name);
            let answer = platform.sends(&server, sample.body).await;
            let expected = if platform.dialect == Dialect::NATIVE { NATIVE_STATUSES } else { &[200] };
            assert!(expected.contains(&answer.status), "{what}: {answer:?}");
            let event = server.listed("events").await.remove(0);
            let event = server.admin(&format!("events/{}", event["id"].as_str().unwrap())).await;
            check_receivers(&hub, platform, &sample, &event).await;
        }
    }
    server.settled().await;
    let dead = server.listed("deliveries?state=dead").await;
    assert!(dead.is_empty(), "{dead:#?}");
}

async fn check_receivers(hub: &Hub, platform: &Platform, sample: &Sample, event: &Value) {
    let id = event["id"].as_str().unwrap();
    let all = |format: &'static str| got(hub.receiver(format), id);
    check_as_received(platform, sample, &all("as-received").await);
    check_hotline(event, &all("hotline").await);
    check_sendpulse(event, &all("sendpulse").await);
    check_tg_staff(event, &all("tg-staff").await);
    check_inbox(event, &all("inbox").await);
    check_open(event, &all("native").await, &all("standard").await, &all("cloudevents").await);
}

/// Number for number what came in, but for the key, which is the receiver's.
fn check_as_received(platform: &Platform, sample: &Sample, received: &Received) {
    let (_, sent) = platform.signed(sample.body);
    let numbers = |text: &str| -> Vec<String> {
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | 'e' | 'E' | '+');
        text.split(|c: char| !is_part(c))
            .filter(|part| part.bytes().any(|b| b.is_ascii_digit()))
            .map(Into::into)
            .collect()
    };
    let received_body = received.body.replace(RECEIVERS_KEY, SECRET);
    assert_eq!(numbers(&received_body), numbers(&sent));
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(value(&received_body), value(&sent), "{}", sample.name);
}

/// The text of a field, or nothing.
fn field(event: &Value, name: &str) -> Option<String> {
    event[name].as_str().map(Into::into)
}

fn check_hotline(event: &Value, received: &Received) {
    let receiver = hotline::Receiver { api_key: RECEIVERS_KEY.into() };
    match understood(received, |posted| receiver.receive(posted)) {
        hotline::Call::Event(told) => {
            let (kind, text) = match told.data {
                hotline::EventData::DialogCreated(_) => ("conversation.created", None),
                hotline::EventData::DialogReopened(_) => ("conversation.reopened", None),
                hotline::EventData::DialogClosed(_) => ("conversation.closed", None),
                hotline::EventData::MessageReceived(message) => ("message.received", Some(message)),
                hotline::EventData::MessageSent(message) => ("message.sent", Some(message)),
                hotline::EventData::MessageIntercepted(message) => ("message.intercepted", Some(message)),
            };
            assert_eq!(event["kind"], kind);
            if let Some(message) = text {
                assert_eq!(message.text, field(event, "text"), "{}", received.body);
                assert_eq!(message.backend_message_id, field(event, "message"), "{}", received.body);
            }
        }
        hotline::Call::Command(command) => {
            assert_eq!((event["kind"].as_str(), command.command_data), (Some(&*command.command), field(event, "text")));
        }
        hotline::Call::Unknown { event: name } => assert_eq!(event["kind"], name),
    }
}

fn check_sendpulse(event: &Value, received: &Received) {
    match understood(received, |posted| sendpulse::Receiver {}.receive(posted)) {
        sendpulse::Arrived::Webhooks(webhooks) => {
            let [webhook] = webhooks.try_into().unwrap_or_else(|_| panic!("not one: {}", received.body));
            assert_eq!(
                Some(webhook.contact.id).filter(|id| !id.is_empty()),
                field(event, "contact"),
                "{}",
                received.body
            );
        }
        sendpulse::Arrived::Payment(order) => {
            assert_eq!((event["kind"].as_str(), Some(order.id)), (Some("payment.updated"), field(event, "message")));
        }
        sendpulse::Arrived::Unknown { event: name } => panic!("{name}"),
    }
}

fn check_tg_staff(event: &Value, received: &Received) {
    let receiver = tg_staff::Receiver { signing_key: Some(RECEIVERS_KEY.into()), authorization: None };
    let expected = match understood(received, |posted| receiver.receive(posted)) {
        tg_staff::Event::ConversationCreated(told) => {
            assert_eq!(Some(told.conversation_id), field(event, "conversation"));
            "conversation.created".into()
        }
        tg_staff::Event::MessageReceived(message) => {
            assert_eq!(message.text, field(event, "text"));
            event["kind"].as_str().filter(|kind| kind.starts_with("message.")).unwrap().to_owned()
        }
        tg_staff::Event::ConversationStatusChanged(_) => {
            event["kind"].as_str().filter(|kind| kind.starts_with("conversation.")).unwrap().to_owned()
        }
        tg_staff::Event::AgentStatusChanged(_) => "agent.status_changed".into(),
        tg_staff::Event::Unknown { event } => event,
        tg_staff::Event::Ping => panic!("a ping: {}", received.body),
    };
    assert_eq!(event["kind"], expected);
}

fn check_inbox(event: &Value, received: &Received) {
    let delivery = understood(received, |posted| inbox::Receiver {}.receive(posted));
    if event["dialect"] != "inbox" {
        assert_eq!(event["id"], delivery.delivery_id);
    }
    if let inbox::Event::Unknown { event: name } = &delivery.event {
        assert_eq!(&event["kind"], name);
    }
}

fn check_open(event: &Value, native: &Received, standard: &Received, cloudevents: &Received) {
    let (native, standard, cloud) = (native.json(), standard.json(), cloudevents.json());
    if event["dialect"] != "native" {
        let kind = if event["kind"].as_str().unwrap().starts_with('/') { "command" } else { "kind" };
        assert_eq!((&native[kind], &native["id"]), (&event["kind"], &event["id"]));
    }
    assert_eq!((&standard["type"], at(&standard["timestamp"])), (&event["kind"], at(&event["occurred_at"])));
    assert_eq!(at(&cloud["time"]), at(&event["occurred_at"]));
    assert_eq!(cloudevents.header("content-type"), "application/cloudevents+json");
    let source = format!("/slashbox/{}/{}", event["tenant"].as_str().unwrap(), event["source"].as_str().unwrap());
    let expected = [
        ("specversion", json!("1.0")),
        ("id", event["id"].clone()),
        ("type", event["kind"].clone()),
        ("source", json!(source)),
        ("datacontenttype", json!("application/json")),
    ];
    for (name, value) in expected {
        assert_eq!(cloud[name], value, "{name} of {cloud}");
    }
    assert_eq!(cloud.get("subject"), event.get("conversation").filter(|conversation| !conversation.is_null()));
    // Both open formats say the same, with every typed field that there is.
    assert_eq!(standard["data"], cloud["data"]);
    for name in ["conversation", "contact", "operator", "message", "dialect", "source"] {
        assert_eq!(standard["data"].get(name), Some(&event[name]).filter(|value| !value.is_null()), "{name}");
    }
    assert_eq!(standard["data"]["data"], event["data"]);
}

/// Nobody who sends an event waits for those who get it, whatever they do.
#[tokio::test]
async fn no_sender_waits_for_handlers() {
    let silent = Receiver::start();
    silent.answers(|_| Said::Nothing);
    let site = Site::new(&["probe"]);
    let platforms = Platform::all(&site);
    site.add_webhook("silent", &silent.url("/"), &["*"], "");
    site.allow_receivers();
    let server = Server::start(&site).await;
    for platform in &platforms {
        for sample in samples(platform).filter(|sample| !["mark", "command"].contains(&sample.name)) {
            let answer = tokio::time::timeout(ANSWER_MAX, platform.sends(&server, sample.body)).await;
            let answer = answer.unwrap_or_else(|_| panic!("{} {}: no answer", platform.dialect, sample.name));
            assert!(answer.status == 200 || answer.status == 202, "{answer:?}");
        }
    }
    silent.first().await;
}

#[tokio::test]
async fn a_ping_is_answered_and_is_no_event() {
    let site = Site::new(&[]);
    let platform = Platform::add(&site, Dialect::TG_STAFF);
    let server = Server::start(&site).await;
    for body in ["", " \n", "{}", r#"{"event_type":"ping"}"#, r#"{"event_type":"test","data":{}}"#] {
        let answer = platform.sends(&server, body).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{body}");
    }
    let unsigned = server.posts("/in/tg-staff", &[], "").await;
    assert_eq!(unsigned.status, 401, "{unsigned:?}");
    assert!(server.listed("events").await.is_empty());
}

/// All events of a batch are taken, or none.
#[tokio::test]
async fn a_batch_is_taken_as_a_whole() {
    let site = Site::new(&["recorder"]);
    let platform = Platform::add(&site, "sendpulse".parse().unwrap());
    let server = Server::start(&site).await;
    let element = |title: &str| json!({ "title": title, "bot": { "id": "b" }, "contact": { "id": "c" }, "date": 1 });
    let broken = platform.sends(&server, &json!([element("open_chat"), 5, element("bot_block")]).to_string()).await;
    assert_eq!((broken.status, broken.json()), (400, json!({ "error": "element 1 is 5: expected an object" })));
    assert!(server.listed("events").await.is_empty());
    let titles = ["open_chat", "link_click", "bot_block"];
    let whole = platform.sends(&server, &json!(titles.map(element)).to_string()).await;
    assert_eq!((whole.status, whole.json().as_array().map(Vec::len)), (200, Some(3)), "{whole:?}");
    // In the order of the batch, since they are of one conversation.
    let kinds: Vec<Value> = recorded(&server.support, 3).await.iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, [json!("livechat.opened"), json!("link.clicked"), json!("contact.blocked")]);
    let many = platform.sends(&server, &json!(vec![element("open_chat"); 1_001]).to_string()).await;
    let expected = "the body has 1001 events: expected at most 1000";
    assert_eq!((many.status, many.json()), (413, json!({ "error": expected })));
}

/// Hotline's receivers answer as its document says, in one of three ways.
#[tokio::test]
async fn hotlines_receivers_answer_commands() {
    let receiver = Receiver::start();
    receiver.answers(|received| {
        let receiver = hotline::Receiver { api_key: RECEIVERS_KEY.into() };
        let hotline::Call::Command(command) = understood(received, |posted| receiver.receive(posted)) else {
            return Said::status(500);
        };
        let reply = match command.command_data.as_deref() {
            Some("text") => hotline::text_reply("as *text*"),
            Some("message") => hotline::message_reply("as a message"),
            _ => hotline::error_reply("as an error"),
        };
        Said::of(200, Some(reply.content_type), reply.body)
    });
    let site = Site::new(&[]);
    site.add_webhook("crm", &receiver.url("/"), &["/invoice"], &format!("api_key = {RECEIVERS_KEY:?}"));
    site.allow_receivers();
    let server = Server::start(&site).await;
    server.check(&[("/invoice text", "as *text*"), ("/invoice message", "as a message")]).await;
    assert!(server.says("/invoice x").await.contains("as an error"));
    assert!(!receiver.all().iter().any(|received| received.body.contains(KEY)));
}

/// What TG-Staff's receivers may count on: nothing comes before a ping that they have answered with 200.
#[tokio::test]
async fn nothing_comes_before_the_ping_is_answered() {
    let receiver = Receiver::start();
    receiver.answers(|_| Said::status(204));
    let site = Site::new(&[]);
    let more = format!(
        "format = \"tg-staff\"\nhmac_secret = {RECEIVERS_KEY:?}\nheaders = {{ Authorization = \"Bearer t0ken-of-mine\" }}"
    );
    site.add_webhook("staff", &receiver.url("/"), &["*"], &more);
    site.allow_receivers();
    let server = Server::start(&site).await;
    let receives = tg_staff::Receiver {
        signing_key: Some(RECEIVERS_KEY.into()),
        authorization: Some("Bearer t0ken-of-mine".into()),
    };
    let [ping] = receiver.received(1).await.try_into().unwrap();
    assert!(matches!(understood(&ping, |posted| receives.receive(posted)), tg_staff::Event::Ping));
    let inactive = eventually("the answer to the ping", async || {
        let webhooks = server.admin("webhooks").await;
        webhooks["items"][0]["inactive"].as_str().filter(|why| why.contains("204")).map(str::to_owned)
    });
    assert_eq!(inactive.await, "it answered the ping with status 204: expected 200");
    // It is not lost: it waits, as for one that is not there.
    server.support.writes("hello").await;
    let parked = server.delivery("", |delivery| delivery["parked"] == true).await;
    assert_eq!(parked["attempt_count"], 0, "{parked}");
    receiver.answers(|_| Said::status(200));
    assert_eq!(server.does("webhooks/default/staff/test?ping=true").await["arrived"], true);
    let all = receiver.received(3).await;
    let told = understood(&all[2], |posted| receives.receive(posted));
    assert!(matches!(told, tg_staff::Event::MessageReceived(message) if message.text.as_deref() == Some("hello")));
    assert!(server.admin("webhooks").await["items"][0]["inactive"].is_null());
    // A reload that changes nothing of it asks no more.
    server.reload().await;
    server.support.writes("again").await;
    receiver.received(4).await;
    let test = server.does("webhooks/default/staff/test").await;
    assert_eq!(test["arrived"], true, "{test}");
    let last = receiver.all().pop().unwrap();
    assert_eq!(last.json()["event_type"], "test");
}

/// A test is written as those write who send to its sources.
#[tokio::test]
async fn a_test_is_written_as_its_sources_write() {
    for dialect in Dialect::ALL {
        let receiver = Receiver::start();
        let site = Site::empty();
        Platform::add(&site, *dialect);
        site.add_webhook("crm", &receiver.url("/"), &["*"], &format!("api_key = {RECEIVERS_KEY:?}"));
        site.allow_receivers();
        let server = Server::start(&site).await;
        assert_eq!(server.does("webhooks/default/crm/test").await["arrived"], true);
        let [test] = receiver.received(1).await.try_into().unwrap();
        let name = match dialect.name() {
            "hotline" => test.json()["event_type"].clone(),
            "sendpulse" => test.json()[0]["title"].clone(),
            "tg-staff" => test.json()["event_type"].clone(),
            "inbox" => test.json()["event"].clone(),
            _ => test.json()["kind"].clone(),
        };
        let expected = if dialect.name() == "tg-staff" { "test" } else { "slashbox.test" };
        assert_eq!(name, expected, "{dialect}: {}", test.body);
    }
}
