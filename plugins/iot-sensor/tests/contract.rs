//! The same record however it is come by, and its outer form.

mod common;

use iot_sensor::{GENERATOR, IotSensor};

const CONFIG: &str = r#"{"devices": 7, "outages": 2, "stuck": 2, "gaps": 0.1}"#;

#[test]
fn batches_of_any_size_give_the_same() {
    common::batches_leave_no_trace::<IotSensor>(CONFIG);
}

#[test]
fn records_are_the_same_in_any_order() {
    common::order_leaves_no_trace::<IotSensor>(CONFIG);
}

#[test]
fn the_seed_and_the_stream_matter() {
    common::seed_and_stream_matter::<IotSensor>(CONFIG);
}

#[test]
fn records_have_the_fields_of_their_schema_in_its_order() {
    common::fields_follow_the_schema::<IotSensor>(&GENERATOR, CONFIG);
}

#[test]
fn extremes_of_time_and_size_are_fine() {
    for config in [
        r#"{"devices": 1, "sensors": ["battery"]}"#,
        r#"{"devices": 1000000, "outages": 4, "stuck": 4, "gaps": 0.5}"#,
        r#"{"sensors": [{"name": "x", "mean": 1e9, "amplitude": -1e9, "drift": 1e6, "noise": 4e5}]}"#,
    ] {
        common::extremes_are_fine::<IotSensor>(config);
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    common::refuses::<IotSensor>(&[
        (r#"{"devices": 2}"#, 3, "3 streams"),
        (r#"{"devices": 0}"#, 1, "`devices`"),
        (r#"{"sensors": []}"#, 1, "`sensors`"),
        (
            r#"{"sensors": ["humidity", "humidity"]}"#,
            1,
            "`humidity` twice",
        ),
        (r#"{"sensors": [{"name": "a b", "mean": 1}]}"#, 1, "`a b`"),
        (
            r#"{"sensors": [{"name": "a", "mean": 1, "noise": -1}]}"#,
            1,
            "`noise` of sensor `a`",
        ),
        (
            r#"{"sensors": [{"name": "a", "mean": 1, "min": 2, "max": 1}]}"#,
            1,
            "`min`",
        ),
        (r#"{"gaps": 2}"#, 1, "`gaps`"),
        (r#"{"outages": -1}"#, 1, "`outages`"),
        (r#"{"device": 1}"#, 1, "device"),
    ]);
}
