//! JSON strings.

use super::copy::copy_text;
use super::{SLACK, Writer, grow};

impl Writer<'_> {
    /// A JSON string with its quotes, escaped where it needs to be.
    #[inline(always)]
    pub fn string(&mut self, text: &str) {
        let text = text.as_bytes();
        let len = text.len();
        self.ensure(len + 2);
        // SAFETY: there is room for the text and its quotes before end.
        let special = unsafe {
            *self.p = b'"';
            copy_text(text.as_ptr(), self.p.add(1), len)
        };
        if special == 0 {
            // SAFETY: as above, and all bytes are stored.
            unsafe {
                *self.p.add(1 + len) = b'"';
                self.p = self.p.add(len + 2);
            }
        } else {
            self.p = escaped(self.buf, self.p, text);
            self.reset_end();
        }
    }
}

/// The slow way: `text` at `p`, byte by byte. Says where it ends.
#[cold]
#[inline(never)]
fn escaped(buf: &mut Vec<u8>, p: *mut u8, text: &[u8]) -> *mut u8 {
    let longest = 6 * text.len() + 2;
    let room = buf.capacity() - SLACK - (p as usize - buf.as_ptr() as usize);
    let mut p = if room < longest {
        grow(buf, p, longest)
    } else {
        p
    };
    // SAFETY: each byte of text gives at most six, and two quotes are room for.
    let mut put = |byte: u8| unsafe {
        *p = byte;
        p = p.add(1);
    };
    put(b'"');
    for &byte in text {
        escape(byte, &mut put);
    }
    put(b'"');
    p
}

fn escape(byte: u8, put: &mut impl FnMut(u8)) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        0..0x20 => {
            b"\\u00".iter().for_each(|&b| put(b));
            put(HEX[byte as usize >> 4]);
            return put(HEX[byte as usize & 15]);
        }
        _ => return put(byte),
    };
    put(b'\\');
    put(short);
}
