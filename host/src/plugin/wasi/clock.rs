//! Clocks that show nothing of when or how often a generator is called, and waiting on them.

use wasmtime::component::Resource;

use super::Guest;
use super::bindings::wasi::clocks::wall_clock::Datetime;
use super::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use super::bindings::wasi::io::poll;

/// Where the monotonic clock begins: past anything that a toolchain's snapshot can have read from its own.
const BEGIN: u64 = 1 << 50;
const SECOND: u64 = 1_000_000_000;

/// The clocks of one instance.
///
/// The wall clock stands, since anything that moves it would be seen in records: calls come as the load has
/// them, and instances are replaced. So it isn't moved by waiting either. The monotonic clock has to be, or a
/// loop that waits until an instant would never end; what a guest makes of that it makes of its own waits.
pub(super) struct Clock {
    wall: u64,
    monotonic: u64,
}

impl Clock {
    pub fn new(wall: u64) -> Clock {
        Clock {
            wall,
            monotonic: BEGIN,
        }
    }

    fn wait(&mut self, until: u64) {
        self.monotonic = self.monotonic.max(until);
    }
}

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pollable {
    /// A stream: never has anybody wait.
    Ready,
    /// A timer: an instant of the monotonic clock.
    At(u64),
}

impl Pollable {
    fn ready(self, now: u64) -> bool {
        match self {
            Pollable::Ready => true,
            Pollable::At(instant) => instant <= now,
        }
    }

    fn instant(self) -> Option<u64> {
        match self {
            Pollable::Ready => None,
            Pollable::At(instant) => Some(instant),
        }
    }
}

impl wall_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<Datetime> {
        let wall = self.wasi.clock.wall;
        Ok(Datetime {
            seconds: wall / SECOND,
            nanoseconds: (wall % SECOND) as u32,
        })
    }

    fn resolution(&mut self) -> wasmtime::Result<Datetime> {
        Ok(Datetime {
            seconds: 0,
            nanoseconds: 1,
        })
    }
}

impl monotonic_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.wasi.clock.monotonic)
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<Pollable>> {
        self.wasi.push(Pollable::At(when))
    }

    fn subscribe_duration(&mut self, when: u64) -> wasmtime::Result<Resource<Pollable>> {
        let instant = self.wasi.clock.monotonic.saturating_add(when);
        self.wasi.push(Pollable::At(instant))
    }
}

impl poll::Host for Guest {
    fn poll(&mut self, list: Vec<Resource<Pollable>>) -> wasmtime::Result<Vec<u32>> {
        if list.is_empty() {
            return Err(wasmtime::format_err!(
                "it waits for nothing: the list that it gave `poll` is empty"
            ));
        }
        let get = |one| Ok(*self.wasi.table.get(one)?);
        let list: Vec<Pollable> = list.iter().map(get).collect::<wasmtime::Result<_>>()?;
        let clock = &mut self.wasi.clock;
        if !list.iter().any(|one| one.ready(clock.monotonic)) {
            let first = list.iter().filter_map(|one| one.instant()).min();
            clock.wait(first.unwrap_or_default());
        }
        let ready = (0u32..).zip(&list);
        let ready = ready.filter(|(_, one)| one.ready(clock.monotonic));
        Ok(ready.map(|(at, _)| at).collect())
    }
}

impl poll::HostPollable for Guest {
    fn ready(&mut self, one: Resource<Pollable>) -> wasmtime::Result<bool> {
        let pollable = *self.wasi.table.get(&one)?;
        Ok(pollable.ready(self.wasi.clock.monotonic))
    }

    fn block(&mut self, one: Resource<Pollable>) -> wasmtime::Result<()> {
        let pollable = *self.wasi.table.get(&one)?;
        self.wasi.clock.wait(pollable.instant().unwrap_or_default());
        Ok(())
    }

    fn drop(&mut self, one: Resource<Pollable>) -> wasmtime::Result<()> {
        self.wasi.table.delete(one)?;
        Ok(())
    }
}
