//! The request's body on its way out.
//!
//! Owns that it has the length that it said, that its own failure is told from everybody else's, and that it ends when
//! nobody waits for the answer any more. Collects nothing: it is asked for more when the connection takes more.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{Mutex, oneshot};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// A body as reqwest is given it.
pub(crate) struct Outgoing<B> {
    /// Never locked: reqwest wants a body that can be shared, and a mutex makes one of any.
    body: Mutex<Pin<Box<B>>>,
    /// What [`Outgoing::begin`] has found.
    first: Option<Result<Bytes, BoxError>>,
    /// Bytes still to come, if that is known.
    left: Option<u64>,
    /// Whether the connection has asked for it.
    taken: bool,
    /// Tells what went wrong, once. Its other end is there for as long as somebody waits for the answer.
    fault: Option<oneshot::Sender<Fault>>,
}

/// Why a body did not go out.
pub(crate) enum Fault {
    /// It failed by itself.
    Own(String),
    /// The connection has not asked for it, though it is not empty.
    Untaken,
}

impl<B> Outgoing<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// A body, and where its fault will be told. When that is dropped, the body fails, and with it the connection.
    pub(crate) fn new(body: B) -> (Self, oneshot::Receiver<Fault>) {
        let left = if body.is_end_stream() { Some(0) } else { body.size_hint().exact() };
        let (fault, told) = oneshot::channel();
        (Self { body: Mutex::new(Box::pin(body)), first: None, left, taken: false, fault: Some(fault) }, told)
    }

    /// Waits for the first bytes of a body of unknown length. After that, it is known whether it is empty.
    pub(crate) async fn begin(&mut self) {
        while self.left.is_none() && self.first.is_none() {
            match std::future::poll_fn(|cx| self.poll_chunk(cx)).await {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                None => self.left = Some(0),
                first => self.first = first,
            }
        }
    }

    /// The length that is announced.
    pub(crate) fn length(&self) -> Option<u64> {
        self.left
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        let frame = ready!(self.body.get_mut().as_mut().poll_frame(cx));
        Poll::Ready(match frame {
            // What is not data are trailers, after which nothing comes.
            Some(Ok(frame)) => frame.into_data().ok().map(Ok),
            Some(Err(error)) => Some(Err(error.into())),
            None => None,
        })
    }

    /// Holds the body to the length that it said: what is too long would be cut in silence.
    fn count(&mut self, chunk: Option<Result<Bytes, BoxError>>) -> Option<Result<Bytes, BoxError>> {
        match (chunk, &mut self.left) {
            (Some(Ok(chunk)), Some(left)) => match left.checked_sub(chunk.len() as u64) {
                Some(rest) => {
                    *left = rest;
                    Some(Ok(chunk))
                }
                None => Some(Err("it is longer than it said".into())),
            },
            (None, Some(left @ 1..)) => Some(Err(format!("it is {left} bytes shorter than it said").into())),
            (chunk, _) => chunk,
        }
    }
}

impl<B> Body for Outgoing<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        this.taken = true;
        let unwanted = this.fault.as_mut().is_none_or(|fault| fault.poll_closed(cx).is_ready());
        if unwanted {
            return Poll::Ready(Some(Err("nobody waits for the answer".into())));
        }
        let chunk = match this.first.take() {
            Some(first) => Some(first),
            None => ready!(this.poll_chunk(cx)),
        };
        let chunk = this.count(chunk);
        if let Some(Err(error)) = &chunk
            && let Some(fault) = this.fault.take()
        {
            let _ = fault.send(Fault::Own(error.to_string()));
        }
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map(SizeHint::with_exact).unwrap_or_default()
    }
}

impl<B> Drop for Outgoing<B> {
    fn drop(&mut self) {
        if !self.taken
            && self.left != Some(0)
            && let Some(fault) = self.fault.take()
        {
            let _ = fault.send(Fault::Untaken);
        }
    }
}
