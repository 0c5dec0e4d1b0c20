//! `/v1/admin/webhooks`: the webhooks of the configuration, how they stand, and what is done with them.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
};
use utoipa::IntoParams;

use super::{
    openapi::{Changing, Refused},
    parameters::{NoParameters, Parameters},
    unreadable, unwritable,
    wire::{Nothing, Tested, WebhookList},
};
use crate::{
    Host, Test, WebhookActionError,
    host::Inner,
    web::problem::{Code, MEDIA_TYPE, Problem},
};

/// What a webhook is sent to show that it is there.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it says what the parameter is; `test` reads it")]
pub(super) struct TestParameters {
    /// A ping, with nothing in it, instead of a test event.
    #[param(default = false)]
    ping: Option<bool>,
}

/// The webhooks, by tenant, and of each in the order of the configuration
#[utoipa::path(
    get,
    path = "/v1/admin/webhooks",
    operation_id = "list_webhooks",
    tag = "webhooks",
    responses((status = 200, description = "all of them", body = WebhookList), Refused),
    security(("token" = [])),
)]
pub(super) async fn list(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
) -> Result<Json<WebhookList>, Problem> {
    Parameters::read::<NoParameters>(query.as_deref())?;
    let states = Host { inner: inner.clone() }.webhook_states().await;
    Ok(Json(states.map_err(|error| unreadable(&inner, &error))?.into_iter().collect()))
}

/// Have a webhook wait
///
/// Events for it are accepted, and wait until it is resumed. Commands that it answers still go to it.
#[utoipa::path(
    post,
    path = "/v1/admin/webhooks/{tenant}/{name}/pause",
    operation_id = "pause_webhook",
    tag = "webhooks",
    params(
        ("tenant" = String, Path, description = "whose events it gets", example = "default"),
        ("name" = String, Path, description = "what it is called", example = "crm"),
    ),
    request_body(content = Nothing, description = "nothing: it is not read, and may be left out; its type must be there"),
    responses(
        (status = 200, description = "it waits", body = Nothing),
        (status = 404, description = "there is no such webhook", body = Problem, content_type = MEDIA_TYPE),
        Changing,
        Refused,
    ),
    security(("token" = [])),
)]
pub(super) async fn pause(
    State(inner): State<Arc<Inner>>,
    names: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<Nothing>, Problem> {
    Parameters::read::<NoParameters>(query.as_deref())?;
    let Path((tenant, name)) = names.map_err(|_| no_name())?;
    let paused = Host { inner: inner.clone() }.pause_webhook(&tenant, &name).await;
    paused.map(|()| Json(Nothing {})).map_err(|error| problem(&inner, error))
}

/// Have a webhook go on that is paused or disabled
///
/// As if it had never failed: what waits is attempted at once.
#[utoipa::path(
    post,
    path = "/v1/admin/webhooks/{tenant}/{name}/resume",
    operation_id = "resume_webhook",
    tag = "webhooks",
    params(
        ("tenant" = String, Path, description = "whose events it gets", example = "default"),
        ("name" = String, Path, description = "what it is called", example = "crm"),
    ),
    request_body(content = Nothing, description = "nothing: it is not read, and may be left out; its type must be there"),
    responses(
        (status = 200, description = "it goes on", body = Nothing),
        (status = 404, description = "there is no such webhook", body = Problem, content_type = MEDIA_TYPE),
        Changing,
        Refused,
    ),
    security(("token" = [])),
)]
pub(super) async fn resume(
    State(inner): State<Arc<Inner>>,
    names: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<Nothing>, Problem> {
    Parameters::read::<NoParameters>(query.as_deref())?;
    let Path((tenant, name)) = names.map_err(|_| no_name())?;
    let resumed = Host { inner: inner.clone() }.resume_webhook(&tenant, &name).await;
    resumed.map(|()| Json(Nothing {})).map_err(|error| problem(&inner, error))
}

/// Send a test event or a ping to a webhook, once
///
/// Also to one that is paused or disabled. Nothing of it is kept.
#[utoipa::path(
    post,
    path = "/v1/admin/webhooks/{tenant}/{name}/test",
    operation_id = "test_webhook",
    tag = "webhooks",
    params(
        ("tenant" = String, Path, description = "whose events it gets", example = "default"),
        ("name" = String, Path, description = "what it is called", example = "crm"),
        TestParameters,
    ),
    request_body(content = Nothing, description = "nothing: it is not read, and may be left out; its type must be there"),
    responses(
        (status = 200, description = "it was sent; what the webhook said", body = Tested),
        (status = 404, description = "there is no such webhook", body = Problem, content_type = MEDIA_TYPE),
        Changing,
        Refused,
    ),
    security(("token" = [])),
)]
pub(super) async fn test(
    State(inner): State<Arc<Inner>>,
    names: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<Tested>, Problem> {
    let parameters = Parameters::read::<TestParameters>(query.as_deref())?;
    let ping = parameters.parsed("ping", "true or false", |ping| ping.parse().ok())?.unwrap_or(false);
    let Path((tenant, name)) = names.map_err(|_| no_name())?;
    let test = if ping { Test::Ping } else { Test::Event };
    let tested = Host { inner: inner.clone() }.test_webhook(&tenant, &name, test).await;
    tested.map(|tested| Json(tested.into())).map_err(|error| problem(&inner, error))
}

fn no_name() -> Problem {
    Problem::new(Code::UnknownWebhook, "the webhook's name is no UTF-8")
}

fn problem(inner: &Inner, error: WebhookActionError) -> Problem {
    match error {
        WebhookActionError::Unknown { .. } => Problem::new(Code::UnknownWebhook, error.to_string()),
        WebhookActionError::Write(error) => unwritable(inner, &error),
    }
}
