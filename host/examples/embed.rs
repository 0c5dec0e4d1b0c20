//! A service that hosts plugins in its own process: one tenant per customer, commands over HTTP and from the program.

use slashbox::{Host, NewCommand, Source};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    slashbox::telemetry::start_log("info,embed=info", slashbox::telemetry::LogFormat::Text)?;
    let scratch = std::env::temp_dir().join(format!("slashbox-embed-{}", std::process::id()));
    let host = Host::builder()
        .plugins_dir(std::env::args().nth(1).unwrap_or_else(|| "target/plugins".into()))
        .data_dir(&scratch)
        .source(Source::hotline("acme", "the key that Acme's Hotline sends")?.tenant("acme")?)
        .build()
        .await?;

    // Mount the routes wherever the service serves its own: here below /plugins.
    let app = axum::Router::new().nest("/plugins", host.router());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    // Or give it commands without HTTP.
    let command = NewCommand::new("/mark").args("deal").conversation("42").operator("anna");
    let answer = host.command("acme", command).await?;
    tracing::info!(outcome = answer.outcome.name(), by = answer.by.name(), "answered");

    server.abort();
    host.shutdown().await;
    std::fs::remove_dir_all(scratch)?;
    Ok(())
}
