//! `/v1/admin/deliveries/replay` and `/v1/admin/deliveries/{id}/replay`: deliveries, made once more.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
};
use slashbox_core::{DeliveryState, PrivateUrl, SubscriberKind as Kind};
use utoipa::{IntoParams, ToSchema};

use super::{
    deliveries::{event_seq, filter, key_of, unknown},
    openapi::{Changing, Refused},
    parameters::Parameters,
    unreadable, unwritable,
    wire::{Nothing, ReplayPage, SubscriberKind},
};
use crate::{
    Host, Replay, ReplayError, ReplayTo,
    host::Inner,
    web::problem::{Code, MEDIA_TYPE, Problem},
};

/// Which deliveries to make once more, and to whom; all that are given have to fit.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it says what the parameters are; `asked` reads them")]
pub(super) struct ReplayParameters {
    /// Of this tenant.
    tenant: Option<String>,
    /// To subscribers of this sort.
    #[param(inline)]
    subscriber: Option<SubscriberKind>,
    /// To the subscriber of this name: the stem of a plugin's file, or a webhook's name.
    name: Option<String>,
    /// In this state.
    #[param(inline, default = "dead")]
    state: Option<Closed>,
    /// Of the event with this id.
    event: Option<String>,
    /// Of events of this canonical kind.
    kind: Option<String>,
    /// Of events accepted at this time or later (RFC 3339).
    since: Option<String>,
    /// Of events accepted before this time (RFC 3339).
    until: Option<String>,
    /// To this webhook of the tenant, instead of to whom they were made.
    to_webhook: Option<String>,
    /// To this plugin, by its file's stem, instead of to whom they were made.
    to_plugin: Option<String>,
    /// To this URL, instead of their webhook's: in its format, signed as for it; without its headers and its key if that is
    /// another host.
    to_url: Option<String>,
    /// Whether to tell only how many that would be.
    #[param(default = false)]
    dry_run: Option<bool>,
    /// Where to go on: `next` of the answer before.
    after: Option<String>,
}

/// The states of what can be made once more.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "it says which there are; `many` reads them")]
enum Closed {
    Dead,
    Succeeded,
}

/// To whom a delivery is made once more.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it says what the parameters are; `to` reads them")]
pub(super) struct ToParameters {
    /// To this webhook of the same tenant, instead of to whom it was made.
    to_webhook: Option<String>,
    /// To this plugin, by its file's stem, instead of to whom it was made.
    to_plugin: Option<String>,
    /// To this URL, instead of its webhook's: in its format, signed as for it; without its headers and its key if that is
    /// another host.
    to_url: Option<String>,
}

/// Make many deliveries once more, the oldest first
///
/// At most 500 at a time: ask again with `after`, until `next` is `null`. `webhook-replay: true` tells receivers; the id is
/// the one that they know. Deliveries of a conversation keep their order.
#[utoipa::path(
    post,
    path = "/v1/admin/deliveries/replay",
    operation_id = "replay_deliveries",
    tag = "deliveries",
    params(ReplayParameters),
    request_body(content = Nothing, description = "nothing: it is not read, and may be left out; its type must be there"),
    responses(
        (status = 200, description = "what became of them", body = ReplayPage),
        (status = 404, description = "there is no such event, webhook or plugin", body = Problem, content_type = MEDIA_TYPE),
        Changing,
        Refused,
    ),
    security(("token" = [])),
)]
pub(super) async fn many(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
) -> Result<Json<ReplayPage>, Problem> {
    let parameters = Parameters::read::<ReplayParameters>(query.as_deref())?;
    let mut filter = filter(&parameters, &[DeliveryState::Dead, DeliveryState::Succeeded])?;
    if let Some(id) = parameters.text("event") {
        filter.event = Some(event_seq(&inner, &id).await?);
    }
    let after = parameters.parsed("after", "`next` of the answer before", |cursor| cursor.parse().ok())?;
    let dry_run = parameters.parsed("dry_run", "true or false", |dry_run| dry_run.parse().ok())?.unwrap_or(false);
    let replay = Replay { filter, to: to(&parameters)?, dry_run, after };
    let page = Host { inner: inner.clone() }.replay(&replay).await;
    page.map(|page| Json(page.into())).map_err(|error| problem(&inner, error))
}

/// Make one delivery once more
///
/// A delivery that is open is left as it is: it arrives by itself.
#[utoipa::path(
    post,
    path = "/v1/admin/deliveries/{id}/replay",
    operation_id = "replay_delivery",
    tag = "deliveries",
    params(("id" = String, Path, description = "the delivery's id", example = "1042-3"), ToParameters),
    request_body(content = Nothing, description = "nothing: it is not read, and may be left out; its type must be there"),
    responses(
        (status = 200, description = "what became of it: one of the counts is 1", body = ReplayPage),
        (status = 404, description = "there is no such delivery, webhook or plugin", body = Problem, content_type = MEDIA_TYPE),
        Changing,
        Refused,
    ),
    security(("token" = [])),
)]
pub(super) async fn one(
    State(inner): State<Arc<Inner>>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<ReplayPage>, Problem> {
    let parameters = Parameters::read::<ToParameters>(query.as_deref())?;
    let Path(id) = id.map_err(|_| unknown("\u{fffd}"))?;
    let key = key_of(&id)?;
    let replayed = Host { inner: inner.clone() }.replay_one(key, to(&parameters)?).await;
    match replayed {
        Ok(Some(page)) => Ok(Json(page.into())),
        Ok(None) => Err(unknown(&id)),
        Err(error) => Err(problem(&inner, error)),
    }
}

fn to(parameters: &Parameters) -> Result<ReplayTo, Problem> {
    let given = [
        parameters.text("to_webhook").map(ReplayTo::Webhook),
        parameters.text("to_plugin").map(ReplayTo::Plugin),
        parameters.text("to_url").map(|url| ReplayTo::Url(PrivateUrl::new(url))),
    ];
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (to, None) => Ok(to.unwrap_or_default()),
        (_, Some(_)) => {
            let detail = "`to_webhook`, `to_plugin` and `to_url` exclude each other: expected one of them";
            Err(Problem::new(Code::BadParameter, detail))
        }
    }
}

fn problem(inner: &Inner, error: ReplayError) -> Problem {
    match error {
        ReplayError::Read(error) => unreadable(inner, &error),
        ReplayError::Write(error) => unwritable(inner, &error),
        ReplayError::NoSubscriber { kind: Kind::Webhook, .. } => Problem::new(Code::UnknownWebhook, error.to_string()),
        ReplayError::NoSubscriber { kind: Kind::Plugin, .. } => Problem::new(Code::UnknownPlugin, error.to_string()),
        error @ (ReplayError::State(_) | ReplayError::NoTenant | ReplayError::PluginToUrl | ReplayError::Url(_)) => {
            Problem::new(Code::BadParameter, error.to_string())
        }
    }
}
