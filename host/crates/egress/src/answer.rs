//! The answer on its way in, and with it the exchange, which lives for as long as somebody waits for the answer.
//!
//! Owns the limit on an exchange's time, and that nothing of it is left when it ends: whatever ends it drops the answer's
//! body and what the request's body is tied to, and either takes the connection along.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::time::Sleep;

use crate::error::{OpenError, Phase, SendError};
use crate::outgoing::Fault;
use crate::target::Target;

/// The body of an answer, as it comes. Dropping it drops the connection, unless the body has ended; a connection whose
/// request's body has not ended goes in either case.
///
/// The limit on time goes on while it is read: after it, there is an error in place of what is still to come. Who neither
/// reads nor drops it has the connection for longer. An error is the last that comes. Trailers are left out.
pub struct AnswerBody(Option<Arriving>);

struct Arriving {
    body: reqwest::Body,
    exchange: Exchange,
}

/// One request and its answer.
pub(crate) struct Exchange {
    authority: String,
    total: Duration,
    deadline: Pin<Box<Sleep>>,
    /// What went wrong with the request's body, which ends when this is dropped.
    fault: oneshot::Receiver<Fault>,
}

impl Exchange {
    /// Time begins.
    pub(crate) fn begin(target: &Target, total: Duration, fault: oneshot::Receiver<Fault>) -> Self {
        let deadline = Box::pin(tokio::time::sleep(total));
        Self { authority: target.authority().to_owned(), total, deadline, fault }
    }

    /// Waits for the answer's headers.
    pub(crate) async fn answer(
        &mut self,
        asked: impl Future<Output = reqwest::Result<reqwest::Response>>,
    ) -> Result<reqwest::Response, OpenError> {
        let answer = tokio::select! {
            biased;
            answer = asked => answer.map_err(|error| self.failed(&error))?,
            () = &mut self.deadline => return Err(self.timeout(Phase::Answer)),
        };
        match self.fault.try_recv() {
            Ok(fault) => Err(self.blame(fault)),
            Err(_) => Ok(answer),
        }
    }

    /// Sorts a failure. That the request's body failed is its cause, and not always in it: what the connection says to
    /// who reads the answer is only that it ended.
    fn failed(&mut self, error: &reqwest::Error) -> OpenError {
        match self.fault.try_recv() {
            Ok(fault @ Fault::Own(_)) => self.blame(fault),
            _ => SendError::from_reqwest(error, &self.authority).into(),
        }
    }

    fn blame(&self, fault: Fault) -> OpenError {
        let authority = self.authority.clone();
        match fault {
            Fault::Own(cause) => OpenError::Body { authority, cause },
            Fault::Untaken => {
                let cause = "it speaks HTTP/1.0, which has no bodies of unknown length".to_owned();
                SendError::Broken { authority, cause }.into()
            }
        }
    }

    fn timeout(&self, phase: Phase) -> OpenError {
        SendError::timeout(&self.authority, phase, self.total).into()
    }
}

impl Arriving {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, OpenError>>> {
        // First, so that a body which never keeps its reader waiting ends as well.
        if self.exchange.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(self.exchange.timeout(Phase::Body))));
        }
        Poll::Ready(match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            // What is not data are trailers, after which nothing comes.
            Some(Ok(frame)) => frame.into_data().ok().map(Ok),
            Some(Err(error)) => Some(Err(self.exchange.failed(&error))),
            None => None,
        })
    }
}

impl AnswerBody {
    pub(crate) fn new(answer: reqwest::Response, exchange: Exchange) -> Self {
        Self(Some(Arriving { body: answer.into(), exchange }))
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = OpenError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, OpenError>>> {
        let Some(arriving) = &mut self.0 else { return Poll::Ready(None) };
        let chunk = ready!(arriving.poll_chunk(cx));
        if !matches!(chunk, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|arriving| arriving.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or(SizeHint::with_exact(0), |arriving| arriving.body.size_hint())
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.0.as_ref().map(|arriving| &arriving.exchange.authority);
        f.debug_struct("AnswerBody").field("from", &authority).finish_non_exhaustive()
    }
}
