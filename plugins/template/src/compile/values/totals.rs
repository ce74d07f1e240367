//! `sum` and `count`: what an expression reads of all elements of an array.

use std::collections::BTreeSet;

use wellhead_sdk::Error;

use super::{Added, Kind, Made};
use crate::compile::Compiler;
use crate::options::wrong;
use crate::program::What;
use crate::values::{Op, Total};

impl Compiler<'_> {
    /// The array that a name means, and the field of its elements, if it goes on to one.
    pub(super) fn find_total(&self, place: &str, path: &str, name: &str) -> Result<Added, Error> {
        let ends = name
            .match_indices('.')
            .map(|(at, _)| at)
            .chain([name.len()]);
        for end in ends {
            let array = self
                .find(path, place, &name[..end])
                .filter(|field| self.is_array(*field));
            let Some(array) = array else {
                continue;
            };
            let around = &self.waiting.fields[array];
            if path.starts_with(&format!("{}[]", around.path)) {
                return Err(wrong(
                    place,
                    format!(
                        "it stands in `{}` itself, whose elements would all be gone through for each \
                         of them; make a field of it outside, and read that",
                        &name[..end]
                    ),
                ));
            }
            let element = format!("{}[]{}", around.path, &name[end..]);
            let fields = self.waiting.places.get(&element).into_iter().flatten();
            let field = fields.copied().find(|field| {
                let field = &self.waiting.fields[*field];
                field.part == around.part && field.value.is_some()
            });
            if field.is_none() && end < name.len() {
                return Err(wrong(
                    place,
                    format!(
                        "`{}` has no single value `{}` that is always there",
                        &name[..end],
                        &name[end + 1..]
                    ),
                ));
            }
            return Ok(Added {
                name: name.to_owned(),
                array,
                field,
            });
        }
        Err(wrong(
            place,
            format!(
                "`{name}` isn't in an `$array`; write the path to one of its fields, such as \
                 sum(lines.price), or to the array, such as count(lines)"
            ),
        ))
    }

    fn is_array(&self, field: usize) -> bool {
        let step = self
            .program
            .steps
            .get(self.waiting.fields[field].step as usize);
        step.is_some_and(|step| matches!(step.what, What::Array { .. }))
    }

    /// How many elements an array has, or the sum of one of their fields.
    pub fn total(&mut self, added: &Added, sum: bool) -> Result<Made, String> {
        let array = self.waiting.fields[added.array].step;
        let most = match self.program.steps[array as usize].what {
            What::Array { min, span, .. } => f64::from(min) + f64::from(span),
            _ => 0.0,
        };
        let field = added.field.filter(|_| sum);
        let made = match field.map(|field| self.waiting.known[field]) {
            None if sum => {
                return Err(
                    "its elements aren't single values; write one of their fields".to_owned(),
                );
            }
            None => None,
            Some(known) => known,
        };
        let (kind, bound) = match made.map(|made| (made.kind, made.most)) {
            None => (Kind::Number(Some(0)), 1.0),
            Some((Kind::Number(digits), bound)) => (Kind::Number(digits), bound),
            Some((kind, _)) => {
                return Err(format!("`sum` is for numbers, and this is {}", kind.name()));
            }
        };
        let (from, to) = match field {
            Some(field) => {
                let units = self.units_of(field);
                self.runs(&units)
            }
            None => (0, 0),
        };
        let dst = self.number();
        self.program.values.totals.push(Total {
            array,
            from,
            to,
            of: made.map(|made| made.register),
            dst,
        });
        let total = self.program.values.totals.len() as u32 - 1;
        self.program.values.ops.push(Op::Total { total });
        Ok(Made::of(kind, dst).within(most * bound))
    }

    /// The units that compute a field of an element, in their order.
    fn units_of(&self, field: usize) -> Vec<u32> {
        let scope = self.waiting.fields[field].scope;
        let (mut open, mut fields) = (vec![field], BTreeSet::new());
        while let Some(field) = open.pop() {
            if self.waiting.fields[field].scope == scope && fields.insert(field) {
                open.extend(self.depends(field));
            }
        }
        let units = fields.iter().filter_map(|field| self.waiting.units[*field]);
        let sorted: BTreeSet<u32> = units.collect();
        sorted.into_iter().collect()
    }
}
