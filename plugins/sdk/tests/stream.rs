//! What the contract says of `generate`, on a small generator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wellhead_sdk::log::Level;
use wellhead_sdk::{
    Batch, Channel, Error, Generator, Key, Operation, Out, Settings, Stream, Tick, assets, log,
    native, record,
};

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Fails at this record.
    fails_at: u64,
    /// Has no record from here on.
    ends_at: u64,
    /// Bytes of filling in each record.
    filling: usize,
}
impl Default for Config {
    fn default() -> Self {
        Config {
            fails_at: u64::MAX,
            ends_at: u64::MAX,
            filling: 0,
        }
    }
}

/// Every third record is empty, every fourth is on channel 1, every fifth is a delete.
struct Sample<const RANDOM: bool>(Config, Key);

impl<const RANDOM: bool> Generator for Sample<RANDOM> {
    const NAME: &'static str = "sample";
    const VERSION: &'static str = "1.2.3";
    const SUMMARY: &'static str = "A sample.";
    const RANDOM_ACCESS: bool = RANDOM;
    const LABELS: &'static [(&'static str, &'static str)] = &[("a", "b")];
    type Config = Config;

    fn channels(_: &Config) -> Result<Vec<Channel>, Error> {
        Ok(vec![
            Channel::with_schema("one", "{}"),
            Channel::of::<Config>("two"),
        ])
    }

    fn open(config: Config, settings: &Settings, _: Option<&[u8]>) -> Result<Self, Error> {
        Ok(Sample(config, settings.key("sample")))
    }

    #[inline(always)]
    fn record(&mut self, tick: Tick, out: &mut Out<'_>) -> Result<(), Error> {
        if tick.index >= self.0.ends_at {
            out.end_stream();
            return Ok(());
        }
        if tick.index % 3 == 2 {
            return Ok(());
        }
        record!(out, { "i": tick.index, "t": tick.time, "r": self.1.hash(tick.index) });
        out.bytes(&vec![b' '; self.0.filling]);
        out.key(tick.index);
        if tick.index % 4 == 3 {
            out.channel(1);
        }
        if tick.index % 5 == 4 {
            out.operation(Operation::Delete);
        }
        if tick.index == self.0.fails_at {
            return Err(Error::failed("enough"));
        }
        Ok(())
    }
}

fn times(first: u64, n: usize) -> Vec<u64> {
    (first..first + n as u64).map(|i| i * 1_000).collect()
}

fn open<const RANDOM: bool>(config: &str) -> Stream<Sample<RANDOM>> {
    let settings = Settings {
        config: config.to_owned(),
        ..Settings::default()
    };
    Stream::open(&settings, None).unwrap()
}

/// What a host sees: asks until it has `n` records, `size` at a time.
fn gathered(
    stream: &mut Stream<Sample<true>>,
    n: usize,
    size: usize,
) -> Vec<(Vec<u8>, Vec<u8>, u8, u8)> {
    let mut rows = Vec::new();
    while rows.len() < n {
        let first = rows.len() as u64;
        let batch = stream
            .generate(first, &times(first, size.min(n - rows.len())))
            .unwrap();
        assert!(!batch.is_empty());
        check_shape(&batch);
        let or_0 = |column: &[u8], i: usize| column.get(i).copied().unwrap_or(0);
        let mut keys = batch.record_keys();
        for (i, record) in batch.records().enumerate() {
            let key = keys.next().unwrap_or_default();
            rows.push((
                record.to_vec(),
                key.to_vec(),
                or_0(&batch.channels, i),
                or_0(&batch.operations, i),
            ));
        }
    }
    rows
}

fn check_shape(batch: &Batch) {
    let n = batch.len();
    assert!(batch.ends.is_sorted() && batch.key_ends.is_sorted());
    assert_eq!(
        batch.ends.last().map_or(0, |&e| e as usize),
        batch.payload.len()
    );
    assert_eq!(
        batch.key_ends.last().map_or(0, |&e| e as usize),
        batch.keys.len()
    );
    for column in [
        batch.key_ends.len(),
        batch.channels.len(),
        batch.operations.len(),
    ] {
        assert!(column == 0 || column == n);
    }
}

#[test]
fn batch_size_does_not_show() {
    let n = if cfg!(miri) { 60 } else { 1_000 };
    let whole = gathered(&mut open("{}"), n, n);
    for size in [1, 2, 7, 64] {
        assert_eq!(gathered(&mut open("{}"), n, size), whole);
    }
    assert!(whole[2].0.is_empty() && whole[2].1.is_empty());
    assert_eq!((whole[3].2, whole[4].3), (1, 2));
    assert_eq!(whole[3].1, b"3");
}

#[test]
fn columns_that_say_nothing_are_empty() {
    let batch = open::<true>("{}").generate(2, &times(2, 1)).unwrap();
    assert_eq!(batch.len(), 1);
    assert!(batch.payload.is_empty() && batch.key_ends.is_empty());
    assert!(batch.channels.is_empty() && batch.operations.is_empty());
}

#[test]
fn a_failure_comes_after_what_went_before_it() {
    let mut stream = open::<true>(r#"{"fails_at": 6}"#);
    let batch = stream.generate(0, &times(0, 10)).unwrap();
    assert_eq!(batch.len(), 6);
    check_shape(&batch);
    assert!(!String::from_utf8_lossy(&batch.payload).contains("\"i\":6"));
    for _ in 0..2 {
        assert_eq!(
            stream.generate(6, &times(6, 4)),
            Err(Error::failed("enough"))
        );
    }
    assert_eq!(
        open::<true>(r#"{"fails_at": 6}"#).generate(6, &times(6, 1)),
        Err(Error::failed("enough"))
    );
}

#[test]
fn the_end_of_a_stream() {
    let mut stream = open::<true>(r#"{"ends_at": 4}"#);
    assert_eq!(stream.generate(0, &times(0, 10)).unwrap().len(), 4);
    assert!(stream.generate(4, &times(4, 10)).unwrap().is_empty());
}

#[test]
fn a_full_batch_ends_early_and_loses_nothing() {
    let config = r#"{"filling": 100000}"#;
    let batch = open::<true>(config).generate(0, &times(0, 50)).unwrap();
    assert!(batch.len() < 50 && batch.payload.len() < 3 << 20);
    let rows = gathered(&mut open(config), 50, 50);
    assert_eq!(rows, gathered(&mut open(config), 50, 3));
}

#[test]
fn order_is_kept_where_it_matters() {
    let mut stream = open::<false>("{}");
    stream.generate(0, &times(0, 3)).unwrap();
    let refused = stream.generate(5, &times(5, 1)).unwrap_err().to_string();
    assert!(
        refused.contains("record 5") && refused.contains("at 3"),
        "{refused}"
    );
    stream.generate(3, &times(3, 1)).unwrap();
    open::<true>("{}").generate(5, &times(5, 1)).unwrap();
}

#[test]
fn description_has_the_defaults() {
    let said = wellhead_sdk::describe::<Sample<true>>();
    let schema: serde_json::Value = serde_json::from_str(&said.config_schema).unwrap();
    assert_eq!(schema["properties"]["filling"]["default"], 0);
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!((said.version.as_str(), said.random_access), ("1.2.3", true));
    let channels = native::channels::<Sample<true>>("{}").unwrap();
    assert_eq!((channels.len(), channels[0].schema.as_str()), (2, "{}"));
}

#[test]
fn a_wrong_configuration_says_what_and_where() {
    let refused = native::channels::<Sample<true>>("{\n\"fillings\": 1}")
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("fillings") && refused.contains("line 2"),
        "{refused}"
    );
}

#[test]
fn log_and_assets() {
    log::warn("look");
    assert_eq!(native::take_log(), [(Level::Warn, "look".to_owned())]);
    assert_eq!((assets::size("none"), assets::read("none")), (None, None));
    native::set_asset("some", b"bytes".to_vec());
    assert_eq!(
        (assets::size("some"), assets::read("some")),
        (Some(5), Some(b"bytes".to_vec()))
    );
}
