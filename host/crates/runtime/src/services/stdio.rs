//! A guest's stdout and stderr, line by line into its log.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    async_trait,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use super::GuestLog;
use crate::bindings::slashbox::plugin::log::Level;

/// The most bytes of a line before it is written although it has not ended.
const LINE_BYTES_MAX: usize = 4_096;

/// What one `write` takes.
const WRITE_BYTES_MAX: usize = 65_536;

/// One of a guest's two outputs. Every handle that the guest opens continues the same line.
#[derive(Clone)]
pub(crate) struct Stdio {
    line: Arc<Line>,
}

struct Line {
    log: Arc<GuestLog>,
    level: Level,
    bytes: Mutex<Vec<u8>>,
}

impl Stdio {
    /// Stdout: lines at `info`.
    pub(crate) fn out(log: Arc<GuestLog>) -> Self {
        Self { line: Arc::new(Line { log, level: Level::Info, bytes: Mutex::default() }) }
    }

    /// Stderr: lines at `warn`.
    pub(crate) fn err(log: Arc<GuestLog>) -> Self {
        Self { line: Arc::new(Line { log, level: Level::Warn, bytes: Mutex::default() }) }
    }
}

impl Line {
    fn append(&self, bytes: &[u8]) {
        // A poisoned lock still holds whole bytes; at worst a line is torn.
        let mut line = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.flush(&mut line);
            }
            while line.len() >= LINE_BYTES_MAX {
                // A character that is cut off here may be whole with what comes next.
                let end = end_of_character(&line);
                let rest = line.split_off(end);
                self.flush(&mut line);
                *line = rest;
            }
        }
    }

    fn flush(&self, line: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(line);
        if !text.trim().is_empty() {
            self.log.write(self.level, &text);
        }
        line.clear();
    }
}

/// Where to cut a line of `LINE_BYTES_MAX` or more: there, or a little before, if a character would be torn.
fn end_of_character(line: &[u8]) -> usize {
    let begins = |at: &usize| line.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    (LINE_BYTES_MAX - 3..=LINE_BYTES_MAX).rev().find(begins).unwrap_or(LINE_BYTES_MAX)
}

/// A last line without an end is written when the guest is gone.
impl Drop for Line {
    fn drop(&mut self) {
        let mut line = std::mem::take(self.bytes.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.flush(&mut line);
    }
}

impl IsTerminal for Stdio {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stdio {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Stdio {
    async fn ready(&mut self) {}
}

impl OutputStream for Stdio {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.line.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

impl AsyncWrite for Stdio {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.line.append(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let line = |before: usize| [&b"x".repeat(before)[..], "é😀".as_bytes(), b"y"].concat();
        assert_eq!(end_of_character(&line(LINE_BYTES_MAX)), LINE_BYTES_MAX);
        assert_eq!(end_of_character(&line(LINE_BYTES_MAX - 1)), LINE_BYTES_MAX - 1);
        assert_eq!(end_of_character(&line(LINE_BYTES_MAX - 2)), LINE_BYTES_MAX);
        assert_eq!(end_of_character(&line(LINE_BYTES_MAX - 5)), LINE_BYTES_MAX - 3);
        // What is no text at all is cut where it must be.
        assert_eq!(end_of_character(&[0x80; LINE_BYTES_MAX + 1]), LINE_BYTES_MAX);
    }
}
