//! References to the records of another `template`: a field of one of its first records, where that
//! follows from the record's number.

use serde_json::{Map, Value, json};
use wellhead_sdk::Error;

use super::operators::upright;
use super::{At, Compiler, operator};
use crate::options::{EXACT, Options, wrong};
use crate::program::{Elsewhere, What};
use crate::unique::Permutation;

impl Compiler<'_> {
    /// `{$ref: {generator: template, field: customer.id, of: {$unique: {max: 5000}}, count: 500}}`.
    pub(super) fn elsewhere(&mut self, at: &At, options: &Options<'_>) -> Result<Value, Error> {
        let place = options.place;
        let field = options.needed("field", options.text("field")?)?;
        let of = options.needed("of", options.get("of"))?;
        let count = match options.needed("count", options.whole("count")?)? {
            count @ 1..=EXACT => count as u64,
            count => {
                return Err(wrong(
                    place,
                    format!(
                        "`count` is {count}, and has to be 1 at least: how many records there are"
                    ),
                ));
            }
        };
        let short = of
            .as_str()
            .map(|name| Map::from_iter([(name.to_owned(), Value::Null)]));
        let described = short.as_ref().or(of.as_object()).and_then(operator);
        let (elsewhere, schema) = match described {
            Some(("$sequence", given)) => sequence(place, given, count)?,
            Some(("$unique", given)) => self.permuted(place, field, given, count)?,
            _ => {
                return Err(wrong(
                    place,
                    format!(
                        "`of` is {of}, and has to be what `{field}` is there, a `$sequence` or a \
                         `$unique`: only these follow from a record's number"
                    ),
                ));
            }
        };
        self.program.elsewhere.push(elsewhere);
        let which = self.program.elsewhere.len() as u32 - 1;
        let record = options.text("person")?.unwrap_or("");
        let purpose = format!("{}$ref.template{record}", at.object);
        self.step(&purpose, What::Elsewhere(which), 20);
        Ok(schema)
    }

    fn permuted(
        &mut self,
        place: &str,
        field: &str,
        given: &Value,
        count: u64,
    ) -> Result<(Elsewhere, Value), Error> {
        let inner = format!("{place}.of.$unique");
        let options = Options::new(&inner, given, &["min", "max"])?;
        let low = options.whole("min")?.unwrap_or(1);
        let high = options.needed("max", options.whole("max")?)?;
        upright(&inner, low, high)?;
        let key = self.settings.shared_key(&format!("template.{field}"));
        let n = (high - low) as u64 + 1;
        self.program.permutations.push(Permutation::new(n, key));
        let elsewhere = Elsewhere {
            count,
            from: low,
            step: 1,
            permutation: Some(self.program.permutations.len() as u32 - 1),
        };
        let schema = json!({"type": "integer", "minimum": low, "maximum": high});
        Ok((elsewhere, schema))
    }
}

fn sequence(place: &str, given: &Value, count: u64) -> Result<(Elsewhere, Value), Error> {
    let inner = format!("{place}.of.$sequence");
    let options = Options::new(&inner, given, &["from", "step"])?;
    let from = options.whole("from")?.unwrap_or(0);
    let step = options.whole("step")?.unwrap_or(1);
    let end = from.saturating_add(step.saturating_mul(count as i64 - 1));
    let elsewhere = Elsewhere {
        count,
        from,
        step,
        permutation: None,
    };
    let (low, high) = (from.min(end), from.max(end));
    let schema = json!({"type": "integer", "minimum": low, "maximum": high});
    Ok((elsewhere, schema))
}
