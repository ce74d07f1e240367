//! `$fake` and `$ref`: people made up, and those that `user-profile` tells of.

use serde_json::{Value, json};
use wellhead_sdk::Error;
use wellhead_sdk::person::{ALL_COUNTRIES, People};

use super::{At, Compiler};
use crate::options::{EXACT, Options, listed, nearest, wrong};
use crate::people::{FAKES, FIELDS, Kind, Source, country_of};
use crate::program::What;

/// What a `$fake` knows that isn't of a person: an address in a network.
const ADDRESS: &str = "ipv4";

impl Compiler<'_> {
    /// `{$fake: name}`, or `{$fake: {kind: name, locale: de-DE, person: buyer}}`.
    pub(super) fn fake(&mut self, at: &At, place: &str, given: &Value) -> Result<Value, Error> {
        let short = given.as_str().map(|kind| json!({"kind": kind}));
        let options = Options::new(
            place,
            short.as_ref().unwrap_or(given),
            &["kind", "locale", "person"],
        )?;
        let kind = options.needed("kind", options.text("kind")?)?;
        let locale = options.text("locale")?;
        if kind == ADDRESS {
            self.step(&at.path, What::Address, 16);
            return Ok(json!({"type": "string", "format": "ipv4"}));
        }
        let kind = known(place, "faker", kind, &FAKES)?;
        let country = match locale {
            None => None,
            Some(locale) => match country_of(locale) {
                Some(country) => Some(country),
                None => return Err(unknown_locale(place, locale)),
            },
        };
        let who = whose(at, &options, "$fake")?;
        let people = People::of(self.settings.key(&format!("template.{who}")));
        let source = self.source(Source::Anybody(people, country));
        self.step(&at.path, What::Person(source, kind), kind.longest());
        Ok(schema_of(kind))
    }

    /// A user of `user-profile`, who is a customer of `transaction` too, under the same seed.
    pub(super) fn reference(&mut self, at: &At, options: &Options<'_>) -> Result<Value, Error> {
        let place = options.place;
        let generator = options.needed("generator", options.text("generator")?)?;
        if generator == "template" {
            return self.elsewhere(at, options);
        }
        if options.get("of").is_some() {
            return Err(wrong(
                place,
                "`of` says what a field of another `template` is; leave it out",
            ));
        }
        if generator != "user-profile" && generator != "transaction" {
            return Err(wrong(
                place,
                format!(
                    "`generator` is `{generator}`; only `user-profile`, `transaction` for its \
                     customers, and another `template` can be referred to"
                ),
            ));
        }
        let field = options.text("field")?.unwrap_or("user_id");
        let kind = known(place, "field", field, &FIELDS)?;
        let count = match options.whole("count")?.unwrap_or(10_000) {
            count @ 1..=EXACT => count as u64,
            count => {
                return Err(wrong(
                    place,
                    format!(
                        "`count` is {count}, and has to be 1 at least: how many users there are"
                    ),
                ));
            }
        };
        let who = whose(at, options, "$ref")?;
        let key = self.settings.key(&format!("template.{who}"));
        let source = self.source(Source::Users(People::new(self.settings.seed), key, count));
        self.step(&at.path, What::Person(source, kind), kind.longest());
        Ok(match kind {
            Kind::Number => json!({"type": "integer", "minimum": 0, "maximum": count - 1}),
            kind => schema_of(kind),
        })
    }

    fn source(&mut self, source: Source) -> u32 {
        self.program.people.push(source);
        self.program.people.len() as u32 - 1
    }
}

/// Fields of the same object tell of the same person, unless they name different ones.
fn whose(at: &At, options: &Options<'_>, operator: &str) -> Result<String, Error> {
    let person = options.text("person")?.unwrap_or("");
    Ok(format!("{}{operator}{person}", at.object))
}

fn known(place: &str, what: &str, wanted: &str, all: &[(&str, Kind)]) -> Result<Kind, Error> {
    if let Some((_, kind)) = all.iter().find(|(name, _)| *name == wanted) {
        return Ok(*kind);
    }
    let mut names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    if what == "faker" {
        names.push(ADDRESS);
    }
    let near = nearest(wanted, names.iter().copied());
    Err(wrong(
        place,
        format!(
            "no {what} is called `{wanted}`{near} There are {}",
            listed(&names)
        ),
    ))
}

fn unknown_locale(place: &str, locale: &str) -> Error {
    let names = ALL_COUNTRIES.map(|country| country.locale().as_str());
    let near = nearest(locale, names);
    wrong(
        place,
        format!(
            "no `locale` is called `{locale}`{near} There are {}",
            listed(&names)
        ),
    )
}

fn schema_of(kind: Kind) -> Value {
    let all = |text: fn(wellhead_sdk::person::Country) -> &'static str| {
        let mut names: Vec<&str> = ALL_COUNTRIES.iter().map(|country| text(*country)).collect();
        names.sort_unstable();
        names.dedup();
        json!({"enum": names})
    };
    match kind {
        Kind::Gender => json!({"enum": ["male", "female"]}),
        Kind::Country => all(|country| country.code().as_str()),
        Kind::Locale => all(|country| country.locale().as_str()),
        Kind::Currency => all(|country| country.currency().as_str()),
        Kind::Email => json!({"type": "string", "format": "email"}),
        _ => json!({"type": "string"}),
    }
}
