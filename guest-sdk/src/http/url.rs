//! A URL as far as a request needs it: where to, and what is asked for there.
//!
//! Written out because the crate `url` adds 200 KB to a plugin of 80, most of it for what no API's address has: other
//! schemes, relative references, names beyond ASCII. The host reads the URL again, strictly.

use super::Error;
use std::fmt::{self, Write};

/// A URL in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) scheme: Scheme,
    /// The host, and the port if one is named.
    pub(crate) authority: String,
    /// Begins with a slash.
    pub(crate) path_and_query: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Url {
    /// Reads a URL, and adds the pairs to its query. What may not stand in one as it is, a space for instance, is encoded.
    pub(crate) fn parse(url: &str, pairs: &[(String, String)]) -> Result<Self, Error> {
        let (scheme, rest) = split_scheme(url).ok_or_else(|| {
            Error::Invalid("a URL without `https://` at its start: expected https://HOST/PATH".into())
        })?;
        let rest = rest.split_once('#').map_or(rest, |(rest, _fragment)| rest);
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        check_authority(authority)?;
        let mut path_and_query = String::with_capacity(path.len() + 1);
        if !path.starts_with('/') {
            path_and_query.push('/');
        }
        push_encoded(&mut path_and_query, path, may_stand_in_url);
        for (name, value) in pairs {
            path_and_query.push(if path_and_query.contains('?') { '&' } else { '?' });
            push_encoded(&mut path_and_query, name, is_unreserved);
            path_and_query.push('=');
            push_encoded(&mut path_and_query, value, is_unreserved);
        }
        Ok(Self { scheme, authority: authority.to_ascii_lowercase(), path_and_query })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}{}", self.authority, self.path_and_query)
    }
}

/// Encodes a text so that it stands for itself in a URL: as one part of a path, or as a name or value in a query.
/// [`Request::query`](super::Request::query) does it by itself.
///
/// ```
/// use slashbox_sdk::http::encode;
///
/// assert_eq!(encode("50 % off/on?"), "50%20%25%20off%2Fon%3F");
/// ```
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    push_encoded(&mut encoded, text, is_unreserved);
    encoded
}

fn split_scheme(url: &str) -> Option<(Scheme, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    if scheme.eq_ignore_ascii_case("https") {
        Some((Scheme::Https, rest))
    } else if scheme.eq_ignore_ascii_case("http") {
        Some((Scheme::Http, rest))
    } else {
        None
    }
}

fn check_authority(authority: &str) -> Result<(), Error> {
    let invalid = |problem: &str| Err(Error::Invalid(problem.to_owned()));
    if authority.is_empty() || authority.starts_with(':') {
        return invalid("a URL without a host: expected https://HOST/PATH");
    }
    if authority.contains('@') {
        return invalid("a URL with a user or a password: put them into a header, e.g. with `bearer`");
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if !authority.bytes().all(allowed) {
        return Err(Error::Invalid(format!("a URL with the host {authority:?}: expected a name like crm.example.com")));
    }
    Ok(())
}

/// The bytes that never need encoding (RFC 3986, 2.3).
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// The bytes that stand in a URL's path and query as they are (RFC 3986, 3.3 and 3.4), `%` of what is encoded already
/// included.
fn may_stand_in_url(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,;=:@/?%".contains(&byte)
}

fn push_encoded(encoded: &mut String, text: &str, stays: fn(u8) -> bool) {
    for byte in text.bytes() {
        if stays(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string never fails.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_requests_need_them() {
        let check = |url: &str, expected: &str| assert_eq!(Url::parse(url, &[]).unwrap().to_string(), expected);
        check("https://crm.example.com", "https://crm.example.com/");
        check("HTTPS://CRM.Example.com:8443/A?b=C#d", "https://crm.example.com:8443/A?b=C");
        check("http://[::1]:80?q", "http://[::1]:80/?q");
        check("https://a.b/x y/ё%20\"?q=1 2", "https://a.b/x%20y/%D1%91%20%22?q=1%202");
        check("https://a.b#c/d?e", "https://a.b/");
        check("https://a.b/x\r\ny", "https://a.b/x%0D%0Ay");
    }

    #[test]
    fn what_is_no_url_is_told_without_its_secrets() {
        let check = |url: &str, expected: &str| {
            let error = Url::parse(url, &[]).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{url}: {error}");
            assert!(!error.to_string().contains("secret"), "{url}: {error}");
        };
        for url in ["", "crm.example.com/secret", "/secret", "ftp://a/secret", "https:a/secret"] {
            check(url, "a URL without `https://` at its start");
        }
        for url in ["https://", "https:///secret", "https://:443/secret", "https://?secret"] {
            check(url, "a URL without a host");
        }
        check("https://user:secret@a.b/", "a URL with a user or a password");
        check("https://пример.рф/secret", "a URL with the host \"пример.рф\"");
        check("https://a b/secret", "a URL with the host \"a b\"");
        check("https://a.b\\c", "a URL with the host \"a.b\\\\c\"");
    }

    #[test]
    fn pairs_come_after_the_urls_own_query() {
        let check = |url: &str, expected: &str| {
            let pairs = [("q", "a&b=c"), ("ё", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(Url::parse(url, &pairs).unwrap().path_and_query, expected);
        };
        check("https://a.b", "/?q=a%26b%3Dc&%D1%91=");
        check("https://a.b/c?d=e#f", "/c?d=e&q=a%26b%3Dc&%D1%91=");
    }
}
