//! The objects of a file, by their number.
//!
//! Forwards each is found behind the one before it. Where others begin is kept for some of them as
//! they go by, so that going back, or around again, is short.

use std::ops::Range;

use wellhead_sdk::Error;

use crate::file::File;
use crate::json::{self, Fault, Found};

/// Places kept at most: half a mebibyte.
const PLACES: usize = 1 << 16;
/// Objects from one place to the next, to begin with.
const STRIDE: u64 = 64;
const MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// A JSON array.
    Array,
    /// An object a line.
    Lines,
}

/// An object, which is held.
pub(crate) struct Object {
    offset: u64,
    found: Found,
}

impl Object {
    /// Whether it goes over several lines.
    pub fn has_lines(&self) -> bool {
        self.found.lines
    }

    /// Where the value of the field stands that is looked for.
    pub fn field(&self) -> Option<Range<usize>> {
        self.found.field.clone()
    }
}

pub(crate) struct Objects {
    file: File,
    name: String,
    layout: Layout,
    /// The field to look for.
    field: Vec<u8>,
    /// The object that comes next, and where what is before it ends.
    number: u64,
    offset: u64,
    /// Where every `stride`-th object's turn comes.
    places: Vec<u64>,
    stride: u64,
    /// How many objects there are, once the end has been seen.
    pub count: Option<u64>,
}

impl Objects {
    /// The objects of an asset; `field` is looked for in each.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] where there is no such asset, or no object in it.
    pub fn open(name: &str, field: &str) -> Result<Objects, Error> {
        let Some(mut file) = File::open(name) else {
            return Err(Error::invalid_config(format!(
                "there is no asset `{name}`; say which file it is: --asset {name}=FILE, or \
                 `assets: {{{name}: FILE}}` in the spec"
            )));
        };
        let mut offset = if file.from(0).starts_with(MARK) { 3 } else { 0 };
        let first = loop {
            match file.from(offset).first() {
                Some(b' ' | b'\t' | b'\r' | b'\n') => offset += 1,
                other => break other.copied(),
            }
        };
        let layout = match first {
            Some(b'[') => {
                offset += 1;
                Layout::Array
            }
            Some(b'{') => Layout::Lines,
            Some(byte) => {
                return Err(Error::invalid_config(format!(
                    "the asset `{name}` begins with {}; it has to be a JSON array of objects, or \
                     an object a line (NDJSON)",
                    shown(byte)
                )));
            }
            None => return Err(empty(name)),
        };
        let mut objects = Objects {
            file,
            name: name.to_owned(),
            layout,
            field: field.as_bytes().to_vec(),
            number: 0,
            offset,
            places: vec![offset],
            stride: STRIDE,
            count: None,
        };
        match objects.get(0) {
            Ok(Some(_)) => Ok(objects),
            Ok(None) => Err(empty(name)),
            Err(Error::Failed(why) | Error::InvalidConfig(why)) => Err(Error::InvalidConfig(why)),
        }
    }

    /// The bytes of an object that was given last.
    pub fn bytes(&self, object: &Object) -> &[u8] {
        self.file.held(object.offset, object.found.length)
    }

    /// Object `number`; none where there are fewer.
    ///
    /// # Errors
    /// [`Error::Failed`] where the file is broken, and where.
    #[inline(always)]
    pub fn get(&mut self, number: u64) -> Result<Option<Object>, Error> {
        if self.count.is_some_and(|count| number >= count) {
            return Ok(None);
        }
        if number != self.number && !self.go_to(number)? {
            return Ok(None);
        }
        if !self.reach()? {
            return Ok(None);
        }
        let one_line = self.layout == Layout::Lines;
        loop {
            let offset = self.offset;
            let bytes = self.file.from(offset);
            match json::object(bytes, &self.field, one_line) {
                Ok(found) => {
                    let length = found.length;
                    let over = !one_line
                        || match line_is_over(&bytes[length..]) {
                            Some(over) => over,
                            None if offset + (bytes.len() as u64) < self.file.size => {
                                self.more()?;
                                continue;
                            }
                            None => true,
                        };
                    if !over {
                        let why = "something follows this object in its line";
                        return Err(self.broken(offset + length as u64, why));
                    }
                    self.passed(length);
                    return Ok(Some(Object { offset, found }));
                }
                Err(Fault::Incomplete) => self.more()?,
                Err(Fault::At(at, what)) => return Err(self.broken(offset + at as u64, what)),
            }
        }
    }

    /// Goes to where object `number` is next, by the nearest place before it.
    #[inline(never)]
    fn go_to(&mut self, number: u64) -> Result<bool, Error> {
        let place = (number / self.stride).min(self.places.len() as u64 - 1);
        let near = place * self.stride;
        if number < self.number || near > self.number {
            self.number = near;
            self.offset = self.places[place as usize];
        }
        while self.number < number {
            if !self.reach()? {
                return Ok(false);
            }
            self.skip()?;
        }
        Ok(true)
    }

    /// Passes by the object that begins here, without a look at what is in it.
    fn skip(&mut self) -> Result<(), Error> {
        loop {
            let bytes = self.file.from(self.offset);
            let end = match self.layout {
                Layout::Array => json::end(bytes),
                Layout::Lines => memchr::memchr(b'\n', bytes),
            };
            if let Some(length) = end {
                self.passed(length);
                return Ok(());
            }
            let held = bytes.len();
            if self.layout == Layout::Lines && self.offset + held as u64 == self.file.size {
                self.passed(held);
                return Ok(());
            }
            self.more()?;
        }
    }

    /// The object here, of so many bytes, is behind.
    #[inline(always)]
    fn passed(&mut self, length: usize) {
        self.offset += length as u64;
        self.number += 1;
        if self.number == self.places.len() as u64 * self.stride {
            self.keep_place();
        }
    }

    #[cold]
    fn keep_place(&mut self) {
        self.places.push(self.offset);
        if self.places.len() == PLACES {
            let mut odd = false;
            self.places.retain(|_| {
                odd = !odd;
                odd
            });
            self.stride *= 2;
        }
    }

    /// Goes to where the next object begins; false where there is none.
    #[inline(always)]
    fn reach(&mut self) -> Result<bool, Error> {
        let mut next = self.token()?;
        if self.layout == Layout::Array {
            match next {
                Some(b']') => {
                    self.offset += 1;
                    return match self.token()? {
                        None => Ok(self.end()),
                        Some(_) => Err(self.broken(self.offset, "something follows the array")),
                    };
                }
                Some(b',') if self.number > 0 => {
                    self.offset += 1;
                    next = self.token()?;
                }
                Some(_) if self.number > 0 => {
                    return Err(self.broken(self.offset, "`,` or `]` is expected"));
                }
                _ => {}
            }
        }
        match next {
            Some(b'{') => Ok(true),
            Some(_) => Err(self.broken(self.offset, "an object is expected")),
            None if self.layout == Layout::Lines => Ok(self.end()),
            None => Err(self.broken(self.offset, "the file ends, and the array isn't closed")),
        }
    }

    fn end(&mut self) -> bool {
        self.count = Some(self.number);
        // What is next is behind the end: nothing is found from here.
        self.number = u64::MAX;
        false
    }

    /// The next byte that isn't white space, at which it stops; none at the end.
    #[inline(always)]
    fn token(&mut self) -> Result<Option<u8>, Error> {
        loop {
            let bytes = self.file.from(self.offset);
            let Some(&byte) = bytes.first() else {
                return Ok(None);
            };
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Ok(Some(byte));
            }
            self.offset += 1;
        }
    }

    /// Holds more of the object that begins here.
    #[cold]
    fn more(&mut self) -> Result<(), Error> {
        match self.file.more(self.offset) {
            Ok(true) => Ok(()),
            Ok(false) => {
                Err(self.broken(self.offset, "the file ends in the middle of this object"))
            }
            Err(error) => Err(self.broken(self.offset, &error.to_string())),
        }
    }

    #[cold]
    fn broken(&self, offset: u64, what: &str) -> Error {
        Error::failed(format!(
            "asset `{}`, object {} at byte {offset}: {what}",
            self.name,
            self.number.wrapping_add(1)
        ))
    }
}

/// Whether nothing but white space follows in the line; none where the bytes don't tell.
#[inline(always)]
fn line_is_over(rest: &[u8]) -> Option<bool> {
    for byte in rest {
        match byte {
            b'\n' => return Some(true),
            b' ' | b'\t' | b'\r' => {}
            _ => return Some(false),
        }
    }
    None
}

fn empty(name: &str) -> Error {
    Error::invalid_config(format!("there is no object in the asset `{name}`"))
}

fn shown(byte: u8) -> String {
    if byte.is_ascii_graphic() {
        format!("`{}`", char::from(byte))
    } else {
        format!("the byte {byte:#04x}")
    }
}
