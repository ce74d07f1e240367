//! Numbers of a sample.

use std::collections::BTreeMap;

use serde_json::{Number, Value, json};

use super::node::Node;

/// Different values that are counted.
const MOST: usize = 2_000;
/// So few different values, and so often each: they are all there are.
const FEW: usize = 12;
const OFTEN: u64 = 8;
/// Values that a shape is told from.
const SHAPE: usize = 50;
/// Milliseconds and seconds since 1970 that a time of our days has.
const MILLIS: std::ops::Range<i64> = 946_684_800_000..4_102_444_800_000;
const SECONDS: std::ops::Range<i64> = 946_684_800..4_102_444_800;
/// What `template` gives at most.
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// What was seen.
#[derive(Default)]
pub(super) struct Numbers {
    values: Vec<f64>,
    decimals: usize,
    /// By what stands there, with how often.
    different: BTreeMap<String, (Value, u64)>,
    /// From each to the next, while that stays alike.
    step: Option<f64>,
    uneven: bool,
}

impl Numbers {
    pub fn count(&self) -> u64 {
        self.values.len() as u64
    }

    pub fn look(&mut self, number: &Number) {
        let text = number.to_string();
        let Some(value) = number.as_f64() else {
            return;
        };
        let decimals = match text.split_once('.') {
            Some((_, after)) if !after.contains(['e', 'E']) => after.trim_end_matches('0').len(),
            _ => 0,
        };
        let exponent = text.contains(['e', 'E']) && value.fract() != 0.0;
        self.decimals = self.decimals.max(if exponent { 7 } else { decimals });
        if let Some(last) = self.values.last() {
            let step = value - last;
            self.uneven |= step == 0.0 || self.step.is_some_and(|known| known != step);
            self.step = Some(step);
        }
        self.values.push(value);
        if self.different.len() < MOST {
            let seen = self
                .different
                .entry(text)
                .or_insert((Value::Number(number.clone()), 0));
            seen.1 += 1;
        }
    }

    pub fn node(&self, name: &str) -> Node {
        let count = self.count();
        let different = self.different.len();
        if let (1, Some((value, _))) = (different, self.different.values().next()) {
            return match count {
                1 => Node::guessed(value.clone(), "there was one record"),
                _ => Node::known(value.clone()),
            };
        }
        let whole = self.decimals == 0;
        if let (true, false, true, Some(step), Some(first)) = (
            whole,
            self.uneven,
            count > 2,
            self.step,
            self.values.first(),
        ) {
            let (from, step) = (*first as i64, step as i64);
            return Node::guessed(
                json!({ "$sequence": { "from": from, "step": step } }),
                "it counted on",
            );
        }
        if different <= FEW && count >= OFTEN * different as u64 {
            let values = self
                .different
                .values()
                .map(|(value, count)| (value, *count));
            return Node::known(Node::choice(values));
        }
        let mut sorted = self.values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let within = |range: &std::ops::Range<i64>| {
            let (least, most) = (sorted.first().copied(), sorted.last().copied());
            whole && least >= Some(range.start as f64) && most < Some(range.end as f64)
        };
        for (range, format) in [(MILLIS, "unix_ms"), (SECONDS, "unix_s")] {
            if within(&range) && (format == "unix_ms" || timely(name)) {
                let value = json!({ "$time": { "format": format } });
                return Node::guessed(value, "its values are times of our days");
            }
        }
        self.spread(&sorted, name)
    }

    /// A range, and how values lie in it.
    fn spread(&self, sorted: &[f64], name: &str) -> Node {
        let (Some(&least), Some(&most)) = (sorted.first(), sorted.last()) else {
            return Node::known(Value::Null);
        };
        let (least, most) = (least.max(-LARGEST), most.min(LARGEST));
        let whole = self.decimals == 0;
        let count = sorted.len();
        let once = self.different.len() == count && count >= SHAPE;
        if whole && once && (name == "id" || name.ends_with("_id") || name.ends_with("Id")) {
            let value = json!({ "$unique": { "min": least as i64, "max": most as i64 } });
            return Node::guessed(value, "none came twice");
        }
        let number = |value: f64| match whole {
            true => Value::from(value as i64),
            false => Value::from(rounded(value, self.decimals.min(7) as i32)),
        };
        let mut options = json!({ "min": number(least), "max": number(most) });
        if !whole && self.decimals != 2 {
            options["decimals"] = Value::from(self.decimals.min(7));
        }
        let operator = if whole { "$int" } else { "$float" };
        let shape = (count >= SHAPE).then(|| shape(sorted)).flatten();
        let why = match shape {
            None if count < SHAPE => format!("the range of {count} values"),
            None => "the range that was seen".to_owned(),
            Some(Shape::Bell { mean, deviation }) => {
                options["distribution"] = Value::from("normal");
                options["mean"] = number(mean);
                options["deviation"] = Value::from(rounded(deviation, 3));
                "most lay around the middle".to_owned()
            }
            Some(Shape::Skewed { median, sigma }) => {
                options["distribution"] = Value::from("log-normal");
                options["median"] = number(median);
                options["sigma"] = Value::from(rounded(sigma, 2));
                "few were much larger than the rest".to_owned()
            }
        };
        Node::guessed(json!({ operator: options }), why)
    }
}

enum Shape {
    Bell { mean: f64, deviation: f64 },
    Skewed { median: f64, sigma: f64 },
}

/// How values lie between their least and their largest, by their quantiles; none where they lie evenly.
fn shape(sorted: &[f64]) -> Option<Shape> {
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    let range = at(1.0) - at(0.0);
    let half = at(0.75) - at(0.25);
    // Of what lies evenly, the middle half of the values takes half of the range.
    if range <= 0.0 || half / range > 0.4 {
        return None;
    }
    let (low, median, high) = (at(0.16), at(0.5), at(0.84));
    let deviation = (high - low) / 2.0;
    // One deviation up and down: of a bell alike, of a log-normal e^sigma times and divided.
    if low > 0.0 && high / median > 1.3 && (high - median) > 1.5 * (median - low) {
        let sigma = libm::log(high / low) / 2.0;
        return Some(Shape::Skewed { median, sigma });
    }
    let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
    let even = (median - mean).abs() < deviation / 2.0 && deviation > 0.0;
    even.then_some(Shape::Bell { mean, deviation })
}

fn rounded(value: f64, decimals: i32) -> f64 {
    let unit = (0..decimals).fold(1.0, |unit, _| unit * 10.0);
    (value * unit).round() / unit
}

fn timely(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["time", "date", "created", "updated", "_at", "timestamp"]
        .iter()
        .any(|part| name.contains(part))
        || name == "ts"
        || name == "at"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, values: impl Iterator<Item = Value>) -> Value {
        let mut numbers = Numbers::default();
        for value in values {
            numbers.look(value.as_number().unwrap());
        }
        numbers.node(name).value()
    }

    #[test]
    fn shapes_are_told_apart() {
        // A generator of numbers, and twelve of them added up: a bell.
        let mut state = 5u64;
        let mut draw = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as f64 / f64::from(1u32 << 31)
        };
        let mut bell = || (0..12).map(|_| draw()).sum::<f64>() - 6.0;
        let bells: Vec<f64> = (0..2_000).map(|_| bell()).collect();
        let normal = node(
            "x",
            bells
                .iter()
                .map(|b| json!((40.0 + 12.0 * b).round() as i64)),
        );
        assert_eq!(normal["$int"]["distribution"], "normal", "{normal}");
        assert!((10.0..14.0).contains(&normal["$int"]["deviation"].as_f64().unwrap()));
        let skewed = node(
            "x",
            bells
                .iter()
                .map(|b| json!((libm::exp(3.0 + 0.8 * b) * 100.0).round() / 100.0)),
        );
        assert_eq!(skewed["$float"]["distribution"], "log-normal", "{skewed}");
        assert!((0.7..0.9).contains(&skewed["$float"]["sigma"].as_f64().unwrap()));
        let even = node("x", (0..2_000).map(|i| json!(i * 7919 % 2_003)));
        assert_eq!(even["$int"]["distribution"], Value::Null, "{even}");
        let times = node("ts", (0..50).map(|i| json!(1_700_000_000_000i64 + i * i)));
        assert_eq!(times, json!({"$time": {"format": "unix_ms"}}));
        let ids = node("customer_id", (0..60).map(|i| json!(i * 7919 % 10_007)));
        assert_eq!(ids["$unique"]["min"], 0);
    }
}
