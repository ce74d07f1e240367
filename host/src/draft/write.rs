//! A draft as YAML that people go on with: a line a field, and what was guessed beside it.

use serde_json::Value;

use super::Draft;
use super::node::{Node, name_of};

/// Where comments begin, unless a line is longer.
const COLUMN: usize = 60;

/// The spec.
pub(super) fn spec(draft: &Draft) -> String {
    let mut out = format!(
        "# Drafted from {}. Have a look at what is guessed; what may stand here: `wellhead plugin inspect template`.\n\
         generator: template\nload: 10/s\nconfig:\n  channel: {}\n  record:\n",
        draft.from, draft.channel
    );
    fields(&draft.record, 4, &mut out);
    out
}

fn fields(fields: &[(String, Node)], indent: usize, out: &mut String) {
    for (name, node) in fields {
        let name = plain(&Value::from(name_of(name)));
        let space = " ".repeat(indent);
        match node {
            Node::Object(within) if !within.is_empty() => {
                out.push_str(&format!("{space}{name}:\n"));
                self::fields(within, indent + 2, out);
            }
            node => {
                let mut line = format!("{space}{name}: {}", flow(&node.value()));
                let mut notes = Vec::new();
                node.notes("", &mut notes);
                if !notes.is_empty() {
                    let width = line.chars().count();
                    line.push_str(&" ".repeat(COLUMN.saturating_sub(width).max(2)));
                    line.push_str(&format!("# {}", notes.join("; ").replace('\n', " ")));
                }
                out.push_str(&line);
                out.push('\n');
            }
        }
    }
}

/// On one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let each = |(name, value): (&String, &Value)| {
                format!("{}: {}", plain(&Value::from(name.as_str())), flow(value))
            };
            format!(
                "{{{}}}",
                map.iter().map(each).collect::<Vec<_>>().join(", ")
            )
        }
        Value::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(flow).collect::<Vec<_>>().join(", ")
            )
        }
        value => plain(value),
    }
}

/// A single value: text without quotes where nobody could take it for something else.
fn plain(value: &Value) -> String {
    let Value::String(text) = value else {
        return value.to_string();
    };
    let body = text.strip_prefix('$').unwrap_or(text);
    let word = body.starts_with(|c: char| c.is_ascii_alphabetic())
        && body
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let taken = [
        "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf",
    ];
    if word && !taken.contains(&text.to_ascii_lowercase().as_str()) {
        return text.clone();
    }
    // JSON's quotes are YAML's.
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read_back() {
        let record = vec![
            (
                "id".to_owned(),
                Node::guessed(json!("$uuid"), "it looks like one"),
            ),
            ("$odd name".to_owned(), Node::known(json!("no"))),
            (
                "in".to_owned(),
                Node::Object(vec![
                    (
                        "code".to_owned(),
                        Node::known(json!({"$pattern": "[A-Z]{3}: \"x\" #"})),
                    ),
                    ("none".to_owned(), Node::Object(Vec::new())),
                    (
                        "list".to_owned(),
                        Node::known(json!([1, 2.5, null, "a b", {"$int": {"min": -1, "max": 1}}])),
                    ),
                ]),
            ),
        ];
        let draft = Draft {
            channel: "x".to_owned(),
            record,
            from: "a test".to_owned(),
        };
        let record = Node::object_value(&draft.record);
        let text = draft.to_yaml();
        let read: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read["config"]["record"], record, "{text}");
        assert!(text.contains("    id: $uuid"), "{text}");
        assert!(text.contains("# guessed: it looks like one\n"), "{text}");
    }
}
