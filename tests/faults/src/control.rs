//! The words through which a test and the disk that fails for it talk: a file of `WORDS` little-endian 32-bit numbers.
//!
//! The test writes the first three, the disk all others. Both sides are built from this file, which holds nothing else.

/// How many words there are.
pub(crate) const WORDS: usize = 10;

/// The variable that names the file with the words.
pub(crate) const CONTROL: &str = "SLASHBOX_FAULTS_CONTROL";
/// The variable that names the directory whose files are meant, without links in it.
pub(crate) const BELOW: &str = "SLASHBOX_FAULTS_BELOW";

/// Which word tells what fails: one of the `FAULT_`s.
pub(crate) const FAULT: usize = 0;
/// Which word tells where the process kills itself: one of the `KILL_`s.
pub(crate) const KILL: usize = 1;
/// Which word counts how often it passes there before: 1 for the next time.
pub(crate) const COUNTDOWN: usize = 2;
/// Which word counts the syncs that have begun.
pub(crate) const SYNCS: usize = 3;
/// Which word counts the calls that are stuck now.
pub(crate) const STUCK: usize = 4;
/// Which word counts the calls that were made to fail.
pub(crate) const FAILED: usize = 5;
/// Which word tells the first byte of the write-ahead log that was written and not synced since.
pub(crate) const TORN_FROM: usize = 6;
/// Which word tells the end of those bytes; 0 if there are none.
pub(crate) const TORN_TO: usize = 7;

/// Which word tells the first byte of the log that a failed sync has lost: no later sync brings it onto the disk, only another
/// write.
pub(crate) const LOST_FROM: usize = 8;
/// Which word tells the end of those bytes; 0 if there are none.
pub(crate) const LOST_TO: usize = 9;

/// Nothing fails.
pub(crate) const FAULT_NONE: u32 = 0;
/// Nothing more fits onto the disk.
pub(crate) const FAULT_FULL: u32 = 1;
/// The file system has become read-only, as some do after an error.
pub(crate) const FAULT_READ_ONLY: u32 = 2;
/// What was written does not reach the disk.
pub(crate) const FAULT_SYNC: u32 = 3;
/// Syncs do not return until the fault is over.
pub(crate) const FAULT_STUCK: u32 = 4;

/// Nowhere.
pub(crate) const KILL_NONE: u32 = 0;
/// Before a sync of the write-ahead log.
pub(crate) const KILL_BEFORE_SYNC: u32 = 1;
/// After a sync of the write-ahead log, before anybody knows of it.
pub(crate) const KILL_AFTER_SYNC: u32 = 2;
/// After a write into the write-ahead log.
pub(crate) const KILL_AFTER_WRITE: u32 = 3;
