//! The writer: a cursor over a `Vec<u8>`, kept in registers, with slack behind its end.
//!
//! This module and its children hold all of the crate's hand-written `unsafe`. One invariant
//! carries it: **between calls, `p <= end`, and [`SLACK`] bytes beyond `end` are allocated.** So
//! every piece may first store up to `SLACK` bytes at `p` (fixed-size stores, no calls, no
//! loops), and looks at the room left only afterwards. Pieces that may be longer make room first.
//! Stores beyond `p` are to allocated memory that no one has read; `finish` sets the length to
//! what was really written.
//!
//! [`Bounded`] alone lets `p` go beyond `end`, by no more than the slack, and looks before each piece.
//!
//! Why it is so: in a component, a copy whose length is not known is a call (2 to 5 ns), a turn
//! of a loop costs a nanosecond for the deadline check, and a `Vec` reached through a reference
//! keeps its pointer and length in memory.
#![allow(unsafe_code)]

mod bounded;
mod copy;
mod number;
mod pattern;
mod text;
mod time;

pub use bounded::{Bounded, Digits, MOST_DECIMALS, Room, Value};
pub use pattern::{Filled, Pattern};
pub use time::{Clock, Date, Time};

use copy::{copy_padded, copy_short};
use std::ops::Range;

/// Bytes that may be stored past `end` before the next look at the room left.
pub(crate) const SLACK: usize = 96;

/// Text known to the compiler, padded to whole 16-byte slots; made by [`lit!`](crate::lit).
#[repr(C, align(16))]
pub struct Lit<const SLOTS: usize> {
    bytes: [[u8; 16]; SLOTS],
    len: usize,
}

/// How many 16-byte slots a literal of `len` bytes takes.
#[doc(hidden)]
pub const fn slots(len: usize) -> usize {
    len.div_ceil(16)
}

impl<const SLOTS: usize> Lit<SLOTS> {
    /// Pads `text`, whose length must be that which `SLOTS` was made for.
    pub const fn new(text: &str) -> Self {
        let text = text.as_bytes();
        assert!(slots(text.len()) == SLOTS);
        let mut bytes = [[0; 16]; SLOTS];
        let mut i = 0;
        while i < text.len() {
            bytes[i / 16][i % 16] = text[i];
            i += 1;
        }
        Lit {
            bytes,
            len: text.len(),
        }
    }
}

/// Appends text to a record's bytes.
///
/// Made by [`Out::writer`](crate::Out::writer). Values know how to write themselves through
/// [`Put`](crate::Put); the methods here are for those who write a [`Put`](crate::Put) of their
/// own or something that isn't JSON.
///
/// One that isn't `CHECKED` never looks at the room left: it belongs to a [`Bounded`], which does.
pub struct Writer<'a, const CHECKED: bool = true> {
    p: *mut u8,
    end: *mut u8,
    buf: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    /// A writer at the end of `buf`. Nothing is added until [`finish`](Self::finish).
    #[inline(always)]
    pub fn new(buf: &'a mut Vec<u8>) -> Self {
        if buf.capacity() - buf.len() < SLACK {
            make_room(buf, SLACK);
        }
        let (len, capacity) = (buf.len(), buf.capacity());
        let base = buf.as_mut_ptr();
        // SAFETY: both offsets are within the allocation, and len <= capacity - SLACK.
        let (p, end) = unsafe { (base.add(len), base.add(capacity - SLACK)) };
        Writer { p, end, buf }
    }

    /// Room for `n` bytes before `end`.
    #[inline(always)]
    fn ensure(&mut self, n: usize) {
        if self.end as usize - (self.p as usize) < n {
            self.grow(n);
        }
    }

    /// A literal, as it is: `writer.lit(&Lit::new("…"))`, or shorter `lit!(writer, "…")`.
    #[inline(always)]
    pub fn lit<const SLOTS: usize>(&mut self, lit: &'static Lit<SLOTS>) {
        if SLOTS * 16 > SLACK {
            self.ensure(SLOTS * 16);
        }
        // SAFETY: SLOTS * 16 bytes fit behind p: by the slack, or made sure of above. Advancing
        // by a long literal stays at or below end, so that the check after it holds as well.
        unsafe {
            copy_padded::<SLOTS>(lit.bytes.as_ptr().cast(), self.p);
            self.p = self.p.add(lit.len);
        }
        if self.p > self.end {
            self.grow(SLACK);
        }
    }

    /// Bytes of any length, as they are.
    #[inline(always)]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.ensure(bytes.len());
        // SAFETY: there is room for them before end.
        unsafe {
            copy_short(bytes.as_ptr(), self.p, bytes.len());
            self.p = self.p.add(bytes.len());
        }
    }

    /// Bytes that were written before, once more: those between two of the positions that
    /// [`position`](Self::position) gave. Nothing where there are no such bytes.
    #[inline(always)]
    pub fn again(&mut self, range: Range<usize>) {
        if range.start > range.end || range.end > self.position() {
            return;
        }
        let n = range.end - range.start;
        self.ensure(n);
        // SAFETY: the bytes lie before p, there is room for as many before end, and making room has
        // kept what was written.
        unsafe {
            copy_short(self.buf.as_ptr().add(range.start), self.p, n);
            self.p = self.p.add(n);
        }
    }

    /// The first `n` of these bytes, as they are: fastest where `n` is at most 32 and as many bytes
    /// can be read, whatever they are. Nothing where there aren't `n`.
    #[inline(always)]
    pub fn prefix(&mut self, bytes: &[u8], n: usize) {
        match bytes.first_chunk::<32>() {
            Some(slot) if n <= 32 => self.slot(slot, n),
            _ => self.bytes(bytes.get(..n).unwrap_or_default()),
        }
    }
}

impl<const CHECKED: bool> Writer<'_, CHECKED> {
    /// Where the next byte goes, for [`Out::written`](crate::Out::written).
    #[inline(always)]
    pub fn position(&self) -> usize {
        self.p as usize - self.buf.as_ptr() as usize
    }

    /// Adds what was written to the buffer.
    #[inline(always)]
    pub fn finish(self) {
        let len = self.p as usize - self.buf.as_ptr() as usize;
        // SAFETY: the bytes up to p were stored, and p lies within the allocation.
        unsafe { self.buf.set_len(len) }
    }

    /// What a function writes that isn't inlined: without this, the cursor would be kept in memory
    /// all the time, only because that function is given a reference to it.
    #[inline(always)]
    pub fn aside<R>(&mut self, write: impl FnOnce(&mut Writer<'_, CHECKED>) -> R) -> R {
        self.lent(write)
    }

    /// A writer of either kind at the same place, and goes on where that has come to.
    #[inline(always)]
    fn lent<const OTHER: bool, R>(&mut self, write: impl FnOnce(&mut Writer<'_, OTHER>) -> R) -> R {
        let mut writer = Writer {
            p: self.p,
            end: self.end,
            buf: &mut *self.buf,
        };
        let result = write(&mut writer);
        let (p, end) = (writer.p, writer.end);
        (self.p, self.end) = (p, end);
        result
    }

    /// Goes on by `n` bytes that were stored, and restores the invariant.
    ///
    /// # Safety
    /// `n <= SLACK`, and the `n` bytes at `p` were stored.
    #[inline(always)]
    unsafe fn advance(&mut self, n: usize) {
        // SAFETY: p <= end, and SLACK bytes beyond end are allocated.
        self.p = unsafe { self.p.add(n) };
        if CHECKED && self.p > self.end {
            self.grow(SLACK);
        }
    }

    #[inline(always)]
    fn grow(&mut self, more: usize) {
        self.p = grow(self.buf, self.p, more);
        self.reset_end();
    }

    #[inline(always)]
    fn reset_end(&mut self) {
        let capacity = self.buf.capacity();
        // SAFETY: whoever called has just made sure of more than SLACK bytes of room.
        self.end = unsafe { self.buf.as_mut_ptr().add(capacity - SLACK) };
    }

    /// One byte, as it is.
    #[inline(always)]
    pub fn byte(&mut self, byte: u8) {
        // SAFETY: the slack has room for it.
        unsafe {
            *self.p = byte;
            self.advance(1);
        }
    }

    /// The first `n` bytes of a padded slot, as they are.
    ///
    /// # Panics
    /// When `n` is longer than the slot.
    #[inline(always)]
    pub(crate) fn slot<const W: usize>(&mut self, slot: &[u8; W], n: usize) {
        const { assert!(W.is_multiple_of(16) && W <= SLACK) }
        assert!(n <= W);
        // SAFETY: W bytes fit into the slack, and n <= W.
        unsafe {
            match W / 16 {
                1 => copy_padded::<1>(slot.as_ptr(), self.p),
                2 => copy_padded::<2>(slot.as_ptr(), self.p),
                _ => copy_padded::<4>(slot.as_ptr(), self.p),
            }
            self.advance(n);
        }
    }

    /// The first `n` bytes of a padded slot, but `first` instead of the first of them.
    ///
    /// # Panics
    /// When `n` is longer than the slot, or 0.
    #[inline(always)]
    pub(crate) fn slot_after<const W: usize>(&mut self, first: u8, slot: &[u8; W], n: usize) {
        assert!(n > 0);
        self.slot(slot, n);
        // SAFETY: the n bytes before p were stored just now.
        unsafe { *self.p.sub(n) = first }
    }

    /// Stores eight bytes (little endian: the first is the lowest) and goes on by `n` of them.
    ///
    /// # Panics
    /// When `n` is more than 8.
    #[inline(always)]
    pub fn word64(&mut self, bytes: u64, n: usize) {
        assert!(n <= 8);
        // SAFETY: the slack has room for them.
        unsafe {
            self.store64(0, bytes);
            self.advance(n);
        }
    }

    /// Stores eight bytes at `p + offset` without going on.
    ///
    /// # Safety
    /// `offset <= SLACK - 8`.
    #[inline(always)]
    unsafe fn store64(&mut self, offset: usize, bytes: u64) {
        // SAFETY: within the slack.
        unsafe {
            self.p
                .add(offset)
                .cast::<u64>()
                .write_unaligned(bytes.to_le())
        }
    }
}

/// Moves to a larger allocation, and says where `p` is in it; the length stays as it was.
#[cold]
#[inline(never)]
fn grow(buf: &mut Vec<u8>, p: *mut u8, more: usize) -> *mut u8 {
    let start = buf.len();
    // SAFETY: p is in or at the end of this allocation, and the bytes before it were stored; the
    // length counts them while the buffer moves, so that they are kept.
    unsafe {
        let len = p.offset_from(buf.as_ptr()) as usize;
        buf.set_len(len);
        make_room(buf, more + SLACK);
        buf.set_len(start);
        buf.as_mut_ptr().add(len)
    }
}

/// Room for `more` bytes, and at least half as much again as there is.
#[cold]
#[inline(never)]
fn make_room(buf: &mut Vec<u8>, more: usize) {
    buf.reserve((buf.len() / 2).max(1024) + more);
}

impl std::io::Write for Writer<'_> {
    #[inline(always)]
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.bytes(bytes);
        Ok(bytes.len())
    }

    #[inline(always)]
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.bytes(bytes);
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
