//! `/v1/admin/webhooks`: the webhooks of the configuration.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
};

use super::{
    Refused,
    parameters::{NoParameters, Parameters},
    wire::WebhookList,
};
use crate::{host::Inner, web::problem::Problem};

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
    Ok(Json(inner.configured.load().remotes.infos().into_iter().collect()))
}
