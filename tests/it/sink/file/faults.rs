//! Files that were changed, a crash at the worst moment, a disk that is full.

use serde_json::{Value, json};

use super::{Files, parquet, records, text, ways};
use crate::sink::disk::{SmallDisk, fill, waited_for};
use crate::sink::{RECORDS, Service, distinct, message, open, send, start};

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_changed_meanwhile_are_not_gone_on_with() {
    let files = Files::new("out.ndjson", json!({}));
    let mut fixture = start(&files.block(), "run-1", None).await;
    send(&mut fixture, &[0; 3], 10).await;
    let saved = fixture.sink.close(false).await.unwrap();
    let partial = files.folder.path().join("out.ndjson.run-1.partial");
    let whole = std::fs::read(&partial).unwrap();
    std::fs::write(&partial, &whole[..whole.len() / 2]).unwrap();
    let mut again = open(&files.block(), "run-1", &saved.watermark);
    assert!(message(again.sink.recover(Some(&saved)).await).contains("isn't as this run left it"));
    std::fs::remove_file(&partial).unwrap();
    // A file of that name which isn't ours must not be cut.
    let name = files.folder.path().join("out.ndjson");
    std::fs::write(&name, &whole).unwrap();
    let mut again = open(&files.block(), "run-1", &saved.watermark);
    assert!(message(again.sink.recover(Some(&saved)).await).contains("is gone"));
    assert_eq!(std::fs::read(&name).unwrap(), whole);
}

/// The end of a run is two steps, the names and the state's word of it: a crash in between makes
/// the run go on from the last checkpoint, in the files that have their names already.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_the_renaming_repeats_nothing() {
    for files in ways().into_iter().chain(parquet::ways()) {
        let mut fixture = start(&files.block(), "run-1", None).await;
        send(&mut fixture, &[0; 3], 2_000).await;
        let saved = fixture.sink.commit().await.unwrap();
        send(&mut fixture, &[2_000; 3], RECORDS).await;
        fixture.sink.close(true).await.unwrap();
        let before = files.texts();
        let mut fixture = start(&files.block(), "run-1", Some(&saved)).await;
        send(&mut fixture, &saved.watermark, RECORDS).await;
        fixture.sink.close(true).await.unwrap();
        assert!(before == files.texts(), "{:?}", files.options);
    }
}

/// A file system that fills up: what failed is tried again, and nothing is lost or there twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stalls_and_recovers() {
    let Some(disk) = SmallDisk::mount(4) else {
        return;
    };
    for name in ["out.ndjson", "out.csv.gz"] {
        let ballast = disk.path().join("ballast");
        fill(&ballast);
        let path = disk.path().join(name);
        let mut files = Files::new(name, json!({}));
        files.options["path"] = Value::from(path.to_str().unwrap());
        let mut fixture = start(&files.block(), "run-1", None).await;
        waited_for(&mut fixture, &ballast, "disk is full").await;
        let found = records(name, &text(&path));
        assert_eq!(
            (found.len() as u64, distinct(&found) as u64),
            (3 * RECORDS, 3 * RECORDS)
        );
        std::fs::remove_file(&path).unwrap();
    }
}
