//! The published vectors, and the shapes of the distributions.

use wellhead_sdk::dist::{Curve, Weighted, by_byte};
use wellhead_sdk::person::{COUNTRIES, People};
use wellhead_sdk::{Key, Rng, Settings, below};

const N: usize = if cfg!(miri) { 500 } else { 100_000 };

fn rng(purpose: &str) -> Rng {
    Key::shared(7, purpose).at(0)
}

/// The same in every language: each SDK's tests read this file.
#[test]
fn published_vectors() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../vectors.json")).unwrap();
    let number = |value: &serde_json::Value| value.as_str().unwrap().parse::<u64>().unwrap();
    let hex = |value: &serde_json::Value| u64::from_str_radix(value.as_str().unwrap(), 16).unwrap();
    let vectors = vectors.as_array().unwrap();
    assert!(vectors.len() >= 5);
    for vector in vectors {
        let (seed, index) = (number(&vector["seed"]), number(&vector["index"]));
        let purpose = vector["purpose"].as_str().unwrap();
        let key = match vector["stream"].as_u64() {
            Some(stream) => Key::stream(seed, stream.try_into().unwrap(), purpose),
            None => Key::shared(seed, purpose),
        };
        assert_eq!(key.hash(index), hex(&vector["hash"]), "{vector}");
        let mut rng = key.at(index);
        for draw in vector["draws"].as_array().unwrap() {
            assert_eq!(rng.next(), hex(draw), "{vector}");
        }
        for below in vector["below"].as_array().unwrap() {
            let n = below["n"].as_u64().unwrap().try_into().unwrap();
            let first = u64::from(key.at(index).below(n));
            assert_eq!(Some(first), below["first"].as_u64(), "{vector}");
        }
    }
}

#[test]
fn keys_differ_in_each_part() {
    let first = |key: Key, i| key.at(i).next();
    let base = first(Key::stream(1, 2, "p"), 3);
    for other in [
        first(Key::stream(2, 2, "p"), 3),
        first(Key::stream(2, 1, "p"), 3),
        first(Key::stream(1, 3, "p"), 3),
        first(Key::stream(1, 2, "q"), 3),
        first(Key::stream(1, 2, "p"), 4),
        first(Key::shared(1, "p"), 3),
        Key::stream(1, 2, "p").hash(3),
    ] {
        assert_ne!(base, other);
    }
}

#[test]
fn below_is_even() {
    let mut counts = [0; 7];
    let mut rng = rng("below");
    (0..N).for_each(|_| counts[rng.below(7) as usize] += 1);
    let mean = N as i64 / 7;
    let room = mean / 3;
    assert!(
        counts.iter().all(|&c: &i64| (c - mean).abs() < room),
        "{counts:?}"
    );
    assert_eq!((below(u32::MAX, 7), below(u32::MAX, 0)), (6, 0));
}

#[test]
fn shares_cover_all_entities_once() {
    for (total, count) in [(10, 3), (3, 5), (0, 2), (7, 1)] {
        let share = |stream_index| {
            let settings = Settings {
                stream_index,
                stream_count: count,
                ..Settings::default()
            };
            settings.share_of(total)
        };
        assert_eq!((0..count).map(share).sum::<u64>(), total);
    }
}

fn sorted(curve: &Curve, purpose: &str) -> Vec<i32> {
    let mut rng = rng(purpose);
    let mut values: Vec<i32> = (0..N)
        .map(|_| curve.draw((rng.next() >> 32) as u32))
        .collect();
    values.sort_unstable();
    values
}

/// The value below which that share of them lies.
fn quantile(values: &[i32], share: f64) -> f64 {
    f64::from(values[(values.len() as f64 * share) as usize])
}

/// A curve's draws have the quantiles of its distribution, in the tails as well: a straight line
/// from one 64th to the end would put the last of these far off.
#[test]
fn curves_keep_their_shape() {
    if cfg!(miri) {
        return;
    }
    let log_normal = sorted(&Curve::log_normal(10_000.0, 1.0), "log-normal");
    for (share, z) in [
        (0.01, -2.326),
        (0.25, -0.674),
        (0.5, 0.0),
        (0.9, 1.2816),
        (0.99, 2.326),
        (0.999, 3.090),
    ] {
        let expected = 10_000.0 * libm::exp(z);
        let got = quantile(&log_normal, share);
        assert!(
            (got / expected - 1.0).abs() < 0.15,
            "{share}: {got} for {expected}"
        );
    }
    let normal = sorted(&Curve::normal(-500.0, 100.0), "normal");
    let mean = normal.iter().map(|&v| f64::from(v)).sum::<f64>() / N as f64;
    assert!((mean + 500.0).abs() < 2.0, "{mean}");
    assert!((quantile(&normal, 0.841_34) + 400.0).abs() < 3.0);
    let exponential = sorted(&Curve::exponential(1_000.0), "exponential");
    assert!((quantile(&exponential, 0.5) - 693.0).abs() < 15.0);
    assert!((quantile(&exponential, 0.999) / 6_908.0 - 1.0).abs() < 0.1);
    let uniform = sorted(&Curve::uniform(-50, 50), "uniform");
    assert!((quantile(&uniform, 0.25) + 25.0).abs() <= 1.0);
}

#[test]
fn curves_hold_every_input() {
    let curve = Curve::log_normal(1e12, 9.0);
    for random in [0, 1, 1 << 20, 1 << 26, u32::MAX / 2, u32::MAX - 1, u32::MAX] {
        curve.draw(random);
    }
    assert_eq!(curve.draw(u32::MAX), i32::MAX);
    let ascending: Vec<i32> = (0..=u32::MAX / 65_537)
        .map(|k| curve.draw(k * 65_537))
        .collect();
    assert!(cfg!(miri) || ascending.is_sorted());
}

#[test]
fn weighted_choices() {
    let weights = [5, 0, 1, 10, 84];
    let choice = Weighted::new(&weights).unwrap();
    let mut counts = [0_u32; 5];
    let mut rng = rng("weighted");
    (0..N).for_each(|_| counts[choice.draw(rng.next())] += 1);
    for (count, weight) in counts.into_iter().zip(weights) {
        let share = f64::from(count) / N as f64;
        let room = if cfg!(miri) { 0.08 } else { 0.005 };
        assert!(
            (share - f64::from(weight) / 100.0).abs() < room,
            "{counts:?}"
        );
    }
    assert_eq!(counts[1], 0);
    assert!(Weighted::new(&[]).is_none() && Weighted::new(&[0, 0]).is_none());
    assert!(Weighted::new(&[u32::MAX; 3]).is_some());
    assert_eq!(by_byte([1, 255])[..2], [0, 1]);
}

#[test]
fn zipf_law() {
    if cfg!(miri) {
        return;
    }
    let choice = Weighted::zipf(1_000, 1.0).unwrap();
    let mut counts = [0_u32; 1_000];
    let mut rng = rng("zipf");
    (0..N).for_each(|_| counts[choice.draw(rng.next())] += 1);
    let (first, tenth) = (f64::from(counts[0]), f64::from(counts[9]));
    assert!((first / tenth - 10.0).abs() < 1.0, "{first} and {tenth}");
}

/// Everybody's name is of their country and sex, and addresses in mail are plain.
#[test]
fn people_hold_together() {
    let people = People::new(3);
    let mut countries = [0; COUNTRIES];
    for i in 0..if cfg!(miri) { 50 } else { 10_000 } {
        let person = people.person(i);
        assert_eq!(person, People::new(3).person(i));
        countries[person.country_index()] += 1;
        let (first, last) = (person.first_name().as_str(), person.last_name().as_str());
        for (name, mail) in [
            (first, person.mail_first_name()),
            (last, person.mail_last_name()),
        ] {
            let mail = mail.as_str();
            assert!(mail.bytes().all(|b| b.is_ascii_lowercase()) && !mail.is_empty());
            let plain: String = name.chars().filter(char::is_ascii_alphabetic).collect();
            let plain = plain.to_ascii_lowercase();
            let mut letters = mail.chars();
            assert!(
                plain.chars().all(|c| letters.any(|m| m == c)),
                "{mail} is not {name}"
            );
        }
    }
    assert!(
        cfg!(miri) || countries.iter().all(|&n| n > 250),
        "{countries:?}"
    );
    assert_ne!(people.person(1), People::new(4).person(1));
}
