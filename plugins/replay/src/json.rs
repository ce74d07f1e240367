//! Checks one JSON object and finds where it ends, in one pass that allocates nothing.

use std::ops::Range;

/// Levels of objects and arrays in each other.
const DEEPEST: u32 = 127;

/// A whole object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its length.
    pub length: usize,
    /// Whether it goes over several lines.
    pub lines: bool,
    /// Where the value of the field that was looked for stands.
    pub field: Option<Range<usize>>,
}

/// Why there is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The bytes end before it does.
    Incomplete,
    /// What is wrong, and where.
    At(usize, &'static str),
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Or of all bytes of strings: has its highest bit where one isn't ASCII.
    seen: u64,
    lines: bool,
    one_line: bool,
}

/// Checks the object that `bytes` begin with. Looks for a field of it by its name, unless that is
/// empty; of two of one name the last counts.
pub(crate) fn object(bytes: &[u8], name: &[u8], one_line: bool) -> Result<Found, Fault> {
    let mut scan = Scan {
        bytes,
        at: 0,
        seen: 0,
        lines: false,
        one_line,
    };
    let field = scan.object(name)?;
    let length = scan.at;
    if scan.seen & HIGH != 0
        && let Err(error) = str::from_utf8(&bytes[..length])
    {
        return Err(Fault::At(error.valid_up_to(), "this is not UTF-8"));
    }
    let lines = scan.lines;
    Ok(Found {
        length,
        lines,
        field,
    })
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = ONES * 0x80;

/// Marks the first byte that is a control character, a quote or a backslash; what is marked after
/// that means nothing.
#[inline(always)]
fn special(x: u64) -> u64 {
    let zero = |x: u64| x.wrapping_sub(ONES) & !x;
    let below_space = x.wrapping_sub(ONES * 0x20) & !x;
    (below_space | zero(x ^ (ONES * 0x22)) | zero(x ^ (ONES * 0x5c))) & HIGH
}

impl Scan<'_> {
    /// Goes through an object. Gives where the value of its field `name` stands.
    fn object(&mut self, name: &[u8]) -> Result<Option<Range<usize>>, Fault> {
        if self.peek()? != b'{' {
            return self.wrong("an object is expected");
        }
        self.at += 1;
        // What is open, from the innermost: an object where the bit is set.
        let (mut open, mut depth) = (1_u128, 1_u32);
        let mut fresh = true;
        let mut field = None;
        let mut begun = None;
        loop {
            let mut first = self.token()?;
            let in_object = open & 1 != 0;
            let closes = fresh && first == if in_object { b'}' } else { b']' };
            if !closes {
                if in_object {
                    let wanted = self.key(first, name)? && depth == 1;
                    first = self.token()?;
                    begun = if wanted { Some(self.at) } else { begun };
                }
                if first == b'{' || first == b'[' {
                    if depth == DEEPEST {
                        return self.wrong("this is nested too deep: 127 levels are the most");
                    }
                    self.at += 1;
                    open = open << 1 | u128::from(first == b'{');
                    depth += 1;
                    fresh = true;
                    continue;
                }
                self.scalar(first)?;
            }
            // A value is over: what is around it goes on, or closes.
            loop {
                if depth == 1
                    && let Some(from) = begun.take()
                {
                    field = Some(from..self.at);
                }
                let next = self.token()?;
                if next == b',' {
                    self.at += 1;
                    fresh = false;
                    break;
                }
                if next != if open & 1 != 0 { b'}' } else { b']' } {
                    return self.wrong("`,` or the end of what is open is expected");
                }
                self.at += 1;
                open >>= 1;
                depth -= 1;
                if depth == 0 {
                    return Ok(field);
                }
            }
        }
    }

    fn wrong<T>(&self, what: &'static str) -> Result<T, Fault> {
        Err(Fault::At(self.at, what))
    }

    #[inline(always)]
    fn peek(&self) -> Result<u8, Fault> {
        self.bytes.get(self.at).copied().ok_or(Fault::Incomplete)
    }

    /// The next byte that isn't white space, which stays where it is.
    #[inline(always)]
    fn token(&mut self) -> Result<u8, Fault> {
        loop {
            let byte = self.peek()?;
            if byte > b' ' {
                return Ok(byte);
            }
            match byte {
                b' ' | b'\t' | b'\r' => {}
                b'\n' if self.one_line => {
                    return self.wrong("the line ends in the middle of an object");
                }
                b'\n' => self.lines = true,
                _ => return self.wrong("a control character stands here"),
            }
            self.at += 1;
        }
    }

    /// A key and its colon; whether it is `name`.
    #[inline(always)]
    fn key(&mut self, first: u8, name: &[u8]) -> Result<bool, Fault> {
        if first != b'"' {
            return self.wrong("a name in quotes is expected");
        }
        let from = self.at + 1;
        self.string()?;
        let wanted = !name.is_empty() && &self.bytes[from..self.at - 1] == name;
        if self.token()? != b':' {
            return self.wrong("`:` is expected");
        }
        self.at += 1;
        Ok(wanted)
    }

    /// Anything but an object or an array.
    #[inline(always)]
    fn scalar(&mut self, first: u8) -> Result<(), Fault> {
        match first {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.wrong("a value is expected"),
        }
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), Fault> {
        for &byte in word {
            if self.peek()? != byte {
                return self.wrong("a value is expected");
            }
            self.at += 1;
        }
        Ok(())
    }

    #[inline(always)]
    fn string(&mut self) -> Result<(), Fault> {
        self.at += 1;
        loop {
            // Eight bytes at a time, as long as nothing in them is special.
            while let Some(eight) = self.bytes.get(self.at..self.at + 8) {
                let mut word = [0; 8];
                word.copy_from_slice(eight);
                let word = u64::from_le_bytes(word);
                self.seen |= word;
                let found = special(word);
                if found != 0 {
                    self.at += found.trailing_zeros() as usize >> 3;
                    break;
                }
                self.at += 8;
            }
            let byte = self.peek()?;
            self.seen |= u64::from(byte);
            self.at += 1;
            match byte {
                b'"' => return Ok(()),
                b'\\' => self.escape()?,
                0..0x20 => {
                    self.at -= 1;
                    return self.wrong("a control character stands in a string");
                }
                _ => {}
            }
        }
    }

    #[cold]
    fn escape(&mut self) -> Result<(), Fault> {
        let kind = self.peek()?;
        self.at += 1;
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                for _ in 0..4 {
                    if !self.peek()?.is_ascii_hexdigit() {
                        return self.wrong("`\\u` takes four hexadecimal digits");
                    }
                    self.at += 1;
                }
                Ok(())
            }
            _ => self.wrong("there is no such escape"),
        }
    }

    #[inline(always)]
    fn digits(&mut self) -> Result<(), Fault> {
        if !self.peek()?.is_ascii_digit() {
            return self.wrong("a digit is expected");
        }
        while self.peek()?.is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    #[inline(always)]
    fn number(&mut self) -> Result<(), Fault> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek()? == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if self.peek()? | 0x20 == b'e' {
            self.at += 1;
            if matches!(self.peek()?, b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }
}

/// Where the object that `bytes` begin with ends, without a look at what is in it: none where the
/// bytes end before.
pub(crate) fn end(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_u32);
    loop {
        at += memchr::memchr3(b'"', b'{', b'}', bytes.get(at..)?)?;
        match bytes[at] {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => loop {
                at += 1;
                at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
                if bytes[at] == b'"' {
                    break;
                }
                at += 1;
            },
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Calls `put` with the parts of an object that make it up without the white space around its
/// tokens.
pub(crate) fn squeezed(object: &[u8], mut put: impl FnMut(&[u8])) {
    let (mut from, mut at) = (0, 0);
    while let Some(&byte) = object.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while object.get(at).is_some_and(|&b| b != b'"') {
                    at += if object[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b' ' | b'\t' | b'\r' | b'\n' => {
                put(&object[from..at]);
                at += 1;
                from = at;
            }
            _ => at += 1,
        }
    }
    put(&object[from.min(object.len())..]);
}

#[cfg(test)]
mod tests;
