//! The floor of a delivery's request: reqwest with the same body to the same receiver, and nothing else.

use anyhow::{Result, anyhow, ensure};
use reqwest::{Client, Url, header::CONTENT_TYPE};
use slashbox_bench_round::{Laps, Order, answer};

use crate::{abreast, cpu, cpu::Timed, event, receiver::ANSWER_BODY};

/// Answers orders; what is to be done is the URL of the receiver.
pub(crate) fn run() -> Result<()> {
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // reqwest asks for one though no request here is encrypted.
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().map_err(|_| anyhow!("there is a provider of TLS already"))?;
    let client = Client::builder().no_proxy().build()?;
    answer(|order| {
        let before = cpu::ns();
        let round = abreast::round(&tokio, order, || laps(client.clone(), order.clone()))?;
        Ok(Timed::since(before, round))
    })
}

async fn laps(client: Client, order: Order) -> Result<Laps> {
    let url: Url = order.what.parse()?;
    let body = event::webhook_body();
    let mut laps = Laps::start(order.lasting);
    loop {
        let request = client.post(url.clone()).header(CONTENT_TYPE, "application/json").body(body.clone());
        let response = request.send().await?;
        ensure!(response.status().is_success(), "the receiver answered {}", response.status());
        ensure!(response.bytes().await? == ANSWER_BODY, "the receiver answered something else");
        if !laps.lap() {
            return Ok(laps);
        }
    }
}
