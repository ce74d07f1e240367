//! What the core modules of SDKs without generated bindings mean: the contract itself.
//!
//! Such a module (C, Go) exports the contract's functions by their names in the canonical ABI and
//! says nothing more. So the section that bindings would have put there is made here, of the
//! `wit/generator.wit` that this crate was built with.

use wasmparser::{Parser, Payload};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

const GENERATOR_WIT: &str = include_str!("../../../wit/generator.wit");
/// What the adapter for WASI preview 1 needs of it: somebody to talk to.
const ADAPTER_WIT: &str = "package wellhead:preview1;
    world adapter { import wellhead:generator/log@1.0.0; }";
/// How every export of the contract begins, whatever its version.
const EXPORTS: &str = "wellhead:generator/generator@";

/// What a module exports and imports, as far as wrapping has to know.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Whether something is exported by a name of the contract.
    pub(crate) exports_contract: bool,
    /// Whether something is asked of WASI preview 1.
    pub(crate) imports_preview1: bool,
}

impl Shape {
    /// The shape of a module.
    pub(crate) fn of(module: &[u8]) -> wasmparser::Result<Shape> {
        let mut shape = Shape::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ExportSection(exports) => {
                    for export in exports {
                        shape.exports_contract |= export?.name.starts_with(EXPORTS);
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        shape.imports_preview1 |= import?.module == crate::preview1::MODULE;
                    }
                }
                _ => {}
            }
        }
        Ok(shape)
    }
}

/// Adds the section that says: this module is a generator.
pub(crate) fn embed_generator(module: &mut Vec<u8>) -> Result<(), String> {
    embed(module, |resolve| {
        let package = resolve.push_source("generator.wit", GENERATOR_WIT)?;
        resolve.select_world(&[package], Some("plugin"))
    })
}

/// Adds the section that says: this module may log.
pub(crate) fn embed_adapter(module: &mut Vec<u8>) -> Result<(), String> {
    embed(module, |resolve| {
        resolve.push_source("generator.wit", GENERATOR_WIT)?;
        let package = resolve.push_source("preview1.wit", ADAPTER_WIT)?;
        resolve.select_world(&[package], Some("adapter"))
    })
}

/// Adds a world, and what it refers to, as the meaning of a module.
fn embed<E: std::fmt::Display>(
    module: &mut Vec<u8>,
    world: impl FnOnce(&mut Resolve) -> Result<WorldId, E>,
) -> Result<(), String> {
    let mut resolve = Resolve::default();
    let world = world(&mut resolve).map_err(|cause| format!("{cause:#}"))?;
    embed_component_metadata(module, &resolve, world, StringEncoding::UTF8)
        .map_err(|cause| format!("{cause:#}"))
}
