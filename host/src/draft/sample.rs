//! What a sample of records tells of each field.

use serde_json::{Map, Value, json};

use super::DraftError;
use super::node::{DEEPEST, Fields, Node};
use super::numbers::Numbers;
use super::strings::Strings;

/// What was seen at one place.
#[derive(Default)]
struct Seen {
    /// How often something stood there, null counted.
    present: u64,
    nulls: u64,
    trues: u64,
    falses: u64,
    numbers: Numbers,
    strings: Strings,
    objects: u64,
    fields: Vec<(String, Seen)>,
    lists: u64,
    shortest: usize,
    longest: usize,
    items: Option<Box<Seen>>,
}

/// A draft of records: name, fields, and what it was made from.
pub(super) fn of(
    rows: Vec<Map<String, Value>>,
    name: &str,
) -> Result<(String, Fields, String), DraftError> {
    if rows.is_empty() {
        return Err(DraftError::Nothing(""));
    }
    let mut all = Seen::default();
    let count = rows.len() as u64;
    for row in rows {
        all.look(&Value::Object(row), 0);
    }
    let from = format!("a sample of {count} records");
    Ok((name.to_owned(), all.fields_of(), from))
}

impl Seen {
    fn look(&mut self, value: &Value, depth: usize) {
        self.present += 1;
        match value {
            Value::Null => self.nulls += 1,
            Value::Bool(true) => self.trues += 1,
            Value::Bool(false) => self.falses += 1,
            Value::Number(number) => self.numbers.look(number),
            Value::String(text) => self.strings.look(text),
            Value::Object(fields) => {
                self.objects += 1;
                for (name, value) in fields.iter().filter(|_| depth < DEEPEST) {
                    self.field(name).look(value, depth + 1);
                }
            }
            Value::Array(items) => {
                self.shortest = match self.lists {
                    0 => items.len(),
                    _ => self.shortest.min(items.len()),
                };
                self.lists += 1;
                self.longest = self.longest.max(items.len());
                for item in items.iter().filter(|_| depth < DEEPEST) {
                    self.items.get_or_insert_default().look(item, depth + 1);
                }
            }
        }
    }

    fn field(&mut self, name: &str) -> &mut Seen {
        let at = match self.fields.iter().position(|(known, _)| known == name) {
            Some(at) => at,
            None => {
                self.fields.push((name.to_owned(), Seen::default()));
                self.fields.len() - 1
            }
        };
        &mut self.fields[at].1
    }

    fn fields_of(&self) -> Fields {
        let node = |(name, seen): &(String, Seen)| (name.clone(), seen.node(name, self.objects));
        self.fields.iter().map(node).collect()
    }

    /// What makes the like, where there were so many objects that could have had it.
    fn node(&self, name: &str, of: u64) -> Node {
        let absent = of.saturating_sub(self.present);
        let node = self.filled(name);
        let empty = self.nulls + absent;
        if empty == 0 || self.present == self.nulls {
            return node;
        }
        let share = (empty as f64 / of as f64 * 1000.0).round() / 1000.0;
        let why = match absent {
            0 => String::new(),
            n => format!("{n} of {of} records lack it, and have a null here"),
        };
        node.or_null(share.clamp(0.001, 1.0), &why)
    }

    /// The same where it isn't null.
    fn filled(&self, name: &str) -> Node {
        let bools = self.trues + self.falses;
        let counts = [
            bools,
            self.numbers.count(),
            self.strings.count(),
            self.objects,
            self.lists,
        ];
        let most = counts.iter().max().copied().unwrap_or(0);
        let mut node = match counts.iter().position(|&count| count == most) {
            _ if most == 0 => Node::guessed(Value::Null, "it was always null"),
            Some(0) => self.boolean(bools),
            Some(1) => self.numbers.node(name),
            Some(2) => self.strings.node(name),
            Some(3) => Node::Object(self.fields_of()),
            _ => self.list(name),
        };
        let others = counts.iter().sum::<u64>() - most;
        if others > 0
            && let Node::One { note, .. } = &mut node
        {
            let said = format!("{others} of {} values were of another type", others + most);
            *note = Some(
                note.take()
                    .map_or(said.clone(), |note| format!("{note}; {said}")),
            );
        }
        node
    }

    fn boolean(&self, all: u64) -> Node {
        let share = (self.trues as f64 / all as f64 * 1000.0).round() / 1000.0;
        match share {
            0.0 => Node::known(json!(false)),
            1.0 => Node::known(json!(true)),
            share => Node::known(json!({ "$bool": { "share": share } })),
        }
    }

    fn list(&self, name: &str) -> Node {
        let Some(items) = &self.items else {
            return Node::known(json!([]));
        };
        let item = items.node(name, items.present);
        let longest = self.longest.min(10_000);
        let shortest = self.shortest.min(longest);
        Node::list(shortest as u64, longest as u64, &item, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(rows: impl Iterator<Item = Value>) -> Value {
        let rows = rows.map(|row| match row {
            Value::Object(row) => row,
            other => panic!("{other}"),
        });
        let (_, fields, _) = of(rows.collect(), "x").unwrap();
        Node::object_value(&fields)
    }

    #[test]
    fn fields_are_what_most_of_them_were() {
        let rows = (0..200).map(|i| {
            let tier = ["gold", "silver", "silver", "tin"][i % 4];
            let mut row = json!({
                "id": 10 + 2 * i, "ok": i % 4 == 0, "tier": tier,
                "price": (i * 37 % 191) as f64 / 4.0, "none": null, "same": "EUR",
                "note": if i % 2 == 0 { Value::Null } else { json!("free text") },
                "in": {"code": format!("AB-{:04}", i * 7919 % 10_000)},
                "tags": vec!["a"; i % 3]
            });
            if i >= 150 {
                row.as_object_mut().unwrap().remove("ok");
            }
            row
        });
        let record = record(rows);
        assert_eq!(record["id"], json!({"$sequence": {"from": 10, "step": 2}}));
        assert_eq!(record["ok"]["$null"]["share"], 0.25);
        assert_eq!(
            record["tier"],
            json!({"$choice": {"gold": 50, "silver": 100, "tin": 50}})
        );
        assert_eq!(record["price"]["$float"]["min"], 0.0);
        assert_eq!(record["none"], Value::Null);
        assert_eq!(record["same"], "EUR");
        assert_eq!(
            record["note"],
            json!({"$null": {"share": 0.5, "of": "free text"}})
        );
        assert_eq!(record["in"]["code"], json!({"$pattern": "AB-[0-9]{4}"}));
        assert_eq!(
            record["tags"],
            json!({"$array": {"min": 0, "max": 2, "of": "a"}})
        );
    }
}
