//! Memory of one call: one sum over everything that its instances hold, because limits for each memory multiply.

use wasmtime::ResourceLimiter;

/// Bytes of a table's element on the host.
const ELEMENT_BYTES: usize = size_of::<usize>();

/// Counts memories and tables of one store, and refuses what is over the limit.
#[derive(Debug)]
pub(crate) struct Meter {
    limit: usize,
    used: usize,
    instances: usize,
    memories: usize,
    tables: usize,
    exceeded: bool,
}

impl Meter {
    pub(crate) fn new(limits: &crate::limits::Limits) -> Self {
        use crate::limits::length;
        Self {
            limit: length(limits.memory_bytes),
            used: 0,
            instances: length(limits.core_instances),
            memories: length(limits.memories),
            tables: length(limits.tables),
            exceeded: false,
        }
    }

    /// The most that was held, in bytes: memories and tables never shrink.
    pub(crate) fn peak(&self) -> u64 {
        self.used as u64
    }

    /// Whether something was refused.
    pub(crate) fn exceeded(&self) -> bool {
        self.exceeded
    }

    fn grow(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        // A growth over the memory's own maximum fails later; it must not be counted as held.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return false;
        }
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.limit {
            self.exceeded = true;
            return false;
        }
        self.used = used;
        true
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired, maximum))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let bytes = |elements: usize| elements.saturating_mul(ELEMENT_BYTES);
        Ok(self.grow(bytes(current), bytes(desired), maximum.map(bytes)))
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::limits::Limits;

    #[test]
    fn memories_and_tables_are_summed() {
        let mut meter = Meter::new(&Limits { memory_bytes: 1_000_000, ..Limits::default() });
        assert!(meter.memory_growing(0, 400_000, None).unwrap());
        assert!(meter.memory_growing(0, 400_000, None).unwrap());
        assert!(!meter.memory_growing(400_000, 700_000, None).unwrap());
        assert!(!meter.table_growing(0, 50_000, None).unwrap());
        assert!(meter.exceeded());
        assert_eq!(meter.peak(), 800_000);
    }

    #[test]
    fn a_growth_over_a_memorys_own_maximum_costs_nothing() {
        let mut meter = Meter::new(&Limits::default());
        assert!(!meter.memory_growing(0, 2_000, Some(1_000)).unwrap());
        assert!(!meter.exceeded());
        assert_eq!(meter.peak(), 0);
    }
}
