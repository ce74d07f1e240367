//! How often each caller may come: so many requests a second, and some at once.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Callers above which those that have long been quiet are forgotten.
const CALLERS: usize = 4096;

/// Of each caller one instant is kept: when all that it has asked for would be over if it had come evenly
/// (the generic cell rate algorithm).
#[derive(Debug)]
pub struct Rate {
    /// Between two requests that come evenly.
    every: Duration,
    /// How far the instant may lie ahead.
    ahead: Duration,
    over: Mutex<HashMap<String, Instant>>,
}

impl Rate {
    /// So many requests a second, and `burst` at once after a while without any.
    pub fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Rate {
        let every = Duration::from_secs(1) / per_second.get();
        Rate {
            every,
            ahead: every * (burst.get() - 1),
            over: Mutex::default(),
        }
    }

    /// Takes a request on.
    ///
    /// # Errors
    /// How long to wait, where there were too many.
    pub(super) fn admit(&self, who: &str, now: Instant) -> Result<(), Duration> {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        if over.len() >= CALLERS && !over.contains_key(who) {
            over.retain(|_, end| *end > now);
        }
        let end = over.get(who).map_or(now, |end| *end.max(&now));
        let wait = end.duration_since(now).saturating_sub(self.ahead);
        if !wait.is_zero() {
            return Err(wait);
        }
        over.insert(who.to_owned(), end + self.every);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(n: u32) -> NonZeroU32 {
        NonZeroU32::new(n).unwrap()
    }

    #[test]
    fn each_caller_has_a_burst_and_then_a_pace() {
        let rate = Rate::new(number(10), number(3));
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        for _ in 0..3 {
            assert_eq!(rate.admit("a", at(0)), Ok(()));
        }
        assert_eq!(rate.admit("a", at(0)), Err(Duration::from_millis(100)));
        assert_eq!(rate.admit("a", at(60)), Err(Duration::from_millis(40)));
        assert_eq!(rate.admit("b", at(60)), Ok(()), "another");
        assert_eq!(rate.admit("a", at(100)), Ok(()));
        assert_eq!(rate.admit("a", at(100)), Err(Duration::from_millis(100)));
        // Long quiet: a burst again, and not more.
        for _ in 0..3 {
            assert_eq!(rate.admit("a", at(60_000)), Ok(()));
        }
        assert!(rate.admit("a", at(60_000)).is_err());
    }

    #[test]
    fn those_that_are_quiet_are_forgotten() {
        let rate = Rate::new(number(1_000), number(1));
        let begin = Instant::now();
        for n in 0..3 * CALLERS {
            let now = begin + Duration::from_millis(n as u64);
            assert_eq!(rate.admit(&n.to_string(), now), Ok(()));
        }
        assert!(rate.over.lock().unwrap().len() <= CALLERS + 1);
    }
}
