//! Arithmetic that is the same to the bit everywhere.

use super::Failure;

/// Operations on two numbers that aren't worth an operation of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arith {
    Remainder,
    Power,
    Least,
    Most,
    AtMost,
    Same,
    Other,
}

/// Operations on one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Negative,
    Absolute,
    Floor,
    Ceiling,
    Root,
    Exponential,
    Logarithm,
    Sine,
    Cosine,
    Not,
}

/// Powers of ten, as far as decimals go.
pub(crate) const TENS: [f64; 8] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7];

/// The largest magnitude that [`ROUND`] is for.
pub(super) const WHOLE: f64 = (1_u64 << 51) as f64;
/// What is added to this has no bits left below one, and the lowest of what has are its own.
pub(super) const ROUND: f64 = (3_u64 << 51) as f64;

/// The same as [`nearest`] for what is below [`WHOLE`], with no branch.
#[inline(always)]
pub(super) fn nearest_small(x: f64) -> f64 {
    let even = x + ROUND - ROUND;
    let off = x - even;
    // Halves went to the even side, which for some of them is that of zero.
    let up = if off >= 0.5 && x > 0.0 { 1.0 } else { 0.0 };
    let down = if off <= -0.5 && x < 0.0 { 1.0 } else { 0.0 };
    even + up - down
}

/// What is next to a whole number, as one. False for what isn't, or is above [`WHOLE`]: halves may
/// be off by one.
#[inline(always)]
pub(super) fn even_units(x: f64) -> (i64, bool) {
    let rounded = x + ROUND;
    let units = rounded.to_bits().wrapping_sub(ROUND.to_bits()) as i64;
    let near = (x - (rounded - ROUND)).abs() < 0.5;
    (units, near && x.abs() < WHOLE)
}

/// The same as [`nearest_small`], as a whole number.
#[inline(always)]
pub(super) fn small_units(x: f64) -> i64 {
    let units = (nearest_small(x) + ROUND).to_bits();
    units.wrapping_sub(ROUND.to_bits()) as i64
}

/// To the nearest whole number, halves away from zero.
#[inline(always)]
pub(super) fn nearest(x: f64) -> f64 {
    // From 2⁵² on every number is whole, and null is none.
    if x.is_nan() || x.abs() >= 4_503_599_627_370_496.0 {
        return x;
    }
    let whole = x as i64 as f64;
    match (x - whole).abs() >= 0.5 {
        true => whole + 1.0_f64.copysign(x),
        false => whole,
    }
}

#[inline(always)]
pub(super) const fn truth(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

/// Null is the same as null, and as nothing else.
pub(super) fn same(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

pub(super) fn two(what: Arith, a: f64, b: f64) -> Result<f64, Failure> {
    Ok(match what {
        Arith::Remainder if b == 0.0 => return Err(Failure::Zero),
        Arith::Remainder => libm::fmod(a, b),
        Arith::Power => return finite(libm::pow(a, b)),
        Arith::Least if b < a => b,
        Arith::Most if b > a => b,
        Arith::Least | Arith::Most => a,
        Arith::AtMost => truth(a <= b),
        Arith::Same => truth(same(a, b)),
        Arith::Other => truth(!same(a, b)),
    })
}

pub(super) fn one(what: Unary, a: f64) -> Result<f64, Failure> {
    Ok(match what {
        Unary::Negative => -a,
        Unary::Absolute => a.abs(),
        Unary::Floor => a.floor(),
        Unary::Ceiling => a.ceil(),
        Unary::Root if a < 0.0 => return Err(Failure::Root),
        Unary::Root => a.sqrt(),
        Unary::Exponential => return finite(libm::exp(a)),
        Unary::Logarithm if a <= 0.0 => return Err(Failure::Logarithm),
        Unary::Logarithm => libm::log(a),
        Unary::Sine => libm::sin(a),
        Unary::Cosine => libm::cos(a),
        Unary::Not => 1.0 - a,
    })
}

fn finite(x: f64) -> Result<f64, Failure> {
    match x.is_finite() {
        true => Ok(x),
        false => Err(Failure::Beyond),
    }
}

#[cfg(test)]
mod tests {
    use super::{WHOLE, nearest, nearest_small};

    #[test]
    fn halves_go_away_from_zero_and_nothing_else_does() {
        for (x, rounded) in [
            (2.5, 3.0),
            (-2.5, -3.0),
            (2.4, 2.0),
            (0.499_999_999_999_999_94, 0.0),
            (4_503_599_627_370_497.5, 4_503_599_627_370_498.0),
            (9_007_199_254_740_991.0, 9_007_199_254_740_991.0),
            (-1e300, -1e300),
            (-0.4, 0.0),
            (-0.0, 0.0),
            (0.5, 1.0),
            (-0.5, -1.0),
            (1.5, 2.0),
            (-3.5, -4.0),
            (1_125_899_906_842_624.5, 1_125_899_906_842_625.0),
            (-1_125_899_906_842_625.5, -1_125_899_906_842_626.0),
        ] {
            assert_eq!(nearest(x), rounded, "{x}");
            if x.abs() < WHOLE {
                assert_eq!(nearest_small(x).to_bits(), nearest(x).to_bits(), "{x}");
            }
        }
        // Null stays null, and what is beyond stays beyond.
        assert!(nearest(f64::INFINITY).is_infinite() && nearest(f64::NAN).is_nan());
    }
}
