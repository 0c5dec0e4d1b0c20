//! `/v1/admin/deliveries`: what became of what came in.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
};
use slashbox_store::{DeliveryFilter, DeliveryKey};
use utoipa::IntoParams;

use super::{
    Refused, events,
    parameters::{NoParameters, Parameters, quoted},
    unreadable,
    wire::{DeliveryDetail, DeliveryPage, DeliveryState, SubscriberKind, parse_rfc3339},
};
use crate::{
    host::Inner,
    web::problem::{Code, MEDIA_TYPE, Problem},
};

/// What narrows a list of deliveries; all that are given have to fit.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it says what the parameters are; `asked` reads them")]
pub(super) struct DeliveryParameters {
    /// Of this tenant.
    tenant: Option<String>,
    /// To subscribers of this sort.
    #[param(inline)]
    subscriber: Option<SubscriberKind>,
    /// To the subscriber of this name: the stem of a plugin's file, or a webhook's name.
    name: Option<String>,
    /// In this state. Those that are parked are open: waiting or due.
    #[param(inline)]
    state: Option<DeliveryState>,
    /// Of the event with this id.
    event: Option<String>,
    /// Of events of this canonical kind.
    kind: Option<String>,
    /// Of events accepted at this time or later (RFC 3339).
    since: Option<String>,
    /// Of events accepted before this time (RFC 3339).
    until: Option<String>,
    /// The most items to answer with.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    before: Option<String>,
}

/// A page of deliveries, as it is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    /// Without the event, which has to be looked up.
    filter: DeliveryFilter,
    event: Option<String>,
    before: Option<DeliveryKey>,
    limit: u32,
}

/// The deliveries, those of the newest event first
#[utoipa::path(
    get,
    path = "/v1/admin/deliveries",
    operation_id = "list_deliveries",
    tag = "deliveries",
    params(DeliveryParameters),
    responses(
        (status = 200, description = "a page of them", body = DeliveryPage),
        (status = 404, description = "there is no such event", body = Problem, content_type = MEDIA_TYPE),
        Refused,
    ),
    security(("token" = [])),
)]
pub(super) async fn list(
    State(inner): State<Arc<Inner>>,
    RawQuery(query): RawQuery,
) -> Result<Json<DeliveryPage>, Problem> {
    let Asked { mut filter, event, before, limit } = asked(query.as_deref())?;
    if let Some(id) = event {
        filter.event = Some(event_seq(&inner, &id).await?);
    }
    let page = inner.store.reader().deliveries(&filter, before, limit).await;
    Ok(Json(DeliveryPage::new(page.map_err(|error| unreadable(&inner, &error))?)))
}

/// A delivery, its event, and its attempts
#[utoipa::path(
    get,
    path = "/v1/admin/deliveries/{id}",
    operation_id = "show_delivery",
    tag = "deliveries",
    params(("id" = String, Path, description = "the delivery's id", example = "1042-3")),
    responses(
        (status = 200, description = "the delivery", body = DeliveryDetail),
        (status = 404, description = "there is no such delivery", body = Problem, content_type = MEDIA_TYPE),
        Refused,
    ),
    security(("token" = [])),
)]
pub(super) async fn show(
    State(inner): State<Arc<Inner>>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<DeliveryDetail>, Problem> {
    Parameters::read::<NoParameters>(query.as_deref())?;
    let Path(id) = id.map_err(|_| unknown("\u{fffd}"))?;
    let key = key_of(&id)?;
    let found = inner.store.reader().delivery(key).await.map_err(|error| unreadable(&inner, &error))?;
    let (delivery, event, attempts) = found.ok_or_else(|| unknown(&id))?;
    Ok(Json(DeliveryDetail::new(delivery, event, attempts)))
}

/// The number of the event with this id.
pub(super) async fn event_seq(inner: &Inner, id: &str) -> Result<u64, Problem> {
    let found = inner.store.reader().event_seq(id).await.map_err(|error| unreadable(inner, &error))?;
    found.ok_or_else(|| events::unknown(id))
}

pub(super) fn key_of(id: &str) -> Result<DeliveryKey, Problem> {
    id.parse().map_err(|_| unknown(id))
}

/// Also of what is no delivery's id at all: to the client it is the same mistake.
pub(super) fn unknown(id: &str) -> Problem {
    let detail = format!("there is no delivery {}: expected the id of one, such as 1042-3", quoted(id));
    Problem::new(Code::UnknownDelivery, detail)
}

fn asked(query: Option<&str>) -> Result<Asked, Problem> {
    let parameters = Parameters::read::<DeliveryParameters>(query)?;
    let filter = filter(&parameters)?;
    let before = parameters.parsed("before", "`next` of a page of deliveries", |cursor| cursor.parse().ok())?;
    Ok(Asked { filter, event: parameters.text("event"), before, limit: parameters.limit()? })
}

/// What narrows a list, but for the event, which has to be looked up.
pub(super) fn filter(parameters: &Parameters) -> Result<DeliveryFilter, Problem> {
    let states = "waiting, due, leased, succeeded or dead";
    let time = |name| parameters.parsed(name, "a time such as 2026-01-31T12:00:00Z", parse_rfc3339);
    Ok(DeliveryFilter {
        tenant: parameters.text("tenant"),
        kind: parameters.parsed("subscriber", "plugin or webhook", |kind| kind.parse().ok())?,
        name: parameters.text("name"),
        state: parameters.parsed("state", states, |state| state.parse().ok())?,
        event: None,
        event_kind: parameters.text("kind"),
        accepted_from_ms: time("since")?,
        accepted_until_ms: time("until")?,
    })
}

#[cfg(test)]
mod tests {
    use slashbox_core::{DeliveryState, SubscriberKind};
    use slashbox_store::{Page, SubscriberKey};

    use super::*;

    #[test]
    fn a_page_is_asked_for() {
        let all = Asked { filter: DeliveryFilter::default(), event: None, before: None, limit: 50 };
        assert_eq!(asked(None).unwrap(), all);
        let filter = DeliveryFilter {
            tenant: Some("acme".into()),
            kind: Some(SubscriberKind::Webhook),
            name: Some("crm".into()),
            state: Some(DeliveryState::Dead),
            ..DeliveryFilter::default()
        };
        let before = Some(DeliveryKey { event: 1042, subscriber: SubscriberKey(3) });
        let query = "tenant=acme&subscriber=webhook&name=crm&state=dead&event=01J&limit=1000&before=1042-3";
        assert_eq!(asked(Some(query)).unwrap(), Asked { filter, event: Some("01J".into()), before, limit: 1000 });
    }

    fn wrong(query: &str, expected: &str) {
        assert_eq!(asked(Some(query)).unwrap_err().detail(), expected);
    }

    #[test]
    fn wrong_values() {
        wrong("subscriber=remote", "`subscriber` = \"remote\": expected plugin or webhook");
        wrong("state=parked", "`state` = \"parked\": expected waiting, due, leased, succeeded or dead");
        wrong("before=1042", "`before` = \"1042\": expected `next` of a page of deliveries");
        wrong("stat=dead", "unknown parameter \"stat\": did you mean `state`?");
        for state in DeliveryState::ALL {
            assert_eq!(asked(Some(&format!("state={state}"))).unwrap().filter.state, Some(state));
        }
    }

    #[test]
    fn a_cursor_comes_back() {
        let next = DeliveryKey { event: 1042, subscriber: SubscriberKey(3) };
        let page = serde_json::to_value(DeliveryPage::new(Page { items: Vec::new(), next: Some(next) })).unwrap();
        let query = format!("before={}", page["next"].as_str().unwrap());
        assert_eq!(asked(Some(&query)).unwrap().before, Some(next));
    }
}
