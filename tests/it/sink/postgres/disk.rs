//! A server whose disk is full.

use std::process::Command;

use serde_json::json;

use super::{Database, psql};
use crate::common::service;
use crate::sink::file::SmallDisk;
use crate::sink::{RECORDS, Service, group, in_order, start};

/// A tablespace on a disk of four megabytes; it goes after the database that lies there.
struct Space {
    url: String,
    name: String,
}

impl Space {
    fn new(url: &str, disk: &SmallDisk) -> Space {
        let folder = disk.path().join("space");
        std::fs::create_dir(&folder).unwrap();
        let data = psql(url, "SHOW data_directory").remove(0);
        let owned = Command::new("chown")
            .arg(format!("--reference={data}"))
            .arg(&folder)
            .status();
        assert!(owned.unwrap().success());
        let name = format!("small_{}", std::process::id());
        let make = format!("CREATE TABLESPACE {name} LOCATION '{}'", folder.display());
        psql(url, &make);
        Space {
            url: url.to_owned(),
            name,
        }
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        let drop = format!("DROP TABLESPACE IF EXISTS {}", self.name);
        let _ = Command::new("psql")
            .args([&self.url, "-qc", &drop])
            .output();
    }
}

/// It stalls the sink, and once there is room nothing is missing or twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_for() {
    let Some(url) = service("WELLHEAD_TEST_POSTGRES") else {
        return;
    };
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("SKIPPED: a small disk can't be mounted; be root for that");
        return;
    };
    let space = Space::new(&url, &disk);
    let database = Database::at(&url, json!({ "linger": "0s" }));
    let (_, name) = database.url.rsplit_once('/').unwrap();
    let place = format!(
        "ALTER DATABASE {name} SET default_tablespace = '{}'",
        space.name
    );
    psql(&url, &place);
    let mut fixture = start(&database.block(), "run-1", None).await;
    let ballast = disk.path().join("ballast");
    // As much as there is room for: the rest is the server's first pages.
    let _ = std::fs::write(&ballast, vec![0; 4 << 20]);
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
                error.retry && error.message.contains("make room"),
                "{error}"
            );
            failures += 1;
            if failures == 3 {
                std::fs::remove_file(&ballast).unwrap();
            }
            assert!(failures < 50, "there is room, and it fails: {error}");
        }
    }
    fixture.sink.close(true).await.unwrap();
    assert!(failures >= 3, "the disk was never full");
    in_order(&database, true);
    assert_eq!(fixture.receipts.acknowledged(), 3 * RECORDS);
}
