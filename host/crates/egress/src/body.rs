//! Reads an answer's body up to a limit.
//!
//! Owns the limit on size; the limit on time is its caller's. Whatever is left unread goes with the connection.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// The body, and whether it is the whole one.
///
/// The common answer comes in one piece, which is passed on as it is.
pub(crate) async fn read(mut body: Incoming, bytes_max: usize) -> Result<(Bytes, bool), hyper::Error> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // Anything else is a trailer, which nobody asked for.
        let Ok(data) = frame?.into_data() else { continue };
        let have = first.len() + all.len();
        if have + data.len() > bytes_max {
            all = joined(first, all);
            all.extend_from_slice(data.get(..bytes_max - have).unwrap_or(&data));
            return Ok((all.freeze(), false));
        }
        if have == 0 {
            first = data;
        } else {
            all = joined(std::mem::take(&mut first), all);
            all.extend_from_slice(&data);
        }
    }
    let body = if all.is_empty() { first } else { all.freeze() };
    Ok((body, true))
}

/// Invariant of [`read`]: one of the two is empty.
fn joined(first: Bytes, all: BytesMut) -> BytesMut {
    if first.is_empty() { all } else { BytesMut::from(first) }
}
