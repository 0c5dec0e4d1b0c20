//! A connection to a server: a request is sent, its answer read, the next one sent.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Larger than any answer.
const ANSWER_BYTES_MAX: usize = 8_192;

/// How every answer begins.
const OK: &[u8] = b"HTTP/1.1 200 ";

/// A connection that is used again and again.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: [u8; ANSWER_BYTES_MAX],
}

impl Connection {
    pub(crate) async fn to(server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: [0; ANSWER_BYTES_MAX] })
    }

    /// Sends a request, and reads until the answer is whole. Its status must be 200.
    pub(crate) async fn exchange(&mut self, request: &[u8], is_whole: impl Fn(&[u8]) -> Result<bool>) -> Result<&[u8]> {
        self.stream.write_all(request).await?;
        let mut bytes = 0;
        loop {
            let read = self.stream.read(self.buffer.get_mut(bytes..).unwrap_or_default()).await?;
            bytes += read;
            let answer = self.buffer.get(..bytes).unwrap_or_default();
            ensure!(read > 0, "the server answered something else: {}", String::from_utf8_lossy(answer));
            ensure!(bytes < OK.len() || answer.starts_with(OK), "{}", String::from_utf8_lossy(answer));
            if is_whole(answer)? {
                return Ok(self.buffer.get(..bytes).unwrap_or_default());
            }
        }
    }
}

/// Whether a message of HTTP is there with its body. Its head is as hyper writes it.
pub(crate) fn is_whole(message: &[u8]) -> Result<bool> {
    let Some(end) = message.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(false) };
    let head = std::str::from_utf8(message.get(..end).unwrap_or_default())?;
    let (_, length) = head.split_once("\r\ncontent-length: ").context("the message does not say how long it is")?;
    let length: usize = length.lines().next().unwrap_or_default().parse()?;
    match message.len().cmp(&(end + 4 + length)) {
        std::cmp::Ordering::Less => Ok(false),
        std::cmp::Ordering::Equal => Ok(true),
        std::cmp::Ordering::Greater => bail!("a message came before the one before was answered"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_whole_with_its_last_byte() {
        let message = b"POST / HTTP/1.1\r\ncontent-length: 3\r\nhost: x\r\n\r\nabc";
        assert!(is_whole(message).unwrap());
        assert!((0..message.len()).all(|bytes| !is_whole(&message[..bytes]).unwrap()));
        assert!(is_whole(b"POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\nx").is_err());
        assert!(is_whole(b"POST / HTTP/1.1\r\nhost: x\r\n\r\n").is_err());
    }
}
