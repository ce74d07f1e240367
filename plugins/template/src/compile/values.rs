//! Values that depend on other fields: what waits until all fields are known, and what becomes of
//! it. Steps are made first, in the order of the record; then fields that are read are computed
//! before everything that reads them.

mod columnar;
mod joined;
mod made;
mod order;
mod schema;
mod source;
mod totals;
mod waiting;
mod written;

use serde_json::Value;
use wellhead_sdk::Error;

pub(super) use made::{Kind, Made, Slot};
pub(super) use schema::{nested_later, nullable_later, one_of_several};
pub(super) use waiting::{Added, Body, Case, Waiting};

use waiting::{Done, Expr, Field, Within};

use super::formula::{self, Coder};
use super::{At, Compiler};
use crate::options::wrong;
use crate::program::What;
use crate::values::{Form, Op, Run, Shown, Span, Switch, Unit};

impl Compiler<'_> {
    /// A record or an array's element begins: for the latter a step for what is read of it, if anything
    /// may be.
    pub(super) fn begin_scope(&mut self) -> usize {
        if !self.waiting.wanted {
            return 0;
        }
        let step = match self.waiting.scopes.is_empty() {
            true => 0,
            false => self.step("", What::Lets(0, 0), 0) as u32,
        };
        let units = Vec::new();
        self.waiting.scopes.push(Within { step, units });
        self.waiting.scopes.len() - 1
    }

    /// A field's steps have been made, from `step` on.
    pub(super) fn place_field(&mut self, at: &At, value: &Value, nested: bool, step: u32) {
        if !self.waiting.wanted {
            return;
        }
        let field = Field {
            path: at.path.clone(),
            place: at.place.clone(),
            scope: at.scope,
            part: at.part.clone(),
            value: (!nested).then(|| value.clone()),
            step,
            end: self.next_step(),
        };
        let number = self.waiting.fields.len();
        let places = &mut self.waiting.places;
        places.entry(at.path.clone()).or_default().push(number);
        self.waiting.fields.push(field);
    }

    /// A value to be computed once all fields are known. Gives what stands for its schema.
    pub(super) fn wait(&mut self, at: &At, place: &str, body: Body) -> Value {
        let number = self.waiting.exprs.len();
        let step = self.step("", What::Value(number as u32), 0) as u32;
        self.waiting.exprs.push(Expr {
            step,
            scope: at.scope,
            always: at.part.is_empty(),
            path: at.path.clone(),
            place: place.to_owned(),
            body,
            times: self.waiting.times,
            reads: Vec::new(),
            totals: Vec::new(),
            done: None,
            joined: None,
        });
        schema::of_expr(number)
    }

    /// All fields are known: computes what waited for them. Schemas are complete after that.
    pub(super) fn settle(&mut self, schema: &mut Value) -> Result<(), Error> {
        if !self.waiting.wanted {
            return Ok(());
        }
        self.waiting.known = vec![None; self.waiting.fields.len()];
        self.waiting.units = vec![None; self.waiting.fields.len()];
        for field in self.order()? {
            self.know(field)?;
        }
        for number in 0..self.waiting.exprs.len() {
            let unread = self.waiting.exprs[number].done.is_none();
            let done = self.compute(number)?;
            let expr = &self.waiting.exprs[number];
            let scope = expr.scope;
            if !expr.always || self.program.values.shown[number].known {
                continue;
            }
            self.program.values.shown[number].known = true;
            if unread && !done.made.nullable {
                self.waiting.exprs[number].joined = self.joined(done.unit);
            }
            self.waiting.scopes[scope].units.push(done.unit);
        }
        self.switches()?;
        self.write_known();
        self.write_before_read();
        self.part_steps();
        self.begin_with_lets();
        schema::complete(schema, &self.waiting.exprs);
        Ok(())
    }

    /// The steps at the beginning of the record and of arrays' elements.
    fn begin_with_lets(&mut self) {
        for (number, within) in std::mem::take(&mut self.waiting.scopes)
            .into_iter()
            .enumerate()
        {
            let all = self.runs(&within.units);
            if number > 0 {
                let what = &mut self.program.steps[within.step as usize].what;
                *what = What::Lets(all.0, all.1);
                continue;
            }
            self.program.values.root.wanted = true;
            let (columns, rest) = self.columnar(within.units);
            self.program.values.root.all = all;
            self.program.values.root.rest = self.runs(&rest);
            let runs = self.runs(&columns);
            let values = &mut self.program.values;
            values.root.columns = values.lets[runs.0 as usize..runs.1 as usize].to_vec();
            if values.shift() > 0 {
                self.show_units(&columns);
            }
        }
    }

    /// Units in their order, as runs of the list: those that follow one another are gone through at
    /// once.
    pub(super) fn runs(&mut self, units: &[u32]) -> (u32, u32) {
        let values = &mut self.program.values;
        let first = values.lets.len();
        for unit in units {
            let run = values.units[*unit as usize].run;
            match values.lets.get_mut(first..).and_then(<[Run]>::last_mut) {
                _ if run.from == run.to => {}
                Some(last) if last.to == run.from && last.otherwise.or(run.otherwise).is_none() => {
                    last.to = run.to;
                }
                _ => values.lets.push(run),
            }
        }
        (first as u32, values.lets.len() as u32)
    }

    /// The unit of an expression, whose fields are known.
    fn compute(&mut self, number: usize) -> Result<Done, Error> {
        if let Some(done) = self.waiting.exprs[number].done {
            return Ok(done);
        }
        let expr = &self.waiting.exprs[number];
        let (place, times, reads) = (expr.place.clone(), expr.times, expr.reads.clone());
        let totals = expr.totals.clone();
        let from = self.program.values.ops.len() as u32;
        let (made, otherwise, source) = match expr.body.clone() {
            Body::Formula {
                text,
                tokens,
                decimals,
                otherwise,
            } => {
                let source = formula::Source {
                    place: &place,
                    text: &text,
                    tokens: &tokens,
                    reads: &reads,
                    totals: &totals,
                    decimals,
                    otherwise: otherwise.as_ref(),
                };
                let (made, otherwise) = Coder::compile(self, source)?;
                (made, otherwise, text)
            }
            Body::States {
                machine, longest, ..
            } => {
                let by = reads
                    .first()
                    .and_then(|(_, field)| self.waiting.known[*field]);
                let (by, dst) = (by.map(Coder::register), self.text_register());
                let op = Op::State { machine, by, dst };
                self.program.values.ops.push(op);
                (Made::of(Kind::Text(longest), dst), None, String::new())
            }
        };
        let unit = self.unit(from, made, otherwise, place, source);
        self.program.values.shown.resize(
            self.waiting.exprs.len(),
            Shown {
                unit: 0,
                known: false,
                form: Form::Text,
            },
        );
        let (form, longest) = match made.kind {
            Kind::Number(digits) => (Form::Number(digits.unwrap_or(2)), 20),
            Kind::Text(longest) => (Form::Text, u64::from(longest) + 2),
            Kind::Bool | Kind::Null => (Form::Bool, 5),
        };
        self.program.values.shown[number] = Shown {
            unit,
            known: false,
            form,
        };
        self.longest = self.longest.saturating_add(times.saturating_mul(longest));
        let done = Done { unit, made };
        self.waiting.exprs[number].done = Some(done);
        Ok(done)
    }

    /// The operations since `from` are a unit.
    fn unit(
        &mut self,
        from: u32,
        made: Made,
        otherwise: Option<u32>,
        place: String,
        source: String,
    ) -> u32 {
        let to = self.program.values.ops.len() as u32;
        self.program.values.units.push(Unit {
            run: Run {
                from,
                to,
                otherwise,
            },
            value: Coder::register(made),
            place,
            source,
        });
        self.program.values.units.len() as u32 - 1
    }

    /// Branches by the values of their fields.
    fn switches(&mut self) -> Result<(), Error> {
        for number in 0..self.waiting.cases.len() {
            let case = &self.waiting.cases[number];
            let Some(by) = self.waiting.known[case.field] else {
                continue;
            };
            self.check_branches(case)?;
            let (mut numbers, mut texts) = (Vec::new(), Vec::new());
            for key in &case.keys {
                let number = match (by.kind, key.as_str()) {
                    (Kind::Text(_), key) => {
                        texts.push(made::escaped(key));
                        continue;
                    }
                    (Kind::Bool, "true") => Some(1.0),
                    (Kind::Bool, "false") => Some(0.0),
                    (Kind::Number(_), key) => key.parse().ok().filter(|n: &f64| n.is_finite()),
                    _ => None,
                };
                numbers.push(number.ok_or_else(|| {
                    wrong(
                        &case.place,
                        format!("`{}` is {}, and never `{key}`", case.by, by.kind.name()),
                    )
                })?);
            }
            self.program.values.switches.push(Switch {
                by: Coder::register(by),
                numbers,
                texts,
                steps: case.steps.clone(),
            });
        }
        Ok(())
    }

    pub(super) fn number(&mut self) -> u32 {
        self.program.values.numbers.push(0.0);
        self.program.values.numbers.len() as u32 - 1
    }

    pub(super) fn text_register(&mut self) -> u32 {
        self.program.values.texts.push(Span::NULL);
        self.program.values.texts.len() as u32 - 1
    }
}
