//! Parquet, of which only whole files count: what isn't complete is made again.

use std::collections::BTreeMap;

use parquet::file::reader::SerializedFileReader;
use serde_json::json;

use super::{Files, records, text};
use crate::common::{Sandbox, signal, until, wait};
use crate::sink::disk::{SmallDisk, fill};
use crate::sink::{self, RECORDS, Service, distinct, in_order, send, start};

/// Ways to write that differ in what a checkpoint has to remember.
pub fn ways() -> Vec<Files> {
    let rotated = json!({"rotate_size": 20_000, "rotate_every": "0.0011s", "level": 3});
    vec![
        Files::new("out.parquet", json!({"compression": "snappy"})),
        Files::new("out.parquet", json!({"rotate_size": "30KB"})),
        Files::new("{stream}.parquet", rotated),
    ]
}

/// Every file's bytes.
fn bytes(files: &Files) -> BTreeMap<String, Vec<u8>> {
    let names = files.texts().into_keys();
    names
        .map(|name| {
            let path = files.folder.path().join(&name);
            (name, std::fs::read(path).unwrap())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn delivers() {
    for files in ways() {
        sink::delivers(&files).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_an_abort() {
    for files in ways() {
        sink::survives_an_abort(&files).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_no_record_twice() {
    for files in ways() {
        sink::takes_no_record_twice(&files).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passes_what_was_dropped() {
    for files in ways() {
        sink::passes_what_was_dropped(&files).await;
    }
}

/// However often it is stopped, the files are those of a run that wasn't, byte by byte; and what counts is
/// what is in complete files.
#[tokio::test(flavor = "multi_thread")]
async fn stops_leave_no_trace_and_files_count_when_they_are_complete() {
    for (files, alone) in ways().into_iter().zip(ways()) {
        let mut fixture = start(&alone.block(), "run-1", None).await;
        send(&mut fixture, &[0; 3], RECORDS).await;
        fixture.sink.close(true).await.unwrap();
        let mut saved = None;
        let mut counted = 0;
        for to in [700, 701, 2_100, 3_999] {
            let mut fixture = start(&files.block(), "run-1", saved.as_ref()).await;
            let from = saved.map_or(vec![0; 3], |receipt: wellhead::sink::Receipt| {
                receipt.watermark
            });
            send(&mut fixture, &from, to).await;
            let receipt = fixture.sink.close(false).await.unwrap();
            counted += fixture.receipts.acknowledged();
            assert_eq!(receipt.watermark, fixture.receipts.watermark());
            assert_eq!(receipt.watermark.iter().sum::<u64>(), counted);
            match files.options.get("rotate_size") {
                Some(_) => assert!(to < 2_000 || counted > 1_500, "{counted}"),
                None => assert_eq!(counted, 0),
            }
            saved = Some(receipt);
        }
        let from = saved.as_ref().unwrap().watermark.clone();
        let mut fixture = start(&files.block(), "run-1", saved.as_ref()).await;
        send(&mut fixture, &from, RECORDS).await;
        let last = fixture.sink.close(true).await.unwrap();
        assert_eq!(last.watermark, [RECORDS; 3]);
        assert_eq!(counted + fixture.receipts.acknowledged(), 3 * RECORDS);
        in_order(&files, true);
        assert!(bytes(&files) == bytes(&alone), "{:?}", files.options);
    }
}

/// Files by a field of the record: each begins and ends at places of its own in every stream.
#[tokio::test(flavor = "multi_thread")]
async fn files_that_end_at_different_places_are_gone_on_with() {
    let options = || json!({"rotate_size": 9_000, "operation_field": "op"});
    let files = Files::new("{kind}.parquet", options());
    let alone = Files::new("{kind}.parquet", options());
    let mut fixture = start(&alone.block(), "run-1", None).await;
    send(&mut fixture, &[0; 3], RECORDS).await;
    fixture.sink.close(true).await.unwrap();
    let mut saved = None;
    for (commit_at, abort_at) in [(900, 1_500), (1_100, 1_100), (2_700, 3_300)] {
        let mut fixture = start(&files.block(), "run-1", saved.as_ref()).await;
        let from = saved.map_or(vec![0; 3], |receipt: wellhead::sink::Receipt| {
            receipt.watermark
        });
        send(&mut fixture, &from, commit_at).await;
        saved = Some(fixture.sink.commit().await.unwrap());
        send(&mut fixture, &[commit_at; 3], abort_at).await;
    }
    let from = saved.as_ref().unwrap().watermark.clone();
    assert!(
        from.iter().all(|&next| next > 0 && next < 2_700),
        "{from:?}"
    );
    let mut fixture = start(&files.block(), "run-1", saved.as_ref()).await;
    send(&mut fixture, &from, RECORDS).await;
    fixture.sink.close(true).await.unwrap();
    let read = files.read();
    assert_eq!((read.len(), distinct(&read)), (12_000, 12_000));
    assert!(bytes(&files) == bytes(&alone));
}

/// What comes at a file's end finds no room: it is tried again, and nothing is lost or there twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stalls_and_recovers() {
    let Some(disk) = SmallDisk::mount(4) else {
        return;
    };
    let path = disk.path().join("out.parquet");
    let ballast = disk.path().join("ballast");
    fill(&ballast);
    let mut files = Files::new("out.parquet", json!({}));
    files.options["path"] = path.to_str().unwrap().into();
    let mut fixture = start(&files.block(), "run-1", None).await;
    send(&mut fixture, &[0; 3], RECORDS).await;
    for _ in 0..3 {
        let error = fixture.sink.close(true).await.unwrap_err();
        assert!(
            error.retry && error.message.contains("disk is full"),
            "{error}"
        );
        assert_eq!(fixture.receipts.acknowledged(), 0);
    }
    std::fs::remove_file(&ballast).unwrap();
    fixture.sink.close(true).await.unwrap();
    let found = records("out.parquet", &text(&path));
    assert_eq!((found.len(), distinct(&found)), (12_000, 12_000));
    assert_eq!(fixture.receipts.acknowledged(), 12_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_records_leaves_a_file_that_can_be_read() {
    let files = Files::new("none.parquet", json!({}));
    let mut fixture = start(&files.block(), "run-1", None).await;
    fixture.sink.close(true).await.unwrap();
    assert_eq!(files.texts()["none.parquet"], "");
}

/// The program as users run it: killed in the middle and resumed, every record is in the files once.
#[test]
fn a_killed_run_goes_on_exactly_once() {
    let sandbox = Sandbox::new();
    let to = "file:out/{channel}.parquet?rotate_size=100KB";
    let arguments = [
        "run",
        "transaction",
        "--seed",
        "7",
        "--load",
        "4000/s",
        "--records",
        "12000",
        "--run",
        "crash",
        "--start",
        "2024-01-01T00:00:00Z",
        "--to",
        to,
        "--report",
        "r.json",
    ];
    let child = sandbox.command(&arguments).spawn().unwrap();
    let id = child.id();
    let third = sandbox.path("out/transaction-000002.parquet");
    until("a third file is complete", || third.exists());
    signal(id, rustix::process::Signal::KILL);
    assert!(
        !wait(child).status.success(),
        "it ended before it was killed"
    );
    let again: Vec<&str> = arguments.iter().copied().chain(["--resume"]).collect();
    sandbox.expect(0, &again);
    let report = sandbox.json("r.json");
    assert_eq!(report["records"]["acknowledged"], 12_000, "{report}");
    let mut ids = Vec::new();
    for file in std::fs::read_dir(sandbox.path("out")).unwrap() {
        let file = std::fs::File::open(file.unwrap().path()).unwrap();
        for row in SerializedFileReader::new(file).unwrap() {
            let row = row.unwrap();
            let mut cells = row.get_column_iter();
            let (_, id) = cells.find(|(name, _)| *name == "transaction_id").unwrap();
            ids.push(id.to_string());
        }
    }
    let distinct: std::collections::HashSet<&String> = ids.iter().collect();
    assert_eq!((ids.len(), distinct.len()), (12_000, 12_000));
}
