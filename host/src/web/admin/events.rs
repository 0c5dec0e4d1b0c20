//! `/v1/admin/events`: what came in.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
};
use slashbox_store::EventFilter;
use utoipa::IntoParams;

use super::{
    Refused,
    parameters::{NoParameters, Parameters, quoted},
    unreadable,
    wire::{EventDetail, EventPage},
};
use crate::{
    host::Inner,
    web::problem::{Code, MEDIA_TYPE, Problem},
};

/// What narrows a list of events; all that are given have to fit.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it says what the parameters are; `asked` reads them")]
pub(super) struct EventParameters {
    /// Of this tenant.
    tenant: Option<String>,
    /// From this source.
    source: Option<String>,
    /// Of this canonical kind, e.g. `message.sent`; of a command, its name with the slash.
    kind: Option<String>,
    /// Of this conversation.
    conversation: Option<String>,
    /// The most items to answer with.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    before: Option<String>,
}

/// A page of events, as it is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    filter: EventFilter,
    before: Option<u64>,
    limit: u32,
}

/// The events, newest first
#[utoipa::path(
    get,
    path = "/v1/admin/events",
    operation_id = "list_events",
    tag = "events",
    params(EventParameters),
    responses((status = 200, description = "a page of them", body = EventPage), Refused),
    security(("token" = [])),
)]
pub(super) async fn list(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
) -> Result<Json<EventPage>, Problem> {
    let Asked { filter, before, limit } = asked(query.as_deref())?;
    let page = inner.store.reader().events(&filter, before, limit).await;
    Ok(Json(EventPage::new(page.map_err(|error| unreadable(&inner, &error))?)))
}

/// An event, what its platform said, and its deliveries
#[utoipa::path(
    get,
    path = "/v1/admin/events/{id}",
    operation_id = "show_event",
    tag = "events",
    params(("id" = String, Path, description = "the event's id", example = "01JQ7K4E8Z7V0M2D3N4P5Q6R7S")),
    responses(
        (status = 200, description = "the event", body = EventDetail),
        (status = 404, description = "there is no such event", body = Problem, content_type = MEDIA_TYPE),
        Refused,
    ),
    security(("token" = [])),
)]
pub(super) async fn show(
    State(inner): State<Arc<Inner>>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<EventDetail>, Problem> {
    Parameters::read::<NoParameters>(query.as_deref())?;
    let Path(id) = id.map_err(|_| unknown("\u{fffd}"))?;
    let found = inner.store.reader().event(&id).await.map_err(|error| unreadable(&inner, &error))?;
    let (event, deliveries) = found.ok_or_else(|| unknown(&id))?;
    Ok(Json(EventDetail::new(event, deliveries)))
}

pub(super) fn unknown(id: &str) -> Problem {
    Problem::new(Code::UnknownEvent, format!("there is no event {}", quoted(id)))
}

fn asked(query: Option<&str>) -> Result<Asked, Problem> {
    let parameters = Parameters::read::<EventParameters>(query)?;
    let text = |name| parameters.text(name);
    let filter = EventFilter {
        tenant: text("tenant"),
        source: text("source"),
        kind: text("kind"),
        conversation: text("conversation"),
    };
    let before = parameters.parsed("before", "`next` of a page of events", |cursor| cursor.parse().ok())?;
    Ok(Asked { filter, before, limit: parameters.limit()? })
}

#[cfg(test)]
mod tests {
    use slashbox_store::Page;

    use super::*;

    #[test]
    fn a_page_is_asked_for() {
        let all = Asked { filter: EventFilter::default(), before: None, limit: 50 };
        assert_eq!(asked(None).unwrap(), all);
        let text = |text: &str| Some(text.to_owned());
        let filter = EventFilter {
            tenant: text("acme"),
            source: text("support"),
            kind: text("/mark"),
            conversation: text("a b"),
        };
        let query = "tenant=acme&source=support&kind=/mark&conversation=a+b&limit=3&before=12";
        assert_eq!(asked(Some(query)).unwrap(), Asked { filter, before: Some(12), limit: 3 });
    }

    #[test]
    fn a_cursor_comes_back() {
        for next in [0, 1042, u64::MAX] {
            let page = EventPage::new(Page { items: Vec::new(), next: Some(next) });
            let page = serde_json::to_value(page).unwrap();
            let query = format!("before={}", page["next"].as_str().unwrap());
            assert_eq!(asked(Some(&query)).unwrap().before, Some(next));
        }
        for wrong in ["", "x", "1042-3", "-1"] {
            let expected = format!("`before` = {wrong:?}: expected `next` of a page of events");
            assert_eq!(asked(Some(&format!("before={wrong}"))).unwrap_err().detail(), expected);
        }
    }
}
