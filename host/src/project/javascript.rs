//! From a bundle of JavaScript to a component: the engine evaluates it here, once, and what its memory holds then is
//! the component. So nothing is parsed at run time, and what is wrong with a module is found by the build.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use futures::FutureExt as _;
use serde::Deserialize;
use wasmtime::{
    Config, Engine, Instance, Linker, Module, Store, StoreLimits, StoreLimitsBuilder, Val,
};
use wasmtime_wizer::{InstanceState, SnapshotVal, ValType, Wizer};

use super::ProjectError;

// `JAVASCRIPT`: the engine, compressed, or nothing where this program was built without.
include!(concat!(env!("OUT_DIR"), "/javascript.rs"));

/// What the engine exports: see `plugins/javascript/src/bundle.rs`.
const ROOM: &str = "wellhead_room";
const LOAD: &str = "wellhead_load";
const REASON: &str = "wellhead_reason";
/// Where the bundle's code is, in a stack.
const BUNDLE: &str = "generator.js:";
/// How long a module may take to load, and how much memory: as much as an instance has.
const LOADING: Duration = Duration::from_secs(60);
const MEMORY: usize = 128 << 20;
/// Room for the engine's own frames, which recurse as deep as the author's code.
const STACK: usize = 1 << 20;

/// Where each line of a bundle comes from, as `plugins/sdk-js/build/lines.mjs` says it.
#[derive(Debug, Default, Deserialize)]
struct Lines {
    files: Vec<String>,
    lines: Vec<i64>,
}

/// The component of a bundle; `path` is where it lies, with its lines beside it.
pub(super) fn component(path: &Path) -> Result<Vec<u8>, ProjectError> {
    let read = |path: &Path| std::fs::read(path).map_err(ProjectError::file(path, "read"));
    let bundle = read(path)?;
    let lines = read(&path.with_extension("js.lines"))?;
    let lines: Lines = serde_json::from_slice(&lines).unwrap_or_default();
    let engine = JAVASCRIPT.ok_or(ProjectError::NoEngine)?;
    let engine = zstd::decode_all(engine).map_err(|error| broken(&error))?;
    let module = loaded(&engine, &bundle, &lines)?;
    wellhead_pack::wrap(&module).map_err(|error| ProjectError::NoComponent {
        path: path.to_owned(),
        error,
    })
}

/// What can't be, unless this program is broken.
fn broken(error: &dyn std::fmt::Display) -> ProjectError {
    ProjectError::Sdk(format!("JavaScript's engine: {error}"))
}

/// The engine's module with the bundle loaded.
fn loaded(engine: &[u8], bundle: &[u8], lines: &Lines) -> Result<Vec<u8>, ProjectError> {
    let mut wizer = Wizer::new();
    wizer.init_func(LOAD);
    let (context, module) = wizer.instrument(engine).map_err(|error| broken(&error))?;
    let mut engine = Loading::new(&module).map_err(|error| broken(&error))?;
    engine.load(bundle, lines)?;
    // It waits for nothing: all that it asks for is in memory.
    let module = wizer.snapshot(&context, &mut engine).now_or_never();
    let module = module.ok_or_else(|| broken(&"its memory isn't there"))?;
    match engine.lost {
        true => Err(broken(&"its state can't be read")),
        false => module.map_err(|error| broken(&error)),
    }
}

/// The engine, while it loads a bundle.
struct Loading {
    store: Store<StoreLimits>,
    instance: Instance,
    /// Whether something was asked for that isn't there.
    lost: bool,
}

impl Loading {
    fn new(module: &[u8]) -> wasmtime::Result<Loading> {
        let mut config = Config::new();
        config.epoch_interruption(true).max_wasm_stack(STACK);
        let engine = Engine::new(&config)?;
        let module = Module::new(&engine, module)?;
        let limits = StoreLimitsBuilder::new().memory_size(MEMORY).build();
        let mut store = Store::new(&engine, limits);
        store.limiter(|limits| limits);
        store.set_epoch_deadline(1);
        let mut linker = Linker::new(&engine);
        // A generator that is being built has no host: no log, no assets.
        linker.define_unknown_imports_as_traps(&module)?;
        let instance = linker.instantiate(&mut store, &module)?;
        Ok(Loading {
            store,
            instance,
            lost: false,
        })
    }

    fn load(&mut self, bundle: &[u8], lines: &Lines) -> Result<(), ProjectError> {
        let (done, waiting) = mpsc::channel::<()>();
        let engine = self.store.engine().clone();
        let watch = std::thread::spawn(move || {
            if waiting.recv_timeout(LOADING) == Err(RecvTimeoutError::Timeout) {
                engine.increment_epoch();
            }
        });
        let refused = self.evaluated(bundle);
        drop(done);
        let _ = watch.join();
        match refused {
            Ok(None) => Ok(()),
            Ok(Some(reason)) => Err(ProjectError::Module(lines.placed(&reason))),
            Err(error) => Err(ProjectError::Module(trapped(&error))),
        }
    }

    /// Evaluates the bundle, and gives the reason why that can't be.
    fn evaluated(&mut self, bundle: &[u8]) -> wasmtime::Result<Option<String>> {
        let Loading {
            store, instance, ..
        } = self;
        let length = u32::try_from(bundle.len())?;
        let room = instance.get_typed_func::<u32, u32>(&mut *store, ROOM)?;
        let room = room.call(&mut *store, length)?;
        let memory = instance.get_memory(&mut *store, "memory");
        let memory = memory.ok_or_else(|| wasmtime::Error::msg("it has no memory"))?;
        memory.write(&mut *store, room as usize, bundle)?;
        let load = instance.get_typed_func::<(u32, u32), u32>(&mut *store, LOAD)?;
        let at = load.call(&mut *store, (room, length))? as usize;
        if at == 0 {
            return Ok(None);
        }
        let reason = instance.get_typed_func::<(), u32>(&mut *store, REASON)?;
        let bytes = reason.call(&mut *store, ())? as usize;
        let text = memory.data(&*store).get(at..at.saturating_add(bytes));
        Ok(Some(
            String::from_utf8_lossy(text.unwrap_or_default()).into_owned(),
        ))
    }
}

/// Why the engine itself had to stop.
fn trapped(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(wasmtime::Trap::Interrupt) => format!(
            "it took longer than {} s: do in `open` what takes long, for each stream",
            LOADING.as_secs()
        ),
        Some(wasmtime::Trap::StackOverflow) => "it recurses too deep".to_owned(),
        _ => format!(
            "the engine stopped ({error:#}). While a module is loaded, there are neither assets nor a log: use them \
             in `open` or `record`"
        ),
    }
}

impl InstanceState for Loading {
    async fn global_get(&mut self, name: &str, _: ValType) -> SnapshotVal {
        let global = self.instance.get_global(&mut self.store, name);
        match global.map(|global| global.get(&mut self.store)) {
            Some(Val::I32(value)) => SnapshotVal::I32(value),
            Some(Val::I64(value)) => SnapshotVal::I64(value),
            Some(Val::F32(value)) => SnapshotVal::F32(value),
            Some(Val::F64(value)) => SnapshotVal::F64(value),
            _ => {
                self.lost = true;
                SnapshotVal::I32(0)
            }
        }
    }

    async fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        match self.instance.get_memory(&mut self.store, name) {
            Some(memory) => contents(memory.data(&self.store)),
            None => self.lost = true,
        }
    }
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
                Some((file, line)) => placed.push_str(&format!("{file}:{line}")),
                None => placed.push_str(&format!("{BUNDLE}{place}")),
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
        let Some(engine) = JAVASCRIPT else {
            eprintln!(
                "LEFT OUT: this was built without JavaScript's engine, for there was no clang"
            );
            assert!(std::env::var_os("CI").is_none(), "CI has clang");
            return;
        };
        let engine = zstd::decode_all(engine).unwrap();
        let load = |bundle: &str| loaded(&engine, bundle.as_bytes(), &Lines::default());
        let said = |bundle: &str| load(bundle).unwrap_err().to_string();
        assert!(said("").contains("no generator in it"), "{}", said(""));
        assert!(said("null.x").contains("TypeError"), "{}", said("null.x"));
        let deep = said("(function deep() { deep(); })()");
        assert!(deep.contains("stack"), "{deep}");
        assert!(said("let x = ;").contains("SyntaxError"));
    }
}
