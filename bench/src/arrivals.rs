//! Somebody who sends events and is the remote that they are delivered to: how long each is on its way, from the request to
//! the source to the webhook's own.
//!
//! One event at a time, one thread, plain sockets.

use std::{
    io::{self, BufRead},
    net::Ipv4Addr,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use slashbox_bench_round::{Laps, Order, Round, say};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::{
    connection::{Connection, is_whole},
    event::{self, Template},
    receiver::{ANSWER, REQUEST_BYTES_MAX},
};

/// How long an event may be on its way.
const LATE_MAX: Duration = Duration::from_secs(30);

/// Says where it listens, and then answers orders; what is to be done is the address of a server.
pub(crate) fn run() -> Result<()> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = tokio.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    say(&listener.local_addr()?.to_string())?;
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    tokio.spawn(take(listener, arrived));
    let mut sent = 0;
    for line in io::stdin().lock().lines() {
        let order: Order = line?.parse()?;
        say(&tokio.block_on(round(&order, &mut arrivals, &mut sent))?.to_string())?;
    }
    Ok(())
}

async fn round(order: &Order, arrivals: &mut mpsc::UnboundedReceiver<()>, sent: &mut u64) -> Result<Round> {
    let mut connection = Connection::to(order.what.parse()?).await?;
    let mut request = Template::request()?;
    let mut laps = Laps::start(order.lasting);
    loop {
        connection.exchange(request.number(*sent)?, |got| Ok(event::is_answered(got))).await?;
        *sent += 1;
        let arrived = tokio::time::timeout(LATE_MAX, arrivals.recv()).await;
        arrived.context("an event did not arrive in time")?.context("nobody takes what arrives")?;
        if !laps.lap() {
            return Round::of(vec![laps]);
        }
    }
}

async fn take(listener: TcpListener, arrived: mpsc::UnboundedSender<()>) {
    while let Ok((stream, _)) = listener.accept().await {
        let arrived = arrived.clone();
        tokio::spawn(async move {
            if let Err(error) = take_from(stream, &arrived).await {
                eprintln!("bench: the receiver failed: {error:#}");
            }
        });
    }
}

async fn take_from(mut stream: TcpStream, arrived: &mpsc::UnboundedSender<()>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; REQUEST_BYTES_MAX];
    let mut bytes = 0;
    loop {
        let read = stream.read(buffer.get_mut(bytes..).unwrap_or_default()).await?;
        bytes += read;
        if read == 0 {
            ensure!(bytes == 0, "the sender broke off after {bytes} bytes");
            return Ok(());
        }
        if is_whole(buffer.get(..bytes).unwrap_or_default())? {
            // Nobody waits for it any longer once the round is over.
            let _ = arrived.send(());
            stream.write_all(ANSWER).await?;
            bytes = 0;
        }
    }
}
