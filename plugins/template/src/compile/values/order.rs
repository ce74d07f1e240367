//! Which field a name means, and in which order fields are computed.

use wellhead_sdk::Error;

use crate::compile::Compiler;
use crate::options::{nearest, wrong};
use crate::program::What;

/// What every record has, for an expression.
const OF_ALL: [&str; 2] = ["index", "time"];

/// Whether a field is waited for, or done.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

impl Compiler<'_> {
    /// The fields that anything reads, each after those that it depends on itself.
    pub(super) fn order(&mut self) -> Result<Vec<usize>, Error> {
        self.find_reads()?;
        let waiting = &self.waiting;
        let reads = waiting.exprs.iter().flat_map(|expr| &expr.reads);
        let mut roots: Vec<usize> = reads.map(|(_, field)| *field).collect();
        let totals = waiting.exprs.iter().flat_map(|expr| &expr.totals);
        roots.extend(totals.filter_map(|total| total.field));
        roots.extend(waiting.cases.iter().map(|case| case.field));
        let mut marks = vec![Mark::New; waiting.fields.len()];
        let mut order = Vec::new();
        for root in roots {
            self.visit(root, &mut marks, &mut order)?;
        }
        Ok(order)
    }

    /// Goes from a field to all that it depends on, with a stack of its own: descriptions may be
    /// long, and a component's stack is small.
    fn visit(&self, root: usize, marks: &mut [Mark], order: &mut Vec<usize>) -> Result<(), Error> {
        if marks[root] == Mark::Done {
            return Ok(());
        }
        marks[root] = Mark::Open;
        let mut open = vec![(root, self.depends(root))];
        while let Some((field, rest)) = open.last_mut() {
            let Some(next) = rest.pop() else {
                marks[*field] = Mark::Done;
                order.push(*field);
                open.pop();
                continue;
            };
            match marks[next] {
                Mark::Done => {}
                Mark::New => {
                    marks[next] = Mark::Open;
                    open.push((next, self.depends(next)));
                }
                Mark::Open => {
                    let begins = open.iter().position(|(field, _)| *field == next);
                    let circle = open
                        .iter()
                        .skip(begins.unwrap_or(0))
                        .map(|(field, _)| *field);
                    return Err(self.circle(circle.chain([next]).collect()));
                }
            }
        }
        Ok(())
    }

    fn circle(&self, fields: Vec<usize>) -> Error {
        let of = |field: &usize| &self.waiting.fields[*field];
        let names: Vec<String> = fields
            .iter()
            .map(|field| format!("`{}`", of(field).path))
            .collect();
        let place = fields.first().map_or("record", |field| &of(field).place);
        wrong(
            place,
            format!(
                "the value depends on itself: {}; write one of them without the next",
                names.join(" needs ")
            ),
        )
    }

    /// The fields that a field's steps read.
    pub(super) fn depends(&self, field: usize) -> Vec<usize> {
        let (waiting, field) = (&self.waiting, &self.waiting.fields[field]);
        let steps = &self.program.steps[field.step as usize..field.end as usize];
        let mut all = Vec::new();
        for step in steps {
            match step.what {
                What::Value(expr) => {
                    let reads = &waiting.exprs[expr as usize].reads;
                    all.extend(reads.iter().map(|(_, field)| *field));
                    let totals = &waiting.exprs[expr as usize].totals;
                    all.extend(totals.iter().filter_map(|total| total.field));
                }
                What::Switch(case) => all.push(waiting.cases[case as usize].field),
                _ => {}
            }
        }
        all
    }

    /// Finds the fields of all names.
    fn find_reads(&mut self) -> Result<(), Error> {
        for number in 0..self.waiting.exprs.len() {
            let expr = &self.waiting.exprs[number];
            let (names, totals) = expr.names();
            let mut reads = Vec::new();
            for name in names {
                match self.find(&expr.path, &expr.place, &name) {
                    Some(field) => reads.push((name, field)),
                    None if OF_ALL.contains(&name.as_str()) => {}
                    None => return Err(self.unknown(&expr.place, &expr.path, &name)),
                }
            }
            for (name, field) in &reads {
                self.check_single(&expr.place, name, *field)?;
            }
            let total = |name: &String| self.find_total(&expr.place, &expr.path, name);
            let totals = totals
                .iter()
                .map(total)
                .collect::<Result<Vec<_>, Error>>()?;
            self.waiting.exprs[number].reads = reads;
            self.waiting.exprs[number].totals = totals;
        }
        for number in 0..self.waiting.cases.len() {
            let case = &self.waiting.cases[number];
            let Some(field) = self.find(&case.path, &case.place, &case.by) else {
                return Err(self.unknown(&case.place, &case.path, &case.by));
            };
            self.check_single(&case.place, &case.by, field)?;
            self.waiting.cases[number].field = field;
        }
        Ok(())
    }

    /// The field that a name means at a path: of the objects around it, from the innermost on. A
    /// field's own name means one further out, if there is any.
    pub(super) fn find(&self, path: &str, place: &str, name: &str) -> Option<usize> {
        let found = |own: bool| {
            outwards(path).find_map(|around| {
                let meant = joined(around, name);
                let fields = self.waiting.places.get(&meant)?;
                let part = |field: &usize| self.waiting.fields[*field].part.as_str();
                let mut there = fields.iter().filter(|field| place.starts_with(part(field)));
                there.next().copied().filter(|_| own || meant != path)
            })
        };
        found(false).or_else(|| found(true))
    }

    fn check_single(&self, place: &str, name: &str, field: usize) -> Result<(), Error> {
        let field = &self.waiting.fields[field];
        if field.value.is_some() {
            return Ok(());
        }
        let below = [format!("{}.", field.path), format!("{}[0]", field.path)];
        let mut paths = self.waiting.places.keys();
        let within = paths.find(|path| below.iter().any(|below| path.starts_with(below)));
        let instead = match within {
            Some(path) => format!("write one of its fields, such as `{path}`"),
            None => "write a field of a single value".to_owned(),
        };
        Err(wrong(
            place,
            format!("`{name}` is an object or an array; {instead}"),
        ))
    }

    fn unknown(&self, place: &str, path: &str, name: &str) -> Error {
        let hidden = outwards(path).find(|around| {
            let path = joined(around, name);
            self.waiting.places.contains_key(&path)
        });
        if hidden.is_some() {
            return wrong(
                place,
                format!(
                    "`{name}` is in a part that isn't always there; only what stands in the same \
                     `$null` or `$case` can read it"
                ),
            );
        }
        let in_array = |path: &&String| path.contains("[]") && path.replace("[]", "") == name;
        if self.waiting.places.keys().find(in_array).is_some() {
            return wrong(
                place,
                format!(
                    "`{name}` is in an array, which has several of it; what stands in the same array \
                     can read it, and others sum({name})"
                ),
            );
        }
        let mut known: Vec<&str> = Vec::new();
        for around in outwards(path) {
            let own = self.waiting.places.keys().filter_map(|path| match around {
                "" => Some(path.as_str()),
                around => path.strip_prefix(around)?.strip_prefix('.'),
            });
            known.extend(own.filter(|name| !name.contains("[]")));
        }
        known.extend(OF_ALL);
        let near = nearest(name, known.iter().copied());
        let some: Vec<String> = known
            .iter()
            .take(12)
            .map(|name| format!("`{name}`"))
            .collect();
        wrong(
            place,
            format!(
                "no field is called `{name}`{near} There are {}",
                some.join(", ")
            ),
        )
    }
}

/// The paths around a path, from the object that it stands in to the record.
fn outwards(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(path);
    std::iter::from_fn(move || {
        let here = rest?;
        let around = here.rfind(['.', '[']).map_or("", |at| &here[..at]);
        rest = (!around.is_empty()).then_some(around);
        // The record itself is looked at last.
        Some(around)
    })
}

fn joined(around: &str, name: &str) -> String {
    match around {
        "" => name.to_owned(),
        around => format!("{around}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::outwards;

    #[test]
    fn names_are_looked_up_from_within() {
        let all = |path| outwards(path).collect::<Vec<_>>();
        assert_eq!(all("a"), [""]);
        assert_eq!(all("lines[].of.x"), ["lines[].of", "lines[]", "lines", ""]);
        assert_eq!(all("where[0]"), ["where", ""]);
    }
}
