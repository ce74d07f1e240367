//! Compression of what was encoded, into memory.

use std::io::Write;

use flate2::write::GzEncoder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a file or an object is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Compression {
    /// Not at all.
    None,
    /// As gzip does.
    Gzip,
    /// As zstd does.
    Zstd,
}

impl Compression {
    /// From a file's name, which is given without the ending that said so.
    pub fn from_name(name: &str) -> (&str, Compression) {
        let lower = name.to_ascii_lowercase();
        for compression in [Compression::Gzip, Compression::Zstd] {
            let ending = compression.ending();
            if lower.ends_with(ending) {
                return (&name[..name.len() - ending.len()], compression);
            }
        }
        (name, Compression::None)
    }

    /// What a file's name ends with, dot included; nothing where it isn't compressed.
    pub fn ending(self) -> &'static str {
        match self {
            Compression::None => "",
            Compression::Gzip => ".gz",
            Compression::Zstd => ".zst",
        }
    }

    /// Whether there is such a level.
    ///
    /// # Errors
    /// What levels there are.
    pub fn check_level(self, level: Option<u32>) -> Result<(), String> {
        let levels = match self {
            Compression::None => return match level {
                None => Ok(()),
                Some(_) => Err("`level` says how hard to compress, but nothing is compressed; add `compression`".to_owned()),
            },
            Compression::Gzip => 0..=9,
            Compression::Zstd => 1..=22,
        };
        match level {
            Some(level) if !levels.contains(&level) => Err(format!(
                "`level` is {level}; it can be {} to {}",
                levels.start(),
                levels.end()
            )),
            _ => Ok(()),
        }
    }
}

enum State {
    None,
    Gzip(Option<GzEncoder<Vec<u8>>>),
    Zstd(Option<zstd::stream::write::Encoder<'static, Vec<u8>>>),
}

/// What compresses. A member (a frame) is open while something was packed since the last
/// [`Packer::finish`].
pub struct Packer {
    state: State,
    level: Option<u32>,
}

impl Packer {
    /// With a level that [`Compression::check_level`] has let pass; the usual one where there is none.
    pub fn new(compression: Compression, level: Option<u32>) -> Packer {
        let state = match compression {
            Compression::None => State::None,
            Compression::Gzip => State::Gzip(None),
            Compression::Zstd => State::Zstd(None),
        };
        Packer { state, level }
    }

    /// Whether what goes in comes out as it is: then nothing else here does anything.
    pub fn is_none(&self) -> bool {
        matches!(self.state, State::None)
    }

    /// Takes `plain`, and appends to `packed` what it doesn't hold back.
    ///
    /// # Errors
    /// Where the compressor fails; `plain` is as it was then.
    pub fn pack(&mut self, plain: &mut Vec<u8>, packed: &mut Vec<u8>) -> std::io::Result<()> {
        if plain.is_empty() {
            // A member that holds nothing needn't be opened.
            return Ok(());
        }
        match &mut self.state {
            State::None => return Ok(()),
            State::Gzip(slot) => {
                let level = self
                    .level
                    .map_or(flate2::Compression::default(), flate2::Compression::new);
                let encoder = slot.get_or_insert_with(|| GzEncoder::new(Vec::new(), level));
                encoder.write_all(plain)?;
                packed.append(encoder.get_mut());
            }
            State::Zstd(slot) => {
                let level = self
                    .level
                    .and_then(|level| i32::try_from(level).ok())
                    .unwrap_or(0);
                let encoder = match slot {
                    Some(encoder) => encoder,
                    None => slot.insert(zstd::stream::write::Encoder::new(Vec::new(), level)?),
                };
                encoder.write_all(plain)?;
                packed.append(encoder.get_mut());
            }
        }
        plain.clear();
        Ok(())
    }

    /// Ends the member that is open, if one is, and appends what was held back.
    ///
    /// # Errors
    /// Where the compressor fails.
    pub fn finish(&mut self, packed: &mut Vec<u8>) -> std::io::Result<()> {
        let tail = match &mut self.state {
            State::None => None,
            State::Gzip(slot) => slot.take().map(GzEncoder::finish),
            State::Zstd(slot) => slot.take().map(zstd::stream::write::Encoder::finish),
        };
        if let Some(tail) = tail {
            packed.append(&mut tail?);
        }
        Ok(())
    }
}
