//! SIGINT and SIGTERM stop the schedule, drain and say so; a second one stops at once.

use rustix::process::Signal;

use crate::common::{Sandbox, signal, stderr, until, wait};

fn lines(sandbox: &Sandbox, name: &str) -> usize {
    std::fs::read(sandbox.path(name))
        .map_or(0, |bytes| bytes.iter().filter(|b| **b == b'\n').count())
}

fn stopped_by(sent: Signal, until_records: bool) -> (i32, serde_json::Value, Sandbox) {
    let sandbox = Sandbox::new();
    let mut arguments = vec![
        "run",
        "device-log",
        "--seed",
        "3",
        "--load",
        "200/s",
        "--to",
        "file:o.ndjson",
        "--to",
        "null",
        "--report",
        "r.json",
        "--run",
        "r",
    ];
    if until_records {
        arguments.extend(["--records", "1000000"]);
    }
    let child = sandbox.command(&arguments).spawn().unwrap();
    let id = child.id();
    until("it writes", || {
        std::fs::read_dir(sandbox.path("")).unwrap().any(|entry| {
            let entry = entry.unwrap();
            entry.file_name().to_string_lossy().contains("partial")
                && entry.metadata().is_ok_and(|m| m.len() > 1_000)
        })
    });
    signal(id, sent);
    let output = wait(child);
    let report = sandbox.json("r.json");
    (
        output
            .status
            .code()
            .unwrap_or_else(|| panic!("{}", stderr(&output))),
        report,
        sandbox,
    )
}

#[test]
fn a_run_without_an_end_is_drained_and_done() {
    for sent in [Signal::INT, Signal::TERM] {
        let (status, report, sandbox) = stopped_by(sent, false);
        assert_eq!(status, 0, "{report}");
        assert_eq!(report["outcome"], "finished");
        let written = lines(&sandbox, "o.ndjson");
        assert!(written > 0);
        for sink in report["sinks"].as_array().unwrap() {
            assert_eq!(sink["acknowledged"], written, "{report}");
        }
    }
}

#[test]
fn a_run_stopped_before_its_end_says_by_what() {
    for (sent, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (got, report, sandbox) = stopped_by(sent, true);
        assert_eq!(got, status, "{report}");
        assert_eq!(report["outcome"], "stopped");
        assert!(
            !sandbox.path("o.ndjson").exists(),
            "an unfinished file has its final name"
        );
    }
}
