//! The servers of many plugins, which lie in `FOLDER/plugins` with the host's data in `FOLDER/data`. They serve as those of
//! commands do.

use std::{path::Path, time::Instant};

use anyhow::{Result, ensure};
use slashbox::{Host, Settings, Source, telemetry};
use slashbox_bench_round::say;
use tokio::runtime::Runtime;

use crate::{
    payload,
    serve::{serve, tokio},
};

/// How long a compilation may take: large plugins take their time where others work too.
const COMPILE_S: u32 = 240;

/// Serves whatever lies in the folder, with the log as it is by default.
pub(crate) fn slashbox(folder: &Path) -> Result<()> {
    telemetry::start_log("info", telemetry::LogFormat::Text)?;
    let tokio = tokio()?;
    let host = build(&tokio, folder)?;
    serve(&tokio, host.router())?;
    tokio.block_on(host.shutdown());
    Ok(())
}

/// Starts a host, says how many nanoseconds that took and how many plugins it has, and ends.
pub(crate) fn start(folder: &Path) -> Result<()> {
    telemetry::start_log("info", telemetry::LogFormat::Text)?;
    let tokio = tokio()?;
    let began = Instant::now();
    let host = build(&tokio, folder)?;
    let took = began.elapsed();
    let plugins = host.plugins();
    let problem = plugins.problems().next();
    ensure!(problem.is_none(), "not all plugins were loaded: {problem:?}");
    say(&format!("{} {}", took.as_nanos(), plugins.plugins().count()))?;
    tokio.block_on(host.shutdown());
    Ok(())
}

fn build(tokio: &Runtime, folder: &Path) -> Result<Host> {
    let source = Source::hotline(payload::SOURCE, payload::KEY)?;
    let mut settings = Settings::default();
    settings.host.compile_s = COMPILE_S;
    let builder = Host::builder().plugins_dir(folder.join("plugins")).data_dir(folder.join("data"));
    Ok(tokio.block_on(builder.source(source).settings(settings).build())?)
}
