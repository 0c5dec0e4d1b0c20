//! How much memory a sandbox has, summed over all that it has.

use slashbox_core::HostLimits;
use wasmtime::ResourceLimiter;

/// What a table's element takes in the host.
const TABLE_ELEMENT_BYTES: usize = size_of::<usize>();

/// Counts the bytes of all memories and tables of one sandbox, and refuses to let them grow past a sum.
#[derive(Debug)]
pub(crate) struct Limiter {
    bytes: usize,
    bytes_max: usize,
    /// Memories, tables and instances, each.
    items_max: usize,
    /// Of one table. The pool has the same limit, but where there is no address space for a pool, nobody else has it.
    elements_max: usize,
    refused: bool,
}

impl Limiter {
    pub(crate) fn new(memory_mib: u32, host: HostLimits) -> Self {
        let bytes_max = memory_mib as usize * 1024 * 1024;
        let (items_max, elements_max) = (host.instances as usize, host.table_elements as usize);
        Self { bytes: 0, bytes_max, items_max, elements_max, refused: false }
    }

    /// Whether the guest was ever refused: a trap that follows is the limit's.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    /// How many it has now.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes as u64
    }

    fn grow(&mut self, by: usize, allowed: bool) -> bool {
        let sum = self.bytes.saturating_add(by);
        let fits = sum <= self.bytes_max;
        self.refused |= !fits; // Past the maximum that it declared itself, a guest is refused on its own account.
        if fits && allowed {
            self.bytes = sum;
        }
        fits && allowed
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = maximum.is_none_or(|maximum| desired <= maximum);
        Ok(self.grow(desired.saturating_sub(current), allowed))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let allowed = desired <= maximum.unwrap_or(usize::MAX).min(self.elements_max);
        Ok(self.grow(desired.saturating_sub(current).saturating_mul(TABLE_ELEMENT_BYTES), allowed))
    }

    fn instances(&self) -> usize {
        self.items_max
    }

    fn tables(&self) -> usize {
        self.items_max
    }

    fn memories(&self) -> usize {
        self.items_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_share_one_sum() {
        let mib = 1024 * 1024;
        let mut limiter = Limiter::new(3, HostLimits { table_elements: 10_000_000, ..HostLimits::default() });
        assert!(limiter.memory_growing(0, mib, None).unwrap());
        assert!(limiter.memory_growing(0, mib, None).unwrap());
        assert!(limiter.table_growing(0, mib / TABLE_ELEMENT_BYTES, None).unwrap());
        assert!(!limiter.refused());
        assert!(!limiter.memory_growing(mib, mib + 1, None).unwrap());
        assert!(!limiter.table_growing(0, 1, None).unwrap());
        assert!(limiter.refused());
    }

    #[test]
    fn a_refused_growth_is_not_counted() {
        let mut limiter = Limiter::new(1, HostLimits::default());
        assert!(!limiter.memory_growing(0, 2 * 1024 * 1024, None).unwrap());
        assert!(limiter.memory_growing(0, 1024 * 1024, None).unwrap());
    }

    /// As memory is refused past a maximum of its own: that is no limit of the call, and what follows is the guest's doing.
    #[test]
    fn a_table_has_so_many_elements() {
        let mut limiter = Limiter::new(64, HostLimits::default());
        let most = HostLimits::default().table_elements as usize;
        assert!(limiter.table_growing(0, most, None).unwrap());
        assert!(!limiter.table_growing(most, most + 1, None).unwrap());
        assert!(!limiter.table_growing(0, most, Some(most - 1)).unwrap());
        assert!(limiter.table_growing(0, most, None).unwrap());
        assert!(!limiter.refused());
    }
}
