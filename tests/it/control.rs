//! A running emulation that is steered by the library: pause, resume, another load.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use wellhead::emulation::pool::Pool;
use wellhead::emulation::report::Outcome;
use wellhead::emulation::running::Ended;
use wellhead::emulation::{Control, Emulation, Engine, Environment, plan::PlannedSink};
use wellhead::record::{Channel, Group};
use wellhead::schedule::{Profile, Rate};
use wellhead::sink::{Config, ConfigError, Context, Guarantee, Receipt, SendError, Sink};
use wellhead::spec::{Connections, Format, parse};
use wellhead::telemetry::Clock;

const PATIENCE: Duration = Duration::from_secs(60);

/// Index and event time of each record, in the order in which they came.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Vec<(u64, u64)>>>);

impl Seen {
    fn all(&self) -> Vec<(u64, u64)> {
        self.0.lock().unwrap().clone()
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Config for Seen {
    fn target(&self) -> String {
        "seen".to_owned()
    }

    fn check(&self, _: &[Channel], _: bool) -> Result<(), ConfigError> {
        Ok(())
    }

    fn open(&self, context: Context) -> Result<Box<dyn Sink>, SendError> {
        Ok(Box::new(Looker(self.clone(), context)))
    }
}

struct Looker(Seen, Context);

#[async_trait]
impl Sink for Looker {
    fn guarantee(&self) -> Guarantee {
        Guarantee::AtLeastOnce
    }

    async fn write(&mut self, group: &Group) -> Result<(), SendError> {
        let mut seen = self.0.0.lock().unwrap();
        for part in &group.parts {
            let each = part.range.clone();
            seen.extend(each.map(|k| (part.batch.index(k).0, part.batch.times[k])));
            self.1.receipts.settle(part, &[]);
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<Receipt, SendError> {
        Ok(Receipt::at(self.1.receipts.watermark()))
    }
}

/// Runs a spec of one stream while `steer` steers it.
async fn steered<F>(spec: &str, steer: impl FnOnce(Control, Seen) -> F) -> (Vec<(u64, u64)>, Ended)
where
    F: Future<Output = ()>,
{
    let seen = Seen::default();
    let document = parse(spec, Format::Yaml, "test").unwrap();
    let engine = Engine::new(None, "plugins".into(), Connections::default()).unwrap();
    let plans = engine.plans(&document, "test", 7, Default::default());
    let mut plan = plans.unwrap().remove(0);
    plan.sinks
        .push(PlannedSink::new("seen", Arc::new(seen.clone())));
    let pool = Pool::start(1).unwrap();
    let environment = Environment {
        go_on: false,
        clock: Clock::start(),
        hands: pool.hands(),
        state: None,
        traces: None,
        cancel: CancellationToken::new(),
        now: 1_704_067_200_000_000_000,
    };
    let emulation = Emulation::prepare(Arc::new(plan), environment, None).await;
    let running = emulation.unwrap().start().unwrap();
    steer(running.control(), seen.clone()).await;
    let ended = running.wait().await;
    (seen.all(), ended)
}

async fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !ready() {
        assert!(begun.elapsed() < PATIENCE, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn each_once_in_order(seen: &[(u64, u64)], records: u64) {
    let indices: Vec<u64> = seen.iter().map(|(index, _)| *index).collect();
    assert_eq!(indices, (0..records).collect::<Vec<_>>());
    assert!(
        seen.is_sorted_by_key(|(_, time)| *time),
        "event time descends"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_releases_nothing_and_shifts_event_time() {
    let spec = "{generator: transaction, seed: 7, load: 1000/s, until: {records: 1500}}";
    let pause = Duration::from_millis(300);
    let steer = async |control: Control, seen: Seen| {
        until("some are released", || seen.count() >= 300).await;
        control.pause();
        // What the pacer had in hand when it was told still comes.
        let mut before = usize::MAX;
        let mut quiet = Instant::now();
        until("nothing comes any more", || {
            if seen.count() != before {
                (before, quiet) = (seen.count(), Instant::now());
            }
            quiet.elapsed() > pause
        })
        .await;
        assert!(before < 1500, "it ended before the pause took hold");
        control.resume().await.unwrap();
    };
    let (seen, ended) = steered(spec, steer).await;
    each_once_in_order(&seen, 1500);
    assert_eq!(ended.report.records.acknowledged, 1500);
    let steps = seen.windows(2).map(|pair| pair[1].1 - pair[0].1);
    let longest = steps.clone().max().unwrap();
    assert!(
        longest > pause.as_nanos() as u64,
        "event time went on by {longest} ns over the pause"
    );
    let gaps = steps.filter(|step| *step > 100_000_000).count();
    assert_eq!(gaps, 1, "event time has one gap, the pause");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_load_takes_hold_at_once() {
    // At the load that it begins with it would take more than half an hour.
    let spec = "{generator: transaction, seed: 7, load: 10/s, until: {records: 20000}}";
    let fast = Profile::constant(Rate::new(20_000, 1_000_000_000).unwrap()).unwrap();
    let steer = async |control: Control, seen: Seen| {
        until("it has begun", || seen.count() >= 3).await;
        control.set_load(fast).unwrap();
    };
    let begun = Instant::now();
    let (seen, ended) = steered(spec, steer).await;
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    each_once_in_order(&seen, 20_000);
    assert_eq!(ended.report.records.acknowledged, 20_000);
    // The last record is due a second after the change, in event time too.
    let (first, last) = (seen[0].1, seen[seen.len() - 1].1);
    let took = Duration::from_nanos(last - first);
    assert!(
        (Duration::from_millis(900)..Duration::from_secs(30)).contains(&took),
        "{took:?}"
    );
}

/// A sink that stalls keeps the rate down until the rule ends the run; what was due by then is drained.
#[tokio::test(flavor = "multi_thread")]
async fn a_rate_that_does_not_hold_ends_the_run() {
    let spec = "{generator: transaction, seed: 7, load: 40000/s, until: {time: 60s}, \
                expect: {rate: '>= 90%', rejected: 0, abort: 1s}}";
    let steer = async |control: Control, seen: Seen| {
        until("it has begun", || seen.count() >= 3).await;
        // The sink can't take anything meanwhile.
        let stalled = seen.0.lock().unwrap();
        let begun = Instant::now();
        while control.progress().broken.is_none() {
            assert!(begun.elapsed() < PATIENCE, "it goes on with a stalled sink");
            std::thread::park_timeout(Duration::from_millis(2));
        }
        drop(stalled);
    };
    let (seen, ended) = steered(spec, steer).await;
    let report = ended.report;
    assert_eq!(report.outcome, Outcome::Aborted, "{report:?}");
    assert!(report.elapsed_s < 30.0, "{report:?}");
    each_once_in_order(&seen, report.records.generated);
    assert_eq!(report.records.acknowledged, report.records.generated);
    let held: Vec<bool> = report.expect.iter().map(|rule| rule.held).collect();
    assert_eq!(held, [false, true], "{:?}", report.expect);
}

/// A load in beats is no stall between them. (A share that a busy machine keeps to, and that what is
/// released, without the time in between, would be far from.)
#[tokio::test(flavor = "multi_thread")]
async fn a_load_in_beats_keeps_its_rate() {
    let spec = "{generator: transaction, seed: 7, load: {every: {period: 900ms, records: 10}}, \
                until: {records: 25}, expect: {rate: '>= 30%', abort: 400ms}}";
    let (seen, ended) = steered(spec, async |_: Control, _: Seen| {}).await;
    assert_eq!(
        ended.report.outcome,
        Outcome::Finished,
        "{:?}",
        ended.report
    );
    each_once_in_order(&seen, 25);
}
