//! Questions in, requests out, answers in, replies out.

use super::*;
use slashbox_sdk::{
    Failure, Reply,
    http::Response,
    testing::{Answer, Host},
};

const ANN: &str = "https://crm.example.com/clients?email=ann%40example.com";

fn host(answer: impl Into<Answer>) -> Host {
    Host::new().setting("LOOKUP_URL", "https://crm.example.com/clients?email={query}").answer("GET", ANN, answer)
}

fn json(text: &str) -> Response {
    Response::new(200).body(text, "application/json")
}

fn ask(host: &Host) -> Result<Option<Reply>> {
    host.command(&plugin(), Command::new("/lookup").args(" ann@example.com "))
}

fn check(host: &Host, expected: &str) {
    assert_eq!(ask(host), Ok(Some(expected.into())));
}

#[test]
fn the_answers_fields_are_shown_as_the_operator_wants_them() {
    let answer = json(r#"[{"name":"Ann Smith","company":{"name":"Acme"},"orders":3}]"#);
    let host = host(answer).setting("LOOKUP_ANSWER", "{0.name}, {0.company.name}\nOrders: {0.orders}\nDebt: {0.debt}");
    check(&host, "Ann Smith, Acme\nOrders: 3");
}

#[test]
fn without_a_template_what_there_is_is_shown() {
    check(&host(json(r#"{"name":"Ann Smith","orders":[1,2]}"#)), "name: Ann Smith\norders: 1, 2");
}

#[test]
fn the_token_is_sent_if_there_is_one() {
    let host = host(json(r#"{"name":"Ann"}"#));
    check(&host, "name: Ann");
    let host = host.setting("LOOKUP_TOKEN", "secret");
    check(&host, "name: Ann");
    let tokens: Vec<_> = host.requests().iter().map(|sent| sent.header("Authorization").map(str::to_owned)).collect();
    assert_eq!(tokens, [None, Some("Bearer secret".to_owned())]);
    assert_eq!(host.requests()[0].header("Accept"), Some("application/json"));
}

#[test]
fn what_is_not_known_is_no_failure() {
    for answer in [Response::new(404), Response::new(410), json("[]"), json("{}"), json("null")] {
        check(&host(answer.clone()), "Nothing found for ann@example.com");
        check(&host(answer).setting("LOOKUP_ANSWER", "Client: {name}"), "Nothing found for ann@example.com");
    }
}

#[test]
fn an_api_that_does_not_answer_is_unavailable() {
    for answer in [Answer::Timeout, Answer::Unreachable, Response::new(503).into()] {
        let outcome = ask(&host(answer));
        assert!(matches!(outcome, Err(Failure::Unavailable(_))), "{outcome:?}");
    }
}

#[test]
fn what_the_operator_must_mend_is_told() {
    let check = |host: &Host, expected: &str| match ask(host) {
        Err(Failure::Refused(reason)) => assert!(reason.contains(expected), "{reason}"),
        other => panic!("{other:?}"),
    };
    check(&Host::new(), "setting LOOKUP_URL is missing");
    check(&Host::new().setting("LOOKUP_URL", "https://crm.example.com"), "LOOKUP_URL says nowhere {query}");
    check(&Host::new().setting("LOOKUP_URL", "crm.example.com/{query}"), "a URL without `https://`");
    check(&host(Answer::Denied), "crm.example.com: not granted");
    check(&host(Response::new(401)), "crm.example.com: answered 401");
    check(&host(json("<html>")), "crm.example.com: not the answer that was expected");
}

#[test]
fn there_must_be_a_question() {
    let refused = host(json("{}")).command(&plugin(), Command::new("/lookup").args("  "));
    assert_eq!(refused, Err(Failure::refused("Look up what? Try /lookup QUERY")));
}
