//! Samples, as records.

use csv_core::{ReadFieldResult, Reader};
use serde_json::{Map, Value};

use super::DraftError;

/// Records that are looked at: what comes after says little more.
const MOST: usize = 100_000;

/// JSON: a record a line, or an array of them.
pub(super) fn json(text: &str) -> Result<Vec<Map<String, Value>>, DraftError> {
    let wrong = |why: String| DraftError::Syntax {
        what: "a sample of JSON objects",
        why,
    };
    let mut rows = Vec::new();
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    for value in values {
        match value {
            Ok(Value::Object(row)) => rows.push(row),
            Ok(Value::Array(items)) if rows.is_empty() => {
                for item in items.into_iter().take(MOST) {
                    match item {
                        Value::Object(row) => rows.push(row),
                        other => return Err(wrong(format!("{other} in the array is no object"))),
                    }
                }
            }
            Ok(other) => return Err(wrong(format!("{other} is no object"))),
            // A sample may have been cut off anywhere.
            Err(error) if error.is_eof() && !rows.is_empty() => break,
            Err(error) => return Err(wrong(error.to_string())),
        }
        if rows.len() >= MOST {
            break;
        }
    }
    Ok(rows)
}

/// CSV with a header. A cell is what it looks like: a number, true or false, nothing, or text.
pub(super) fn csv(text: &str) -> Result<Vec<Map<String, Value>>, DraftError> {
    let mut lines = cells(text).into_iter();
    let header = lines.next().unwrap_or_default();
    let mut rows = Vec::new();
    for (n, line) in lines.take(MOST).enumerate() {
        if line.len() != header.len() {
            return Err(DraftError::Syntax {
                what: "CSV with a header",
                why: format!(
                    "row {} has {} cells, and the header has {}",
                    n + 1,
                    line.len(),
                    header.len()
                ),
            });
        }
        let row = header
            .iter()
            .zip(line)
            .map(|(name, cell)| (name.clone(), typed(cell)));
        rows.push(row.collect());
    }
    Ok(rows)
}

fn cells(text: &str) -> Vec<Vec<String>> {
    let mut reader = Reader::new();
    let (mut lines, mut line, mut cell) = (Vec::new(), Vec::new(), Vec::new());
    let (mut input, mut buffer) = (text.as_bytes(), [0; 4096]);
    loop {
        let (result, read, written) = reader.read_field(input, &mut buffer);
        input = &input[read..];
        cell.extend_from_slice(&buffer[..written]);
        match result {
            // An empty input says that there is no more.
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            ReadFieldResult::Field { record_end } => {
                line.push(String::from_utf8_lossy(&cell).into_owned());
                cell.clear();
                if record_end {
                    lines.push(std::mem::take(&mut line));
                    if lines.len() > MOST {
                        return lines;
                    }
                }
            }
            ReadFieldResult::End => return lines,
        }
    }
}

fn typed(cell: String) -> Value {
    match cell.as_str() {
        "" => return Value::Null,
        "true" | "TRUE" | "True" => return Value::Bool(true),
        "false" | "FALSE" | "False" => return Value::Bool(false),
        _ => {}
    }
    // What JSON takes for a number; 007 is text.
    match serde_json::from_str::<Value>(&cell) {
        Ok(number @ Value::Number(_)) => number,
        _ => Value::String(cell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_what_they_look_like() {
        let rows =
            csv("id,name,ok,zip\r\n1,\"a, \"\"b\"\"\",true,007\r\n2,,false,123\r\n").unwrap();
        assert_eq!(
            Value::from(rows[0].clone()),
            json!({"id": 1, "name": "a, \"b\"", "ok": true, "zip": "007"})
        );
        assert_eq!(rows[1]["name"], Value::Null);
        assert!(csv("a,b\n1\n").is_err());
        assert_eq!(json("{\"a\": 1}\n{\"a\": 2}\n{\"a\":").unwrap().len(), 2);
        assert_eq!(json("[{\"a\": 1}, {}]").unwrap().len(), 2);
        assert!(json("[1]").is_err() && json("{]").is_err());
    }
}
