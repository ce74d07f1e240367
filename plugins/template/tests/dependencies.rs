//! What depends on other fields and makes no sense is refused, with its place and what to write.

mod common;

use serde_json::{Value, json};
use template::Template;

/// A record is refused in these words.
fn refused(record: &Value, expected: &[&str]) {
    let config = json!({ "record": record }).to_string();
    for words in expected {
        common::refuses::<Template>(&[(&config, 1, words)]);
    }
}

/// An expression beside some fields is refused in these words.
fn wrong(expression: &str, expected: &[&str]) {
    let record = json!({
        "quantity": {"$int": {"min": 1, "max": 9}}, "word": {"$choice": ["a", "b"]}, "yes": "$bool",
        "address": {"city": {"$fake": "city"}}, "any": {"$choice": [1, "a"]}, "object": {"$choice": [{"a": 1}]},
        "lines": {"$array": {"max": 3, "of": {"price": 5}}},
        "part": {"$null": {"share": 0.5, "of": {"inner": 1}}},
        "x": {"$expr": expression},
    });
    refused(&record, expected);
}

#[test]
fn a_circle_is_shown() {
    refused(
        &json!({"a": {"$expr": "b + 1"}, "b": {"$expr": "c * 2"}, "c": {"$expr": "a"}}),
        &[
            "depends on itself: `b` needs `c` needs `a` needs `b`",
            "`record.b`",
            "without the next",
        ],
    );
    refused(
        &json!({"a": {"$expr": "a + 1"}}),
        &["`record.a`", "`a` needs `a`"],
    );
    refused(
        &json!({"a": {"b": {"$null": {"share": 0.5, "of": {"$expr": "c"}}}, "c": {"$case": {"by": "b", "when": {"1": 2}, "else": 3}}}}),
        &["`a.c` needs `a.b` needs `a.c`"],
    );
}

#[test]
fn names_that_mean_nothing_here() {
    wrong(
        "quantiy * 2",
        &[
            "`record.x.$expr`",
            "no field is called `quantiy`; did you mean `quantity`?",
        ],
    );
    wrong("address.ciyt", &["did you mean `address.city`?"]);
    wrong(
        "address",
        &[
            "`address` is an object or an array",
            "such as `address.city`",
        ],
    );
    wrong("lines", &["`lines` is an object or an array"]);
    wrong(
        "lines.price * 2",
        &["`lines.price` is in an array, which has several of it"],
    );
    wrong(
        "part.inner",
        &["`part.inner` is in a part that isn't always there"],
    );
    wrong(
        "any + 1",
        &["`record.any`", "one value is a number and the other text"],
    );
    wrong("object", &["`object` is an object or an array"]);
    wrong(
        "rond(quantity)",
        &["no function is called `rond`; did you mean `round`?"],
    );
}

#[test]
fn kinds_that_do_not_go_together() {
    wrong(
        "quantity * word",
        &[
            "`record.x.$expr`",
            "`*` is for numbers, and one side of it is text",
            "`* word`",
        ],
    );
    wrong(
        "yes + 1",
        &["`+` is for numbers, and one side of it is true or false"],
    );
    wrong(
        "word + yes",
        &["true or false isn't text", "x ? 'yes' : 'no'"],
    );
    wrong(
        "word > 'a'",
        &["`>` is for numbers, and one side of it is text"],
    );
    wrong("word == 1", &["text is never the same as a number"]);
    wrong(
        "quantity ? 1 : 2",
        &["has to be true or false, and this is a number", "x > 0"],
    );
    wrong(
        "yes ? 1 : 'a'",
        &["one value is a number and the other text"],
    );
    wrong("-word", &["`-` is for numbers, and what follows is text"]);
    wrong("!quantity", &["has to be true or false"]);
    wrong("'r' + quantity / 3", &["how many decimals", "round(…, 2)"]);
    wrong("round(word)", &["`round` is for numbers, and this is text"]);
    wrong(
        "upper(quantity)",
        &["`upper` is for text, and this is a number"],
    );
    wrong("round(quantity, quantity)", &["round(x, 2)"]);
    wrong("null", &["it is always null"]);
}

#[test]
fn text_that_is_no_expression() {
    wrong("quantity / 0", &["it always divides by zero", "(at `/ 0`)"]);
    wrong("quantity % 0.0", &["it always divides by zero"]);
    wrong("", &["it ends where a value has to be"]);
    wrong("quantity +", &["it ends where a value has to be"]);
    wrong(
        "quantity quantity",
        &["something stands between two values", "(at `quantity`)"],
    );
    wrong("(quantity", &["a `(` isn't closed"]);
    wrong("quantity)", &["something stands between two values"]);
    wrong("* 2", &["`*` stands where a value has to be"]);
    wrong("quantity # 2", &["`#` means nothing", "(at `# 2`)"]);
    wrong("'open", &["a ' is never closed"]);
    wrong("1.2.3", &["`1.2.3` isn't a number"]);
    wrong("yes ? 1", &["write `:` and the other one"]);
    wrong("if(yes, 1)", &["write `,` and the other one"]);
    wrong("if(yes)", &["if(condition, value, other value)"]);
    wrong("pow(1)", &["write pow(x, y)"]);
    wrong("abs(1, 2)", &["one value in its parentheses"]);
    wrong(&"(".repeat(40), &["parentheses are more than 24 deep"]);
    wrong(&"1 + ".repeat(300), &["the limit is 1024"]);
    refused(
        &json!({"x": {"$expr": 5}}),
        &["`record.x.$expr`", "isn't a map of options"],
    );
    refused(
        &json!({"x": {"$expr": {"of": "1", "decimals": 9}}}),
        &["`decimals` is 9"],
    );
    refused(
        &json!({"x": {"$expr": {"of": "'a'", "decimals": 2}}}),
        &["`decimals` says nothing of text"],
    );
    refused(
        &json!({"x": {"$expr": {"of": "1 / 2", "else": "none"}}}),
        &["`else` is \"none\", and has to be a number"],
    );
    refused(
        &json!({"x": {"$expr": {"of": "1 / 2", "else": [1]}}}),
        &["`else` has to be a single value"],
    );
}

/// Text grows only so far, whatever is put together of what.
#[test]
fn texts_have_a_limit() {
    let mut record = json!({"t0": {"$pattern": "[a-z]{64}"}});
    for n in 1..10 {
        record[format!("t{n}")] = json!({ "$expr": format!("t{0} + t{0}", n - 1) });
    }
    refused(&record, &["`record.t6.$expr`", "the limit is 4096"]);
    let many = json!({"t": {"$pattern": "[a-z]{64}"}, "l": {"$array": {"max": 3000, "of": {"$expr": "t + t + t"}}}});
    refused(&many, &["`record`", "the limit is 262144"]);
}

#[test]
fn cases_that_make_no_sense() {
    let case = |case: Value| json!({"word": {"$choice": ["a", "b"]}, "n": {"$int": {"min": 1, "max": 3}}, "yes": "$bool", "x": {"$case": case}});
    refused(
        &case(json!({"by": "wrod", "when": {"a": 1}})),
        &["`record.x.$case`", "did you mean `word`?"],
    );
    refused(&case(json!({"when": {"a": 1}})), &["`by` is missing"]);
    refused(&case(json!({"by": "word"})), &["`when` is missing"]);
    refused(
        &case(json!({"by": "word", "when": [1]})),
        &["what to give for each value of `word`"],
    );
    refused(
        &case(json!({"by": "word", "when": {"a": 1}})),
        &["`word` may be `b`, which has no branch"],
    );
    refused(
        &case(json!({"by": "word", "when": {"a": 1, "bb": 2}})),
        &["`word` is never `bb`; did you mean"],
    );
    refused(
        &case(json!({"by": "n", "when": {"1": 1}})),
        &["`n` may have other values; write `else`"],
    );
    refused(
        &case(json!({"by": "n", "when": {"one": 1}, "else": 2})),
        &["`n` is a number, and never `one`"],
    );
    refused(
        &case(json!({"by": "yes", "when": {"true": 1}})),
        &["`yes` may be `false`"],
    );
    refused(
        &case(json!({"by": "word", "when": {"a": {"$int": {"min": 2, "max": 1}}}, "else": 1})),
        &["`record.x.$case.when.a.$int`"],
    );
    refused(
        &json!({"s": {"$states": {"states": {"a": {"for": "1m", "to": "b"}, "b": {"for": "1m", "to": "a"}}}}, "x": {"$case": {"by": "s", "when": {"a": 1, "c": 2}, "else": 3}}}),
        &["`s` is never `c`"],
    );
}

#[test]
fn machines_that_make_no_sense() {
    let states = |states: Value| json!({"x": {"$states": {"initial": "a", "states": states}}});
    let b = json!({"for": "1m", "to": "a"});
    let with = |a: Value| states(json!({"a": a, "b": b}));
    refused(
        &with(json!({"for": "20m..5m", "to": "b"})),
        &[
            "`record.x.$states.states.a`",
            "`20m..5m`, which is upside down",
        ],
    );
    refused(
        &with(json!({"for": "soon", "to": "b"})),
        &["`for` is `soon`", "5m..20m"],
    );
    refused(&with(json!({"for": "0s", "to": "b"})), &["`for` is `0s`"]);
    refused(&with(json!({"to": "b"})), &["`for` is missing"]);
    refused(&with(json!({"for": "1m"})), &["`to` is missing"]);
    refused(
        &with(json!({"for": "1m", "to": "c"})),
        &["`to` is `c`, which isn't a state"],
    );
    refused(
        &with(json!({"for": "1m", "to": {"b": 0}})),
        &["`to` leads nowhere"],
    );
    refused(
        &with(json!({"for": "1m", "to": {"b": "often"}})),
        &["the weight \"often\""],
    );
    refused(
        &with(json!({"for": "1m", "to": "a"})),
        &["nothing leads to `b`"],
    );
    refused(&states(json!({"a": b})), &["has to be 2 to 64 states"]);
    refused(
        &states(json!({"a": {"for": "1m", "to": "b"}, "b": {"for": "1m", "to": "b"}})),
        &["to come back to `a`, or it never does"],
    );
    refused(
        &states(
            json!({"a": {"for": "1m", "to": "b"}, "b": {"for": "1m", "to": {"b": 999, "a": 1}}}),
        ),
        &["more than 64 states"],
    );
    refused(
        &json!({"x": {"$states": {"initial": "z", "states": {"a": b, "b": b}}}}),
        &["`initial` is `z`, which isn't a state"],
    );
    refused(
        &json!({"x": {"$states": {"by": "device", "states": {"a": {"for": "1m", "to": "b"}, "b": b}}}}),
        &["no field is called `device`"],
    );
}
