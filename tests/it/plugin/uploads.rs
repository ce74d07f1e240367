//! Strangers' components taken in: bodies that are wrong, names that are taken, several at once, and
//! what is left where it goes wrong. Compiled in a child process, as a server does.

mod attacks;
mod bodies;
mod made;
mod processes;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use wellhead::plugin::store::{Store, StoreError};
use wellhead::plugin::{
    Admitted, Channels, Compile, CompileLimits, Limits, Runtime, UploadError, UploadLimits, Uploads,
};

use super::{fixture, target};
use crate::common::{Sandbox, fixture_path, program, stderr};

/// What compiling may take in these tests, where nothing else is said: no honest component comes near.
fn rations() -> CompileLimits {
    CompileLimits {
        memory_bytes: 512 << 20,
        cpu: Duration::from_secs(60),
        ..CompileLimits::default()
    }
}

/// A runtime that compiles in child processes, without a cache, so that it always does.
fn runtime(rations: CompileLimits) -> Arc<Runtime> {
    let limits = Limits {
        call: Duration::from_millis(400),
        instantiate: Duration::from_millis(400),
        wall_factor: 50,
        ..Limits::default()
    };
    let compile = Compile::Child {
        program: program(),
        limits: rations,
    };
    Runtime::compiling(limits, None, compile).unwrap()
}

/// A store in a folder of the test's own, and the way into it.
struct Intake {
    folder: tempfile::TempDir,
    store: Store,
    uploads: Uploads,
}

impl Intake {
    fn new() -> Intake {
        Intake::with(rations(), UploadLimits::default())
    }

    fn with(rations: CompileLimits, limits: UploadLimits) -> Intake {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().to_owned());
        let uploads = Uploads::new(store.clone(), runtime(rations), limits).unwrap();
        Intake {
            folder,
            store,
            uploads,
        }
    }

    async fn take(&self, bytes: &[u8]) -> Result<Admitted, UploadError> {
        self.uploads.take(body(bytes), None, "the upload").await
    }

    /// What is in the folder, but for the lock.
    fn left(&self) -> Vec<String> {
        left(self.folder.path())
    }

    /// Refused with all of that in the message, and nothing left.
    async fn refuses(&self, case: &str, bytes: &[u8], parts: &[&str]) -> UploadError {
        says(case, self.take(bytes).await, parts, &self.left())
    }
}

fn left(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "lock").collect()
}

/// In pieces, as a network gives it.
fn body(bytes: &[u8]) -> impl Stream<Item = Result<Bytes, std::io::Error>> + use<> {
    let pieces: Vec<_> = bytes.chunks(1000).map(Bytes::copy_from_slice).collect();
    stream::iter(pieces.into_iter().map(Ok))
}

fn says<T>(
    case: &str,
    result: Result<T, UploadError>,
    parts: &[&str],
    left: &[String],
) -> UploadError {
    let Err(error) = result else {
        panic!("{case}: went through");
    };
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{case}: no {part:?} in\n{text}");
    }
    let clean = text.chars().all(|c| c == '\n' || !c.is_control());
    assert!(
        clean && text.len() < 8192,
        "{case}: {} bytes: {text:?}",
        text.len()
    );
    assert_eq!(left, [""; 0], "{case}: something is left");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_is_taken_in_once() {
    let intake = Intake::new();
    let villain = fixture("villain");
    let taken = intake.take(&villain).await.unwrap();
    assert!(taken.new && !taken.wrapped);
    let said = &taken.inspection;
    assert_eq!((said.name.as_str(), said.size), ("villain", villain.len()));
    assert_eq!(said.config_schema["type"], "object");
    assert!(
        said.imports
            .iter()
            .any(|one| one.interface.contains("generator/log")),
        "{:?}",
        said.imports
    );
    let Channels::Known(channels) = &said.channels else {
        panic!("no channels: {:?}", said.channels);
    };
    assert_eq!(channels[0].name, "record");
    let again = intake.take(&villain).await.unwrap();
    assert!(!again.new && again.inspection.digest == said.digest);
    let file = format!("{}.wasm", said.digest);
    assert_eq!(
        std::fs::read(intake.folder.path().join(&file)).unwrap(),
        villain
    );
    let mut left = intake.left();
    left.sort();
    assert_eq!(left, [file, "index.json".to_owned()]);
    // One that has to be told something first is taken in, and says what.
    let needy = intake.take(&fixture("needs-config")).await.unwrap();
    let Channels::Unknown { unknown } = &needy.inspection.channels else {
        panic!("it knows its channels");
    };
    assert!(unknown.contains("`mode` is missing"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_module_is_wrapped_and_said_so() {
    let intake = Intake::new();
    let taken = intake.take(&fixture("core-unwrapped")).await.unwrap();
    assert!(taken.new && taken.wrapped);
    // `plugins/pack` made the fixture of the same module.
    let villain = intake.take(&fixture("villain")).await.unwrap();
    assert!(!villain.new && !villain.wrapped);
    assert_eq!(villain.inspection.digest, taken.inspection.digest);
    let again = intake.take(&fixture("core-unwrapped")).await.unwrap();
    assert!(!again.new && again.wrapped);
    let intake = Intake::new();
    let parts = ["core module", "`component-type` section", "wit/"];
    intake
        .refuses("core-plain", &fixture("core-plain"), &parts)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_stay_what_they_are() {
    let intake = Intake::new();
    let first = intake.take(&fixture("villain")).await.unwrap();
    let twin = intake.take(&fixture("twin")).await;
    let Err(UploadError::Store(StoreError::Taken { digest, .. })) = twin else {
        panic!("not taken: {twin:?}");
    };
    assert_eq!(digest, first.inspection.digest);
    let stock = std::fs::read(target().join("plugins/transaction.wasm")).unwrap();
    let refused = intake.take(&stock).await;
    assert!(matches!(
        refused,
        Err(UploadError::Store(StoreError::Stock(_)))
    ));
    assert_eq!(intake.left().len(), 2);
    // What runs stays, and says so.
    let in_use = |digest: &str| digest == first.inspection.digest;
    let refused = intake.store.remove("villain", in_use).unwrap_err();
    assert!(matches!(refused, StoreError::InUse { .. }));
    assert!(refused.to_string().contains("villain@1.0.0 is in use"));
    assert_eq!(intake.store.list().unwrap().len(), 1);
    intake.store.remove("villain", |_| false).unwrap();
    assert_eq!(intake.left(), ["index.json"]);
    assert!(
        intake.take(&fixture("twin")).await.unwrap().new,
        "the name is free"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_race_for_a_name_one_has_it() {
    let (villain, twin) = (fixture("villain"), fixture("twin"));
    for _ in 0..3 {
        let intake = Intake::new();
        let (one, other) = tokio::join!(intake.take(&villain), intake.take(&twin));
        let (won, lost) = if one.is_ok() {
            (one, other)
        } else {
            (other, one)
        };
        let digest = won.unwrap().inspection.digest;
        let Err(UploadError::Store(StoreError::Taken { digest: there, .. })) = lost else {
            panic!("both have the name: {lost:?}");
        };
        assert_eq!(there, digest);
        assert_eq!(intake.left().len(), 2);
        let walker = fixture("walker");
        let (one, other) = tokio::join!(intake.take(&walker), intake.take(&walker));
        assert!(
            one.unwrap().new != other.unwrap().new,
            "one of them was the first"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_lost_comes_back_by_adding_it_again() {
    let intake = Intake::new();
    let taken = intake.take(&fixture("villain")).await.unwrap();
    let file = intake
        .folder
        .path()
        .join(format!("{}.wasm", taken.inspection.digest));
    std::fs::write(&file, "damaged").unwrap();
    assert!(!intake.take(&fixture("villain")).await.unwrap().new);
    assert_eq!(std::fs::read(&file).unwrap(), fixture("villain"));
}

#[test]
fn plugin_add_goes_the_same_way() {
    let sandbox = Sandbox::new();
    let path = |name: &str| fixture_path(name).display().to_string();
    let settings = sandbox.write("settings.toml", "plugins = \"added\"\n");
    let add = |status, file: &str, part: &str| {
        let settings = settings.display().to_string();
        let arguments = ["--settings", &settings, "plugin", "add", "--json", file];
        let output = sandbox.expect(status, &arguments);
        let text = stderr(&output);
        assert!(text.contains(part), "no {part:?} in\n{text}");
        output.stdout
    };
    let said = add(
        0,
        &path("core-unwrapped"),
        "core module; a component was made of it",
    );
    let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
    assert_eq!(
        (&said["new"], &said["wrapped"]),
        (&true.into(), &true.into())
    );
    assert_eq!(said["channels"][0]["name"], "record");
    add(0, &path("villain"), "was there already: villain@1.0.0");
    add(2, &path("twin"), "another component already");
    let zip = sandbox.write("generator.zip", "PK\x03\x04 and so on");
    add(2, &zip.display().to_string(), "a ZIP archive");
    add(2, "/", "/ can't be read: is a directory");
    add(2, "/dev/zero", "not WebAssembly");
}
