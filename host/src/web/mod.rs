//! The host's routes.
//!
//! Invariants: a source's own endpoint answers everything, errors too, as its dialect wants it; all others answer errors
//! as `application/problem+json` with a code of one closed list.

mod admin;
mod ingest;
mod native;
mod problem;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{Method, StatusCode},
    routing::{get, post},
};

use crate::host::Inner;
use problem::{Code, Problem};

pub use admin::{AdminAccess, version_json};

/// The most bytes of a request's body: no platform sends a tenth of it.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How long a sender may take for a request's body: a platform's is there at once.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn router(inner: Arc<Inner>) -> Router {
    Router::new()
        .route("/in/{source}", post(ingest::take))
        .route("/in/{source}/{token}", post(ingest::take))
        .merge(admin::router(inner.clone()))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .method_not_allowed_fallback(|method: Method| async move {
            Problem::new(Code::MethodNotAllowed, format!("{method} is not taken at this path"))
        })
        .fallback(|| async { nothing_here() })
        .with_state(inner)
}

fn nothing_here() -> Problem {
    Problem::new(Code::NotFound, "nothing is served at this path")
}

/// Ready until it shuts down: who gets a host at all gets one whose plugins are loaded.
async fn ready(State(inner): State<Arc<Inner>>) -> (StatusCode, &'static str) {
    if inner.tasks.is_closed() {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}
