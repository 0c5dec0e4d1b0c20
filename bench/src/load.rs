//! The load: connections that each send a request, wait for the answer, and send the next.
//!
//! One thread, plain sockets, one fixed request: it shares the cores with the server that it measures, so it is to be
//! cheap. Every answer is compared with what it must be.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Result, ensure};
use slashbox_bench_round::{Laps, Order, answer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{abreast, payload};

/// Larger than any answer.
const ANSWER_BYTES_MAX: usize = 4_096;

/// What is sent, and what must come back.
struct Exchange {
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// Answers orders; what is to be done is the address of a server.
pub(crate) fn run() -> Result<()> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exchange = Arc::new(Exchange { request: payload::request(), answer: payload::answer()? });
    answer(|order| abreast::round(&tokio, order, || laps(exchange.clone(), order.clone())))
}

async fn laps(exchange: Arc<Exchange>, order: Order) -> Result<Laps> {
    let mut stream = TcpStream::connect(order.what.parse::<SocketAddr>()?).await?;
    stream.set_nodelay(true)?;
    let mut buffer = [0; ANSWER_BYTES_MAX];
    let mut laps = Laps::start(order.lasting);
    loop {
        stream.write_all(&exchange.request).await?;
        read(&mut stream, &mut buffer, &exchange.answer).await?;
        if !laps.lap() {
            return Ok(laps);
        }
    }
}

/// Reads until the answer is whole: it ends with the body that is expected.
async fn read(stream: &mut TcpStream, buffer: &mut [u8], body: &[u8]) -> Result<()> {
    let mut bytes = 0;
    loop {
        let read = stream.read(buffer.get_mut(bytes..).unwrap_or_default()).await?;
        bytes += read;
        let answer = buffer.get(..bytes).unwrap_or_default();
        ensure!(read > 0, "the server answered something else: {}", String::from_utf8_lossy(answer));
        if answer.ends_with(body) {
            ensure!(answer.starts_with(b"HTTP/1.1 200 "), "the server did not answer 200");
            return Ok(());
        }
    }
}
