//! Plugins that send HTTP where they must not, more than they may, or to remotes that never come to an end.

use reqwest::header::LOCATION;

use crate::harness::{Bystander, Endless, Part, Receiver, Said, Server, Site, assert_has};

/// How long a call may take.
const TIMEOUT_MS: u32 = 1_500;

/// One that is granted these hosts of all, for which it asks.
fn site(allowed_hosts: &[&str]) -> Site {
    let site = Site::new(&["fetch", "mark"]);
    site.grant("fetch", &format!("allowed_hosts = {allowed_hosts:?}\n[limits]\ntimeout_ms = {TIMEOUT_MS}"));
    site
}

/// Has a line typed; asserts what is shown, and what the log says from then on.
async fn check(server: &Server, line: &str, shown: &str, logged: &[&str]) {
    let before = server.log().count();
    assert_eq!(server.says(line).await, shown, "{line}");
    server.log().wait_after(before, logged).await;
}

const DENIED_IN_LOG: [&str; 4] = ["WARN", "slashbox::guest", "plugin=fetch", "refused: "];

#[tokio::test]
async fn what_is_not_granted_is_not_reached() {
    let (receiver, other) = (Receiver::start(), Receiver::start());
    let here = format!("127.0.0.1:{}", receiver.port());
    let site = site(&[&here, "crm.example.com"]);
    site.allow_receivers();
    let server = Server::start(&site).await;
    let bystander = Bystander::start(&server.support);
    let why = "not among the hosts that the plugin asks for and `allowed_hosts` of its grant allows";
    let port = receiver.port();
    for url in [
        other.url("/"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        format!("http://localhost:{port}/"),
        format!("http://127.0.0.2:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://127.1:{port}/"),
        "https://crm.example.com.evil.test/".to_owned(),
        "https://evil.test/?crm.example.com".to_owned(),
    ] {
        check(&server, &format!("/get {url}"), "denied", &[&DENIED_IN_LOG[..], &[why]].concat()).await;
    }
    // The remote that is granted sends it elsewhere, and it goes.
    for elsewhere in [other.url("/"), "http://169.254.169.254/latest/meta-data".to_owned()] {
        receiver.says(Said::status(307).with(LOCATION, elsewhere.leak()));
        let line = format!("/follow {}", receiver.url("/"));
        check(&server, &line, "307, then denied", &[&DENIED_IN_LOG[..], &[why]].concat()).await;
    }
    bystander.end("requests to where none is granted").await;
    assert_eq!((receiver.all().len(), other.all().len()), (2, 0));
    server.stop().await;
}

/// A grant that names what is inside, and a host that allows plain HTTP: it stays inside all the same.
#[tokio::test]
async fn inside_is_not_reached_though_it_is_granted() {
    let receiver = Receiver::start();
    let port = receiver.port();
    let here = ["127.0.0.1", "localhost", "0.0.0.0"].map(|host| format!("{host}:{port}"));
    let [ipv4, name, any] = here.each_ref().map(String::as_str);
    let site = site(&[ipv4, name, any, "169.254.169.254", "169.254.170.2", "10.0.0.1"]);
    site.configure("[egress]\nallow_http = true");
    let server = Server::start(&site).await;
    let bystander = Bystander::start(&server.support);
    for (url, class) in [
        (format!("http://{ipv4}/"), "127.0.0.1 (loopback)"),
        (format!("http://{name}/"), "localhost, which resolves to "),
        (format!("http://{any}/"), "0.0.0.0 ("),
        ("http://169.254.169.254/latest/meta-data".to_owned(), "169.254.169.254 (cloud metadata)"),
        ("http://169.254.170.2/v2/credentials".to_owned(), "169.254.170.2 (cloud metadata)"),
        ("http://10.0.0.1/".to_owned(), "10.0.0.1 (private)"),
    ] {
        let logged = ["slashbox::guest", "plugin=fetch", "egress to ", class, "refused", "egress.allow_cidrs"];
        check(&server, &format!("/get {url}"), "denied", &logged).await;
    }
    // No grant can name these, whatever they stand for.
    let not_granted = [&DENIED_IN_LOG[..], &["not among the hosts"]].concat();
    for url in [
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        "http://[::ffff:169.254.169.254]/".to_owned(),
    ] {
        check(&server, &format!("/get {url}"), "denied", &not_granted).await;
    }
    bystander.end("requests to the inside").await;
    assert_eq!(receiver.all().len(), 0);
    server.stop().await;
}

/// Of a remote that says nothing, or goes on for ever, the call's own end is the end.
#[tokio::test]
async fn remotes_without_end_end_with_the_call() {
    let silent = Receiver::start();
    silent.says(Said::Nothing);
    let (head, body) = (Endless::start(Part::Head).await, Endless::start(Part::Body).await);
    let hosts = [silent.port(), head.port(), body.port()].map(|port| format!("127.0.0.1:{port}"));
    let site = site(&hosts.each_ref().map(String::as_str));
    site.allow_receivers();
    let server = Server::start(&site).await;
    let limit = format!("timeout of {TIMEOUT_MS} ms reached");
    let unavailable = "! /get is temporarily unavailable (ref REF)";
    for (what, url) in [("no answer", silent.url("/")), ("a slow head", head.url()), ("a slow body", body.url())] {
        let bystander = Bystander::start(&server.support);
        check(&server, &format!("/get {url}"), unavailable, &["WARN", "outcome=\"limit\"", &limit]).await;
        bystander.end(what).await;
    }
    // It was no silence that ended them.
    assert!(head.sent() > 10 && body.sent() > 10, "{} and {} bytes", head.sent(), body.sent());
    server.stop().await;
}

/// By default: 20 requests and 8 MiB in a call.
#[tokio::test]
async fn requests_and_bodies_without_end_are_cut_off() {
    let (receiver, flood) = (Receiver::start(), Endless::start(Part::Flood).await);
    let hosts = [receiver.port(), flood.port()].map(|port| format!("127.0.0.1:{port}"));
    let site = site(&hosts.each_ref().map(String::as_str));
    site.allow_receivers();
    let server = Server::start(&site).await;
    let bystander = Bystander::start(&server.support);
    let many = format!("/many {} 1000", receiver.url("/"));
    check(&server, &many, "20, then limit", &["WARN", "limit of 20 HTTP requests in a call reached"]).await;
    assert_eq!(receiver.all().len(), 20);
    let limit = ["WARN", "slashbox::guest", "http limit of 8 MiB in a call reached"];
    check(&server, &format!("/upload {} 9000", receiver.url("/")), "limit", &limit).await;
    check(&server, &format!("/get {}", flood.url()), "unreachable", &limit).await;
    bystander.end("requests and bodies without end").await;
    // What is sent beyond stands in buffers of the connection, which has an end.
    let sent = flood.sent() / (1024 * 1024);
    assert!((8..32).contains(&sent), "{sent} MiB");
    server.stop().await;
}

/// Redirects in a circle: each is a request.
#[tokio::test]
async fn a_circle_of_redirects_ends_at_the_limit_of_requests() {
    let receiver = Receiver::start();
    receiver.says(Said::status(302).with(LOCATION, receiver.url("/").leak()));
    let here = format!("127.0.0.1:{}", receiver.port());
    let site = site(&[&here]);
    site.allow_receivers();
    let server = Server::start(&site).await;
    let bystander = Bystander::start(&server.support);
    let shown = server.says(&format!("/follow {}", receiver.url("/"))).await;
    bystander.end("redirects in a circle").await;
    assert_has(&shown, &["302, then 302, then limit"]);
    assert_eq!(receiver.all().len(), 20);
    server.stop().await;
}

/// The host holds them, for each of a thousand requests that a guest may have open.
#[tokio::test]
async fn methods_and_authorities_are_no_longer_than_any_that_there_is() {
    let receiver = Receiver::start();
    let site = Site::new(&["fetch"]);
    site.allow_receivers();
    site.grant("fetch", &format!("allowed_hosts = [\"127.0.0.1:{}\"]", receiver.port()));
    let server = Server::start(&site).await;
    let url = receiver.url("/");
    server.check(&[(&format!("/method 64 {url}"), "200")]).await;
    assert_eq!(receiver.first().await.method.as_str(), "M".repeat(64));
    let over = server.says(&format!("/method 65 {url}")).await;
    let (fits, long) = (format!("http://{}/", "a".repeat(300)), format!("http://{}/", "a".repeat(301)));
    let authorities = [server.says(&format!("/get {fits}")).await, server.says(&format!("/get {long}")).await];
    assert_eq!((over.as_str(), authorities), ("invalid", ["denied".to_owned(), "invalid".to_owned()]));
    assert_eq!(receiver.all().len(), 1);
    server.stop().await;
}
