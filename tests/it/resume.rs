//! After `kill -9` a run goes on from its watermark, and the result is that of a run in one piece.

mod damaged;
mod differs;

use serde_json::Value;

use crate::common::{STOCK, Sandbox, signal, until, wait};

/// Kills a paced run once its file has grown to a share of what it will be, in thousandths, and resumes it.
fn killed_and_resumed(generator: &str, streams: u32, format: &str, share: u64) {
    let case = format!("{generator}, {streams} streams, {format}, killed at {share} ‰");
    let file = format!("out.{format}");
    let common = format!(
        "--seed 7 --streams {streams} --start 2024-01-01T00:00:00Z --load 2000/s --records 3000 \
         --run crash --to file:{file} --manifest m.json --report r.json"
    );
    let arguments = |more: &[&'static str]| -> Vec<String> {
        let all = ["run", generator]
            .into_iter()
            .chain(common.split_whitespace());
        all.chain(more.iter().copied()).map(str::to_owned).collect()
    };
    let one = Sandbox::new();
    let needs = one.needs(generator);
    one.expect(0, &strs(&arguments(&needs)));
    let read = |sandbox: &Sandbox| std::fs::read(sandbox.path(&file)).unwrap();
    let whole = read(&one);

    let broken = Sandbox::new();
    broken.needs(generator);
    let child = broken.command(&strs(&arguments(&needs))).spawn().unwrap();
    let id = child.id();
    let bytes = whole.len() as u64 * share / 1000;
    until("the file has grown", || partial_bytes(&broken) > bytes);
    signal(id, rustix::process::Signal::KILL);
    let killed = wait(child);
    assert!(
        !killed.status.success(),
        "{case}: it ended before it was killed"
    );
    assert!(
        !broken.path(&file).exists(),
        "{case}: the final name came too early"
    );

    broken.expect(0, &strs(&arguments(&[&needs[..], &["--resume"]].concat())));
    let report = broken.json("r.json");
    // A generator that has nothing to say at some ticks gives fewer than there are ticks.
    let count = |report: &Value| report["records"]["acknowledged"].as_u64();
    assert_eq!(
        count(&report),
        count(&one.json("r.json")),
        "{case}: {report}"
    );
    assert_eq!(
        broken.json("m.json")["streams"],
        one.json("m.json")["streams"],
        "{case}"
    );
    assert!(
        read(&broken) == whole,
        "{case}: the resumed file differs from one in one piece"
    );
}

fn strs(owned: &[String]) -> Vec<&str> {
    owned.iter().map(String::as_str).collect()
}

/// Bytes of all unfinished files of the run.
pub fn partial_bytes(sandbox: &Sandbox) -> u64 {
    std::fs::read_dir(sandbox.path(""))
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            name.contains("partial")
                .then(|| entry.metadata().map_or(0, |m| m.len()))
        })
        .sum()
}

/// Each stock generator, killed at a point of its own: seeded, so that a failure can be had again.
fn all_killed_and_resumed(streams: u32) {
    let mut seed = u64::from(streams);
    for generator in STOCK {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        killed_and_resumed(generator, streams, "ndjson", (seed >> 33) % 450);
    }
}

#[test]
fn a_killed_run_of_one_stream_goes_on_without_loss_or_repeat() {
    all_killed_and_resumed(1);
}

#[test]
fn a_killed_run_of_three_streams_goes_on_without_loss_or_repeat() {
    all_killed_and_resumed(3);
}

#[test]
fn a_killed_run_of_seven_streams_goes_on_without_loss_or_repeat() {
    all_killed_and_resumed(7);
}

#[test]
fn csv_is_cut_back_to_the_watermark_too() {
    killed_and_resumed("transaction", 3, "csv", 100);
}

#[test]
fn a_difference_is_named_and_refused() {
    let sandbox = Sandbox::new();
    let child = sandbox
        .command(&[
            "run",
            "transaction",
            "--seed",
            "1",
            "--load",
            "50/s",
            "--run",
            "r",
            "--to",
            "file:o.ndjson",
        ])
        .spawn()
        .unwrap();
    let id = child.id();
    until("it writes", || partial_bytes(&sandbox) > 0);
    signal(id, rustix::process::Signal::KILL);
    wait(child);
    let refused = sandbox.expect(
        2,
        &[
            "run",
            "transaction",
            "--seed",
            "2",
            "--load",
            "50/s",
            "--run",
            "r",
            "--to",
            "file:o.ndjson",
            "--resume",
        ],
    );
    let said = crate::common::stderr(&refused);
    assert!(
        said.contains("seed") && said.contains('1') && said.contains('2'),
        "{said}"
    );
}

#[test]
fn two_processes_on_one_run_are_told_of_each_other() {
    let sandbox = Sandbox::new();
    let arguments = [
        "run",
        "transaction",
        "--seed",
        "1",
        "--load",
        "50/s",
        "--run",
        "r",
        "--to",
        "file:o.ndjson",
    ];
    let child = sandbox.command(&arguments).spawn().unwrap();
    let id = child.id();
    until("it writes", || partial_bytes(&sandbox) > 0);
    let mut again: Vec<&str> = arguments.to_vec();
    again.push("--resume");
    let refused = sandbox.expect(2, &again);
    let said = crate::common::stderr(&refused);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let holder = format!("process {id} on {} since 20", host.trim());
    assert!(said.contains(&holder), "{said}");
    signal(id, rustix::process::Signal::TERM);
    assert_eq!(
        wait(child).status.code(),
        Some(0),
        "a run without an end is done when it is stopped"
    );
}
