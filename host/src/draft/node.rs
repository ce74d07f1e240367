//! What stands in a field.

use serde_json::{Map, Value, json};

/// How far objects, lists and references are followed; `template` goes hardly further.
pub(super) const DEEPEST: usize = 12;
/// The share of nulls, where null is allowed and nobody says how often.
const NULLS: f64 = 0.1;

/// A field of a draft.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A value or an operator, and what was guessed of it.
    One {
        /// As `template` takes it.
        value: Value,
        /// What the reader should look at; none where it is known.
        note: Option<String>,
    },
    /// Fields within.
    Object(Vec<(String, Node)>),
}

/// Fields in their order.
pub(super) type Fields = Vec<(String, Node)>;

impl Node {
    /// What is known.
    pub(super) fn known(value: Value) -> Node {
        Node::One { value, note: None }
    }

    /// What is guessed, and why.
    pub(super) fn guessed(value: Value, why: impl Into<String>) -> Node {
        Node::One {
            value,
            note: Some(format!("guessed: {}", why.into())),
        }
    }

    /// A value that is always the same.
    pub(super) fn fixed(value: &Value) -> Value {
        match value {
            // A dollar sign begins an operator.
            Value::String(text) if text.starts_with('$') => Value::from(format!("${text}")),
            Value::Array(items) => items.iter().map(Node::fixed).collect(),
            Value::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| (name_of(name), Node::fixed(value)));
                Value::Object(fields.collect())
            }
            value => value.clone(),
        }
    }

    /// One of some values, by how often each comes.
    pub(super) fn choice<'a>(values: impl IntoIterator<Item = (&'a Value, u64)>) -> Value {
        let values: Vec<(&Value, u64)> = values.into_iter().collect();
        let alike = values.windows(2).all(|pair| pair[0].1 == pair[1].1);
        if alike {
            let values: Vec<&Value> = values.into_iter().map(|(value, _)| value).collect();
            return json!({ "$choice": values });
        }
        let texts: Option<Map<String, Value>> = values
            .iter()
            .map(|(value, weight)| {
                let text = value.as_str().filter(|text| !text.starts_with('$'))?;
                Some((text.to_owned(), Value::from(*weight)))
            })
            .collect();
        match texts {
            Some(texts) => json!({ "$choice": texts }),
            None => {
                let each =
                    |(value, weight): &(&Value, u64)| json!({ "value": value, "weight": weight });
                let list: Vec<Value> = values.iter().map(each).collect();
                json!({ "$choice": list })
            }
        }
    }

    /// The same, null in that share of records.
    pub(super) fn or_null(self, share: f64, why: &str) -> Node {
        let (value, note) = match self {
            Node::One { value, note } => (value, note),
            Node::Object(fields) => (Node::object_value(&fields), None),
        };
        let why = (!why.is_empty()).then(|| why.to_owned());
        let notes: Vec<String> = [note, why].into_iter().flatten().collect();
        Node::One {
            value: json!({ "$null": { "share": share, "of": value } }),
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        }
    }

    /// The same, null now and then where a schema allows it.
    pub(super) fn nullable(self, nullable: bool) -> Node {
        match nullable {
            true => self.or_null(NULLS, "guessed: the share of nulls"),
            false => self,
        }
    }

    /// What lies deeper than [`DEEPEST`].
    pub(super) fn too_deep() -> Node {
        Node::guessed(Value::Null, "it goes on deeper than a template does")
    }

    /// A list of so many of the like, with what is said of the list and of the items.
    pub(super) fn list(min: u64, max: u64, item: &Node, note: Option<&str>) -> Node {
        let mut notes: Vec<String> = note.map(str::to_owned).into_iter().collect();
        item.notes("", &mut notes);
        Node::One {
            value: json!({ "$array": { "min": min, "max": max, "of": item.value() } }),
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        }
    }

    /// As `template` takes it.
    pub(super) fn value(&self) -> Value {
        match self {
            Node::One { value, .. } => value.clone(),
            Node::Object(fields) => Node::object_value(fields),
        }
    }

    pub(super) fn object_value(fields: &[(String, Node)]) -> Value {
        let fields = fields
            .iter()
            .map(|(name, node)| (name_of(name), node.value()));
        Value::Object(fields.collect())
    }

    /// What is said of it and of what lies within, with the names there.
    pub(super) fn notes(&self, path: &str, all: &mut Vec<String>) {
        match self {
            Node::One {
                note: Some(note), ..
            } if path.is_empty() => all.push(note.clone()),
            Node::One {
                note: Some(note), ..
            } => all.push(format!("{path}: {note}")),
            Node::One { .. } => {}
            Node::Object(fields) => {
                for (name, node) in fields {
                    let within = match path {
                        "" => name.clone(),
                        path => format!("{path}.{name}"),
                    };
                    node.notes(&within, all);
                }
            }
        }
    }
}

/// A field's name as `template` takes it.
pub(super) fn name_of(name: &str) -> String {
    match name.starts_with('$') {
        true => format!("${name}"),
        false => name.to_owned(),
    }
}
