//! Schemas of values that aren't known when the schema is made: something stands for them until they
//! are.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Expr, made};
use crate::compile::operators;

/// What stands in a schema for what isn't known yet.
const EXPR: &str = "$expr";
const CASE: &str = "$case";
const NULLABLE: &str = "$null";

/// A schema of what an expression gives.
pub(super) fn of_expr(number: usize) -> Value {
    json!({ EXPR: number })
}

/// A schema of what may be null, where the schema of the rest isn't known yet.
pub(in crate::compile) fn nullable_later(schema: &Value) -> Option<Value> {
    let later = [EXPR, CASE, NULLABLE]
        .iter()
        .any(|key| schema.get(key).is_some());
    later.then(|| json!({ NULLABLE: schema }))
}

/// A schema of several branches.
pub(in crate::compile) fn one_of_several(branches: Vec<Value>) -> Value {
    json!({ CASE: branches })
}

/// Whether a schema that isn't known yet is of objects or arrays; none where it is known.
pub(in crate::compile) fn nested_later(schema: &Value, nested: fn(&Value) -> bool) -> Option<bool> {
    match (schema.get(EXPR), schema.get(NULLABLE), schema.get(CASE)) {
        (Some(_), _, _) => Some(false),
        (_, Some(inner), _) => Some(nested(inner)),
        (_, _, Some(branches)) => {
            let branches = branches.as_array();
            Some(branches.is_some_and(|all| all.iter().any(nested)))
        }
        _ => None,
    }
}

/// Puts schemas where something else stands for them.
pub(super) fn complete(schema: &mut Value, exprs: &[Expr]) {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties
            .values_mut()
            .for_each(|inner| complete(inner, exprs));
    }
    if let Some(Value::Array(items)) = schema.get_mut("prefixItems") {
        items.iter_mut().for_each(|inner| complete(inner, exprs));
    }
    if let Some(items) = schema.get_mut("items") {
        complete(items, exprs);
    }
    if let Some(number) = schema.get(EXPR).and_then(Value::as_u64) {
        let done = exprs.get(number as usize).and_then(|expr| expr.done);
        *schema = done.map_or(Value::Bool(true), |done| done.made.schema());
    } else if let Some(mut inner) = schema.get_mut(NULLABLE).map(Value::take) {
        complete(&mut inner, exprs);
        *schema = operators::nullable(inner);
    } else if let Some(Value::Array(mut branches)) = schema.get_mut(CASE).map(Value::take) {
        branches.iter_mut().for_each(|inner| complete(inner, exprs));
        *schema = merged(branches);
    }
}

/// One schema for several branches: with a type where they have one, for that is what columns go
/// by.
fn merged(branches: Vec<Value>) -> Value {
    let mut branches = once_each(branches);
    if let [_] = branches.as_slice() {
        return branches.remove(0);
    }
    let values: Option<Vec<Vec<Value>>> = branches.iter().map(listed).collect();
    if let Some(values) = values {
        return json!({ "enum": once_each(values.concat()) });
    }
    let mut schema = Map::new();
    if let Some(kinds) = made::types(&branches) {
        schema.insert("type".to_owned(), kinds);
    }
    schema.insert("anyOf".to_owned(), Value::Array(branches));
    Value::Object(schema)
}

fn once_each(values: Vec<Value>) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let new = |value: &Value| seen.insert(value.to_string());
    let mut values = values;
    let mut keep: Vec<bool> = values.iter().map(new).collect();
    keep.reverse();
    values.retain(|_| keep.pop().unwrap_or(true));
    values
}

/// The values that a schema lists.
pub(super) fn listed(schema: &Value) -> Option<Vec<Value>> {
    match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(values)), _) => Some(values.clone()),
        (_, Some(value)) => Some(vec![value.clone()]),
        _ => None,
    }
}
