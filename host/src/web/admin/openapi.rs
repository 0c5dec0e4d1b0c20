//! The admin API in words: its routes and their OpenAPI document, from one source.
//!
//! Invariant: a route that is not described is not served, for [`described`] is where both come from.

use std::sync::Arc;

use axum::Router;
use utoipa::{
    IntoResponses, Modify, OpenApi,
    openapi::{
        Components, OpenApi as Document,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{deliveries, events, plugins, reload, replays, webhooks};
use crate::{
    host::Inner,
    web::problem::{MEDIA_TYPE, Problem},
};

/// What is said of the API as a whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "slashbox",
        description = "What came in, what became of it, and who is there to take it. Each path needs the token of `admin.token`; a host that has none, \
            and listens on a loopback address, answers requests to a loopback name. A request that changes something has the \
            header `content-type: application/json`, with or without a body. Times are RFC 3339 in UTC. Errors are \
            problems (RFC 9457) with a `code` of a closed list."
    ),
    tags(
        (name = "events", description = "What happened on the platforms"),
        (name = "deliveries", description = "Events on their way to plugins and webhooks"),
        (name = "plugins", description = "The plugins of the folder, and how they stand"),
        (name = "webhooks", description = "The webhooks of the configuration"),
        (name = "configuration", description = "Where commands and events come in and go to"),
    ),
    components(schemas(Problem)),
    modifiers(&Token),
)]
struct Description;

/// The token of `admin.token`.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_with(Components::new);
        let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("token", token);
    }
}

/// How every path can refuse to answer.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "it says what the responses are; handlers make them")]
pub(super) enum Refused {
    /// a parameter is unknown, there twice, or has a value that it cannot have
    #[response(status = 400, content_type = MEDIA_TYPE)]
    BadParameter(Problem),
    /// the token is missing or wrong
    #[response(status = 401, content_type = MEDIA_TYPE)]
    Unauthorized(Problem),
    /// the admin API is switched off, or there is no token and the request is not for a loopback name
    #[response(status = 403, content_type = MEDIA_TYPE)]
    Forbidden(Problem),
    /// the store cannot be read now, or the host is shutting down
    #[response(status = 503, content_type = MEDIA_TYPE)]
    Unavailable(Problem),
}

/// How every path that changes something can refuse to, besides.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "it says what the response is; the guard makes it")]
pub(super) enum Changing {
    /// the header `content-type: application/json` is missing
    #[response(status = 415, content_type = MEDIA_TYPE)]
    UnsupportedMediaType(Problem),
}

/// The routes, and what is said of them.
pub(super) fn described() -> (Router<Arc<Inner>>, Document) {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(events::list))
        .routes(routes!(events::show))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::show))
        .routes(routes!(plugins::list))
        .routes(routes!(plugins::show))
        .routes(routes!(plugins::show_of_tenant))
        .routes(routes!(webhooks::list))
        .routes(routes!(webhooks::pause))
        .routes(routes!(webhooks::resume))
        .routes(routes!(webhooks::test))
        .routes(routes!(replays::many))
        .routes(routes!(replays::one))
        .routes(routes!(reload::reload))
        .split_for_parts()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn document() -> Value {
        serde_json::to_value(described().1).unwrap()
    }

    /// All operations, by method and path.
    fn operations(document: &Value) -> Vec<(String, Value)> {
        let paths = document["paths"].as_object().unwrap().iter();
        let of_path = |(path, item): (&String, &Value)| {
            let named = |(method, operation): (&String, &Value)| (format!("{method} {path}"), operation.clone());
            item.as_object().unwrap().iter().map(named).collect::<Vec<_>>()
        };
        paths.flat_map(of_path).collect()
    }

    #[test]
    fn every_path_is_described() {
        let document = document();
        let names: Vec<String> = operations(&document).into_iter().map(|(name, _)| name).collect();
        let expected = [
            "get /v1/admin/deliveries",
            "post /v1/admin/deliveries/replay",
            "get /v1/admin/deliveries/{id}",
            "post /v1/admin/deliveries/{id}/replay",
            "get /v1/admin/events",
            "get /v1/admin/events/{id}",
            "get /v1/admin/plugins",
            "get /v1/admin/plugins/{name}",
            "get /v1/admin/plugins/{tenant}/{name}",
            "post /v1/admin/reload",
            "get /v1/admin/webhooks",
            "post /v1/admin/webhooks/{tenant}/{name}/pause",
            "post /v1/admin/webhooks/{tenant}/{name}/resume",
            "post /v1/admin/webhooks/{tenant}/{name}/test",
        ];
        assert_eq!(names, expected);
        let ids: BTreeSet<String> =
            operations(&document).iter().map(|(_, operation)| operation["operationId"].to_string()).collect();
        assert_eq!(ids.len(), expected.len(), "an id names one operation: {ids:?}");
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    }

    #[test]
    fn every_operation_says_what_goes_in_and_what_comes_out() {
        for (name, operation) in operations(&document()) {
            assert_eq!(operation["security"], serde_json::json!([{ "token": [] }]), "{name}");
            assert!(operation["summary"].is_string(), "{name}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let of_path = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
            assert_eq!(of_path, name.matches('{').count(), "{name}");
            for parameter in &parameters {
                assert!(parameter["schema"].is_object() && parameter["description"].is_string(), "{name}: {parameter}");
            }
            let responses = operation["responses"].as_object().unwrap();
            for status in ["200", "400", "401", "403", "503"] {
                let content = responses[status]["content"].as_object().unwrap();
                let (media_type, content) = content.iter().next().unwrap();
                let expected = if status == "200" { "application/json" } else { MEDIA_TYPE };
                assert_eq!(media_type, expected, "{name} {status}");
                assert!(content["schema"].is_object(), "{name} {status}");
            }
            let changes = !name.starts_with("get ");
            assert_eq!(responses.contains_key("415"), changes, "{name}");
            assert_eq!(operation["requestBody"]["content"]["application/json"].is_object(), changes, "{name}");
            assert_eq!(responses.contains_key("404"), name.contains('{') || name.contains("deliveries"), "{name}");
        }
    }

    #[test]
    fn the_limit_is_described_as_it_is() {
        use super::super::parameters::{LIMIT_DEFAULT, LIMIT_MAX};
        let operations = operations(&document());
        let parameters = operations.iter().filter_map(|(_, operation)| operation["parameters"].as_array()).flatten();
        let limits: Vec<&Value> = parameters.filter(|parameter| parameter["name"] == "limit").collect();
        assert_eq!(limits.len(), 2);
        for limit in limits {
            let schema = &limit["schema"];
            assert_eq!((&schema["minimum"], &schema["maximum"]), (&Value::from(1), &Value::from(LIMIT_MAX)), "{limit}");
            assert_eq!(schema["default"], LIMIT_DEFAULT, "{limit}");
        }
    }

    /// Every `$ref` of a value.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(array) => array.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_schema_is_there() {
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 20, "{found:?}");
        for reference in found {
            let schema = document.pointer(reference.trim_start_matches('#')).unwrap_or(&Value::Null);
            assert!(schema.is_object(), "{reference} leads nowhere");
        }
        let codes = document.pointer("/components/schemas/Code").unwrap();
        assert!(codes.to_string().contains("unknown-delivery"), "{codes}");
    }
}
