//! The contract as Rust types, and what a generator may ask of the host: a log and its assets.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::assets::Assets;
use super::limits::{Account, Limits};
use super::wasi::Wasi;

wasmtime::component::bindgen!({
    path: "../wit",
    world: "plugin",
});

use self::wellhead::generator::assets;
pub(super) use self::wellhead::generator::log;
pub(super) use exports::wellhead::generator::generator as contract;

impl contract::Error {
    /// What the generator says, whichever case it is.
    pub fn words(&self) -> &str {
        match self {
            contract::Error::InvalidConfig(words) | contract::Error::Failed(words) => words,
        }
    }
}

/// A log message is cut after so many bytes.
const MESSAGE_BYTES: usize = 4096;
/// The last lines are kept for the message of a trap: enough for what a runtime says when it dies, whose first line
/// is the one that matters.
const KEPT_LINES: usize = 20;
/// One read of an asset gives at most so many bytes.
const READ_BYTES: usize = 1 << 20;

/// What a store carries for its guest.
pub(super) struct Guest {
    pub account: Account,
    pub clock: CallClock,
    pub log: Log,
    /// None while describing.
    pub assets: Option<Arc<Assets>>,
    pub wasi: Wasi,
}

/// When the call in hand has to end. The first epoch past the start of a call starts the clock, so
/// that the short calls, which are nearly all, don't read any.
pub(super) struct CallClock {
    /// CPU time that this call may take.
    pub limit: Duration,
    /// Wall time that it may take.
    pub wall: Duration,
    /// Thread CPU time and wall time at the first epoch of this call.
    pub since: Option<(Duration, Instant)>,
}

/// The log of one instance: limited by rate, its last lines kept.
pub(super) struct Log {
    /// Name of the generator, or the file that it comes from while that isn't known.
    pub name: Arc<str>,
    /// Which stream the instance is for; none while describing.
    pub stream: Option<u32>,
    last: VecDeque<String>,
    lines: u32,
    bytes: usize,
    dropped: u64,
    window: Option<Instant>,
    limits: (u32, usize),
}

impl Log {
    pub fn new(name: Arc<str>, stream: Option<u32>, limits: &Limits) -> Log {
        Log {
            name,
            stream,
            last: VecDeque::new(),
            lines: 0,
            bytes: 0,
            dropped: 0,
            window: None,
            limits: (limits.log_lines, limits.log_bytes),
        }
    }

    /// The last lines, oldest first.
    pub fn last(&self) -> Vec<String> {
        self.last.iter().cloned().collect()
    }

    /// Adds a line of the host's, or of standard output; one that isn't to be `heard` is only kept for
    /// the message of a trap.
    pub fn note(&mut self, level: log::Level, message: &str, heard: bool) {
        match heard {
            true => self.add(level, message, Instant::now()),
            false => self.keep(printable(message)),
        }
    }

    fn add(&mut self, level: log::Level, message: &str, now: Instant) {
        let message = printable(message);
        if self.allowed(message.len(), now) {
            self.emit(level, &message);
        }
        self.keep(message);
    }

    fn keep(&mut self, message: String) {
        if self.last.len() == KEPT_LINES {
            self.last.pop_front();
        }
        self.last.push_back(message);
    }

    /// Whether a line of so many bytes is within the rate; counts it either way.
    fn allowed(&mut self, bytes: usize, now: Instant) -> bool {
        let over = |since| now.duration_since(since) >= Duration::from_secs(1);
        if self.window.is_none_or(over) {
            self.say_dropped();
            self.window = Some(now);
            self.lines = 0;
            self.bytes = 0;
        }
        if self.lines >= self.limits.0 || self.bytes + bytes > self.limits.1 {
            self.dropped += 1;
            return false;
        }
        self.lines += 1;
        self.bytes += bytes;
        true
    }

    fn say_dropped(&mut self) {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            tracing::warn!(target: "wellhead::generator", generator = &*self.name, stream = self.stream,
                dropped, "log lines dropped: the generator writes more than its limit");
        }
    }

    fn emit(&self, level: log::Level, message: &str) {
        let (generator, stream) = (&*self.name, self.stream);
        match level {
            log::Level::Debug => {
                tracing::debug!(target: "wellhead::generator", generator, stream, "{message}");
            }
            log::Level::Info => {
                tracing::info!(target: "wellhead::generator", generator, stream, "{message}");
            }
            log::Level::Warn => {
                tracing::warn!(target: "wellhead::generator", generator, stream, "{message}");
            }
            log::Level::Error => {
                tracing::error!(target: "wellhead::generator", generator, stream, "{message}");
            }
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.say_dropped();
    }
}

/// Cut to [`MESSAGE_BYTES`], and without characters that could steer a terminal.
pub(super) fn printable(message: &str) -> String {
    let end = message.floor_char_boundary(MESSAGE_BYTES);
    message[..end]
        .trim_end()
        .chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

impl Guest {
    /// Logs what was written to standard output and standard error and is no whole line yet.
    pub fn flush(&mut self) {
        self.wasi.flush(&mut self.log);
    }
}

impl log::Host for Guest {
    fn log(&mut self, level: log::Level, message: String) {
        self.log.add(level, &message, Instant::now());
    }
}

impl assets::Host for Guest {
    fn size(&mut self, name: String) -> Option<u64> {
        let assets = self.assets.as_ref()?;
        Some(assets.bytes(&name)?.len() as u64)
    }

    fn read(&mut self, name: String, offset: u64, length: u32) -> Vec<u8> {
        let bytes = self.assets.as_ref().and_then(|all| all.bytes(&name));
        let Some(bytes) = bytes else {
            return Vec::new();
        };
        let start = usize::try_from(offset).map_or(bytes.len(), |at| at.min(bytes.len()));
        let length = READ_BYTES.min(length as usize).min(bytes.len() - start);
        bytes[start..start + length].to_vec()
    }
}

impl wellhead::generator::types::Host for Guest {}

#[cfg(test)]
mod tests {
    use super::*;
    use log::Host as _;

    fn guest(limits: &Limits, assets: Option<Arc<Assets>>) -> Guest {
        Guest {
            account: Account::new(limits),
            clock: CallClock {
                limit: limits.call,
                wall: limits.call,
                since: None,
            },
            log: Log::new("probe".into(), Some(0), limits),
            assets,
            wasi: Wasi::new(Default::default(), Arc::default()),
        }
    }

    #[test]
    fn log_lines_are_limited_and_the_last_are_kept() {
        let limits = Limits {
            log_lines: 3,
            ..Limits::default()
        };
        let mut guest = guest(&limits, None);
        let start = Instant::now();
        for n in 0..30 {
            guest.log.add(log::Level::Debug, &n.to_string(), start);
        }
        assert_eq!((guest.log.lines, guest.log.dropped), (3, 27));
        assert_eq!(guest.log.last().first().map(String::as_str), Some("10"));
        assert_eq!(guest.log.last().last().map(String::as_str), Some("29"));
        let later = start + Duration::from_secs(1);
        guest.log.add(log::Level::Debug, "again", later);
        assert_eq!((guest.log.lines, guest.log.dropped), (1, 0));
        guest.log(log::Level::Debug, "x".repeat(5000));
        assert_eq!(guest.log.last().last().map(String::len), Some(4096));
    }

    #[test]
    fn log_bytes_are_limited() {
        let limits = Limits {
            log_bytes: 10,
            ..Limits::default()
        };
        let mut guest = guest(&limits, None);
        let now = Instant::now();
        guest.log.add(log::Level::Debug, "123456", now);
        guest.log.add(log::Level::Debug, "123456", now);
        assert_eq!((guest.log.lines, guest.log.dropped), (1, 1));
    }

    #[test]
    fn control_characters_are_taken_out() {
        assert_eq!(printable("a\u{1b}[31mb\nc\n"), "a\u{fffd}[31mb c");
        // Cut between characters, never inside one.
        let cut = printable(&"é".repeat(3000));
        assert_eq!(cut.len(), 4096);
    }

    #[test]
    fn assets_are_read_within_their_bounds() {
        use assets::Host as _;
        let mut all = Assets::default();
        all.insert("a", vec![7; 3 << 20]);
        let mut with = guest(&Limits::default(), Some(Arc::new(all)));
        assert_eq!(with.size("a".into()), Some(3 << 20));
        assert_eq!(with.size("b".into()), None);
        assert_eq!(with.read("a".into(), 0, u32::MAX).len(), 1 << 20);
        assert_eq!(with.read("a".into(), (3 << 20) - 5, 100).len(), 5);
        assert_eq!(with.read("a".into(), u64::MAX, 100).len(), 0);
        assert_eq!(with.read("b".into(), 0, 100).len(), 0);
        let mut describing = guest(&Limits::default(), None);
        assert_eq!(describing.size("a".into()), None);
    }
}
