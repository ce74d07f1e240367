//! States that can't be relied on: torn, damaged, full, read-only; and sinks that somebody else wrote to.

use std::path::{Path, PathBuf};

use serde_json::json;
use wellhead::delivery::SinkPoint;
use wellhead::state::{Checkpoint, Restart, State, StoredRun};

use super::{partial_bytes, strs};
use crate::common::{Sandbox, signal, stderr, until, wait};
use crate::sink::disk::{self, SmallDisk};
use crate::sink::sqlite::sqlite3;

fn arguments(more: &str) -> Vec<String> {
    let text = format!(
        "run transaction --seed 7 --streams 2 --start 2024-01-01T00:00:00Z --run r --report r.json {more}"
    );
    text.split_whitespace().map(str::to_owned).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// Ways in which a power cut or a bad disk leaves a file: cut off, or with a byte that isn't what it was.
fn damage(path: &Path, seed: u64) {
    let mut bytes = std::fs::read(path).unwrap();
    let random = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    let at = (random >> 33) as usize % bytes.len();
    match seed % 2 {
        0 => bytes.truncate(at),
        _ => bytes[at] ^= 1 << (seed % 8),
    }
    std::fs::write(path, bytes).unwrap();
}

/// A torn log of the state costs at most the newest checkpoints: the run goes on from an older one, or
/// it is said that the state is damaged.
#[test]
fn a_torn_checkpoint_costs_no_record() {
    let run = arguments("--load 4000/s --records 12000 --to file:o.ndjson");
    let whole = Sandbox::new();
    whole.expect(0, &strs(&run));
    let expected = std::fs::read(whole.path("o.ndjson")).unwrap();
    let killed = Sandbox::new();
    let child = killed.command(&strs(&run)).spawn().unwrap();
    until("it is nearly done", || {
        partial_bytes(&killed) > expected.len() as u64 * 8 / 10
    });
    signal(child.id(), rustix::process::Signal::KILL);
    wait(child);
    let state = "state/wellhead/state.db";
    let log = killed.path(&format!("{state}-wal")).metadata().unwrap();
    assert!(log.len() > 8_000, "{} bytes", log.len());
    let mut resumed = run.clone();
    resumed.push("--resume".to_owned());
    let mut went_on = 0;
    for seed in 0..9 {
        let torn = Sandbox::new();
        copy(&killed.path(""), &torn.path(""));
        let hurt = if seed < 8 { "-wal" } else { "" };
        damage(&torn.path(&format!("{state}{hurt}")), seed);
        let output = torn.run(&strs(&resumed));
        let said = stderr(&output);
        match output.status.code() {
            Some(0) => {
                went_on += 1;
                let found = std::fs::read(torn.path("o.ndjson")).unwrap();
                assert!(found == expected, "{seed}: the file differs\n{said}");
                assert_eq!(
                    torn.json("r.json")["records"]["acknowledged"],
                    12_000,
                    "{seed}"
                );
            }
            Some(1 | 2) => assert!(
                said.contains("state.db") && said.contains("--state"),
                "{seed}: {said}"
            ),
            other => panic!("{seed}: {other:?}: {said}"),
        }
    }
    assert!(
        went_on >= 8,
        "a torn log is no loss: {went_on} of 8 went on"
    );
}

/// The checkpoint number `n`: each part of it says so.
fn point(n: u64) -> Checkpoint {
    let restart = Restart {
        index: n,
        hash: format!("{n:064}"),
        held: Default::default(),
        save: Some("ab".repeat(2_000)),
    };
    let receipt = SinkPoint {
        acknowledged: n,
        ..SinkPoint::default()
    };
    Checkpoint {
        restarts: vec![(0, restart.clone()), (1, restart)],
        receipts: vec![(0, receipt)],
        progress: json!(n),
    }
}

/// Which checkpoint a run has, all parts of it being the same one's; none before the first.
fn number(run: &StoredRun) -> Option<u64> {
    let n = run.receipts.first()?.1.acknowledged;
    let streams: Vec<u64> = run.restarts.iter().map(|(_, at)| at.index).collect();
    assert_eq!((streams, &run.progress), (vec![n, n], &json!(n)));
    Some(n)
}

/// Wherever a power cut ends the log, the state has the newest checkpoint that is whole before it.
/// SQLite takes or leaves a page with its head: all bytes of heads are tried, and some of each page.
#[tokio::test]
async fn a_log_cut_at_any_byte_holds_a_whole_checkpoint() {
    // Bytes of the log's head, and of a page with its own.
    const HEAD: usize = 32;
    const FRAME: usize = 24 + 4_096;
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("state.db-wal");
    let state = State::open(folder.path()).await.unwrap();
    state.begin("r", "r", &json!({}), &json!({})).await.unwrap();
    let mut ends = vec![0];
    for n in 1..=4 {
        state.save_checkpoint("r", &point(n)).await.unwrap();
        ends.push(log.metadata().unwrap().len() as usize);
    }
    let database = std::fs::read(folder.path().join("state.db")).unwrap();
    let whole = std::fs::read(&log).unwrap();
    assert_eq!(ends[4], whole.len(), "the log was begun anew");
    let cuts = (0..=whole.len()).filter(|cut| {
        let inside = cut.saturating_sub(HEAD) % FRAME;
        *cut < HEAD || inside < 32 || inside.is_multiple_of(997) || *cut == whole.len()
    });
    for cut in cuts {
        let torn = tempfile::tempdir().unwrap();
        std::fs::write(torn.path().join("state.db"), &database).unwrap();
        std::fs::write(torn.path().join("state.db-wal"), &whole[..cut]).unwrap();
        let state = State::open(torn.path()).await.unwrap();
        let run = state.find("r").await.unwrap().expect("the run is known");
        let newest = ends.iter().rposition(|end| *end <= cut).unwrap() as u64;
        assert_eq!(number(&run).unwrap_or(0), newest, "cut at {cut}");
        state.close().await;
    }
}

#[test]
fn a_full_disk_under_the_state_is_said_and_costs_nothing() {
    let Some(disk) = SmallDisk::mount(4) else {
        return;
    };
    let sandbox = Sandbox::new();
    let state = disk.path().join("state").display().to_string();
    let run = arguments(&format!(
        "--load 4000/s --records 16000 --to file:o.ndjson --state {state}"
    ));
    let ballast: PathBuf = disk.path().join("ballast");
    disk::fill(&ballast);
    let refused = stderr(&sandbox.expect(2, &strs(&run)));
    assert!(
        refused.contains(&state) && refused.contains("state"),
        "{refused}"
    );
    assert_eq!(partial_bytes(&sandbox), 0, "nothing is sent");

    std::fs::remove_file(&ballast).unwrap();
    let child = sandbox.command(&strs(&run)).spawn().unwrap();
    until("it writes", || partial_bytes(&sandbox) > 100_000);
    disk::fill(&ballast);
    let failed = wait(child);
    let said = stderr(&failed);
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("state.db") && said.contains("full"), "{said}");

    std::fs::remove_file(&ballast).unwrap();
    let mut resumed = run.clone();
    resumed.push("--resume".to_owned());
    sandbox.expect(0, &strs(&resumed));
    assert_eq!(sandbox.json("r.json")["records"]["acknowledged"], 16_000);
    let lines = std::fs::read_to_string(sandbox.path("o.ndjson")).unwrap();
    let distinct: std::collections::HashSet<&str> = lines.lines().collect();
    assert_eq!((lines.lines().count(), distinct.len()), (16_000, 16_000));
}

#[test]
fn a_state_that_may_only_be_read_is_said_before_anything_is_sent() {
    let Some(disk) = SmallDisk::mount(4) else {
        return;
    };
    let sandbox = Sandbox::new();
    let state = disk.path().join("state");
    std::fs::create_dir(&state).unwrap();
    disk.remount("ro");
    let state = state.display().to_string();
    let run = arguments(&format!(
        "--load 100/s --records 100 --to file:o.ndjson --state {state}"
    ));
    let said = stderr(&sandbox.expect(2, &strs(&run)));
    for part in [state.as_str(), "ead-only", "--state"] {
        assert!(said.contains(part), "{part} is missing: {said}");
    }
    assert_eq!(partial_bytes(&sandbox), 0);
    assert!(!sandbox.path("o.ndjson").exists());
}

/// A table that was put back to before what the run can still make.
#[test]
fn a_table_that_was_put_back_is_not_gone_on_with() {
    let sandbox = Sandbox::new();
    let run = arguments("--load 150000/s --records 900000 --to sqlite:p.db?table=t");
    let child = sandbox.command(&strs(&run)).spawn().unwrap();
    let state = sandbox.path("state/wellhead/state.db");
    until("a stream can begin later than at its first record", || {
        std::thread::park_timeout(std::time::Duration::from_millis(20));
        state.exists()
            && sqlite3(
                &state,
                "SELECT count(*) FROM sqlite_schema WHERE name = 'restarts'",
            ) == ["1"]
            && sqlite3(
                &state,
                "SELECT count(*) FROM restarts WHERE json_extract(body, '$.index') > 0",
            ) == ["2"]
    });
    signal(child.id(), rustix::process::Signal::KILL);
    assert!(!wait(child).status.success());
    let table = sandbox.path("p.db");
    sqlite3(
        &table,
        "UPDATE wellhead_watermarks SET sequence = 5, acknowledged = 5 WHERE stream = 1",
    );
    let before = sqlite3(&table, "SELECT count(*) FROM t");
    let mut resumed = run.clone();
    resumed.push("--resume".to_owned());
    let said = stderr(&sandbox.expect(2, &strs(&resumed)));
    for part in ["stream 1 up to record 5", "lost there", "begin another run"] {
        assert!(said.contains(part), "{part} is missing: {said}");
    }
    assert_eq!(sqlite3(&table, "SELECT count(*) FROM t"), before);
}
