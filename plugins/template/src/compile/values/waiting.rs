//! What is kept of fields, expressions and cases until all of them are known.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Made;
use super::joined::Joined;
use crate::compile::formula::{self, Token, Word};

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
    /// The units that compute them.
    pub units: Vec<Option<u32>>,
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
    /// What it adds up or counts.
    pub totals: Vec<Added>,
    pub done: Option<Done>,
    /// Its text, where that is put together as it is written.
    pub joined: Option<Joined>,
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

/// All of an array: what an expression calls it, the array, and the field of each element.
#[derive(Clone, Debug)]
pub(crate) struct Added {
    pub name: String,
    pub array: usize,
    pub field: Option<usize>,
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
    /// Names of fields that it reads, and those of what it adds up or counts.
    pub fn names(&self) -> (Vec<String>, Vec<String>) {
        let tokens = match &self.body {
            Body::Formula { tokens, .. } => tokens,
            Body::States { by, .. } => return (by.iter().cloned().collect(), Vec::new()),
        };
        let (mut names, mut totals) = (Vec::new(), Vec::new());
        for (at, token) in tokens.iter().enumerate() {
            if let Word::Name(name) = &token.what {
                let before = at.checked_sub(2).map(|before| &tokens[before].what);
                match before {
                    Some(Word::Function(function)) if formula::is_total(function) => {
                        totals.push(name.clone());
                    }
                    _ => names.push(name.clone()),
                }
            }
        }
        for all in [&mut names, &mut totals] {
            all.sort_unstable();
            all.dedup();
        }
        (names, totals)
    }
}
