//! `wellhead sinks`: the kinds of sinks, and every option of one with its type and default.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

use super::args::SinksArgs;
use super::{CliError, Status};
use crate::sink::{Kind, SINKS};
use crate::spec::{SpecError, options, sinks};

/// Prints the kinds, or the options of one.
///
/// # Errors
/// Where there is no such kind, or standard output can't be written.
pub fn run(args: &SinksArgs) -> Result<Status, CliError> {
    let kind = args.kind.as_deref().map(sinks::kind).transpose();
    match (kind.map_err(SpecError::from)?, args.json) {
        (Some(kind), true) => super::print_json(&sinks::schema(kind))?,
        (Some(kind), false) => super::print(&one(kind))?,
        (None, true) => super::print_json(&SINKS.iter().map(described).collect::<Vec<Value>>())?,
        (None, false) => super::print(&all())?,
    }
    Ok(Status::Done)
}

fn described(kind: &Kind) -> Value {
    json!({ "kind": kind.name, "summary": kind.summary, "options": sinks::schema(kind) })
}

fn all() -> String {
    let mut table = plain(["sink", "what it is"]);
    for kind in SINKS {
        table.add_row([kind.name, kind.summary]);
    }
    format!(
        "{table}\nwellhead sinks KIND shows the options of one; a sink's URL takes them in its query\n"
    )
}

fn one(kind: &Kind) -> String {
    let schema = sinks::schema(kind);
    let required = schema["required"].as_array();
    let required = |name: &str| required.is_some_and(|names| names.iter().any(|n| n == name));
    let mut table = plain(["option", "type", "default", "meaning"]);
    for (name, option) in schema["properties"].as_object().into_iter().flatten() {
        let default = match option.get("default") {
            None | Some(Value::Null) if required(name) => "(required)".to_owned(),
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        table.add_row([
            name.clone(),
            type_of(option, &schema),
            default,
            meaning(option, &schema),
        ]);
    }
    table.add_row([
        "connection".to_owned(),
        "text".to_owned(),
        String::new(),
        "A connection of the settings, which fills in what isn't said here.".to_owned(),
    ]);
    table.add_row([
        "on_full".to_owned(),
        "wait, drop".to_owned(),
        "wait".to_owned(),
        "What becomes of records that this sink has no room for: the schedule waits for it, or they are left out here and counted."
            .to_owned(),
    ]);
    format!("{}: {}\n{table}\n", kind.name, kind.summary)
}

/// What an option takes, as people call it: its words where there are but a few.
fn type_of(option: &Value, root: &Value) -> String {
    let words = options::words(option, root);
    if !words.is_empty() {
        return words.join(", ");
    }
    let mut names: Vec<&str> = Vec::new();
    for name in options::types(option, root) {
        let name = match name.as_str() {
            "string" => "text",
            "integer" => "whole number",
            "boolean" => "true or false",
            "array" => "list",
            "object" => "map",
            _ => "number",
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return "anything".to_owned();
    }
    names.join(" or ")
}

fn meaning(option: &Value, root: &Value) -> String {
    let said = option
        .get("description")
        .or(options::resolve(option, root).get("description"));
    let said = said.and_then(Value::as_str).unwrap_or_default();
    let mut text = said.split_whitespace().collect::<Vec<_>>().join(" ");
    if option["writeOnly"] == true || option["x-secret"] == true {
        text.push_str(" Secret.");
    }
    text
}

/// A table without ruling, as wide as the terminal.
pub fn plain<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed() {
        let text = all();
        for kind in SINKS {
            assert!(
                text.contains(kind.name) && text.contains(kind.summary),
                "{text}"
            );
        }
    }

    #[test]
    fn every_option_is_shown_with_type_and_meaning() {
        for kind in SINKS {
            let text = one(kind);
            let schema = sinks::schema(kind);
            for (name, option) in schema["properties"].as_object().into_iter().flatten() {
                assert!(
                    text.contains(name.as_str()),
                    "{name} of {} isn't shown",
                    kind.name
                );
                assert_ne!(meaning(option, &schema), "", "{name} of {}", kind.name);
                assert_ne!(type_of(option, &schema), "", "{name} of {}", kind.name);
            }
            assert_eq!(
                schema["additionalProperties"], false,
                "{} takes unknown options",
                kind.name
            );
        }
    }

    #[test]
    fn secrets_are_marked() {
        let text = one(sinks::kind("kafka").unwrap());
        let password = text
            .lines()
            .find(|line| line.trim_start().starts_with("password"));
        assert!(password.unwrap().contains("Secret."), "{text}");
    }

    #[test]
    fn an_unknown_kind_says_what_there_is() {
        let kind = Some("kafak".to_owned());
        let json = false;
        let error = run(&SinksArgs { kind, json }).unwrap_err().to_string();
        assert!(
            error.contains("did you mean `kafka`?") && error.contains("stdout"),
            "{error}"
        );
    }
}
