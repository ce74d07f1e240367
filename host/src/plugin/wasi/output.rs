//! Standard output and standard error as lines of the log, and a standard input with nothing in it.

use wasmtime::component::Resource;

use super::bindings::wasi::cli::{
    stderr, stdin, stdout, terminal_input, terminal_output, terminal_stderr, terminal_stdin,
    terminal_stdout,
};
use super::bindings::wasi::io::{error, streams};
use super::clock::Pollable;
use super::{Guest, Level, Log};
use streams::StreamError;
use terminal_input::TerminalInput;
use terminal_output::TerminalOutput;

/// Bytes of a line that are kept.
const LINE: usize = 4096;
/// Bytes of one write.
const WRITE: usize = 64 << 10;

/// Standard input.
pub struct Input;

/// Standard output or standard error.
#[derive(Clone, Copy)]
pub enum Output {
    Out,
    Err,
}

/// Cuts what comes into lines.
pub(super) struct Lines {
    level: Level,
    /// Of the line that has begun.
    begun: Vec<u8>,
}

impl Lines {
    pub fn new(level: Level) -> Lines {
        let begun = Vec::new();
        Lines { level, begun }
    }

    fn write(&mut self, bytes: &[u8], log: &mut Log) {
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, ended) = match part {
                [text @ .., b'\n'] => (text, true),
                text => (text, false),
            };
            let room = LINE.saturating_sub(self.begun.len());
            self.begun.extend_from_slice(&text[..text.len().min(room)]);
            if ended {
                log.note(self.level, &String::from_utf8_lossy(&self.begun), true);
                self.begun.clear();
            }
        }
    }

    pub fn flush(&mut self, log: &mut Log) {
        if !self.begun.is_empty() {
            self.write(b"\n", log);
        }
    }
}

type Stream<T> = wasmtime::Result<Result<T, StreamError>>;

impl Guest {
    fn write(&mut self, to: &Resource<Output>, bytes: &[u8]) -> Stream<()> {
        if bytes.len() > WRITE {
            return Err(wasmtime::format_err!(
                "it wrote {} bytes at once, and `check-write` allows {WRITE}",
                bytes.len()
            ));
        }
        let lines = match self.wasi.table.get(to)? {
            Output::Out => &mut self.wasi.output,
            Output::Err => &mut self.wasi.errors,
        };
        lines.write(bytes, &mut self.log);
        Ok(Ok(()))
    }

    fn write_zeroes_of(&mut self, to: &Resource<Output>, length: u64) -> Stream<()> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.write(to, &vec![0; length.min(WRITE + 1)])
    }
}

impl streams::Host for Guest {}

impl streams::HostInputStream for Guest {
    fn read(&mut self, _: Resource<Input>, _: u64) -> Stream<Vec<u8>> {
        Ok(Err(StreamError::Closed))
    }

    fn blocking_read(&mut self, _: Resource<Input>, _: u64) -> Stream<Vec<u8>> {
        Ok(Err(StreamError::Closed))
    }

    fn skip(&mut self, _: Resource<Input>, _: u64) -> Stream<u64> {
        Ok(Err(StreamError::Closed))
    }

    fn blocking_skip(&mut self, _: Resource<Input>, _: u64) -> Stream<u64> {
        Ok(Err(StreamError::Closed))
    }

    fn subscribe(&mut self, _: Resource<Input>) -> wasmtime::Result<Resource<Pollable>> {
        self.wasi.push(Pollable::Ready)
    }

    fn drop(&mut self, input: Resource<Input>) -> wasmtime::Result<()> {
        self.wasi.table.delete(input)?;
        Ok(())
    }
}

impl streams::HostOutputStream for Guest {
    fn check_write(&mut self, _: Resource<Output>) -> Stream<u64> {
        Ok(Ok(WRITE as u64))
    }

    fn write(&mut self, to: Resource<Output>, bytes: Vec<u8>) -> Stream<()> {
        Guest::write(self, &to, &bytes)
    }

    fn blocking_write_and_flush(&mut self, to: Resource<Output>, bytes: Vec<u8>) -> Stream<()> {
        Guest::write(self, &to, &bytes)
    }

    /// Lines go out as they end, and what has begun at the end of the call.
    fn flush(&mut self, _: Resource<Output>) -> Stream<()> {
        Ok(Ok(()))
    }

    fn blocking_flush(&mut self, _: Resource<Output>) -> Stream<()> {
        Ok(Ok(()))
    }

    fn subscribe(&mut self, _: Resource<Output>) -> wasmtime::Result<Resource<Pollable>> {
        self.wasi.push(Pollable::Ready)
    }

    fn write_zeroes(&mut self, to: Resource<Output>, length: u64) -> Stream<()> {
        self.write_zeroes_of(&to, length)
    }

    fn blocking_write_zeroes_and_flush(&mut self, to: Resource<Output>, length: u64) -> Stream<()> {
        self.write_zeroes_of(&to, length)
    }

    fn splice(&mut self, _: Resource<Output>, _: Resource<Input>, _: u64) -> Stream<u64> {
        Ok(Err(StreamError::Closed))
    }

    fn blocking_splice(&mut self, _: Resource<Output>, _: Resource<Input>, _: u64) -> Stream<u64> {
        Ok(Err(StreamError::Closed))
    }

    fn drop(&mut self, output: Resource<Output>) -> wasmtime::Result<()> {
        self.wasi.table.delete(output)?;
        Ok(())
    }
}

impl error::Host for Guest {}

/// No stream gives an error but `closed`, so nobody holds one.
impl error::HostError for Guest {
    fn to_debug_string(&mut self, _: Resource<error::Error>) -> wasmtime::Result<String> {
        Ok(String::new())
    }

    fn drop(&mut self, _: Resource<error::Error>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl stdin::Host for Guest {
    fn get_stdin(&mut self) -> wasmtime::Result<Resource<Input>> {
        self.wasi.push(Input)
    }
}

impl stdout::Host for Guest {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<Output>> {
        self.wasi.push(Output::Out)
    }
}

impl stderr::Host for Guest {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<Output>> {
        self.wasi.push(Output::Err)
    }
}

impl terminal_input::Host for Guest {}

impl terminal_input::HostTerminalInput for Guest {
    fn drop(&mut self, _: Resource<TerminalInput>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl terminal_output::Host for Guest {}

impl terminal_output::HostTerminalOutput for Guest {
    fn drop(&mut self, _: Resource<TerminalOutput>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl terminal_stdin::Host for Guest {
    fn get_terminal_stdin(&mut self) -> wasmtime::Result<Option<Resource<TerminalInput>>> {
        Ok(None)
    }
}

impl terminal_stdout::Host for Guest {
    fn get_terminal_stdout(&mut self) -> wasmtime::Result<Option<Resource<TerminalOutput>>> {
        Ok(None)
    }
}

impl terminal_stderr::Host for Guest {
    fn get_terminal_stderr(&mut self) -> wasmtime::Result<Option<Resource<TerminalOutput>>> {
        Ok(None)
    }
}
