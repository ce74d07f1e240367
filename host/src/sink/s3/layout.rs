//! What objects are called.

use object_store::path::Path;

use crate::encode::template::{Place, Template};
use crate::record::{Batch, Channel};

/// Names objects after the prefix's template.
pub(super) struct Layout {
    prefix: Template,
    run: String,
    /// `.ndjson.gz`
    ending: String,
}

impl Layout {
    pub(super) fn new(prefix: Template, run: &str, ending: String) -> Layout {
        // A run's identity may have a slash in it.
        let mut safe = Vec::new();
        put_name(run.replace('/', "-").as_bytes(), &mut safe);
        Layout {
            prefix,
            run: String::from_utf8_lossy(&safe).into_owned(),
            ending,
        }
    }

    pub(super) fn prefix(&self) -> &Template {
        &self.prefix
    }

    /// The prefix of record `k`. False where the record lacks a field of the template.
    pub(super) fn partition(
        &self,
        channel: &str,
        batch: &Batch,
        k: usize,
        out: &mut Vec<u8>,
    ) -> bool {
        out.clear();
        let place = Place {
            run: &self.run,
            channel,
            stream: batch.stream,
            record: batch.record(k),
        };
        let time = batch.times.get(k).copied().unwrap_or_default();
        self.prefix.render_at(place, time, out, put_name)
    }

    /// The name of the object that begins with that sequence of that stream. The end isn't in it,
    /// which isn't known when an upload begins. Names sort by sequence within a stream.
    pub(super) fn object(
        &self,
        partition: &[u8],
        channel: &str,
        stream: u32,
        first: u64,
    ) -> Option<Path> {
        let partition = std::str::from_utf8(partition).ok()?.trim_matches('/');
        let slash = if partition.is_empty() { "" } else { "/" };
        let Layout { run, ending, .. } = self;
        Path::parse(format!(
            "{partition}{slash}{run}-{channel}-{stream:05}-{first:020}{ending}"
        ))
        .ok()
    }

    /// The folder that all objects are in, as far as the prefix says before its first field.
    pub(super) fn folder(&self) -> Option<Path> {
        let literal = self.prefix.text().split('{').next().unwrap_or_default();
        let folder = match literal == self.prefix.text() {
            true => literal,
            false => literal.rsplit_once('/').map_or("", |(folder, _)| folder),
        };
        (!folder.is_empty()).then(|| Path::from(folder))
    }

    /// What an object's name begins with, up to its sequence, if it is one of the run's.
    pub(super) fn place_of<'a>(&self, object: &'a str, digits: usize) -> Option<&'a str> {
        let rest = object.strip_suffix(self.ending.as_str())?;
        let (place, sequence) = rest.split_at_checked(rest.len().checked_sub(digits)?)?;
        let name = place.rsplit_once('/').map_or(place, |(_, name)| name);
        let own = name.strip_prefix(self.run.as_str())?.starts_with('-');
        (own && sequence.bytes().all(|b| b.is_ascii_digit())).then_some(place)
    }

    /// An object that never is, to try with whether one may be written.
    pub(super) fn trial(&self, channels: &[Channel]) -> Path {
        let literal = self.prefix.text().split('{').next().unwrap_or_default();
        let folder = literal.rsplit_once('/').map_or("", |(folder, _)| folder);
        let channel = channels.first().map_or("", |channel| &channel.name);
        let object = self.object(folder.as_bytes(), channel, u32::MAX, 0);
        object.unwrap_or_else(|| Path::from(format!("{}-trial", self.run)))
    }
}

/// Appends a value as a part of a name: what would begin another folder, or what users of S3 are
/// advised against, is percent-encoded.
fn put_name(value: &[u8], out: &mut Vec<u8>) {
    for (at, &byte) in value.iter().enumerate() {
        let plain = match byte {
            b'.' => at > 0,
            b'-' | b'_' | b'=' | b'!' | b'(' | b')' | b',' | b'@' | b'+' | b':' => true,
            _ => byte.is_ascii_alphanumeric() || byte >= 128,
        };
        if plain {
            out.push(byte);
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.extend_from_slice(&[
                b'%',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::made::batch;

    fn layout(prefix: &str) -> Layout {
        let prefix = Template::parse_timed(prefix).unwrap();
        Layout::new(prefix, "ID 7/name", ".csv.gz".to_owned())
    }

    #[test]
    fn a_name_says_run_stream_channel_and_first_sequence() {
        let layout = layout("raw/{channel}/dt={date}/{id}");
        let mut out = Vec::new();
        let records = batch(&[r#"{"id":"../a b\/c"}"#, r#"{"no":1}"#], 0);
        assert!(layout.partition("power", &records, 0, &mut out));
        let path = layout.object(&out, "power", 3, 42).unwrap();
        assert_eq!(
            path.as_ref(),
            "raw/power/dt=1970-01-01/%2E.%2Fa%20b%2Fc/ID%207-name-power-00003-00000000000000000042.csv.gz"
        );
        assert!(!layout.partition("power", &records, 1, &mut out));
    }

    #[test]
    fn a_prefix_may_be_empty_but_no_folder_in_it() {
        let layout = layout("");
        let path = layout.object(b"", "c", 0, 0).unwrap();
        assert_eq!(
            path.as_ref(),
            "ID%207-name-c-00000-00000000000000000000.csv.gz"
        );
        assert!(layout.object(b"a//b", "c", 0, 0).is_none());
        assert!(layout.object(b"a/../b", "c", 0, 0).is_none());
    }
}
