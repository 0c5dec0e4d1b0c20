//! What a plugin says, as lines of the host's log, up to a volume.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use slashbox_core::PluginId;
use tracing::{debug, error, info, trace, warn};

use crate::{
    bindings::slashbox::plugin::log::{Host, Level},
    guest::Guest,
    telemetry::GUEST,
};

/// The most bytes that one call writes to the log: a long stack trace with its lines before.
const BYTES_MAX: usize = 64 * 1024;

/// The most bytes of one line; what is longer is cut.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// What a line costs besides its text, so that empty lines are not free.
const LINE_BYTES_MIN: usize = 64;

/// The log of one call.
#[derive(Debug)]
pub(crate) struct GuestLog {
    plugin: Arc<PluginId>,
    tenant: String,
    call: String,
    bytes: AtomicUsize,
    dropped: AtomicUsize,
}

impl GuestLog {
    pub(crate) fn new(plugin: Arc<PluginId>, tenant: String, call: String) -> Self {
        Self { plugin, tenant, call, bytes: AtomicUsize::new(0), dropped: AtomicUsize::new(0) }
    }

    /// Writes a message, line by line, so that no plugin can make one that looks like the host's own. What passes the
    /// limit is counted as dropped.
    pub(crate) fn write(&self, level: Level, message: &str) {
        // What is longer than all that the call may write is not looked at to its end.
        let (message, rest) = message.split_at(message.floor_char_boundary(BYTES_MAX));
        self.dropped.fetch_add(usize::from(!rest.is_empty()), Ordering::Relaxed);
        // A lone carriage return begins a line too, on a terminal.
        for line in message.split(['\n', '\r']).filter(|line| !line.is_empty()) {
            let line = line.get(..line.floor_char_boundary(LINE_BYTES_MAX)).unwrap_or(line);
            let bytes = line.len() + LINE_BYTES_MIN;
            if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > BYTES_MAX {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            self.write_line(level, line);
        }
    }

    fn write_line(&self, level: Level, line: &str) {
        let (plugin, tenant, call) = (&*self.plugin, &*self.tenant, &*self.call);
        match level {
            Level::Trace => trace!(target: GUEST, %plugin, tenant, call, "{line}"),
            Level::Debug => debug!(target: GUEST, %plugin, tenant, call, "{line}"),
            Level::Info => info!(target: GUEST, %plugin, tenant, call, "{line}"),
            Level::Warn => warn!(target: GUEST, %plugin, tenant, call, "{line}"),
            Level::Error => error!(target: GUEST, %plugin, tenant, call, "{line}"),
        }
    }
}

impl Drop for GuestLog {
    fn drop(&mut self) {
        let lines = *self.dropped.get_mut();
        if lines > 0 {
            let (plugin, tenant, call) = (&*self.plugin, &*self.tenant, &*self.call);
            warn!(target: GUEST, %plugin, tenant, call, lines, "log limit of {BYTES_MAX} bytes reached, the rest was dropped");
        }
    }
}

impl Host for Guest {
    fn write(&mut self, level: Level, message: String) {
        self.log.write(level, &message);
    }
}
