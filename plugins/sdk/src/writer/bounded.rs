//! A writer that looks at the room left once for several pieces, and makes none.
//!
//! Where a piece makes room itself, that is a call, and in a component nothing of the code around a
//! call stays in registers, whether it is made or not. A record that depends on its index alone can
//! be given up where there is no room for it, and written again where there is more.

use super::copy::copy_short;
use super::number::digits8_each;
use super::{SLACK, Time, Writer, make_room};
use crate::Uuid;
use std::ops::Range;

/// Writes a record piece by piece, each into a [`Room`]. Where there is none, [`more`](Self::more) drops
/// what was written, and the whole record is written again: by what gives the same twice.
pub struct Bounded<'a> {
    /// Up to `SLACK` bytes beyond its end may have been written.
    writer: Writer<'a, false>,
}

/// Room for a text of 32 bytes, and a value of at most 64 behind it.
pub struct Room<'w, 'a>(&'w mut Writer<'a, false>);

/// Room for that value.
pub struct Value<'w, 'a>(&'w mut Writer<'a, false>);

/// A number of [`Digits`] has no more decimals.
pub const MOST_DECIMALS: u8 = 6;

/// Decimal digits of a number below 10⁷, for several numbers at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digits(u64);

impl Digits {
    /// Those of what is negative, or isn't below 10⁷.
    pub const NONE: Digits = Digits(u64::MAX);

    /// Those of each of these numbers.
    #[inline(always)]
    pub fn of<const N: usize>(numbers: &[i64; N]) -> [Digits; N] {
        const TEN_7: i64 = 10_000_000;
        let mut digits = digits8_each(&numbers.map(|number| number as u32)).map(Digits);
        let least = numbers.iter().fold(0, |least, number| least.min(*number));
        let most = numbers.iter().fold(0, |most, number| most.max(*number));
        if least < 0 || most >= TEN_7 {
            for (digits, number) in digits.iter_mut().zip(numbers) {
                if !(0..TEN_7).contains(number) {
                    *digits = Digits::NONE;
                }
            }
        }
        digits
    }
}

const TEXT: usize = 32;
const _: () = assert!(TEXT + 64 <= SLACK);

impl<'a> Bounded<'a> {
    #[inline(always)]
    pub(crate) fn new(buf: &'a mut Vec<u8>) -> Self {
        let Writer { p, end, buf } = Writer::<true>::new(buf);
        let writer = Writer { p, end, buf };
        Bounded { writer }
    }

    /// Room for the next piece; none where the record has to be written again, after
    /// [`more`](Self::more).
    #[inline(always)]
    pub fn room(&mut self) -> Option<Room<'_, 'a>> {
        (self.writer.p <= self.writer.end).then_some(Room(&mut self.writer))
    }

    /// What isn't a piece, by a writer that makes room; none where there is none to begin with.
    #[inline(always)]
    pub fn aside<R>(&mut self, write: impl FnOnce(&mut Writer<'_>) -> R) -> Option<R> {
        (self.writer.p <= self.writer.end).then(|| self.writer.lent(write))
    }

    /// Where the next byte goes, as [`Writer::position`].
    #[inline(always)]
    pub fn position(&self) -> usize {
        self.writer.position()
    }

    /// Adds what was written to the buffer.
    #[inline(always)]
    pub fn finish(self) {
        self.writer.finish();
    }

    /// Drops what was written, and makes twice as much room as there was.
    #[cold]
    #[inline(never)]
    pub fn more(self) {
        let buf = self.writer.buf;
        let room = buf.capacity() - buf.len();
        make_room(buf, 2 * room + SLACK);
    }
}

impl<'w, 'a> Room<'w, 'a> {
    /// A text before the value: the first `n` of these bytes.
    ///
    /// # Panics
    /// When `n` is above 32.
    #[inline(always)]
    pub fn after(self, text: &[u8; TEXT], n: usize) -> Value<'w, 'a> {
        self.0.slot(text, n);
        Value(self.0)
    }
}

/// The methods are those of [`Writer`], and what the types of their names put.
#[allow(missing_docs)]
impl Value<'_, '_> {
    #[inline(always)]
    pub fn i64(self, v: i64) {
        self.0.i64(v);
    }

    #[inline(always)]
    pub fn u32(self, v: u32) {
        self.0.u32(v);
    }

    #[inline(always)]
    pub fn u8(self, v: u8) {
        self.0.u8(v);
    }

    #[inline(always)]
    pub fn cents(self, v: u32) {
        self.0.cents(v);
    }

    /// A number, so many of whose digits are decimals.
    ///
    /// # Panics
    /// When `decimals` is above [`MOST_DECIMALS`].
    #[inline(always)]
    pub fn digits(self, digits: Digits, decimals: u8) {
        assert!(decimals <= MOST_DECIMALS);
        self.0.digits(digits.0, decimals.into());
    }

    #[inline(always)]
    pub fn decimal(self, v: i64, decimals: u8) {
        self.0.decimal(v, decimals);
    }

    /// Both as one word: which of them it is, nobody can foresee.
    #[inline(always)]
    pub fn bool(self, v: bool) {
        let (text, length) = match v {
            true => (*b"true\0\0\0\0", 4),
            false => (*b"false\0\0\0", 5),
        };
        self.0.word64(u64::from_le_bytes(text), length);
    }

    #[inline(always)]
    pub fn null(self) {
        self.0.word64(u64::from_le_bytes(*b"null\0\0\0\0"), 4);
    }

    #[inline(always)]
    pub fn byte(self, v: u8) {
        self.0.byte(v);
    }

    #[inline(always)]
    pub fn uuid(self, v: Uuid) {
        self.0.byte(b'"');
        self.0.uuid(v.0, v.1);
        self.0.byte(b'"');
    }

    #[inline(always)]
    pub fn time(self, v: Time<'_>) {
        self.0.byte(b'"');
        self.0.time(v);
        self.0.byte(b'"');
    }

    /// The first `n` of these bytes, at most 32, and the first `more` of a word's, its lowest first.
    ///
    /// # Panics
    /// When `n` is above 32, or `more` above 8.
    #[inline(always)]
    pub fn text_and_word(self, text: &[u8; TEXT], n: usize, word: u64, more: usize) {
        self.0.slot(text, n);
        self.0.word64(word, more);
    }

    /// Bytes as they are, at most 32.
    ///
    /// # Panics
    /// When there are more.
    #[inline(always)]
    pub fn bytes(self, bytes: &[u8]) {
        assert!(bytes.len() <= TEXT);
        // SAFETY: as many fit into the slack that is left.
        unsafe {
            copy_short(bytes.as_ptr(), self.0.p, bytes.len());
            self.0.p = self.0.p.add(bytes.len());
        }
    }

    /// Bytes that were written before, once more: see [`Writer::again`]. At most 32.
    ///
    /// # Panics
    /// When there are more.
    #[inline(always)]
    pub fn again(self, range: Range<usize>) {
        if range.start > range.end || range.end > self.0.position() {
            return;
        }
        let n = range.end - range.start;
        assert!(n <= TEXT);
        // SAFETY: the bytes lie before p, and as many fit into the slack that is left.
        unsafe {
            copy_short(self.0.buf.as_ptr().add(range.start), self.0.p, n);
            self.0.p = self.0.p.add(n);
        }
    }

    /// The first `n` of these bytes, at most 32.
    ///
    /// # Panics
    /// When `n` is above 32.
    #[inline(always)]
    pub fn text(self, text: &[u8; TEXT], n: usize) {
        self.0.slot(text, n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of every kind, the longest values among them; what they are, and whether there was room.
    fn pieces(w: &mut Bounded<'_>, clock: &mut crate::Clock, until: u64) -> Option<()> {
        let text = *b"0123456789abcdef0123456789ABCDEF";
        for k in 0..until {
            let v = w.room()?.after(&text, (k * 7 % 33) as usize);
            match k % 12 {
                0 => v.i64(i64::MIN + k as i64),
                1 => v.u32(u32::MAX - k as u32),
                2 => v.u8(k as u8),
                3 => v.cents(u32::MAX - k as u32),
                4 => v.decimal(i64::MIN + k as i64, 7),
                5 => v.bool(k % 5 == 0),
                6 => v.null(),
                7 => v.uuid(Uuid(k, !k)),
                8 => v.time(clock.at(k << 40)),
                9 => v.text(&text, 32),
                10 => v.text_and_word(&text, 32, u64::MAX / 255 * 0x61, 8),
                _ => {
                    v.byte(b'!');
                    let (to, n) = (w.position(), (k % 33) as usize);
                    w.room()?.after(&text, 0).again(to.saturating_sub(n)..to);
                    w.room()?.after(&text, 0).bytes(&text[..n]);
                    w.aside(|w| w.bytes(&[b'-'; 200][..k as usize % 200]))?;
                }
            }
        }
        Some(())
    }

    #[test]
    fn digits_of_several_numbers_are_those_of_each() {
        let mut numbers = [0, 9_999_999, 1, 10, 99, 100, 9_999, 10_000];
        for round in 0..50_000_u64 {
            let digits = Digits::of(&numbers);
            for (number, digits) in numbers.iter().zip(digits) {
                let decimals = (round % 7) as u8;
                let (mut one, mut other) = (Vec::new(), Vec::new());
                let mut bounded = Bounded::new(&mut one);
                let room = bounded.room().unwrap();
                room.after(&[0; TEXT], 0).digits(digits, decimals);
                bounded.finish();
                let mut writer = Writer::new(&mut other);
                writer.decimal(*number, decimals);
                writer.finish();
                assert_eq!(one, other, "{number} with {decimals}");
                assert_ne!(digits, Digits::NONE);
            }
            numbers =
                std::array::from_fn(|k| (crate::mix(8 * round + k as u64) % 10_000_000) as i64);
        }
        let numbers = [0, -1, 9_999_999, 10_000_000, i64::MIN, i64::MAX, 1 << 32, 5];
        let none = Digits::of(&numbers).map(|digits| digits == Digits::NONE);
        assert_eq!(
            none,
            numbers.map(|number| !(0..10_000_000).contains(&number))
        );
    }

    #[test]
    fn a_record_is_written_again_until_there_is_room() {
        let mut clock = crate::Clock::new();
        let mut large = Vec::with_capacity(1 << 20);
        let mut writer = Bounded::new(&mut large);
        assert_eq!(pieces(&mut writer, &mut clock, 600), Some(()));
        writer.finish();
        assert!(large.len() > 20_000);
        // With every room that there may be before it.
        for before in 0..200 {
            let mut buf = vec![b'.'; before];
            let mut times = 0;
            loop {
                let mut writer = Bounded::new(&mut buf);
                if pieces(&mut writer, &mut clock, 600).is_some() {
                    break writer.finish();
                }
                writer.more();
                times += 1;
            }
            assert!((1..20).contains(&times), "{times} times");
            assert!(buf[..before].iter().all(|byte| *byte == b'.'));
            assert!(buf[before..] == large, "after {before}");
        }
    }
}
