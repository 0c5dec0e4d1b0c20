//! Errors of routes that belong to no dialect: `application/problem+json`, RFC 9457.
//!
//! Invariant: what went wrong is one [`Code`] of a closed list; programs go by it, people read the `detail`.

use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of a problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong: the closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(dead_code, reason = "some of them only the native dialect writes, which a test holds against this")]
pub(crate) enum Code {
    /// The configuration has a mistake, or cannot be served by the host as it runs. The one before stays in force.
    BadConfiguration,
    /// A parameter is unknown, there twice, or has a value that it cannot have.
    BadParameter,
    /// The admin API is not open to this request, whatever token it has.
    Forbidden,
    /// A body is not what the path, or the source's dialect, takes.
    Malformed,
    /// The path is served, but not with this method.
    MethodNotAllowed,
    /// Nothing is served at this path.
    NotFound,
    /// This host has no configuration that could be read again: the program that it is part of has to change it.
    NotReloadable,
    /// A body, or an event in it, has more bytes than the host takes.
    TooLarge,
    /// The token is missing or wrong.
    Unauthorized,
    /// What is needed for the answer cannot be read now, or the host is shutting down.
    Unavailable,
    /// Nobody answers this command.
    UnknownCommand,
    /// There is no such delivery, or none any more.
    UnknownDelivery,
    /// There is no such event, or none any more.
    UnknownEvent,
    /// There is no such plugin: no file of that name.
    UnknownPlugin,
    /// There is no such source.
    UnknownSource,
    /// There is no such webhook.
    UnknownWebhook,
    /// A request that changes something has no `content-type: application/json`.
    UnsupportedMediaType,
}

/// An error as it goes out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The code in words.
    title: &'static str,
    /// The response's status.
    status: u16,
    /// What went wrong, for programs.
    code: Code,
    /// What went wrong here, for people.
    detail: String,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let (status, title) = match code {
            Code::BadParameter => (StatusCode::BAD_REQUEST, "bad parameter"),
            Code::Malformed => (StatusCode::BAD_REQUEST, "malformed"),
            Code::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too large"),
            Code::UnknownCommand => (StatusCode::NOT_FOUND, "unknown command"),
            Code::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Code::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Code::NotFound => (StatusCode::NOT_FOUND, "not found"),
            Code::UnknownDelivery => (StatusCode::NOT_FOUND, "unknown delivery"),
            Code::UnknownEvent => (StatusCode::NOT_FOUND, "unknown event"),
            Code::UnknownPlugin => (StatusCode::NOT_FOUND, "unknown plugin"),
            Code::UnknownWebhook => (StatusCode::NOT_FOUND, "unknown webhook"),
            Code::UnknownSource => (StatusCode::NOT_FOUND, "unknown source"),
            Code::NotReloadable => (StatusCode::CONFLICT, "not reloadable"),
            Code::BadConfiguration => (StatusCode::UNPROCESSABLE_ENTITY, "bad configuration"),
            Code::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported media type"),
            Code::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method not allowed"),
            Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        Self { title, status: status.as_u16(), code, detail: detail.into() }
    }

    #[cfg(test)]
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).unwrap_or_default(); // It has nothing that JSON lacks.
        let mut response = (status, [(CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110, 15.5.2: a 401 says what would open the door.
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use slashbox_dialects::{Dialect, Refusal, ReplyStyle};

    use super::*;

    /// The native dialect's refusals are problems as all others.
    #[test]
    fn the_native_dialects_refusals_are_of_the_list() {
        let refusals = [
            (Refusal::Malformed("no".into()), Code::Malformed),
            (Refusal::Unauthorized("no".into()), Code::Unauthorized),
            (Refusal::TooLarge { bytes_max: 1 }, Code::TooLarge),
            (Refusal::EventTooLarge { at: Some(3), bytes: 300_000 }, Code::TooLarge),
            (Refusal::TooMany { events: 2_000 }, Code::TooLarge),
            (Refusal::UnknownCommand("no".into()), Code::UnknownCommand),
            (Refusal::Unavailable("no".into()), Code::Unavailable),
        ];
        for (refusal, code) in refusals {
            let answer = Dialect::NATIVE.refuse(&refusal, ReplyStyle::Json);
            let problem = Problem::new(code, refusal.to_string());
            assert_eq!((answer.status, answer.content_type), (problem.status, Some(MEDIA_TYPE)));
            let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(value(&answer.body), value(&serde_json::to_string(&problem).unwrap()));
        }
    }
}
