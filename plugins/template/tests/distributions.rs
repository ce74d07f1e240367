//! Whether values are spread as described, over 10⁵ records each. Each check is also put to a wrong
//! version of the same values, named in the test, and has to reject it.

mod common;

use std::collections::BTreeMap;

use common::{Check, SECOND, START, generate, holds, open, scramble, times, values};
use serde_json::{Value, json};

const N: u64 = 100_000;

fn drawn(value: &Value) -> Vec<Value> {
    let config = json!({"record": {"x": value}}).to_string();
    let records = generate(&mut open(&config), 0, &times(N, SECOND));
    values(&records).iter().map(|v| v["x"].clone()).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    drawn(value).iter().map(|v| v.as_f64().unwrap()).collect()
}

fn mean(all: &[f64]) -> f64 {
    all.iter().sum::<f64>() / all.len() as f64
}

fn quantile(all: &[f64], share: f64) -> f64 {
    let mut sorted = all.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() as f64 * share) as usize]
}

fn near(what: &str, seen: f64, expected: f64, off: f64) -> Check {
    holds((seen - expected).abs() <= off, || {
        format!("{what} is {seen:.4}, not {expected:.4}")
    })
}

/// Every value between the ends as often as any other.
fn is_even(all: &[f64], low: f64, high: f64) -> Check {
    let n = (high - low + 1.0) as usize;
    let mut counts = vec![0.0; n];
    for x in all {
        holds(*x >= low && *x <= high, || format!("{x} is outside"))?;
        counts[(x - low) as usize] += 1.0;
    }
    let expected = all.len() as f64 / n as f64;
    let chi: f64 = counts
        .iter()
        .map(|c| (c - expected) * (c - expected) / expected)
        .sum();
    // Five deviations of the chi-squared distribution.
    let freedom = n as f64 - 1.0;
    holds(chi < freedom + 5.0 * (2.0 * freedom).sqrt(), || {
        format!("chi² is {chi:.1} of {freedom}")
    })
}

#[test]
fn whole_numbers_are_even() {
    let all = numbers(&json!({"$int": {"min": -3, "max": 6}}));
    is_even(&all, -3.0, 6.0).unwrap();
    let rounded: Vec<f64> = all.iter().map(|x| (x * 0.9).round()).collect();
    is_even(&rounded, -3.0, 6.0).expect_err("half as many at the ends");
    let short: Vec<f64> = all.iter().map(|x| x.min(5.0)).collect();
    is_even(&short, -3.0, 6.0).expect_err("the last value left out");
}

#[test]
fn large_ranges_are_even_too() {
    let all = numbers(
        &json!({"$int": {"min": -9_007_199_254_740_992_i64, "max": 9_007_199_254_740_992_i64}}),
    );
    let cells: Vec<f64> = all
        .iter()
        .map(|x| (x / 9_007_199_254_740_993.0 * 50.0).floor() + 50.0)
        .collect();
    is_even(&cells, 0.0, 99.0).unwrap();
    let narrow: Vec<f64> = cells.iter().map(|x| (x / 2.0).floor()).collect();
    is_even(&narrow, 0.0, 99.0).expect_err("half of the range");
}

/// A bell around the mean, cut off at its ends without anything piled up there.
fn is_normal(all: &[f64], middle: f64, deviation: f64) -> Check {
    let seen = mean(all);
    let spread = mean(
        &all.iter()
            .map(|x| (x - seen) * (x - seen))
            .collect::<Vec<_>>(),
    )
    .sqrt();
    near("the mean", seen, middle, deviation * 0.02)?;
    near("the deviation", spread, deviation, deviation * 0.03)?;
    let far = all
        .iter()
        .filter(|x| (*x - middle).abs() > 2.0 * deviation)
        .count() as f64;
    near(
        "the share of what is far",
        far / all.len() as f64,
        0.0455,
        0.008,
    )
}

#[test]
fn ages_are_normal() {
    let all = numbers(
        &json!({"$int": {"min": 0, "max": 100, "distribution": "normal", "mean": 50, "deviation": 12}}),
    );
    is_normal(&all, 50.0, 12.0).unwrap();
    let half: Vec<f64> = all.iter().map(|x| x - 0.5).collect();
    is_normal(&half, 50.0, 12.0).expect_err("rounded down: half a unit less");
    let even: Vec<f64> = (0..all.len())
        .map(|i| 29.0 + (scramble(i) % 42) as f64)
        .collect();
    is_normal(&even, 50.0, 12.0).expect_err("evenly spread");
}

/// The share at the lowest value is about that of its neighbour.
fn nothing_piles_up(all: &[f64], low: f64) -> Check {
    let at = |value: f64| all.iter().filter(|x| **x == value).count() as f64;
    holds(at(low) < 1.3 * at(low + 1.0) + 50.0, || {
        format!("{} at {low}, {} beside", at(low), at(low + 1.0))
    })
}

#[test]
fn what_is_cut_off_does_not_pile_up() {
    let all = numbers(
        &json!({"$int": {"min": 18, "max": 90, "distribution": "normal", "mean": 25, "deviation": 12}}),
    );
    assert!(all.iter().all(|x| (18.0..=90.0).contains(x)));
    nothing_piles_up(&all, 18.0).unwrap();
    let clamped: Vec<f64> = all.iter().map(|x| (x - 5.0).max(18.0)).collect();
    nothing_piles_up(&clamped, 18.0).expect_err("clamped instead of cut off");
}

/// Quantiles of the log-normal distribution, whose ends are far away.
fn is_log_normal(all: &[f64], median: f64, sigma: f64) -> Check {
    for (share, deviations) in [
        (0.5, 0.0),
        (0.1587, -1.0),
        (0.8413, 1.0),
        (0.0228, -2.0),
        (0.9772, 2.0),
    ] {
        let expected: f64 = median * libm::exp(sigma * deviations);
        near(
            &format!("the quantile of {share}"),
            quantile(all, share),
            expected,
            expected * 0.04,
        )?;
    }
    Ok(())
}

#[test]
fn amounts_are_log_normal() {
    let all = numbers(
        &json!({"$float": {"min": 0.01, "max": 100_000, "distribution": "log-normal", "median": 20, "sigma": 0.8, "decimals": 2}}),
    );
    is_log_normal(&all, 20.0, 0.8).unwrap();
    let normal: Vec<f64> = all
        .iter()
        .map(|x| 20.0 + 16.0 * libm::log(x / 20.0) / 0.8)
        .collect();
    is_log_normal(&normal, 20.0, 0.8).expect_err("normal with the same middle");
    assert!(
        all.iter()
            .all(|x| (x * 100.0 - (x * 100.0).round()).abs() < 1e-6),
        "two decimals"
    );
}

#[test]
fn waits_are_exponential() {
    let all = numbers(
        &json!({"$float": {"min": 2, "max": 1_000, "distribution": "exponential", "mean": 10, "decimals": 3}}),
    );
    let check = |all: &[f64]| {
        near("the mean", mean(all), 10.0, 0.15)?;
        near(
            "the median",
            quantile(all, 0.5),
            2.0 + 8.0 * std::f64::consts::LN_2,
            0.15,
        )
    };
    check(&all).unwrap();
    check(&all.iter().map(|x| x - 2.0).collect::<Vec<_>>()).expect_err("the mean counted from 0");
}

/// The k-th most frequent comes 1/k as often as the first.
fn is_zipf(all: &[f64], first: f64) -> Check {
    let count = |value: f64| all.iter().filter(|x| **x == value).count() as f64;
    let most = count(first);
    for k in [2.0, 3.0, 10.0] {
        near(
            &format!("rank {k}"),
            count(first + k - 1.0) / most,
            1.0 / k,
            0.04,
        )?;
    }
    Ok(())
}

#[test]
fn ranks_follow_zipf() {
    let all = numbers(&json!({"$int": {"min": 100, "max": 1_099, "distribution": "zipf"}}));
    is_zipf(&all, 100.0).unwrap();
    let even: Vec<f64> = (0..all.len())
        .map(|i| 100.0 + (scramble(i) % 1000) as f64)
        .collect();
    is_zipf(&even, 100.0).expect_err("all alike");
}

fn shares(all: &[Value], expected: &[(Value, f64)]) -> Check {
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    all.iter()
        .for_each(|v| *counts.entry(v.to_string()).or_default() += 1.0 / all.len() as f64);
    holds(counts.len() == expected.len(), || format!("{counts:?}"))?;
    let seen = |value: &Value| counts.get(&value.to_string()).copied().unwrap_or(0.0);
    expected
        .iter()
        .try_for_each(|(value, share)| near(&value.to_string(), seen(value), *share, 0.006))
}

#[test]
fn choices_follow_their_weights() {
    let all = drawn(&json!({"$choice": {"web": 6, "shop": 3, "phone": 1, "never": 0}}));
    let third = [
        (json!("web"), 0.6),
        (json!("shop"), 0.3),
        (json!("phone"), 0.1),
    ];
    shares(&all, &third).unwrap();
    let alike = drawn(&json!({"$choice": ["web", "shop", "phone"]}));
    shares(&alike, &third).expect_err("all alike");
    let any = drawn(&json!({"$choice": [{"value": 5, "weight": 0.5}, null, "$$x", {"a": [1]}]}));
    let one = 1.0 / 3.5;
    shares(
        &any,
        &[
            (json!(5), one / 2.0),
            (json!(null), one),
            (json!("$x"), one),
            (json!({"a": [1]}), one),
        ],
    )
    .unwrap();
}

#[test]
fn shares_of_null_and_true_are_as_said() {
    let all = drawn(&json!({"$null": {"share": 0.8, "of": {"$bool": {"share": 0.25}}}}));
    let expected = [
        (json!(null), 0.8),
        (json!(true), 0.05),
        (json!(false), 0.15),
    ];
    shares(&all, &expected).unwrap();
    let tied: Vec<Value> = all
        .iter()
        .map(|v| {
            if v.is_null() {
                json!(null)
            } else {
                json!(true)
            }
        })
        .collect();
    shares(&tied, &expected).expect_err("one draw for both");
    assert!(
        drawn(&json!({"$bool": {"share": 1}}))
            .iter()
            .all(|v| v == true)
    );
    assert!(
        drawn(&json!({"$bool": {"share": 0}}))
            .iter()
            .all(|v| v == false)
    );
}

#[test]
fn arrays_have_every_length_alike() {
    let all = drawn(&json!({"$array": {"min": 1, "max": 5, "of": {"$int": {"min": 0, "max": 9}}}}));
    let lengths: Vec<f64> = all
        .iter()
        .map(|v| v.as_array().unwrap().len() as f64)
        .collect();
    is_even(&lengths, 1.0, 5.0).unwrap();
    is_even(&lengths, 0.0, 5.0).expect_err("never empty");
    let items: Vec<f64> = all
        .iter()
        .flat_map(|v| v.as_array().unwrap().clone())
        .map(|v| v.as_f64().unwrap())
        .collect();
    is_even(&items, 0.0, 9.0).unwrap();
    let alike = all
        .iter()
        .filter(|v| {
            v.as_array()
                .unwrap()
                .windows(2)
                .any(|pair| pair[0] == pair[1])
        })
        .count() as f64;
    // A pair is alike once in ten: 1 - mean of 0.9^(n-1).
    near("neighbours alike", alike / N as f64, 0.18, 0.01).unwrap();
}

/// Each character and each length of the pattern as often as any other.
#[test]
fn patterns_are_even() {
    let all: Vec<String> = drawn(&json!({"$pattern": "[a-cx]{2,4}(-(foo|b\\d|é)){0,2}z?"}))
        .iter()
        .map(|v| v.as_str().unwrap().to_owned())
        .collect();
    let share = |holds: &dyn Fn(&str) -> bool| {
        all.iter().filter(|text| holds(text)).count() as f64 / N as f64
    };
    let letters = |text: &str| text.split(['-', 'z']).next().unwrap().len();
    for length in 2..=4 {
        near(
            "a length",
            share(&|t| letters(t) == length),
            1.0 / 3.0,
            0.006,
        )
        .unwrap();
    }
    near("x in front", share(&|t| t.starts_with('x')), 0.25, 0.006).unwrap();
    near("z at the end", share(&|t| t.ends_with('z')), 0.5, 0.006).unwrap();
    for groups in 0..=2 {
        near(
            "groups",
            share(&|t| t.matches('-').count() == groups),
            1.0 / 3.0,
            0.006,
        )
        .unwrap();
    }
    // One group in three, or one of two in five of nine.
    let foo = (1.0 / 3.0 + 5.0 / 9.0) / 3.0;
    near("foo", share(&|t| t.contains("foo")), foo, 0.006).unwrap();
    near("é", share(&|t| t.contains('é')), foo, 0.006).unwrap();
    near("b7", share(&|t| t.contains("b7")), foo, 0.006).expect_err("a digit left out");
}

#[test]
fn skew_is_even_on_both_sides() {
    let config =
        json!({"record": {"at": {"$time": {"skew": "5s", "format": "unix_ms"}}}}).to_string();
    let records = values(&generate(&mut open(&config), 0, &times(N, SECOND)));
    let off = |(i, v): (usize, &Value)| {
        v["at"].as_f64().unwrap() - ((START / 1_000_000) as f64 + i as f64 * 1000.0)
    };
    let all: Vec<f64> = records.iter().enumerate().map(off).collect();
    assert!(all.iter().all(|x| (-5000.0..=5000.0).contains(x)));
    let cells = |all: &[f64]| {
        all.iter()
            .map(|x| ((x + 5001.0) / 1000.2).floor())
            .collect::<Vec<f64>>()
    };
    is_even(&cells(&all), 0.0, 9.0).unwrap();
    let late: Vec<f64> = all.iter().map(|x| x.abs()).collect();
    is_even(&cells(&late), 0.0, 9.0).expect_err("always late");
}

#[test]
fn unique_values_are_no_pattern() {
    let all = numbers(&json!({"$unique": {"min": 0, "max": 999_999}}));
    let tens: Vec<f64> = all.iter().map(|x| (x / 1e4).floor()).collect();
    is_even(&tens, 0.0, 99.0).unwrap();
    let steps: Vec<f64> = all
        .windows(2)
        .map(|pair| ((pair[1] - pair[0] + 1e6) / 1e4).floor() % 100.0)
        .collect();
    is_even(&steps, 0.0, 99.0).unwrap();
    let line: Vec<f64> = (0..N).map(|i| (i * 7_919 % 1_000_000) as f64).collect();
    let steps: Vec<f64> = line
        .windows(2)
        .map(|pair| ((pair[1] - pair[0] + 1e6) / 1e4).floor() % 100.0)
        .collect();
    is_even(&steps, 0.0, 99.0).expect_err("a number times the index");
}
