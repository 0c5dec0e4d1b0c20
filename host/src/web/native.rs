//! The API of platforms that integrate directly: `POST /v1/commands` and `POST /v1/events`, and what its documents say.
//!
//! Invariant: what is read is the native dialect's; the schemas here describe it, and a test holds them against it.

use std::sync::Arc;

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};
use serde::Serialize;
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::{
        Components, OpenApi as Document,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ingest::{Takes, take_native},
    problem::{MEDIA_TYPE, Problem},
};
use crate::host::Inner;

/// A command that somebody typed.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "the native dialect reads it; this says what it reads")]
struct NewCommand {
    /// Its name with the slash: 1 to 64 characters, none of them white space, `/` or `*`.
    #[schema(example = "/invoice")]
    command: String,
    /// What followed the name.
    #[schema(example = "42")]
    args: Option<String>,
    /// The conversation in which it was typed. Ids are strings, or numbers, of at most 256 bytes.
    conversation: Option<String>,
    /// Who typed it.
    operator: Option<String>,
    /// Whom the conversation is with.
    contact: Option<String>,
    /// The id of the message that it was.
    message: Option<String>,
    /// By what a repetition is known, as the header `Idempotency-Key`: it gets the first one's answer, and is not run again.
    id: Option<String>,
    /// When it was typed; when it came in if nothing is said.
    #[schema(format = DateTime)]
    occurred_at: Option<String>,
    /// Which installation of the platform it comes from.
    instance: Option<String>,
    /// What else plugins may want to know.
    data: Option<serde_json::Value>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "the native dialect reads it; this says what it reads")]
struct NewEvent {
    /// What happened: dotted words, one of slashbox's kinds or one of your own. `timer.fired`, `plugin.…` and `slashbox.…`
    /// are the host's.
    #[schema(example = "message.received")]
    kind: String,
    /// What the platform itself calls it, if that is something else.
    native_kind: Option<String>,
    /// The conversation that it belongs to: its events arrive in order. Ids are strings, or numbers, of at most 256 bytes.
    conversation: Option<String>,
    /// Whom the conversation is with.
    contact: Option<String>,
    /// Who gives support in it.
    operator: Option<String>,
    /// Who wrote the message: contact, operator, bot, system or unknown.
    #[schema(example = "contact")]
    sender: Option<String>,
    /// The id of the message.
    message: Option<String>,
    /// The message's text.
    text: Option<String>,
    /// By what a repetition is known for 24 hours, as the header `Idempotency-Key`.
    id: Option<String>,
    /// When it happened; when it came in if nothing is said.
    #[schema(format = DateTime)]
    occurred_at: Option<String>,
    /// Which installation of the platform it comes from.
    instance: Option<String>,
    /// What else subscribers may want to know. With all other members, at most 256 KiB.
    data: Option<serde_json::Value>,
}

/// What became of a command.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "the native dialect writes it; this says what it writes")]
struct Answered {
    /// The command's id, as the log has it.
    #[schema(example = "01JQ7K4E8Z7V0M2D3N4P5Q6R7S")]
    id: String,
    /// The command.
    #[schema(example = "/invoice")]
    command: String,
    /// How it ended: replied, refused, unavailable, trapped, limit or busy.
    #[schema(example = "replied")]
    outcome: String,
    /// What to show, if it was done and there is something to show.
    message: Option<String>,
    /// How `message` is written: `plain` or `markdown-v2`.
    format: Option<String>,
    /// What to show, if it was not done.
    error: Option<String>,
}

/// What became of an event.
#[derive(Debug, Serialize, ToSchema)]
#[allow(dead_code, reason = "the native dialect writes it; this says what it writes")]
struct Taken {
    /// Whether it had come before, and is not delivered again.
    duplicate: bool,
    /// Its id; of a duplicate, the id of the one that came first.
    #[schema(example = "01JQ7K4E8Z7V0M2D3N4P5Q6R7S")]
    id: String,
}

/// Have a command answered, by the plugin that owns it or by the first webhook that takes it
#[utoipa::path(
    post,
    path = "/v1/commands",
    tag = "native",
    params(("idempotency-key" = Option<String>, Header, description = "by what a repetition is known: it gets the first one's answer")),
    request_body = NewCommand,
    responses(
        (status = 200, description = "how it ended", body = Answered),
        (status = 400, description = "the body is no command", content_type = MEDIA_TYPE, body = Problem),
        (status = 401, description = "the token is missing, or no native source's", content_type = MEDIA_TYPE, body = Problem),
        (status = 404, description = "nobody answers this command", content_type = MEDIA_TYPE, body = Problem),
        (status = 413, description = "the body has more than 1 MiB", content_type = MEDIA_TYPE, body = Problem),
        (status = 503, description = "the host cannot take it now: `Retry-After` says when to come again", content_type = MEDIA_TYPE, body = Problem),
    ),
    security(("source" = []))
)]
async fn commands(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Body) -> Response {
    take_native(&inner, Takes::Commands, &headers, body).await
}

/// Tell of an event: when this answers, it is stored, and will be delivered
#[utoipa::path(
    post,
    path = "/v1/events",
    tag = "native",
    params(("idempotency-key" = Option<String>, Header, description = "by what a repetition is known for 24 hours")),
    request_body = NewEvent,
    responses(
        (status = 202, description = "it is stored, or had been before", body = Taken),
        (status = 400, description = "the body is no event", content_type = MEDIA_TYPE, body = Problem),
        (status = 401, description = "the token is missing, or no native source's", content_type = MEDIA_TYPE, body = Problem),
        (status = 413, description = "the body or the event is too large", content_type = MEDIA_TYPE, body = Problem),
        (status = 503, description = "it cannot be stored now: `Retry-After` says when to come again", content_type = MEDIA_TYPE, body = Problem),
    ),
    security(("source" = []))
)]
async fn events(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Body) -> Response {
    take_native(&inner, Takes::Events, &headers, body).await
}

/// The token of a native source.
struct SourceToken;

impl Modify for SourceToken {
    fn modify(&self, document: &mut Document) {
        let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_with(Components::new).add_security_scheme("source", token);
    }
}

/// The routes, and what is said of them.
pub(super) fn described() -> OpenApiRouter<Arc<Inner>> {
    #[derive(OpenApi)]
    #[openapi(modifiers(&SourceToken), tags((name = "native", description = "For platforms that integrate directly: the token is a native source's")))]
    struct Description;
    OpenApiRouter::with_openapi(Description::openapi()).routes(routes!(commands)).routes(routes!(events))
}
