//! Encoded records taken apart again: decompression, and where one record ends and the next begins.
//! It knows what [`super::Encoder`] writes, and reads no more than that.

use std::io::{self, Read};
use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::Format;
use super::pack::Compression;

/// A record may not be longer than this: something else is being read then.
const LONGEST: usize = 256 << 20;

/// What undoes a compression. Members and frames one after another are one text.
///
/// # Errors
/// Where the decompressor can't be had.
pub fn unpacked(
    input: Box<dyn Read + Send>,
    compression: Compression,
) -> io::Result<Box<dyn Read + Send>> {
    Ok(match compression {
        Compression::None => input,
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(input)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(input)?),
    })
}

/// Takes a text apart into records.
pub struct Splitter {
    input: Box<dyn Read + Send>,
    format: Format,
    /// What was read of a record that isn't whole yet.
    rest: Vec<u8>,
    /// What comes before the first record was passed by.
    begun: bool,
    ended: bool,
}

impl Splitter {
    /// For a text in NDJSON, a JSON array or CSV, decompressed already.
    pub fn new(input: Box<dyn Read + Send>, format: Format) -> Splitter {
        Splitter {
            input,
            format,
            rest: Vec::new(),
            begun: false,
            ended: false,
        }
    }

    /// Appends about `size` bytes of text to `bytes`, and the place of each record in it to `records`.
    /// False where the text is over.
    ///
    /// # Errors
    /// Where the input can't be read.
    pub fn fill(
        &mut self,
        size: usize,
        bytes: &mut Vec<u8>,
        mut each: impl FnMut(Range<usize>),
    ) -> io::Result<bool> {
        let start = bytes.len();
        bytes.append(&mut self.rest);
        let mut want = size.max(2 * (bytes.len() - start));
        loop {
            self.read(bytes, start + want)?;
            let end = self.split(bytes, start, &mut each);
            if self.ended {
                bytes.truncate(end);
                return Ok(false);
            }
            if end > start {
                self.rest.extend_from_slice(&bytes[end..]);
                bytes.truncate(end);
                return Ok(true);
            }
            if want > LONGEST {
                let message = "a record is longer than 256 MiB: this isn't what a run wrote";
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            want *= 2;
        }
    }

    fn read(&mut self, bytes: &mut Vec<u8>, to: usize) -> io::Result<()> {
        let want = to.saturating_sub(bytes.len());
        bytes.reserve(want);
        let got = (&mut self.input).take(want as u64).read_to_end(bytes)?;
        self.ended = got < want;
        Ok(())
    }

    /// Gives each record that is whole (at the end, also one without an ending), and where the rest begins.
    fn split(&mut self, bytes: &[u8], start: usize, each: &mut impl FnMut(Range<usize>)) -> usize {
        let mut at = start;
        while at < bytes.len() {
            let ending = match self.format {
                Format::Csv => csv_line(&bytes[at..]),
                _ => memchr(b'\n', &bytes[at..]),
            };
            let (end, next) = match ending {
                Some(length) => (at + length, at + length + 1),
                None if self.ended => (bytes.len(), bytes.len()),
                None => break,
            };
            let line = self.line(bytes, at..end);
            if !line.is_empty() {
                each(line);
            }
            at = next;
        }
        at
    }

    /// The record on a line; nothing where there is none.
    fn line(&mut self, bytes: &[u8], line: Range<usize>) -> Range<usize> {
        let Range { start, mut end } = line;
        let first = !std::mem::replace(&mut self.begun, true);
        match self.format {
            Format::Csv if first => end = start,
            Format::Csv => {
                if bytes[start..end].ends_with(b"\r") {
                    end -= 1;
                }
            }
            Format::Json if matches!(&bytes[start..end], b"[" | b"]" | b"[]") => end = start,
            Format::Json => {
                if bytes[start..end].ends_with(b",") {
                    end -= 1;
                }
            }
            Format::Ndjson | Format::Parquet => {}
        }
        start..end
    }
}

/// Where the first line ends: at a line feed that no quotes are open at.
fn csv_line(bytes: &[u8]) -> Option<usize> {
    let mut quotes = 0;
    let mut from = 0;
    for feed in memchr_iter(b'\n', bytes) {
        quotes += memchr_iter(b'"', &bytes[from..feed]).count();
        if quotes % 2 == 0 {
            return Some(feed);
        }
        from = feed;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &'static str, format: Format, size: usize) -> Vec<String> {
        let mut splitter = Splitter::new(Box::new(text.as_bytes()), format);
        let mut found = Vec::new();
        for _ in 0..1_000 {
            let (mut bytes, mut ranges) = (Vec::new(), Vec::new());
            let more = splitter
                .fill(size, &mut bytes, |range| ranges.push(range))
                .unwrap();
            for range in ranges {
                found.push(String::from_utf8(bytes[range].to_vec()).unwrap());
            }
            if !more {
                return found;
            }
        }
        panic!("it never ended");
    }

    #[test]
    fn records_are_found_whatever_is_read_at_once() {
        for size in [1, 3, 1000] {
            assert_eq!(
                split("{\"a\":1}\n\n{}\nlast", Format::Ndjson, size),
                ["{\"a\":1}", "{}", "last"]
            );
            assert_eq!(
                split("[\n{},\n[1],\n2\n]\n", Format::Json, size),
                ["{}", "[1]", "2"]
            );
            assert!(split("[]\n", Format::Json, size).is_empty());
            assert_eq!(
                split("a,b\r\n1,\"x\r\n\"\"y\"\r\n2,\r\n", Format::Csv, size),
                ["1,\"x\r\n\"\"y\"", "2,"]
            );
        }
    }
}
