//! A disk that fails as a test says: preloaded (`LD_PRELOAD`) into the `slashbox` that is tested, it stands in for the C
//! library's functions by which files are written, for the files below one directory.
//!
//! Never linked into anything, and on Linux alone: elsewhere it is empty. What fails, and where the process is to die, a test
//! writes into a file that is mapped here, at any time; what has happened is told there too (`control.rs`).
//!
//! Invariant: whatever is not below the directory, and everything while no fault is set, does what it does without it.

#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "each side reads the words that it needs")]
mod control;

use std::{
    ffi::{CStr, c_int, c_void},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    ptr,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};

use control::*;

type Fsync = unsafe extern "C" fn(c_int) -> c_int;
type Write = unsafe extern "C" fn(c_int, *const c_void, usize) -> isize;
type PositionedWrite = unsafe extern "C" fn(c_int, *const c_void, usize, i64) -> isize;
type Truncate = unsafe extern "C" fn(c_int, i64) -> c_int;

/// What a test and this share, and whose files are meant.
struct Disk {
    words: &'static [AtomicU32; WORDS],
    below: PathBuf,
}

/// A file below the directory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Log,
    Other,
}

impl Disk {
    /// None if nobody has said what is to fail.
    fn get() -> Option<&'static Self> {
        static DISK: OnceLock<Option<Disk>> = OnceLock::new();
        DISK.get_or_init(Self::find).as_ref()
    }

    fn find() -> Option<Self> {
        let below = PathBuf::from(std::env::var_os(BELOW)?);
        let control = std::env::var_os(CONTROL)?;
        let mut path = control.as_bytes().to_vec();
        path.push(0);
        let path = CStr::from_bytes_with_nul(&path).ok()?;
        // SAFETY: the path ends with a zero; the descriptor is used in the next call alone, and stays open, as the mapping
        // does, for as long as the process lives.
        let mapped = unsafe {
            let file = libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
            let access = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(ptr::null_mut(), WORDS * size_of::<u32>(), access, libc::MAP_SHARED, file, 0)
        };
        if mapped == libc::MAP_FAILED {
            return None;
        }
        // SAFETY: the mapping begins at a page, so it is aligned; the test has made the file that long and leaves it so; it
        // is never unmapped; and all that touch it here do it by atomics.
        let words = unsafe { &*mapped.cast::<[AtomicU32; WORDS]>() };
        Some(Self { words, below })
    }

    #[allow(clippy::indexing_slicing, reason = "each index is one of the constants below WORDS")]
    fn word(&self, index: usize) -> &AtomicU32 {
        &self.words[index]
    }

    /// Which of our files a descriptor is; none for all others.
    fn which(&self, file: c_int) -> Option<Which> {
        let path = std::fs::read_link(format!("/proc/self/fd/{file}")).ok()?;
        if !path.starts_with(&self.below) {
            return None;
        }
        Some(if path.as_os_str().as_bytes().ends_with(b"-wal") { Which::Log } else { Which::Other })
    }

    /// Dies if this is the place and the time.
    fn passes(&self, place: u32, which: Which) {
        if which != Which::Log || self.word(KILL).load(SeqCst) != place {
            return;
        }
        let last = |left: u32| left.checked_sub(1);
        if self.word(COUNTDOWN).fetch_update(SeqCst, SeqCst, last) == Ok(1) {
            // SAFETY: the signal goes to this very process, which it ends at once.
            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
        }
    }

    fn fails(&self, error: c_int) {
        self.word(FAILED).fetch_add(1, SeqCst);
        // SAFETY: it is the place of this thread's error number.
        unsafe { *libc::__errno_location() = error };
    }

    /// The error of a write under the present fault.
    fn write_error(&self) -> Option<c_int> {
        match self.word(FAULT).load(SeqCst) {
            FAULT_FULL => Some(libc::ENOSPC),
            FAULT_READ_ONLY => Some(libc::EROFS),
            _ => None,
        }
    }

    /// Waits while the disk is stuck.
    fn stick(&self) {
        if self.word(FAULT).load(SeqCst) != FAULT_STUCK {
            return;
        }
        self.word(STUCK).fetch_add(1, SeqCst);
        while self.word(FAULT).load(SeqCst) == FAULT_STUCK {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        self.word(STUCK).fetch_sub(1, SeqCst);
    }

    /// These bytes of the log are not on the disk, but will be with the next sync. Where they change nothing, no loss of power
    /// does either: as SQLite does, this takes disks to leave alone what is written over itself.
    fn unsynced(&self, from: i64, length: isize, changes: bool) {
        let (Ok(from), Ok(length)) = (u32::try_from(from), u32::try_from(length)) else { return };
        let to = from.saturating_add(length);
        if changes {
            self.adds(TORN_FROM, TORN_TO, from, to);
        }
        if from <= self.word(LOST_FROM).load(SeqCst) {
            self.word(LOST_FROM).fetch_max(to, SeqCst);
        }
    }

    /// As systems do it: the pages count as written from now on, though they are not.
    fn loses(&self) {
        let (from, to) = (self.word(TORN_FROM).load(SeqCst), self.word(TORN_TO).swap(0, SeqCst));
        if to > 0 {
            self.adds(LOST_FROM, LOST_TO, from, to);
        }
    }

    fn adds(&self, first: usize, end: usize, from: u32, to: u32) {
        if self.word(end).load(SeqCst) == 0 {
            self.word(first).store(from, SeqCst);
        }
        self.word(first).fetch_min(from, SeqCst);
        self.word(end).fetch_max(to, SeqCst);
    }

    fn sync(&self, file: c_int, which: Which, real: Fsync) -> c_int {
        self.word(SYNCS).fetch_add(1, SeqCst);
        self.passes(KILL_BEFORE_SYNC, which);
        self.stick();
        if self.word(FAULT).load(SeqCst) == FAULT_SYNC {
            if which == Which::Log {
                self.loses();
            }
            self.fails(libc::EIO);
            return -1;
        }
        // SAFETY: what the caller asked for, of the function that it meant.
        let done = unsafe { real(file) };
        if done == 0 && which == Which::Log {
            self.word(TORN_TO).store(0, SeqCst);
        }
        self.passes(KILL_AFTER_SYNC, which);
        done
    }

    /// `bytes` are written at `from` by `real`.
    fn write(&self, file: c_int, which: Which, from: i64, bytes: &[u8], real: impl FnOnce() -> isize) -> isize {
        if let Some(error) = self.write_error() {
            self.fails(error);
            return -1;
        }
        let changes = which == Which::Log && !has(file, from, bytes);
        let written = real();
        if which == Which::Log {
            self.unsynced(from, written, changes);
            self.passes(KILL_AFTER_WRITE, which);
        }
        written
    }
}

/// Whether a file has these bytes there already.
fn has(file: c_int, at: i64, bytes: &[u8]) -> bool {
    let mut found = vec![0_u8; bytes.len()];
    // SAFETY: there is room for as many bytes as are asked for.
    let read = unsafe { libc::pread(file, found.as_mut_ptr().cast(), found.len(), at) };
    usize::try_from(read).is_ok_and(|read| read == bytes.len()) && found == bytes
}

/// The bytes that a caller of the C library's functions means.
///
/// # Safety
/// There must be so many there, which nobody writes meanwhile.
unsafe fn given<'b>(bytes: *const c_void, count: usize) -> &'b [u8] {
    if bytes.is_null() {
        return &[];
    }
    // SAFETY: as above.
    unsafe { std::slice::from_raw_parts(bytes.cast(), count) }
}

/// The C library's own function of a name.
fn real(cell: &'static OnceLock<usize>, name: &CStr) -> *const c_void {
    // SAFETY: the name ends with a zero, and the library that has it is never unloaded.
    let found = cell.get_or_init(|| unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) } as usize);
    if *found == 0 {
        // SAFETY: ends the process, which could not go on: the function is missing.
        unsafe { libc::abort() };
    }
    *found as *const c_void
}

/// The disk and the file, if this descriptor is one of ours.
fn ours(file: c_int) -> Option<(&'static Disk, Which)> {
    let disk = Disk::get()?;
    Some((disk, disk.which(file)?))
}

macro_rules! sync {
    ($name:ident, $text:literal) => {
        /// Stands in for the C library's function.
        ///
        /// # Safety
        /// As of that one.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(file: c_int) -> c_int {
            static REAL: OnceLock<usize> = OnceLock::new();
            // SAFETY: the C library's function of this name has this type.
            let real = unsafe { std::mem::transmute::<*const c_void, Fsync>(real(&REAL, $text)) };
            match ours(file) {
                Some((disk, which)) => disk.sync(file, which, real),
                // SAFETY: what the caller asked for.
                None => unsafe { real(file) },
            }
        }
    };
}

macro_rules! positioned_write {
    ($name:ident, $text:literal) => {
        /// Stands in for the C library's function.
        ///
        /// # Safety
        /// As of that one.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(file: c_int, bytes: *const c_void, count: usize, at: i64) -> isize {
            static REAL: OnceLock<usize> = OnceLock::new();
            // SAFETY: the C library's function of this name has this type.
            let real = unsafe { std::mem::transmute::<*const c_void, PositionedWrite>(real(&REAL, $text)) };
            // SAFETY: what the caller asked for.
            let real = || unsafe { real(file, bytes, count, at) };
            match ours(file) {
                // SAFETY: as the caller says.
                Some((disk, which)) => disk.write(file, which, at, unsafe { given(bytes, count) }, real),
                None => real(),
            }
        }
    };
}

macro_rules! truncate {
    ($name:ident, $text:literal) => {
        /// Stands in for the C library's function.
        ///
        /// # Safety
        /// As of that one.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(file: c_int, length: i64) -> c_int {
            static REAL: OnceLock<usize> = OnceLock::new();
            // SAFETY: the C library's function of this name has this type.
            let real = unsafe { std::mem::transmute::<*const c_void, Truncate>(real(&REAL, $text)) };
            if let Some((disk, which)) = ours(file) {
                if let Some(error) = disk.write_error() {
                    disk.fails(error);
                    return -1;
                }
                if which == Which::Log && length == 0 {
                    disk.word(TORN_TO).store(0, SeqCst);
                    disk.word(LOST_TO).store(0, SeqCst);
                }
            }
            // SAFETY: what the caller asked for.
            unsafe { real(file, length) }
        }
    };
}

sync!(fsync, c"fsync");
sync!(fdatasync, c"fdatasync");
positioned_write!(pwrite, c"pwrite");
positioned_write!(pwrite64, c"pwrite64");
truncate!(ftruncate, c"ftruncate");
truncate!(ftruncate64, c"ftruncate64");

/// Stands in for the C library's function. Sockets and pipes are written by it too: those are asked about as well, which costs
/// a test nothing that counts.
///
/// # Safety
/// As of that one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(file: c_int, bytes: *const c_void, count: usize) -> isize {
    static REAL: OnceLock<usize> = OnceLock::new();
    // SAFETY: the C library's function of this name has this type.
    let real = unsafe { std::mem::transmute::<*const c_void, Write>(real(&REAL, c"write")) };
    // SAFETY: what the caller asked for.
    let real = || unsafe { real(file, bytes, count) };
    let Some((disk, which)) = ours(file) else { return real() };
    // SAFETY: it asks where the descriptor stands, and moves nothing.
    let at = unsafe { libc::lseek(file, 0, libc::SEEK_CUR) };
    // SAFETY: as the caller says.
    disk.write(file, which, at, unsafe { given(bytes, count) }, real)
}
