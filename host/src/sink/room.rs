//! How many files or objects a sink may have open at once, as the memory that each takes goes.

use super::ConfigError;

/// Most that are open where no option says otherwise.
const MOST: usize = 1000;

/// The bound of one sink.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// What is open, for messages: `files`.
    pub(super) what: &'static str,
    /// Bytes that one may take while it is open; 0 where memory is no matter.
    pub(super) each: u64,
    /// The option `max_memory`: bytes that all of them may take.
    pub(super) max_memory: u64,
    /// The option of that name.
    pub(super) max_targets: Option<usize>,
    /// What else would help, for messages: `lower part_size`.
    pub(super) instead: &'static str,
}

impl Room {
    /// How many may be open.
    pub(super) fn most(&self) -> usize {
        let fitting = match self.max_memory.checked_div(self.each) {
            Some(room) => usize::try_from(room).unwrap_or(usize::MAX),
            None => MOST,
        };
        self.max_targets.unwrap_or(fitting.clamp(1, MOST))
    }

    /// Whether so many may be open, which `of` gives.
    ///
    /// # Errors
    /// Where they may take more memory than they are given.
    pub(super) fn check(&self, open: usize, of: &str) -> Result<(), ConfigError> {
        let needed = (open as u64).saturating_mul(self.each);
        let most = self.most();
        if self.each == 0 || (needed <= self.max_memory && open <= most) {
            return Ok(());
        }
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        Err(ConfigError::option(
            "max_targets",
            format!(
                "{of} may be {open} open {what}, which take {open} × {} MiB = {} MiB; `max_memory` \
                 is {} MiB and `max_targets` {most}: raise them, or {}",
                mib(self.each),
                mib(needed),
                mib(self.max_memory),
                self.instead,
                what = self.what,
            ),
        ))
    }
}
