//! WASI: a guest that puts clock and randomness into its records makes the same ones however it is
//! asked, waiting takes no time, and what floods, hoards or reaches out ends itself alone.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wellhead::plugin::{PluginError, Stream};

use super::{Clock, START, assert_says, configure, load, records};
use crate::common::{Sandbox, fixture_path, json as read, stderr};

const GUESTS: [&str; 2] = ["wasi-guest", "wasi-walker"];

fn open(name: &str, mode: &str) -> Stream {
    let mut stream = configure(name, json!({ "mode": mode }))
        .unwrap()
        .open(42, 1, 3, None);
    stream.set_clock(START);
    stream.set_history(Box::new(Clock));
    stream
}

fn parsed(record: &[u8]) -> Value {
    serde_json::from_slice(record).unwrap()
}

#[test]
fn how_it_is_asked_does_not_show() {
    for name in GUESTS {
        let whole = records(&mut open(name, "honest"), 500, 500).unwrap();
        for (size, every) in [
            (1, None),
            (7, None),
            (100, Some(1)),
            (1, Some(40)),
            (7, Some(1)),
        ] {
            let mut stream = open(name, "honest");
            stream.force_replacement_every(every);
            assert!(
                records(&mut stream, 500, size).unwrap() == whole,
                "{name} {size} {every:?}"
            );
            assert_eq!(stream.replacements() > 0, every.is_some());
        }
        // Waiting moves a clock, and not the one that a record may show.
        assert!(
            records(&mut open(name, "wait"), 500, 7).unwrap() == whole,
            "{name} waits"
        );
    }
    let whole = records(&mut open("wasi-guest", "honest"), 50, 50).unwrap();
    let mut backwards = open("wasi-guest", "honest");
    for n in (0..50).rev() {
        let made = backwards.generate(n, &super::times(n, 1)).unwrap();
        assert_eq!(made.record(0), whole[n as usize]);
    }
}

#[test]
fn a_resume_goes_on_with_the_same_clock_and_randomness() {
    let whole = records(&mut open("wasi-walker", "honest"), 200, 200).unwrap();
    let mut first = open("wasi-walker", "honest");
    records(&mut first, 120, 50).unwrap();
    let state = first.save().unwrap().unwrap();
    let configured = configure("wasi-walker", json!({})).unwrap();
    let mut resumed = configured.open(42, 1, 3, Some((120, state)));
    resumed.set_clock(START);
    let made = resumed.generate(120, &super::times(120, 80)).unwrap();
    assert!((0..80).all(|k| made.record(k) == whole[120 + k]));
}

/// What a record says of clock and randomness. These bytes are for good: runs are made again from them.
#[test]
fn clock_and_randomness_are_what_they_are() {
    let made = records(&mut open("wasi-guest", "honest"), 2, 2).unwrap();
    let (first, second) = (parsed(&made[0]), parsed(&made[1]));
    assert_eq!(first["clock"], "1700000000.000000000");
    for (field, value) in [
        ("opened", "c880ebdce0d9fb5250897b-7c6e4a428ccd4abc"),
        ("drawn", "730badcb2c3295df74629613ee3e639f"),
        ("word", "13774932746220213990"),
        ("seed", "81f7b4518d701756-85d1d6cd19f9c434"),
    ] {
        assert_eq!(first[field], value, "{field}");
        assert_eq!(second[field], value, "{field}");
    }
    let other = |seed, stream| {
        let mut other = configure("wasi-guest", json!({}))
            .unwrap()
            .open(seed, stream, 3, None);
        parsed(&records(&mut other, 1, 1).unwrap()[0])
    };
    for (seed, stream) in [(42, 2), (43, 1)] {
        let found = other(seed, stream);
        for field in ["opened", "drawn", "seed"] {
            assert_ne!(found[field], first[field], "{field} of {seed} {stream}");
        }
        // Not set, it stands at the epoch.
        assert_eq!(found["clock"], "0.000000000");
    }
}

#[test]
fn waiting_takes_no_time() {
    let begun = Instant::now();
    let made = records(&mut open("wasi-guest", "wait"), 1000, 100).unwrap();
    assert_eq!(made.len(), 1000);
    assert!(begun.elapsed() < Duration::from_secs(20), "it waited");
}

#[test]
fn nothing_is_behind_what_is_closed() {
    let honest = records(&mut open("wasi-guest", "honest"), 100, 20).unwrap();
    let made = records(&mut open("wasi-guest", "empty"), 100, 20).unwrap();
    assert!(made == honest);
}

#[test]
fn output_goes_to_the_log() {
    let PluginError::Trap(trap) = records(&mut open("wasi-guest", "talk"), 100, 20).unwrap_err()
    else {
        panic!("no trap");
    };
    let log = trap.log.join("\n");
    for line in [
        "half a line, the other half 30",
        "\u{fffd}[31mto the errors",
        "without an end",
    ] {
        assert!(log.contains(line), "no {line:?} in {log}");
    }
    // In the log of the program, by level and with the generator's name.
    let sandbox = Sandbox::new();
    let guest = fixture_path("wasi-guest");
    let run = [
        "run",
        guest.to_str().unwrap(),
        "--records",
        "20",
        "--load",
        "max",
        "--to",
        "null",
    ];
    let output = sandbox.expect(
        0,
        &[&run[..], &["--verbose", "--config", "mode=talk"]].concat(),
    );
    let said = stderr(&output);
    for part in [
        "half a line, the other half 3",
        "to the errors",
        "the same at every draw",
    ] {
        assert!(said.contains(part), "{part} is missing: {said}");
    }
}

#[test]
fn floods_and_hoards_are_bounded() {
    let honest = records(&mut open("wasi-guest", "honest"), 60, 10).unwrap();
    for (mode, cause) in [
        (
            "write-much",
            "wrote 65537 bytes at once, and `check-write` allows 65536",
        ),
        (
            "draw-much",
            "asked for 4294967296 random bytes at once, and the limit is 1048576",
        ),
        ("hold", "more than 4096 handles of WASI"),
        ("hold-networks", "more than 4096 handles of WASI"),
        ("poll-nothing", "waits for nothing"),
        ("exit", "called `exit` with status 0"),
    ] {
        let mut stream = open("wasi-guest", mode);
        let parts = ["generator wasi-guest", "`generate`", "stream 1", cause];
        assert_says(mode, records(&mut stream, 60, 10), &parts);
        assert_eq!(stream.memory(), 0, "{mode}: the instance is still there");
        assert!(records(&mut open("wasi-guest", "honest"), 60, 10).unwrap() == honest);
    }
    // 67 million lines for each record cost the time of a call, and no memory.
    let flooded = records(&mut open("wasi-guest", "flood"), 60, 10);
    let parts = ["generator wasi-guest", "CPU time, which is the limit"];
    assert_says("flood", flooded, &parts);
}

#[test]
fn what_it_gets_is_shown() {
    let said = load("wasi-guest").unwrap().inspect().unwrap();
    let gets = |name: &str| {
        let one = said.imports.iter().find(|one| one.interface == name);
        one.unwrap_or_else(|| panic!("no {name} in {:?}", said.imports))
            .gets
    };
    for (name, part) in [
        ("wasi:clocks/wall-clock@0.2.3", "stands at the event time"),
        ("wasi:clocks/monotonic-clock@0.2.3", "moves by waiting"),
        ("wasi:random/random@0.2.3", "from seed and stream"),
        ("wasi:cli/stdout@0.2.3", "lines of the log"),
        ("wasi:filesystem/preopens@0.2.3", "no files"),
        ("wasi:sockets/tcp-create-socket@0.2.9", "no network"),
        ("wellhead:generator/log@1.0.0", "lines of the log"),
    ] {
        assert!(gets(name).contains(part), "{name}: {}", gets(name));
    }
    let sandbox = Sandbox::new();
    let guest = fixture_path("wasi-guest");
    let inspect = ["plugin", "inspect", guest.to_str().unwrap()];
    let shown = String::from_utf8(sandbox.expect(0, &inspect).stdout).unwrap();
    assert!(
        shown.contains("wasi:sockets/tcp-create-socket@0.2.9"),
        "{shown}"
    );
    assert!(shown.contains("closed: every call is denied"), "{shown}");
}

/// The program holds what the runtime does: batches, workers and replaced instances, and `plugin test`.
#[test]
fn a_run_leaves_no_trace_of_how_it_was_made() {
    for name in GUESTS {
        let guest = fixture_path(name);
        let guest = guest.to_str().unwrap();
        let hashes = |more: &[&str]| {
            let sandbox = Sandbox::new();
            let run = [
                "run",
                guest,
                "--seed",
                "7",
                "--streams",
                "3",
                "--start",
                "2024-01-01T00:00:00Z",
                "--records",
                "20001",
                "--load",
                "max",
                "--to",
                "null",
                "--manifest",
                "m.json",
            ];
            sandbox.expect(0, &[&run[..], more].concat());
            read(&sandbox.path("m.json"))["streams"].clone()
        };
        let whole = hashes(&["--workers", "1"]);
        for more in [
            ["--workers", "2"],
            ["--batch", "1"],
            ["--batch", "777"],
            ["--recycle", "3"],
        ] {
            assert_eq!(hashes(&more), whole, "{name}, {more:?}");
        }
        let sandbox = Sandbox::new();
        sandbox.expect(
            0,
            &[
                "plugin",
                "test",
                guest,
                "--records",
                "3000",
                "--config",
                "mode=honest",
            ],
        );
        let preview = [
            "preview",
            guest,
            "-n",
            "1",
            "--start",
            "2024-01-01T00:00:00Z",
            "--seed",
            "7",
        ];
        let shown = sandbox.expect(0, &preview).stdout;
        assert_eq!(parsed(&shown)["clock"], "1704067200.000000000");
    }
}
