//! What a plugin says, as lines of the host's log, up to a volume.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use slashbox_core::{Limits, PluginId};
use tracing::{debug, error, info, trace, warn};

use crate::{
    Input,
    bindings::slashbox::plugin::log::{Host, Level},
    guest::{Guest, SandboxSpec},
    telemetry::GUEST,
};

/// The most bytes of one line; what is longer is cut, and ends with an ellipsis.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// What a line costs besides its text, so that empty lines are not free.
const LINE_BYTES_MIN: usize = 64;

/// The log of one call.
pub(crate) struct GuestLog {
    spec: Arc<SandboxSpec>,
    /// None while the plugin describes itself.
    input: Option<Input>,
    bytes: AtomicUsize,
    dropped: AtomicUsize,
}

impl GuestLog {
    pub(crate) fn new(spec: Arc<SandboxSpec>, input: Option<Input>) -> Self {
        Self { spec, input, bytes: AtomicUsize::new(0), dropped: AtomicUsize::new(0) }
    }

    /// What the plugin may use.
    pub(crate) fn limits(&self) -> &Limits {
        &self.spec.limits
    }

    fn bytes_max(&self) -> usize {
        self.spec.limits.log_kib as usize * 1024
    }

    /// The plugin, the tenant and the id of what is called, as they stand in each line.
    fn names(&self) -> (&PluginId, &str, &str) {
        let (tenant, call) = self.input.as_ref().map_or(("", ""), |input| (&*input.origin().tenant, input.id()));
        (&self.spec.plugin, tenant, call)
    }

    /// Writes a message, line by line, so that no plugin can make one that looks like the host's own. What passes the
    /// limit is counted as dropped.
    pub(crate) fn write(&self, level: Level, message: &str) {
        // What is longer than all that the call may write is not looked at to its end.
        let (message, rest) = message.split_at(message.floor_char_boundary(self.bytes_max()));
        self.dropped.fetch_add(usize::from(!rest.is_empty()), Ordering::Relaxed);
        // A lone carriage return begins a line too, on a terminal.
        for line in message.split(['\n', '\r']).filter(|line| !line.is_empty()) {
            let (line, cut) = line.split_at(line.floor_char_boundary(LINE_BYTES_MAX));
            let bytes = line.len() + LINE_BYTES_MIN;
            if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > self.bytes_max() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            self.write_line(level, line, if cut.is_empty() { "" } else { "…" });
        }
    }

    fn write_line(&self, level: Level, line: &str, more: &str) {
        let (plugin, tenant, call) = self.names();
        match level {
            Level::Trace => trace!(target: GUEST, %plugin, tenant, call, "{line}{more}"),
            Level::Debug => debug!(target: GUEST, %plugin, tenant, call, "{line}{more}"),
            Level::Info => info!(target: GUEST, %plugin, tenant, call, "{line}{more}"),
            Level::Warn => warn!(target: GUEST, %plugin, tenant, call, "{line}{more}"),
            Level::Error => error!(target: GUEST, %plugin, tenant, call, "{line}{more}"),
        }
    }
}

impl Drop for GuestLog {
    fn drop(&mut self) {
        let lines = *self.dropped.get_mut();
        if lines > 0 {
            let ((plugin, tenant, call), kib) = (self.names(), self.spec.limits.log_kib);
            warn!(target: GUEST, %plugin, tenant, call, lines, "log limit of {kib} KiB reached, the rest was dropped");
        }
    }
}

impl Host for Guest {
    fn write(&mut self, level: Level, message: String) {
        self.log.write(level, &message);
    }
}
