//! Bodies of requests: one that a test feeds by hand, and one that never ends.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

pub(crate) type Feed = mpsc::UnboundedSender<io::Result<Frame<Bytes>>>;

/// What is fed; it ends when the feed is dropped, and the feed is closed when it is dropped.
pub(crate) struct Source {
    fed: mpsc::UnboundedReceiver<io::Result<Frame<Bytes>>>,
    length: Option<u64>,
}

/// A body that is fed, and the length that it says it has.
pub(crate) fn source(length: Option<u64>) -> (Feed, Source) {
    let (feed, fed) = mpsc::unbounded_channel();
    (feed, Source { fed, length })
}

/// A body of these chunks and nothing more.
pub(crate) fn whole(length: Option<u64>, chunks: &[&'static str]) -> Source {
    let (feed, source) = source(length);
    chunks.iter().for_each(|chunk| feed.send(data(chunk)).unwrap());
    source
}

pub(crate) fn data(chunk: &'static str) -> io::Result<Frame<Bytes>> {
    Ok(Frame::data(Bytes::from_static(chunk.as_bytes())))
}

impl Body for Source {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.fed.poll_recv(cx)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map(SizeHint::with_exact).unwrap_or_default()
    }
}

pub(crate) static CHUNK: [u8; 64 * 1024] = [b'x'; 64 * 1024];

/// A body without end, which counts the bytes that it was asked for.
pub(crate) struct Endless(pub(crate) Arc<AtomicUsize>);

impl Body for Endless {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.fetch_add(CHUNK.len(), Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&CHUNK)))))
    }
}
