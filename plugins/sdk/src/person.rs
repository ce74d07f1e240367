//! People that every generator sees alike: person `i` of a seed, wherever it is asked for.
//!
//! `transaction` refers to customers by number, and `user-profile` tells who they are. Both ask
//! here, with the seed of the emulation and without its stream, so the answers agree. A person is
//! a function of seed and number: nothing is kept, whatever their count.

mod contact;
mod names;
mod places;

use crate::dist::by_byte;
use crate::{Filled, Key, Word, Words, mix};

pub use contact::{Mail, PostalCode, Street};
use names::{FEMALE, LAST, MAIL_FEMALE, MAIL_LAST, MAIL_MALE, MALE};
pub use places::City;

/// The population that a seed makes.
#[derive(Clone, Copy, Debug)]
pub struct People(Key);

impl People {
    /// The people of a seed.
    pub const fn new(seed: u64) -> People {
        People(Key::shared(seed, "wellhead.person"))
    }

    /// People of one's own: who they are depends on the key alone.
    pub const fn of(key: Key) -> People {
        People(key)
    }

    /// Person `i`.
    #[inline(always)]
    pub const fn person(self, i: u64) -> Person {
        Person(self.0.hash(i))
    }
}

/// Countries that people live in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Country {
    UnitedStates,
    UnitedKingdom,
    Germany,
    France,
    Spain,
    Italy,
    Netherlands,
    Sweden,
}

/// How many countries there are.
pub const COUNTRIES: usize = 8;

/// All of them, in the order of their numbers.
pub const ALL_COUNTRIES: [Country; COUNTRIES] = [
    Country::UnitedStates,
    Country::UnitedKingdom,
    Country::Germany,
    Country::France,
    Country::Spain,
    Country::Italy,
    Country::Netherlands,
    Country::Sweden,
];

/// Where people live, in parts of 256.
const SHARES: [u16; COUNTRIES] = [66, 37, 43, 35, 25, 28, 13, 9];
static COUNTRY_BY_BYTE: [u8; 256] = by_byte(SHARES);

static GENDERS: Words<2> = Words::new(["male", "female"]);
static CODES: Words<COUNTRIES> = Words::new(["US", "GB", "DE", "FR", "ES", "IT", "NL", "SE"]);
static LOCALES: Words<COUNTRIES> = Words::new([
    "en-US", "en-GB", "de-DE", "fr-FR", "es-ES", "it-IT", "nl-NL", "sv-SE",
]);
static CURRENCIES: Words<COUNTRIES> =
    Words::new(["USD", "GBP", "EUR", "EUR", "EUR", "EUR", "EUR", "SEK"]);

impl Country {
    /// The country's number, 0 to 7.
    #[inline(always)]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// ISO 3166-1 alpha-2.
    #[inline(always)]
    pub fn code(self) -> Word<'static> {
        CODES.at(self.index())
    }

    /// BCP 47: language and country.
    #[inline(always)]
    pub fn locale(self) -> Word<'static> {
        LOCALES.at(self.index())
    }

    /// ISO 4217.
    #[inline(always)]
    pub fn currency(self) -> Word<'static> {
        CURRENCIES.at(self.index())
    }

    /// Whole hours ahead of UTC in winter, modulo 24, at the place where most people live.
    #[inline(always)]
    pub const fn utc_offset(self) -> u32 {
        match self {
            Country::UnitedStates => 18,
            Country::UnitedKingdom => 0,
            _ => 1,
        }
    }
}

/// How many first names of each sex, and how many last names, a country has.
const FIRST_NAMES: u32 = 20;
const LAST_NAMES: u32 = 40;

/// A person: a number from which everything about them follows.
///
/// The bits of the number: 0 to 7 country, 8 sex, 9 to 20 first name, 21 to 32 last name. Places
/// and dates are drawn from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person(u64);

impl Person {
    /// The number. Mix it with a constant of your own for what is yours to decide.
    #[inline(always)]
    pub const fn hash(self) -> u64 {
        self.0
    }

    /// A number for what one purpose decides of this person, with no relation to others.
    #[inline(always)]
    pub const fn draw(self, purpose: u64) -> u64 {
        mix(self.0 ^ purpose)
    }

    /// Somebody like them who lives in another country.
    pub fn living_in(self, country: Country) -> Person {
        let before: u16 = SHARES[..country.index()].iter().sum();
        Person(self.0 & !0xff | u64::from(before))
    }

    /// The number of the country where they live.
    #[inline(always)]
    pub fn country_index(self) -> usize {
        usize::from(COUNTRY_BY_BYTE[self.0 as usize & 255]) & (COUNTRIES - 1)
    }

    /// Where they live.
    #[inline(always)]
    pub fn country(self) -> Country {
        ALL_COUNTRIES[self.country_index()]
    }

    /// Whether the first name is a woman's.
    #[inline(always)]
    pub const fn is_female(self) -> bool {
        self.0 >> 8 & 1 == 1
    }

    /// `male` or `female`, as the first name is.
    #[inline(always)]
    pub fn gender(self) -> Word<'static> {
        GENDERS.at(usize::from(self.is_female()))
    }

    /// Twelve bits of the number, scaled to `0..n`.
    #[inline(always)]
    const fn twelve(self, from: u32, n: u32) -> u32 {
        (((self.0 >> from) as u32 & 0xfff) * n) >> 12
    }

    /// The row of the first name in a table of all countries, women's names after men's.
    #[inline(always)]
    pub fn first_name_index(self) -> usize {
        self.country_index() * FIRST_NAMES as usize + self.twelve(9, FIRST_NAMES) as usize
    }

    /// The row of the last name in a table of all countries.
    #[inline(always)]
    pub fn last_name_index(self) -> usize {
        self.country_index() * LAST_NAMES as usize + self.twelve(21, LAST_NAMES) as usize
    }

    /// The first name, as it is common where they live.
    #[inline(always)]
    pub fn first_name(self) -> Word<'static> {
        let names = if self.is_female() { &FEMALE } else { &MALE };
        names.at(self.first_name_index())
    }

    /// The last name, as it is common where they live.
    #[inline(always)]
    pub fn last_name(self) -> Word<'static> {
        LAST.at(self.last_name_index())
    }

    /// The city where they live.
    #[inline(always)]
    pub fn city(self) -> City {
        places::city(self.country_index(), self.draw(PLACE) as u32)
    }

    /// The street where they live, without a number.
    #[inline(always)]
    pub fn street(self) -> Word<'static, 32> {
        places::street(self.country_index(), (self.draw(PLACE) >> 32) as u32)
    }

    /// Their telephone number, with the code of the country. Where its regulator has set numbers
    /// aside for films and the like, it is one of those.
    #[inline(always)]
    pub fn phone(self) -> Filled<'static> {
        places::phone(self.country_index(), self.draw(PHONE))
    }

    /// The part of their postal code that follows [`City::postal_prefix`].
    #[inline(always)]
    pub fn postal_rest(self) -> Filled<'static> {
        places::postal_rest(self.country_index(), self.draw(POSTAL))
    }

    /// The first name as it stands in an address of electronic mail.
    #[inline(always)]
    pub fn mail_first_name(self) -> Word<'static> {
        let names = if self.is_female() {
            &MAIL_FEMALE
        } else {
            &MAIL_MALE
        };
        names.at(self.first_name_index())
    }

    /// The last name as it stands in an address of electronic mail.
    #[inline(always)]
    pub fn mail_last_name(self) -> Word<'static> {
        MAIL_LAST.at(self.last_name_index())
    }
}

/// The purposes of the numbers that decide where somebody lives, and what they can be reached at.
const PLACE: u64 = 0x706c_6163_6500_0001;
const PHONE: u64 = 0x7068_6f6e_6500_0001;
const POSTAL: u64 = 0x706f_7374_616c_0001;
