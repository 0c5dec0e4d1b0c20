//! Errors of routes that belong to no dialect: `application/problem+json`, RFC 9457.

use axum::{
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// What went wrong: the closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Code {
    Forbidden,
    MethodNotAllowed,
    NotFound,
    Unauthorized,
    UnknownSource,
}

/// An error as it goes out.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    title: &'static str,
    status: u16,
    code: Code,
    detail: String,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let (status, title) = match code {
            Code::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            Code::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Code::NotFound => (StatusCode::NOT_FOUND, "not found"),
            Code::UnknownSource => (StatusCode::NOT_FOUND, "unknown source"),
            Code::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method not allowed"),
        };
        Self { title, status: status.as_u16(), code, detail: detail.into() }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).unwrap_or_default(); // It has nothing that JSON lacks.
        (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}
