//! From a bundle of JavaScript to a component: the engine that this program has in it evaluates the bundle once. So
//! nothing is parsed at run time, and what is wrong with a module is found by the build.

use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;

use super::ProjectError;
use crate::plugin::{LoadError, preload};

// `JAVASCRIPT`: the engine, compressed, or nothing where this program was built without.
include!(concat!(env!("OUT_DIR"), "/javascript.rs"));

/// Where the bundle's code is, in a stack.
const BUNDLE: &str = "generator.js:";

/// Where each line of a bundle comes from, as `plugins/sdk-js/build/lines.mjs` says it.
#[derive(Debug, Default, Deserialize)]
struct Lines {
    files: Vec<String>,
    lines: Vec<i64>,
}

/// The core module of a bundle; `path` is where it lies, with its lines beside it.
pub(super) fn module(path: &Path) -> Result<Vec<u8>, ProjectError> {
    let read = |path: &Path| std::fs::read(path).map_err(ProjectError::file(path, "read"));
    let bundle = read(path)?;
    let lines = read(&path.with_extension("js.lines"))?;
    let lines: Lines = serde_json::from_slice(&lines).unwrap_or_default();
    loaded(&bundle, &lines)
}

/// The engine with a bundle loaded.
fn loaded(bundle: &[u8], lines: &Lines) -> Result<Vec<u8>, ProjectError> {
    let broken =
        |why: &dyn std::fmt::Display| ProjectError::Sdk(format!("JavaScript's engine: {why}"));
    let engine = JAVASCRIPT.ok_or(ProjectError::NoEngine)?;
    let engine = zstd::decode_all(engine).map_err(|error| broken(&error))?;
    preload(&engine, bundle).map_err(|error| match error {
        LoadError::Refused(reason) => ProjectError::Module(lines.placed(&reason)),
        LoadError::Stopped(reason) => ProjectError::Module(reason),
        LoadError::Broken(reason) => broken(&reason),
    })
}

impl Lines {
    /// A text with the author's places for the bundle's.
    fn placed(&self, text: &str) -> String {
        let mut placed = String::new();
        let mut rest = text.trim_end();
        while let Some((before, after)) = rest.split_once(BUNDLE) {
            placed.push_str(before);
            let end = after.find(|c: char| !c.is_ascii_digit() && c != ':');
            let (place, behind) = after.split_at(end.unwrap_or(after.len()));
            match self.of(place) {
                // Text takes whatever is written to it.
                Some((file, line)) => drop(write!(placed, "{file}:{line}")),
                None => drop(write!(placed, "{BUNDLE}{place}")),
            }
            rest = behind;
        }
        placed + rest
    }

    /// The file and line of `ROW:COLUMN`.
    fn of(&self, place: &str) -> Option<(&str, i64)> {
        let row: usize = place.split(':').next()?.parse().ok()?;
        let file = usize::try_from(*self.lines.get(2 * row)?).ok()?;
        Some((self.files.get(file)?, *self.lines.get(2 * row + 1)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_a_bundle_are_the_authors() {
        let lines = Lines {
            files: vec!["src/generator.js".into()],
            lines: vec![-1, 0, -1, 0, 0, 7],
        };
        let said =
            "Error: boom\n    at open (generator.js:2:15)\n    at <eval> (generator.js:1:1)\n";
        let placed =
            "Error: boom\n    at open (src/generator.js:7)\n    at <eval> (generator.js:1:1)";
        assert_eq!(lines.placed(said), placed);
        assert_eq!(Lines::default().placed("no place"), "no place");
        assert_eq!(lines.placed("at generator.js:9:1"), "at generator.js:9:1");
    }

    #[test]
    fn what_cannot_be_loaded_is_said() {
        if JAVASCRIPT.is_none() {
            eprintln!(
                "LEFT OUT: this was built without JavaScript's engine, for there was no clang"
            );
            assert!(std::env::var_os("CI").is_none(), "CI has clang");
            return;
        }
        let load = |bundle: &str| loaded(bundle.as_bytes(), &Lines::default());
        let said = |bundle: &str| load(bundle).unwrap_err().to_string();
        assert!(said("").contains("no generator in it"), "{}", said(""));
        assert!(said("null.x").contains("TypeError"), "{}", said("null.x"));
        let deep = said("(function deep() { deep(); })()");
        assert!(deep.contains("stack"), "{deep}");
        assert!(said("let x = ;").contains("SyntaxError"));
    }
}
