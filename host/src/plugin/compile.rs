//! What a file is, and whether a component may be instantiated, or a sentence that says why not.

use semver::Version;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use super::bindings::{Guest, PluginPre};
use super::{PluginError, Problem, wasi};

const PACKAGE: &str = "wellhead:generator/";
/// Versions of the contract that are served: a later minor version may expect more of its host.
const SERVED: &str = "1.0";
/// Functions and types that a generator may import of the contract, and what they give.
const IMPORTS: [(&str, &str); 3] = [
    ("log", "lines of the log"),
    ("assets", "what the emulation's spec lays out for it"),
    ("types", "types alone"),
];

const COMPONENT: [u8; 8] = *b"\0asm\x0d\x00\x01\x00";
const MODULE: [u8; 8] = *b"\0asm\x01\x00\x00\x00";
/// Bytes by which [`kind`] knows what a file is.
pub(super) const HEAD: usize = 512;
/// How packed files begin, what they are, and what to do with them.
const PACKED: [(&[u8], &str, &str); 5] = [
    (
        b"PK",
        "a ZIP archive",
        "unpack it, and give the .wasm that is in it",
    ),
    (
        b"\x1f\x8b",
        "compressed by gzip",
        "decompress it with `gunzip`",
    ),
    (
        b"\x28\xb5\x2f\xfd",
        "compressed by zstd",
        "decompress it with `zstd -d`",
    ),
    (
        b"\xfd7zXZ",
        "compressed by xz",
        "decompress it with `xz -d`",
    ),
    (
        b"BZh",
        "compressed by bzip2",
        "decompress it with `bunzip2`",
    ),
];

pub(super) fn refused(origin: &str, problem: Problem) -> PluginError {
    PluginError::Component {
        origin: origin.to_owned(),
        problem,
    }
}

/// What may be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A component.
    Component,
    /// A core module, which has to be wrapped.
    Module,
}

/// What the bytes are by their beginning, of which the first [`HEAD`] bytes are enough.
pub(super) fn kind(bytes: &[u8]) -> Result<Kind, Problem> {
    if bytes.starts_with(&COMPONENT) {
        return Ok(Kind::Component);
    }
    if bytes.starts_with(&MODULE) {
        return Ok(Kind::Module);
    }
    if let Some((_, kind, advice)) = PACKED.iter().find(|(start, ..)| bytes.starts_with(start)) {
        return Err(Problem::Packed { kind, advice });
    }
    let first = bytes.trim_ascii_start();
    Err(match bytes {
        [] => Problem::Empty,
        // Compiled code is a shared library, and so is every other library and program.
        _ if bytes.starts_with(b"\x7fELF") => Problem::Precompiled,
        _ if first.starts_with(b"(") || first.starts_with(b";;") => Problem::Text,
        _ if MODULE.starts_with(bytes) || COMPONENT.starts_with(bytes) => {
            Problem::Invalid("the file ends in its header".into())
        }
        _ => Problem::NotWasm,
    })
}

/// Refuses what is too large for a component, or none.
pub(super) fn check_component(bytes: &[u8], limit: usize) -> Result<(), Problem> {
    if bytes.len() > limit {
        let bytes = bytes.len();
        return Err(Problem::TooLarge { bytes, limit });
    }
    match kind(bytes)? {
        Kind::Component => Ok(()),
        Kind::Module => Err(Problem::CoreModule),
    }
}

/// Checks imports, exports, versions and types.
pub(super) fn link(
    engine: &Engine,
    linker: &Linker<Guest>,
    component: &Component,
) -> Result<PluginPre<Guest>, Problem> {
    let kind = component.component_type();
    let exports: Vec<_> = kind.exports(engine).map(|(name, _)| name).collect();
    check_export(&exports)?;
    for (name, _) in kind.imports(engine) {
        check_import(name)?;
    }
    let types = |error: wasmtime::Error| Problem::Types(format!("{error:#}"));
    let closed = wasi::close(linker, engine, component).map_err(types)?;
    let linker = closed.as_ref().unwrap_or(linker);
    let linked = linker.instantiate_pre(component).map_err(types)?;
    PluginPre::new(linked).map_err(types)
}

fn check_export(exports: &[&str]) -> Result<(), Problem> {
    let versions = exports.iter().filter_map(|name| contract(name));
    let mut versions = versions.filter(|(interface, _)| *interface == "generator");
    match versions.next() {
        Some((_, version)) => check_version(version),
        None if exports.is_empty() => Err(Problem::World {
            exports: "nothing".into(),
        }),
        None => Err(Problem::World {
            exports: super::bindings::printable(&exports.join(", ")),
        }),
    }
}

fn check_import(name: &str) -> Result<(), Problem> {
    if let Some((interface, version)) = contract(name) {
        check_version(version)?;
        if IMPORTS.iter().any(|(known, _)| *known == interface) {
            return Ok(());
        }
    }
    let hint = match wasi::check(name) {
        Some(Ok(())) => return Ok(()),
        Some(Err(refused)) => refused.hint(),
        None => hint(name),
    };
    Err(Problem::Import {
        name: super::bindings::printable(name),
        hint,
    })
}

/// What there is behind an import that was let through.
pub(super) fn gets(name: &str) -> &'static str {
    let of_contract = contract(name).and_then(|(interface, _)| {
        let mut all = IMPORTS.iter();
        all.find(|(known, _)| *known == interface)
    });
    match of_contract {
        Some((_, gets)) => gets,
        None => wasi::gets(name).unwrap_or("nothing"),
    }
}

/// Who provides what a generator isn't given.
fn hint(name: &str) -> &'static str {
    if name.starts_with(PACKAGE) {
        "build it against wit/generator.wit of this release"
    } else {
        "build it without that, or compose it with a component that provides it"
    }
}

/// Interface and version of a name of the contract: `wellhead:generator/log@1.0.0`.
fn contract(name: &str) -> Option<(&str, &str)> {
    let rest = name.strip_prefix(PACKAGE)?;
    Some(rest.split_once('@').unwrap_or((rest, "without a number")))
}

fn check_version(version: &str) -> Result<(), Problem> {
    let parsed = Version::parse(version).ok();
    if parsed.is_some_and(|v| v.major == 1 && v.minor == 0 && v.pre.is_empty()) {
        return Ok(());
    }
    Err(Problem::Version {
        found: super::bindings::printable(version),
        served: SERVED,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        let kind = |bytes: &[u8]| check_component(bytes, 100).unwrap_err();
        assert_eq!(check_component(b"\0asm\x0d\0\x01\0...", 100), Ok(()));
        assert_eq!(kind(b""), Problem::Empty);
        assert_eq!(kind(b"\0asm\x01\0\0\0..."), Problem::CoreModule);
        assert_eq!(kind(b"\n (component)"), Problem::Text);
        assert_eq!(kind(b";; text\n(module)"), Problem::Text);
        assert_eq!(kind(b"#!/bin/sh"), Problem::NotWasm);
        assert!(matches!(kind(b"\0asm\x0d"), Problem::Invalid(_)));
        assert!(matches!(kind(b"\0asm\x01"), Problem::Invalid(_)));
        assert_eq!(kind(b"\x7fELF\x02\x01"), Problem::Precompiled);
        for (start, said) in [
            (&b"PK\x03\x04"[..], "ZIP archive: unpack"),
            (b"\x1f\x8b\x08", "gzip: decompress it with `gunzip`"),
            (b"\x28\xb5\x2f\xfd", "`zstd -d`"),
        ] {
            let text = kind(start).to_string();
            assert!(text.contains(said), "no {said:?} in {text}");
        }
        let large = Problem::TooLarge {
            bytes: 101,
            limit: 100,
        };
        assert_eq!(kind(&[0; 101]), large);
    }

    #[test]
    fn versions_that_are_not_served_are_named() {
        let export = |name| check_export(&["other", name]);
        assert_eq!(export("wellhead:generator/generator@1.0.0"), Ok(()));
        assert_eq!(export("wellhead:generator/generator@1.0.7"), Ok(()));
        for version in ["1.1.0", "2.0.0", "0.9.0", "1.0.0-rc.1"] {
            let name = format!("wellhead:generator/generator@{version}");
            let text = check_export(&[&name]).unwrap_err().to_string();
            assert!(
                text.contains(version) && text.contains("serves 1.0"),
                "{text}"
            );
        }
        let other = export("wasi:http/incoming-handler@0.2.0").unwrap_err();
        assert!(other.to_string().contains("wasi:http"), "{other}");
        assert!(
            check_export(&[])
                .unwrap_err()
                .to_string()
                .contains("nothing")
        );
    }

    #[test]
    fn foreign_imports_are_named() {
        for (name, _) in IMPORTS {
            assert_eq!(check_import(&format!("{PACKAGE}{name}@1.0.0")), Ok(()));
        }
        let text = |name| check_import(name).unwrap_err().to_string();
        assert_eq!(check_import("wasi:clocks/wall-clock@0.2.3"), Ok(()));
        assert!(text("wasi:clocks/wall-clock@0.3.0").contains("serves WASI 0.2"));
        let http = text("wasi:http/outgoing-handler@0.2.3");
        assert!(http.contains("no network") && http.contains("-d http"));
        assert!(text("wellhead:generator/files@1.0.0").contains("files"));
        assert!(text("wellhead:generator/log@2.0.0").contains("version 2.0.0"));
        assert!(text("acme:thing/x").contains("compose"));
    }
}
