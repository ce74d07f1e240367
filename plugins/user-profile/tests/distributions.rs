//! What makes the profiles real, over 10⁵ of them. Each test names a wrong version that it rejects.

use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;
use transaction::Transactions;
use user_profile::{GENERATOR, UserProfiles};
use wellhead_sdk::{Generator, Settings, Stream};

const N: u64 = 100_000;

fn settings(config: &str, stream_index: u32, stream_count: u32) -> Settings {
    Settings {
        config: config.to_owned(),
        seed: 7,
        stream_index,
        stream_count,
    }
}

fn records<G: Generator>(settings: &Settings, n: u64) -> Vec<Value> {
    let mut stream = Stream::<G>::open(settings, None).unwrap();
    let mut values = Vec::new();
    while (values.len() as u64) < n {
        let first = values.len() as u64;
        let times: Vec<u64> = (first..n.min(first + 1_000))
            .map(|i| i * 1_000_000_000)
            .collect();
        let batch = stream.generate(first, &times).unwrap();
        if batch.is_empty() {
            break;
        }
        values.extend(
            batch
                .records()
                .map(|r| serde_json::from_slice::<Value>(r).unwrap()),
        );
    }
    values
}

static PROFILES: LazyLock<Vec<Value>> =
    LazyLock::new(|| records::<UserProfiles>(&settings("{}", 0, 1), N));

fn text<'a>(record: &'a Value, path: &str) -> &'a str {
    record.pointer(path).and_then(Value::as_str).unwrap_or("")
}

/// Letters of ASCII, in order, in small.
fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphabetic)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// Whether all letters of `part` come in `whole`, in that order.
fn contains_in_order(whole: &str, part: &str) -> bool {
    let mut letters = whole.chars();
    part.chars().all(|p| letters.any(|w| w == p))
}

/// Wrong: mail drawn apart from the name, or shared by two people.
#[test]
fn mail_fits_the_name_and_is_unique() {
    let mut seen = HashSet::new();
    for p in PROFILES.iter() {
        let mail = text(p, "/email");
        let (local, domain) = mail.split_once('@').unwrap();
        let (first, last) = local.split_once('.').unwrap();
        let last = last.trim_end_matches(|c: char| c.is_ascii_digit());
        for (part, name) in [(first, "/first_name"), (last, "/last_name")] {
            assert!(part.bytes().all(|b| b.is_ascii_lowercase()), "{mail}");
            assert!(contains_in_order(part, &plain(text(p, name))), "{p}");
        }
        assert!(
            domain.ends_with("example.com")
                || domain.ends_with("example.org")
                || domain.ends_with("example.net")
        );
        assert!(seen.insert(mail), "{mail} twice");
    }
}

/// Wrong: names, cities, telephones or postal codes drawn without regard to the country.
#[test]
fn everything_agrees_with_the_country() {
    let mut first_names: BTreeMap<&str, HashSet<&str>> = BTreeMap::new();
    let mut cities: HashMap<&str, &str> = HashMap::new();
    for p in PROFILES.iter() {
        let country = text(p, "/country");
        assert_eq!(text(p, "/address/country"), country);
        assert!(text(p, "/locale").ends_with(country));
        first_names
            .entry(country)
            .or_default()
            .insert(text(p, "/first_name"));
        assert_eq!(
            *cities.entry(text(p, "/address/city")).or_insert(country),
            country
        );
        let code = match country {
            "US" => "+1 ",
            "GB" => "+44 ",
            "DE" => "+49 ",
            "FR" => "+33 ",
            "ES" => "+34 ",
            "IT" => "+39 ",
            "NL" => "+31 ",
            _ => "+46 ",
        };
        assert!(text(p, "/phone").starts_with(code), "{p}");
    }
    assert_eq!(first_names.len(), 8);
    assert!(first_names["DE"].contains("Jürgen") && !first_names["FR"].contains("Jürgen"));
    assert!(
        first_names
            .values()
            .all(|names| names.len() == 40 || names.len() == 39)
    );
}

/// Wrong: five digits everywhere, or a code that isn't the city's.
#[test]
fn postal_codes_have_the_form_of_their_country_and_city() {
    let shape = |code: &str| -> String {
        code.chars()
            .map(|c| match c {
                '0'..='9' => '9',
                'A'..='Z' => 'A',
                other => other,
            })
            .collect()
    };
    let mut prefixes: HashMap<&str, HashSet<&str>> = HashMap::new();
    for p in PROFILES.iter() {
        let code = text(p, "/address/postal_code");
        let shapes: &[&str] = match text(p, "/country") {
            "GB" => &["AA9 9AA", "A9 9AA"],
            "NL" => &["9999 AA"],
            "SE" => &["999 99"],
            _ => &["99999"],
        };
        assert!(shapes.contains(&shape(code).as_str()), "{p}");
        prefixes
            .entry(text(p, "/address/city"))
            .or_default()
            .insert(&code[..2]);
    }
    assert!(prefixes.len() == 64);
    let one = |city: &str| prefixes[city].len() == 1;
    assert!(one("Berlin") && one("Paris") && one("Stockholm") && one("London"));
}

/// Wrong: numbers before streets everywhere, or after them.
#[test]
fn street_numbers_stand_where_the_country_has_them() {
    for p in PROFILES.iter() {
        let street = text(p, "/address/street");
        let first = street.starts_with(|c: char| c.is_ascii_digit());
        let last = street.ends_with(|c: char| c.is_ascii_digit());
        let before = ["US", "GB", "FR"].contains(&text(p, "/country"));
        assert_eq!((first, last), (before, !before), "{street}");
    }
}

/// Wrong: years of birth drawn evenly (a quarter of all would be born after 1988), or children.
#[test]
fn ages_are_those_of_grown_people() {
    let mut years: Vec<u32> = PROFILES
        .iter()
        .map(|p| text(p, "/birth_date")[..4].parse().unwrap())
        .collect();
    years.sort_unstable();
    let at = |share: f64| years[(N as f64 * share) as usize];
    assert!(years[0] >= 1931 && years[years.len() - 1] <= 2007);
    assert!((1979..=1983).contains(&at(0.5)), "{}", at(0.5));
    assert!((1968..=1972).contains(&at(0.25)) && (1990..=1994).contains(&at(0.75)));
}

/// Wrong: names that don't fit the gender, or one gender only.
#[test]
fn genders_are_even_and_fit_the_name() {
    let women = PROFILES.iter().filter(|p| p["gender"] == "female").count() as f64 / N as f64;
    assert!((0.48..0.52).contains(&women), "{women}");
    let mut genders: HashMap<(&str, &str), &Value> = HashMap::new();
    for p in PROFILES.iter() {
        let known = *genders
            .entry((text(p, "/country"), text(p, "/first_name")))
            .or_insert(&p["gender"]);
        assert_eq!(known, &p["gender"], "{p}");
    }
}

/// Wrong: profiles that know nothing of the customers that payments refer to.
#[test]
fn profiles_are_the_customers_of_transaction() {
    let payments = records::<Transactions>(&settings(r#"{"customers": 1000}"#, 0, 1), 5_000);
    for payment in payments {
        let profile = &PROFILES[payment["customer_id"].as_u64().unwrap() as usize];
        assert_eq!(profile["user_id"], payment["customer_id"]);
        assert_eq!(profile["country"], payment["home_country"]);
        let name = format!(
            "{} {}",
            text(profile, "/first_name"),
            text(profile, "/last_name")
        );
        assert_eq!(text(&payment, "/card/holder"), name);
    }
}

/// Wrong: streams that tell of the same people, or of others than a single stream does.
#[test]
fn streams_share_out_the_profiles() {
    for stream in 0..3 {
        for (i, mut profile) in records::<UserProfiles>(&settings("{}", stream, 3), 300)
            .into_iter()
            .enumerate()
        {
            let id = i * 3 + stream as usize;
            let mut same = PROFILES[id].clone();
            same["registered_at"] = Value::Null;
            profile["registered_at"] = Value::Null;
            assert_eq!(profile, same);
        }
    }
    let count =
        |stream| records::<UserProfiles>(&settings(r#"{"profiles": 10}"#, stream, 3), 50).len();
    assert_eq!([count(0), count(1), count(2)], [4, 3, 3]);
}

#[test]
fn records_have_the_fields_of_the_schema_in_its_order() {
    let channels = (GENERATOR.channels)("{}").unwrap();
    assert_eq!((channels.len(), channels[0].name.as_str()), (1, "profile"));
    let schema: Value = serde_json::from_str(&channels[0].schema).unwrap();
    let names = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for profile in &PROFILES[..100] {
        assert_eq!(names(profile), names(&schema["properties"]));
        assert_eq!(
            names(&profile["address"]),
            names(&schema["$defs"]["Address"]["properties"])
        );
    }
}

#[test]
fn records_do_not_depend_on_batches() {
    let times: Vec<u64> = (0..500).map(|i| i * 777_777_777).collect();
    let open = || Stream::<UserProfiles>::open(&settings("{}", 1, 2), None).unwrap();
    let whole = open().generate(0, &times).unwrap();
    for size in [1, 7, 499] {
        let (mut stream, mut payload, mut keys) = (open(), Vec::new(), Vec::new());
        for (i, chunk) in times.chunks(size).enumerate() {
            let batch = stream.generate((i * size) as u64, chunk).unwrap();
            payload.extend(batch.payload);
            keys.extend(batch.keys);
        }
        assert!(
            payload == whole.payload && keys == whole.keys,
            "batches of {size}"
        );
    }
}
