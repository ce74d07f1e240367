//! The JSON Schema of specs, which `wellhead schema spec` publishes.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::form::{EmulationForm, ScenarioForm};
use super::sinks::schema as kind_schema;
use crate::sink::{Kind, SINKS};

/// JSON Schema (draft 2020-12) of a spec: one emulation, or a scenario.
pub fn schema() -> Schema {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let one = generator.subschema_for::<EmulationForm>();
    let scenario = generator.subschema_for::<ScenarioForm>();
    let mut schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "wellhead spec",
        "description": "An emulation, or a scenario of several.",
        "type": "object",
        "if": { "required": ["emulations"] },
        "then": scenario,
        "else": one,
    });
    let definitions = generator.take_definitions(true);
    schema.insert("$defs".to_owned(), Value::Object(definitions));
    schema
}

/// The list of sinks: each a URL, or a block of its kind.
pub(super) fn sinks(generator: &mut SchemaGenerator) -> Schema {
    let mut forms = vec![json!({
        "type": "string",
        "description": "A URL such as file:out/{channel}.ndjson, its query taking the block's options."
    })];
    for kind in SINKS {
        let name = format!("{}-sink", kind.name);
        let block = block(kind, &name);
        generator.definitions_mut().insert(name.clone(), block);
        forms.push(json!({ "$ref": format!("#/$defs/{name}") }));
    }
    json_schema!({ "type": ["array", "null"], "items": { "anyOf": forms } })
}

/// A kind's schema with what every block has, its own definitions kept inside. What it requires
/// a connection may fill in.
fn block(kind: &Kind, name: &str) -> Value {
    let mut schema = kind_schema(kind);
    move_references(&mut schema, name);
    if let Value::Object(map) = &mut schema {
        map.shift_remove("$schema");
        map.insert("title".to_owned(), json!(format!("{} sink", kind.name)));
        map.insert("description".to_owned(), json!(kind.summary));
        map.insert("required".to_owned(), json!(["type"]));
        map.insert("additionalProperties".to_owned(), json!(false));
        let properties = map.entry("properties").or_insert_with(|| json!({}));
        properties["type"] = json!({ "const": kind.name });
        properties["connection"] = json!({
            "type": ["string", "null"],
            "description": "A connection of the settings, which fills in what the block doesn't say."
        });
        properties["on_full"] = json!({
            "enum": ["wait", "drop", null],
            "default": "wait",
            "description": "What becomes of records that this sink has no room for: the schedule waits for it, or they are left out here and counted."
        });
    }
    schema
}

/// Makes `#/$defs/X` point to where the definitions are once the schema is the definition `name`.
fn move_references(schema: &mut Value, name: &str) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(text) if key == "$ref" => {
                        if let Some(rest) = text.strip_prefix("#/") {
                            *text = format!("#/$defs/{name}/{rest}");
                        }
                    }
                    other => move_references(other, name),
                }
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| move_references(item, name)),
        _ => {}
    }
}
