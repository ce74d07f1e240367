//! Core modules without a `component-type` section: made into components by their exports' names.

use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection,
    MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wasmparser::{Parser, Payload};
use wellhead_pack::{WrapError, wrap};

/// An import or export: name, parameters (`i` for 32 bits, `l` for 64), and whether it gives 32.
type Signature<'a> = (&'a str, &'a str, bool);

/// What the contract has a module export.
const EXPORTS: [Signature<'static>; 7] = [
    ("cabi_realloc", "iiii", true),
    ("wellhead:generator/generator@1.0.0#describe", "", true),
    ("wellhead:generator/generator@1.0.0#channels", "ii", true),
    (
        "wellhead:generator/generator@1.0.0#[static]stream.open",
        "iiliiiii",
        true,
    ),
    (
        "wellhead:generator/generator@1.0.0#[method]stream.generate",
        "ilii",
        true,
    ),
    (
        "wellhead:generator/generator@1.0.0#[method]stream.save",
        "i",
        true,
    ),
    (
        "wellhead:generator/generator@1.0.0#[dtor]stream",
        "i",
        false,
    ),
];

/// The types that all of these have, each added once for each use.
fn add_type(types: &mut TypeSection, (_, parameters, gives): Signature<'_>) -> u32 {
    let index = types.len();
    let value = |letter| {
        if letter == 'l' {
            ValType::I64
        } else {
            ValType::I32
        }
    };
    let parameters: Vec<ValType> = parameters.chars().map(value).collect();
    types
        .ty()
        .function(parameters, gives.then_some(ValType::I32));
    index
}

/// A module with a memory, functions that trap, and these imports.
fn module(imports: &[(&str, Signature<'_>)], exports: &[Signature<'_>]) -> Vec<u8> {
    let (mut types, mut import_section) = (TypeSection::new(), ImportSection::new());
    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    let mut export_section = ExportSection::new();
    for &(from, signature) in imports {
        let index = add_type(&mut types, signature);
        import_section.import(from, signature.0, EntityType::Function(index));
    }
    for (number, &signature) in (0..).zip(exports) {
        functions.function(add_type(&mut types, signature));
        let mut body = Function::new([]);
        body.instructions().unreachable().end();
        code.function(&body);
        let index = imports.len() as u32 + number;
        export_section.export(signature.0, ExportKind::Func, index);
    }
    export_section.export("memory", ExportKind::Memory, 0);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut module = Module::new();
    module.section(&types).section(&import_section);
    module.section(&functions).section(&memories);
    module.section(&export_section).section(&code);
    module.finish()
}

/// Names of what a component itself imports and exports.
fn outside(component: &[u8]) -> wasmparser::Result<(Vec<String>, Vec<String>)> {
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

#[test]
fn exports_by_the_contracts_names_make_a_generator() {
    let component = wrap(&module(&[], &EXPORTS)).unwrap();
    let (imports, exports) = outside(&component).unwrap();
    assert_eq!(exports, ["wellhead:generator/generator@1.0.0"]);
    assert!(!imports.iter().any(|name| name.contains("wasi")));
    assert_eq!(component, wrap(&module(&[], &EXPORTS)).unwrap());
    assert_eq!(wrap(&component), Err(WrapError::AlreadyComponent));
}

#[test]
fn what_is_missing_or_foreign_is_named() {
    let why = |module: Vec<u8>| match wrap(&module) {
        Err(WrapError::Mismatch(why)) => why,
        other => panic!("{other:?}"),
    };
    let without_save: Vec<_> = EXPORTS
        .into_iter()
        .filter(|(name, ..)| !name.ends_with("stream.save"))
        .collect();
    assert!(why(module(&[], &without_save)).contains("[method]stream.save"));
    let mut other_type = EXPORTS;
    other_type[2].1 = "i";
    assert!(why(module(&[], &other_type)).contains("channels"));
    let foreign = ("env", ("getentropy", "ii", true));
    assert!(why(module(&[foreign], &EXPORTS)).contains("env"));
    let unknown = ("wasi_snapshot_preview1", ("fd_sing", "i", true));
    assert!(why(module(&[unknown], &EXPORTS)).contains("fd_sing"));
    let wrong = ("wasi_snapshot_preview1", ("fd_close", "l", true));
    assert!(why(module(&[wrong], &EXPORTS)).contains("fd_close"));
}

#[test]
fn exports_of_another_contract_are_no_contract() {
    let stranger = [("run", "", true), ("cabi_realloc", "iiii", true)];
    assert_eq!(wrap(&module(&[], &stranger)), Err(WrapError::NoContract));
    let fd_write = ("wasi_snapshot_preview1", ("fd_write", "iiii", true));
    assert_eq!(
        wrap(&module(&[fd_write], &stranger)),
        Err(WrapError::NoContract)
    );
}

#[test]
fn preview_1_asks_the_host_for_nothing_but_the_log() {
    let name = "wasi_snapshot_preview1";
    let quiet = [
        (name, ("clock_time_get", "ili", true)),
        (name, ("random_get", "ii", true)),
        (name, ("path_open", "iiiiillii", true)),
    ];
    let (imports, _) = outside(&wrap(&module(&quiet, &EXPORTS)).unwrap()).unwrap();
    assert!(
        imports.iter().all(|name| name.starts_with("wellhead:")),
        "{imports:?}"
    );
    let loud = [(name, ("fd_write", "iiii", true))];
    let (imports, _) = outside(&wrap(&module(&loud, &EXPORTS)).unwrap()).unwrap();
    assert!(imports.contains(&"wellhead:generator/log@1.0.0".to_owned()));
    assert!(!imports.iter().any(|name| name.contains("wasi")));
}
