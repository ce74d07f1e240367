//! What emulations leave of the workers to each other.

use super::client::Served;
use crate::common::{Sandbox, until};

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
    until("it is far ahead", || served.generated(&first) > 4_000_000);
    let second = begin(&served, "max", "");
    until("the other one works", || served.generated(&second) > 0);
    let before = served.generated(&first);
    until("it went on", || served.generated(&second) > 1_000_000);
    let (went_on, other) = (served.generated(&first) - before, served.generated(&second));
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
    until("it is behind", || served.generated(&behind) > 1_000_000);
    let punctual = begin(&served, "200/s", ", until: {records: 400}");
    served.until_state(&punctual, "finished");
    let status = served.status(&punctual);
    let p50 = status["lateness_us"]["release"]["p50"].as_u64().unwrap();
    assert!(p50 < 100_000, "{status:#}");
    served.until_state(&behind, "running");
}
