//! The folder of added components, and the cache of compiled ones.

use std::fmt::Display;
use std::path::Path;

use bytes::Bytes;
use futures::stream;
use wellhead::plugin::store::{Entry, Paths, Store};
use wellhead::plugin::{Limits, Runtime, UploadError, UploadLimits, Uploads};

use super::{RUNTIME, fixture};
use crate::common::fixture_path;

fn says<T>(result: Result<T, impl Display>, parts: &[&str]) {
    let Err(error) = result else {
        panic!("went through instead of {parts:?}");
    };
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

fn store(folder: &Path) -> Store {
    Store::new(folder.join("plugins"))
}

/// Adds a component, compiled in this process. Its entry, and whether it is new.
fn add(store: &Store, bytes: &[u8], origin: &str) -> Result<(Entry, bool), UploadError> {
    let uploads = Uploads::new(store.clone(), RUNTIME.clone(), UploadLimits::default())?;
    let body = stream::iter([Ok::<_, String>(Bytes::copy_from_slice(bytes))]);
    let driver = tokio::runtime::Runtime::new().unwrap();
    let taken = driver.block_on(uploads.take(body, None, origin))?;
    let entries = store.list()?;
    let entry = entries
        .into_iter()
        .find(|entry| entry.digest == taken.inspection.digest);
    Ok((entry.unwrap(), taken.new))
}

#[test]
fn what_is_added_is_found_by_each_of_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    assert_eq!(store.list().unwrap(), []);
    let villain = fixture("villain");
    let (entry, new) = add(&store, &villain, "villain.wasm").unwrap();
    assert!(new && entry.name == "villain" && entry.size == villain.len());
    // The same again changes nothing; another under the same name and version is refused.
    assert_eq!(
        add(&store, &villain, "again").unwrap(),
        (entry.clone(), false)
    );
    let twin = add(&store, &fixture("twin"), "twin.wasm");
    says(twin, &["villain@1.0.0", "another component", &entry.digest]);
    assert_eq!(store.list().unwrap(), std::slice::from_ref(&entry));
    let digest = format!("sha256:{}", entry.digest);
    let short = digest[..15].to_owned();
    let file = fixture_path("villain").display().to_string();
    for reference in ["villain", "villain@1.0.0", &digest, &short, &file] {
        let generator = store.load(&RUNTIME, reference, Paths::Allowed).unwrap();
        assert_eq!(generator.digest, entry.digest, "{reference}");
    }
    store.remove("villain@1.0.0", |_| false).unwrap();
    assert_eq!(store.list().unwrap(), []);
    says(
        store.load(&RUNTIME, &digest, Paths::Allowed),
        &["0 components"],
    );
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    add(&store, &fixture("villain"), "villain.wasm").unwrap();
    let resolve = |reference| store.resolve(reference, Paths::Allowed);
    says(
        resolve("vilain"),
        &["`vilain`", "did you mean `villain`?", "transaction"],
    );
    says(resolve("transactoin"), &["did you mean `transaction`?"]);
    says(
        resolve("villain@2.0.0"),
        &["no version 2.0.0", "there are 1.0.0"],
    );
    says(resolve("none.wasm"), &["none.wasm", "No such file"]);
    says(resolve("sha256:0123"), &["whole digest"]);
    says(resolve("/"), &["folder"]);
    let path = store.resolve("./villain.wasm", Paths::Refused);
    says(path, &["is a path", "wellhead plugin add"]);
    let address = "oci://ghcr.io/me/villain:1.0.0";
    says(
        resolve(address),
        &["in a registry", &format!("wellhead plugin add {address}")],
    );
    let other = store.load(&RUNTIME, "transaction@99.0.0", Paths::Allowed);
    says(other, &["transaction", "no version 99.0.0"]);
    says(store.remove("transaction", |_| false), &["stock generator"]);
    says(
        store.remove("nothing", |_| false),
        &["no generator `nothing`"],
    );
    let stock = store.resolve("transaction", Paths::Refused).unwrap();
    says(
        add(&store, &stock.bytes, "x"),
        &["`transaction`", "another name"],
    );
    says(
        add(&store, &fixture("core-plain"), "core.wasm"),
        &["core.wasm", "core module"],
    );
}

#[test]
fn a_damaged_component_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let (entry, _) = add(&store, &fixture("villain"), "villain.wasm").unwrap();
    let path = folder
        .path()
        .join("plugins")
        .join(format!("{}.wasm", entry.digest));
    std::fs::write(&path, fixture("twin")).unwrap();
    says(
        store.load(&RUNTIME, "villain", Paths::Refused),
        &["is damaged", "add it again"],
    );
}

#[test]
fn compiled_code_is_kept_and_damage_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let villain = fixture("villain");
    // A runtime of its own each time, as another process would have it.
    let load = || {
        let runtime = Runtime::new(Limits::default(), Some(cache.clone())).unwrap();
        runtime.load(&villain, "villain.wasm").unwrap()
    };
    let kept = || {
        let mut files = std::fs::read_dir(&cache)
            .unwrap()
            .map(|file| file.unwrap().path());
        let file = files.next().unwrap();
        assert!(files.next().is_none(), "one component, one file");
        file
    };
    load();
    let file = kept();
    let good = std::fs::read(&file).unwrap();
    let written = std::fs::metadata(&file).unwrap().modified().unwrap();
    load();
    assert_eq!(
        std::fs::metadata(&file).unwrap().modified().unwrap(),
        written,
        "compiled again"
    );
    for bad in [
        &good[..good.len() / 2],
        b"",
        b"no code at all, and longer than a checksum",
    ] {
        std::fs::write(&file, bad).unwrap();
        load();
        assert_eq!(
            std::fs::read(kept()).unwrap().len(),
            good.len(),
            "not mended"
        );
    }
}
