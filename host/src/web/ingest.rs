//! Where platforms send their commands and events: `POST /in/{source}`.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{Path, State, rejection::PathRejection},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use slashbox_core::Command;
use slashbox_dialects::{Answer, Arrival, Incoming, Refusal, Request, Shown, Taken};
use slashbox_store::Accepted;
use tracing::{error, info};

use super::{
    BODY_BYTES_MAX, BODY_TIMEOUT,
    problem::{Code, Problem},
};
use crate::{CommandError, Source, host::Inner, new::new_id, pipeline, subscribers::Remotes, telemetry::INGEST};

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
        let (status, why) = (refusal.status(), refusal.name());
        info!(target: INGEST, source = name, tenant = source.tenant, status, why, "request not taken");
        source.dialect.refuse(&refusal)
    });
    respond(answer)
}

async fn answer(inner: &Arc<Inner>, remotes: &Remotes, source: &Source, body: Body) -> Result<Answer, Refusal> {
    match understand(source, &read(body).await?)? {
        Request::Command(command) => answer_command(inner, remotes, source, command).await,
        Request::Events(events) => accept(inner, remotes, source, events).await,
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
    let accepted = pipeline::accept(inner, remotes, events).await.map_err(|error| {
        let error: &dyn std::error::Error = &error;
        error!(target: INGEST, source = source.name, tenant = source.tenant, error, "events cannot be stored");
        Refusal::Unavailable("the event cannot be stored now, send it again later".into())
    })?;
    let taken = ids.into_iter().zip(accepted).map(|(id, accepted)| match accepted {
        Accepted::New => Taken { id, duplicate: false },
        Accepted::Duplicate { of } => Taken { id: of, duplicate: true },
    });
    Ok(source.dialect.accepted(&taken.collect::<Vec<_>>()))
}

/// The whole body, within its limits of size and time.
async fn read(body: Body) -> Result<Bytes, Refusal> {
    let body = Limited::new(body, BODY_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge { bytes_max: BODY_BYTES_MAX }),
        Ok(Err(_)) => Err(Refusal::Malformed("the body ended before it was whole".into())),
        Err(_) => Err(Refusal::Malformed(format!("the body was not whole within {} s", BODY_TIMEOUT.as_secs()))),
    }
}

fn respond(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match answer.content_type {
        Some(content_type) => (status, [(CONTENT_TYPE, content_type)], answer.body).into_response(),
        None => (status, Body::empty()).into_response(),
    }
}
