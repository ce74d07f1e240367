//! From instants to a batch: asks the author's object for one record after another, and lays them side by side, as
//! `plugins/sdk-js/src/stream.js` does for tests under Node.js.

use crate::component::{ask, error};
use crate::js::{Kind, Name, Thrown, Value};
use crate::shape::Values;
use crate::tick;
use wellhead_sdk::Batch;
use wellhead_sdk::wasm::wellhead::generator::types;

/// A batch ends early once its payload is this long: more would cost memory and gain nothing.
const FULL: usize = 1 << 20;
/// Beyond this, an index isn't exact as a number.
const MOST: u64 = (1 << 53) - 1;

/// A stream of the generator.
pub(crate) struct Stream {
    made: Value,
    record: Value,
    tick: Value,
    out: Value,
    /// What is in `out` where the author has set nothing.
    append: Value,
    /// What the SDK knows of the stream.
    opened: Value,
    channels: Vec<Values>,
    names: Names,
    /// The record that comes next, where the generator must not be asked for another.
    next: Option<u64>,
    /// The record that failed, and why: asked for again, it fails again.
    failed: Option<(u64, types::Error)>,
    /// Bytes of the last batch.
    room: usize,
}

struct Names {
    index: Name,
    key: Name,
    channel: Name,
    operation: Name,
}

impl Names {
    fn new() -> Names {
        Names {
            index: Name::new(c"index"),
            key: Name::new(c"key"),
            channel: Name::new(c"channel"),
            operation: Name::new(c"operation"),
        }
    }
}

/// What a record turned out to be.
enum Made {
    Record,
    Ended,
}

impl Stream {
    pub(crate) fn open(settings: &types::Settings, state: Option<&[u8]>) -> Result<Stream, Thrown> {
        let state = state.map_or(Value::UNDEFINED, Value::bytes);
        let given = Value::object();
        given.set_named(c"config", Value::text(&settings.config))?;
        given.set_named(c"seed", Value::big(settings.seed))?;
        given.set_named(c"streamIndex", Value::integer(settings.stream_index))?;
        given.set_named(c"streamCount", Value::integer(settings.stream_count))?;
        let opened = ask(c"open", &[&given, &state])?;
        let get = |name| opened.named(name);
        let made = get(c"made")?;
        let out = get(c"out")?;
        let writers = get(c"writers")?;
        let channels = (0..writers.length()?)
            .map(|place| Ok(Values::new(writers.at(place)?.named(c"decimals")?)));
        let ordered = get(c"ordered")?.is_true();
        let names = Names::new();
        Ok(Stream {
            record: made.named(c"record")?,
            made,
            tick: tick::tick(),
            append: out.get(names.operation)?,
            out,
            channels: channels.collect::<Result<_, Thrown>>()?,
            opened,
            names,
            next: ordered.then_some(0),
            failed: None,
            room: 1 << 12,
        })
    }

    pub(crate) fn generate(&mut self, first: u64, times: &[u64]) -> Result<Batch, types::Error> {
        if let Some((at, why)) = &self.failed
            && *at == first
        {
            return Err(why.clone());
        }
        self.check_order(first, times.len() as u64)?;
        let mut batch = Batch {
            payload: Vec::with_capacity(self.room + self.room / 8),
            ends: Vec::with_capacity(times.len()),
            key_ends: Vec::with_capacity(times.len()),
            ..Batch::default()
        };
        let guarded = ask(c"begin", &[]);
        if let Err(thrown) = guarded.and_then(|_| self.fill(first, times, &mut batch)) {
            let at = first + batch.ends.len() as u64;
            let why = error(&thrown, &format!("record {at}"));
            self.failed = Some((at, why));
        }
        let _ = ask(c"end", &[]);
        let made = batch.ends.len();
        if made == 0
            && let Some((at, why)) = &self.failed
            && *at == first
        {
            return Err(why.clone());
        }
        finish(&mut batch);
        self.room = batch.payload.len();
        if let Some(next) = &mut self.next {
            *next = first + made as u64;
        }
        Ok(batch)
    }

    fn check_order(&self, first: u64, count: u64) -> Result<(), types::Error> {
        if first.saturating_add(count) > MOST {
            let why = format!("record {first} is beyond 2^53, where a number isn't exact any more");
            return Err(types::Error::Failed(why));
        }
        match self.next {
            Some(next) if next != first => Err(types::Error::Failed(format!(
                "asked for record {first}, but this generator goes in order and is at {next}"
            ))),
            _ => Ok(()),
        }
    }

    /// The loop. What it has added to the batch when something is thrown are whole records.
    fn fill(&mut self, first: u64, times: &[u64], batch: &mut Batch) -> Result<(), Thrown> {
        for (index, &time) in (first..).zip(times) {
            if batch.payload.len() >= FULL {
                break;
            }
            tick::of(&self.tick)?.time = time;
            // A property like any other: it is what is asked for most.
            self.tick
                .set(self.names.index, Value::number(index as f64))?;
            let (payload, keys) = (batch.payload.len(), batch.keys.len());
            match self.one(batch) {
                Ok(Made::Record) => {
                    batch.ends.push(batch.payload.len() as u32);
                    batch.key_ends.push(batch.keys.len() as u32);
                }
                Ok(Made::Ended) => break,
                Err(thrown) => {
                    batch.payload.truncate(payload);
                    batch.keys.truncate(keys);
                    self.clear()?;
                    return Err(thrown);
                }
            }
        }
        Ok(())
    }

    /// Has `out` say nothing, where it wasn't looked at.
    #[cold]
    fn clear(&self) -> Result<(), Thrown> {
        self.out.set(self.names.key, Value::UNDEFINED)?;
        self.out.set(self.names.channel, Value::integer(0))?;
        self.out.set(self.names.operation, self.append.clone())
    }

    #[inline(always)]
    fn one(&mut self, batch: &mut Batch) -> Result<Made, Thrown> {
        let record = self.record.call(&self.made, &[&self.tick, &self.out])?;
        let Some(channel) = self.channel(batch)? else {
            return Ok(Made::Ended);
        };
        self.operation(batch)?;
        self.key(batch)?;
        let told = match record.kind() {
            Kind::Object => self.channels[channel].record(&record, &mut batch.payload)?,
            kind => kind == Kind::Null,
        };
        if !told {
            self.other(&record, channel, &mut batch.payload)?;
        }
        Ok(Made::Record)
    }

    /// The record's channel, and its column, which exists from the first on that isn't 0. None where the stream has ended.
    #[inline(always)]
    fn channel(&self, batch: &mut Batch) -> Result<Option<usize>, Thrown> {
        let channel = self.out.get(self.names.channel)?;
        if channel.kind() == Kind::Int(0) {
            if !batch.channels.is_empty() {
                batch.channels.push(0);
            }
            return Ok(Some(0));
        }
        self.out.set(self.names.channel, Value::integer(0))?;
        let index = ask(c"channel", &[&self.opened, &channel])?.to_u64();
        let Some(index) = index.and_then(|index| u8::try_from(index).ok()) else {
            return Ok(None);
        };
        batch.channels.resize(batch.ends.len(), 0);
        batch.channels.push(index);
        Ok(Some(usize::from(index)))
    }

    /// What the record does to its key, and the column of that.
    #[inline(always)]
    fn operation(&self, batch: &mut Batch) -> Result<(), Thrown> {
        let operation = self.out.get(self.names.operation)?;
        if operation.raw() == self.append.raw() {
            if !batch.operations.is_empty() {
                batch.operations.push(0);
            }
            return Ok(());
        }
        self.out.set(self.names.operation, self.append.clone())?;
        let key = self.out.get(self.names.key)?;
        let code = ask(c"operation", &[&operation, &key])?.to_u64();
        batch.operations.resize(batch.ends.len(), 0);
        batch.operations.push(code.unwrap_or(0) as u8);
        Ok(())
    }

    #[inline(always)]
    fn key(&self, batch: &mut Batch) -> Result<(), Thrown> {
        let key = self.out.get(self.names.key)?;
        if key.is_undefined() {
            return Ok(());
        }
        self.out.set(self.names.key, Value::UNDEFINED)?;
        let text = match key.kind() {
            Kind::Text => key.to_text()?,
            // It throws, unless it finds a text.
            _ => ask(c"key", &[&key])?.to_text()?,
        };
        if std::str::from_utf8(&text).is_err() {
            ask(c"key", &[&key])?;
        }
        batch.keys.extend_from_slice(&text);
        Ok(())
    }

    /// What the SDK makes of a record that couldn't be told at sight: text, bytes, or null, where it doesn't throw.
    #[cold]
    fn other(&self, record: &Value, channel: usize, payload: &mut Vec<u8>) -> Result<(), Thrown> {
        let row = ask(
            c"row",
            &[&self.opened, record, &Value::integer(channel as u32)],
        )?;
        if let Some(bytes) = row.as_bytes() {
            payload.extend_from_slice(bytes);
        } else if row.kind() != Kind::Null {
            payload.extend_from_slice(&row.to_text()?);
        }
        Ok(())
    }

    /// The author's state; without one, a resume goes through the records again.
    pub(crate) fn save(&self) -> Option<Vec<u8>> {
        let state = ask(c"save", &[&self.made]).ok()?;
        state.as_bytes().map(<[u8]>::to_vec)
    }
}

/// Leaves out columns in which there is nothing, and what is there of a record that failed.
fn finish(batch: &mut Batch) {
    let made = batch.ends.len();
    batch.channels.truncate(made);
    batch.operations.truncate(made);
    if batch.keys.is_empty() {
        batch.key_ends.clear();
    }
}
