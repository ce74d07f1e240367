//! How much fraud there is, and what it looks like. Each test names a wrong version that it rejects.

mod common;

use common::{N, amount, local_hour, records, settings, share, text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static FRAUDULENT: LazyLock<Vec<Value>> =
    LazyLock::new(|| records(&settings(r#"{"fraud": 0.1}"#, 7, 0, 1), N));

/// Wrong: a share of fraud that is not the one asked for.
#[test]
fn fraud_has_the_share_asked_for() {
    for (asked, room) in [
        (0.0, 0.0),
        (0.01, 0.0025),
        (0.1, 0.01),
        (0.6, 0.02),
        (1.0, 0.0),
    ] {
        let config = format!(r#"{{"fraud": {asked}}}"#);
        let got = share(&records(&settings(&config, 5, 0, 1), 50_000), |r| {
            r["is_fraud"] == true
        });
        assert!((got - asked).abs() <= room + 1e-9, "{got} for {asked}");
    }
}

/// Wrong: fraud that is a label and nothing else.
#[test]
fn fraud_has_its_patterns() {
    let of = |pattern: &str| -> Vec<Value> {
        FRAUDULENT
            .iter()
            .filter(|r| r["fraud_pattern"] == pattern)
            .cloned()
            .collect()
    };
    for record in FRAUDULENT.iter() {
        assert_eq!(
            record["is_fraud"] == true,
            !record["fraud_pattern"].is_null()
        );
    }
    let testing = of("card_testing");
    let small = share(&testing, |r| {
        amount(r) <= if r["currency"] == "SEK" { 36.0 } else { 4.0 }
    });
    assert!(
        testing.len() > 500 && (0.82..0.93).contains(&small),
        "{small}"
    );
    let foreign = of("foreign_country");
    assert!(foreign.len() > 500);
    assert!(
        foreign
            .iter()
            .all(|r| r["home_country"] != r["merchant"]["country"])
    );
    let night = of("night_spree");
    assert!(night.len() > 100 && night.iter().all(|r| local_hour(r) < 5));
    let euro = |r: &Value| r["currency"] == "EUR";
    assert!(night.iter().filter(|r| euro(r)).all(|r| amount(r) >= 240.0));
    let declined = share(&testing, |r| r["status"] == "declined");
    assert!((0.3..0.5).contains(&declined), "{declined}");
}

/// Wrong: attacks whose payments are spread over customers or over time.
#[test]
fn attacks_are_bursts_on_one_card() {
    let mut attacks: BTreeMap<usize, Vec<&Value>> = BTreeMap::new();
    for (i, record) in FRAUDULENT.iter().enumerate() {
        if ["card_testing", "burst"].contains(&text(record, "/fraud_pattern")) {
            attacks.entry(i / 64).or_default().push(record);
        }
    }
    assert!(attacks.len() > 300);
    let whole = attacks.values().filter(|a| a.len() == 8).count();
    assert!(whole + 1 >= attacks.len());
    for attack in attacks.values() {
        assert!(
            attack
                .iter()
                .all(|r| r["customer_id"] == attack[0]["customer_id"])
        );
    }
}
