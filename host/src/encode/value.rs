//! Values of columns in one form, whoever wrote them: for comparing what went into a column with what
//! comes out of it.

use serde_json::{Number, Value};

use super::columns::ColumnType;
use super::scan::{string_inner, unescape};

/// A column's value from its text, as a database or a record writes it; a text that is no value of the
/// column's type stays a text. Timestamps are kept to the microsecond, which is what databases keep.
pub fn value(kind: ColumnType, text: Option<&str>) -> Value {
    let Some(text) = text else {
        return Value::Null;
    };
    let typed = match kind {
        ColumnType::Bool => match text {
            "true" | "t" | "1" => Some(Value::Bool(true)),
            "false" | "f" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        ColumnType::Int | ColumnType::Float => number(text),
        ColumnType::Timestamp => micros(text).map(Value::String),
        ColumnType::Json => serde_json::from_str(text).ok().map(|value| plain(&value)),
        ColumnType::String => None,
    };
    typed.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// A whole number as such, however it is written; any other as the nearest double.
fn number(text: &str) -> Option<Value> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Some(whole.into());
    }
    let float: f64 = text.parse().ok()?;
    if float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 {
        return Some((float as i64).into());
    }
    Number::from_f64(float).map(Value::Number)
}

/// An instant to the microsecond, in one form.
fn micros(text: &str) -> Option<String> {
    let instant: jiff::Timestamp = text.parse().ok()?;
    let micros = (instant.as_nanosecond() + 500).div_euclid(1_000);
    let rounded = jiff::Timestamp::from_microsecond(i64::try_from(micros).ok()?).ok()?;
    Some(rounded.to_string())
}

/// JSON with its keys sorted and its numbers in one form, since databases keep neither.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut names: Vec<&String> = map.keys().collect();
            names.sort();
            let member = |name: &String| (name.clone(), plain(&map[name]));
            Value::Object(names.into_iter().map(member).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        Value::Number(n) => number(&n.to_string()).unwrap_or_else(|| value.clone()),
        other => other.clone(),
    }
}

/// A cell of a record as text: the characters of a string, the JSON text of anything else.
pub fn cell_text<'a>(
    kind: ColumnType,
    cell: &'a [u8],
    scratch: &'a mut Vec<u8>,
) -> std::borrow::Cow<'a, str> {
    let inner = match kind {
        ColumnType::Json => None,
        _ => string_inner(cell),
    };
    match inner {
        None => String::from_utf8_lossy(cell),
        Some(inner) => {
            scratch.clear();
            unescape(inner, scratch);
            String::from_utf8_lossy(scratch)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_value_has_one_form() {
        use ColumnType::{Bool, Float, Int, Json, String, Timestamp};
        for (kind, texts, form) in [
            (Bool, vec!["t", "true", "1"], json!(true)),
            (Int, vec!["17", "17.0", "1.7e1"], json!(17)),
            (Float, vec!["0.1", "1e-1", "0.10"], json!(0.1)),
            (String, vec!["1e1"], json!("1e1")),
            (
                Timestamp,
                vec![
                    "2024-01-01T00:00:00.1234564Z",
                    "2024-01-01T01:00:00.123456+01:00",
                ],
                json!("2024-01-01T00:00:00.123456Z"),
            ),
            (
                Json,
                vec![r#"{"b":1.0,"a":[1e2]}"#, r#"{"a": [100], "b": 1}"#],
                json!({"a": [100], "b": 1}),
            ),
        ] {
            for text in texts {
                assert_eq!(value(kind, Some(text)), form, "{kind:?} {text}");
            }
        }
        assert_eq!(value(Int, None), Value::Null);
        assert_eq!(value(Int, Some("x")), json!("x"));
    }
}
