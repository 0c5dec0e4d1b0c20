//! `slashbox send`: a running host is sent what a source's platform would send it.

use std::{collections::HashSet, fs};

use serde_json::{Value, json};
use slashbox::{Credential, Dialect};

use crate::harness::{Ended, KEY, MARK, MESSAGE_SENT, Process, Receiver, Said, Server, Site, assert_has};

const TOKEN: &str = "token of the source";
const HMAC_SECRET: &str = "secret of the signature";
const HEADER: &str = "value of the header";

/// All that a source may know its platform by, in the configuration's words.
fn line_of(credential: Credential) -> String {
    match credential {
        Credential::ApiKey => format!("api_key = {KEY:?}\n"),
        Credential::Token => format!("token = {TOKEN:?}\n"),
        Credential::HmacSecret => format!("hmac_secret = {HMAC_SECRET:?}\n"),
        Credential::AuthHeader => format!("auth_header = \"X-Key: {HEADER}\"\n"),
    }
}

/// A source that is called as its dialect is, with these lines.
fn add_source(site: &Site, dialect: &str, lines: &str) {
    site.configure(&format!("[[sources]]\nname = {dialect:?}\ndialect = {dialect:?}\n{lines}"));
}

/// Sends to where a host is, from a site's folder.
async fn send(site: &Site, url: &str, arguments: &[&str]) -> Ended {
    let ended = Process::run(&[&["send", "--url", url], arguments].concat(), site.dir()).await;
    let said = format!("{}{}", ended.out, ended.err);
    for secret in [KEY, TOKEN, HMAC_SECRET, HEADER] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
    ended
}

/// What programs get of one that was answered.
async fn record(site: &Site, server: &Server, arguments: &[&str]) -> Value {
    let ended = send(site, server.url(), &[arguments, &["--json"]].concat()).await;
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:#?}"))
}

#[tokio::test]
async fn a_command_is_answered_and_an_event_is_taken_once() {
    let site = Site::new(&["mark"]);
    let server = Server::start(&site).await;
    site.write("mark.json", MARK.replace(KEY, "any key at all"));
    site.write("sent.json", MESSAGE_SENT);
    site.write("unknown.json", MARK.replace("/mark", "/mrak"));
    let ended = send(&site, server.url(), &["--source", "support", "mark.json"]).await;
    ended.assert(0, &["mark.json  answered  200 OK in ", " ms\n{\n  \"message\": \"Marked: deal\"\n}\n"]);
    assert_eq!(ended.err, "");
    let ended = send(&site, server.url(), &["--source", "support", "sent.json"]).await;
    ended.assert(0, &["sent.json  taken  200 OK", "\"duplicate\": false"]);
    let [event] = server.listed("events").await.try_into().unwrap();
    let id = event["id"].as_str().unwrap();
    let hint = format!("`slashbox events show {id} --url {}` shows what became of it\n", server.url());
    assert_eq!(ended.err, hint);
    let ended = send(&site, server.url(), &["--source", "support", "sent.json"]).await;
    ended.assert(0, &["sent.json  taken before  200 OK", "\"duplicate\": true", id]);
    // The platform would show this text; that it is no success is to be seen.
    let ended = send(&site, server.url(), &["--source", "support", "unknown.json"]).await;
    ended.assert(0, &["unknown.json  answered with an error  200 OK", "did you mean /mark?"]);
}

#[tokio::test]
async fn a_conversation_is_sent_in_its_order_and_one_refusal_is_told() {
    let site = Site::new(&["mark"]);
    let server = Server::start(&site).await;
    site.write("mark.json", MARK);
    site.write("show.json", MARK.replace("\"deal\"", "\"\""));
    site.write("broken.json", "{\"event_type\": ");
    site.write("bytes.json", b"\xff");
    site.write("large.json", format!("{{\"event_type\": \"{}\"}}", "x".repeat(slashbox::BODY_BYTES_MAX)));
    let ended = send(&site, server.url(), &["--source", "support", "mark.json", "broken.json", "show.json"]).await;
    ended.assert(1, &["broken.json  refused  400 Bad Request", "broken.json: no JSON (EOF"]);
    let ended_of_bytes = send(&site, server.url(), &["--source", "support", "bytes.json"]).await;
    ended_of_bytes.assert(1, &["bytes.json: no JSON", "refused  400 ", "no UTF-8"]);
    let heads: Vec<&str> = ended.out.lines().filter_map(|line| line.split_once(".json  ")).map(|head| head.0).collect();
    assert_eq!(heads, ["mark", "broken", "show"]);
    assert_has(&ended.out, &["Marked: deal", "deal — marked by 123456"]);
    let ended = send(&site, server.url(), &["--source", "support", "large.json"]).await;
    ended.assert(1, &["large.json: 1048594 bytes, a host takes at most 1048576", "refused  413 "]);
    // Nothing is sent if not all can be read.
    let ended = send(&site, server.url(), &["--source", "support", "show.json", "none.json"]).await;
    ended.assert(1, &["error: none.json: No such file"]);
    assert_eq!(ended.out, "");
}

#[tokio::test]
async fn programs_get_the_answer() {
    let site = Site::new(&["mark"]);
    add_source(&site, "native", &line_of(Credential::Token));
    let server = Server::start(&site).await;
    site.write("mark.json", MARK);
    site.write("broken.json", "broken");
    let check = async |source: &str, file: &str, expected: Value| {
        let mut answer = record(&site, &server, &["--source", source, file]).await;
        assert!(answer["took_ms"].take().is_u64(), "{answer}");
        assert_eq!(answer, expected);
    };
    let told = |status: u16, content_type: &str, body: Value| json!({ "status": status, "content_type": content_type, "body": body, "took_ms": null });
    check("support", "mark.json", told(200, "application/json", json!({ "message": "Marked: deal" }))).await;
    let problem = json!({ "title": "malformed", "status": 400, "code": "malformed",
        "detail": "the body begins with 'b': expected a JSON object" });
    check("native", "broken.json", told(400, "application/problem+json", problem)).await;
    // A text is a string, and of several each has its own.
    let receiver = Receiver::start();
    receiver.answers(|_| Said::text("hello"));
    let ended = send(&site, &receiver.url("/"), &["--source", "support", "mark.json", "mark.json", "--json"]).await;
    ended.assert(0, &[]);
    let answers = serde_json::Deserializer::from_str(&ended.out).into_iter::<Value>();
    let bodies: Vec<Value> = answers.map(|answer| answer.unwrap()["body"].take()).collect();
    assert_eq!(bodies, ["hello", "hello"]);
}

#[tokio::test]
async fn what_is_printed_can_be_sent_on() {
    let site = Site::new(&["mark"]);
    let server = Server::start(&site).await;
    let sample = Process::run(&["samples", "hotline", "mark"], site.dir()).await;
    site.write("piped", sample.out);
    let arguments = ["send", "--url", server.url(), "--source", "support", "-"];
    let ended = Process::run_with_input(&arguments, site.dir(), "piped").await;
    ended.assert(0, &["the standard input  answered  200 OK", "Marked: deal"]);
    let twice = send(&site, server.url(), &["--source", "support", "-", "-"]).await;
    twice.assert(64, &["- is there twice"]);
}

/// The source's own address is that of its configuration, and of the environment it needs what is its own alone.
#[tokio::test]
async fn a_configuration_says_where_its_host_is_and_what_it_knows_its_platform_by() {
    let site = Site::new(&["mark"]);
    let server = Server::start(&site).await;
    let address = server.url().strip_prefix("http://").unwrap();
    let listen = format!("listen = {address:?}\n[admin]\ntoken = \"${{NOBODYS}}\"\n");
    let config = fs::read_to_string(site.path("slashbox.toml")).unwrap().replace(KEY, "${OWN}");
    site.write("slashbox.toml", format!("{listen}{config}"));
    add_source(&site, "native", "token = \"${NOBODYS}\"");
    site.write("mark.json", MARK);
    let run = async |arguments: &[&str]| {
        let environment = [("OWN".into(), KEY.into())];
        Process::start(&[&["send"], arguments].concat(), site.dir(), &environment).ended().await
    };
    run(&["--source", "support", "mark.json"]).await.assert(0, &["Marked: deal"]);
    run(&["--source", "native", "mark.json"]).await.assert(64, &["`sources[1].token`", "NOBODYS is not set"]);
    let unknown = run(&["--source", "suport", "mark.json"]).await;
    let expected = "no source is named \"suport\": did you mean support? expected one of support, native";
    unknown.assert(64, &[&format!("error: slashbox.toml: {expected}\n")]);
    site.rename("slashbox.toml", "other.toml");
    run(&["--source", "support", "mark.json", "--config", "other.toml"]).await.assert(0, &["Marked: deal"]);
    let missing = run(&["--source", "support", "mark.json", "--config", "none.toml"]).await;
    missing.assert(64, &["error: none.toml: there is no such file; `slashbox config default` prints one"]);
    let unnamed = run(&["--source", "support", "mark.json"]).await;
    unnamed.assert(64, &["error: there is no slashbox.toml here: --config names the configuration of the host"]);
    run(&["mark.json"]).await.assert(64, &["--source <NAME>"]);
    run(&["--source", "support"]).await.assert(64, &["<FILE.json>"]);
}

#[tokio::test]
async fn nobody_there_is_told_with_the_address() {
    let site = Site::new(&[]);
    site.write("mark.json", MARK);
    let mut receiver = Receiver::start();
    receiver.answers(|_| Said::Nothing);
    let url = receiver.url("");
    let ended = send(&site, &url, &["--source", "support", "mark.json"]).await;
    ended.assert(1, &["error: cannot ask ", &url, "no answer within 15000 ms"]);
    receiver.stop();
    for json in [&[][..], &["--json"]] {
        let ended = send(&site, &url, &[&["--source", "support", "mark.json"], json].concat()).await;
        ended.assert(1, &["error: cannot ask ", &url, "does slashbox run there? `slashbox serve` starts it"]);
        assert_eq!(ended.out, "");
    }
}

/// Whoever repeats what it was sent: the tests' receivers say what came, and [`send`] looks for the secrets in what is said.
#[tokio::test]
async fn what_a_source_knows_its_platform_by_is_sent_and_never_shown() {
    let receiver = Receiver::start();
    receiver.answers(|received| {
        let headers = format!("{:?}", received.headers).replace('"', "'");
        Said::json(&json!([received.path, headers, received.body]).to_string())
    });
    let site = Site::new(&[]);
    add_source(&site, "native", &format!("{}{}", line_of(Credential::Token), line_of(Credential::AuthHeader)));
    let in_path = "auth_header = \"authorization: value of the header\"\ntoken = \"a/b?c d%41é\"";
    add_source(&site, "inbox", in_path);
    let unsigned = MARK.replace(KEY, "any key at all");
    site.write("mark.json", &unsigned);
    let sent = async |source: &str| {
        let ended = send(&site, &receiver.url(""), &["--source", source, "mark.json"]).await;
        ended.assert(0, &["answered", "[redacted]"]);
        receiver.all().pop().unwrap()
    };
    let received = sent("support").await;
    let body: Value = serde_json::from_str(&received.body).unwrap();
    assert_eq!((received.path.as_str(), received.header("content-type")), ("/in/support", "application/json"));
    assert_eq!((body["event_type"].as_str(), body["api_key"].as_str()), (Some("/mark"), Some(KEY)));
    let received = sent("native").await;
    assert_eq!((received.path.as_str(), &received.body), ("/in/native", &unsigned));
    assert_eq!(received.header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(received.header("x-key"), HEADER);
    let received = sent("inbox").await;
    assert_eq!(received.path, "/in/inbox/a%2Fb%3Fc%20d%2541%C3%A9");
    assert_eq!(received.header("authorization"), HEADER);
}

/// As whoever tries a configuration does: each dialect's samples, at a host that knows its platform by all that it can.
#[tokio::test]
async fn every_sample_is_taken() {
    let site = Site::new(&["mark"]);
    site.write("slashbox.toml", "");
    let with_samples = || Dialect::ALL.iter().filter(|dialect| !dialect.samples().is_empty());
    for dialect in with_samples() {
        let lines: String = dialect.credentials().iter().copied().map(line_of).collect();
        add_source(&site, dialect.name(), &lines);
    }
    let server = Server::start(&site).await;
    let mut taken = HashSet::new();
    for dialect in with_samples() {
        for sample in dialect.samples() {
            let file = format!("{dialect}-{}.json", sample.name);
            site.write(&file, sample.body);
            let answer = record(&site, &server, &["--source", dialect.name(), &file]).await;
            assert_eq!(answer["status"].as_u64().map(|status| status / 100), Some(2), "{file}: {answer:#}");
            assert_eq!(answer["body"]["error"], Value::Null, "{file}: {answer:#}");
            taken.insert(dialect.name());
        }
    }
    for dialect in [Dialect::HOTLINE, Dialect::NATIVE] {
        assert!(taken.contains(dialect.name()), "{dialect} has no samples");
    }
}
