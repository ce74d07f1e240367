//! Numbers without loops: eight decimal digits at once, in the bytes of one word.

use super::Writer;

const ASCII_ZEROS: u64 = 0x3030_3030_3030_3030;
const ONES: u64 = 0x0101_0101_0101_0101;
const TEN_8: u64 = 100_000_000;

/// Eight decimal digits of `v` (below 10⁸), the most significant in the lowest byte, each 0 to 9.
#[inline(always)]
pub(super) const fn digits8(v: u32) -> u64 {
    let v = v as u64;
    let high = (v * 3_518_437_209) >> 45; // v / 10000
    let x = high | ((v - high * 10_000) << 32);
    let hundreds = ((x * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let y = hundreds | ((x - hundreds * 100) << 16);
    let tens = ((y * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((y - tens * 10) << 8)
}

/// The same for several numbers at once, in 32 bits each half, which a vector has four of. What isn't
/// below 10⁸ gives anything.
#[inline(always)]
pub(super) fn digits8_each<const N: usize>(numbers: &[u32; N]) -> [u64; N] {
    let halves = numbers.map(|v| {
        let high = ((u64::from(v) * 3_518_437_209) >> 45) as u32;
        [high, v.wrapping_sub(high.wrapping_mul(10_000))]
    });
    let halves = halves.map(|halves| {
        halves.map(|x| {
            let hundreds = x.wrapping_mul(10_486) >> 20;
            let y = hundreds | x.wrapping_sub(hundreds.wrapping_mul(100)) << 16;
            let tens = (y.wrapping_mul(103) >> 10) & 0x000f_000f;
            tens | y.wrapping_sub(tens.wrapping_mul(10)) << 8
        })
    });
    halves.map(|[high, low]| u64::from(high) | u64::from(low) << 32)
}

/// The same as text.
#[inline(always)]
pub(super) const fn text8(v: u32) -> u64 {
    digits8(v) | ASCII_ZEROS
}

/// Eight lower-case hexadecimal digits of `v`, the most significant in the lowest byte.
#[inline(always)]
const fn hex8(v: u32) -> u64 {
    let mut x = v.swap_bytes() as u64;
    x = (x | x << 16) & 0x0000_ffff_0000_ffff;
    x = (x | x << 8) & 0x00ff_00ff_00ff_00ff;
    x = ((x >> 4) & 0x000f_000f_000f_000f) | ((x & 0x000f_000f_000f_000f) << 8);
    let letters = ((x + ONES * 6) >> 4) & ONES;
    x + ASCII_ZEROS + letters * 39
}

const fn small_numbers() -> [[u8; 4]; 256] {
    let mut table = [[0; 4]; 256];
    let mut i = 0;
    while i < 256 {
        let digits = [
            (i / 100) as u8 + b'0',
            (i / 10 % 10) as u8 + b'0',
            (i % 10) as u8 + b'0',
        ];
        table[i] = match i {
            100.. => [digits[0], digits[1], digits[2], 3],
            10.. => [digits[1], digits[2], 0, 2],
            _ => [digits[2], 0, 0, 1],
        };
        i += 1;
    }
    table
}
/// The text of 0 to 255 in three bytes; the fourth is its length.
static SMALL_NUMBERS: [[u8; 4]; 256] = small_numbers();

impl<const CHECKED: bool> Writer<'_, CHECKED> {
    /// A whole number below 256.
    #[inline(always)]
    pub fn u8(&mut self, v: u8) {
        let text = SMALL_NUMBERS[v as usize];
        self.word64(u64::from(u32::from_le_bytes(text)), text[3] as usize & 3);
    }

    /// A whole number.
    #[inline(always)]
    pub fn u32(&mut self, v: u32) {
        // SAFETY: at most ten bytes, within the slack.
        unsafe {
            if u64::from(v) < TEN_8 {
                self.up_to_8(v);
            } else {
                self.up_to_8(v / TEN_8 as u32);
                self.exactly_8(v % TEN_8 as u32);
            }
            self.advance(0);
        }
    }

    /// A whole number.
    #[inline(always)]
    pub fn u64(&mut self, v: u64) {
        // SAFETY: at most twenty bytes, within the slack.
        unsafe {
            if v < TEN_8 {
                self.up_to_8(v as u32);
            } else {
                let high = v / TEN_8;
                let low = (v - high * TEN_8) as u32;
                if high < TEN_8 {
                    self.up_to_8(high as u32);
                } else {
                    let top = high / TEN_8;
                    self.up_to_8(top as u32);
                    self.exactly_8((high - top * TEN_8) as u32);
                }
                self.exactly_8(low);
            }
            self.advance(0);
        }
    }

    /// A whole number, with its sign where it is negative.
    #[inline(always)]
    pub fn i64(&mut self, v: i64) {
        self.minus(v < 0);
        self.u64(v.unsigned_abs());
    }

    /// A minus sign, or nothing.
    #[inline(always)]
    fn minus(&mut self, negative: bool) {
        self.word64(u64::from(b'-'), usize::from(negative));
    }

    /// Eight digits with leading zeros, of a number below 10⁸.
    #[inline(always)]
    pub fn digits8(&mut self, v: u32) {
        self.word64(text8(v), 8);
    }

    /// One to eight digits, without restoring the invariant.
    ///
    /// # Safety
    /// At most `SLACK - 8` bytes since the last check.
    #[inline(always)]
    unsafe fn up_to_8(&mut self, v: u32) {
        let digits = digits8(v);
        let zeros = (digits | 1 << 56).trailing_zeros() & 56; // bits of leading zeros
        // SAFETY: the caller's.
        unsafe {
            self.store64(0, (digits | ASCII_ZEROS) >> zeros);
            self.p = self.p.add(8 - (zeros as usize >> 3));
        }
    }

    /// Eight digits, without restoring the invariant.
    ///
    /// # Safety
    /// At most `SLACK - 8` bytes since the last check.
    #[inline(always)]
    unsafe fn exactly_8(&mut self, v: u32) {
        // SAFETY: the caller's.
        unsafe {
            self.store64(0, text8(v));
            self.p = self.p.add(8);
        }
    }

    /// Hundredths as a number with two decimals: 123456 is `1234.56`.
    #[inline(always)]
    pub fn cents(&mut self, v: u32) {
        if v >= 10_000_000 {
            return self.fixed::<2>(i64::from(v));
        }
        self.digits(digits8(v), 2);
    }

    /// A number in units of 10⁻ᴰ, with `D` decimals, 1 to 7: for 2, -5 is `-0.05`.
    #[inline(always)]
    pub fn fixed<const D: u32>(&mut self, v: i64) {
        const { assert!(D >= 1 && D <= 7) }
        let unit = const { 10_u64.pow(D) };
        self.minus(v < 0);
        let magnitude = v.unsigned_abs();
        let whole = magnitude / unit;
        self.u64(whole);
        let decimals = text8((magnitude - whole * unit) as u32) >> (8 * (8 - D));
        self.word64(u64::from(b'.') | decimals << 8, D as usize + 1);
    }

    /// The same where only the running program knows how many decimals there are, 0 to 7.
    #[inline(always)]
    pub fn decimal(&mut self, v: i64, decimals: u8) {
        let magnitude = v.unsigned_abs();
        if magnitude >= 10_000_000 || decimals > 6 {
            return self.aside(|w| w.long_decimal(v, decimals));
        }
        // SAFETY: a sign and what follows are 9 bytes at most, within the slack; the advance below
        // looks at the room left.
        unsafe {
            *self.p = b'-';
            self.p = self.p.add(usize::from(v < 0));
        }
        self.digits(digits8(magnitude as u32), decimals.into());
    }

    /// The digits of a number below 10⁷, so many of which, 0 to 6, are decimals.
    #[inline(always)]
    pub(super) fn digits(&mut self, digits: u64, decimals: u32) {
        // At least one digit stays before the point.
        let zeros = (digits | 1 << (56 - 8 * decimals)).trailing_zeros() & 56;
        let text = (digits | ASCII_ZEROS) >> zeros;
        let whole = 64 - 8 * decimals - zeros; // bits of the digits before the point
        let mask = (1 << whole) - 1;
        let text = (text & mask) | u64::from(b'.') << whole | (text & !mask) << 8;
        // Without decimals the point is what is left out.
        let point = usize::from(decimals > 0);
        self.word64(text, 8 - (zeros as usize >> 3) + point);
    }

    #[inline(never)]
    fn long_decimal(&mut self, v: i64, decimals: u8) {
        match decimals {
            0 => self.i64(v),
            1 => self.fixed::<1>(v),
            2 => self.fixed::<2>(v),
            3 => self.fixed::<3>(v),
            4 => self.fixed::<4>(v),
            5 => self.fixed::<5>(v),
            6 => self.fixed::<6>(v),
            _ => self.fixed::<7>(v),
        }
    }

    /// The 36 characters of a version 4 UUID made of 128 random bits.
    #[inline(always)]
    pub fn uuid(&mut self, high: u64, low: u64) {
        let high = high & !0xf000 | 0x4000;
        let low = low & !(0xc000 << 48) | 0x8000 << 48;
        let (a, b) = (hex8((high >> 32) as u32), hex8(high as u32));
        let (c, d) = (hex8((low >> 32) as u32), hex8(low as u32));
        let dash = u64::from(b'-');
        // SAFETY: 36 bytes, all stored, within the slack.
        unsafe {
            self.store64(0, a);
            self.store64(8, dash | b << 8);
            self.store64(13, dash | (b >> 32) << 8);
            self.store64(18, dash | c << 8);
            self.store64(23, dash | (c >> 32) << 8);
            self.store64(28, d);
            self.advance(36);
        }
    }

    /// A card number: `first` (the digits without the last, below 10¹⁵) and the digit that makes
    /// it pass the Luhn check, 16 digits in all, or 15 where `short` (`first` is then below 10¹⁴).
    #[inline(always)]
    pub fn pan(&mut self, first: u64, short: bool) {
        let v = first.wrapping_mul(10);
        let high = v / TEN_8;
        let (x, y) = (
            digits8((high % TEN_8) as u32),
            digits8((v - high * TEN_8) as u32),
        );
        // Every second digit counts twice, and 9 less where that has two digits.
        let weighted = |d: u64| {
            let e = d + (d & 0x00ff_00ff_00ff_00ff);
            e - 9 * ((e + ONES * 118) >> 7 & ONES)
        };
        let sum = (weighted(x) + weighted(y)).wrapping_mul(ONES) >> 56;
        let y = y + (((10 - sum % 10) % 10) << 56);
        let skip = usize::from(short);
        // SAFETY: 15 or 16 bytes, all stored, within the slack.
        unsafe {
            self.store64(0, (x | ASCII_ZEROS) >> (8 * skip));
            self.store64(8 - skip, y | ASCII_ZEROS);
            self.advance(16 - skip);
        }
    }
}
