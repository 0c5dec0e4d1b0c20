//! Who is let in, and who is not.

use super::*;

/// RFC 4231's second case: the figures are of nobody's code here. The key is shorter than a source may have one.
const RFC_KEY: &str = "Jefe";
const RFC_BODY: &[u8] = b"what do ya want for nothing?";
const RFC_HEX: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

/// By `openssl dgst -sha256 -hmac`, of [`BODY`] and of nothing.
const SECRET: &str = "whsec_of_this_source";
const BODY: &[u8] = b"{\"event_type\":\"ping\"}";
const HEX: &str = "6affe72c5d425e55478df68dcdfc43407f510fac6ce35bf8fbaa4fa99abe317f";
const BASE64: &str = "av/nLF1CXlVHjfaNzfxDQH9RD6xs41v4+6pPqZq+MX8=";
const HEX_OF_NOTHING: &str = "15e4cb9e339c536997c8155280023ed0eed0ed92ce0c825de5b8374bd00a78cc";
const HEX_BY_ANOTHER: &str = "71eca2207f24264f9f5146af6ddba6c657cf712b95e5c8bc1f5cb5f7eac6282d";

const TOKEN: &str = "correct-horse-battery";

fn secret(text: &str) -> Option<Secret> {
    Some(Secret::new(text).unwrap())
}

fn signed() -> Credentials {
    Credentials { hmac_secret: secret(SECRET), ..Credentials::default() }
}

fn token() -> Credentials {
    Credentials { token: secret(TOKEN), ..Credentials::default() }
}

fn header() -> Credentials {
    let name = HeaderName::from_static("x-their-key");
    Credentials { auth_header: Some(name).zip(secret("Bearer of good news")), ..Credentials::default() }
}

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

/// The error's text, if somebody is not let in.
fn authenticate(
    credentials: &Credentials,
    lines: &[(&'static str, &str)],
    path_token: Option<&str>,
    body: &[u8],
) -> Result<(), String> {
    let received = Received { body, headers: &headers(lines), path_token };
    credentials.authenticate(&received).map_err(|refusal| {
        assert!(matches!(refusal, Refusal::Unauthorized(_)) && refusal.status() == 401);
        let text = refusal.to_string();
        for (_, value) in lines.iter().filter(|(_, value)| value.len() > 6) {
            assert!(!text.contains(value), "{text}");
        }
        assert!(![SECRET, TOKEN, HEX].iter().any(|secret| text.contains(secret)), "{text}");
        text
    })
}

const NOT_SIGNED: &str = "the header `x-tg-staff-signature` is not the body's signature by this source's secret";

#[test]
fn a_signature_is_of_the_body() {
    assert_eq!(signature(RFC_KEY, RFC_BODY), RFC_HEX);
    assert_eq!(signature(SECRET, BODY), HEX);
    let sent = signed().headers(BODY).unwrap();
    assert_eq!(sent["x-tg-staff-signature"], HEX);
    assert!(sent["x-tg-staff-signature"].is_sensitive());
}

#[test]
fn a_signature_is_taken_however_it_is_spelled() {
    let check = |signature: &str, body: &[u8]| {
        assert_eq!(authenticate(&signed(), &[("x-tg-staff-signature", signature)], None, body), Ok(()), "{signature}");
    };
    for right in [HEX, &HEX.to_uppercase(), BASE64] {
        check(right, BODY);
        check(&format!("sha256={right}"), BODY);
        check(&format!(" {right} "), BODY);
    }
    check(HEX_OF_NOTHING, b"");
}

#[test]
fn any_other_signature_is_refused() {
    let check = |signature: &str| {
        let refused = authenticate(&signed(), &[("x-tg-staff-signature", signature)], None, BODY);
        assert_eq!(refused, Err(NOT_SIGNED.into()), "{signature}");
    };
    let changed = format!("{}{}", if HEX.starts_with('0') { "1" } else { "0" }, &HEX[1..]);
    let twice = HEX.repeat(2);
    for wrong in [&*changed, &twice, HEX_OF_NOTHING, HEX_BY_ANOTHER, "", "sha256=", "0", "zz", "ü", "======", SECRET] {
        check(wrong);
    }
    for end in [1, 2, 32, 62, 63] {
        check(&HEX[..end]);
    }
    check(&BASE64[..40]);
    check(&BASE64[..43]);
    check(&format!("sha1={HEX}"));
    check(&format!("SHA256={HEX}"));
    check(&format!("0x{HEX}"));
    check(&format!("{HEX}00"));
    check(&format!("{HEX},{HEX}"));
    let missing =
        "the header `x-tg-staff-signature` is missing: expected the body's HMAC-SHA256 by this source's `hmac_secret`";
    assert_eq!(authenticate(&signed(), &[], None, BODY), Err(missing.into()));
    assert_eq!(authenticate(&signed(), &[("x-signature", HEX)], None, BODY), Err(missing.into()));
}

#[test]
fn every_byte_of_a_body_is_signed() {
    for body in [&b""[..], b"{\"event_type\":\"ping\"} ", b"{\"event_type\":\"pinG\"}", b"{\"event_type\":\"ping\"}\0"]
    {
        let refused = authenticate(&signed(), &[("x-tg-staff-signature", HEX)], None, body);
        assert_eq!(refused, Err(NOT_SIGNED.into()));
    }
}

#[test]
fn the_first_of_two_headers_counts() {
    let (right, wrong) = (("x-tg-staff-signature", HEX), ("x-tg-staff-signature", HEX_OF_NOTHING));
    assert_eq!(authenticate(&signed(), &[right, wrong], None, BODY), Ok(()));
    assert_eq!(authenticate(&signed(), &[wrong, right], None, BODY), Err(NOT_SIGNED.into()));
    let (right, wrong) = (("x-their-key", "Bearer of good news"), ("x-their-key", "Bearer of bad news"));
    assert_eq!(authenticate(&header(), &[right, wrong], None, BODY), Ok(()));
    assert!(authenticate(&header(), &[wrong, right], None, BODY).is_err());
}

#[test]
fn a_header_is_the_whole_value() {
    let check = |lines: &[(&'static str, &str)], expected: Result<(), &str>| {
        assert_eq!(authenticate(&header(), lines, None, BODY), expected.map_err(str::to_owned), "{lines:?}");
    };
    check(&[("x-their-key", "Bearer of good news")], Ok(()));
    let wrong = Err("the header `x-their-key` is not this source's");
    for value in ["", "Bearer", "of good news", "bearer of good news", "Bearer of good news!", "Bearer of good new"] {
        check(&[("x-their-key", value)], wrong);
    }
    check(
        &[("authorization", "Bearer of good news")],
        Err("the header `x-their-key` is missing: expected this source's"),
    );
}

#[test]
fn a_token_is_in_the_path_or_behind_bearer() {
    let check = |path: Option<&str>, authorization: Option<&str>, expected: Result<(), &str>| {
        let lines: Vec<_> = authorization.map(|value| ("authorization", value)).into_iter().collect();
        assert_eq!(authenticate(&token(), &lines, path, BODY), expected.map_err(str::to_owned), "{path:?} {lines:?}");
    };
    let wrong = Err("the token is not this source's");
    let missing =
        Err("the token is missing: expected this source's behind its name in the path, or as `Authorization: Bearer`");
    check(Some(TOKEN), None, Ok(()));
    check(Some(TOKEN), Some("Bearer of bad news"), Ok(()));
    for scheme in ["Bearer", "bearer", "BEARER"] {
        check(None, Some(&format!("{scheme} {TOKEN}")), Ok(()));
    }
    check(None, Some(&format!("Bearer   {TOKEN} ")), Ok(()));
    // Whoever got the path wrong is not let in by the header: one request is by one credential.
    check(Some("battery-horse-correct"), Some(&format!("Bearer {TOKEN}")), wrong);
    check(Some(""), Some(&format!("Bearer {TOKEN}")), wrong);
    for other in
        ["battery-horse-correct", "correct-horse-batter", "correct-horse-battery ", "correct-horse-battery\0", ""]
    {
        check(Some(other), None, wrong);
    }
    for other in ["Bearer x", "Bearer ", &format!("Bearer {TOKEN},{TOKEN}"), &format!("Bearer Bearer {TOKEN}")] {
        check(None, Some(other), wrong);
    }
    for none in [TOKEN, "", "Bearer", &format!("Basic {TOKEN}"), &format!("Bearer\t{TOKEN}")] {
        check(None, Some(none), missing);
    }
    check(None, None, missing);
}

#[test]
fn a_path_has_no_token_where_none_is_configured() {
    for credentials in [signed(), header()] {
        let sent = credentials.headers(BODY).unwrap();
        let received = Received { body: BODY, headers: &sent, path_token: Some(TOKEN) };
        let refusal = credentials.authenticate(&received).unwrap_err();
        assert_eq!(refusal, Refusal::Unauthorized("this source takes no token in its path".into()));
        assert_eq!(credentials.authenticate(&Received { path_token: None, ..received }), Ok(()));
    }
}

#[test]
fn each_that_is_configured_must_be_right() {
    let all = Credentials { hmac_secret: secret(SECRET), auth_header: header().auth_header, ..token() };
    let right = [
        ("authorization", "Bearer correct-horse-battery"),
        ("x-their-key", "Bearer of good news"),
        ("x-tg-staff-signature", HEX),
    ];
    assert_eq!(authenticate(&all, &right, None, BODY), Ok(()));
    assert_eq!(all.headers(BODY).unwrap(), headers(&right));
    for missing in 0..right.len() {
        let mut lines = right.to_vec();
        lines.remove(missing);
        assert!(authenticate(&all, &lines, None, BODY).is_err(), "{lines:?}");
        lines.push((right[missing].0, "Bearer of bad news"));
        assert!(authenticate(&all, &lines, None, BODY).is_err(), "{lines:?}");
    }
}

#[test]
fn what_a_source_may_be_configured_with() {
    const KNOWN: &[Credential] = &[Credential::HmacSecret, Credential::AuthHeader, Credential::Token];
    const BY_KEY: &[Credential] = &[Credential::ApiKey];
    for right in [signed(), token(), header()] {
        assert_eq!(right.check(KNOWN), Ok(()));
    }
    assert_eq!(Credentials::default().check(KNOWN), Err(CredentialsError::None { expected: KNOWN }));
    let error = signed().check(BY_KEY).unwrap_err();
    assert_eq!(error.to_string(), "hmac_secret is not how this dialect's sender is known: expected api_key");
    // What stands in front may add a header to any platform's requests, but that alone does not tell who wrote them.
    assert_eq!(header().check(BY_KEY), Err(CredentialsError::None { expected: BY_KEY }));
    let both = Credentials { api_key: secret("key of the source"), ..header() };
    assert_eq!(both.check(BY_KEY), Ok(()));
}

#[test]
fn a_token_goes_into_the_path_where_the_header_has_another() {
    assert_eq!(token().path_token(), None);
    let name = AUTHORIZATION;
    let both = Credentials { auth_header: Some(name).zip(secret("Basic of their own")), ..token() };
    assert_eq!(both.path_token(), Some(TOKEN));
    let sent = both.headers(BODY).unwrap();
    assert_eq!(sent, headers(&[("authorization", "Basic of their own")]));
    let received = Received { body: BODY, headers: &sent, path_token: both.path_token() };
    assert_eq!(both.authenticate(&received), Ok(()));
}

#[test]
fn each_is_taken_out() {
    let all = Credentials {
        api_key: secret("key-of-the-source"),
        hmac_secret: secret(SECRET),
        auth_header: header().auth_header,
        ..token()
    };
    let json = format!(
        r#"{{"a":"{TOKEN}","b":["{SECRET}!",1.0],"Bearer of good news":"key-of-the-sourc\u0065","c":"Bearer"}}"#
    );
    let clean = r#"{"a":"[redacted]","b":["[redacted]",1.0],"[redacted]":"[redacted]","c":"Bearer"}"#;
    assert_eq!(all.taken_out_of_json(&json), clean);
    assert_eq!(all.taken_out_of(&format!("a {TOKEN}, {SECRET}")), "a [redacted], [redacted]");
    assert!(!format!("{all:?}").contains(TOKEN));
}
