//! From the description of a record to its steps and its JSON Schema, in one pass.

mod at;
mod depending;
mod elsewhere;
mod formula;
mod operators;
mod people;
mod spread;
mod states;
mod values;

use serde_json::{Map, Value, json};
use wellhead_sdk::{Error, Key, Settings};

use crate::config::Config;
use crate::options::{nearest, wrong};
use crate::program::{PADDING, Piece, Program, Step, What};

use at::At;
use values::Waiting;

/// Levels of objects and arrays in a record.
pub(crate) const DEEPEST: usize = 16;
/// Bytes of the longest record that a description may give.
const LONGEST: u64 = 256 << 10;
/// Bytes of the schema: the host takes 256 KiB.
const SCHEMA: usize = 250 << 10;

/// What a description gives.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub program: Program,
    /// JSON Schema of a record.
    pub schema: String,
}

/// Compiles a configuration for a stream.
pub(crate) fn compile(config: &Config, settings: &Settings) -> Result<Compiled, Error> {
    config.check()?;
    let mut compiler = Compiler {
        settings,
        key: config.key.as_deref(),
        found: false,
        program: Program::default(),
        text: Vec::new(),
        longest: 0,
        names: Vec::new(),
        waiting: Waiting {
            wanted: config.record.values().any(depending::depends),
            times: 1,
            ..Waiting::default()
        },
    };
    let mut schema = Map::new();
    schema.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    compiler.begin_scope();
    let mut record = compiler.object(&At::root(), &config.record)?;
    compiler.step("", What::End, 0);
    compiler.settle(&mut record)?;
    compiler.piece(&[0; PADDING]);
    if let Value::Object(record) = record {
        schema.extend(record);
    }
    compiler.check_key()?;
    if compiler.longest > LONGEST {
        return Err(wrong(
            "record",
            format!(
                "a record could have {} bytes, and the limit is {LONGEST}; lower the `max` of its \
                 arrays, or write shorter text",
                compiler.longest
            ),
        ));
    }
    let schema = Value::Object(schema).to_string();
    match schema.len() {
        0..=SCHEMA => Ok(Compiled {
            program: compiler.program,
            schema,
        }),
        bytes => Err(wrong(
            "record",
            format!(
                "its schema has {bytes} bytes, and the limit is {SCHEMA}; write fewer fields or choices"
            ),
        )),
    }
}

/// What is at work.
pub(crate) struct Compiler<'a> {
    pub settings: &'a Settings,
    key: Option<&'a str>,
    found: bool,
    pub program: Program,
    /// Text that no step has yet.
    text: Vec<u8>,
    /// Bytes of the longest record so far.
    longest: u64,
    /// Paths of all fields that could be the key.
    names: Vec<String>,
    /// What depends on other fields.
    waiting: Waiting,
}

impl Compiler<'_> {
    /// Text as it is.
    fn write(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
        self.longest = self.longest.saturating_add(text.len() as u64);
    }

    /// A piece of the pool.
    pub fn piece(&mut self, text: &[u8]) -> Piece {
        let from = self.program.pool.len() as u32;
        self.program.pool.extend_from_slice(text);
        let to = self.program.pool.len() as u32;
        Piece { from, to }
    }

    /// A step that writes at most so many bytes, and draws for a purpose of this stream's own.
    pub fn step(&mut self, purpose: &str, what: What, longest: u64) -> usize {
        let text = std::mem::take(&mut self.text);
        let piece = self.piece(&text);
        let key: Key = self.settings.key(&format!("template.{purpose}"));
        self.program.steps.push(Step::new(&text, piece, key, what));
        self.longest = self.longest.saturating_add(longest);
        self.program.steps.len() - 1
    }

    /// The number of the step that comes next.
    pub fn next_step(&self) -> u32 {
        self.program.steps.len() as u32
    }

    /// The body of an array that is written at most so often: its schema.
    pub fn repeated(&mut self, at: &At, of: &Value, most: u32) -> Result<Value, Error> {
        let (before, times) = (self.longest, self.waiting.times);
        self.waiting.times = times.saturating_mul(u64::from(most));
        let schema = self.value(at, of)?;
        self.waiting.times = times;
        let once = self.longest.saturating_sub(before).saturating_add(1);
        self.longest = before.saturating_add(once.saturating_mul(u64::from(most)));
        Ok(schema)
    }

    /// An object with a value for each field, in the order written. Gives its schema.
    fn object(&mut self, at: &At, fields: &Map<String, Value>) -> Result<Value, Error> {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        self.write("{");
        for (i, (written, value)) in fields.iter().enumerate() {
            let name = field_name(at, written)?;
            let comma = if i > 0 { "," } else { "" };
            self.write(&format!("{comma}{}:", Value::from(name)));
            let schema = self.field(&at.field(name), value)?;
            properties.insert(name.to_owned(), schema);
            required.push(name);
        }
        self.write("}");
        Ok(json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        }))
    }

    /// The value of a field, which may be the key.
    fn field(&mut self, at: &At, value: &Value) -> Result<Value, Error> {
        let wanted = self.key == Some(&at.path) && at.loops == 0;
        if wanted {
            self.step("", What::KeyFrom, 0);
        }
        let step = self.next_step();
        let schema = self.value(at, value)?;
        let scalar = !is_nested(&schema);
        self.place_field(at, value, !scalar, step);
        if scalar && at.loops == 0 {
            self.names.push(at.path.clone());
        }
        if wanted {
            self.step("", What::KeyTo, 0);
            self.found = scalar;
        }
        Ok(schema)
    }

    /// A value: an operator's, or what is written. Gives its schema.
    pub fn value(&mut self, at: &At, value: &Value) -> Result<Value, Error> {
        if at.depth > DEEPEST {
            return Err(wrong(
                &at.place,
                format!("objects and arrays are more than {DEEPEST} deep; write fewer levels"),
            ));
        }
        match value {
            Value::Object(fields) => match operator(fields) {
                Some((name, options)) => self.operator(at, name, options),
                None => self.object(at, fields),
            },
            Value::Array(items) => self.list(at, items),
            Value::String(text) => match text.strip_prefix('$') {
                None => Ok(self.constant(value)),
                Some(rest) if rest.starts_with('$') => Ok(self.constant(&Value::from(rest))),
                Some(_) => self.operator(at, text, &Value::Null),
            },
            _ => Ok(self.constant(value)),
        }
    }

    fn constant(&mut self, value: &Value) -> Value {
        self.write(&value.to_string());
        json!({"const": value})
    }

    /// A list with a value in each place.
    fn list(&mut self, at: &At, items: &[Value]) -> Result<Value, Error> {
        let mut schemas = Vec::new();
        self.write("[");
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.write(",");
            }
            let (at, step) = (at.item(i), self.next_step());
            let schema = self.value(&at, item)?;
            self.place_field(&at, item, is_nested(&schema), step);
            schemas.push(schema);
        }
        self.write("]");
        let count = items.len();
        let mut schema = json!({"type": "array", "minItems": count, "maxItems": count});
        if count > 0 {
            schema["prefixItems"] = Value::Array(schemas);
        }
        Ok(schema)
    }

    fn check_key(&self) -> Result<(), Error> {
        let Some(key) = self.key.filter(|_| !self.found) else {
            return Ok(());
        };
        let below = format!("{key}.");
        if let Some(field) = self.names.iter().find(|name| name.starts_with(&below)) {
            return Err(wrong(
                "key",
                format!("`{key}` is an object; write one of its fields, such as `{field}`"),
            ));
        }
        let near = nearest(key, self.names.iter().map(String::as_str));
        Err(wrong(
            "key",
            format!(
                "no single value of the record is at `{key}`{near} Write a path with dots, such \
                 as `customer.id`, of a field that is in no array"
            ),
        ))
    }
}

/// An object with exactly one member, whose name begins with one dollar sign, is an operator.
pub(crate) fn operator(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, options) = fields.iter().next().filter(|_| fields.len() == 1)?;
    let plain = name.starts_with('$') && !name.starts_with("$$");
    plain.then_some((name.as_str(), options))
}

/// What a record calls a field.
fn field_name<'a>(at: &At, written: &'a str) -> Result<&'a str, Error> {
    match written.strip_prefix('$') {
        None if written.is_empty() => Err(wrong(&at.place, "a field has no name; write one")),
        None => Ok(written),
        Some(rest) if rest.starts_with('$') => Ok(rest),
        Some(_) => Err(wrong(
            &at.place,
            format!(
                "`{written}` stands beside other fields, but an operator is alone in its object; \
                 write `${written}` if that is the field's name"
            ),
        )),
    }
}

/// Whether a schema is of objects or arrays.
fn is_nested(schema: &Value) -> bool {
    if let Some(nested) = values::nested_later(schema, is_nested) {
        return nested;
    }
    let nested = |kind: &Value| kind == "object" || kind == "array";
    let of_value = |value: &Value| value.is_object() || value.is_array();
    let listed = schema["enum"]
        .as_array()
        .is_some_and(|all| all.iter().any(of_value));
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(nested),
        kind => nested(kind) || listed,
    }
}
