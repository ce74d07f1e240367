//! Files that were changed, a crash at the worst moment, a disk that is full.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{Files, parquet, records, text, ways};
use crate::sink::{RECORDS, Service, distinct, group, message, open, send, start};

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
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("SKIPPED: a small file system can't be mounted here (needs root)");
        return;
    };
    for name in ["out.ndjson", "out.csv.gz"] {
        let ballast = disk.0.join("ballast");
        std::fs::write(&ballast, vec![1; 8 << 20]).unwrap_err();
        let mut files = Files::new(name, json!({}));
        files.options["path"] = Value::from(disk.0.join(name).to_str().unwrap());
        let mut fixture = start(&files.block(), "run-1", None).await;
        let mut failures = 0;
        for step in 0..8 {
            let whole = group(&[step * RECORDS / 8; 3], (step + 1) * RECORDS / 8);
            loop {
                let outcome = match fixture.sink.write(&whole).await {
                    Ok(()) => fixture.sink.commit().await.map(drop),
                    Err(error) => Err(error),
                };
                let Err(error) = outcome else { break };
                assert!(
                    error.retry && error.message.contains("disk is full"),
                    "{error}"
                );
                failures += 1;
                if failures == 3 {
                    std::fs::remove_file(&ballast).unwrap();
                }
            }
        }
        fixture.sink.close(true).await.unwrap();
        assert!(failures >= 3, "the disk was never full");
        let path = disk.0.join(name);
        let found = records(name, &text(&path));
        assert_eq!(
            (found.len() as u64, distinct(&found) as u64),
            (3 * RECORDS, 3 * RECORDS)
        );
        std::fs::remove_file(&path).unwrap();
    }
}

/// A file system of four megabytes in memory.
pub struct SmallDisk(PathBuf, #[allow(dead_code)] tempfile::TempDir);

impl SmallDisk {
    pub fn mount() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(&path)
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then_some(SmallDisk(path, folder))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// `ro` or `rw`.
    pub fn remount(&self, how: &str) {
        let options = format!("remount,{how}");
        let status = Command::new("mount")
            .args(["-o", &options])
            .arg(&self.0)
            .status()
            .unwrap();
        assert!(status.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
