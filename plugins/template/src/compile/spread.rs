//! `$int` and `$float`: how numbers are spread over their range.

use libm::{erfc, exp, log};
use serde_json::{Value, json};
use std::f64::consts::SQRT_2;
use wellhead_sdk::Error;
use wellhead_sdk::dist::{Curve, Weighted, normal_quantile};

use super::operators::upright;
use super::{At, Compiler};
use crate::number::{How, Scaled};
use crate::options::{EXACT, Options, wrong};
use crate::program::What;

/// What `$int` knows.
pub(super) const INT: [&str; 8] = [
    "min",
    "max",
    "distribution",
    "mean",
    "deviation",
    "median",
    "sigma",
    "exponent",
];
/// What `$float` knows.
pub(super) const FLOAT: [&str; 8] = [
    "min",
    "max",
    "distribution",
    "decimals",
    "mean",
    "deviation",
    "median",
    "sigma",
];
/// Distributions, each with the options that are its own.
const DISTRIBUTIONS: [(&str, &[&str]); 5] = [
    ("uniform", &[]),
    ("normal", &["mean", "deviation"]),
    ("log-normal", &["median", "sigma"]),
    ("exponential", &["mean"]),
    ("zipf", &["exponent"]),
];
/// Values that `zipf` may choose from, since each takes room in a table.
const RANKS: i64 = 100_000;
/// The least share of a distribution that has to lie in the range.
const LEAST: f64 = 1e-9;
/// Steps of a curve over its whole range, as a power of two.
const STEPS: u32 = 30;

/// A range in whole units of 10⁻ᵈ.
#[derive(Clone, Copy)]
struct Range {
    low: i64,
    high: i64,
    /// Units in one.
    unit: f64,
}

impl Range {
    fn span(self) -> u64 {
        (self.high - self.low) as u64 + 1
    }

    /// Whether all of it is from 0 to what a `u32` holds.
    fn is_natural(self) -> bool {
        self.low >= 0 && self.high <= i64::from(u32::MAX)
    }
}

/// A distribution that isn't cut off yet.
#[derive(Clone, Copy)]
enum Shape {
    Normal { mean: f64, deviation: f64 },
    LogNormal { median: f64, sigma: f64 },
    Exponential { from: f64, mean: f64 },
}

impl Shape {
    /// The share of its values below `x`.
    fn below(self, x: f64) -> f64 {
        let normal = |z: f64| 0.5 * erfc(-z / SQRT_2);
        match self {
            Shape::Normal { mean, deviation } => normal((x - mean) / deviation),
            Shape::LogNormal { .. } if x <= 0.0 => 0.0,
            Shape::LogNormal { median, sigma } => normal(log(x / median) / sigma),
            Shape::Exponential { from, mean } => 1.0 - exp(-(x - from).max(0.0) / mean),
        }
    }

    /// The value below which the share `p` of its values lies.
    fn quantile(self, p: f64) -> f64 {
        let p = p.clamp(1e-12, 1.0 - 1e-12);
        match self {
            Shape::Normal { mean, deviation } => mean + deviation * normal_quantile(p),
            Shape::LogNormal { median, sigma } => median * exp(sigma * normal_quantile(p)),
            Shape::Exponential { from, mean } => from - mean * log(1.0 - p),
        }
    }
}

impl Compiler<'_> {
    pub(super) fn int(&mut self, at: &At, options: &Options<'_>) -> Result<Value, Error> {
        let low = options.needed("min", options.whole("min")?)?;
        let high = options.needed("max", options.whole("max")?)?;
        upright(options.place, low, high)?;
        let range = Range {
            low,
            high,
            unit: 1.0,
        };
        let how = self.how(options, range)?;
        let what = match (how, u8::try_from(low), u8::try_from(high)) {
            (How::Even { span, .. }, Ok(low), Ok(_)) => What::Small(low, span),
            _ if range.is_natural() => What::Natural(how),
            _ => What::Whole(how),
        };
        self.step(&at.path, what, 17);
        Ok(json!({"type": "integer", "minimum": low, "maximum": high}))
    }

    pub(super) fn float(&mut self, at: &At, options: &Options<'_>) -> Result<Value, Error> {
        let place = options.place;
        let least = options.needed("min", options.number("min")?)?;
        let most = options.needed("max", options.number("max")?)?;
        if least > most {
            return Err(wrong(
                place,
                format!(
                    "`min` is {least}, which is above `max`, {most}; write {{min: {most}, max: \
                     {least}}}"
                ),
            ));
        }
        let decimals = options.count("decimals", 0, 7)?.unwrap_or(2);
        let unit = f64::from(10_u32.pow(decimals));
        let limit = EXACT as f64 / unit;
        if least < -limit || most > limit {
            return Err(wrong(
                place,
                format!(
                    "with {decimals} decimals `min` and `max` have to be between -{limit} and \
                     {limit}; write a smaller range or fewer decimals"
                ),
            ));
        }
        let (low, high) = (
            units(least * unit, libm::ceil),
            units(most * unit, libm::floor),
        );
        if low > high {
            return Err(wrong(
                place,
                format!(
                    "no number of {decimals} decimals is between {least} and {most}; write more `decimals`"
                ),
            ));
        }
        let range = Range { low, high, unit };
        let how = self.how(options, range)?;
        let what = match decimals {
            2 if range.is_natural() => What::Cents(how),
            _ => What::Decimal(how, decimals as u8),
        };
        self.step(&at.path, what, 20);
        Ok(json!({"type": "number", "minimum": least, "maximum": most}))
    }

    /// How numbers of a range are drawn.
    fn how(&mut self, options: &Options<'_>, range: Range) -> Result<How, Error> {
        let names = DISTRIBUTIONS.map(|(name, _)| name);
        let chosen = DISTRIBUTIONS[options.one_of("distribution", &names)?];
        self.check_own(options, chosen)?;
        let shape = match chosen.0 {
            "uniform" => return Ok(even(range)),
            "zipf" => return self.zipf(options, range),
            "normal" => normal(options, range)?,
            "log-normal" => Shape::LogNormal {
                median: options.needed("median", options.positive("median")?)?,
                sigma: options.needed("sigma", options.positive("sigma")?)?,
            },
            _ => exponential(options, range)?,
        };
        self.curve(options.place, shape, range)
    }

    /// No option of another distribution is there.
    fn check_own(&self, options: &Options<'_>, chosen: (&str, &[&str])) -> Result<(), Error> {
        let others = DISTRIBUTIONS
            .iter()
            .flat_map(|(name, own)| own.iter().map(move |o| (*name, *o)));
        for (name, option) in others {
            if options.get(option).is_some() && !chosen.1.contains(&option) {
                return Err(wrong(
                    options.place,
                    format!(
                        "`{option}` says nothing of the distribution `{}`; leave it out, or write \
                         {{distribution: {name}}}",
                        chosen.0
                    ),
                ));
            }
        }
        Ok(())
    }

    fn zipf(&mut self, options: &Options<'_>, range: Range) -> Result<How, Error> {
        let (low, high) = (range.low, range.high);
        let exponent = options.positive("exponent")?.unwrap_or(1.0);
        if range.unit != 1.0 || high - low >= RANKS {
            return Err(wrong(
                options.place,
                format!(
                    "`zipf` is for at most {RANKS} whole numbers; write a smaller range, or \
                     another distribution"
                ),
            ));
        }
        let table = Weighted::zipf(range.span() as u32, exponent.min(50.0));
        self.program.numbers.ranks.extend(table);
        let ranks = self.program.numbers.ranks.len() as u32 - 1;
        Ok(How::Zipf { ranks, low })
    }

    /// A curve over the part of a distribution that lies in the range, so that nothing piles up at
    /// its ends.
    fn curve(&mut self, place: &str, shape: Shape, range: Range) -> Result<How, Error> {
        // A number stands for all that is rounded to it: half a unit on each side.
        let edge = |units: f64| units / range.unit;
        let (first, end) = (range.low as f64 - 0.5, range.high as f64 + 0.5);
        let (from, to) = (shape.below(edge(first)), shape.below(edge(end)));
        if to - from < LEAST {
            return Err(wrong(
                place,
                "almost nothing of the distribution is between `min` and `max`; write a range \
                 around its middle",
            ));
        }
        let bits = 64 - (range.span() - 1).leading_zeros();
        let (fine, coarse) = (STEPS.saturating_sub(bits), bits.saturating_sub(STEPS));
        let steps = f64::from(1_u32 << fine) / (1_u64 << coarse) as f64;
        let curve = Curve::new(|p| {
            let units = shape.quantile(from + (to - from) * p) * range.unit;
            (units.clamp(first, end) - first) * steps
        });
        self.program.numbers.curves.push(Scaled {
            curve,
            fine,
            coarse,
        });
        Ok(How::Curve {
            curve: self.program.numbers.curves.len() as u32 - 1,
            low: range.low,
            most: range.span() - 1,
        })
    }
}

fn even(range: Range) -> How {
    let low = range.low;
    match u32::try_from(range.span()) {
        Ok(span) => How::Even { low, span },
        Err(_) => How::Wide {
            low,
            span: range.span(),
        },
    }
}

/// Around the middle of the range, which is six deviations wide, unless it is said.
fn normal(options: &Options<'_>, range: Range) -> Result<Shape, Error> {
    let (low, high) = (
        range.low as f64 / range.unit,
        range.high as f64 / range.unit,
    );
    Ok(Shape::Normal {
        mean: options.number("mean")?.unwrap_or(low / 2.0 + high / 2.0),
        deviation: match options.positive("deviation")? {
            Some(deviation) => deviation,
            None => ((high - low) / 6.0).max(1.0 / range.unit),
        },
    })
}

/// From `min` on, with the mean given.
fn exponential(options: &Options<'_>, range: Range) -> Result<Shape, Error> {
    let from = (range.low as f64 - 0.5) / range.unit;
    let mean = options.needed("mean", options.number("mean")?)?;
    let low = range.low as f64 / range.unit;
    if mean <= low {
        return Err(wrong(
            options.place,
            format!("`mean` is {mean}, and has to be above `min`, {low}"),
        ));
    }
    Ok(Shape::Exponential {
        from,
        mean: mean - from,
    })
}

/// Whole units: what is next to a whole number is it, since 0.57 × 100 is a little less than 57.
fn units(exact: f64, otherwise: impl Fn(f64) -> f64) -> i64 {
    let near = libm::round(exact);
    match (exact - near).abs() <= 1e-9 * near.abs().max(1.0) {
        true => near as i64,
        false => otherwise(exact) as i64,
    }
}
