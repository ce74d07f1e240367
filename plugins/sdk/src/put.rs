//! How values are written: each body is inlined, so that a record is one straight run of stores.

use crate::table::APART;
use crate::{Date, Entry, Filled, Time, Word, Writer, lit};

/// A value that can stand in [`record!`](crate::record).
///
/// For a type of your own, write it with [`object!`](crate::object) or the writer's methods, and
/// mark `put` `#[inline(always)]`.
pub trait Put {
    /// Writes the value as JSON.
    fn put(self, writer: &mut Writer<'_>);
}

/// A value that can be a key: text without quotes or escapes.
pub trait Text {
    /// Writes the text.
    fn text(self, writer: &mut Writer<'_>);
}

/// Hundredths, as a number with two decimals: `Cents(1250)` is `12.50`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cents(pub u32);

/// A number in units of 10⁻ᴰ, with `D` decimals (1 to 7): `Fixed::<5>(-1234567)` is `-12.34567`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed<const D: u32>(pub i64);

/// A version 4 UUID made of two random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uuid(pub u64, pub u64);

/// A payment card number whose last digit makes it pass the Luhn check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pan {
    /// The number without its last digit: below 10¹⁵, or below 10¹⁴ where `short`.
    pub first: u64,
    /// 15 digits in all (as American Express has) instead of 16.
    pub short: bool,
}

/// Two words as one string, with a character between them: `Joined(first, b' ', last)`.
#[derive(Clone, Copy)]
pub struct Joined<'a, const A: usize, const B: usize>(pub Word<'a, A>, pub u8, pub Word<'a, B>);

/// An array of whatever an iterator gives.
#[derive(Clone, Debug)]
pub struct Each<I>(pub I);

macro_rules! put {
    ($($type:ty, $writer:ident, $value:ident => $body:expr;)*) => { $(
        impl Put for $type {
            #[inline(always)]
            fn put(self, $writer: &mut Writer<'_>) {
                let $value = self;
                $body
            }
        }
    )* };
}
macro_rules! text {
    ($($type:ty, $writer:ident, $value:ident => $body:expr;)*) => { $(
        impl Text for $type {
            #[inline(always)]
            fn text(self, $writer: &mut Writer<'_>) {
                let $value = self;
                $body
            }
        }
    )* };
}

put! {
    u8, w, v => w.u8(v);
    u16, w, v => w.u32(u32::from(v));
    u32, w, v => w.u32(v);
    u64, w, v => w.u64(v);
    usize, w, v => w.u64(v as u64);
    i8, w, v => w.i64(i64::from(v));
    i16, w, v => w.i64(i64::from(v));
    i32, w, v => w.i64(i64::from(v));
    i64, w, v => w.i64(v);
    f64, w, v => float(w, v);
    bool, w, v => if v { lit!(w, "true") } else { lit!(w, "false") };
    (), w, _v => lit!(w, "null");
    &str, w, v => w.string(v);
    &String, w, v => w.string(v);
    Cents, w, v => w.cents(v.0);
    Uuid, w, v => { w.byte(b'"'); w.uuid(v.0, v.1); w.byte(b'"') };
    Pan, w, v => { w.byte(b'"'); w.pan(v.first, v.short); w.byte(b'"') };
    Time<'_>, w, v => { w.byte(b'"'); w.time(v); w.byte(b'"') };
    Date, w, v => { w.byte(b'"'); w.date(v); w.byte(b'"') };
    Filled<'_>, w, v => { w.byte(b'"'); w.pattern(v); w.byte(b'"') };
    Entry<'_>, w, v => match v.slot[31] {
        APART => w.string(v.kept_apart()),
        len => w.slot(v.slot, len as usize),
    };
}

text! {
    u8, w, v => w.u8(v);
    u16, w, v => w.u32(u32::from(v));
    u32, w, v => w.u32(v);
    u64, w, v => w.u64(v);
    i32, w, v => w.i64(i64::from(v));
    i64, w, v => w.i64(v);
    &str, w, v => w.bytes(v.as_bytes());
    &String, w, v => w.bytes(v.as_bytes());
    Uuid, w, v => w.uuid(v.0, v.1);
    Pan, w, v => w.pan(v.first, v.short);
    Time<'_>, w, v => w.time(v);
    Date, w, v => w.date(v);
    Filled<'_>, w, v => w.pattern(v);
    Entry<'_>, w, v => w.bytes(v.as_str().as_bytes());
}

impl<const W: usize> Put for Word<'_, W> {
    #[inline(always)]
    fn put(self, w: &mut Writer<'_>) {
        w.slot(self.0, self.0[W - 1] as usize);
    }
}

impl<const W: usize> Text for Word<'_, W> {
    #[inline(always)]
    fn text(self, w: &mut Writer<'_>) {
        let len = self.0[W - 1] as usize;
        w.bytes(&self.0[1..len - 1]);
    }
}

impl<const A: usize, const B: usize> Put for Joined<'_, A, B> {
    #[inline(always)]
    fn put(self, w: &mut Writer<'_>) {
        w.begin_word(self.0);
        w.end_word(self.1, self.2);
    }
}

impl<const D: u32> Put for Fixed<D> {
    #[inline(always)]
    fn put(self, w: &mut Writer<'_>) {
        w.fixed::<D>(self.0);
    }
}

impl<T: Put> Put for Option<T> {
    #[inline(always)]
    fn put(self, w: &mut Writer<'_>) {
        match self {
            Some(value) => value.put(w),
            None => lit!(w, "null"),
        }
    }
}

impl<T: Put, const N: usize> Put for [T; N] {
    #[inline(always)]
    fn put(self, w: &mut Writer<'_>) {
        Each(self.into_iter()).put(w);
    }
}

impl<T: Put + Copy> Put for &[T] {
    #[inline(always)]
    fn put(self, w: &mut Writer<'_>) {
        Each(self.iter().copied()).put(w);
    }
}

impl<T: Put, I: Iterator<Item = T>> Put for Each<I> {
    #[inline(always)]
    fn put(self, w: &mut Writer<'_>) {
        w.byte(b'[');
        for (i, value) in self.0.enumerate() {
            if i > 0 {
                w.byte(b',');
            }
            value.put(w);
        }
        w.byte(b']');
    }
}

/// The shortest digits that read back as the same number, as `serde_json` has them; `null` for
/// what JSON has no number for.
#[inline(never)]
pub(crate) fn float(w: &mut Writer<'_>, v: f64) {
    if v.is_finite() {
        w.bytes(zmij::Buffer::new().format_finite(v).as_bytes());
    } else {
        lit!(w, "null");
    }
}
