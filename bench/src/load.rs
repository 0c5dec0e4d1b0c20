//! The load: connections that each send a request, wait for the answer, and send the next.
//!
//! One thread, plain sockets, requests that are made beforehand: it shares the cores with the server that it measures, so
//! it is to be cheap. Every answer is compared with what it must be.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use slashbox_bench_round::{Laps, Order, answer};

use crate::{
    abreast,
    connection::Connection,
    event::{self, Template},
    payload,
};

/// How long the last answer of a round may take.
const LATE_MAX: Duration = Duration::from_secs(30);

/// What is sent.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum What {
    /// The same command again and again.
    Command,
    /// Events, each another one.
    Events,
}

/// What is sent, and what must come back.
enum Exchange {
    Command {
        request: Vec<u8>,
        answer: Vec<u8>,
    },
    Events {
        request: Template,
        /// How many were sent by all connections in all rounds.
        sent: AtomicU64,
    },
}

impl Exchange {
    fn of(what: What) -> Result<Self> {
        Ok(match what {
            What::Command => Self::Command { request: payload::request(), answer: payload::answer()? },
            What::Events => Self::Events { request: Template::request()?, sent: AtomicU64::new(0) },
        })
    }
}

/// Answers orders; what is to be done is the address of a server.
pub(crate) fn run(what: What) -> Result<()> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exchange = Arc::new(Exchange::of(what)?);
    answer(|order| abreast::round(&tokio, order, || laps(exchange.clone(), order.clone())))
}

async fn laps(exchange: Arc<Exchange>, order: Order) -> Result<Laps> {
    let late = order.lasting + LATE_MAX;
    tokio::time::timeout(late, send(&exchange, &order)).await.context("a request was not answered as it must be")?
}

async fn send(exchange: &Exchange, order: &Order) -> Result<Laps> {
    let mut connection = Connection::to(order.what.parse()?).await?;
    match exchange {
        Exchange::Command { request, answer } => {
            let mut laps = Laps::start(order.lasting);
            loop {
                connection.exchange(request, |got| Ok(got.ends_with(answer))).await?;
                if !laps.lap() {
                    return Ok(laps);
                }
            }
        }
        Exchange::Events { request, sent } => {
            let mut request = request.clone();
            let mut laps = Laps::start(order.lasting);
            loop {
                let request = request.number(sent.fetch_add(1, Ordering::Relaxed))?;
                connection.exchange(request, |got| Ok(event::is_answered(got))).await?;
                if !laps.lap() {
                    return Ok(laps);
                }
            }
        }
    }
}
