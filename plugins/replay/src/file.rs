//! An asset, of which a part is held at a time.

use wellhead_sdk::{Error, assets};

/// What is read at once.
const PIECE: u32 = 256 << 10;
/// The longest object there may be: what is held is never more than that and two pieces.
const LONGEST: usize = 8 << 20;

pub(crate) struct File {
    name: String,
    pub size: u64,
    /// The part held, and where it begins.
    held: Vec<u8>,
    begin: u64,
}

impl File {
    /// None where the spec names no such asset.
    pub fn open(name: &str) -> Option<File> {
        Some(File {
            name: name.to_owned(),
            size: assets::size(name)?,
            held: Vec::new(),
            begin: 0,
        })
    }

    /// What is held from an offset on; nothing at the end of the file alone.
    #[inline(always)]
    pub fn from(&mut self, offset: u64) -> &[u8] {
        let at = offset.wrapping_sub(self.begin);
        if at >= self.held.len() as u64 {
            self.load(offset);
            return &self.held;
        }
        &self.held[at as usize..]
    }

    /// Holds a piece from `offset` on, and nothing before it.
    #[cold]
    #[inline(never)]
    fn load(&mut self, offset: u64) {
        // The old one goes first: two at once are not needed.
        self.held = Vec::new();
        self.held = assets::piece(&self.name, offset, PIECE);
        self.begin = offset;
    }

    /// Holds more of what begins at `offset`; false where there is no more.
    ///
    /// # Errors
    /// Where it would be too much.
    #[cold]
    #[inline(never)]
    pub fn more(&mut self, offset: u64) -> Result<bool, Error> {
        let before = (offset - self.begin) as usize;
        self.held.drain(..before.min(self.held.len()));
        self.begin = offset;
        if self.held.len() > LONGEST {
            return Err(Error::failed(format!(
                "an object is longer than {} MiB",
                LONGEST >> 20
            )));
        }
        let piece = assets::piece(&self.name, offset + self.held.len() as u64, PIECE);
        self.held.extend_from_slice(&piece);
        Ok(!piece.is_empty())
    }

    /// Bytes that are held.
    #[inline(always)]
    pub fn held(&self, offset: u64, length: usize) -> &[u8] {
        let at = (offset - self.begin) as usize;
        &self.held[at..at + length]
    }
}
