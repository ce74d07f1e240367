//! Components that nobody would send with good intent, made here.

use wasm_encoder::{
    CodeSection, Component, ComponentBuilder, ComponentExportKind, ComponentExportSection,
    ComponentImportSection, ComponentInstanceSection, ComponentTypeRef, ComponentTypeSection,
    ComponentValType, ExportKind, ExportSection, Function, FunctionSection, InstanceType, Module,
    ModuleArg, PrimitiveValType, TypeSection, ValType,
};

/// No arguments.
const NONE: [(&str, ComponentExportKind, u32); 0] = [];
const NO_MODULES: [(&str, ModuleArg); 0] = [];

/// A component with one core module of so many functions, each with so many operations.
pub fn functions(functions: u32, operations: i64) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I64], [ValType::I64]);
    let (mut declared, mut code) = (FunctionSection::new(), CodeSection::new());
    let mut body = Function::new([]);
    let mut sink = body.instructions();
    sink.local_get(0);
    for n in 0..operations {
        // Nothing that could be folded.
        sink.i64_const(n | 1).i64_rotl().local_get(0).i64_mul();
    }
    sink.end();
    for _ in 0..functions {
        declared.function(0);
        code.function(&body);
    }
    let mut module = Module::new();
    module.section(&types).section(&declared).section(&code);
    let mut component = ComponentBuilder::default();
    component.core_module(None, &module);
    component.finish()
}

/// Components in components, each of which instantiates the one in it so many times: a few hundred
/// bytes that stand for `times` to the power of `levels` instances.
pub fn multiplied(levels: u32, times: u32) -> Vec<u8> {
    let mut inner = ComponentBuilder::default();
    inner.core_module(None, &Module::new());
    inner.core_instantiate(None, 0, NO_MODULES);
    for _ in 0..levels {
        let mut outer = ComponentBuilder::default();
        let component = outer.component(None, inner);
        for _ in 0..times {
            outer.instantiate(None, component, NONE);
        }
        inner = outer;
    }
    inner.finish()
}

/// A type that is a tuple of a hundred of the type before it, so many times over.
pub fn types(levels: u32) -> Vec<u8> {
    let mut component = ComponentBuilder::default();
    let mut last = ComponentValType::Primitive(PrimitiveValType::U32);
    for _ in 0..levels {
        let (index, encoder) = component.type_defined(None);
        encoder.tuple(vec![last; 100]);
        last = ComponentValType::Type(index);
    }
    component.finish()
}

/// A component with so many exports, all of them sound.
pub fn exports(count: u32) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut body = Function::new([]);
    body.instructions().end();
    let mut module = Module::new();
    module
        .section(&types)
        .section(FunctionSection::new().function(0))
        .section(ExportSection::new().export("f", ExportKind::Func, 0))
        .section(CodeSection::new().function(&body));
    let mut component = ComponentBuilder::default();
    component.core_module(None, &module);
    let instance = component.core_instantiate(None, 0, NO_MODULES);
    let core = component.core_alias_export(None, instance, "f", ExportKind::Func);
    let (kind, mut encoder) = component.type_function(None);
    let parameters: [(&str, ComponentValType); 0] = [];
    encoder.params(parameters).result(None);
    let function = component.lift_func(None, core, kind, []);
    for n in 0..count {
        let name = format!("export-number-{n}");
        component.export(name.as_str(), ComponentExportKind::Func, function, None);
    }
    component.finish()
}

/// A component that exports the generator's interface by name, and imports another by that name.
pub fn imports(name: &str) -> Vec<u8> {
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    let mut imports = ComponentImportSection::new();
    imports.import(name, ComponentTypeRef::Instance(0));
    let mut instances = ComponentInstanceSection::new();
    instances.export_items(NONE);
    let mut exports = ComponentExportSection::new();
    let interface = "wellhead:generator/generator@1.0.0";
    exports.export(interface, ComponentExportKind::Instance, 1, None);
    let mut component = Component::new();
    component
        .section(&types)
        .section(&imports)
        .section(&instances)
        .section(&exports);
    component.finish()
}

const TYPES: u8 = 1;
const IMPORTS: u8 = 2;
const FUNCTIONS: u8 = 3;
const START: u8 = 8;
const ELEMENTS: u8 = 9;
const CODE: u8 = 10;

/// A core module with a start function that never ends.
pub fn with_start(module: &[u8]) -> Vec<u8> {
    let spin: &[u8] = &[7, 0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b]; // loop (br 0) end
    let nothing: &[u8] = &[0x60, 0, 0];
    let (mut made, mut rest) = (module[..8].to_vec(), &module[8..]);
    let (mut functions, mut kind, mut started) = (0, 0, false);
    while let [id, after @ ..] = rest {
        let mut after = after;
        let length = number(&mut after);
        let (section, following) = after.split_at(length);
        rest = following;
        if *id >= ELEMENTS && *id <= CODE + 2 && !started {
            started = true;
            let mut start = Vec::new();
            write(&mut start, functions - 1);
            put(&mut made, START, &start);
        }
        let content = match *id {
            TYPES => appended(section, nothing, &mut kind),
            FUNCTIONS => {
                let mut index = Vec::new();
                write(&mut index, kind);
                let mut defined = 0;
                let content = appended(section, &index, &mut defined);
                functions += defined + 1;
                content
            }
            CODE => appended(section, spin, &mut 0),
            IMPORTS => {
                functions += imported_functions(section);
                section.to_vec()
            }
            _ => section.to_vec(),
        };
        put(&mut made, *id, &content);
    }
    made
}

/// A section with one entry more; `count` is set to how many it had.
fn appended(section: &[u8], entry: &[u8], count: &mut usize) -> Vec<u8> {
    let mut entries = section;
    *count = number(&mut entries);
    let mut content = Vec::new();
    write(&mut content, *count + 1);
    content.extend_from_slice(entries);
    content.extend_from_slice(entry);
    content
}

fn imported_functions(mut section: &[u8]) -> usize {
    let count = number(&mut section);
    for _ in 0..count {
        for _ in 0..2 {
            let length = number(&mut section);
            section = &section[length..];
        }
        assert_eq!(section[0], 0, "the fixture imports functions only");
        section = &section[1..];
        number(&mut section);
    }
    count
}

fn put(into: &mut Vec<u8>, id: u8, content: &[u8]) {
    into.push(id);
    write(into, content.len());
    into.extend_from_slice(content);
}

/// LEB128.
fn number(bytes: &mut &[u8]) -> usize {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
        shift += 7;
    }
}

fn write(into: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        into.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}
