//! Where platforms send their commands: `POST /in/{source}`.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{Path, State, rejection::PathRejection},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use slashbox_dialects::{Answer, Arrival, Dialect, Refusal, Shown};
use tracing::info;

use super::{
    BODY_BYTES_MAX, BODY_TIMEOUT,
    problem::{Code, Problem},
};
use crate::{
    CommandError, Source,
    host::{Inner, new_id},
    pipeline,
    telemetry::COMMANDS,
};

pub(crate) async fn command(
    State(inner): State<Arc<Inner>>,
    name: Result<Path<String>, PathRejection>,
    body: Body,
) -> Response {
    let Ok(Path(name)) = name else {
        return Problem::new(Code::UnknownSource, "the source's name is no UTF-8").into_response();
    };
    let Some(source) = inner.sources.get(&name) else {
        return Problem::new(Code::UnknownSource, format!("no source is named {name:?}")).into_response();
    };
    let answer = match take(&inner, source, body).await {
        Ok(shown) => source.dialect.answer(shown),
        Err(refusal) => {
            let (status, why) = (refusal.status(), refusal.name());
            info!(target: COMMANDS, source = name, tenant = source.tenant, status, why, "request not taken");
            source.dialect.refuse(&refusal)
        }
    };
    respond(answer)
}

async fn take(inner: &Arc<Inner>, source: &Source, body: Body) -> Result<Shown, Refusal> {
    let body = read(body).await?;
    let arrival = Arrival {
        id: new_id(),
        tenant: source.tenant.clone(),
        source: source.name.clone(),
        now_ms: pipeline::now_ms(),
    };
    let command = Dialect::command(&source.dialect, &body, arrival)?;
    match pipeline::answer(inner, command).await {
        Ok(answer) => Ok(answer.shown()),
        Err(error @ CommandError::ShuttingDown) => Err(Refusal::Unavailable(error.to_string())),
        Err(error) => Ok(Shown::Error(error.to_string())),
    }
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
