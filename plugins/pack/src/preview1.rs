//! WASI preview 1 made of constants, for languages whose runtime asks for it (Go).
//!
//! A generator has no files, no clock and no entropy, so every function answers by itself: the
//! environment is empty, no file can be opened, clocks stand still, random bytes are always the
//! same sequence. Waiting is over at once, and the monotonic clock is then where it waited for: a
//! program that sleeps goes on. What is written to the standard output and error goes to the
//! host's log, line by line, since the last words of a runtime that dies are written there.
//!
//! Two functions more than preview 1 has let an SDK see what went on:
//! - `wellhead_lines(pointer, length)` lends memory in which lines are put together. Without it
//!   there is no place for them, and what is written is dropped.
//! - `wellhead_reads(pointer)` lends two words of 32 bits: how often the wall clock was read, and
//!   how often random bytes were. So an SDK can tell an author that both are frozen.
//!
//! The module is made here, instruction by instruction, so that wrapping needs no second file and
//! no compiler. It has no memory of its own: it works on that of the module which imports it.

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, MemArg, MemoryType, Module,
    TypeSection, ValType,
};

mod functions;
use functions::FUNCTIONS;

/// The name by which modules import preview 1.
pub(crate) const MODULE: &str = "wasi_snapshot_preview1";

/// Indices of globals: the lent line buffer, its size, the bytes in it, the lent counters, where
/// the random bytes are, and what the monotonic clock shows.
mod global {
    pub(super) const LINES: u32 = 0;
    pub(super) const LINES_SIZE: u32 = 1;
    pub(super) const LINES_USED: u32 = 2;
    pub(super) const READS: u32 = 3;
    pub(super) const RANDOM: u32 = 4;
    pub(super) const MONOTONIC: u32 = 5;
}

/// Indices of the functions before those that are exported.
const LOG: u32 = 0;
const FLUSH: u32 = 1;
const PUT: u32 = 2;
const COUNT: u32 = 3;
/// All of these but the first, which is imported: how many parameters each has, and its code.
const HELPERS: [(usize, fn() -> Function); 3] = [(1, flush), (3, put), (1, count)];

/// The adapter, as a module with its meaning.
pub(crate) fn adapter() -> Result<Vec<u8>, String> {
    let mut types = TypeSection::new();
    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();

    let mut imports = ImportSection::new();
    types.ty().function([ValType::I32; 3], []);
    imports.import(
        "wellhead:generator/log@1.0.0",
        "log",
        EntityType::Function(0),
    );
    let memory = MemoryType {
        minimum: 0,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    };
    imports.import("env", "memory", memory);

    for (parameters, body) in HELPERS {
        functions.function(types.len());
        types.ty().function(vec![ValType::I32; parameters], []);
        code.function(&body());
    }
    for (index, (name, parameters, body)) in (COUNT + 1..).zip(FUNCTIONS) {
        functions.function(types.len());
        let results = body.results();
        types.ty().function(value_types(parameters), results);
        exports.export(name, ExportKind::Func, index);
        code.function(&body.function(parameters.len()));
    }

    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions);
    module.section(&globals()).section(&exports).section(&code);
    let mut bytes = module.finish();
    crate::contract::embed_adapter(&mut bytes)?;
    Ok(bytes)
}

/// `i` is 32 bits, `l` is 64.
fn value_types(parameters: &str) -> impl ExactSizeIterator<Item = ValType> {
    parameters.bytes().map(|letter| match letter {
        b'l' => ValType::I64,
        _ => ValType::I32,
    })
}

fn globals() -> GlobalSection {
    let mut globals = GlobalSection::new();
    let changing = |val_type| GlobalType {
        val_type,
        mutable: true,
        shared: false,
    };
    for _ in global::LINES..=global::READS {
        globals.global(changing(ValType::I32), &ConstExpr::i32_const(0));
    }
    globals.global(changing(ValType::I32), &ConstExpr::i32_const(0x2545_f491));
    // Go takes a monotonic clock at 0 for a broken one.
    globals.global(changing(ValType::I64), &ConstExpr::i64_const(1_000_000_000));
    globals
}

fn at(offset: u64, align: u32) -> MemArg {
    MemArg {
        offset,
        align,
        memory_index: 0,
    }
}

/// `flush(level)`: what is in the line buffer becomes a message.
fn flush() -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    code.global_get(global::LINES_USED).if_(BlockType::Empty);
    code.local_get(0);
    code.global_get(global::LINES);
    code.global_get(global::LINES_USED);
    code.call(LOG);
    code.i32_const(0).global_set(global::LINES_USED);
    code.end().end();
    function
}

/// `put(level, pointer, length)`: bytes that were written, into lines, where there is room lent.
///
/// A message has to be UTF-8, and a line may be cut anywhere, so what isn't ASCII becomes `?`.
fn put() -> Function {
    const LEVEL: u32 = 0;
    const POINTER: u32 = 1;
    const LENGTH: u32 = 2;
    const BYTE: u32 = 3;
    let mut function = Function::new([(1, ValType::I32)]);
    let mut code = function.instructions();
    code.global_get(global::LINES_SIZE).i32_eqz();
    code.if_(BlockType::Empty).return_().end();
    code.block(BlockType::Empty).loop_(BlockType::Empty);
    code.local_get(LENGTH).i32_eqz().br_if(1);
    code.local_get(POINTER).i32_load8_u(at(0, 0));
    code.local_tee(BYTE).i32_const(i32::from(b'\n')).i32_eq();
    code.if_(BlockType::Empty);
    code.local_get(LEVEL).call(FLUSH);
    code.else_();
    code.global_get(global::LINES_USED);
    code.global_get(global::LINES_SIZE).i32_ge_u();
    code.if_(BlockType::Empty);
    code.local_get(LEVEL).call(FLUSH);
    code.end();
    code.global_get(global::LINES);
    code.global_get(global::LINES_USED).i32_add();
    code.i32_const(i32::from(b'?')).local_get(BYTE);
    code.local_get(BYTE).i32_const(128).i32_ge_u().select();
    code.i32_store8(at(0, 0));
    code.global_get(global::LINES_USED).i32_const(1).i32_add();
    code.global_set(global::LINES_USED);
    code.end();
    code.local_get(POINTER).i32_const(1).i32_add();
    code.local_set(POINTER);
    code.local_get(LENGTH).i32_const(1).i32_sub();
    code.local_set(LENGTH);
    code.br(0).end().end().end();
    function
}

/// `count(offset)`: one more in the lent counter that lies there, where counters were lent.
fn count() -> Function {
    let mut function = Function::new([(1, ValType::I32)]);
    let mut code = function.instructions();
    code.global_get(global::READS).if_(BlockType::Empty);
    code.global_get(global::READS).local_get(0).i32_add();
    code.local_tee(1);
    code.local_get(1).i32_load(at(0, 2)).i32_const(1).i32_add();
    code.i32_store(at(0, 2));
    code.end().end();
    function
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmparser::{Payload, Validator};

    #[test]
    fn the_adapter_is_valid_and_has_all_of_preview_1() {
        let bytes = adapter().unwrap();
        Validator::new().validate_all(&bytes).unwrap();
        let mut names = Vec::new();
        for payload in wasmparser::Parser::new(0).parse_all(&bytes) {
            if let Payload::ExportSection(exports) = payload.unwrap() {
                names.extend(exports.into_iter().map(|e| e.unwrap().name.to_owned()));
            }
        }
        // 46 functions, and the two that lend memory.
        assert_eq!(names.len(), 48);
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 48);
    }
}
