//! Requests to webhooks are signed, so that receivers know whom they are from.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use slashbox::signature::{Signed, SigningKey, VerifyError, verify};

use crate::harness::{Process, Received, Receiver, Said, Server, Site};

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_c2xhc2hib3gncyBvd24ga2V5IG9mIHRoaXJ0eSBieXRlcw==";

/// What a receiver with this secret makes of a request, so long after it came.
fn verdict(received: &Received, secret: &str, later: Duration) -> Result<(), VerifyError> {
    let key: SigningKey = secret.parse().unwrap();
    let now_s = (SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + later).as_secs();
    let [id, timestamp, signature] =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| received.header(name));
    verify(&[key], Signed { id, timestamp, signature }, received.body.as_bytes(), now_s)
}

#[tokio::test]
async fn every_request_is_signed_by_each_secret() {
    let receiver = Receiver::start();
    receiver.answers(|received| if received.attempt() == 1 { Said::status(503) } else { Said::status(200) });
    let mut site = Site::new(&[]);
    site.allow_receivers();
    site.set_variable("CRM_SECRET", NEW);
    let secrets = format!("secrets = [\"${{CRM_SECRET}}\", \"{OLD}\"]");
    site.add_webhook("crm", &receiver.url("/"), &["message.*"], &secrets);
    let server = Server::start(&site).await;
    server.support.writes("Grüße 👋").await;
    let now = Duration::ZERO;
    for attempt in receiver.received(2).await {
        assert_eq!(attempt.header("webhook-signature").split(' ').count(), 2);
        assert_eq!((verdict(&attempt, OLD, now), verdict(&attempt, NEW, now)), (Ok(()), Ok(())));
        let another = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx";
        assert_eq!(verdict(&attempt, another, now), Err(VerifyError::Signature));
        let late = verdict(&attempt, OLD, Duration::from_secs(400));
        assert!(matches!(late, Err(VerifyError::TooOld { .. })), "{late:?}");
    }
    let ended = server.stop().await;
    assert!(!format!("{}{}", ended.out, ended.err).contains("whsec_"), "{ended:#?}");
}

#[tokio::test]
async fn a_command_is_signed_too_and_what_has_no_secret_is_not() {
    let (signed, plain) = (Receiver::start(), Receiver::start());
    signed.says(Said::text("42"));
    let site = Site::new(&[]);
    site.allow_receivers();
    site.add_webhook("signed", &signed.url("/"), &["/order"], &format!("secrets = [\"{OLD}\"]"));
    site.add_webhook("plain", &plain.url("/"), &["/order"], "");
    let server = Server::start(&site).await;
    server.check(&[("/order 7", "42")]).await;
    assert_eq!(verdict(&signed.first().await, OLD, Duration::ZERO), Ok(()));
    assert!(!plain.first().await.headers.contains_key("webhook-signature"));
    server.stop().await;
}

#[tokio::test]
async fn a_secret_that_is_none_is_told_and_not_shown() {
    for (secret, what) in [
        ("s3cret", "expected `whsec_` and the base64 of 24 to 64 random bytes"),
        ("whsec_c2hvcnQ=", "expected `whsec_` and the base64 of 24 to 64 random bytes"),
        ("${NOBODYS}", "the environment variable NOBODYS is not set"),
    ] {
        let site = Site::new(&[]);
        let secrets = format!("secrets = [\"{OLD}\", \"{secret}\"]");
        site.add_webhook("crm", "https://example.com/hook", &["*"], &secrets);
        let checked = Process::run(&["config", "check"], site.dir()).await;
        checked.assert(64, &["slashbox.toml: `webhooks[0].secrets[1]`: ", what]);
        assert!(!format!("{}{}", checked.out, checked.err).contains("s3cret"), "{checked:#?}");
    }
}

#[tokio::test]
async fn webhooks_are_listed_without_their_secrets() {
    let site = Site::new(&[]);
    let server = Server::start(&site).await;
    let list = ["webhooks", "list", "--url", server.url()];
    Process::run(&list, site.dir()).await.assert(0, &["no webhooks"]);
    server.stop().await;

    let hidden = "https://example.com/hook/Tk9ThePathsToken";
    site.add_webhook("crm", hidden, &["message.*", "/invoice"], &format!("secrets = [\"{OLD}\"]"));
    site.add_webhook("journal", "https://example.org/", &["*"], "tenant = \"acme\"\nformat = \"hotline\"");
    let server = Server::start(&site).await;
    let listed = server.listed("webhooks").await;
    let expected = [
        json!({ "tenant": "acme", "name": "journal", "host": "example.org", "events": ["*"], "format": "hotline",
            "signed": false, "inactive": null, "paused_since": null, "disabled_since": null, "failing_since": null,
            "left_alone_until": null }),
        json!({ "tenant": "default", "name": "crm", "host": "example.com", "events": ["message.*", "/invoice"],
            "format": "as-received", "signed": true, "inactive": null, "paused_since": null, "disabled_since": null,
            "failing_since": null, "left_alone_until": null }),
    ];
    assert_eq!(listed, expected);
    let list = ["webhooks", "list", "--url", server.url()];
    let shown = Process::run(&list, site.dir()).await;
    shown.assert(0, &["crm ", " default ", " example.com  as-received  signed  message.* /invoice\n"]);
    assert!(!shown.out.contains("Tk9") && !shown.out.contains("whsec_"), "{}", shown.out);
    let in_json = Process::run(&[&list[..], &["--json"]].concat(), site.dir()).await;
    assert_eq!(serde_json::from_str::<Value>(&in_json.out).unwrap()["items"], json!(expected));
    server.stop().await;
}
