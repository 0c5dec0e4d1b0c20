//! The admin API: what operators look at and change, `/v1/admin/…`, and its description, `/openapi.json`.
//!
//! Invariants: every path of the API is behind [`AdminAccess`]; nothing here shows a secret; no state changes by GET, nor by
//! what a page of somebody else's can have a browser send; no answer is kept by a cache.

mod access;
mod deliveries;
mod events;
mod openapi;
mod parameters;
mod plugins;
mod reload;
mod replays;
mod webhooks;
mod wire;

use std::{error::Error, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{
        HeaderValue,
        header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    },
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use slashbox_store::{ReadError, WriteError};
use tracing::error;

use super::problem::{Code, Problem};
use crate::{host::Inner, telemetry::ADMIN};

pub use access::AdminAccess;
use access::Denied;
use openapi::Refused;
pub use wire::version_json;

pub(super) fn router(inner: Arc<Inner>) -> Router<Arc<Inner>> {
    let (routes, mut document) = openapi::described();
    let (native, of_native) = super::native::described().split_for_parts();
    document.merge(of_native);
    let document = Bytes::from(document.to_pretty_json().unwrap_or_default()); // It has nothing that JSON lacks.
    let description = get(move || async { ([(CONTENT_TYPE, "application/json")], document) });
    routes.route_layer(from_fn_with_state(inner, guard)).merge(native).route("/openapi.json", description)
}

/// Lets in who may come in.
async fn guard(State(inner): State<Arc<Inner>>, request: Request, next: Next) -> Response {
    let (method, headers) = (request.method(), request.headers());
    let admitted = inner.admin.check(request.uri(), headers).and_then(|()| access::check_change(method, headers));
    let mut response = match admitted {
        Ok(()) => next.run(request).await,
        Err(denied) => problem(denied).into_response(),
    };
    // People's messages are in it.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn problem(denied: Denied) -> Problem {
    match denied {
        Denied::Off => Problem::new(Code::Forbidden, "the admin API is switched off: set `admin.token`"),
        Denied::NotLoopback => {
            let detail = "without `admin.token`, the admin API answers requests to a loopback name alone";
            Problem::new(Code::Forbidden, detail)
        }
        Denied::NoToken => Problem::new(Code::Unauthorized, "expected the header `Authorization: Bearer TOKEN`"),
        Denied::NotJson => {
            let detail = "expected the header `content-type: application/json`, with or without a body";
            Problem::new(Code::UnsupportedMediaType, detail)
        }
        Denied::WrongToken => Problem::new(Code::Unauthorized, "the token is not that of `admin.token`"),
    }
}

/// What a client is told when the store cannot be written; the log says more, unless that was to be expected.
fn unwritable(inner: &Inner, error: &WriteError) -> Problem {
    if inner.tasks.is_closed() {
        return Problem::new(Code::Unavailable, "slashbox is shutting down");
    }
    let error: &dyn Error = error;
    error!(target: ADMIN, error, "the store cannot be written");
    Problem::new(Code::Unavailable, "the store cannot be written now: the log says why")
}

/// What a client is told when the store cannot be read; the log says more, unless that was to be expected.
fn unreadable(inner: &Inner, error: &ReadError) -> Problem {
    if inner.tasks.is_closed() {
        return Problem::new(Code::Unavailable, "slashbox is shutting down");
    }
    let error: &dyn Error = error;
    error!(target: ADMIN, error, "the store cannot be read");
    Problem::new(Code::Unavailable, "the store cannot be read now: the log says why")
}
