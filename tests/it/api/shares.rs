//! What emulations leave of the workers to each other.

use serde_json::Value;

use super::client::Served;
use crate::common::{Sandbox, until};

fn generated(served: &Served, id: &str) -> u64 {
    let status: Value = served.get(&format!("/api/v1/emulations/{id}")).json(200);
    // Nothing is said of records before the first.
    status["records"]["generated"].as_u64().unwrap_or(0)
}

fn begin(served: &Served, load: &str, more: &str) -> String {
    served.start_one(&format!(
        "{{generator: device-log, load: {load}, streams: 4, sinks: ['null']{more}}}"
    ))
}

/// One that begins later doesn't take everything until it has caught up.
#[test]
fn who_began_first_goes_on_beside_who_came_later() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let first = begin(&served, "max", "");
    until("it is far ahead", || generated(&served, &first) > 4_000_000);
    let second = begin(&served, "max", "");
    until("the other one works", || generated(&served, &second) > 0);
    let before = generated(&served, &first);
    until("it went on", || generated(&served, &second) > 1_000_000);
    let (went_on, other) = (
        generated(&served, &first) - before,
        generated(&served, &second),
    );
    // Even shares but for noise: without them the first one stands still here.
    assert!(
        went_on > other / 4 && other > went_on / 4,
        "{went_on} beside {other}"
    );
}

/// One that can't keep up with its schedule is later and later, and isn't the most urgent for that.
#[test]
fn who_is_behind_leaves_the_punctual_in_time() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let behind = begin(&served, "200000000/s", "");
    until("it is behind", || generated(&served, &behind) > 1_000_000);
    let punctual = begin(&served, "200/s", ", until: {records: 400}");
    served.until_state(&punctual, "finished");
    let status: Value = served
        .get(&format!("/api/v1/emulations/{punctual}"))
        .json(200);
    let p50 = status["lateness_us"]["release"]["p50"].as_u64().unwrap();
    assert!(p50 < 100_000, "{status:#}");
    served.until_state(&behind, "running");
}
