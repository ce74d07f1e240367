//! What a generator may use, and the account that is kept of it.

use std::fmt;
use std::time::Duration;

use wasmtime::ResourceLimiter;

/// Limits on one instance of a generator; a stream has one instance.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Limits {
    /// Bytes of a component file.
    pub component_bytes: usize,
    /// Bytes of linear memory, summed over all memories of the store.
    pub memory_bytes: usize,
    /// Bytes of linear memory above which an instance is replaced at a batch boundary.
    pub replace_above_bytes: usize,
    /// How many linear memories.
    pub memories: usize,
    /// How many tables.
    pub tables: usize,
    /// Entries of all tables together.
    pub table_entries: usize,
    /// How many core instances one component may be made of.
    pub instances: usize,
    /// Bytes of stack.
    pub stack_bytes: usize,
    /// CPU time of one call.
    pub call: Duration,
    /// CPU time for instantiation, which runs start functions.
    pub instantiate: Duration,
    /// Wall time of a call or an instantiation is at most this many times its CPU time.
    pub wall_factor: u32,
    /// Records of one batch.
    pub batch_records: usize,
    /// Bytes of one batch, payload and keys together.
    pub batch_bytes: usize,
    /// Bytes of a saved state.
    pub state_bytes: usize,
    /// Bytes of one asset.
    pub asset_bytes: u64,
    /// Log lines a second.
    pub log_lines: u32,
    /// Log bytes a second.
    pub log_bytes: usize,
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            component_bytes: 64 * MIB,
            memory_bytes: 128 * MIB,
            replace_above_bytes: 48 * MIB,
            memories: 32,
            tables: 128,
            table_entries: 1_000_000,
            instances: 128,
            stack_bytes: 512 * KIB,
            call: Duration::from_secs(1),
            instantiate: Duration::from_secs(1),
            wall_factor: 10,
            batch_records: 65_536,
            batch_bytes: 16 * MIB,
            state_bytes: MIB,
            asset_bytes: 1 << 30,
            log_lines: 100,
            log_bytes: 64 * KIB,
        }
    }
}

impl Limits {
    /// What one call may copy out of a guest: a batch with every list at its longest, or the
    /// largest set of channels.
    pub(super) fn copied_bytes(&self) -> usize {
        // Per record: two ends of four bytes, a channel and an operation.
        self.batch_bytes + self.batch_records * 10 + self.state_bytes.max(8 * MIB)
    }

    /// Memory above which an instance is replaced that needs `base` for its first batch: a generator
    /// that is large from the start isn't replaced again and again.
    pub(super) fn replace_above(&self, base: usize) -> usize {
        let room = self.memory_bytes.saturating_sub(base);
        self.replace_above_bytes.max(base + room / 2)
    }

    /// Name and value of each limit, for people.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        vec![
            ("component", Bytes(self.component_bytes).to_string()),
            ("memory", Bytes(self.memory_bytes).to_string()),
            (
                "replaced above",
                Bytes(self.replace_above_bytes).to_string(),
            ),
            ("memories", self.memories.to_string()),
            ("tables", self.tables.to_string()),
            ("table entries", self.table_entries.to_string()),
            ("core instances", self.instances.to_string()),
            ("stack", Bytes(self.stack_bytes).to_string()),
            ("CPU time a call", format!("{:?}", self.call)),
            ("CPU time to instantiate", format!("{:?}", self.instantiate)),
            (
                "wall time",
                format!("{} times the CPU time", self.wall_factor),
            ),
            ("records a batch", self.batch_records.to_string()),
            ("bytes a batch", Bytes(self.batch_bytes).to_string()),
            ("saved state", Bytes(self.state_bytes).to_string()),
            ("log lines a second", self.log_lines.to_string()),
            ("log bytes a second", Bytes(self.log_bytes).to_string()),
        ]
    }
}

/// A number of bytes as people read it.
pub(crate) struct Bytes(pub usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            n if n >= MIB => (MIB, "MiB"),
            n if n >= KIB => (KIB, "KiB"),
            n => return write!(f, "{n} bytes"),
        };
        let tenths = self.0.saturating_mul(10).div_ceil(unit);
        match tenths % 10 {
            0 => write!(f, "{} {name}", tenths / 10),
            tenth => write!(f, "{}.{tenth} {name}", tenths / 10),
        }
    }
}

/// What was asked for and refused. The guest only sees that growing failed, and mostly answers
/// with `unreachable`: the host has to remember the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// So many bytes of memory would have been needed in all.
    Memory(usize),
    /// So many table entries would have been needed in all.
    Tables(usize),
}

/// Account of one store: sums over all its memories and tables, where wasmtime's own limits count
/// each alone.
#[derive(Debug)]
pub(super) struct Account {
    memory: usize,
    entries: usize,
    /// What the growth allowed last added, taken back when it fails after all.
    pending: usize,
    denied: Option<Denial>,
    limits: [usize; 5],
}

impl Account {
    pub fn new(limits: &Limits) -> Account {
        Account {
            memory: 0,
            entries: 0,
            pending: 0,
            denied: None,
            limits: [
                limits.memory_bytes,
                limits.table_entries,
                limits.memories,
                limits.tables,
                limits.instances,
            ],
        }
    }

    /// Bytes of linear memory and of tables in use.
    pub fn bytes(&self) -> usize {
        self.memory + self.entries * size_of::<usize>()
    }

    /// What was refused since the last time this was asked.
    pub fn take_denial(&mut self) -> Option<Denial> {
        self.denied.take()
    }
}

impl ResourceLimiter for Account {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.pending = 0;
        if maximum.is_some_and(|maximum| desired > maximum) {
            // The growth fails by itself, so it takes nothing.
            return Ok(true);
        }
        let added = desired.saturating_sub(current);
        let total = self.memory.saturating_add(added);
        if total > self.limits[0] {
            self.denied = Some(Denial::Memory(total));
            return Ok(false);
        }
        self.pending = added;
        self.memory = total;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory -= std::mem::take(&mut self.pending);
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(true);
        }
        let added = desired.saturating_sub(current);
        let total = self.entries.saturating_add(added);
        if total > self.limits[1] {
            self.denied = Some(Denial::Tables(total));
            return Ok(false);
        }
        self.entries = total;
        Ok(true)
    }

    fn memories(&self) -> usize {
        self.limits[2]
    }

    fn tables(&self) -> usize {
        self.limits[3]
    }

    fn instances(&self) -> usize {
        self.limits[4]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_generator_keeps_half_of_its_room() {
        let limits = Limits {
            memory_bytes: 100,
            replace_above_bytes: 75,
            ..Limits::default()
        };
        assert_eq!(limits.replace_above(10), 75);
        assert_eq!(limits.replace_above(80), 90);
        assert_eq!(limits.replace_above(100), 100);
    }

    #[test]
    fn memories_are_summed() {
        let mut account = Account::new(&Limits {
            memory_bytes: 100,
            ..Limits::default()
        });
        assert!(account.memory_growing(0, 60, None).unwrap());
        assert!(!account.memory_growing(0, 60, None).unwrap());
        assert_eq!(account.take_denial(), Some(Denial::Memory(120)));
        assert_eq!(account.take_denial(), None);
        assert!(account.memory_growing(60, 100, None).unwrap());
        assert_eq!(account.bytes(), 100);
    }

    #[test]
    fn a_growth_that_fails_is_given_back() {
        let mut account = Account::new(&Limits::default());
        assert!(account.memory_growing(0, 1000, None).unwrap());
        assert!(account.memory_growing(1000, 5000, None).unwrap());
        account
            .memory_grow_failed(wasmtime::format_err!("no"))
            .unwrap();
        assert_eq!(account.bytes(), 1000);
        // Growth past the memory's own maximum fails by itself and takes nothing.
        assert!(account.memory_growing(1000, 5000, Some(2000)).unwrap());
        account
            .memory_grow_failed(wasmtime::format_err!("no"))
            .unwrap();
        assert_eq!(account.bytes(), 1000);
        // A refused growth adds nothing that could be given back.
        assert!(!account.memory_growing(1000, usize::MAX, None).unwrap());
        account
            .memory_grow_failed(wasmtime::format_err!("no"))
            .unwrap();
        assert_eq!(account.bytes(), 1000);
    }

    #[test]
    fn table_entries_are_summed() {
        let mut account = Account::new(&Limits {
            table_entries: 10,
            ..Limits::default()
        });
        assert!(account.table_growing(0, 6, None).unwrap());
        assert!(!account.table_growing(0, 6, None).unwrap());
        assert_eq!(account.take_denial(), Some(Denial::Tables(12)));
    }

    #[test]
    fn bytes_read_well() {
        for (bytes, text) in [
            (5, "5 bytes"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (16 << 20, "16 MiB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }
}
