//! By what a source knows its sender.

use std::{borrow::Cow, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, InvalidHeaderValue},
};
use sha2::Sha256;

use crate::{Received, Refusal, Secret};

/// Where a platform writes its signature: HMAC-SHA256 of the body, as TG-Staff has it.
pub(crate) const SIGNATURE_HEADER: &str = "x-tg-staff-signature";

/// One way in which a sender shows who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A key in the body.
    ApiKey,
    /// A token behind the source's name in the path, or as `Authorization: Bearer`.
    Token,
    /// A secret by which the body is signed.
    HmacSecret,
    /// A header of any name.
    AuthHeader,
}

impl Credential {
    /// Its key in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Token => "token",
            Self::HmacSecret => "hmac_secret",
            Self::AuthHeader => "auth_header",
        }
    }
}

/// What a source's sender has to show: all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// [`Credential::ApiKey`].
    pub api_key: Option<Secret>,
    /// [`Credential::Token`].
    pub token: Option<Secret>,
    /// [`Credential::HmacSecret`].
    pub hmac_secret: Option<Secret>,
    /// [`Credential::AuthHeader`]: its name and its whole value.
    pub auth_header: Option<(HeaderName, Secret)>,
}

/// Why a dialect's sources cannot tell their sender by some credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Whoever knew the address could send.
    #[error("one of them must be set: {}", names(.expected))]
    None {
        /// What it may be.
        expected: &'static [Credential],
    },
    /// The platform has no such thing.
    #[error("{} is not how this dialect's sender is known: expected {}", .unknown.name(), names(.expected))]
    Unknown {
        /// What is set.
        unknown: Credential,
        /// What it may be.
        expected: &'static [Credential],
    },
}

fn names(credentials: &[Credential]) -> String {
    crate::json::one_of(credentials.iter().map(|credential| credential.name()))
}

impl Credentials {
    pub(crate) fn check(&self, known: &'static [Credential]) -> Result<(), CredentialsError> {
        let set: Vec<Credential> = self.set().map(|(credential, _)| credential).collect();
        // A header of the operator's choice can be added by whatever stands in front of any platform.
        let unknown = |credential: &&Credential| !known.contains(credential) && **credential != Credential::AuthHeader;
        if let Some(&unknown) = set.iter().find(unknown) {
            return Err(CredentialsError::Unknown { unknown, expected: known });
        }
        if set.iter().any(|credential| known.contains(credential)) {
            return Ok(());
        }
        Err(CredentialsError::None { expected: known })
    }

    fn set(&self) -> impl Iterator<Item = (Credential, &Secret)> {
        let Self { api_key, token, hmac_secret, auth_header } = self;
        let api_key = api_key.iter().map(|secret| (Credential::ApiKey, secret));
        let token = token.iter().map(|secret| (Credential::Token, secret));
        let hmac_secret = hmac_secret.iter().map(|secret| (Credential::HmacSecret, secret));
        let auth_header = auth_header.iter().map(|(_, secret)| (Credential::AuthHeader, secret));
        api_key.chain(token).chain(hmac_secret).chain(auth_header)
    }

    /// Whether a request carries what stands outside of its body, and is signed.
    pub(crate) fn authenticate(&self, received: &Received<'_>) -> Result<(), Refusal> {
        if let Some((name, secret)) = &self.auth_header {
            authenticate_header(received.headers, name, secret)?;
        }
        self.authenticate_token(received)?;
        match &self.hmac_secret {
            Some(secret) => authenticate_signature(received, secret),
            None => Ok(()),
        }
    }

    /// The path's token goes before the header's.
    fn authenticate_token(&self, received: &Received<'_>) -> Result<(), Refusal> {
        let Some(secret) = &self.token else {
            return match received.path_token {
                None => Ok(()),
                Some(_) => Err(unauthorized("this source takes no token in its path")),
            };
        };
        let bearer = || bearer(received.headers);
        match received.path_token.map(str::as_bytes).or_else(bearer) {
            None => Err(unauthorized(
                "the token is missing: expected this source's behind its name in the path, or as `Authorization: Bearer`",
            )),
            Some(token) if secret.is_bytes(token) => Ok(()),
            Some(_) => Err(unauthorized("the token is not this source's")),
        }
    }

    /// What of a header is the secret itself, where it begins with a scheme: `s3cr3t` of `Bearer s3cr3t`.
    fn behind_scheme(&self) -> Option<Secret> {
        let (_, token) = self.auth_header.as_ref()?.1.expose().split_once(' ')?;
        Secret::new(token.trim()).ok()
    }

    /// Sound JSON without any of them.
    pub fn taken_out_of_json<'j>(&self, json: &'j str) -> Cow<'j, str> {
        let without = |json: Cow<'j, str>, secret: &Secret| match secret.taken_out_of_json(&json) {
            Cow::Borrowed(_) => json,
            Cow::Owned(clean) => clean.into(),
        };
        let json = self.set().fold(json.into(), |json, (_, secret)| without(json, secret));
        self.behind_scheme().iter().fold(json, without)
    }

    /// A text without any of them.
    pub fn taken_out_of(&self, text: &str) -> String {
        let without = |text: String, secret: &Secret| secret.taken_out_of(&text).into_owned();
        let text = self.set().fold(text.into(), |text, (_, secret)| without(text, secret));
        self.behind_scheme().iter().fold(text, without)
    }

    /// The token, where it can only go into the path, since the header that it could be in has another credential.
    pub fn path_token(&self) -> Option<&str> {
        let is_taken = self.auth_header.as_ref().is_some_and(|(name, _)| *name == AUTHORIZATION);
        self.token.as_ref().filter(|_| is_taken).map(Secret::expose)
    }

    /// The headers of a request with this body, as its platform would send it; what goes in the body is
    /// [`Dialect::signed`](crate::Dialect::signed).
    ///
    /// # Errors
    /// If a credential has characters that no header carries.
    pub fn headers(&self, body: &[u8]) -> Result<HeaderMap, InvalidHeaderValue> {
        let mut headers = HeaderMap::new();
        let sensitive = |text: &str| {
            let mut value = HeaderValue::from_str(text)?;
            value.set_sensitive(true);
            Ok::<_, InvalidHeaderValue>(value)
        };
        if let Some(token) = self.token.as_ref().filter(|_| self.path_token().is_none()) {
            headers.insert(AUTHORIZATION, sensitive(&format!("Bearer {}", token.expose()))?);
        }
        if let Some((name, secret)) = &self.auth_header {
            headers.insert(name.clone(), sensitive(secret.expose())?);
        }
        if let Some(secret) = &self.hmac_secret {
            headers.insert(SIGNATURE_HEADER, sensitive(&signature(secret.expose(), body))?);
        }
        Ok(headers)
    }
}

/// The token of `Authorization: Bearer`, in whatever case that is written.
pub fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

fn authenticate_header(headers: &HeaderMap, name: &HeaderName, secret: &Secret) -> Result<(), Refusal> {
    match headers.get(name) {
        None => Err(unauthorized(&format!("the header `{name}` is missing: expected this source's"))),
        Some(value) if secret.is_bytes(value.as_bytes()) => Ok(()),
        Some(_) => Err(unauthorized(&format!("the header `{name}` is not this source's"))),
    }
}

/// Hex, with `sha256=` before it or not, or base64: the document does not say which.
fn authenticate_signature(received: &Received<'_>, secret: &Secret) -> Result<(), Refusal> {
    let Some(written) = received.headers.get(SIGNATURE_HEADER) else {
        return Err(unauthorized(&format!(
            "the header `{SIGNATURE_HEADER}` is missing: expected the body's HMAC-SHA256 by this source's `hmac_secret`"
        )));
    };
    let wrong = || {
        unauthorized(&format!("the header `{SIGNATURE_HEADER}` is not the body's signature by this source's secret"))
    };
    let written = written.to_str().map_err(|_| wrong())?.trim();
    let written = written.strip_prefix("sha256=").unwrap_or(written);
    let signature = from_hex(written).or_else(|| STANDARD.decode(written).ok()).ok_or_else(wrong)?;
    let mac = mac(secret.expose(), received.body).ok_or_else(wrong)?;
    mac.verify_slice(&signature).map_err(|_| wrong())
}

/// The hex of a body's HMAC-SHA256.
pub(crate) fn signature(key: &str, body: &[u8]) -> String {
    let mac = mac(key, body).map(|mac| mac.finalize().into_bytes());
    mac.into_iter().flatten().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(key: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?; // Of any length, so it is always there.
    mac.update(body);
    Some(mac)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some((hex_digit(*high)? << 4) | hex_digit(*low)?),
        _ => None,
    });
    digits.collect()
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn unauthorized(text: &str) -> Refusal {
    Refusal::Unauthorized(text.into())
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
