//! What a URL is read as, and what is refused before anything is connected to.

use crate::Settings;

fn verdict(settings: &Settings, url: &str) -> String {
    match settings.check(url) {
        Ok(target) => target.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn urls_are_read_once_and_shown_without_their_query() {
    let check = |url: &str, shown: &str| assert_eq!(verdict(&Settings::default(), url), shown, "{url}");
    check("https://Example.com/Hook?token=secret#part", "https://example.com/Hook");
    check("https://example.com:8443", "https://example.com:8443/");
    check("https://example.com:443/", "https://example.com/");
    check("https://bücher.example/", "https://xn--bcher-kva.example/");
    check("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/");
    check("https://134744072/", "https://8.8.8.8/");
    check("http://example.com/", "plain http to example.com is refused: set egress.allow_http to allow it");
    check("ftp://example.com/", "URL with scheme \"ftp\", expected https");
    check("example.com/hook", "not a URL: relative URL without a base, expected https://host/path");
    check("https://", "not a URL: empty host, expected https://host/path");
    check("https://{{host}}/", "not a URL: invalid uri character, expected https://host/path");
    let user = "URL with user or password for example.com: put them into an Authorization header";
    check("https://user:secret@example.com/", user);
    check("https://user@example.com/", user);
    check("https://:secret@example.com/", user);
}

#[test]
fn an_address_is_refused_in_every_spelling() {
    let loopback = "egress to 127.0.0.1 (loopback) is refused: list it in egress.allow_cidrs to allow it";
    let spellings = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "user@127.0.0.1",
    ];
    for spelling in spellings {
        let verdict = verdict(&Settings::default(), &format!("https://{spelling}:8443/"));
        let user = "URL with user or password for 127.0.0.1: put them into an Authorization header";
        assert!(verdict == loopback || (verdict == user && spelling.contains('@')), "{spelling}: {verdict}");
    }
    for spelling in ["[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"] {
        let verdict = verdict(&Settings::default(), &format!("https://{spelling}/"));
        assert!(verdict.contains("is refused: list it in egress.allow_cidrs"), "{spelling}: {verdict}");
    }
    for zone in ["[fe80::1%eth0]", "[fe80::1%25eth0]", "[::1%25lo]"] {
        let verdict = verdict(&Settings::default(), &format!("https://{zone}/"));
        assert!(verdict.starts_with("not a URL: invalid IPv6 address"), "{zone}: {verdict}");
    }
}

#[test]
fn a_target_tells_host_port_and_scheme_and_keeps_its_query_to_itself() {
    let settings = Settings { allow_http: true, ..Settings::default() };
    let target = settings.check("http://Example.com/a?key=secret").unwrap();
    assert_eq!((target.host(), target.port(), target.is_https()), ("example.com", 80, false));
    assert_eq!(format!("{target:?}"), "Target(http://example.com/a)");
    assert_eq!(target.authority(), "example.com");
}
