//! The kinds of damage as a spec names them: a list, or a map of weights.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::fault::Kind;

/// Kinds of damage, each with its weight among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kinds(pub Vec<(Kind, u32)>);

impl Kinds {
    /// Those given, else all that fit the content: what isn't JSON has no fields.
    pub(super) fn or_all(given: Option<&Kinds>, json: bool) -> Vec<(Kind, u32)> {
        match given {
            Some(kinds) => kinds.0.clone(),
            None => {
                let fit = Kind::ALL.into_iter().filter(|k| json || k.is_blind());
                fit.map(|kind| (kind, 1)).collect()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Kinds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Kinds, D::Error> {
        struct Form;
        impl<'de> Visitor<'de> for Form {
            type Value = Kinds;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of kinds such as [bit_flip, null], or their weights such as {bit_flip: 3, null: 1}")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Kinds, A::Error> {
                let mut kinds = Vec::new();
                while let Some(kind) = list.next_element::<Kind>()? {
                    kinds.push((kind, 1));
                }
                Ok(Kinds(kinds))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kinds, A::Error> {
                let mut kinds = Vec::new();
                while let Some(entry) = map.next_entry::<Kind, u32>()? {
                    kinds.push(entry);
                }
                Ok(Kinds(kinds))
            }
        }
        deserializer.deserialize_any(Form)
    }
}

impl Serialize for Kinds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = || self.0.iter().map(|(kind, _)| kind);
        match self.0.iter().all(|(_, weight)| *weight == 1) {
            true => serializer.collect_seq(names()),
            false => serializer.collect_map(self.0.iter().map(|(kind, weight)| (kind, weight))),
        }
    }
}

impl JsonSchema for Kinds {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Kinds".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kind = generator.subschema_for::<Kind>();
        let weight = json_schema!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
        let weights: BTreeMap<&str, Schema> = Kind::ALL
            .into_iter()
            .map(|kind| (kind.name(), weight.clone()))
            .collect();
        json_schema!({
            "anyOf": [
                { "type": "array", "items": kind, "minItems": 1 },
                { "type": "object", "properties": weights, "additionalProperties": false }
            ]
        })
    }
}
