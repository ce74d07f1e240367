//! Streams whose instance is replaced, saved, or taken through its records again.

use std::sync::Arc;

use serde_json::{Map, json};
use wellhead::plugin::{Assets, Stream, Validate};

use super::{Clock, RUNTIME, assert_says, configure, load, open, records, times};

#[test]
fn a_replaced_instance_does_not_show() {
    // By random access; by save and open; by going through the records again, without a state and
    // with one that is refused.
    for (name, mode) in [
        ("villain", "honest"),
        ("walker", "honest"),
        ("walker", "no-save"),
        ("walker", "refuse-state"),
    ] {
        let config = json!({ "mode": mode });
        let whole = records(&mut open(name, config.clone()), 500, 500).unwrap();
        for (size, every) in [(1, 40), (7, 1), (100, 2)] {
            let mut stream = open(name, config.clone());
            stream.set_history(Box::new(Clock));
            stream.force_replacement_every(Some(every));
            assert!(
                records(&mut stream, 500, size).unwrap() == whole,
                "{name} {mode} {size}"
            );
            assert!(stream.replacements() > 1, "{name} {mode} {size}");
        }
    }
}

#[test]
fn a_generator_that_leaks_goes_on() {
    let config = json!({"mode": "leak", "size": 100_000});
    let honest = records(&mut open("walker", json!({})), 4000, 50).unwrap();
    let mut stream = open("walker", config.clone());
    assert!(
        records(&mut stream, 4000, 50).unwrap() == honest,
        "the output differs"
    );
    assert!(stream.replacements() >= 3, "{}", stream.replacements());
    assert!(stream.memory() < RUNTIME.limits().memory_bytes);
}

#[test]
fn a_stream_goes_on_from_a_saved_state() {
    let whole = records(&mut open("walker", json!({})), 200, 200).unwrap();
    let after = |stream: &mut Stream| {
        let made = stream.generate(120, &times(120, 80)).unwrap();
        (0..80).all(|k| made.record(k) == whole[120 + k])
    };
    let mut first = open("walker", json!({}));
    records(&mut first, 120, 50).unwrap();
    let state = first.save().unwrap().unwrap();
    let configured = configure("walker", json!({})).unwrap();
    assert!(after(&mut configured.open(42, 1, 3, Some((120, state)))));
    // Without a state it goes through the records before, where their times are known.
    let mut later = configured.open(42, 1, 3, None);
    later.set_history(Box::new(Clock));
    assert!(after(&mut later));
    let result = configured
        .open(42, 1, 3, None)
        .generate(120, &times(120, 1));
    assert_says(
        "no history",
        result,
        &["walker", "reaches record 120", "start from record 0"],
    );
    assert_eq!(open("villain", json!({})).save().unwrap(), None);

    for (mode, part) in [
        ("huge-state", "the limit of a state is"),
        ("save-trap", "panics in save"),
    ] {
        let mut stream = open("walker", json!({ "mode": mode }));
        records(&mut stream, 10, 10).unwrap();
        assert_says(mode, stream.save(), &["walker", part]);
    }
}

#[test]
fn assets_are_read_and_count() {
    let mut assets = Assets::default();
    assets.insert("data", vec![5; (3 << 20) + 1]);
    let config = Map::from_iter([("mode".to_owned(), json!("assets"))]);
    let generator = load("villain").unwrap();
    let configured = generator
        .configure(config.clone(), Arc::new(assets), Validate::All)
        .unwrap();
    let made = records(&mut configured.open(1, 0, 1, None), 1, 1).unwrap();
    assert!(String::from_utf8_lossy(&made[0]).contains("\"bytes\":3145729"));
    let without = generator
        .configure(config, Arc::default(), Validate::All)
        .unwrap();
    assert_says(
        "assets",
        without.open(1, 0, 1, None).start(),
        &["no asset named `data`"],
    );
}
