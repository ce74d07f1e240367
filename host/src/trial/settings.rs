//! Settings that the schema allows, at the ends of what it allows.

use serde_json::{Map, Value, json};

use super::made::{One, open, time};
use super::{Fault, Outcome, Trial, Tried};
use crate::plugin::{PluginError, Validate};

/// Settings that are tried, at most.
const MOST: usize = 200;
/// Values of one setting, at most.
const VALUES: usize = 32;
/// Records that are made of each.
const RECORDS: u64 = 20;

pub fn bounds(trial: &Trial, _: &[One]) -> Tried {
    let schema = &trial.checked.generator.description.config_schema;
    let properties = schema.get("properties").and_then(Value::as_object);
    let tried = properties
        .into_iter()
        .flatten()
        .flat_map(|(name, property)| ends(property).into_iter().map(move |value| (name, value)));
    let (mut worked, mut refused) = (0, 0);
    for (name, value) in tried.take(MOST) {
        let said = format!("{{\"{name}\": {}}}", shortened(&value));
        let mut config = trial.checked.config.clone();
        config.insert(name.clone(), value);
        match attempt(trial, config) {
            Ok(()) => worked += 1,
            Err(
                PluginError::Config { .. }
                | PluginError::Refused { .. }
                | PluginError::Failed { .. },
            ) => refused += 1,
            Err(error) => {
                return Err(Fault::Wrong(format!(
                    "with {said}, which its schema allows: {error}"
                )));
            }
        }
    }
    Ok(match worked + refused {
        0 => (Outcome::Skipped, "it has no settings".to_owned()),
        all => (
            Outcome::Passed,
            format!("{all} settings: {worked} work, {refused} are refused with a sentence"),
        ),
    })
}

fn attempt(trial: &Trial, config: Map<String, Value>) -> Result<(), PluginError> {
    let assets = trial.checked.assets.clone();
    let generator = &trial.checked.generator;
    let configured = generator.configure(config, assets, Validate::All)?;
    let mut stream = open(&configured, trial.options.seed, (0, 1), None);
    let times: Vec<u64> = (0..RECORDS).map(time).collect();
    stream.generate(0, &times).map(drop)
}

/// Values at the ends of what a property may be. What its schema doesn't allow after all is refused by the
/// host and costs nothing.
fn ends(property: &Value) -> Vec<Value> {
    let mut values: Vec<Value> = ["minimum", "maximum", "default"]
        .iter()
        .filter_map(|name| property.get(name).cloned())
        .collect();
    let listed = property.get("enum").and_then(Value::as_array);
    values.extend(listed.into_iter().flatten().take(VALUES).cloned());
    let kinds = match property.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(kind)) => vec![kind.as_str()],
        _ => Vec::new(),
    };
    for kind in kinds {
        match kind {
            "integer" => values.extend([0, 1, -1, i64::MAX].map(Value::from)),
            "number" => values.extend([json!(0), json!(-1.5), json!(1e-300), json!(1e300)]),
            "string" => values.extend([json!(""), json!("\u{0}\"\n"), json!("é".repeat(5_000))]),
            "boolean" => values.extend([json!(false), json!(true)]),
            "array" => values.push(json!([])),
            "object" => values.push(json!({})),
            "null" => values.push(Value::Null),
            _ => {}
        }
    }
    values
}

fn shortened(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
