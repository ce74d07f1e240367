//! Fraud: single payments that don't fit their customer, and attacks that go on for a while.
//!
//! An attack falls into a stretch of 64 records of a stream, and takes eight of them, on one
//! card. Whether there is one follows from the stretch's number alone.

use crate::config::part_of_2_32;
use crate::customer::Customer;
use wellhead_sdk::{Key, Settings, Words};

/// Kinds of fraud, as records name them.
pub(crate) static PATTERN: Words<5, 32> = Words::or_null([
    "",
    "card_testing",
    "burst",
    "foreign_country",
    "night_spree",
]);

/// A kind of fraud.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pattern {
    None,
    /// Small amounts at online shops, to see whether the card works, and a large one in the end.
    CardTesting,
    /// One dear purchase after another.
    Burst,
    /// A payment with a copied card, far from home.
    ForeignCountry,
    /// Large amounts while the customer sleeps.
    NightSpree,
}

/// Records in a stretch, and those of it that an attack takes: each eighth.
const STRETCH: u64 = 64;
const TAKEN: u64 = 8;

/// A record that belongs to an attack.
#[derive(Clone, Copy)]
pub(crate) struct Attack {
    /// What decides whose card it is: the same throughout an attack.
    pub victim: u32,
    /// Whether cards are tested first.
    testing: bool,
    /// Whether it is the last of the attack's eight.
    pub last: bool,
}

/// How much fraud there is.
pub(crate) struct Fraud {
    stretches: Key,
    /// The share of stretches with an attack, and of other records that are fraud by themselves.
    attacked: u32,
    single: u32,
}

impl Fraud {
    /// Half of the `share` falls to attacks, as far as they can hold it (each eighth record of
    /// every stretch), and the rest to single payments.
    pub fn new(share: f64, settings: &Settings) -> Fraud {
        let per_stretch = TAKEN as f64 / STRETCH as f64;
        let attacked = (share / 2.0 / per_stretch).min(1.0);
        let in_attacks = attacked * per_stretch;
        Fraud {
            stretches: settings.key("fraud"),
            attacked: part_of_2_32(attacked),
            single: part_of_2_32((share - in_attacks) / (1.0 - in_attacks)),
        }
    }

    /// The attack that a record belongs to.
    #[inline(always)]
    pub fn attack(&self, index: u64) -> Option<Attack> {
        let random = self.stretches.hash(index / STRETCH);
        if random as u32 >= self.attacked {
            return None;
        }
        part_of_attack(random >> 32, index)
    }

    /// Whether a record that belongs to no attack is fraud, by 32 random bits.
    #[inline(always)]
    pub fn single(&self, random: u32) -> bool {
        random < self.single
    }
}

#[cold]
#[inline(never)]
fn part_of_attack(random: u64, index: u64) -> Option<Attack> {
    let within = index % STRETCH;
    (within % TAKEN == random % TAKEN).then_some(Attack {
        victim: (random >> 4) as u32 ^ (random << 20) as u32,
        testing: random & 8 == 0,
        last: within / TAKEN == TAKEN - 1,
    })
}

/// The pattern of a fraudulent record.
#[cold]
#[inline(never)]
pub(crate) fn pattern(attack: Option<Attack>, customer: &Customer) -> Pattern {
    match attack {
        Some(Attack { testing: true, .. }) => Pattern::CardTesting,
        Some(_) => Pattern::Burst,
        None if customer.hour % 24 < 5 => Pattern::NightSpree,
        None => Pattern::ForeignCountry,
    }
}
