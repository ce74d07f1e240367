//! People and what is known of them: those that a record makes up, and those of `user-profile`.

use wellhead_sdk::person::{
    ALL_COUNTRIES, COUNTRIES, Country, Mail, People, Person, PostalCode, Street,
};
use wellhead_sdk::{Joined, Key, Put, Words, Writer};

use crate::number::below_wide;

/// What is told of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Name,
    FirstName,
    LastName,
    Gender,
    Email,
    Phone,
    Street,
    PostalCode,
    City,
    Region,
    Country,
    Locale,
    Currency,
    Company,
    /// The number of a user, which only those of `user-profile` have.
    Number,
}

impl Kind {
    /// Bytes of the longest text.
    pub(crate) const fn longest(self) -> u64 {
        match self {
            Kind::Country => 4,
            Kind::Currency => 5,
            Kind::Locale => 7,
            Kind::Gender => 8,
            Kind::FirstName | Kind::LastName => 16,
            Kind::Phone => 18,
            Kind::Number => 20,
            Kind::Name | Kind::PostalCode | Kind::City | Kind::Region => 32,
            Kind::Street => 42,
            Kind::Company => 48,
            Kind::Email => 80,
        }
    }
}

/// What `$fake` knows.
pub(crate) const FAKES: [(&str, Kind); 14] = [
    ("name", Kind::Name),
    ("first_name", Kind::FirstName),
    ("last_name", Kind::LastName),
    ("gender", Kind::Gender),
    ("email", Kind::Email),
    ("phone", Kind::Phone),
    ("street", Kind::Street),
    ("postal_code", Kind::PostalCode),
    ("city", Kind::City),
    ("region", Kind::Region),
    ("country", Kind::Country),
    ("locale", Kind::Locale),
    ("currency", Kind::Currency),
    ("company", Kind::Company),
];

/// What `$ref` knows of a user of `user-profile`: all but what is drawn apart there or not at all.
pub(crate) const FIELDS: [(&str, Kind); 14] = [
    ("user_id", Kind::Number),
    ("customer_id", Kind::Number),
    ("name", Kind::Name),
    ("first_name", Kind::FirstName),
    ("last_name", Kind::LastName),
    ("gender", Kind::Gender),
    ("email", Kind::Email),
    ("phone", Kind::Phone),
    ("locale", Kind::Locale),
    ("country", Kind::Country),
    ("city", Kind::City),
    ("region", Kind::Region),
    ("postal_code", Kind::PostalCode),
    ("currency", Kind::Currency),
];

/// What companies of each country are called after their founder.
static FORM: Words<COUNTRIES> = Words::new([
    "Inc.", "Ltd", "GmbH", "SARL", "S.L.", "S.r.l.", "B.V.", "AB",
]);

/// What a house's number, and a number in an address of mail, are drawn by.
const HOUSE: u64 = 0x686f_7573_6500_0002;
const MAIL: u64 = 0x6d61_696c_0000_0002;

/// Where a record's person comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// Somebody made up, in a country or in any.
    Anybody(People, Option<Country>),
    /// One of so many users of `user-profile`; each alike.
    Users(People, Key, u64),
}

/// The country whose locale has that name.
pub(crate) fn country_of(locale: &str) -> Option<Country> {
    let mut all = ALL_COUNTRIES.into_iter();
    all.find(|country| country.locale().as_str() == locale)
}

impl Source {
    /// The person at an address, and which user they are.
    #[inline(always)]
    fn at(self, address: u64) -> (Person, Option<u64>) {
        match self {
            Source::Anybody(people, None) => (people.person(address), None),
            Source::Anybody(people, Some(country)) => {
                (people.person(address).living_in(country), None)
            }
            Source::Users(people, key, count) => {
                let user = below_wide(key.hash(address), count);
                (people.person(user), Some(user))
            }
        }
    }

    /// Which user stands at an address; 0 where nobody is a user.
    #[inline(always)]
    pub fn user(&self, address: u64) -> u64 {
        match *self {
            Source::Users(_, key, count) => below_wide(key.hash(address), count),
            Source::Anybody(..) => 0,
        }
    }

    /// Writes what is asked of the person at an address.
    #[inline(always)]
    pub fn put(&self, kind: Kind, address: u64, w: &mut Writer<'_>) {
        let (person, user) = self.at(address);
        match kind {
            Kind::Name => Joined(person.first_name(), b' ', person.last_name()).put(w),
            Kind::FirstName => person.first_name().put(w),
            Kind::LastName => person.last_name().put(w),
            Kind::Gender => person.gender().put(w),
            Kind::Email => {
                // Somebody made up has a number of four digits in their mail.
                let number = user.unwrap_or_else(|| person.draw(MAIL) % 10_000);
                Mail(person, number).put(w);
            }
            Kind::Phone => person.phone().put(w),
            Kind::Street => Street(person, 1 + (person.draw(HOUSE) >> 57) as u32).put(w),
            Kind::PostalCode => PostalCode(person).put(w),
            Kind::City => person.city().name().put(w),
            Kind::Region => person.city().region().put(w),
            Kind::Country => person.country().code().put(w),
            Kind::Locale => person.country().locale().put(w),
            Kind::Currency => person.country().currency().put(w),
            Kind::Company => {
                let form = FORM.at(person.country_index());
                Joined(person.last_name(), b' ', form).put(w);
            }
            Kind::Number => w.u64(user.unwrap_or_default()),
        }
    }
}
