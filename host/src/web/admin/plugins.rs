//! `/v1/admin/plugins`: the plugins of the folder, and how they stand.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
};
use slashbox_core::{PluginId, near};

use super::{
    Refused,
    parameters::{NoParameters, Parameters, quoted},
    unreadable,
    wire::{PluginDetail, PluginList},
};
use crate::{
    host::Inner,
    web::problem::{Code, MEDIA_TYPE, Problem},
};

/// The plugins, shared ones first, and what is odd about the folder
#[utoipa::path(
    get,
    path = "/v1/admin/plugins",
    operation_id = "list_plugins",
    tag = "plugins",
    responses((status = 200, description = "all of them", body = PluginList), Refused),
    security(("token" = [])),
)]
pub(super) async fn list(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
) -> Result<Json<PluginList>, Problem> {
    Parameters::read::<NoParameters>(query.as_deref())?;
    let catalog = inner.runtime.catalog();
    Ok(Json(PluginList::new(&catalog, &inner.warnings)))
}

/// A plugin that serves every tenant
#[utoipa::path(
    get,
    path = "/v1/admin/plugins/{name}",
    operation_id = "show_plugin",
    tag = "plugins",
    params(("name" = String, Path, description = "its file's name without `.wasm`", example = "mark")),
    responses(
        (status = 200, description = "the plugin", body = PluginDetail),
        (status = 404, description = "there is no such plugin", body = Problem, content_type = MEDIA_TYPE),
        Refused,
    ),
    security(("token" = [])),
)]
pub(super) async fn show(
    State(inner): State<Arc<Inner>>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<PluginDetail>, Problem> {
    Parameters::read::<NoParameters>(query.as_deref())?;
    let name = name.map(|Path(name)| PluginId::shared(&name));
    plugin(&inner, &name.unwrap_or_else(|_| PluginId::shared("\u{fffd}"))).await
}

/// A tenant's own plugin
#[utoipa::path(
    get,
    path = "/v1/admin/plugins/{tenant}/{name}",
    operation_id = "show_plugin_of_tenant",
    tag = "plugins",
    params(
        ("tenant" = String, Path, description = "whose it is", example = "acme"),
        ("name" = String, Path, description = "its file's name without `.wasm`", example = "mark"),
    ),
    responses(
        (status = 200, description = "the plugin", body = PluginDetail),
        (status = 404, description = "there is no such plugin", body = Problem, content_type = MEDIA_TYPE),
        Refused,
    ),
    security(("token" = [])),
)]
pub(super) async fn show_of_tenant(
    State(inner): State<Arc<Inner>>,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<PluginDetail>, Problem> {
    Parameters::read::<NoParameters>(query.as_deref())?;
    let id = path.map(|Path((tenant, name))| PluginId::of_tenant(&tenant, &name));
    plugin(&inner, &id.unwrap_or_else(|_| PluginId::shared("\u{fffd}"))).await
}

async fn plugin(inner: &Inner, id: &PluginId) -> Result<Json<PluginDetail>, Problem> {
    let catalog = inner.runtime.catalog();
    let known = catalog.standings().find(|(known, _)| *known == id);
    let (id, standing) = known.ok_or_else(|| unknown(id, catalog.standings().map(|(known, _)| known)))?;
    let usages = inner.store.reader().usages(Some(&id.stem)).await;
    let usages = usages.map_err(|error| unreadable(inner, &error))?;
    Ok(Json(PluginDetail::new(&catalog, &inner.warnings, (id, standing), &usages)))
}

/// Says which are near to it: a name is typed more often than not.
fn unknown<'p>(id: &PluginId, known: impl Iterator<Item = &'p PluginId>) -> Problem {
    let (id, known): (_, Vec<String>) = (id.to_string(), known.map(ToString::to_string).collect());
    let near = match near(&id, known.iter().map(String::as_str)).first() {
        Some(near) => format!(": did you mean {near}?"),
        None => String::new(),
    };
    Problem::new(Code::UnknownPlugin, format!("there is no plugin {}{near}", quoted(&id)))
}
