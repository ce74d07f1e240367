//! A server whose disk is full.

use std::process::Command;

use serde_json::json;

use super::{Database, psql};
use crate::common::service;
use crate::sink::disk::{SmallDisk, fill, waited_for};
use crate::sink::{Service, in_order, start};

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
    let Some(disk) = SmallDisk::mount(4) else {
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
    // The rest of the disk is the server's first pages.
    fill(&ballast);
    waited_for(&mut fixture, &ballast, "make room").await;
    in_order(&database, true);
}
