//! The functions of preview 1, each with what it answers.

use super::{COUNT, FLUSH, PUT, at, global};
use wasm_encoder::{BlockType, Function, InstructionSink, ValType};

const SUCCESS: i32 = 0;
const BAD_DESCRIPTOR: i32 = 8;
const NO_ENTRY: i32 = 44;
const NOT_SUPPORTED: i32 = 58;
const IS_PIPE: i32 = 70;

/// 2000-01-01T00:00:00Z: the wall clock stands there, in nanoseconds.
const WALL: i64 = 946_684_800_000_000_000;
/// Levels of the `log` import.
const INFO: i32 = 1;
const ERROR: i32 = 3;

/// What a function does.
#[derive(Clone, Copy)]
pub(super) enum Body {
    /// Answers with an error number, always.
    Answer(i32),
    /// Does something, with this many locals of 32 bits, and succeeds.
    Does(u32, fn(&mut InstructionSink<'_>, u32)),
    /// Never comes back.
    Ends(fn(&mut InstructionSink<'_>)),
    /// Gives nothing.
    Tells(fn(&mut InstructionSink<'_>)),
}

impl Body {
    pub(super) fn results(self) -> Vec<ValType> {
        match self {
            Body::Answer(_) | Body::Does(..) => vec![ValType::I32],
            Body::Ends(_) | Body::Tells(_) => Vec::new(),
        }
    }

    /// The code; locals of its own come after the parameters.
    pub(super) fn function(self, parameters: usize) -> Function {
        let locals = match self {
            Body::Does(locals, _) => locals,
            _ => 0,
        };
        let mut function = Function::new([(locals, ValType::I32)]);
        let mut code = function.instructions();
        match self {
            Body::Answer(number) => {
                code.i32_const(number);
            }
            Body::Does(_, body) => {
                body(&mut code, u32::try_from(parameters).unwrap_or(0));
                code.i32_const(SUCCESS);
            }
            Body::Ends(body) => {
                body(&mut code);
                code.unreachable();
            }
            Body::Tells(body) => body(&mut code),
        }
        code.end();
        function
    }
}

use Body::{Answer, Does, Ends, Tells};

/// Name, parameters (`i` for 32 bits, `l` for 64), and what it does.
pub(super) const FUNCTIONS: &[(&str, &str, Body)] = &[
    ("args_get", "ii", Answer(SUCCESS)),
    ("args_sizes_get", "ii", Does(0, two_zeros)),
    ("environ_get", "ii", Answer(SUCCESS)),
    ("environ_sizes_get", "ii", Does(0, two_zeros)),
    ("clock_res_get", "ii", Does(0, resolution)),
    ("clock_time_get", "ili", Does(0, time)),
    ("random_get", "ii", Does(1, random)),
    ("poll_oneoff", "iiii", Does(1, poll)),
    ("sched_yield", "", Answer(SUCCESS)),
    ("proc_exit", "i", Ends(exit)),
    ("proc_raise", "i", Answer(NOT_SUPPORTED)),
    ("fd_write", "iiii", Does(1, write)),
    ("fd_read", "iiii", Does(0, read)),
    ("fd_fdstat_get", "ii", Does(0, status)),
    ("fd_fdstat_set_flags", "ii", Answer(SUCCESS)),
    ("fd_fdstat_set_rights", "ill", Answer(BAD_DESCRIPTOR)),
    ("fd_advise", "illi", Answer(BAD_DESCRIPTOR)),
    ("fd_allocate", "ill", Answer(BAD_DESCRIPTOR)),
    ("fd_close", "i", Answer(SUCCESS)),
    ("fd_datasync", "i", Answer(BAD_DESCRIPTOR)),
    ("fd_filestat_get", "ii", Answer(BAD_DESCRIPTOR)),
    ("fd_filestat_set_size", "il", Answer(BAD_DESCRIPTOR)),
    ("fd_filestat_set_times", "illi", Answer(BAD_DESCRIPTOR)),
    ("fd_pread", "iiili", Answer(BAD_DESCRIPTOR)),
    ("fd_prestat_get", "ii", Answer(BAD_DESCRIPTOR)),
    ("fd_prestat_dir_name", "iii", Answer(BAD_DESCRIPTOR)),
    ("fd_pwrite", "iiili", Answer(BAD_DESCRIPTOR)),
    ("fd_readdir", "iiili", Answer(BAD_DESCRIPTOR)),
    ("fd_renumber", "ii", Answer(BAD_DESCRIPTOR)),
    ("fd_seek", "ilii", Answer(IS_PIPE)),
    ("fd_sync", "i", Answer(BAD_DESCRIPTOR)),
    ("fd_tell", "ii", Answer(IS_PIPE)),
    ("path_create_directory", "iii", Answer(NO_ENTRY)),
    ("path_filestat_get", "iiiii", Answer(NO_ENTRY)),
    ("path_filestat_set_times", "iiiilli", Answer(NO_ENTRY)),
    ("path_link", "iiiiiii", Answer(NO_ENTRY)),
    ("path_open", "iiiiillii", Answer(NO_ENTRY)),
    ("path_readlink", "iiiiii", Answer(NO_ENTRY)),
    ("path_remove_directory", "iii", Answer(NO_ENTRY)),
    ("path_rename", "iiiiii", Answer(NO_ENTRY)),
    ("path_symlink", "iiiii", Answer(NO_ENTRY)),
    ("path_unlink_file", "iii", Answer(NO_ENTRY)),
    ("sock_accept", "iii", Answer(NOT_SUPPORTED)),
    ("sock_recv", "iiiiii", Answer(NOT_SUPPORTED)),
    ("sock_send", "iiiii", Answer(NOT_SUPPORTED)),
    ("sock_shutdown", "ii", Answer(NOT_SUPPORTED)),
    ("wellhead_lines", "ii", Tells(lend_lines)),
    ("wellhead_reads", "i", Tells(lend_counters)),
];

/// `(count, size)`: both are 0.
fn two_zeros(code: &mut InstructionSink<'_>, _: u32) {
    code.local_get(0).i32_const(0).i32_store(at(0, 2));
    code.local_get(1).i32_const(0).i32_store(at(0, 2));
}

/// `(clock, resolution)`: a nanosecond.
fn resolution(code: &mut InstructionSink<'_>, _: u32) {
    code.local_get(1).i64_const(1).i64_store(at(0, 3));
}

/// `(clock, precision, time)`: 0 is the wall clock, which stands still; that it was read counts.
fn time(code: &mut InstructionSink<'_>, _: u32) {
    code.local_get(0).if_(BlockType::Empty);
    code.local_get(2).global_get(global::MONOTONIC);
    code.i64_store(at(0, 3));
    code.else_();
    code.local_get(2).i64_const(WALL).i64_store(at(0, 3));
    code.i32_const(0).call(COUNT);
    code.end();
}

/// `(pointer, length)`: a sequence that begins alike in every instance (Marsaglia's xorshift), so
/// that what tries again until a number fits comes to an end.
fn random(code: &mut InstructionSink<'_>, local: u32) {
    code.i32_const(4).call(COUNT);
    code.block(BlockType::Empty).loop_(BlockType::Empty);
    code.local_get(1).i32_eqz().br_if(1);
    code.global_get(global::RANDOM).local_set(local);
    for (bits, left) in [(13, true), (17, false), (5, true)] {
        code.local_get(local).local_get(local).i32_const(bits);
        if left {
            code.i32_shl();
        } else {
            code.i32_shr_u();
        }
        code.i32_xor().local_set(local);
    }
    code.local_get(local).global_set(global::RANDOM);
    code.local_get(0).local_get(local).i32_store8(at(0, 0));
    code.local_get(0).i32_const(1).i32_add().local_set(0);
    code.local_get(1).i32_const(1).i32_sub().local_set(1);
    code.br(0).end().end();
}

/// `(subscriptions, events, count, ready)`: all of them are ready, and the monotonic clock is
/// where the last of those on time waited for.
fn poll(code: &mut InstructionSink<'_>, left: u32) {
    const SUBSCRIPTION: i32 = 48;
    const EVENT: i32 = 32;
    code.local_get(3).local_get(2).i32_store(at(0, 2));
    code.local_get(2).local_set(left);
    code.block(BlockType::Empty).loop_(BlockType::Empty);
    code.local_get(left).i32_eqz().br_if(1);
    // An event: what the caller knows it by, no error, the same kind.
    code.local_get(1).local_get(0).i64_load(at(0, 3));
    code.i64_store(at(0, 3));
    code.local_get(1).i64_const(0).i64_store(at(8, 3));
    code.local_get(1).i64_const(0).i64_store(at(16, 3));
    code.local_get(1).i64_const(0).i64_store(at(24, 3));
    code.local_get(1).local_get(0).i32_load8_u(at(8, 0));
    code.i32_store8(at(10, 0));
    // Kind 0 waits for a clock.
    code.local_get(0).i32_load8_u(at(8, 0)).i32_eqz();
    code.if_(BlockType::Empty);
    wait(code);
    code.end();
    code.local_get(0).i32_const(SUBSCRIPTION).i32_add();
    code.local_set(0);
    code.local_get(1).i32_const(EVENT).i32_add().local_set(1);
    code.local_get(left).i32_const(1).i32_sub().local_set(left);
    code.br(0).end().end();
}

/// Moves the monotonic clock to the end of the subscription in local 0: after a while, or at an
/// instant that it hasn't passed yet.
fn wait(code: &mut InstructionSink<'_>) {
    code.local_get(0).i32_load16_u(at(40, 1));
    code.i32_const(1).i32_and();
    code.if_(BlockType::Empty);
    {
        code.local_get(0).i64_load(at(24, 3));
        code.global_get(global::MONOTONIC).i64_gt_u();
        code.if_(BlockType::Empty);
        code.local_get(0).i64_load(at(24, 3));
        code.global_set(global::MONOTONIC);
        code.end();
    }
    code.else_();
    code.global_get(global::MONOTONIC);
    code.local_get(0).i64_load(at(24, 3)).i64_add();
    code.global_set(global::MONOTONIC);
    code.end();
}

/// `(status)`: the last line, a word on what that was, and the end.
fn exit(code: &mut InstructionSink<'_>) {
    const LAST: &[u8] =
        b"the generator has ended itself (exit): an error is to be returned instead";
    code.i32_const(ERROR).call(FLUSH);
    code.global_get(global::LINES_SIZE);
    code.i32_const(LAST.len() as i32).i32_ge_u();
    code.if_(BlockType::Empty);
    for (offset, byte) in (0..).zip(LAST) {
        code.global_get(global::LINES);
        code.i32_const(i32::from(*byte)).i32_store8(at(offset, 0));
    }
    code.i32_const(LAST.len() as i32);
    code.global_set(global::LINES_USED);
    code.i32_const(ERROR).call(FLUSH);
    code.end();
}

/// `(descriptor, pieces, count, written)`: all of it; 1 is the standard output, 2 the error.
fn write(code: &mut InstructionSink<'_>, total: u32) {
    code.local_get(0).i32_const(1).i32_sub();
    code.i32_const(2).i32_ge_u();
    code.if_(BlockType::Empty);
    code.i32_const(BAD_DESCRIPTOR).return_().end();
    code.block(BlockType::Empty).loop_(BlockType::Empty);
    code.local_get(2).i32_eqz().br_if(1);
    code.i32_const(ERROR).i32_const(INFO);
    code.local_get(0).i32_const(2).i32_eq().select();
    code.local_get(1).i32_load(at(0, 2));
    code.local_get(1).i32_load(at(4, 2));
    code.call(PUT);
    code.local_get(total).local_get(1).i32_load(at(4, 2));
    code.i32_add().local_set(total);
    code.local_get(1).i32_const(8).i32_add().local_set(1);
    code.local_get(2).i32_const(1).i32_sub().local_set(2);
    code.br(0).end().end();
    code.local_get(3).local_get(total).i32_store(at(0, 2));
}

/// `(descriptor, pieces, count, read)`: the standard input is at its end.
fn read(code: &mut InstructionSink<'_>, _: u32) {
    code.local_get(0).if_(BlockType::Empty);
    code.i32_const(BAD_DESCRIPTOR).return_().end();
    code.local_get(3).i32_const(0).i32_store(at(0, 2));
}

/// `(descriptor, status)`: the three standard streams are character devices; there is nothing
/// else.
fn status(code: &mut InstructionSink<'_>, _: u32) {
    const CHARACTER_DEVICE: i64 = 2;
    code.local_get(0).i32_const(2).i32_gt_u();
    code.if_(BlockType::Empty);
    code.i32_const(BAD_DESCRIPTOR).return_().end();
    code.local_get(1).i64_const(CHARACTER_DEVICE);
    code.i64_store(at(0, 3));
    code.local_get(1).i64_const(0).i64_store(at(8, 3));
    code.local_get(1).i64_const(0).i64_store(at(16, 3));
}

/// `(pointer, length)`: memory for a line.
fn lend_lines(code: &mut InstructionSink<'_>) {
    code.local_get(0).global_set(global::LINES);
    code.local_get(1).global_set(global::LINES_SIZE);
    code.i32_const(0).global_set(global::LINES_USED);
}

/// `(pointer)`: two counters.
fn lend_counters(code: &mut InstructionSink<'_>) {
    code.local_get(0).global_set(global::READS);
}
