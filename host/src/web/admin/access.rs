//! Who may use the admin API.
//!
//! Invariants: without a token, only a request that was sent to a loopback name gets in, so that no web page can send one
//! in an operator's browser under a name of its own (DNS rebinding). A request that changes something says that it is JSON,
//! which no form can say, and which a script of another origin may say only if the host agrees beforehand (CORS), which it
//! never does: also in a browser that tells neither `Origin` nor `Sec-Fetch-Site` (CSRF).

use axum::http::{
    HeaderMap, Method, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN},
};
use slashbox_dialects::Secret;

/// What a token follows in the header, in any case (RFC 9110, 11.1).
const BEARER: &str = "bearer";

/// Who may use the admin API.
#[derive(Clone, Debug, Default)]
pub enum AdminAccess {
    /// Nobody.
    #[default]
    Off,
    /// Whoever reaches the host under a loopback name. Only for a host that listens on loopback alone, with nothing in
    /// front of it that lets others in.
    Loopback,
    /// Whoever has the token: `Authorization: Bearer TOKEN`.
    Token(Secret),
}

/// Why a request does not get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    Off,
    NotLoopback,
    NoToken,
    WrongToken,
    NotJson,
}

/// Whether a request changes nothing, or says that it is JSON. So does one without a body: it is the header that counts.
pub(super) fn check_change(method: &Method, headers: &HeaderMap) -> Result<(), Denied> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let is_json = match (types.next(), types.next()) {
        (Some(only), None) => only.to_str().is_ok_and(names_json),
        _ => false,
    };
    if method.is_safe() || is_json { Ok(()) } else { Err(Denied::NotJson) }
}

/// `application/json`, with or without parameters.
fn names_json(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json"))
}

impl AdminAccess {
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Denied> {
        match self {
            Self::Off => Err(Denied::Off),
            Self::Loopback if is_loopback(uri, headers) => Ok(()),
            Self::Loopback => Err(Denied::NotLoopback),
            Self::Token(token) => {
                let given = headers.get(AUTHORIZATION).ok_or(Denied::NoToken)?;
                let given = given.to_str().ok().and_then(|given| given.split_once(' '));
                let (scheme, given) = given.ok_or(Denied::NoToken)?;
                if !scheme.eq_ignore_ascii_case(BEARER) {
                    return Err(Denied::NoToken);
                }
                if token.is(given) { Ok(()) } else { Err(Denied::WrongToken) }
            }
        }
    }
}

/// What proxies add. Behind one on the same machine, everybody comes from loopback.
const OF_PROXIES: [&str; 6] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

/// Where a request comes from, as browsers say (w3.org/TR/fetch-metadata): also of one that has no `Origin`.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Whether the request names a loopback host, no page of another origin made it, and no proxy passed it on.
fn is_loopback(uri: &Uri, headers: &HeaderMap) -> bool {
    if OF_PROXIES.iter().any(|name| headers.contains_key(*name)) {
        return false;
    }
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(HOST.as_str()).or_else(|| uri.authority().map(|authority| authority.as_str()));
    let Some(host) = host.filter(|host| names_loopback(host)) else { return false };
    let own_site = text(SEC_FETCH_SITE).is_none_or(|site| matches!(site, "same-origin" | "none"));
    let own_origin = text(ORIGIN.as_str())
        .is_none_or(|origin| origin.strip_prefix("http://").is_some_and(|origin| origin.eq_ignore_ascii_case(host)));
    own_site && own_origin
}

/// `localhost`, `127.0.0.1` or `[::1]`, with or without a port.
fn names_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(host, _)| host),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn check(access: &AdminAccess, lines: &[(&'static str, &str)], expected: Result<(), Denied>) {
        assert_eq!(access.check(&"/v1/admin/events".parse().unwrap(), &headers(lines)), expected, "{lines:?}");
    }

    #[test]
    fn a_token_is_the_whole_of_it() {
        let access = AdminAccess::Token(Secret::new("s3cret-0").unwrap());
        check(&access, &[("authorization", "Bearer s3cret-0")], Ok(()));
        check(&access, &[("authorization", "Bearer s3cret-0"), ("host", "example.com")], Ok(()));
        check(&access, &[("authorization", "bearer s3cret-0")], Ok(()));
        for wrong in ["Bearer s3cret-", "Bearer s3cret-0t", "Bearer ", "Bearer  s3cret-0"] {
            check(&access, &[("authorization", wrong)], Err(Denied::WrongToken));
        }
        for none in ["s3cret-0", "Basic s3cret-0", ""] {
            check(&access, &[("authorization", none)], Err(Denied::NoToken));
        }
        check(&access, &[("host", "localhost")], Err(Denied::NoToken));
        check(&AdminAccess::Off, &[("authorization", "Bearer s3cret-0")], Err(Denied::Off));
    }

    #[test]
    fn what_changes_something_says_that_it_is_json() {
        let check = |method: Method, lines: &[(&'static str, &str)], expected: Result<(), Denied>| {
            let mut given = HeaderMap::new();
            for (name, value) in lines {
                given.append(*name, value.parse().unwrap());
            }
            assert_eq!(check_change(&method, &given), expected, "{method} {lines:?}");
        };
        for json in ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;a"] {
            check(Method::POST, &[("content-type", json)], Ok(()));
        }
        // What forms send, and what only looks like JSON.
        for other in [
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=application/json",
            "text/plain",
            "text/plain;application/json",
            "application/json, text/plain",
            "text/plain, application/json",
            "application/jsonp",
            "application/",
            "",
        ] {
            check(Method::POST, &[("content-type", other)], Err(Denied::NotJson));
        }
        check(
            Method::POST,
            &[("content-type", "application/json"), ("content-type", "text/plain")],
            Err(Denied::NotJson),
        );
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, "PURGE".parse().unwrap()] {
            check(method, &[], Err(Denied::NotJson));
        }
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            check(method, &[], Ok(()));
        }
    }

    #[test]
    fn without_a_token_only_a_loopback_name_gets_in() {
        let access = AdminAccess::Loopback;
        for host in ["localhost", "localhost:8787", "LocalHost:1", "127.0.0.1:8787", "127.1.2.3", "[::1]:8787", "[::1]"]
        {
            check(&access, &[("host", host)], Ok(()));
        }
        for host in
            ["example.com", "localhost.example.com", "127.0.0.1.example.com:8787", "10.0.0.1", "", "[::2]", "::1"]
        {
            check(&access, &[("host", host)], Err(Denied::NotLoopback));
        }
        check(&access, &[], Err(Denied::NotLoopback));
        check(&access, &[("host", "localhost:8787"), ("origin", "http://localhost:8787")], Ok(()));
        for site in ["same-origin", "none"] {
            check(&access, &[("host", "localhost"), ("sec-fetch-site", site)], Ok(()));
        }
        for site in ["cross-site", "same-site", ""] {
            check(&access, &[("host", "localhost"), ("sec-fetch-site", site)], Err(Denied::NotLoopback));
        }
        for name in OF_PROXIES {
            check(&access, &[("host", "localhost"), (name, "1.2.3.4")], Err(Denied::NotLoopback));
        }
        for origin in [
            "https://example.com",
            "null",
            "http://localhost.example.com",
            "http://localhost:8787",
            "https://localhost",
        ] {
            check(&access, &[("host", "localhost"), ("origin", origin)], Err(Denied::NotLoopback));
        }
    }
}
