//! What is wrong with a webhook's configuration, and what is shown of a sound one.

use serde_json::json;

use crate::harness::{KEY, Process, Receiver, Server, Site, assert_has};

const NAME: &str =
    "expected letters, digits, `.`, `_` and `-`, beginning with a letter or a digit, and at most 100 bytes";

async fn check_fails(site: &Site, expected: &str) {
    let ended = Process::run(&["config", "check"], site.dir()).await;
    ended.assert(64, &[]);
    assert_eq!((ended.out.as_str(), ended.err.trim_end()), ("", &*format!("error: slashbox.toml: {expected}")));
}

#[tokio::test]
async fn a_mistake_in_a_table_is_told_with_its_key() {
    let check = async |lines: &str, expected: &str| {
        let site = Site::new(&[]);
        site.configure(&format!("[[webhooks]]\n{lines}"));
        check_fails(&site, expected).await;
    };
    let url = "url = \"https://example.com/hook\"\n";
    let sound = format!("{url}events = [\"*\"]\n");
    check("events = [\"*\"]", "`webhooks[0]`: missing field `url`").await;
    check(url, "`webhooks[0]`: missing field `events`").await;
    check(&format!("{sound}evnts = []"), "unknown key `webhooks[0].evnts`: did you mean `events`?").await;
    check(&format!("{url}events = []"), "`webhooks[0].events`: empty: expected at least one kind or command").await;
    for (wrong, expected) in [
        ("mess*", "expected `*` for whole parts between the dots, such as `message.*`"),
        ("", {
            "expected a kind such as `conversation.closed`, `message.*` or `*`, a platform's own name, or a command such \
             as `/mark` or `/*`"
        }),
        ("/", "expected a command such as `/mark` or `/*`"),
        ("/a b", "expected a command such as `/mark` or `/*`"),
        ("message.sent ", "expected no white space at its ends and no control characters"),
    ] {
        check(&format!("{url}events = [{wrong:?}]"), &format!("`webhooks[0].events`: {wrong:?}: {expected}")).await;
    }
    check("url = \"example.com\"\nevents = [\"*\"]", {
        "`webhooks[0].url`: not a URL: relative URL without a base, expected https://host/path"
    })
    .await;
    check("url = \"ftp://example.com\"\nevents = [\"*\"]", {
        "`webhooks[0].url`: URL with scheme \"ftp\", expected https"
    })
    .await;
    check("url = \"https://user:s3cret@example.com/\"\nevents = [\"*\"]", {
        "`webhooks[0].url`: URL with user or password for example.com: put them into an Authorization header"
    })
    .await;
    check(&format!("{sound}sources = [\"suport\"]"), {
        "`webhooks[0].sources`: \"suport\" is no source of the tenant default: expected the name of one"
    })
    .await;
    check(&format!("{sound}tenant = \"acme\"\nsources = [\"support\"]"), {
        "`webhooks[0].sources`: \"support\" is no source of the tenant acme: expected the name of one"
    })
    .await;
    check(&format!("{sound}tenant = \"a/b\""), &format!("`webhooks[0].tenant`: \"a/b\" is no name: {NAME}")).await;
    check(&format!("{sound}name = \"a b\""), &format!("`webhooks[0].name`: \"a b\" is no name: {NAME}")).await;
    check(&format!("{sound}format = \"xml\""), "`webhooks[0].format` = \"xml\": expected as-received, hotline, sendpulse, tg-staff, inbox, native, standard or cloudevents").await;
    check(
        &format!("{sound}profile = \"never\""),
        "`webhooks[0].profile` = \"never\": expected default, tg-staff or none",
    )
    .await;
    check(&format!("{sound}api_key = \"${{NOBODYS}}\""), {
        "`webhooks[0].api_key`: the environment variable NOBODYS is not set"
    })
    .await;
    for (header, problem) in [
        ("\"X Y\" = \"s3cret\"", "`webhooks[0].headers.X Y`: expected letters, digits and hyphens"),
        ("X-Y = \"s3\\ncret\"", "`webhooks[0].headers.X-Y`: its value has characters that no header may have"),
        ("Webhook-Id = \"s3cret\"", "`webhooks[0].headers.Webhook-Id`: slashbox writes this one itself"),
        ("Content-Type = \"s3cret\"", "`webhooks[0].headers.Content-Type`: slashbox writes this one itself"),
    ] {
        check(&format!("{sound}headers = {{ {header} }}"), problem).await;
    }
    let twice = format!("{sound}name = \"crm\"\n[[webhooks]]\n{sound}name = \"crm\"");
    check(&twice, "`webhooks[1].name`: \"crm\" is another webhook's: expected a name that no other one has").await;
}

#[tokio::test]
async fn a_mistake_in_a_sources_file_is_told_with_its_place() {
    let check = async |content: Option<&str>, expected: &str| {
        let site = Site::empty();
        site.add_source("support", KEY, "webhooks_file = \"webhooks.json\"");
        if let Some(content) = content {
            site.write("webhooks.json", content);
        }
        let ended = Process::run(&["config", "check"], site.dir()).await;
        ended.assert(64, &["error: slashbox.toml: `sources[0].webhooks_file`", expected]);
    };
    check(None, "cannot be read: No such file or directory (os error 2)").await;
    let object = "expected Hotline's WEBHOOKS object, {\"https://…\": [\"dialog_created\", \"/mark\"]}: ";
    check(Some("{\"https://s3cret.example.com\": "), &format!("{object}EOF while parsing a value at line 1 column 31"))
        .await;
    check(
        Some("[]"),
        &format!(
            "{object}invalid type: sequence, expected an object of URLs with a list of events each at line 1 column 0"
        ),
    )
    .await;
    let no_list = format!("{object}invalid type: string \"/mark\", expected a sequence at line 1 column 31");
    check(Some("{\"https://example.com\": \"/mark\"}"), &no_list).await;
    let twice = format!("{object}entry 2 has the same URL as an earlier one at line 1 column 70");
    check(Some("{\"https://a.example.com/\": [\"*\"], \"https://a.example.com/\": [\"/mark\"]}"), &twice).await;
    check(Some("{\"https://a.example.com/\": [\"*\"], \"https://b.example.com/\": [\"a*\"]}"), {
        "entry 2: events: \"a*\": expected `*` for whole parts between the dots, such as `message.*`"
    })
    .await;
    let site = Site::empty();
    site.add_source("support", KEY, "webhooks_file = \"webhooks.json\"");
    site.write("webhooks.json", "{\"https://127.0.0.1/?s3cret\": [\"*\"]}");
    let ended = Process::run(&["config", "check"], site.dir()).await;
    ended.assert(64, &["sources[0].webhooks_file", "egress.allow_cidrs"]);
    assert!(!ended.err.contains("s3cret"), "{}", ended.err);
}

#[tokio::test]
async fn a_host_says_who_gets_what() {
    let receiver = Receiver::start();
    let site = Site::empty();
    site.add_source("support", KEY, "webhooks_file = \"webhooks.json\"");
    site.write("webhooks.json", json!({ receiver.url("/hook?s3cret"): ["dialog_created", "/mark"] }).to_string());
    site.add_webhook("crm", &receiver.url("/s3cret"), &["message.*", "/*"], "api_key = \"s3cret\"");
    site.allow_receivers();
    let server = Server::start(&site).await;
    let listing = server.listing().await;
    assert_has(
        &listing,
        &["webhooks\n  127.0.0.1-", "  127.0.0.1  dialog_created /mark\n  crm  127.0.0.1  message.* /*\n"],
    );
    assert!(!listing.contains("s3cret"), "{listing}");
}
