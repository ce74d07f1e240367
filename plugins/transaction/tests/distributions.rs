//! What makes the records real, over 10⁵ of them. Each test names a wrong version that it rejects.

mod common;

use common::{DEFAULTS, N, amount, by_customer, local_hour, records, settings, share, text};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

fn passes_luhn(digits: &str) -> bool {
    let digit = |b: u8| u32::from(b - b'0');
    let doubled = |d: u32| if d > 4 { 2 * d - 9 } else { 2 * d };
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            if i % 2 == 1 {
                doubled(digit(b))
            } else {
                digit(b)
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Wrong: each record has a customer of its own, or all customers pay equally often.
#[test]
fn customers_come_back_and_few_pay_often() {
    let customers = by_customer(&DEFAULTS);
    assert!(
        customers.len() > 8_500 && customers.len() <= 10_000,
        "{}",
        customers.len()
    );
    let mut counts: Vec<usize> = customers.values().map(Vec::len).collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let top: usize = counts[..100].iter().sum();
    assert!((0.07..0.15).contains(&(top as f64 / N as f64)), "{top}");
}

/// Wrong: home country, card or name drawn for each record.
#[test]
fn customers_stay_who_they_are() {
    for payments in by_customer(&DEFAULTS).values() {
        for payment in payments {
            assert_eq!(payment["home_country"], payments[0]["home_country"]);
            assert_eq!(payment["card"], payments[0]["card"]);
        }
    }
}

/// Wrong: check digits at random (a tenth would pass), or networks that don't fit the number.
#[test]
fn cards_pass_luhn_and_fit_their_network() {
    for record in DEFAULTS.iter() {
        let number = text(record, "/card/number");
        assert!(passes_luhn(number), "{number}");
        let (length, prefixes): (usize, &[&str]) = match text(record, "/card/network") {
            "visa" => (16, &["4"]),
            "mastercard" => (16, &["51", "52", "53", "55"]),
            "amex" => (15, &["37"]),
            _ => (16, &["6011", "644", "65"]),
        };
        assert_eq!(number.len(), length, "{number}");
        assert!(prefixes.iter().any(|p| number.starts_with(p)), "{record}");
    }
    let cards: HashSet<&str> = DEFAULTS.iter().map(|r| text(r, "/card/number")).collect();
    assert!(cards.len() + 5 > by_customer(&DEFAULTS).len());
}

/// Wrong: uniform amounts (their mean is their median), or one range for all categories.
#[test]
fn amounts_are_log_normal_by_category() {
    let mut by_category: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for r in DEFAULTS
        .iter()
        .filter(|r| r["currency"] == "EUR" && r["is_fraud"] == false)
    {
        by_category
            .entry(text(r, "/merchant/category"))
            .or_default()
            .push(amount(r));
    }
    assert_eq!(by_category.len(), 12);
    let mut medians = BTreeMap::new();
    for (category, amounts) in &mut by_category {
        amounts.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| amounts[(amounts.len() as f64 * share) as usize];
        let mean = amounts.iter().sum::<f64>() / amounts.len() as f64;
        assert!(
            mean > 1.02 * at(0.5),
            "{category}: mean {mean}, median {}",
            at(0.5)
        );
        // In the logarithm, both sides of the median are alike; rounding to 10 tells on cash.
        let (left, right) = (at(0.5) / at(0.16), at(0.84) / at(0.5));
        assert!(
            (0.7..1.4).contains(&(left / right)),
            "{category}: {left} and {right}"
        );
        medians.insert(*category, at(0.5));
    }
    assert!(
        medians["transport"] < 5.0 && medians["travel"] > 150.0,
        "{medians:?}"
    );
    assert!(
        medians["electronics"] > 3.0 * medians["grocery"],
        "{medians:?}"
    );
}

/// Wrong: prices of a category drawn without the merchant.
#[test]
fn merchants_have_their_own_prices() {
    let mut by_merchant: HashMap<u64, Vec<f64>> = HashMap::new();
    for r in DEFAULTS
        .iter()
        .filter(|r| text(r, "/merchant/category") == "grocery")
    {
        if r["currency"] == "EUR" && r["is_fraud"] == false {
            let id = r["merchant"]["id"].as_u64().unwrap();
            by_merchant
                .entry(id)
                .or_default()
                .push(libm::log(amount(r)));
        }
    }
    let means: Vec<f64> = by_merchant
        .values()
        .filter(|amounts| amounts.len() >= 50)
        .map(|amounts| amounts.iter().sum::<f64>() / amounts.len() as f64)
        .collect();
    let mean = means.iter().sum::<f64>() / means.len() as f64;
    let variance = means.iter().map(|m| (m - mean) * (m - mean)).sum::<f64>() / means.len() as f64;
    // Chance alone would give 0.64 ÷ 50 at most.
    assert!(
        means.len() > 30 && variance > 0.035,
        "{} merchants: {variance}",
        means.len()
    );
}

/// Wrong: name, category, code or country of a merchant drawn for each record.
#[test]
fn merchants_stay_who_they_are() {
    let mut merchants: HashMap<u64, &Value> = HashMap::new();
    for record in DEFAULTS.iter() {
        let merchant = &record["merchant"];
        let known = *merchants
            .entry(merchant["id"].as_u64().unwrap())
            .or_insert(merchant);
        assert_eq!(known, merchant);
        let currency = match text(record, "/merchant/country") {
            "US" => "USD",
            "GB" => "GBP",
            "SE" => "SEK",
            _ => "EUR",
        };
        assert_eq!(record["currency"], currency);
    }
}

/// Wrong: merchants drawn anew for each payment (the most usual of 40 would have about a tenth).
#[test]
fn customers_have_usual_merchants() {
    let (mut most, mut all) = (0, 0);
    for payments in by_customer(&DEFAULTS).values() {
        let mut counts: HashMap<u64, usize> = HashMap::new();
        for p in payments
            .iter()
            .filter(|p| text(p, "/merchant/category") == "grocery")
        {
            *counts
                .entry(p["merchant"]["id"].as_u64().unwrap())
                .or_default() += 1;
        }
        let sum: usize = counts.values().sum();
        if sum >= 10 {
            most += counts.values().max().unwrap();
            all += sum;
        }
    }
    let share = most as f64 / all as f64;
    assert!(all > 500 && share > 0.33, "{share} of {all}");
}

/// Wrong: hours without effect on who pays (the best fourteen hours would have under two thirds).
#[test]
fn customers_have_usual_hours() {
    let (mut inside, mut all) = (0, 0);
    for payments in by_customer(&DEFAULTS).values().filter(|p| p.len() >= 40) {
        let mut hours = [0; 24];
        payments
            .iter()
            .for_each(|p| hours[local_hour(p) as usize] += 1);
        let window = |from: usize| (from..from + 14).map(|h| hours[h % 24]).sum::<usize>();
        inside += (0..24).map(window).max().unwrap();
        all += payments.len();
    }
    let share = f64::from(inside as u32) / f64::from(all as u32);
    assert!(share > 0.73, "{share} within fourteen hours");
}

/// Wrong: categories without regard to the hour.
#[test]
fn categories_follow_the_hour() {
    let at = |from: u32, to: u32, category: &str| {
        let hours: Vec<Value> = DEFAULTS
            .iter()
            .filter(|r| (from..to).contains(&local_hour(r)))
            .cloned()
            .collect();
        share(&hours, |r| text(r, "/merchant/category") == category)
    };
    assert!(at(18, 21, "restaurant") > 3.0 * at(6, 9, "restaurant"));
    assert!(at(6, 9, "transport") > 2.0 * at(18, 21, "transport"));
    assert!(at(0, 3, "streaming") > 3.0 * at(9, 12, "streaming"));
}

/// Wrong: countries drawn for each payment, or nobody ever abroad.
#[test]
fn most_payments_are_made_at_home() {
    let abroad = share(&DEFAULTS, |r| r["home_country"] != r["merchant"]["country"]);
    assert!((0.02..0.05).contains(&abroad), "{abroad}");
}

/// Wrong: declines without reasons, reasons without declines, PINs asked for online.
#[test]
fn declines_have_reasons() {
    let declined = share(&DEFAULTS, |r| r["status"] == "declined");
    assert!((0.025..0.045).contains(&declined), "{declined}");
    for record in DEFAULTS.iter() {
        assert_eq!(
            record["status"] == "declined",
            !record["decline_reason"].is_null()
        );
        match text(record, "/decline_reason") {
            "incorrect_pin" => assert_ne!(record["entry_mode"], "online"),
            "invalid_cvc" => assert_eq!(record["entry_mode"], "online"),
            _ => {}
        }
    }
    let none = records(&settings(r#"{"declines": 0, "fraud": 0}"#, 7, 0, 1), 20_000);
    assert!(none.iter().all(|r| r["status"] == "approved"));
}

/// Wrong: streams that repeat each other's customers or identifiers.
#[test]
fn streams_share_out_the_customers() {
    let mut ids = HashSet::new();
    for stream in 0..3 {
        for record in records(&settings(r#"{"customers": 1000}"#, 7, stream, 3), 5_000) {
            let customer = record["customer_id"].as_u64().unwrap();
            assert_eq!(customer % 3, u64::from(stream));
            assert!(customer < 1_000);
            assert!(ids.insert(record["transaction_id"].to_string()));
        }
    }
    for stream in 0..5 {
        let few = records(&settings(r#"{"customers": 2}"#, 7, stream, 5), 100);
        assert!(few.iter().all(|r| r["customer_id"].as_u64().unwrap() < 2));
    }
}
