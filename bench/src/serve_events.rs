//! The servers of events: slashbox with a data directory, and axum with nothing but a handler. They serve as those of
//! commands do.

use std::{fs, path::Path};

use anyhow::Result;
use axum::{Json, Router, extract::State, routing::post};
use serde::{Deserialize, Serialize};
use slashbox::{EgressSettings, Host, Source, Webhook, telemetry};

use crate::{
    event, payload,
    serve::{serve, tokio},
};

/// How many requests the webhook gets at the same time. The default of 40 is for small servers; goal 4 lifts limits.
pub(crate) const IN_FLIGHT_MAX: u32 = 256;

/// By what its requests are signed.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The name of the webhook, …
pub(crate) const RECEIVER: &str = "receiver";
/// … and that of the other one.
pub(crate) const DEAD: &str = "dead";

/// Serves slashbox with its data in `folder`, one source, no plugins, and the log as it is by default. If there is a
/// webhook, it wants every event; if there is another one, it is to get what waits for it, and as much as by default.
pub(crate) fn slashbox(folder: &Path, webhook: Option<&str>, dead: Option<&str>) -> Result<()> {
    telemetry::start_log("info", telemetry::LogFormat::Text)?;
    let plugins = folder.join("plugins");
    fs::create_dir_all(&plugins)?;
    let source = Source::hotline(payload::SOURCE, payload::KEY)?;
    let egress = EgressSettings { allow_http: true, allow_cidrs: vec!["127.0.0.1/32".parse()?] };
    let mut builder = Host::builder().plugins_dir(plugins).data_dir(folder.join("data")).source(source).egress(egress);
    if let Some(url) = webhook {
        let webhook = Webhook::new(url).name(RECEIVER).events([event::KIND.parse()?]);
        let webhook = webhook.signing_keys([SECRET.parse()?]);
        builder = builder.webhook(webhook.in_flight_max(IN_FLIGHT_MAX));
    }
    if let Some(url) = dead {
        builder = builder.webhook(Webhook::new(url).name(DEAD).events(["nothing.happens".parse()?]));
    }
    let tokio = tokio()?;
    let host = tokio.block_on(builder.build())?;
    serve(&tokio, host.router())?;
    tokio.block_on(host.shutdown());
    Ok(())
}

/// The request, each value as its type.
#[derive(Deserialize)]
#[allow(dead_code, reason = "reading them is what counts")]
struct Request {
    event_type: String,
    timestamp: String,
    instance_id: String,
    data: Data,
    api_key: String,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "reading them is what counts")]
struct Data {
    backend_chat_id: i64,
    backend_thread_id: i64,
    backend_message_id: i64,
    sender_user_id: i64,
    frontend_user_id: i64,
    frontend_message_id: i64,
    text: String,
    content_type: String,
    department: String,
    backend_reply_message_id: i64,
}

/// The answer.
#[derive(Clone, Serialize)]
struct Answer {
    duplicate: bool,
    id: String,
}

/// Serves axum: it reads the same request into a type, and answers the same JSON, which it knows beforehand.
pub(crate) fn axum() -> Result<()> {
    let route = format!("/in/{}", payload::SOURCE);
    let handler = |State(answer): State<Answer>, Json(_): Json<Request>| async { Json(answer) };
    let router = Router::new().route(&route, post(handler)).with_state(Answer { duplicate: false, id: event::id(0) });
    serve(&tokio()?, router)
}
