//! Cards, and what their issuers say.

use crate::config::part_of_2_32;
use crate::fraud::Pattern;
use crate::merchant::{Mode, Sale};
use wellhead_sdk::dist::by_byte;
use wellhead_sdk::person::{COUNTRIES, Person};
use wellhead_sdk::{Pan, Word, Words, below};

static NETWORK: Words<4> = Words::new(["visa", "mastercard", "amex", "discover"]);
const AMEX: usize = 2;

/// Networks by country, in sixteenths.
static NETWORKS: [[u8; 16]; COUNTRIES] = [
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 3],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2],
    [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2],
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 2],
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2],
    [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2],
    [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2],
    [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2],
];

/// Issuer numbers, four of each network: the first six digits of a card.
static ISSUERS: [[u32; 4]; 4] = [
    [400_012, 427_533, 449_162, 476_104],
    [510_511, 523_748, 536_089, 552_233],
    [371_449, 374_245, 376_680, 378_282],
    [601_100, 601_156, 644_564, 650_031],
];

/// The purpose of the number that decides a person's card.
const CARD: u64 = 0x6361_7264_0000_0001;

/// Somebody's card.
pub(crate) struct Card {
    pub network: Word<'static>,
    pub number: Pan,
}

/// The card of a person: always the same one.
#[inline(always)]
pub(crate) fn of(person: Person) -> Card {
    let random = person.draw(CARD);
    let network = usize::from(NETWORKS[person.country_index()][random as usize & 15]) & 3;
    let issuer = u64::from(ISSUERS[network][(random >> 4) as usize & 3]);
    let account = u64::from(below((random >> 32) as u32, 1_000_000_000));
    let short = network == AMEX;
    let first = if short {
        issuer * 100_000_000 + account / 10
    } else {
        issuer * 1_000_000_000 + account
    };
    Card {
        network: NETWORK.at(network),
        number: Pan { first, short },
    }
}

/// Why a payment was declined; the first is: it was not.
pub(crate) static REASON: Words<8, 32> = Words::or_null([
    "",
    "insufficient_funds",
    "do_not_honor",
    "limit_exceeded",
    "expired_card",
    "incorrect_pin",
    "invalid_cvc",
    "suspected_fraud",
]);
const SUSPECTED_FRAUD: usize = 7;

/// Reasons where the card is present, and where it is not, in parts of 256.
static REASONS: [[u8; 256]; 2] = [
    by_byte([0, 118, 51, 31, 15, 36, 0, 5]),
    by_byte([0, 97, 56, 33, 26, 0, 34, 10]),
];

/// An amount (in hundredths, before currencies) from which on declines are three times as likely.
const LARGE: u32 = 30_000;

/// Declines that an issuer of fraud-ridden payments has, in parts of 2³²: two fifths.
const FRAUD_DECLINED: u32 = 1_717_986_918;

/// How often payments are declined.
pub(crate) struct Declines {
    ordinary: u32,
    large: u32,
}

impl Declines {
    pub fn new(share: f64) -> Declines {
        Declines {
            ordinary: part_of_2_32(share),
            large: part_of_2_32((3.0 * share).min(1.0)),
        }
    }

    /// The index of a reason, 0 for an approved payment.
    #[inline(always)]
    pub fn reason(&self, sale: &Sale, pattern: Pattern, random: u32, which: u64) -> usize {
        let share = if sale.value > LARGE {
            self.large
        } else {
            self.ordinary
        };
        let share = if pattern == Pattern::None {
            share
        } else {
            FRAUD_DECLINED
        };
        if random >= share {
            return 0;
        }
        declined(sale.mode, pattern, (which >> 24) as u8)
    }
}

#[inline(never)]
fn declined(mode: Mode, pattern: Pattern, random: u8) -> usize {
    if pattern != Pattern::None && random < 192 {
        return SUSPECTED_FRAUD;
    }
    let online = usize::from(mode == Mode::Online);
    usize::from(REASONS[online][usize::from(random)]) & 7
}
