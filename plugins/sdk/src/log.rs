//! Messages to the host, which puts them into its log with the generator's name.
//!
//! A message is cut after 4 KiB, and beyond a rate that the host sets messages are dropped and
//! counted: log what a person should know of, not each record.

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For the generator's author.
    Debug,
    /// Worth knowing.
    Info,
    /// Probably not meant so.
    Warn,
    /// Something is wrong.
    Error,
}

/// Logs a message for the generator's author.
pub fn debug(message: &str) {
    log(Level::Debug, message);
}

/// Logs something worth knowing.
pub fn info(message: &str) {
    log(Level::Info, message);
}

/// Logs what is probably not meant so.
pub fn warn(message: &str) {
    log(Level::Warn, message);
}

/// Logs that something is wrong.
pub fn error(message: &str) {
    log(Level::Error, message);
}

/// Logs a message. Natively it is kept for [`native::take_log`](crate::native::take_log).
pub fn log(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::wasm::log(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    crate::native::keep_log(level, message);
}
