//! Requests out, what comes of them.

use super::*;
use crate::{
    Command, Failure, Plugin, Result,
    testing::{Answer, Host},
};

const URL: &str = "https://crm.example.com/clients";

fn on(status: u16) -> Host {
    Host::new().answer("GET", URL, Response::new(status).body("\"Ann\"", "application/json"))
}

#[test]
fn a_request_goes_out_as_it_was_put_together() {
    let host = Host::new().answer_with(|_| Response::new(204));
    let request = put(format!("{URL}?a=b")).query(&[("q", "x y")]).query(&[("n", "1".to_owned())]);
    let request = request.header("X-Key", "k").bearer("t").body_json(&[1, 2]).timeout_ms(500);
    assert_eq!(request.send().unwrap().status(), 204);
    let requests = host.requests();
    let sent = &requests[0];
    assert_eq!((sent.method.as_str(), sent.url.as_str()), ("PUT", &*format!("{URL}?a=b&q=x%20y&n=1")));
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected =
        [header("X-Key", "k"), header("Authorization", "Bearer t"), header("Content-Type", "application/json")];
    assert_eq!(sent.headers, expected);
    assert_eq!((sent.body.as_slice(), sent.timeout_ms), (b"[1,2]".as_slice(), Some(500)));
}

#[test]
fn each_method_has_its_function() {
    let host = Host::new().answer_with(|_| Response::new(200));
    for request in [get(URL), post(URL), put(URL), patch(URL), delete(URL), request("PURGE", URL)] {
        request.send().unwrap();
    }
    let methods: Vec<_> = host.requests().into_iter().map(|sent| sent.method).collect();
    assert_eq!(methods, ["GET", "POST", "PUT", "PATCH", "DELETE", "PURGE"]);
}

#[test]
fn a_content_type_of_the_plugins_own_stays() {
    let host = Host::new().answer_with(|_| Response::new(200));
    post(URL).header("content-type", "application/vnd.api+json").body_json(&1).send().unwrap();
    assert_eq!(host.requests()[0].headers.len(), 1);
    assert_eq!(host.requests()[0].header("Content-Type"), Some("application/vnd.api+json"));
}

#[test]
fn the_short_forms_want_a_success() {
    on(201);
    assert_eq!(get(URL).json(), Ok("Ann".to_owned()));
    assert_eq!(get(URL).text(), Ok("\"Ann\"".to_owned()));
    assert_eq!(get(URL).bytes(), Ok(b"\"Ann\"".to_vec()));
    for status in [199, 300, 302, 404, 500] {
        let host = on(status);
        let check = |error: Error| {
            assert!(
                matches!(&error, Error::Status { status: of, response, .. } if *of == status && response.text() == Ok("\"Ann\"")),
                "{error:?}"
            );
            assert_eq!(error.to_string(), format!("crm.example.com: answered {status}"));
        };
        check(get(URL).json::<String>().unwrap_err());
        check(get(URL).text().unwrap_err());
        check(get(URL).bytes().unwrap_err());
        assert_eq!(get(URL).send().unwrap().json(), Ok("Ann".to_owned()), "whoever sends it decides");
        assert_eq!(host.requests().len(), 4);
    }
}

#[test]
fn a_response_tells_its_headers() {
    let response = Response::new(200).with_header("ETag", "1").with_header("etag", "2");
    let host = Host::new().answer("GET", URL, response);
    let response = get(URL).send().unwrap();
    assert_eq!((response.header("Etag"), response.header("x")), (Some("1"), None));
    assert_eq!(response.headers().collect::<Vec<_>>(), [("ETag", "1"), ("etag", "2")]);
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn what_is_wrong_with_a_request_is_told_when_it_is_sent() {
    let host = Host::new().answer_with(|_| Response::new(200));
    let check = |request: Request, problem: &str| {
        assert_eq!(request.send(), Err(Error::Invalid(problem.to_owned())));
    };
    check(get("crm.example.com"), "a URL without `https://` at its start: expected https://HOST/PATH");
    check(request("GET /", URL), "method \"GET /\": expected e.g. \"GET\"");
    check(get(URL).header("x y", "z"), "header \"x y\": expected a name like \"X-Api-Key\"");
    check(get(URL).header("", "z"), "header \"\": expected a name like \"X-Api-Key\"");
    check(get(URL).header("Host", "a.b"), "header \"Host\" is the host's to make");
    let line_break = "value of header \"Authorization\": expected no line breaks or control characters";
    check(get(URL).bearer("secret\r\nX: y").header("Host", "the first mistake counts"), line_break);
    let no_json = std::collections::HashMap::from([((), ())]);
    check(post(URL).body_json(&no_json), "request's body: key must be a string");
    assert_eq!(host.requests(), []);
}

#[test]
fn a_body_of_another_shape_is_told_shortly() {
    let check = |body: &[u8], problem: &str| {
        let _host = Host::new().answer("GET", URL, Response::new(200).body(body, "x"));
        let reason = format!("not the answer that was expected: {problem}");
        assert_eq!(get(URL).json::<u8>(), Err(Error::Body { host: "crm.example.com".into(), reason }));
    };
    check(b"<html>", "expected value at line 1 column 1");
    check(b"\"x\"", "invalid type: string \"x\", expected u8 at line 1 column 3");
    check(format!("\"{}\"", "ё".repeat(300)).as_bytes(), &format!("invalid type: string \"{}…", "ё".repeat(144)));
    let host = Host::new().answer("GET", URL, Response::new(200).body([0xFF], "x"));
    assert!(matches!(get(URL).text(), Err(Error::Body { .. })));
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn what_may_pass_is_unavailable() {
    let check = |answer: Answer, expected: Failure| {
        let host = Host::new().answer("GET", URL, answer);
        let failure: Failure = get(URL).timeout_ms(500).json::<u8>().unwrap_err().into();
        assert_eq!(failure, expected);
        assert_eq!(host.requests().len(), 1);
    };
    let status = |status| Answer::Response(Response::new(status));
    let unavailable = |text: &str| Failure::unavailable(format!("crm.example.com: {text}"));
    let refused = |text: &str| Failure::refused(format!("crm.example.com: {text}"));
    check(Answer::Unreachable, unavailable("no connection"));
    check(Answer::Timeout, unavailable("no answer within 500 ms"));
    for code in [408, 425, 429, 500, 503, 599] {
        check(status(code), unavailable(&format!("answered {code}")));
    }
    for code in [302, 400, 401, 404, 407, 409, 428, 430, 499] {
        check(status(code), refused(&format!("answered {code}")));
    }
    let grant = "not granted: it must stand in `allowed_hosts` in the plugin's .toml, and the plugin must ask for it";
    check(Answer::Denied, refused(grant));
    check(status(200), refused("not the answer that was expected: EOF while parsing a value at line 1 column 0"));
    assert_eq!(Failure::from(Error::Invalid("x".into())), Failure::refused("x"));
    let limit = Error::Limit { host: "a.b".into(), reason: "x".into() };
    assert_eq!(Failure::from(limit), Failure::refused("a.b: x"));
}

#[test]
fn a_plugin_reaches_only_what_it_asks_for() {
    fn fetch(command: Command) -> Result<String> {
        Ok(get(command.args).text()?)
    }
    let plugin = Plugin::new("p", "1.0.0")
        .command("/get", "URL", "", fetch)
        .http_host("crm.example.com")
        .http_host("*.Pay.example.com")
        .http_host("a.b:8443");
    let check = |url: &str, reached: bool| {
        let host = Host::new().answer_with(|_| Response::new(200));
        let reply = host.command(&plugin, Command::new("/get").args(url));
        assert_eq!(reply.is_ok(), reached, "{url}: {reply:?}");
        assert_eq!(host.requests().len(), usize::from(reached), "{url}");
    };
    check("https://crm.example.com/x", true);
    check("https://CRM.example.com:443/x", true);
    check("http://crm.example.com/x", true);
    check("https://crm.example.com:8443/x", false);
    check("http://crm.example.com:443/x", false);
    check("https://www.example.com/x", false);
    check("https://eu.pay.example.com/x", true);
    check("https://a.eu.pay.example.com/x", true);
    check("https://pay.example.com/x", false);
    check("https://epay.example.com/x", false);
    check("https://a.b:8443/x", true);
    check("https://a.b/x", false);
}

#[test]
#[should_panic(expected = "nothing answers GET https://crm.example.com/clients: set it up with \
    `Host::answer(\"GET\", \"https://crm.example.com/clients\", …)`. What is answered:\n  GET https://a.b/\n  POST https://crm.example.com/clients")]
fn a_request_that_nothing_answers_fails_the_test() {
    let _host = Host::new().answer("POST", URL, Response::new(200)).answer("GET", "https://a.b", Response::new(200));
    let _ = get(URL).send();
}

#[test]
#[should_panic(expected = "What is answered:\n  nothing")]
fn without_answers_every_request_fails_the_test() {
    Host::new();
    let _ = get(URL).send();
}

#[test]
#[should_panic(expected = "cannot answer GET crm: a URL without `https://` at its start")]
fn an_answer_needs_a_url() {
    let _ = Host::new().answer("GET", "crm", Response::new(200));
}

#[test]
fn nothing_secret_is_shown() {
    let host = Host::new().answer_with(|_| Response::new(500).with_header("set-cookie", "secret").body("secret", "x"));
    let request = || post(format!("{URL}?secret")).bearer("secret").body("secret", "text/plain");
    assert!(!format!("{:?}", request()).contains("secret"));
    let response = request().send().unwrap();
    assert!(!format!("{response:?}").contains("secret"));
    let error = request().text().unwrap_err();
    assert!(!format!("{error:?} {error}").contains("secret"));
    assert_eq!(host.requests().len(), 2);
}
