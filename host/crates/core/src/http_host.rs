//! Hosts that plugins ask for and operators grant.

use std::{fmt, str::FromStr};

/// One or more hosts that a plugin may reach: `crm.example.com`, `*.example.com` (whatever is below it), `HOST:PORT`, or
/// `*`, any at all: what a plugin asks for whose hosts are its operator's to name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpHost {
    /// In lower case, without the star; empty for any host.
    name: String,
    /// Whether it means what is below the name, and not the name itself.
    below: bool,
    /// None for the scheme's own.
    port: Option<u16>,
}

/// A text that names no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?}: expected HOST, *.HOST or HOST:PORT, such as \"crm.example.com\"")]
pub struct HttpHostError(pub String);

impl HttpHost {
    /// Whether it names any host at all.
    pub fn is_any(&self) -> bool {
        self.name.is_empty()
    }

    /// Whether a request goes where this names. `host` is in lower case; `own_port` is that of the request's scheme.
    pub fn covers(&self, host: &str, port: u16, own_port: u16) -> bool {
        if self.is_any() {
            return true;
        }
        self.port.unwrap_or(own_port) == port && if self.below { is_below(host, &self.name) } else { host == self.name }
    }

    /// Whether it names all that another does.
    pub fn covers_all_of(&self, other: &Self) -> bool {
        if self.is_any() || other.is_any() {
            return self.is_any();
        }
        let name = match (self.below, other.below) {
            (true, true) => other.name == self.name || is_below(&other.name, &self.name),
            (true, false) => is_below(&other.name, &self.name),
            (false, true) => false,
            (false, false) => other.name == self.name,
        };
        name && self.port == other.port
    }
}

fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name).and_then(|rest| rest.strip_suffix('.')).is_some_and(|rest| !rest.is_empty())
}

impl FromStr for HttpHost {
    type Err = HttpHostError;

    fn from_str(text: &str) -> Result<Self, HttpHostError> {
        if text == "*" {
            return Ok(Self { name: String::new(), below: true, port: None });
        }
        let wrong = || HttpHostError(text.chars().take(300).collect());
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok().filter(|&port: &u16| port != 0).ok_or_else(wrong)?)),
            None => (text, None),
        };
        let (name, below) = name.strip_prefix("*.").map_or((name, false), |name| (name, true));
        let label = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if name.len() > 253 || !name.split('.').all(label) {
            return Err(wrong());
        }
        Ok(Self { name: name.to_ascii_lowercase(), below, port })
    }
}

impl fmt::Display for HttpHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_any() {
            return f.write_str("*");
        }
        let star = if self.below { "*." } else { "" };
        write!(f, "{star}{}", self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> HttpHost {
        text.parse().unwrap()
    }

    #[test]
    fn texts() {
        for text in ["*", "example.com", "*.example.com", "pay.example.com:8443", "localhost", "10.0.0.1:80", "x-1.y"] {
            assert_eq!(host(text).to_string(), text);
        }
        assert_eq!(host("CRM.Example.com").to_string(), "crm.example.com");
        let long = "a.".repeat(127) + "a";
        for text in [
            "",
            "**",
            "*.",
            ".a",
            "a.",
            "a..b",
            "a b",
            "https://a",
            "a/b",
            "a:0",
            "a:",
            "a:65536",
            "[::1]",
            "a.*.b",
            &long,
        ] {
            assert!(text.parse::<HttpHost>().is_err(), "{text}");
        }
    }

    #[test]
    fn requests() {
        let check = |pattern: &str, host_port: (&str, u16), expected: bool| {
            assert_eq!(host(pattern).covers(host_port.0, host_port.1, 443), expected, "{pattern} {host_port:?}");
        };
        check("example.com", ("example.com", 443), true);
        check("example.com", ("example.com", 8443), false);
        check("example.com", ("api.example.com", 443), false);
        check("example.com:8443", ("example.com", 8443), true);
        check("example.com:8443", ("example.com", 443), false);
        check("*.example.com", ("api.example.com", 443), true);
        check("*.example.com", ("a.b.example.com", 443), true);
        check("*.example.com", ("example.com", 443), false);
        check("*.example.com", ("badexample.com", 443), false);
        check("*.example.com", (".example.com", 443), false);
        check("*", ("example.com", 8443), true);
    }

    #[test]
    fn patterns_of_patterns() {
        let check = |granted: &str, asked: &str, expected: bool| {
            assert_eq!(host(granted).covers_all_of(&host(asked)), expected, "{granted} {asked}");
        };
        check("a.example", "a.example", true);
        check("*.example", "a.example", true);
        check("*.example", "*.example", true);
        check("*.example", "*.a.example", true);
        check("*.a.example", "*.example", false);
        check("a.example", "*.a.example", false);
        check("a.example", "a.example:8443", false);
        check("*.example:8443", "a.example:8443", true);
        check("*.example", "*", false);
        check("*", "*.example:8443", true);
    }
}
