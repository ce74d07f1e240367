use super::*;
use crate::emulation::Engine;
use crate::spec::{Format, parse};

/// Else others' records, which are due later, might be released before what is held back here.
#[test]
fn the_call_that_reaches_the_bound_ends_the_stream() {
    let spec = "
generator: device-log
streams: 3
load: 1000/s
until: {records: 700}
faults: {late: {share: 0.5, by: 1s..2s}}
";
    let document = parse(spec, Format::Yaml, "test").unwrap();
    let engine = Engine::new(None, "plugins".into(), Default::default()).unwrap();
    let plans = engine.plans(&document, "test", 7, Default::default());
    let plan = plans.unwrap().remove(0);
    let schedule = Arc::new(plan.first_schedule(0));
    let limits = Limits::of(plan.streams, Some(100));
    let mut producer = plan.producer(&schedule, 1, 0).unwrap();
    let mut given = 0;
    loop {
        let before = producer.chain.records();
        let ended = producer.step(u64::MAX, &limits).unwrap();
        assert!(producer.chain.records() > before, "a call for nothing");
        given += producer
            .take(ended.is_some())
            .iter()
            .map(Batch::len)
            .sum::<usize>();
        let Some(ended) = ended else {
            assert_ne!(producer.known(0), u64::MAX);
            continue;
        };
        assert_eq!(ended, Ended::Until);
        break;
    }
    assert_eq!((producer.chain.records(), given), (233, 233));
}
