//! `/v1/admin/reload`: the configuration, read again.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
};

use super::{
    openapi::{Changing, Refused},
    parameters::{NoParameters, Parameters},
    wire::{Nothing, Reloaded},
};
use crate::{
    Host, ReloadError,
    host::Inner,
    web::problem::{Code, MEDIA_TYPE, Problem},
};

/// Read sources and webhooks of the configuration again
///
/// All of it is taken, or nothing. Requests under way end with what they began with; pending deliveries follow the name of
/// their webhook. The other keys take effect after a restart.
#[utoipa::path(
    post,
    path = "/v1/admin/reload",
    operation_id = "reload",
    tag = "configuration",
    request_body(content = Nothing, description = "nothing: it is not read, and may be left out; its type must be there"),
    responses(
        (status = 200, description = "it is in force; what has changed", body = Reloaded),
        (
            status = 409,
            description = "this host has no configuration that could be read again",
            body = Problem,
            content_type = MEDIA_TYPE
        ),
        (
            status = 422,
            description = "it has a mistake; the one before stays in force",
            body = Problem,
            content_type = MEDIA_TYPE
        ),
        Changing,
        Refused,
    ),
    security(("token" = [])),
)]
pub(super) async fn reload(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Reloaded>, Problem> {
    Parameters::read::<NoParameters>(query.as_deref())?;
    let reloaded = Host { inner }.reload().await;
    reloaded.map(|reloaded| Json(reloaded.into())).map_err(|error| Problem::new(code(&error), error.to_string()))
}

fn code(error: &ReloadError) -> Code {
    match error {
        ReloadError::NoConfiguration => Code::NotReloadable,
        ReloadError::Read(_) | ReloadError::Configuration { .. } => Code::BadConfiguration,
        ReloadError::ShuttingDown | ReloadError::Failed => Code::Unavailable,
    }
}
