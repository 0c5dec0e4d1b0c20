//! The admin API: what operators look at, `/v1/admin/…`.
//!
//! Invariants: every path is behind [`AdminAccess`]; nothing here shows a secret; no state changes by GET.

mod access;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};

use super::problem::{Code, Problem};
use crate::host::Inner;

pub use access::AdminAccess;
use access::Denied;

pub(super) fn router(inner: Arc<Inner>) -> Router<Arc<Inner>> {
    Router::new().layer(from_fn_with_state(inner, guard))
}

/// Lets in who may come in.
async fn guard(State(inner): State<Arc<Inner>>, request: Request, next: Next) -> Response {
    match inner.admin.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(denied) => problem(denied).into_response(),
    }
}

fn problem(denied: Denied) -> Problem {
    match denied {
        Denied::Off => Problem::new(Code::Forbidden, "the admin API is switched off: set `admin.token`"),
        Denied::NotLoopback => {
            let detail = "without `admin.token`, the admin API answers requests to a loopback name alone";
            Problem::new(Code::Forbidden, detail)
        }
        Denied::NoToken => Problem::new(Code::Unauthorized, "expected the header `Authorization: Bearer TOKEN`"),
        Denied::WrongToken => Problem::new(Code::Unauthorized, "the token is not that of `admin.token`"),
    }
}
