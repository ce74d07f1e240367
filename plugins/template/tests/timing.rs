//! What a template costs beside the same record written by hand: `cargo test --profile guest -p
//! wellhead-template --test timing -- --ignored --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use schemars::JsonSchema;
use serde::Deserialize;
use template::{Permutation, Template};
use wellhead_sdk::dist::{Curve, Weighted};
use wellhead_sdk::person::People;
use wellhead_sdk::{
    Cents, Channel, Clock, Error, Filled, Generator, Joined, Key, Out, Pattern, Settings, Stream,
    Tick, Uuid, Words, record,
};

const RECORD: &str = r#"{"key": "customer.id", "record": {
    "id": {"$sequence": {"from": 1}},
    "customer": {
        "id": {"$unique": {"min": 1, "max": 1000000}},
        "name": {"$fake": "name"},
        "age": {"$int": {"min": 18, "max": 90, "distribution": "normal", "mean": 40, "deviation": 12}}
    },
    "amount": {"$float": {"min": 1, "max": 500, "distribution": "log-normal", "median": 20, "sigma": 0.8}},
    "channel": {"$choice": {"web": 6, "shop": 3, "phone": 1}},
    "code": {"$pattern": "[A-P]{3}-[0-9]{4}"},
    "request": "$uuid",
    "at": "$time",
    "coupon": {"$null": {"share": 0.8, "of": {"$pattern": "SAVE[0-9]{2}"}}}
}}"#;

static CHANNEL: Words<3> = Words::new(["web", "shop", "phone"]);
static CODE: Pattern = Pattern::new("@@@-####");
static COUPON: Pattern = Pattern::new("SAVE##");

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

/// The same ten fields as somebody would write them who knows the SDK.
struct ByHand {
    records: Key,
    people: People,
    ids: Permutation,
    ages: Curve,
    amounts: Curve,
    channels: Weighted,
    clock: Clock,
}

impl Generator for ByHand {
    const NAME: &'static str = "by-hand";
    const VERSION: &'static str = "1.0.0";
    const SUMMARY: &'static str = "Ten fields.";
    type Config = Nothing;

    fn channels(_: &Nothing) -> Result<Vec<Channel>, Error> {
        Ok(Vec::new())
    }

    fn open(_: Nothing, settings: &Settings, _: Option<&[u8]>) -> Result<Self, Error> {
        Ok(ByHand {
            records: settings.key("records"),
            people: People::new(settings.seed),
            ids: Permutation::new(1_000_000, settings.shared_key("ids")),
            ages: Curve::normal(40.0, 12.0),
            amounts: Curve::log_normal(2_000.0, 0.8),
            channels: Weighted::new(&[6, 3, 1]).unwrap(),
            clock: Clock::new(),
        })
    }

    #[inline(always)]
    fn record(&mut self, tick: Tick, out: &mut Out<'_>) -> Result<(), Error> {
        let mut random = self.records.at(tick.index);
        let (numbers, texts) = (random.next(), random.next());
        let customer = 1 + self.ids.at(tick.index);
        let person = self.people.person(tick.index);
        let amount = self.amounts.draw_u32(numbers as u32).clamp(100, 50_000);
        let age = self.ages.draw((numbers >> 32) as u32).clamp(18, 90);
        let coupon = (texts as u32 > u32::MAX / 5 * 4).then_some(Filled(&COUPON, texts));
        record!(out, {
            "id": tick.index + 1,
            "customer": {
                "id": customer,
                "name": Joined(person.first_name(), b' ', person.last_name()),
                "age": age,
            },
            "amount": Cents(amount),
            "channel": CHANNEL.at(self.channels.draw(random.next())),
            "code": Filled(&CODE, random.next()),
            "request": Uuid(random.next(), random.next()),
            "at": self.clock.at(tick.time),
            "coupon": coupon,
        });
        out.key(customer);
        Ok(())
    }
}

const SALE: &str = r#"{"record": {
    "id": {"$sequence": {"from": 1}},
    "at": "$time",
    "product": {"$pattern": "[A-P]{3}-[0-9]{4}"},
    "quantity": {"$int": {"min": 1, "max": 9}},
    "unit_price": {"$float": {"min": 1, "max": 500, "distribution": "log-normal", "median": 20, "sigma": 0.8}},
    "tax": {"$choice": [0.07, 0.19]},
    "net": {"$expr": "quantity * unit_price"},
    "total": {"$expr": "round(net * (1 + tax), 2)"},
    "large": {"$expr": "total > 300"},
    "label": {"$expr": "product + '/' + quantity"}
}}"#;

/// A sale whose fields follow from one another.
struct Sale {
    records: Key,
    prices: Curve,
    clock: Clock,
}

impl Generator for Sale {
    const NAME: &'static str = "sale";
    const VERSION: &'static str = "1.0.0";
    const SUMMARY: &'static str = "Ten fields, some of them made of others.";
    type Config = Nothing;

    fn channels(_: &Nothing) -> Result<Vec<Channel>, Error> {
        Ok(Vec::new())
    }

    fn open(_: Nothing, settings: &Settings, _: Option<&[u8]>) -> Result<Self, Error> {
        Ok(Sale {
            records: settings.key("records"),
            prices: Curve::log_normal(2_000.0, 0.8),
            clock: Clock::new(),
        })
    }

    #[inline(always)]
    fn record(&mut self, tick: Tick, out: &mut Out<'_>) -> Result<(), Error> {
        let mut random = self.records.at(tick.index);
        let numbers = random.next();
        let quantity = 1 + wellhead_sdk::below(numbers as u32, 9);
        let price = self
            .prices
            .draw_u32((numbers >> 32) as u32)
            .clamp(100, 50_000);
        let tax = if random.chance(1 << 31) { 7 } else { 19 };
        let net = quantity * price;
        let total = (u64::from(net) * (100 + tax) + 50) / 100;
        let code = random.next();
        let mut label = *b"AAA-0000/0";
        let letters = [0, 1, 2].map(|k| b'A' + (code >> (8 * k) & 15) as u8);
        label[..3].copy_from_slice(&letters);
        for k in 0..4 {
            label[4 + k] = b'0' + (((code >> (24 + 8 * k) & 255) * 10) >> 8) as u8;
        }
        label[9] = b'0' + quantity as u8;
        let label = std::str::from_utf8(&label).unwrap_or_default();
        record!(out, {
            "id": tick.index + 1,
            "at": self.clock.at(tick.time),
            "product": &label[..8],
            "quantity": quantity,
            "unit_price": Cents(price),
            "tax": Cents(tax as u32),
            "net": Cents(net),
            "total": Cents(total as u32),
            "large": total > 30_000,
            "label": label,
        });
        Ok(())
    }
}

/// Nanoseconds and bytes of a record.
fn measure<G: Generator>(config: &str) -> (f64, f64) {
    let settings = Settings {
        config: config.to_owned(),
        ..Settings::default()
    };
    let mut stream = Stream::<G>::open(&settings, None).unwrap();
    let (mut next, mut bytes) = (0, 0);
    let begun = Instant::now();
    while next < 300_000 {
        let times: [u64; 1_000] = std::array::from_fn(|i| (next + i as u64) * 1_000_000);
        let batch = black_box(stream.generate(next, &times).unwrap());
        bytes += batch.payload.len();
        next += batch.len() as u64;
    }
    (
        begun.elapsed().as_nanos() as f64 / next as f64,
        bytes as f64 / next as f64,
    )
}

/// How many times as long a template takes as code does, and the nanoseconds of both. The least
/// of many turns, since others may use the machine too.
fn compare<G: Generator>(what: &str, config: &str, bytes: std::ops::Range<f64>) -> f64 {
    let mut least = [f64::INFINITY; 2];
    for _ in 0..30 {
        let turn = [measure::<G>("{}"), measure::<Template>(config)];
        for (least, (nanos, seen)) in least.iter_mut().zip(turn) {
            assert!(bytes.contains(&seen), "{seen} bytes");
            *least = least.min(nanos);
        }
    }
    let [by_hand, template] = least;
    let ratio = template / by_hand;
    println!("{what} by hand {by_hand:.1} ns, template {template:.1} ns: {ratio:.2}");
    ratio
}

#[test]
#[ignore = "measures"]
fn a_template_costs_at_most_twice_what_code_does() {
    let ratio = compare::<ByHand>("order", RECORD, 200.0..240.0);
    assert!(ratio <= 2.0, "{ratio:.2} times");
}

/// Four of ten fields are computed, one of them text, which code has in registers anyway.
#[test]
#[ignore = "measures"]
fn expressions_cost_at_most_twice_what_code_does() {
    let ratio = compare::<Sale>("sale", SALE, 160.0..220.0);
    assert!(ratio <= 2.0, "{ratio:.2} times");
}
