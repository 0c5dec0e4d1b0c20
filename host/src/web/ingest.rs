//! Where platforms send their commands and events: `POST /in/{source}`, with a token behind it or not.

use std::{collections::HashMap, sync::Arc};

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use slashbox_core::Command;
use slashbox_dialects::{Answer, Answered, Arrival, Dialect, Incoming, Received, Refusal, Request, Taken};
use slashbox_store::Accepted;
use tracing::{debug, info};

use super::{
    BODY_BYTES_MAX, BODY_TIMEOUT,
    problem::{Code, Problem},
};
use crate::{
    CommandError, Source,
    configured::Configured,
    host::Inner,
    new::new_id,
    pipeline::{self, AcceptError},
    room::{BodyRoom, Full},
    subscribers::Remotes,
    telemetry::INGEST,
};

/// What a sender is told for whom there is no room.
const NO_ROOM: &str = "too much waits to be taken, send it again later";

/// What a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Whatever the source's platform sends.
    Everything,
    /// Commands alone.
    Commands,
    /// Events alone.
    Events,
}

pub(crate) async fn take(
    State(inner): State<Arc<Inner>>,
    path: Result<Path<HashMap<String, String>>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Ok(Path(path)) = path else {
        return Problem::new(Code::UnknownSource, "the source's name is no UTF-8").into_response();
    };
    let name = path.get("source").map(String::as_str).unwrap_or_default();
    // What is configured now holds for the whole request.
    let configured = inner.configured.load_full();
    let Some(source) = configured.sources.get(name) else {
        return Problem::new(Code::UnknownSource, format!("no source is named {name:?}")).into_response();
    };
    if path.contains_key("token") && source.credentials.token.is_none() {
        return super::nothing_here().into_response();
    }
    let outside = Outside { headers: &headers, path_token: path.get("token").map(String::as_str) };
    answer_of(&inner, &configured, source, Takes::Everything, outside, body).await
}

/// What a request has besides its body.
#[derive(Clone, Copy)]
pub(super) struct Outside<'r> {
    pub(super) headers: &'r HeaderMap,
    pub(super) path_token: Option<&'r str>,
}

/// The answer to a source's request, in its dialect's way.
pub(super) async fn answer_of(
    inner: &Arc<Inner>,
    configured: &Arc<Configured>,
    source: &Source,
    takes: Takes,
    outside: Outside<'_>,
    body: Body,
) -> Response {
    let answer = answer(inner, configured, source, takes, outside, body).await.unwrap_or_else(|refusal| {
        report(inner, source, &refusal);
        source.dialect.refuse(&refusal, source.reply)
    });
    respond(answer)
}

/// A line of the log for a request that is not taken; of those that are to come again, a line for many.
fn report(inner: &Inner, source: &Source, refusal: &Refusal) {
    let (status, why, tenant) = (refusal.status(), refusal.code(), &source.tenant);
    if let Refusal::Unavailable(text) = refusal {
        inner.room.tell_refused(text);
    }
    match refusal {
        // Of the one there is a line for many; the other is what operators mistype.
        Refusal::Unavailable(_) | Refusal::UnknownCommand(_) => {
            debug!(target: INGEST, source = source.name, tenant, status, why, "request not taken");
        }
        _ => info!(target: INGEST, source = source.name, tenant, status, why, "request not taken"),
    }
}

async fn answer(
    inner: &Arc<Inner>,
    configured: &Arc<Configured>,
    source: &Source,
    takes: Takes,
    outside: Outside<'_>,
    body: Body,
) -> Result<Answer, Refusal> {
    let (body, room) = read(inner.room.for_body(), body).await?;
    let request = understand(source, outside, &body)?;
    let bytes = body.len();
    drop(body);
    match request {
        Request::Command { .. } if takes == Takes::Events => {
            Err(Refusal::Malformed("`command` is there: expected an event, commands go to /v1/commands".into()))
        }
        Request::Events(_) if takes == Takes::Commands => {
            Err(Refusal::Malformed("`kind` is there: expected a command, events go to /v1/events".into()))
        }
        Request::Command { command, idempotency_key } => {
            let answer = answer_command(inner, configured, source, command, idempotency_key).await;
            drop(room); // A command is kept until it is answered.
            answer
        }
        Request::Events(events) => {
            drop(room); // Events have a room of their own.
            accept(inner, &configured.remotes, source, events).await
        }
        Request::Ping => {
            // Of a platform that names its events otherwise than its document, this is all that anybody sees.
            info!(target: INGEST, source = source.name, tenant = source.tenant, bytes, "asked whether it is there");
            Ok(source.dialect.pong())
        }
    }
}

fn understand(source: &Source, outside: Outside<'_>, body: &[u8]) -> Result<Request, Refusal> {
    let Outside { headers, path_token } = outside;
    let arrival = Arrival { tenant: &source.tenant, source: &source.name, now_ms: pipeline::now_ms(), new_id: &new_id };
    source.dialect.read(&Received { body, headers, path_token }, &source.credentials, arrival)
}

async fn answer_command(
    inner: &Arc<Inner>,
    configured: &Arc<Configured>,
    source: &Source,
    command: Command,
    idempotency_key: Option<String>,
) -> Result<Answer, Refusal> {
    let answered = match idempotency_key {
        None => pipeline::answer(inner, &configured.remotes, command).await,
        Some(key) => inner.repeats.answer(inner, configured, command, &key).await?,
    };
    let answer = answered.map_err(|error| match error {
        CommandError::ShuttingDown => Refusal::Unavailable(error.to_string()),
        CommandError::Unknown { .. } => Refusal::UnknownCommand(error.to_string()),
        CommandError::Name(_) | CommandError::Tenant(_) => Refusal::Malformed(error.to_string()),
    })?;
    let (outcome, shown) = (answer.outcome.name(), answer.shown());
    let pipeline::Answer { id, command, .. } = answer;
    Ok(source.dialect.answer(Answered { id, command, outcome, shown }, source.reply))
}

async fn accept(
    inner: &Arc<Inner>,
    remotes: &Remotes,
    source: &Source,
    events: Vec<Incoming>,
) -> Result<Answer, Refusal> {
    let ids: Vec<String> = events.iter().map(|incoming| incoming.event.id.clone()).collect();
    let events = events.into_iter().map(|incoming| (incoming.event, incoming.dedupe)).collect();
    let accepted = pipeline::accept(inner, remotes, events).await.map_err(|error| not_accepted(source, &error))?;
    let taken = ids.into_iter().zip(accepted).map(|(id, accepted)| match accepted {
        Accepted::New => Taken { id, duplicate: false },
        Accepted::Duplicate { of } => Taken { id: of, duplicate: true },
    });
    Ok(source.dialect.accepted(&taken.collect::<Vec<_>>(), source.reply))
}

fn not_accepted(source: &Source, error: &AcceptError) -> Refusal {
    let cause: &dyn std::error::Error = error;
    debug!(target: INGEST, source = source.name, tenant = source.tenant, error = cause, "events are not stored");
    Refusal::Unavailable(match error {
        AcceptError::Full => NO_ROOM.into(),
        AcceptError::Store(_) | AcceptError::Late => "the event cannot be stored now, send it again later".into(),
    })
}

/// The whole body, within its limits of size and time.
async fn read(room: BodyRoom, body: Body) -> Result<(Vec<u8>, BodyRoom), Refusal> {
    match tokio::time::timeout(BODY_TIMEOUT, collect(room, body)).await {
        Ok(read) => read,
        Err(_) => Err(Refusal::Malformed(format!("the body was not whole within {} s", BODY_TIMEOUT.as_secs()))),
    }
}

/// One piece of memory, however many pieces it comes in: what a piece costs by itself is more than a byte of it.
async fn collect(mut room: BodyRoom, body: Body) -> Result<(Vec<u8>, BodyRoom), Refusal> {
    let (mut body, mut bytes) = (Limited::new(body, BODY_BYTES_MAX), Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error.is::<LengthLimitError>() {
            true => Refusal::TooLarge { bytes_max: BODY_BYTES_MAX },
            false => Refusal::Malformed("the body ended before it was whole".into()),
        })?;
        let Ok(more) = frame.into_data() else { continue }; // Trailers.
        room.grow(more.len()).map_err(|Full| Refusal::Unavailable(NO_ROOM.into()))?;
        bytes.extend_from_slice(&more);
    }
    Ok((bytes, room))
}

fn respond(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match answer.content_type {
        Some(content_type) => (status, [(CONTENT_TYPE, content_type)], answer.body).into_response(),
        None => (status, Body::empty()).into_response(),
    };
    if let Some(seconds) = answer.retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110, 15.5.2: a 401 says what would open the door.
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Where a platform that integrates directly sends its commands or its events; its token tells which source it is.
pub(super) async fn take_native(inner: &Arc<Inner>, takes: Takes, headers: &HeaderMap, body: Body) -> Response {
    let configured = inner.configured.load_full();
    let Some(source) = configured.native(headers) else {
        let detail = "expected the header `Authorization: Bearer TOKEN` with the token of a native source";
        info!(target: INGEST, status = 401, why = "unauthorized", "request of no source not taken");
        return respond(Dialect::NATIVE.refuse(&Refusal::Unauthorized(detail.into()), Default::default()));
    };
    let outside = Outside { headers, path_token: None };
    answer_of(inner, &configured, source, takes, outside, body).await
}
