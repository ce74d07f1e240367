//! Numbers as JavaScript writes them: `String(x)`, and `x.toFixed(decimals)`.

use wellhead_sdk::Writer;

/// Beyond this, a number isn't exact.
const MOST: f64 = 9_007_199_254_740_991.0;

/// The text of a number, with so many decimals where it is to have them. False: it can't be told here, and nothing
/// was written.
#[inline(always)]
pub(crate) fn float(writer: &mut Writer<'_>, number: f64, decimals: Option<u8>) -> bool {
    match decimals {
        Some(decimals) => fixed(writer, number, decimals),
        None if number.trunc() == number && number.abs() <= MOST => {
            writer.i64(number as i64);
            true
        }
        None => shortest(writer, number),
    }
}

/// The text of a whole number.
#[inline(always)]
pub(crate) fn int(writer: &mut Writer<'_>, number: i32, decimals: Option<u8>) {
    writer.i64(i64::from(number));
    if let Some(decimals @ 1..) = decimals {
        writer.bytes(&b".000000000000000"[..=usize::from(decimals).min(15)]);
    }
}

/// The fewest digits that say which number it is, where they are written without an exponent.
fn shortest(writer: &mut Writer<'_>, number: f64) -> bool {
    let plain = (1e-5..1e15).contains(&number.abs());
    if plain {
        writer.bytes(zmij::Buffer::new().format_finite(number).as_bytes());
    }
    plain
}

/// `toFixed` is exact: the number is rounded as it is, not as it is written, half away from zero. Multiplied, it is no
/// more exact, but off by less than its last bit: which only matters close to a half.
#[inline(always)]
fn fixed(writer: &mut Writer<'_>, number: f64, decimals: u8) -> bool {
    const POWERS: [f64; 8] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7];
    let Some(power) = POWERS.get(usize::from(decimals)) else {
        return false;
    };
    let units = number.abs() * power;
    // So that the error of the product is far below what is asked of it here.
    if units >= 1e14 || units.is_nan() {
        return false;
    }
    let down = units.trunc();
    let rest = units - down;
    if (rest - 0.5).abs() < 1.0 / 16.0 {
        return false;
    }
    let units = down as i64 + i64::from(rest > 0.5);
    if number < 0.0 {
        writer.byte(b'-');
    }
    writer.decimal(units, decimals);
    true
}
