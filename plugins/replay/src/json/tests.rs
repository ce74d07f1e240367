//! Against `serde_json`, which knows what JSON is.

use super::*;

const GOOD: [&str; 10] = [
    "{}",
    r#"{"a":1}"#,
    r#"{ "a" : [ 1 , -0.5e+3, {"b": null} ] , "c":true,"d":false }"#,
    r#"{"a":"a long string, with \"quotes\" and \\ and \u00e9 in it","b":""}"#,
    r#"{"ü":"Zürich, 東京, 🦀","a":{"a":{"a":[[[]],{}]}}}"#,
    r#"{"a":0,"b":10,"c":-1,"d":0.1,"e":1E5,"f":1e-5}"#,
    "{\"a\":\n 1}",
    r#"{"seven77":"8888888","é":1}"#,
    r#"{"a":[],"b":{},"c":[{}],"d":[1,2,3]}"#,
    r#"{"a":"{}[],:"}"#,
];

const BAD: [&str; 24] = [
    "[]",
    r#"{"a"}"#,
    r#"{"a":}"#,
    r#"{"a":1,}"#,
    r#"{,}"#,
    r#"{a:1}"#,
    r#"{"a":01}"#,
    r#"{"a":1.}"#,
    r#"{"a":.5}"#,
    r#"{"a":1e}"#,
    r#"{"a":-}"#,
    r#"{"a":tru }"#,
    r#"{"a":nul1}"#,
    r#"{"a":"\x"}"#,
    r#"{"a":"\u12g4"}"#,
    "{\"a\":\"\n\"}",
    "{\"a\":\"1234567\t\"}",
    r#"{"a":[1,]}"#,
    r#"{"a":[1}}"#,
    r#"{"a":{"b":1]}"#,
    r#"{"a" 1}"#,
    r#"{"a":1 "b":2}"#,
    r#"{"a":+1}"#,
    r#"{"a":'b'}"#,
];

#[test]
fn good_objects_end_where_they_end() {
    for text in GOOD {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let followed = format!("{text}  ,{{\"x\":1}}");
        let found = object(followed.as_bytes(), b"", false).unwrap();
        assert_eq!((found.length, found.field), (text.len(), None), "{text}");
        assert_eq!(found.lines, text.contains('\n'));
        assert_eq!(end(followed.as_bytes()), Some(text.len()), "{text}");
        let mut tight = Vec::new();
        squeezed(text.as_bytes(), |part| tight.extend_from_slice(part));
        let again: serde_json::Value = serde_json::from_slice(&tight).unwrap();
        assert_eq!(again, value);
        assert!(!tight.contains(&b'\n'));
        // Cut short anywhere, it says so.
        for length in 0..text.len() {
            let cut = &text.as_bytes()[..length];
            assert_eq!(
                object(cut, b"", false),
                Err(Fault::Incomplete),
                "{text} to {length}"
            );
            assert_eq!(end(cut), None, "{text} to {length}");
        }
    }
}

#[test]
fn bad_objects_are_refused() {
    for text in BAD {
        let read = serde_json::from_str::<serde_json::Value>(text);
        assert!(!read.is_ok_and(|value| value.is_object()), "{text}");
        let found = object(text.as_bytes(), b"", false);
        assert!(matches!(found, Err(Fault::At(..))), "{text}: {found:?}");
    }
    let found = object(b"{\"a\":\n1}", b"", true);
    assert!(matches!(found, Err(Fault::At(5, _))), "{found:?}");
    let found = object(b"{\"abcdefgh\xff\":1}", b"", true);
    assert_eq!(found, Err(Fault::At(10, "this is not UTF-8")));
    let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert!(object(deep(126).as_bytes(), b"", true).is_ok());
    let found = object(deep(127).as_bytes(), b"", true);
    assert!(matches!(found, Err(Fault::At(..))), "{found:?}");
}

#[test]
fn a_field_is_found_at_the_top_alone() {
    let field = |text: &str| {
        let found = object(text.as_bytes(), b"ts", false).unwrap();
        found.field.map(|range| text[range].to_owned())
    };
    assert_eq!(field(r#"{"ts":1}"#).as_deref(), Some("1"));
    let nested = r#"{"a":{"ts":2},"ts" : "x" ,"b":1}"#;
    assert_eq!(field(nested).as_deref(), Some("\"x\""));
    let array = r#"{"ts":[1,{"ts":2}],"b":1}"#;
    assert_eq!(field(array).as_deref(), Some(r#"[1,{"ts":2}]"#));
    assert_eq!(field(r#"{"ts":{},"b":1}"#).as_deref(), Some("{}"));
    assert_eq!(field(r#"{"a":{"ts":2},"b":"ts"}"#), None);
}
