//! What the tests of all generators share, for this one.
#![allow(dead_code, unused_imports)] // not every test file needs each of these

#[path = "../../../sdk/tests/generator/mod.rs"]
mod generator;

pub use generator::*;
use template::Template;
use wellhead_sdk::Stream;

pub fn open(config: &str) -> Stream<Template> {
    generator::open(config)
}

/// The record that the tests are about: something of everything.
pub const ORDER: &str = r#"{
    "channel": "order",
    "key": "customer.id",
    "record": {
        "id": {"$sequence": {"from": 1}},
        "customer": {
            "id": {"$unique": {"min": 1, "max": 1000000}},
            "age": {"$int": {"min": 18, "max": 90, "distribution": "normal", "mean": 40, "deviation": 12}},
            "name": {"$fake": "name"},
            "email": {"$fake": {"kind": "email"}},
            "city": {"$fake": {"kind": "city"}}
        },
        "amount": {"$float": {"min": 1, "max": 500, "distribution": "log-normal", "median": 20, "sigma": 0.8, "decimals": 2}},
        "channel": {"$choice": {"web": 6, "shop": 3, "phone": 1}},
        "code": {"$pattern": "[A-Z]{3}-[0-9]{4}"},
        "request": "$uuid",
        "at": {"$time": {"skew": "5s", "format": "rfc3339"}},
        "day": {"$time": {"format": "date"}},
        "coupon": {"$null": {"share": 0.8, "of": {"$pattern": "SAVE[0-9]{2}"}}},
        "lines": {"$array": {"min": 0, "max": 5, "of": {
            "line": {"$sequence": {"from": 1}},
            "sku": {"$int": {"min": 1, "max": 9999}},
            "tags": {"$array": {"max": 2, "of": {"$choice": ["a", "b\"c", null]}}}
        }}},
        "gift": {"$bool": {"share": 0.1}},
        "user": {"$ref": {"generator": "user-profile", "field": "user_id", "count": 500}},
        "user_name": {"$ref": {"generator": "user-profile", "field": "name", "count": 500}},
        "where": [{"$float": {"min": -90, "max": 90, "decimals": 5}}, {"$float": {"min": -180, "max": 180, "decimals": 5}}],
        "maybe": {"$null": {"share": 0.5, "of": {"of": {"$choice": [1, 2.5, {"value": true, "weight": 2}]}, "x": {}}}},
        "fixed": "a \"text\"",
        "$$price": "$$5"
    }
}"#;
