//! What event time records carry: backfills that go live, gaps, leap days, offsets.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::common::{Sandbox, signal, stderr, until, wait};

/// An instant so many milliseconds from now, RFC 3339.
fn from_now(millis: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let at = i64::try_from(now.as_millis()).unwrap() + millis;
    jiff::Timestamp::from_millisecond(at).unwrap().to_string()
}

fn instant(text: &str) -> i128 {
    text.parse::<jiff::Timestamp>().unwrap().as_nanosecond()
}

/// Event times of a file of device-log's, in its order.
fn told(sandbox: &Sandbox, file: &str) -> Vec<i128> {
    let text = std::fs::read_to_string(sandbox.path(file)).unwrap();
    let record = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    text.lines()
        .map(|line| instant(record(line)["ts"].as_str().unwrap()))
        .collect()
}

fn lines(sandbox: &Sandbox, end: &str) -> usize {
    let folder = std::fs::read_dir(sandbox.path("")).unwrap();
    let files = folder.map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.to_string_lossy().contains(end))
        .filter_map(|path| std::fs::read(path).ok())
        .map(|bytes| bytes.iter().filter(|byte| **byte == b'\n').count())
        .sum()
}

#[test]
fn a_backfill_goes_over_to_real_time_without_a_seam() {
    let sandbox = Sandbox::new();
    let (start, end) = (from_now(-20_000), from_now(1_500));
    let spec = format!(
        "{{generator: device-log, seed: 7, streams: 3, load: 500/s, until: {{event_time: {end}}},\n\
         clock: {{start: {start}, speed: max}}, sinks: [{{type: file, path: o.ndjson}}]}}"
    );
    sandbox.write("s.yaml", &spec);
    let begun = instant(&from_now(0));
    sandbox.expect(
        0,
        &[
            "run",
            "s.yaml",
            "--report",
            "r.json",
            "--manifest",
            "m.json",
        ],
    );
    let over = instant(&from_now(0));
    let (report, manifest) = (sandbox.json("r.json"), sandbox.json("m.json"));
    let seam = instant(report["live_from"].as_str().unwrap());
    assert!((begun..over).contains(&seam), "{report}");
    assert!(over >= instant(&end), "it ran ahead of the wall");
    assert_eq!(manifest["timings"]["live_from"], report["live_from"]);
    let times = told(&sandbox, "o.ndjson");
    // The clock may have gone on between the two ends of it.
    let due = (instant(&end) - instant(&start) + 1_999_999) / 2_000_000;
    assert_eq!(times.len() as i128, due);
    let steps = times.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(
        steps.clone().all(|step| step == 2_000_000),
        "a gap or an overlap"
    );
    // Only what came with the wall was due, and it wasn't late by the age of the backfill.
    let late = &report["lateness_us"]["release"];
    assert!(late["max"].as_u64().unwrap() < 1_000_000, "{late}");

    // The bytes know nothing of the seam.
    let fast = spec
        .replace("speed: max", "speed: 1000")
        .replace("o.ndjson", "f.ndjson");
    sandbox.write("f.yaml", &fast);
    sandbox.expect(0, &["run", "f.yaml", "--manifest", "f.json"]);
    assert_eq!(manifest["streams"], sandbox.json("f.json")["streams"]);
    let read = |name: &str| std::fs::read(sandbox.path(name)).unwrap();
    assert!(read("o.ndjson") == read("f.ndjson"));
}

#[test]
fn a_backfill_that_was_killed_when_live_catches_up_again() {
    let sandbox = Sandbox::new();
    let spec = format!(
        "{{generator: device-log, name: b, seed: 7, load: 500/s, until: {{records: 6500}},\n\
         clock: {{start: {}, speed: max}}, sinks: [{{type: file, path: o.ndjson}}]}}",
        from_now(-10_000)
    );
    sandbox.write("s.yaml", &spec);
    let child = sandbox.command(&["run", "s.yaml"]).spawn().unwrap();
    let id = child.id();
    // 5,000 lie in the past, and a checkpoint comes each second.
    until("it is live", || lines(&sandbox, "partial") > 5_300);
    signal(id, rustix::process::Signal::KILL);
    assert!(!wait(child).status.success());
    sandbox.expect(0, &["run", "s.yaml", "--resume", "--report", "r.json"]);
    let times = told(&sandbox, "o.ndjson");
    assert_eq!(times.len(), 6500);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 2_000_000));
}

#[test]
fn a_backfill_that_begins_in_the_future_is_refused() {
    let sandbox = Sandbox::new();
    let start = from_now(3_600_000);
    let refused = sandbox.expect(
        2,
        &[
            "run",
            "device-log",
            "--start",
            &start,
            "--speed",
            "max",
            "--to",
            "null",
        ],
    );
    let said = stderr(&refused);
    assert!(
        said.contains("lies in the future") && said.contains("load: max"),
        "{said}"
    );
}

/// Event time moves on by the gap, as fast as the clock goes.
#[test]
fn a_clock_that_shifts_makes_up_for_a_crash_at_any_speed() {
    const SPEED: i128 = 20;
    let sandbox = Sandbox::new();
    let arguments = [
        "run",
        "device-log",
        "--seed",
        "7",
        "--load",
        "10/s",
        "--speed",
        "20",
        "--for",
        "60s",
        "--run",
        "r",
        "--to",
        "file:o.ndjson",
    ];
    let child = sandbox.command(&arguments).spawn().unwrap();
    let id = child.id();
    until("it writes", || lines(&sandbox, "partial") > 150);
    signal(id, rustix::process::Signal::KILL);
    wait(child);
    let killed = Instant::now();
    let before = lines(&sandbox, "partial");
    // What was promised lasts for a second at most; the gap is what goes beyond.
    std::thread::sleep(Duration::from_millis(1_600));
    let mut again = arguments.to_vec();
    again.push("--resume");
    let child = sandbox.command(&again).spawn().unwrap();
    until("it goes on", || lines(&sandbox, "o.ndjson") > before + 50);
    let gap = i128::try_from(killed.elapsed().as_nanos()).unwrap();
    assert!(wait(child).status.success());
    let times = told(&sandbox, "o.ndjson");
    assert_eq!(times.len(), 600);
    let steps: Vec<i128> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let jumps: Vec<i128> = steps
        .into_iter()
        .filter(|step| *step != 100_000_000)
        .collect();
    assert_eq!(jumps.len(), 1, "{jumps:?}");
    let longest = SPEED * (gap + 500_000_000);
    assert!(
        (SPEED * 500_000_000..longest).contains(&jumps[0]),
        "{jumps:?}, {gap}"
    );
}

#[test]
fn calendars_are_kept_to() {
    let sandbox = Sandbox::new();
    for (start, days) in [
        (
            "2024-02-28T23:59:59.5Z",
            ["2024-02-28T23:59:59.5", "2024-02-29T00:00:00.0"],
        ),
        (
            "2024-02-29T23:59:59.5Z",
            ["2024-02-29T23:59:59.5", "2024-03-01T00:00:00.0"],
        ),
        (
            "2023-02-28T23:59:59.5Z",
            ["2023-02-28T23:59:59.5", "2023-03-01T00:00:00.0"],
        ),
        (
            "2100-02-28T23:59:59.5Z",
            ["2100-02-28T23:59:59.5", "2100-03-01T00:00:00.0"],
        ),
        (
            "2023-12-31T23:59:59.5Z",
            ["2023-12-31T23:59:59.5", "2024-01-01T00:00:00.0"],
        ),
        (
            "2024-03-01T05:29:59.5+05:30",
            ["2024-02-29T23:59:59.5", "2024-03-01T00:00:00.0"],
        ),
    ] {
        let output = sandbox.expect(
            0,
            &[
                "preview",
                "device-log",
                "-n",
                "2",
                "--load",
                "2/s",
                "--start",
                start,
            ],
        );
        let text = String::from_utf8(output.stdout).unwrap();
        for (line, day) in text.lines().zip(days) {
            assert!(line.contains(&format!("\"ts\":\"{day}")), "{start}: {line}");
        }
        assert_eq!(text.lines().count(), 2);
    }
    for wrong in [
        "2023-02-29T00:00:00Z",
        "2024-01-01T00:00:00[Europe/Berlin]",
        "2024-01-01T00:00:00",
    ] {
        let refused = sandbox.run(&["preview", "device-log", "-n", "1", "--start", wrong]);
        assert_eq!(refused.status.code(), Some(2), "{wrong}");
    }
}
