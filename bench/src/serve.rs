//! The servers of commands: slashbox as its own program would set it up, and axum with nothing but a handler.
//!
//! A server says first where it listens; to each line that it gets it answers with the processor time that it has used so
//! far, in nanoseconds; when nobody asks any more, it ends.

use std::{
    fs,
    io::{self, BufRead},
    net::Ipv4Addr,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use axum::{Json, Router, extract::State, routing::post};
use serde::{Deserialize, Serialize};
use slashbox::{Host, Source, telemetry};
use slashbox_bench_round::say;
use slashbox_bench_work::{DATA, Data, reply};
use tokio::{net::TcpListener, runtime::Runtime};

use crate::{cpu, payload};

/// Serves slashbox with one plugin and one source, and the log as it is by default.
pub(crate) fn slashbox(component: &Path) -> Result<()> {
    telemetry::start_log("info", telemetry::LogFormat::Text)?;
    let folder = tempfile::tempdir()?;
    let (plugins, data) = (folder.path().join("plugins"), folder.path().join("data"));
    fs::create_dir_all(&plugins)?;
    fs::copy(component, plugins.join("invoice.wasm")).context("cannot copy the plugin")?;
    let source = Source::hotline(payload::SOURCE, payload::KEY)?;
    let tokio = tokio()?;
    let host = tokio.block_on(Host::builder().plugins_dir(plugins).data_dir(data).source(source).build())?;
    ensure!(host.plugins().plugins().count() == 1, "the plugin was not loaded: {:?}", host.plugins());
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

/// The answer.
#[derive(Clone, Serialize)]
struct Answer {
    message: String,
}

/// Serves axum: it reads the same request into a type, and answers the same JSON, which it knows beforehand.
pub(crate) fn axum() -> Result<()> {
    let route = format!("/in/{}", payload::SOURCE);
    let handler = |State(answer): State<Answer>, Json(_): Json<Request>| async { Json(answer) };
    let router = Router::new().route(&route, post(handler)).with_state(Answer { message: reply(DATA)? });
    serve(&tokio()?, router)
}

/// As the program `slashbox` has it.
pub(crate) fn tokio() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Serves until nobody asks any more.
pub(crate) fn serve(tokio: &Runtime, router: Router) -> Result<()> {
    let listener = tokio.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    say(&listener.local_addr()?.to_string())?;
    let server = tokio.spawn(axum::serve(listener, router).into_future());
    for line in io::stdin().lock().lines() {
        line?;
        say(&cpu::ns().to_string())?;
    }
    server.abort();
    Ok(())
}
