//! Values that depend on other fields: what waits until all fields are known, and what becomes of
//! it. Steps are made first, in the order of the record; then fields that are read are computed
//! before everything that reads them.

mod made;
mod order;
mod schema;
mod source;

use std::collections::BTreeMap;

use serde_json::Value;
use wellhead_sdk::Error;

pub(super) use made::{Kind, Made, Slot};
pub(super) use schema::{nested_later, nullable_later, one_of_several};

use super::formula::{self, Coder, Token, Word};
use super::{At, Compiler};
use crate::options::wrong;
use crate::program::What;
use crate::values::{Form, Op, Register, Run, Shown, Span, Switch, Unit};

/// What waits for all fields.
#[derive(Default)]
pub(crate) struct Waiting {
    /// Whether anything in the record depends on other fields.
    pub wanted: bool,
    pub fields: Vec<Field>,
    /// Fields by their paths.
    pub places: BTreeMap<String, Vec<usize>>,
    pub exprs: Vec<Expr>,
    pub cases: Vec<Case>,
    /// The record, and its arrays.
    pub scopes: Vec<Within>,
    /// Values of fields that are read.
    pub known: Vec<Option<Made>>,
    /// How often what is being compiled may come in a record.
    pub times: u64,
}

/// A field, or an item of a list.
pub(crate) struct Field {
    pub path: String,
    pub place: String,
    pub scope: usize,
    /// What it stands in that isn't always there.
    pub part: String,
    /// As it is described; none for fields within.
    pub value: Option<Value>,
    /// Its steps.
    pub step: u32,
    pub end: u32,
}

/// Something that is computed.
pub(crate) struct Expr {
    pub path: String,
    pub place: String,
    /// The step that writes it, and the record or array that it is in.
    pub step: u32,
    pub scope: usize,
    /// Whether it is in no part that isn't always there.
    pub always: bool,
    pub body: Body,
    pub times: u64,
    /// Fields that it reads, by the names that it uses.
    pub reads: Vec<(String, usize)>,
    pub done: Option<Done>,
}

/// What it is computed from.
#[derive(Clone)]
pub(crate) enum Body {
    Formula {
        text: String,
        tokens: Vec<Token>,
        decimals: Option<u8>,
        otherwise: Option<Value>,
    },
    States {
        machine: u32,
        by: Option<String>,
        longest: u32,
    },
}

/// What became of it.
#[derive(Clone, Copy)]
pub(crate) struct Done {
    pub unit: u32,
    pub made: Made,
}

/// A choice between branches, by a field.
pub(crate) struct Case {
    pub path: String,
    pub place: String,
    pub by: String,
    pub keys: Vec<String>,
    /// Steps of the branches, and of all other values' last.
    pub steps: Vec<u32>,
    pub otherwise: bool,
    pub field: usize,
}

/// A record or an array: the step that computes what is read of it.
pub(crate) struct Within {
    pub step: u32,
    pub units: Vec<u32>,
}

impl Expr {
    /// Names of fields that it reads.
    fn names(&self) -> Vec<String> {
        match &self.body {
            Body::Formula { tokens, .. } => {
                let name = |token: &Token| match &token.what {
                    Word::Name(name) => Some(name.clone()),
                    _ => None,
                };
                let mut names: Vec<String> = tokens.iter().filter_map(name).collect();
                names.sort_unstable();
                names.dedup();
                names
            }
            Body::States { by, .. } => by.iter().cloned().collect(),
        }
    }
}

impl Compiler<'_> {
    /// A record or an array's element begins: a step for what is read of it, if anything may be.
    pub(super) fn begin_scope(&mut self) -> usize {
        if !self.waiting.wanted {
            return 0;
        }
        let step = self.step("", What::Lets(0, 0), 0) as u32;
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
            done: None,
        });
        schema::of_expr(number)
    }

    /// All fields are known: computes what waited for them. Schemas are complete after that.
    pub(super) fn settle(&mut self, schema: &mut Value) -> Result<(), Error> {
        if !self.waiting.wanted {
            return Ok(());
        }
        self.waiting.known = vec![None; self.waiting.fields.len()];
        for field in self.order()? {
            self.know(field)?;
        }
        for number in 0..self.waiting.exprs.len() {
            let done = self.compute(number)?;
            let expr = &self.waiting.exprs[number];
            if expr.always && !self.program.values.shown[number].known {
                self.waiting.scopes[expr.scope].units.push(done.unit);
                self.program.values.shown[number].known = true;
            }
        }
        self.switches()?;
        self.begin_with_lets();
        self.write_known();
        schema::complete(schema, &self.waiting.exprs);
        Ok(())
    }

    /// The steps at the beginning of the record and of arrays' elements. Units that follow one
    /// another are gone through at once.
    fn begin_with_lets(&mut self) {
        let values = &mut self.program.values;
        for within in &self.waiting.scopes {
            let first = values.lets.len();
            for unit in &within.units {
                let run = values.units[*unit as usize].run;
                match values.lets.get_mut(first..).and_then(<[Run]>::last_mut) {
                    Some(last)
                        if last.to == run.from && last.otherwise.or(run.otherwise).is_none() =>
                    {
                        last.to = run.to;
                    }
                    _ => values.lets.push(run),
                }
            }
            let (from, to) = (first as u32, values.lets.len() as u32);
            self.program.steps[within.step as usize].what = What::Lets(from, to);
        }
    }

    /// What is known when it is written, and never null, is written without a call.
    fn write_known(&mut self) {
        for expr in &self.waiting.exprs {
            let step = &mut self.program.steps[expr.step as usize].what;
            let (Some(done), What::Value(shown)) = (expr.done, *step) else {
                continue;
            };
            let (made, shown) = (done.made, self.program.values.shown[shown as usize]);
            if shown.known && !made.nullable {
                *step = match (Coder::register(made), shown.form) {
                    (Register::Text(text), _) => What::KnownText(text),
                    (Register::Number(number), Form::Number(decimals)) => {
                        What::Known(number, decimals)
                    }
                    (Register::Number(number), _) => What::KnownBool(number),
                };
            }
        }
    }

    /// The unit of an expression, whose fields are known.
    fn compute(&mut self, number: usize) -> Result<Done, Error> {
        if let Some(done) = self.waiting.exprs[number].done {
            return Ok(done);
        }
        let expr = &self.waiting.exprs[number];
        let (place, times, reads) = (expr.place.clone(), expr.times, expr.reads.clone());
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
