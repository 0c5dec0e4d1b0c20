//! Callers that go on until they are told to stop: what is under way while something else is measured.
//!
//! One thread, plain sockets. It can be told to wait until an answer comes that it has been told of, and counts them by
//! that. What is no answer at all, or none that was told of, is counted too, and the first of them told.

use std::{
    fmt::Display,
    io::{self, BufRead},
    net::SocketAddr,
    str,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use slashbox_bench_round::say;
use tokio::task::JoinSet;

use crate::{
    child::Child,
    connection::{Connection, is_whole},
    payload,
};

/// How often it is looked whether an answer has come.
const LOOK: Duration = Duration::from_micros(200);

/// How long an answer may be waited for: a plugin of 20 MiB is compiled within half of that on a slow machine.
const WAIT_MAX: Duration = Duration::from_secs(240);

/// Who calls: so many connections that type the same command again and again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Callers {
    pub(crate) command: String,
    pub(crate) args: String,
    pub(crate) connections: usize,
    /// The answers that are known.
    pub(crate) known: Vec<Known>,
}

/// A kind of answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Known {
    /// What stands in it.
    pub(crate) part: String,
    /// How long a connection waits after it.
    pub(crate) pause_ms: u64,
}

impl Known {
    pub(crate) fn new(part: &str, pause_ms: u64) -> Self {
        Self { part: part.into(), pause_ms }
    }
}

/// What callers got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Got {
    /// How many answers were of each known kind, …
    pub(crate) known: Vec<u64>,
    /// … and of none.
    pub(crate) others: u64,
    /// The first of those.
    pub(crate) other: Option<String>,
}

/// What the process is told.
#[derive(Debug, Serialize, Deserialize)]
enum Order {
    Begin {
        server: SocketAddr,
        all: Vec<Callers>,
    },
    /// Wait for an answer of that kind to the first callers that comes from now on.
    Await {
        known: usize,
    },
    /// Stop, and tell what each of the callers got.
    End,
}

/// The process, for whoever gives it orders.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start() -> Result<Self> {
        Ok(Self(Child::own(&["callers".as_ref()])?))
    }

    /// Has them call from now on.
    pub(crate) fn begin(&mut self, server: &str, all: Vec<Callers>) -> Result<()> {
        self.ask(&Order::Begin { server: server.parse()?, all }).map(drop)
    }

    /// Waits for an answer of that kind to the first of them.
    pub(crate) fn wait_for(&mut self, known: usize) -> Result<()> {
        self.ask(&Order::Await { known }).map(drop)
    }

    /// Has them stop. What each got.
    pub(crate) fn end(&mut self) -> Result<Vec<Got>> {
        Ok(serde_json::from_str(&self.ask(&Order::End)?)?)
    }

    fn ask(&mut self, order: &Order) -> Result<String> {
        self.0.ask(&serde_json::to_string(order)?)
    }
}

/// Answers orders.
pub(crate) fn run() -> Result<()> {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut calling: Option<Calling> = None;
    say("ready")?;
    for line in io::stdin().lock().lines() {
        match serde_json::from_str(&line?)? {
            Order::Begin { server, all } => {
                calling = Some(tokio.block_on(Calling::begin(server, all))?);
                say("begun")?;
            }
            Order::Await { known } => {
                let tally = calling.as_ref().and_then(|calling| calling.tallies.first());
                wait_for(tally.context("nobody calls")?, known)?;
                say("come")?;
            }
            Order::End => {
                let Calling { tallies, tasks } = calling.take().context("nobody calls")?;
                drop(tasks);
                let got: Vec<Got> = tallies.iter().map(|tally| tally.got()).collect();
                say(&serde_json::to_string(&got)?)?;
            }
        }
    }
    Ok(())
}

fn wait_for(tally: &Tally, known: usize) -> Result<()> {
    let count = || tally.known.get(known).map(|count| count.load(Relaxed)).context("no such kind of answer");
    let (before, began) = (count()?, Instant::now());
    while count()? == before {
        ensure!(began.elapsed() < WAIT_MAX, "no answer of kind {known} came, but {:?}", tally.got());
        thread::sleep(LOOK);
    }
    Ok(())
}

/// Callers under way. They stop when this is dropped.
struct Calling {
    tallies: Vec<Arc<Tally>>,
    tasks: JoinSet<()>,
}

impl Calling {
    /// All are connected when this returns.
    async fn begin(server: SocketAddr, all: Vec<Callers>) -> Result<Self> {
        let (mut tallies, mut tasks) = (Vec::new(), JoinSet::new());
        for callers in all {
            let known = callers.known.iter().map(|_| AtomicU64::new(0)).collect();
            let (tally, callers) = (Arc::new(Tally { known, ..Tally::default() }), Arc::new(callers));
            for _ in 0..callers.connections {
                let connection = Connection::to(server).await?;
                tasks.spawn(call(connection, callers.clone(), tally.clone()));
            }
            tallies.push(tally);
        }
        Ok(Self { tallies, tasks })
    }
}

/// What a group's callers have got so far.
#[derive(Default)]
struct Tally {
    known: Vec<AtomicU64>,
    others: AtomicU64,
    other: OnceLock<String>,
}

impl Tally {
    fn note_other(&self, text: impl Display) {
        self.others.fetch_add(1, Relaxed);
        self.other.get_or_init(|| text.to_string());
    }

    fn got(&self) -> Got {
        let known = self.known.iter().map(|count| count.load(Relaxed)).collect();
        Got { known, others: self.others.load(Relaxed), other: self.other.get().cloned() }
    }
}

/// Until it is stopped, or has no answer.
async fn call(mut connection: Connection, callers: Arc<Callers>, tally: Arc<Tally>) {
    let request = payload::request_of(&callers.command, &callers.args);
    loop {
        let answer = match connection.exchange(&request, is_whole).await {
            Ok(answer) => str::from_utf8(answer).unwrap_or_default(),
            Err(error) => return tally.note_other(format_args!("{error:#}")),
        };
        let Some(at) = callers.known.iter().position(|known| answer.contains(&known.part)) else {
            tally.note_other(answer);
            continue;
        };
        if let Some(count) = tally.known.get(at) {
            count.fetch_add(1, Relaxed);
        }
        let pause_ms = callers.known.get(at).map_or(0, |known| known.pause_ms);
        if pause_ms > 0 {
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
    }
}
