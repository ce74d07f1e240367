//! Starts the child process that compiles, watches it, and says how it ended.

use std::io::{self, Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::thread::{Builder, Scope, ScopedJoinHandle, scope};
use std::time::Instant;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::gate::Event;
use super::inside::{Ration, Said};
use super::{CompileLimits, Failure, Input, Job};
use crate::plugin::Problem;
use crate::plugin::bindings::printable;

/// Bytes of standard error that are looked at.
const SAID_BYTES: usize = 64 << 10;
/// What Rust's standard library says when memory is refused, before it aborts.
const REFUSED: &str = "memory allocation of";

/// Wrapped component, if it was wrapped, and code.
type Made = (Option<Vec<u8>>, Vec<u8>);

/// How a child process ended, and what it left.
struct Ended {
    event: Event,
    status: ExitStatus,
    given: Vec<u8>,
    said: String,
}

/// Compiles in a child process. It is over, and reaped, when this returns.
pub(super) fn run(
    program: &Path,
    limits: &CompileLimits,
    ration: &Ration,
    input: Input,
    job: &Job,
) -> Result<Made, Failure> {
    if job.is_cancelled() {
        return Err(Failure::Cancelled);
    }
    let failed = |error: io::Error| Failure::System(format!("it can't be started: {error}"));
    let deadline = Instant::now() + limits.wall;
    let (stdin, bytes) = match input {
        Input::File(file) => (Stdio::from(file), None),
        Input::Bytes(bytes) => (Stdio::piped(), Some(bytes)),
    };
    let mut child = Command::new(program)
        .arg0("wellhead")
        .arg("compile-component")
        .arg(ration.to_json().map_err(failed)?)
        .env_clear()
        // The allocator would take a GiB at once, which the limit on memory would count.
        .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
        .env("RAYON_NUM_THREADS", limits.threads.max(1).to_string())
        .current_dir("/")
        .process_group(0)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let ended = watch(&mut child, bytes, limits, job, deadline).map_err(failed)?;
    outcome(ended, limits)
}

/// Waits for its end, or ends it: at the deadline, when it gives back too much, when it is called
/// off. The thread that started it stays until then, since the child ends with it.
fn watch(
    child: &mut Child,
    bytes: Option<&[u8]>,
    limits: &CompileLimits,
    job: &Job,
    deadline: Instant,
) -> io::Result<Ended> {
    let group = Pid::from_child(child);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    scope(|scope| {
        let started = || -> io::Result<_> {
            let given = pipe(scope, stdout, limits.code_bytes, Some(job.teller()))?;
            let said = pipe(scope, stderr, SAID_BYTES, None)?;
            thread(scope, {
                let tell = job.teller();
                move || {
                    wait_for(group);
                    let _ = tell.send(Event::Exited);
                }
            })?;
            if let (Some(mut stdin), Some(bytes)) = (stdin, bytes) {
                // Where it ends before it has read all, its end says why.
                thread(scope, move || drop(stdin.write_all(bytes)))?;
            }
            Ok((given, said))
        };
        let started = started();
        let event = match &started {
            Ok(_) => job.next(deadline),
            Err(_) => Event::Cancelled,
        };
        // It isn't reaped yet, so the number is still its own; whatever it has started goes too.
        let _ = kill_process_group(group, Signal::KILL);
        let status = child.wait()?;
        let (given, said) = started?;
        Ok(Ended {
            event,
            status,
            given: given.join().unwrap_or_default(),
            said: String::from_utf8_lossy(&said.join().unwrap_or_default()).into_owned(),
        })
    })
}

fn thread<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, T>> {
    Builder::new()
        .name("compile".into())
        .spawn_scoped(scope, work)
}

/// Reads a pipe to its end on a thread of its own, and keeps so many bytes of it and one more.
/// `too_long` is told of that one; without it what follows is passed over.
fn pipe<'scope>(
    scope: &'scope Scope<'scope, '_>,
    from: Option<impl io::Read + Send + 'scope>,
    limit: usize,
    too_long: Option<Sender<Event>>,
) -> io::Result<ScopedJoinHandle<'scope, Vec<u8>>> {
    thread(scope, move || {
        let mut bytes = Vec::new();
        let Some(mut from) = from else {
            return bytes;
        };
        let whole = (&mut from).take(limit as u64 + 1).read_to_end(&mut bytes);
        if whole.is_ok() && bytes.len() > limit {
            match too_long {
                Some(tell) => drop(tell.send(Event::TooLong)),
                None => drop(io::copy(&mut from, &mut io::sink())),
            }
        }
        bytes
    })
}

/// Waits until a child process is over, and leaves it to be reaped.
fn wait_for(pid: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
}

fn outcome(ended: Ended, limits: &CompileLimits) -> Result<Made, Failure> {
    let component = |problem| Err(Failure::Component(problem));
    match ended.event {
        Event::Cancelled => return Err(Failure::Cancelled),
        Event::Late => return component(Problem::CompileWall(limits.wall)),
        Event::TooLong | Event::Turn | Event::Exited => {}
    }
    // Its last bytes may still have been in the pipe when it ended.
    if ended.given.len() > limits.code_bytes {
        return component(Problem::CompileLarge(limits.code_bytes));
    }
    if ended.status.success() {
        return made(ended.given)
            .ok_or_else(|| Failure::System("its answer is cut short".to_owned()));
    }
    let memory = Problem::CompileMemory(usize::try_from(limits.memory_bytes).unwrap_or(usize::MAX));
    let last = ended
        .said
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty());
    let last = last.unwrap_or_default();
    match serde_json::from_str::<Said>(last) {
        Ok(Said::Invalid(reason)) => return component(Problem::Invalid(printable(&reason))),
        Ok(Said::Unwrappable(reason)) => {
            return component(Problem::Unwrappable(printable(&reason)));
        }
        Ok(Said::Memory) => return component(memory),
        Ok(Said::Panicked(reason)) => return component(Problem::CompilerFault(printable(&reason))),
        Ok(Said::System(reason)) => return Err(Failure::System(printable(&reason))),
        Err(_) => {}
    }
    let signal = ended.status.signal();
    if ended.said.contains(REFUSED) {
        component(memory)
    } else if signal == Some(Signal::XCPU.as_raw()) {
        component(Problem::CompileCpu(limits.cpu))
    } else if signal == Some(Signal::KILL.as_raw()) {
        Err(Failure::System(
            "it was killed by somebody else; the machine may be out of memory".into(),
        ))
    } else if signal.is_some() {
        let status = ended.status;
        component(Problem::CompilerFault(printable(&format!(
            "{status}; {last}"
        ))))
    } else {
        let status = ended.status;
        Err(Failure::System(printable(&format!("{status}; {last}"))))
    }
}

/// Takes apart what the child process gave: length of the wrapped component (8 bytes, little
/// endian; 0 where nothing was wrapped), wrapped component, code.
fn made(mut given: Vec<u8>) -> Option<Made> {
    let (length, rest) = given.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let wrapped = (length > 0).then(|| rest.get(..length).map(<[u8]>::to_vec));
    let wrapped = match wrapped {
        Some(None) => return None,
        Some(wrapped) => wrapped,
        None => None,
    };
    given.drain(..8 + length);
    Some((wrapped, given))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(raw: i32, said: &str) -> Ended {
        Ended {
            event: Event::Exited,
            status: ExitStatus::from_raw(raw),
            given: Vec::new(),
            said: said.to_owned(),
        }
    }

    #[test]
    fn what_it_gives_is_taken_apart() {
        assert_eq!(
            made(b"\0\0\0\0\0\0\0\0code".to_vec()),
            Some((None, b"code".to_vec()))
        );
        let wrapped = made(b"\x03\0\0\0\0\0\0\0abccode".to_vec());
        assert_eq!(wrapped, Some((Some(b"abc".to_vec()), b"code".to_vec())));
        assert_eq!(made(b"\x09\0\0\0\0\0\0\0abccode".to_vec()), None);
        assert_eq!(made(b"\xff\xff\xff\xff\xff\xff\xff\xffcode".to_vec()), None);
        assert_eq!(made(b"\0\0".to_vec()), None);
    }

    #[test]
    fn each_end_has_its_own_words() {
        let limits = CompileLimits::default();
        let says = |ended: Ended| match outcome(ended, &limits) {
            Err(Failure::Component(problem)) => format!("component {problem}"),
            Err(Failure::System(reason)) => format!("system {reason}"),
            Err(Failure::Cancelled) => "cancelled".into(),
            Ok(_) => "made".into(),
        };
        let abort = Signal::ABORT.as_raw();
        for (ended, part) in [
            (ended(Signal::XCPU.as_raw(), ""), "60s of CPU time"),
            (
                ended(Signal::KILL.as_raw(), ""),
                "system it was killed by somebody else",
            ),
            (
                ended(abort, "memory allocation of 4096 bytes failed\n"),
                "1024 MiB of memory",
            ),
            (ended(abort, "stack overflow"), "stack overflow"),
            (
                ended(1 << 8, "noise\n{\"invalid\":\"bad magic\"}\n"),
                "bad magic",
            ),
            (
                ended(1 << 8, "{\"unwrappable\":\"no section\"}\n"),
                "no section",
            ),
            (ended(1 << 8, "\"memory\"\n"), "1024 MiB of memory"),
            (ended(1 << 8, "{\"panicked\":\"oh\"}\n"), "oh"),
            (
                ended(1 << 8, "{\"system\":\"no pipe\"}\n"),
                "system no pipe",
            ),
            (
                ended(2 << 8, "error: unknown\n"),
                "system exit status: 2; error: unknown",
            ),
            (ended(0, ""), "cut short"),
        ] {
            let text = says(ended);
            assert!(text.contains(part), "no {part:?} in {text:?}");
        }
    }
}
