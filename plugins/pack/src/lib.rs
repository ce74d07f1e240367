//! Turns a core WebAssembly module that was built against `wit/` into a component.
//!
//! Compilers for `wasm32-unknown-unknown` give core modules. What the module means (which of its
//! exports is `describe`, how a list is passed) stands in a custom section `component-type` that
//! the bindings put there. Wrapping reads that section and encodes a component around the module.
//! The same input gives the same bytes.
//!
//! Two kinds of modules get what they lack: one that exports the contract by its names and has no
//! such section (the SDKs for C and Go), and one that needs WASI preview 1 (Go), which is here
//! made of constants: see `preview1.rs`.

mod contract;
mod preview1;

use std::borrow::Cow;
use std::panic::{self, AssertUnwindSafe};

use wit_component::ComponentEncoder;

/// The first bytes of every WebAssembly file, module and component alike.
const MAGIC: &[u8] = b"\0asm";
/// Version and layer of a core module.
const CORE: [u8; 4] = [1, 0, 0, 0];
/// The layer of a component; the version before it is still being settled by its makers.
const COMPONENT_LAYER: [u8; 2] = [1, 0];

/// Why a file could not be wrapped, and what to do about it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WrapError {
    /// The input has not even the header of a WebAssembly file.
    #[error(
        "not WebAssembly: it begins with {0}, a core module with `00 61 73 6d 01 00 00 00`; \
         give the .wasm file that the compiler wrote"
    )]
    NotWasm(String),
    /// The input is a component, so nothing is to be wrapped.
    #[error("already a component: use it as it is")]
    AlreadyComponent,
    /// The header names a version of WebAssembly that nobody has defined yet.
    #[error("unknown WebAssembly version {0:02x?} in the header; build a module of version 1")]
    UnknownVersion([u8; 4]),
    /// The bytes end too soon or don't follow the format.
    #[error("a broken core module ({0}); build it again, or copy the file again")]
    Malformed(String),
    /// A module like any other, with nothing that says what contract it keeps.
    #[error(
        "a core module without a `component-type` section and without the contract's exports, so \
         it was not built against the generator contract; build it with a wellhead SDK or with \
         wit-bindgen and `wit/`, and without a tool that strips custom sections"
    )]
    NoContract,
    /// The module and the contract that it names don't fit together.
    #[error(
        "the module does not fit the contract that it is built against: {0}; it has to export all \
         that `wit/` names and may import nothing but what is offered there (a Rust or C \
         generator is built for wasm32-unknown-unknown, one in Go with GOOS=wasip1)"
    )]
    Mismatch(String),
    /// The encoder itself gave up, which is a fault in it, made visible by this input.
    #[error("the component encoder failed on this module: {0}; please report it with the file")]
    Encoder(String),
}

/// Wraps `core_module` into a component, and validates what comes out.
///
/// # Errors
/// Says what the input is instead, or what in it doesn't fit. Never panics: the encoder's own
/// panics on odd input are caught where the build unwinds.
pub fn wrap(core_module: &[u8]) -> Result<Vec<u8>, WrapError> {
    check_header(core_module)?;
    match panic::catch_unwind(AssertUnwindSafe(|| encode(core_module))) {
        Ok(result) => result,
        Err(cause) => Err(WrapError::Encoder(panic_text(cause.as_ref()))),
    }
}

fn check_header(bytes: &[u8]) -> Result<(), WrapError> {
    if !bytes.starts_with(MAGIC) {
        return Err(WrapError::NotWasm(first_bytes(bytes)));
    }
    let Some(&[a, b, c, d]) = bytes.get(4..8) else {
        return Err(WrapError::Malformed(format!(
            "only {} bytes long",
            bytes.len()
        )));
    };
    match [a, b, c, d] {
        CORE => Ok(()),
        [_, _, rest @ ..] if rest == COMPONENT_LAYER => Err(WrapError::AlreadyComponent),
        version => Err(WrapError::UnknownVersion(version)),
    }
}

/// How a stranger's file begins, for a person to recognise: `3c 68 74 6d` is a page of HTML.
fn first_bytes(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing at all (the file is empty)".to_owned();
    }
    let hex: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("`{}`", hex.join(" "))
}

fn encode(core_module: &[u8]) -> Result<Vec<u8>, WrapError> {
    // A module without the section would come out as an empty component, so it is looked for
    // first. The same walk finds most broken files.
    let (stripped, _) = wit_component::metadata::decode(core_module)
        .map_err(|cause| WrapError::Malformed(format!("{cause:#}")))?;
    let shape = contract::Shape::of(core_module)
        .map_err(|cause| WrapError::Malformed(cause.to_string()))?;
    let mut module = Cow::Borrowed(core_module);
    if stripped.is_none() {
        if !shape.exports_contract {
            return Err(WrapError::NoContract);
        }
        contract::embed_generator(module.to_mut()).map_err(WrapError::Encoder)?;
    }
    let mismatch = |cause| WrapError::Mismatch(format!("{cause:#}"));
    let mut encoder = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .map_err(mismatch)?;
    if shape.imports_preview1 {
        let adapter = preview1::adapter().map_err(WrapError::Encoder)?;
        encoder = encoder
            .adapter(preview1::MODULE, &adapter)
            .map_err(mismatch)?;
    }
    encoder.encode().map_err(mismatch)
}

fn panic_text(cause: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = cause.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = cause.downcast_ref::<String>() {
        text.clone()
    } else {
        "no message".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";

    fn with_custom_section(name: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = EMPTY_MODULE.to_vec();
        bytes.push(0);
        bytes.push(u8::try_from(1 + name.len() + data.len()).unwrap());
        bytes.push(u8::try_from(name.len()).unwrap());
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(data);
        bytes
    }

    #[test]
    fn what_is_no_module_is_named() {
        assert_eq!(
            wrap(b"<html>"),
            Err(WrapError::NotWasm("`3c 68 74 6d 6c 3e`".into()))
        );
        assert!(wrap(b"").unwrap_err().to_string().contains("empty"));
        assert_eq!(wrap(b"\0asm\x0d\0\x01\0"), Err(WrapError::AlreadyComponent));
        assert_eq!(
            wrap(b"\0asm\x02\0\0\0"),
            Err(WrapError::UnknownVersion([2, 0, 0, 0]))
        );
        assert!(matches!(wrap(b"\0asm\x01"), Err(WrapError::Malformed(_))));
    }

    #[test]
    fn a_module_without_the_contract_is_told_apart_from_a_broken_one() {
        assert_eq!(wrap(EMPTY_MODULE), Err(WrapError::NoContract));
        assert_eq!(
            wrap(&with_custom_section("name", b"")),
            Err(WrapError::NoContract)
        );
        let mut cut = with_custom_section("producers", b"12345678");
        cut.truncate(cut.len() - 3);
        assert!(matches!(wrap(&cut), Err(WrapError::Malformed(_))));
        let garbage = with_custom_section("component-type:x", b"garbage");
        assert!(matches!(wrap(&garbage), Err(WrapError::Malformed(_))));
    }
}
