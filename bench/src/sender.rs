//! The floor of a delivery's request: reqwest with the same body to the same receiver, and nothing else.

use anyhow::{Result, ensure};
use reqwest::{Client, Url, header::CONTENT_TYPE};
use slashbox_bench_round::{Laps, Order, answer};

use crate::{abreast, cpu, cpu::Timed, event, receiver::ANSWER_BODY};

/// Answers orders; what is to be done is the URL of the receiver.
pub(crate) fn run() -> Result<()> {
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
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
