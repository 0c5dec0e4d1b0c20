//! Where requests may go: by HTTPS to public addresses, unless the configuration says more.

use serde_json::Value;

use crate::harness::{Process, Receiver, Server, Site, assert_has};

#[tokio::test]
async fn what_is_not_allowed_is_told_with_its_key_before_a_port_is_bound() {
    let check = async |egress: &str, url: &str, expected: &str| {
        let site = Site::new(&[]);
        site.configure(egress);
        site.add_webhook("crm", url, &["*"], "");
        let expected = format!("error: slashbox.toml: `webhooks[0].url`: {expected}");
        for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["config", "check"]] {
            let ended = Process::run(arguments, site.dir()).await;
            ended.assert(64, &[]);
            assert_eq!((ended.out.as_str(), ended.err.trim_end()), ("", &*expected), "{arguments:?}");
        }
    };
    let refused = |address: &str| format!("egress to {address} is refused: list it in egress.allow_cidrs to allow it");
    check("", "https://127.0.0.1:8443/hook", &refused("127.0.0.1 (loopback)")).await;
    check("", "https://[::1]/", &refused("::1 (loopback)")).await;
    check("", "https://2130706433/", &refused("127.0.0.1 (loopback)")).await;
    check("", "https://10.1.2.3/", &refused("10.1.2.3 (private)")).await;
    check("", "https://[::ffff:127.0.0.1]/", &refused("::ffff:127.0.0.1 (loopback, as 127.0.0.1)")).await;
    let plain = "plain http to example.com is refused: set egress.allow_http to allow it";
    check("", "http://example.com/hook", plain).await;
    check("[egress]\nallow_http = true", "http://127.0.0.1/", &refused("127.0.0.1 (loopback)")).await;
    check("[egress]\nallow_cidrs = [\"10.0.0.0/8\"]", "https://127.0.0.1/", &refused("127.0.0.1 (loopback)")).await;
    let metadata = "egress to 169.254.169.254 (cloud metadata) is refused: only egress.allow_cidrs with 169.254.169.254 itself allows it";
    check("[egress]\nallow_cidrs = [\"169.254.0.0/16\"]", "https://169.254.169.254/", metadata).await;
}

/// A name is looked up when the connection is made, so only then it is known where it leads.
#[tokio::test]
async fn a_name_that_leads_inside_is_refused_at_delivery() {
    let receiver = Receiver::start();
    let site = Site::new(&[]);
    let url = format!("http://localhost:{}/", receiver.port());
    site.add_webhook("inside", &url, &["*", "/mark"], "");
    site.configure("[egress]\nallow_http = true");
    let server = Server::start(&site).await;
    server.support.writes("hello").await;
    let delivery = server.delivery("", |delivery| delivery["attempt_count"] == 1).await;
    let last = &delivery["last_attempt"];
    assert_eq!((&last["fault"], &last["status"]), (&"ours".into(), &Value::Null), "{delivery:#}");
    let detail = last["detail"].as_str().unwrap();
    assert_has(
        detail,
        &["egress to localhost, which resolves to ", " (loopback), is refused: list it in egress.allow_cidrs"],
    );
    // An operator is told no more than that.
    let shown = "! /mark: the webhook inside cannot be reached: this host's configuration does not allow it (ref REF)";
    server.check(&[("/mark", shown)]).await;
    server.log().wait_for(&["WARN", "webhook=\"inside\"", "egress.allow_cidrs"]).await;
    assert_eq!(receiver.all().len(), 0);
}
