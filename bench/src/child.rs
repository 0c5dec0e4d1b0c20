//! A process that is measured: started, given orders line by line, ended with the last of them.

use std::{
    env,
    ffi::OsStr,
    fs::File,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{self, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use slashbox_bench_round::{Order, Round};

/// A running process. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    name: String,
    process: process::Child,
    /// None once it is to end.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// What it said when it was ready.
    pub(crate) greeting: String,
}

impl Child {
    /// One of this program's own commands.
    pub(crate) fn own(arguments: &[&OsStr]) -> Result<Self> {
        let program = env::current_exe().context("cannot tell where this program is")?;
        Self::start(&program, arguments)
    }

    /// The same, with its log in a file: what it says there is no news for the person at the terminal.
    pub(crate) fn own_logging(arguments: &[&OsStr], log: &Path) -> Result<Self> {
        let program = env::current_exe().context("cannot tell where this program is")?;
        let log = File::create(log).context("cannot make a file for the log")?;
        Self::start_with(&program, arguments, log.into())
    }

    /// Another program.
    pub(crate) fn start(program: &Path, arguments: &[&OsStr]) -> Result<Self> {
        Self::start_with(program, arguments, Stdio::inherit())
    }

    fn start_with(program: &Path, arguments: &[&OsStr], log: Stdio) -> Result<Self> {
        let words: Vec<_> = [program.file_name().unwrap_or_default()].iter().chain(arguments).copied().collect();
        let name = words.join(OsStr::new(" ")).to_string_lossy().into_owned();
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut process = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let answers = process.stdout.take().context("the process has no output")?;
        let orders = process.stdin.take();
        let mut child = Self { name, process, orders, answers: BufReader::new(answers), greeting: String::new() };
        child.greeting = child.hear()?;
        Ok(child)
    }

    /// Gives a line and waits for the line that answers it.
    pub(crate) fn ask(&mut self, line: &str) -> Result<String> {
        let orders = self.orders.as_mut().context("the process is to end")?;
        writeln!(orders, "{line}").with_context(|| format!("{} has ended", self.name))?;
        self.hear()
    }

    /// Has it run a round.
    pub(crate) fn round(&mut self, order: &Order) -> Result<Round> {
        self.ask(&order.to_string())?.parse()
    }

    /// The processor time that a server has used so far, in nanoseconds.
    pub(crate) fn cpu_ns(&mut self) -> Result<f64> {
        Ok(self.ask("cpu")?.parse()?)
    }

    /// What the system calls it.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).with_context(|| format!("{} cannot be heard", self.name))?;
        ensure!(read > 0, "{} ended before it answered", self.name);
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It ends by itself when nobody can give orders any more, and cleans up first.
        drop(self.orders.take());
        let _ = self.process.wait(); // There is nothing left to do if it cannot be waited for.
    }
}
