//! The disk below a host's data directory, which fails as a test says. On Linux alone: see `tests/faults`.

use std::{
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    path::PathBuf,
};

use super::{Site, binary, eventually};

#[path = "../../faults/src/control.rs"]
#[allow(dead_code, reason = "each side reads the words that it needs")]
mod control;

use control::*;

/// What a disk writes at once.
const SECTOR_BYTES: usize = 512;

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Nothing more fits onto the disk.
    Full,
    /// The file system has become read-only.
    ReadOnly,
    /// What was written does not reach the disk.
    Sync,
    /// Syncs do not return until this is over.
    Stuck,
}

/// Where the host kills itself, the count-th time that it passes there from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Before a sync of the write-ahead log: in a commit, all of it written, none of it certain.
    BeforeSync,
    /// After one, before anybody has been told.
    AfterSync,
    /// After a write into it: in the middle of a commit.
    AfterWrite,
}

/// The disk of every host of a site.
#[derive(Debug)]
pub(crate) struct Disk {
    control: PathBuf,
    log: PathBuf,
}

impl Disk {
    /// Sound so far. None where there is no such disk; then the test says that it is skipped.
    pub(crate) fn of(site: &mut Site, test: &str) -> Option<Self> {
        if !cfg!(target_os = "linux") {
            super::skipped(test, "a disk that fails is for Linux");
            return None;
        }
        site.write("disk", [0; WORDS * size_of::<u32>()]);
        let (control, below) = (site.path("disk"), fs::canonicalize(site.dir()).unwrap().join("data"));
        let text = |path: &PathBuf| path.to_str().unwrap().to_owned();
        site.set_variable("LD_PRELOAD", &text(&binary::faults()));
        site.set_variable(CONTROL, &text(&control));
        site.set_variable(BELOW, &text(&below));
        Some(Self { control, log: below.join("slashbox.db-wal") })
    }

    /// From now on it fails so.
    pub(crate) fn set(&self, fault: Fault) {
        let word = match fault {
            Fault::None => FAULT_NONE,
            Fault::Full => FAULT_FULL,
            Fault::ReadOnly => FAULT_READ_ONLY,
            Fault::Sync => FAULT_SYNC,
            Fault::Stuck => FAULT_STUCK,
        };
        self.write(FAULT, word);
    }

    /// The host dies there.
    pub(crate) fn kill_at(&self, place: Place, count: u32) {
        self.write(KILL, KILL_NONE);
        self.write(COUNTDOWN, count);
        self.write(
            KILL,
            match place {
                Place::BeforeSync => KILL_BEFORE_SYNC,
                Place::AfterSync => KILL_AFTER_SYNC,
                Place::AfterWrite => KILL_AFTER_WRITE,
            },
        );
    }

    /// Nobody dies any more.
    pub(crate) fn spare(&self) {
        self.write(KILL, KILL_NONE);
    }

    /// How many calls were made to fail so far.
    pub(crate) fn failed(&self) -> u32 {
        self.read(FAILED)
    }

    /// Waits until somebody waits for the disk.
    pub(crate) async fn stuck(&self) {
        eventually("a sync that is stuck", async || (self.read(STUCK) > 0).then_some(())).await;
    }

    /// What a loss of power may do, after the host's death: of what was written into the log and not synced, or lost by a
    /// sync that failed, each sector is as it was written, or empty, or anything, as `chance` says. Tells how many bytes that
    /// is about.
    pub(crate) fn lose_power(&self, mut chance: impl FnMut() -> u8) -> usize {
        let Ok(mut log) = fs::read(&self.log) else { return 0 };
        let mut bytes = 0;
        for (first, end) in [(TORN_FROM, TORN_TO), (LOST_FROM, LOST_TO)] {
            let (from, to) = (self.read(first) as usize, (self.read(end) as usize).min(log.len()));
            self.write(end, 0);
            for sector in log.get_mut(from..to).unwrap_or_default().chunks_mut(SECTOR_BYTES) {
                bytes += sector.len();
                match chance() % 3 {
                    0 => {}
                    1 => sector.fill(0),
                    _ => sector.fill_with(&mut chance),
                }
            }
        }
        fs::write(&self.log, log).unwrap();
        bytes
    }

    fn read(&self, index: usize) -> u32 {
        let words = fs::read(&self.control).unwrap();
        u32::from_le_bytes(words[index * 4..][..4].try_into().unwrap())
    }

    /// In place: the host has the file's pages before it.
    fn write(&self, index: usize, word: u32) {
        let mut control = File::options().write(true).open(&self.control).unwrap();
        control.seek(SeekFrom::Start(index as u64 * 4)).unwrap();
        control.write_all(&word.to_le_bytes()).unwrap();
    }
}
