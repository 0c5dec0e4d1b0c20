//! `slashbox serve`: builds a host from the configuration, says what it serves, and serves it until it is told to end.

mod configuration;

use std::{net::SocketAddr, path::Path, process::ExitCode, time::Duration};

use anyhow::Context;
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use slashbox::{
    About, Ask, BuildError, Host, Plugin, Problem, Standing, Warning, WebhookId, WebhookInfo, config::Config, telemetry,
};
use tokio::net::TcpListener;

use super::{
    Serve, Usage, block_on,
    paint::{BOLD, DIM, GOOD, ODD, line, paint},
    text::plain,
    words,
};
use configuration::Written;

/// How long a sender may take for a request's headers, the pause before them on a connection that stays open included:
/// longer than proxies keep a connection that nobody uses, most of them 60 s, so that none of them sends on one that ends.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(75);

/// How long connections may take to end beyond the commands on them.
const GRACE: Duration = Duration::from_secs(2);

/// The exit code of a server that was told twice to end, or had to cut something off.
const CUT_OFF: i32 = 1;

pub(super) fn run(arguments: Serve) -> anyhow::Result<ExitCode> {
    let written = Written::new(arguments);
    let config = written.read()?;
    telemetry::start_log(&config.log_level, config.log_format)?;
    block_on(serve(written, config))
}

async fn serve(written: Written, config: Config) -> anyhow::Result<ExitCode> {
    // Before the plugins are compiled: a port in use should not take seconds to be told.
    let bound = TcpListener::bind(config.listen).await;
    let listener = bound.with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    // Before it says that it is ready: from then on, a signal ends it cleanly.
    let mut stop = Stop::on_signals()?;
    let hangups = Hangups::on_signals()?;
    let in_force = config.clone();
    let builder = config.host().on_reload(move || written.read_again(&in_force));
    let built = tokio::select! {
        built = builder.build() => built,
        () = stop.signal() => return Ok(ExitCode::SUCCESS), // Plugins may take their time to compile.
    };
    let host = built.map_err(|error| match error {
        BuildError::DataInPlugins { .. } => anyhow::Error::new(Usage(error.to_string())),
        error => error.into(),
    })?;
    show(&config, address, &host);
    let grace = Duration::from_millis(u64::from(config.settings.host.command_ms)) + GRACE;
    let connections = Handle::new();
    let (ends, ending) = (host.clone(), connections.clone());
    tokio::spawn(async move {
        stop.signal().await;
        ends.stop_delivering();
        ending.graceful_shutdown(Some(grace)); // A sender that holds its connection open does not hold up the end.
        stop.signal().await;
        std::process::exit(CUT_OFF); // Whoever asks twice does not want to wait.
    });
    tokio::select! {
        served = server(listener, connections)?.serve(host.router().into_make_service()) => served?,
        () = hangups.reload(&host) => {}
    }
    if !host.shutdown().await.is_nothing() {
        std::process::exit(CUT_OFF); // Its log says what; dropping it might wait for a disk that never answers.
    }
    Ok(ExitCode::SUCCESS)
}

/// Serves what comes in at a listener, with an end to what a connection may take for its headers.
fn server(listener: TcpListener, connections: Handle<SocketAddr>) -> std::io::Result<Server<SocketAddr>> {
    // HTTP/1 alone: before it has told which version it speaks, a connection would have all the time that it likes.
    let mut server = axum_server::from_tcp(listener.into_std()?)?.handle(connections).http1_only();
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_TIMEOUT);
    Ok(server)
}

/// What ends a server: Ctrl-C, and what service managers send.
struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    #[cfg(unix)]
    fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(unix)]
    async fn signal(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn on_signals() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn signal(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// What has a server read its configuration again: SIGHUP, where there is such a signal.
struct Hangups {
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

impl Hangups {
    #[cfg(unix)]
    fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { hangup: signal(SignalKind::hangup())? })
    }

    /// Reloads at each of them, for as long as it is polled. The log tells what became of it.
    #[cfg(unix)]
    async fn reload(mut self, host: &Host) {
        while self.hangup.recv().await.is_some() {
            let _ = host.reload().await;
        }
        std::future::pending().await // There is no signal any more.
    }

    #[cfg(not(unix))]
    fn on_signals() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn reload(self, _: &Host) {
        std::future::pending().await
    }
}

/// What is served, for the one who started it.
fn show(config: &Config, address: SocketAddr, host: &Host) {
    let (catalog, warnings) = (&*host.plugins(), &*host.warnings());
    line(format_args!("{} {} on {}", paint(BOLD, "slashbox"), env!("CARGO_PKG_VERSION"), paint(BOLD, url(address))));
    show_sources(config, address);
    show_webhooks(&host.webhooks(), warnings);
    line(format_args!("\nplugins  {}", paint(DIM, config.plugins_dir.display())));
    for plugin in catalog.plugins() {
        show_plugin(plugin, &config.plugins_dir);
        show_warnings(warnings, &About::Plugin(plugin.id().clone()));
    }
    for (id, _) in catalog.standings().filter(|(_, standing)| **standing == Standing::Disabled) {
        line(format_args!("  {} {}", paint(BOLD, id), paint(ODD, "disabled by its grant file")));
    }
    for conflict in catalog.conflicts() {
        let others: Vec<String> = conflict.others.iter().map(ToString::to_string).collect();
        let owner = conflict.owner.as_ref().map(ToString::to_string);
        let (command, tenant) = (conflict.command.as_str(), conflict.tenant.as_deref());
        let what = words::conflict(command, tenant, owner.as_deref(), &others);
        line(format_args!("  {} {what}", paint(ODD, "conflict:")));
    }
    for (_, standing) in catalog.standings() {
        if let Some(problem) = standing.problem() {
            show_problem(problem, matches!(standing, Standing::LastGood(_)));
        }
    }
    catalog.odd_files().iter().for_each(|problem| show_problem(problem, false));
    if catalog.standings().next().is_none() {
        line(paint(ODD, "  none yet: drop a .wasm file into the folder"));
    }
    line("");
}

fn show_problem(problem: &Problem, last_good_serves: bool) {
    let what = words::not_served(&problem.path.display().to_string(), &problem.what, last_good_serves);
    line(format_args!("  {} {what}", paint(ODD, "not served:")));
}

fn show_sources(config: &Config, address: SocketAddr) {
    line("\nsources");
    for source in &config.sources {
        let url = format!("{}/in/{}", url(address), source.name());
        line(format_args!("  {}  {}  POST {url}", paint(BOLD, source.name()), source.dialect()));
    }
    if config.sources.is_empty() {
        line(paint(ODD, "  none yet: add a [[sources]] table to the configuration"));
    }
}

/// What somebody asks for in vain, below the one who does.
fn show_warnings(warnings: &[Warning], about: &About) {
    for warning in warnings.iter().filter(|warning| warning.about == *about) {
        line(format_args!("    {} {}", paint(ODD, "warning:"), plain(&warning.what)));
    }
}

fn show_webhooks(webhooks: &[WebhookInfo], warnings: &[Warning]) {
    if !webhooks.is_empty() {
        line("\nwebhooks");
    }
    for WebhookInfo { name, tenant, host, events, .. } in webhooks {
        line(format_args!("  {}  {host}  {}", paint(BOLD, name), paint(DIM, words::events(events))));
        show_warnings(warnings, &About::Webhook(WebhookId { tenant: tenant.clone(), name: name.clone() }));
    }
}

fn show_plugin(plugin: &Plugin, plugins_dir: &Path) {
    let descriptor = plugin.descriptor();
    let version = paint(DIM, &descriptor.version);
    line(format_args!("  {} {version}  {}", paint(BOLD, plugin.id()), descriptor.summary));
    for command in &descriptor.commands {
        let usage = paint(GOOD, words::usage(command.name.as_str(), &command.usage));
        line(format_args!("    {usage}  {}", paint(DIM, &command.summary)));
    }
    let grant = plugins_dir.join(format!("{}.toml", plugin.id()));
    for lack in plugin.lacks() {
        let table = match lack {
            Ask::Setting { .. } => "[settings]",
            Ask::HttpHost(_) | Ask::Events(_) => "allowed_hosts", // Events are never lacked.
        };
        let place = format!("{table} of {}", grant.display());
        line(format_args!("    {} {lack}, to be given in {place}", paint(ODD, "lacks")));
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}
