//! The same record however it is come by, and its outer form.

mod common;

use common::{SECOND, generate, settings, times};
use machine_signal::{GENERATOR, MachineSignal};
use wellhead_sdk::Stream;

const CONFIG: &str = r#"{"machines": 7, "error_rate": 30}"#;

#[test]
fn batches_of_any_size_give_the_same() {
    common::batches_leave_no_trace::<MachineSignal>(CONFIG);
}

#[test]
fn records_are_the_same_in_any_order() {
    common::order_leaves_no_trace::<MachineSignal>(CONFIG);
}

#[test]
fn the_seed_and_the_stream_matter() {
    common::seed_and_stream_matter::<MachineSignal>(CONFIG);
}

#[test]
fn records_have_the_fields_of_their_schema_in_its_order() {
    common::fields_follow_the_schema::<MachineSignal>(&GENERATOR, CONFIG);
}

#[test]
fn extremes_of_time_and_size_are_fine() {
    for config in [
        r#"{"machines": 1, "period": 0.001, "error_rate": 0}"#,
        r#"{"machines": 100000, "period": 3600, "error_rate": 60, "rated_power": 10000}"#,
    ] {
        common::extremes_are_fine::<MachineSignal>(config);
    }
}

#[test]
fn streams_share_out_the_machines() {
    let times = times(700, SECOND);
    for stream in 0..3 {
        let settings = settings(CONFIG, stream, 3);
        let records = generate(
            &mut Stream::<MachineSignal>::open(&settings, None).unwrap(),
            0,
            &times,
        );
        for (i, record) in records.iter().enumerate() {
            let own = (7 + 2 - stream) / 3;
            let expected = stream + (i as u32 % own) * 3;
            assert_eq!(record.key, format!("machine-{expected:08}"));
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    common::refuses::<MachineSignal>(&[
        (r#"{"machines": 2}"#, 3, "3 streams"),
        (r#"{"machines": 0}"#, 1, "`machines`"),
        (r#"{"period": 0}"#, 1, "`period`"),
        (r#"{"error_rate": -1}"#, 1, "`error_rate`"),
        (r#"{"rated_power": 0}"#, 1, "`rated_power`"),
        (r#"{"machine": 1}"#, 1, "machine"),
    ]);
}
