//! The remote that webhooks go to: takes every request, counts it, and answers 200.
//!
//! One thread, plain sockets: it shares the cores with whoever sends, so it is to be cheap. It can be told to keep its
//! answers back for a while, so that deliveries pile up and their cost can be measured alone.

use std::{
    io::{self, BufRead},
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use anyhow::{Result, ensure};
use slashbox_bench_round::say;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::connection::is_whole;

/// Larger than any request.
pub(crate) const REQUEST_BYTES_MAX: usize = 8_192;

pub(crate) const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// The body that [`ANSWER`] has.
pub(crate) const ANSWER_BODY: &str = "ok";

/// Says where it listens, and then does what it is told: `hold` keeps answers back, `release` gives them, and to every
/// line it answers how many requests were answered so far.
pub(crate) fn run() -> Result<()> {
    let (hold, held) = watch::channel(false);
    let answered = Arc::new(AtomicU64::new(0));
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = tokio.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    say(&listener.local_addr()?.to_string())?;
    let count = answered.clone();
    thread::spawn(move || tokio.block_on(serve(listener, held, count)));
    for line in io::stdin().lock().lines() {
        match line?.as_str() {
            "hold" => hold.send_replace(true),
            "release" => hold.send_replace(false),
            _ => false,
        };
        say(&answered.load(Ordering::Relaxed).to_string())?;
    }
    Ok(())
}

async fn serve(listener: TcpListener, held: watch::Receiver<bool>, answered: Arc<AtomicU64>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (held, answered) = (held.clone(), answered.clone());
        tokio::spawn(async move {
            if let Err(error) = take(stream, held, &answered).await {
                eprintln!("bench: the receiver failed: {error:#}");
            }
        });
    }
}

async fn take(mut stream: TcpStream, mut held: watch::Receiver<bool>, answered: &AtomicU64) -> Result<()> {
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
            held.wait_for(|held| !held).await?;
            answered.fetch_add(1, Ordering::Relaxed);
            stream.write_all(ANSWER).await?;
            bytes = 0;
        }
    }
}
