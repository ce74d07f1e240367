//! A disk that fills up under the state.

use rustix::process::Signal;

use super::client::{Answered, Served, YAML, refused};
use crate::common::Sandbox;
use crate::sink::disk::{SmallDisk, fill};

const EMULATIONS: &str = "/api/v1/emulations";

/// The sandbox's folder `data` on a small disk.
fn small(sandbox: &Sandbox) -> Option<SmallDisk> {
    let disk = SmallDisk::mount(4)?;
    std::os::unix::fs::symlink(disk.path(), sandbox.path("data")).unwrap();
    Some(disk)
}

/// Requests that change something fail, say why, and leave nothing half done; once there is room, all goes on.
#[test]
fn a_full_disk_is_said_and_passes() {
    let sandbox = Sandbox::new();
    let Some(disk) = small(&sandbox) else {
        return;
    };
    let served = Served::start(&sandbox);
    let spec = "{generator: transaction, load: 10/s, sinks: ['null']}";
    let first = served
        .start_one("{generator: transaction, until: {records: 1}, load: max, sinks: ['null']}");
    served.until_state(&first, "finished");
    let ids = || -> Vec<String> {
        let listed = served.get(&format!("{EMULATIONS}?limit=200")).json(200);
        let items = listed["items"].as_array().unwrap();
        let id = |one: &serde_json::Value| one["id"].as_str().unwrap().to_owned();
        items.iter().map(id).collect()
    };
    let ballast = disk.path().join("ballast");
    fill(&ballast);
    // The log may have had some room left in its last page.
    let start = || served.post(EMULATIONS, YAML, spec);
    let begun: Vec<Answered> = (0..200).map(|_| start()).collect();
    let refused: Vec<&Answered> = begun.iter().filter(|one| one.status != 201).collect();
    assert!(!refused.is_empty(), "200 were started on a full disk");
    for one in &refused {
        let problem = one.problem(507, "full");
        assert!(
            problem["detail"].as_str().unwrap().contains("make room"),
            "{problem:#}"
        );
    }
    assert_eq!(
        ids().len(),
        1 + begun.len() - refused.len(),
        "none is there by half"
    );
    // A small change may still find room: then it is made, and else nothing of it.
    let path = format!("{EMULATIONS}/{first}");
    let deleted = served.send("DELETE", &path, &[], "");
    match deleted.status {
        204 => served.get(&path).problem(404, "no emulation"),
        _ => deleted.problem(507, "full"),
    };
    assert_eq!(served.get(&path).status == 200, deleted.status != 204);
    served
        .upload(&crate::common::fixture("villain"))
        .problem(507, "No space");
    assert_eq!(
        served
            .get("/api/v1/plugins")
            .json(200)
            .as_array()
            .unwrap()
            .len(),
        crate::common::STOCK.len()
    );
    served.get("/ready").json(200);

    std::fs::remove_file(ballast).unwrap();
    served.upload(&crate::common::fixture("villain")).json(201);
    let second = served.start_one(spec);
    served.until_state(&second, "running");
    let there = ids();
    assert_eq!(served.end(Signal::TERM), Some(0));
    let served = Served::start(&sandbox);
    let listed = served.get(&format!("{EMULATIONS}?limit=200")).json(200);
    assert!(listed["items"].as_array().unwrap().len() >= there.len());
    served.until_state(&second, "running");
}

/// Where there is no room from the beginning, it is said, and nothing begins.
#[test]
fn a_full_disk_at_the_start_is_said() {
    let sandbox = Sandbox::new();
    let Some(disk) = small(&sandbox) else {
        return;
    };
    let ballast = disk.path().join("ballast");
    fill(&ballast);
    let said = refused(&sandbox, &[]);
    assert!(said.contains("full") || said.contains("No space"), "{said}");
    std::fs::remove_file(ballast).unwrap();
    let served = Served::start(&sandbox);
    served.get("/health").json(200);
}
