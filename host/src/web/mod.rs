//! The host's routes.
//!
//! Invariants: a source's own endpoint answers everything, errors too, as its dialect wants it; all others answer errors
//! as `application/problem+json` with a code of one closed list.

mod ingest;
mod problem;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    routing::{get, post},
};

use crate::host::Inner;
use problem::{Code, Problem};

/// The most bytes of a request's body: no platform sends a tenth of it.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

pub(crate) fn router(inner: Arc<Inner>) -> Router {
    let post_only = || async { Problem::new(Code::MethodNotAllowed, "a source takes POST alone") };
    Router::new()
        .route("/in/{source}", post(ingest::command).fallback(post_only))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .fallback(|| async { Problem::new(Code::NotFound, "nothing is served at this path") })
        .with_state(inner)
}

/// Ready until it shuts down: who gets a host at all gets one whose plugins are loaded.
async fn ready(State(inner): State<Arc<Inner>>) -> (StatusCode, &'static str) {
    if inner.tasks.is_closed() {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}
