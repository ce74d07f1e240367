//! A sink's options against its JSON Schema: types of what is typed as text, and what is wrong with
//! a block, each with its place.

use serde_json::{Map, Value};

use super::place::{Origin, Problem, push_step, suggest};
use super::secret::Secrets;

/// A schema with a leading `$ref` into `root` followed, and of `anyOf [X, null]` the X.
pub fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let mut schema = schema;
    for _ in 0..16 {
        let next = if let Some(Value::String(reference)) = schema.get("$ref") {
            reference
                .strip_prefix('#')
                .and_then(|pointer| root.pointer(pointer))
        } else if let Some(Value::Array(forms)) = schema.get("anyOf") {
            let mut others = forms.iter().filter(|form| form["type"] != "null");
            others.next().filter(|_| others.next().is_none())
        } else {
            None
        };
        match next {
            Some(next) => schema = next,
            None => break,
        }
    }
    schema
}

/// The JSON types that a schema allows, without `null`, as far as it says; empty means any.
pub fn types(schema: &Value, root: &Value) -> Vec<String> {
    let schema = resolve(schema, root);
    let name = |value: &Value| {
        value
            .as_str()
            .filter(|name| *name != "null")
            .map(str::to_owned)
    };
    let mut found: Vec<String> = match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(name).collect(),
        one => name(one).into_iter().collect(),
    };
    for choice in ["anyOf", "oneOf"] {
        for form in schema[choice].as_array().into_iter().flatten() {
            found.extend(types(form, root));
        }
    }
    if found.is_empty() && (schema.get("enum").is_some() || schema.get("const").is_some()) {
        found.push("string".to_owned());
    }
    found
}

/// The names of a schema's properties.
pub fn names(schema: &Value) -> Vec<&str> {
    let properties = schema["properties"].as_object();
    properties
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect()
}

/// The value that `text` stands for where `schema` is expected: a number, a boolean, JSON, or itself.
fn typed(text: &str, schema: &Value, root: &Value) -> Value {
    let wanted = types(schema, root);
    let has = |name: &str| wanted.iter().any(|other| other == name);
    let text_value = || Value::String(text.to_owned());
    if has("string") || wanted.is_empty() {
        return text_value();
    }
    if has("array") && !text.starts_with('[') {
        let items = resolve(schema, root).get("items").unwrap_or(&Value::Null);
        return Value::Array(
            text.split(',')
                .map(|item| typed(item.trim(), items, root))
                .collect(),
        );
    }
    match serde_json::from_str::<Value>(text) {
        Ok(value) if !value.is_string() => value,
        _ => text_value(),
    }
}

/// Sets an option that was typed as text, in a URL's query. `a.b` is `b` within `a`, where no
/// option has that whole name; a list's option may come again and again.
pub fn set_text(
    options: &mut Map<String, Value>,
    name: &str,
    text: &str,
    schema: &Value,
    root: &Value,
) {
    let schema = resolve(schema, root);
    let known = schema["properties"].get(name);
    if known.is_none()
        && let Some((outer, inner)) = name.split_once('.')
        && let Some(inner_schema) = schema["properties"].get(outer)
    {
        let slot = options
            .entry(outer)
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(map) = slot {
            set_text(map, inner, text, inner_schema, root);
            return;
        }
    }
    let free = &schema["additionalProperties"];
    let value = typed(text, known.unwrap_or(free), root);
    match (options.get_mut(name), value) {
        (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
        (_, value) => {
            options.insert(name.to_owned(), value);
        }
    }
}

/// Turns text into what it stands for where the schema says so: a whole number (a `u64` may be
/// text), and one of several words in whichever case (`SASL_SSL` for `sasl_ssl`).
pub fn normalise(options: &mut Map<String, Value>, schema: &Value, root: &Value) {
    let schema = resolve(schema, root);
    for (name, value) in options.iter_mut() {
        let Some(inner) = schema["properties"].get(name) else {
            continue;
        };
        match value {
            Value::Object(map) => normalise(map, inner, root),
            Value::String(text) if types(inner, root) == ["integer"] => {
                if let Ok(number) = text.parse::<u64>() {
                    *value = number.into();
                }
            }
            Value::String(text) => {
                let words = words(inner, root);
                if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
                    *text = (*word).to_owned();
                }
            }
            _ => {}
        }
    }
}

/// The words of which a schema allows one; empty where it allows any.
pub fn words<'a>(schema: &'a Value, root: &'a Value) -> Vec<&'a str> {
    let schema = resolve(schema, root);
    let list = schema["enum"].as_array().into_iter().flatten();
    let mut found: Vec<&str> = list
        .chain(schema.get("const"))
        .filter_map(Value::as_str)
        .collect();
    for form in schema["oneOf"].as_array().into_iter().flatten() {
        found.extend(words(form, root));
    }
    found
}

/// What is wrong with `options` by `schema`. `origin` is the place of the block; `what` says whose
/// options they are; values of `secrets` are not shown.
pub fn check(
    options: &Map<String, Value>,
    schema: &Value,
    origin: Option<&Origin>,
    what: &str,
    secrets: &Secrets,
) -> Vec<Problem> {
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => {
            return vec![Problem::new(format!(
                "the schema of {what} is not valid: {error}"
            ))];
        }
    };
    let instance = Value::Object(options.clone());
    let mut problems = Vec::new();
    for error in validator.iter_errors(&instance) {
        explain(&error, schema, origin, what, secrets, &mut problems);
    }
    problems
}

fn explain(
    error: &jsonschema::ValidationError<'_>,
    schema: &Value,
    origin: Option<&Origin>,
    what: &str,
    secrets: &Secrets,
    problems: &mut Vec<Problem>,
) {
    use jsonschema::error::ValidationErrorKind as Kind;
    let pointer = error.instance_path().as_str();
    let place = |pointer: &str| origin.and_then(|origin| origin.value(pointer));
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let around = enclosing(schema, error.schema_path().as_str());
            for name in unexpected {
                let mut at = pointer.to_owned();
                push_step(&mut at, name);
                let problem = Problem::new(format!("unknown option `{name}` of {what}"))
                    .help(suggest(name, &names(around)))
                    .at(origin.and_then(|origin| origin.key(&at)));
                problems.push(problem);
            }
        }
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let mut at = pointer.to_owned();
            push_step(&mut at, name);
            if !secrets.contains(&at) {
                let path = at.trim_start_matches('/').replace('/', ".");
                problems.push(
                    Problem::new(format!("{what} needs `{path}`"))
                        .help("write it, or name a `connection` of the settings that has it")
                        .at(place(pointer)),
                );
            }
        }
        _ => {
            let path = pointer.trim_start_matches('/').replace('/', ".");
            let hidden = secrets.contains(pointer) || super::secret::is_secret_name(pointer);
            let why = if hidden {
                error.masked_with("its value").to_string()
            } else {
                error.to_string()
            };
            problems.push(
                Problem::new(format!("`{path}` of {what} is wrong: {why}"))
                    .help(meaning(schema, error.schema_path().as_str()))
                    .at(place(pointer)),
            );
        }
    }
}

/// The schema around the keyword at `path`, whose properties are meant.
fn enclosing<'a>(schema: &'a Value, path: &str) -> &'a Value {
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let found = schema.pointer(parent).or_else(|| follow(schema, parent));
    found.unwrap_or(schema)
}

/// Like `Value::pointer`, through `$ref`s, which a path of evaluation goes through by name.
fn follow<'a>(schema: &'a Value, path: &str) -> Option<&'a Value> {
    let mut at = schema;
    for step in path.split('/').skip(1) {
        at = if step == "$ref" {
            resolve(at, schema)
        } else {
            match at {
                Value::Array(items) => items.get(step.parse::<usize>().ok()?)?,
                other => other.get(step.replace("~1", "/").replace("~0", "~"))?,
            }
        };
    }
    Some(at)
}

/// What the option is for: its description.
fn meaning(schema: &Value, path: &str) -> String {
    let around = enclosing(schema, path);
    match around["description"].as_str() {
        Some(text) => format!(
            "it means: {}",
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        ),
        None => "`wellhead sinks` lists every option with its type".to_owned(),
    }
}
