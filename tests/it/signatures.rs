//! Requests to webhooks are signed, so that receivers know whom they are from.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
