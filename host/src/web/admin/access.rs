//! Who may use the admin API.
//!
//! Invariant: without a token, only a request that was sent to a loopback name gets in, so that no web page can send one
//! in an operator's browser under a name of its own (DNS rebinding).

use axum::http::{
    HeaderMap, Uri,
    header::{AUTHORIZATION, HOST, ORIGIN},
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
