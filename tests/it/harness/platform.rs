//! The platforms' sides, each with a source of its own: sends bodies as they would.

use reqwest::header::HeaderMap;
use slashbox::{Credentials, Dialect, Secret};

use super::{Answer, Server, Site};

/// What each source knows its platform by: a key, a token or a secret, whichever its dialect has.
pub(crate) const SECRET: &str = "Zx9TheSourcesOwnSecret";

/// A platform that sends to a source, which is called as its dialect.
#[derive(Clone, Debug)]
pub(crate) struct Platform {
    pub(crate) dialect: Dialect,
    credentials: Credentials,
}

impl Platform {
    /// Each of them, with a source at the site.
    pub(crate) fn all(site: &Site) -> Vec<Self> {
        Dialect::ALL.iter().map(|&dialect| Self::add(site, dialect)).collect()
    }

    /// One of them, with a source at the site.
    pub(crate) fn add(site: &Site, dialect: Dialect) -> Self {
        // What a dialect names first is its usual one.
        let credential = dialect.credentials()[0].name();
        let secret = Some(Secret::new(SECRET).unwrap());
        let mut credentials = Credentials::default();
        match credential {
            "api_key" => credentials.api_key = secret,
            "token" => credentials.token = secret,
            "hmac_secret" => credentials.hmac_secret = secret,
            other => panic!("{other}"),
        }
        site.configure(&format!(
            "[[sources]]\nname = \"{dialect}\"\ndialect = \"{dialect}\"\n{credential} = {SECRET:?}"
        ));
        Self { dialect, credentials }
    }

    /// The name of its source.
    pub(crate) fn source(&self) -> &'static str {
        self.dialect.name()
    }

    /// A request with this body, as it would send it.
    pub(crate) fn signed(&self, body: &str) -> (HeaderMap, String) {
        let body = self.dialect.signed(body.into(), &self.credentials);
        (self.credentials.headers(body.as_bytes()).unwrap(), body)
    }

    /// Sends a body as it would, with its credentials.
    pub(crate) async fn sends(&self, server: &Server, body: &str) -> Answer {
        let (headers, body) = self.signed(body);
        server.posts_with(&format!("/in/{}", self.source()), headers, body).await
    }

    /// Sends these bytes, with the credentials that are outside of them.
    pub(crate) async fn sends_bytes(&self, server: &Server, body: &[u8]) -> Answer {
        let headers = self.credentials.headers(body).unwrap();
        server.posts_with(&format!("/in/{}", self.source()), headers, body.to_vec()).await
    }
}
