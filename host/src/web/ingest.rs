//! Where platforms send their commands and events: `POST /in/{source}`.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use slashbox_core::Command;
use slashbox_dialects::{Answer, Arrival, Incoming, Refusal, Request, Shown, Taken};
use slashbox_store::Accepted;
use tracing::{debug, info};

use super::{
    BODY_BYTES_MAX, BODY_TIMEOUT,
    problem::{Code, Problem},
};
use crate::{
    CommandError, Source,
    host::Inner,
    new::new_id,
    pipeline::{self, AcceptError},
    room::{BodyRoom, Full},
    subscribers::Remotes,
    telemetry::INGEST,
};

/// What a sender is told for whom there is no room.
const NO_ROOM: &str = "too much waits to be taken, send it again later";

pub(crate) async fn take(
    State(inner): State<Arc<Inner>>,
    name: Result<Path<String>, PathRejection>,
    body: Body,
) -> Response {
    let Ok(Path(name)) = name else {
        return Problem::new(Code::UnknownSource, "the source's name is no UTF-8").into_response();
    };
    // What is configured now holds for the whole request.
    let configured = inner.configured.load_full();
    let Some(source) = configured.sources.get(&name) else {
        return Problem::new(Code::UnknownSource, format!("no source is named {name:?}")).into_response();
    };
    let answer = answer(&inner, &configured.remotes, source, body).await.unwrap_or_else(|refusal| {
        report(&inner, source, &refusal);
        source.dialect.refuse(&refusal)
    });
    respond(answer)
}

/// A line of the log for a request that is not taken; of those that are to come again, a line for many.
fn report(inner: &Inner, source: &Source, refusal: &Refusal) {
    let (status, why, tenant) = (refusal.status(), refusal.name(), &source.tenant);
    if let Refusal::Unavailable(text) = refusal {
        debug!(target: INGEST, source = source.name, tenant, status, why, "request not taken");
        inner.room.tell_refused(text);
    } else {
        info!(target: INGEST, source = source.name, tenant, status, why, "request not taken");
    }
}

async fn answer(inner: &Arc<Inner>, remotes: &Remotes, source: &Source, body: Body) -> Result<Answer, Refusal> {
    let (body, room) = read(inner.room.for_body(), body).await?;
    let request = understand(source, &body)?;
    drop(body);
    match request {
        Request::Command(command) => {
            let answer = answer_command(inner, remotes, source, command).await;
            drop(room); // A command is kept until it is answered.
            answer
        }
        Request::Events(events) => {
            drop(room); // Events have a room of their own.
            accept(inner, remotes, source, events).await
        }
    }
}

fn understand(source: &Source, body: &[u8]) -> Result<Request, Refusal> {
    let now_ms = pipeline::now_ms();
    source.dialect.read(body, Arrival { tenant: &source.tenant, source: &source.name, now_ms, new_id: &new_id })
}

async fn answer_command(
    inner: &Arc<Inner>,
    remotes: &Remotes,
    source: &Source,
    command: Command,
) -> Result<Answer, Refusal> {
    let shown = match pipeline::answer(inner, remotes, command).await {
        Ok(answer) => answer.shown(),
        Err(error @ CommandError::ShuttingDown) => return Err(Refusal::Unavailable(error.to_string())),
        Err(error) => Shown::Error(error.to_string()),
    };
    Ok(source.dialect.answer(shown))
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
    Ok(source.dialect.accepted(&taken.collect::<Vec<_>>()))
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
    response
}
