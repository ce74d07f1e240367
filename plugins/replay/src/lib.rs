//! `replay`: the objects of a file, in order, once or around and around.
//!
//! The file is an asset, of which a part is held at a time ([`file`]). Record `i` of stream `s` of
//! `S` is object `i·S + s`, counted around where it loops; going forwards it is found behind the
//! one before it, else from a place kept nearby ([`objects`]).

mod config;
mod file;
mod json;
mod objects;
mod times;

use wellhead_sdk::{Channel, Error, Generator, Out, Settings, Tick, assets};

pub use config::{Config, Times};
use objects::{Object, Objects};
use times::Stamp;

/// Objects may have any fields.
const SCHEMA: &str = r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Event","description":"An object of the file.","type":"object"}"#;

/// How times are moved, by how much, and how much further with each time around.
#[derive(Clone, Copy)]
struct Shift {
    by: i64,
    first: i64,
    around: Option<i64>,
}

/// The generator.
pub struct Replay {
    objects: Objects,
    looped: bool,
    times: Times,
    field: String,
    shift: Shift,
    stream: u64,
    streams: u64,
}

impl Generator for Replay {
    const NAME: &'static str = "replay";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "The objects of a JSON array or NDJSON file (asset `payloads`), in order, once or in a loop.";
    type Config = Config;

    fn channels(config: &Config) -> Result<Vec<Channel>, Error> {
        let (field, _) = config.check()?;
        // A file of another kind is refused before anything is sent. There is none where
        // generators are listed, which is no reason not to be.
        if assets::size(&config.asset).is_some() {
            Objects::open(&config.asset, field)?;
        }
        Ok(vec![Channel::with_schema("event", SCHEMA)])
    }

    fn open(config: Config, settings: &Settings, _: Option<&[u8]>) -> Result<Self, Error> {
        let (field, start) = config.check()?;
        let mut replay = Replay {
            objects: Objects::open(&config.asset, field)?,
            looped: config.looped,
            times: config.times,
            field: field.to_owned(),
            shift: Shift {
                by: 0,
                first: 0,
                around: None,
            },
            stream: u64::from(settings.stream_index),
            streams: u64::from(settings.stream_count),
        };
        if let Some(start) = start {
            replay.shift.first = replay
                .time_of(0)
                .map_err(|error| Error::invalid_config(error.to_string()))?;
            replay.shift.by = start.nanos.wrapping_sub(replay.shift.first);
        }
        Ok(replay)
    }

    #[inline(always)]
    fn record(&mut self, tick: Tick, out: &mut Out<'_>) -> Result<(), Error> {
        let number = tick
            .index
            .wrapping_mul(self.streams)
            .wrapping_add(self.stream);
        let Some((object, around)) = self.object(number)? else {
            out.end_stream();
            return Ok(());
        };
        if self.times == Times::Keep && !object.has_lines() {
            out.bytes(self.objects.bytes(&object));
            return Ok(());
        }
        self.changed(&object, number, around, tick.time, out)
    }
}

impl Replay {
    /// Object `number`, counted around, and how many times around that is; none behind the last.
    #[inline(always)]
    fn object(&mut self, number: u64) -> Result<Option<(Object, u64)>, Error> {
        if self.objects.count.is_none()
            && let Some(object) = self.objects.get(number)?
        {
            return Ok(Some((object, 0)));
        }
        match self.objects.count {
            Some(count) if number < count || self.looped => {
                if self.times == Times::Shift && number >= count && self.shift.around.is_none() {
                    self.measure(count)?;
                }
                let object = self.objects.get(number % count)?;
                Ok(object.map(|object| (object, number / count)))
            }
            _ => Ok(None),
        }
    }

    /// How far times go on with each time around: from the first to the last, and a step of
    /// average length to the next first.
    #[cold]
    fn measure(&mut self, count: u64) -> Result<(), Error> {
        let all = self.time_of(count - 1)?.wrapping_sub(self.shift.first);
        let step = match count {
            1 => 1_000_000_000,
            _ => all / (count - 1) as i64,
        };
        self.shift.around = Some(all.wrapping_add(step));
        Ok(())
    }

    /// An object that isn't written as it stands in the file.
    #[inline(never)]
    fn changed(
        &mut self,
        object: &Object,
        number: u64,
        around: u64,
        now: u64,
        out: &mut Out<'_>,
    ) -> Result<(), Error> {
        let bytes = self.objects.bytes(object);
        let mut writer = out.writer();
        let put = |part: &[u8], writer: &mut wellhead_sdk::Writer<'_>| {
            if object.has_lines() {
                json::squeezed(part, |piece| writer.bytes(piece));
            } else {
                writer.bytes(part);
            }
        };
        if self.times == Times::Keep {
            put(bytes, &mut writer);
            writer.finish();
            return Ok(());
        }
        let Some(field) = object.field() else {
            return Err(self.no_time(number, "there is none"));
        };
        let Some(stamp) = Stamp::read(&bytes[field.clone()]) else {
            return Err(self.no_time(number, "what stands there isn't one"));
        };
        let nanos = match self.times {
            Times::Shift => {
                let further = (self.shift.around.unwrap_or(0)).wrapping_mul(around as i64);
                stamp
                    .nanos
                    .wrapping_add(self.shift.by)
                    .wrapping_add(further)
            }
            _ => i64::try_from(now).unwrap_or(i64::MAX),
        };
        put(&bytes[..field.start], &mut writer);
        stamp.write(nanos, &mut writer);
        put(&bytes[field.end..], &mut writer);
        writer.finish();
        Ok(())
    }

    fn no_time(&self, number: u64, why: &str) -> Error {
        let number = self.objects.count.map_or(number, |count| number % count) + 1;
        Error::failed(format!(
            "object {number} has no time in its field `{}`: {why}",
            self.field
        ))
    }

    /// The time of an object that is there.
    fn time_of(&mut self, number: u64) -> Result<i64, Error> {
        let Some(object) = self.objects.get(number)? else {
            return Err(self.no_time(number, "there is no such object"));
        };
        let stamp = object
            .field()
            .and_then(|field| Stamp::read(&self.objects.bytes(&object)[field]));
        match stamp {
            Some(stamp) => Ok(stamp.nanos),
            None => Err(self.no_time(number, "it takes one such as 2024-01-01T00:00:00Z")),
        }
    }
}

wellhead_sdk::export!(Replay);
