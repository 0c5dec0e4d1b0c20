//! What a process prints, line by line, while it still runs.

use std::{
    io::{BufRead, BufReader, Read},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use super::eventually;

/// The lines of one stream so far.
#[derive(Debug)]
pub(crate) struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
}

impl Lines {
    /// Reads a stream to its end, in a thread of its own.
    pub(super) fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let read = lines.clone();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                read.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
            }
        });
        Self { lines, reader }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.lines.lock().unwrap().len()
    }

    /// All so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits for a line that has all of the parts.
    pub(crate) async fn wait_for(&self, parts: &[&str]) -> String {
        self.wait_after(0, parts).await
    }

    /// Waits for such a line behind the first `count`.
    pub(crate) async fn wait_after(&self, count: usize, parts: &[&str]) -> String {
        eventually(&format!("a line with {parts:?}"), async || self.find_after(count, parts)).await
    }

    fn find_after(&self, count: usize, parts: &[&str]) -> Option<String> {
        let lines = self.lines.lock().unwrap();
        lines.iter().skip(count).find(|line| parts.iter().all(|part| line.contains(part))).cloned()
    }

    /// The whole text, once the stream has ended.
    pub(super) fn into_text(self) -> String {
        self.reader.join().unwrap();
        let lines = self.lines.lock().unwrap();
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}
