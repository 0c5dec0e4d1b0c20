//! What hostile senders send, and what they are told.

use crate::EVENT_BYTES_MAX;

use super::*;

#[test]
fn only_what_is_no_object_is_refused() {
    refused("[{},{},{},5]", "element 3 is 5: expected an object");
    refused("[{}, [ {} ]]", "element 1 is [ {} ]: expected an object");
    refused("[null]", "element 0 is null: expected an object");
    refused("[\"x\"]", "element 0 is \"x\": expected an object");
    refused(format!("[\"{}\"]", "x".repeat(99)), &format!("element 0 is \"{}…: expected an object", "x".repeat(59)));
    for (body, shown) in [("5", "5"), (" null ", "null "), ("\"[]\"", "\"[]\""), ("title=x", "title=x"), ("]", "]")] {
        refused(body, &format!("the body is {shown}: expected a JSON array or object"));
    }
    refused("\u{feff}[]", "the body is \u{feff}[]: expected a JSON array or object");
}

#[test]
fn what_is_no_sound_json_is_refused() {
    let unsound = |body: &str, problem: &str| refused(body, &format!("the body is no sound JSON: {problem}"));
    unsound("", "EOF while parsing a value at line 1 column 0");
    unsound(" \n", "EOF while parsing a value at line 2 column 0");
    unsound("[", "EOF while parsing a list at line 1 column 1");
    unsound("[{}", "EOF while parsing a list at line 1 column 3");
    unsound("[{},]", "trailing comma at line 1 column 5");
    unsound("[{}]{}", "trailing characters at line 1 column 5");
    unsound("{\"order\":{}}]", "trailing characters at line 1 column 13");
    unsound("{\"a\":01}", "invalid number at line 1 column 7");
    unsound(
        "[{\"a\":\"\u{0}\"}]",
        "control character (\\u0000-\\u001F) found while parsing a string at line 1 column 7",
    );
    unsound("[{}\u{0}]", "expected `,` or `]` at line 1 column 4");
    refused(b"[{\"a\":\"\xff\"}]", "the body is no UTF-8: invalid byte at position 7");
}

/// The document's own example of a flow has a comma missing: as it stands, it cannot have been sent.
#[test]
fn a_missing_comma_is_refused() {
    let body = sample("flow").replace("#3\",", "#3\"");
    refused(body, "the body is no sound JSON: expected `,` or `}` at line 6 column 5");
}

#[test]
fn both_sides_of_how_many_events_there_may_be() {
    let body = |events: usize| format!("[{}]", vec!["{}"; events].join(","));
    assert_eq!(all(body(EVENTS_MAX)).len(), EVENTS_MAX);
    assert_eq!(read(body(EVENTS_MAX + 1)), Err(Refusal::TooMany { events: EVENTS_MAX + 1 }));
    // Whatever they are: they are counted before they are looked at.
    assert_eq!(read(format!("[{}1]", "1,".repeat(999_999))), Err(Refusal::TooMany { events: 1_000_000 }));
    refused(
        format!("[{}", "{},".repeat(2_000)),
        "the body is no sound JSON: EOF while parsing a value at line 1 column 6001",
    );
}

#[test]
fn an_array_of_a_million_makes_no_event() {
    let body = format!("[{}{{}}]", "{},".repeat(999_999));
    let new_id = || panic!("an id of an event that is not taken");
    let arrival = Arrival { tenant: "acme", source: "shop", now_ms: NOW_MS, new_id: &new_id };
    let received = Received { body: body.as_bytes(), headers: &HeaderMap::new(), path_token: Some(TOKEN) };
    let refusal = dialect().read(&received, &credentials(), arrival).unwrap_err();
    assert_eq!((refusal.status(), refusal), (413, Refusal::TooMany { events: 1_000_000 }));
}

#[test]
fn both_sides_of_how_large_an_event_may_be() {
    let object = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    let largest = object(EVENT_BYTES_MAX - 2);
    let too_large = object(EVENT_BYTES_MAX - 1);
    let refusal = |at| Err(Refusal::EventTooLarge { at: Some(at), bytes: EVENT_BYTES_MAX + 1 });
    let told = Refusal::EventTooLarge { at: Some(1), bytes: EVENT_BYTES_MAX + 1 }.to_string();
    assert_eq!(told, "element 1 has 262145 bytes: expected at most 262144");
    assert_eq!(all(format!("[{largest},{largest}]")).len(), 2);
    assert_eq!(read(format!("[{{}},{too_large}]")), refusal(1));
    assert_eq!(one(&largest).event.data, largest);
    assert_eq!(read(&too_large), refusal(0));
}

/// On a small stack, of which nesting must take none.
fn on_a_small_stack(check: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(256 * 1024).spawn(check).unwrap().join().unwrap();
}

#[test]
fn what_is_nested_deeply_is_taken_where_it_is_no_matter() {
    on_a_small_stack(|| {
        const DEEP: usize = 10_000;
        let nested = |open: &str, close: &str| format!("{}1{}", open.repeat(DEEP), close.repeat(DEEP));
        let arrays = nested("[", "]");
        for value in [nested("{\"message\":", "}"), nested("{\"info\":", "}"), nested("{\"channel_data\":", "}")]
            .into_iter()
            .chain([nested("[{\"id\":", "}]"), arrays.clone()])
        {
            for name in ["info", "contact", "bot", "order", "date", "title", "x"] {
                let event = with(&format!("\"{name}\":{value},\"event\":\"e\""));
                assert!(event.data.contains(&value));
                assert!(serde_json::from_str::<IgnoredAny>(&rendered(&event, Format::AsReceived)).is_ok());
            }
        }
        assert!(read(&arrays).unwrap_err().to_string().starts_with("element 0 is [[[["));
        assert!(read("[".repeat(DEEP)).is_err());
        assert!(read("{\"a\":".repeat(DEEP)).is_err());
    });
}

#[test]
fn a_name_that_is_no_text_hides_no_other_member() {
    let event = with(r#""\ud800":{"\udfff":1},"title":"open_chat","contact":{"\ud800":1,"id":"c"}"#);
    assert_eq!((&*event.kind, event.contact.as_deref()), ("livechat.opened", Some("c")));
}

#[test]
fn the_credentials_are_nowhere() {
    let escaped: String = TOKEN.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    for token in [TOKEN, &escaped] {
        let body = format!(
            r#"[{{"title":"{token}","x {token}":[{{"{token}":1e999}}],"bot":{{"id":"{token}"}},"contact":{{"id":"{token}","last_message":"it is {token}"}},"event":"{token}","date":"{token}"}}]"#
        );
        let Incoming { event, .. } = one(&body);
        assert_eq!((&*event.native_kind, event.text.as_deref()), ("[redacted]", Some("[redacted]")));
        assert_eq!(event.conversation.as_deref(), Some("[redacted]:[redacted]"));
        let expected = body.replace(&format!("\"x {token}\""), &format!("\"{token}\""));
        let expected = expected.replace(&format!("it is {token}"), token).replace(token, "[redacted]");
        assert_eq!(rendered(&event, Format::AsReceived), expected);
        refused(format!("[{{}},\"{token}\"]"), "element 1 is \"[redacted]\": expected an object");
    }
    refused(format!("{TOKEN}="), "the body is [redacted]=: expected a JSON array or object");
}

#[test]
fn a_sender_is_known_by_a_token_or_by_a_header() {
    let header = Some((AUTHORIZATION, Secret::new("Basic c2hvcDpwYXNz").unwrap()));
    let by_header = Credentials { auth_header: header.clone(), ..Credentials::default() };
    let by_both = Credentials { auth_header: header, ..credentials() };
    for credentials in [&credentials(), &by_header, &by_both] {
        assert_eq!(dialect().check(credentials), Ok(()));
    }
    let by_key = Credentials { api_key: Some(Secret::new(TOKEN).unwrap()), ..credentials() };
    let errors = [Credentials::default(), by_key].map(|wrong| dialect().check(&wrong).unwrap_err().to_string());
    assert_eq!(
        errors,
        [
            "one of them must be set: token or auth_header",
            "api_key is not how this dialect's sender is known: expected token or auth_header"
        ]
    );
    let new_id = || "1".into();
    let arrival = Arrival { tenant: "acme", source: "shop", now_ms: NOW_MS, new_id: &new_id };
    let status = |headers: &HeaderMap| {
        let received = Received { body: b"[]", headers, path_token: None };
        dialect().read(&received, &by_header, arrival).map_err(|refusal| refusal.status())
    };
    assert_eq!(status(&HeaderMap::new()), Err(401));
    let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Basic c2hvcDpwYXNz"))]);
    assert_eq!(status(&headers), Ok(Request::Events(vec![])));
}
