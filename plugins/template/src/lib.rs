//! `template`: a record described in the spec, with no code. See this folder's README.md for
//! operators and options.
//!
//! The description is compiled once, in `open` ([`compile`]), into a flat list of steps
//! ([`program`]) that is gone through for each record. Every value is drawn from its field's path
//! and the record's index, so any record can be made without those before it, and a field that is
//! added changes no other. What is made of other fields is computed from them first ([`values`]).

mod compile;
mod config;
mod nested;
mod number;
mod options;
mod pattern;
mod people;
mod program;
mod step;
mod unique;
mod values;

use wellhead_sdk::{Channel, Error, Generator, Out, Settings, Tick};

pub use config::Config;
pub use unique::Permutation;

use compile::compile;
use program::{FAILED, FULL, Program, Scratch};

/// The generator.
pub struct Template {
    program: Program,
    scratch: Scratch,
    /// A record's number among those of all streams is its index times `step`, and `first`.
    first: u64,
    step: u64,
}

impl Generator for Template {
    const NAME: &'static str = "template";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "A record described in the configuration, with no code: ranges, \
        distributions, weights, patterns, people, sequences, unique values, nested fields, expressions, state machines.";
    type Config = Config;

    fn channels(config: &Config) -> Result<Vec<Channel>, Error> {
        let compiled = compile(config, &Settings::default())?;
        Ok(vec![Channel::with_schema(
            &config.channel,
            &compiled.schema,
        )])
    }

    fn open(config: Config, settings: &Settings, _: Option<&[u8]>) -> Result<Self, Error> {
        let program = compile(&config, settings)?.program;
        Ok(Template {
            scratch: Scratch::new(&program, settings.stream_count.into()),
            program,
            first: u64::from(settings.stream_index),
            step: u64::from(settings.stream_count),
        })
    }

    #[inline(always)]
    fn record(&mut self, tick: Tick, out: &mut Out<'_>) -> Result<(), Error> {
        let number = tick.index.wrapping_mul(self.step).wrapping_add(self.first);
        let key = loop {
            let mut writer = out.bounded();
            let key = self
                .program
                .run(&mut self.scratch, tick, number, &mut writer);
            if key != FULL {
                writer.finish();
                break key;
            }
            writer.more();
        };
        if key.0 < key.1 {
            put_key(out, key);
        } else if key == FAILED {
            return Err(self.failed());
        }
        Ok(())
    }
}

impl Template {
    /// Why the last record couldn't be made.
    #[cold]
    #[inline(never)]
    fn failed(&mut self) -> Error {
        match self.scratch.registers.failed.take() {
            Some(failed) => Error::failed(self.program.values.explain(failed)),
            None => Error::failed("a value can't be computed"),
        }
    }
}

/// The key is a value's text: of strings without quotes and escapes, of null none.
#[inline(always)]
fn put_key(out: &mut Out<'_>, (from, to): (usize, usize)) {
    let text = out.written(from..to);
    match text.first() {
        Some(b'"') if text.contains(&b'\\') => put_escaped_key(out, (from, to)),
        Some(b'"') => out.key_from(from + 1..to - 1),
        Some(b'n') | None => {}
        Some(_) => out.key_from(from..to),
    }
}

#[cold]
#[inline(never)]
fn put_escaped_key(out: &mut Out<'_>, (from, to): (usize, usize)) {
    let text: Option<String> = serde_json::from_slice(out.written(from..to)).ok();
    out.key(text.as_deref().unwrap_or_default());
}

wellhead_sdk::export!(Template);
