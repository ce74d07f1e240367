//! What is bought, where, and for how much.

use crate::customer::Customer;
use crate::fraud::Pattern;
use wellhead_sdk::dist::{Curve, by_byte};
use wellhead_sdk::person::COUNTRIES;
use wellhead_sdk::{Key, Settings, Word, Words, below, mix};

pub(crate) const CATEGORIES: usize = 12;

#[rustfmt::skip]
pub(crate) static CATEGORY: Words<CATEGORIES> = Words::new([
    "grocery", "restaurant", "fast_food", "fuel", "transport", "online_retail", "clothing",
    "electronics", "pharmacy", "streaming", "travel", "cash",
]);
#[rustfmt::skip]
pub(crate) static MCC: Words<CATEGORIES> = Words::new([
    "5411", "5812", "5814", "5541", "4111", "5999", "5651", "5732", "5912", "4899", "4722", "6011",
]);
const ONLINE_RETAIL: usize = 5;
const ELECTRONICS: usize = 7;

/// How a card was read, as records name it.
pub(crate) static ENTRY_MODE: Words<4> = Words::new(["contactless", "chip", "magstripe", "online"]);

/// How a card was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    Contactless,
    Chip,
    Magstripe,
    Online,
}
use Mode::{Chip as I, Contactless as C, Magstripe as M, Online as O};

/// How cards are read in each category, in eighths.
static MODES: [[Mode; 8]; CATEGORIES] = [
    [C, C, C, C, C, I, I, M],
    [C, C, C, C, I, I, I, M],
    [C, C, C, C, C, C, I, I],
    [C, C, C, I, I, I, I, M],
    [C, C, C, C, C, C, O, O],
    [O; 8],
    [C, C, C, I, I, O, O, O],
    [C, I, I, I, O, O, O, O],
    [C, C, C, C, C, I, I, O],
    [O; 8],
    [I, O, O, O, O, O, O, O],
    [I, I, I, I, I, I, I, M],
];

/// Categories by time of day, eight times three hours, in parts of 256.
static BY_HOUR: [[u8; 256]; 8] = [
    by_byte([8, 22, 34, 26, 10, 52, 2, 8, 4, 44, 18, 28]), // 0 to 3
    by_byte([16, 2, 26, 42, 34, 40, 0, 6, 6, 42, 14, 28]), // 3 to 6
    by_byte([46, 2, 34, 34, 58, 26, 2, 4, 12, 12, 10, 16]), // 6 to 9
    by_byte([72, 8, 20, 22, 18, 38, 18, 14, 16, 8, 8, 14]), // 9 to 12
    by_byte([56, 34, 40, 16, 14, 32, 20, 12, 12, 6, 6, 8]), // 12 to 15
    by_byte([72, 12, 18, 24, 30, 30, 24, 14, 12, 6, 6, 8]), // 15 to 18
    by_byte([56, 50, 30, 14, 14, 42, 10, 8, 6, 14, 6, 6]), // 18 to 21
    by_byte([14, 48, 36, 14, 16, 60, 4, 10, 4, 30, 10, 10]), // 21 to 24
];

/// Median and spread (of the logarithm) of a category's amounts, in hundredths of a euro, and
/// how its prices end: on a multiple of the first number, plus the second.
struct Prices(f64, f64, u32, u32);
static PRICES: [Prices; CATEGORIES] = [
    Prices(2_850.0, 0.80, 1, 0),
    Prices(3_900.0, 0.65, 10, 0),
    Prices(1_150.0, 0.50, 5, 0),
    Prices(5_400.0, 0.40, 1, 0),
    Prices(320.0, 0.60, 10, 0),
    Prices(3_400.0, 0.90, 100, 99),
    Prices(5_500.0, 0.70, 100, 95),
    Prices(12_900.0, 1.00, 100, 99),
    Prices(1_600.0, 0.70, 1, 0),
    Prices(1_200.0, 0.30, 100, 99),
    Prices(24_000.0, 0.90, 1, 0),
    Prices(9_000.0, 0.60, 1_000, 1_000),
];

/// What a euro is in a country's currency, in parts of 256.
static EXCHANGE: [u32; COUNTRIES] = [279, 218, 256, 256, 256, 256, 256, 2_880];

/// Names over doors, eight of each category.
#[rustfmt::skip]
static NAME: Words<{ CATEGORIES * 8 }, 32> = Words::new([
    "Green Leaf Market", "Corner Market & Sons", "Fresh Basket", "Daily Harvest", "Sunrise Foods",
    "Market Hall", "Orchard Grocers", "Pantry Express",
    "Harbour Kitchen", "Trattoria Bella", "The Copper Pot", "Bistro Margaux", "Golden Dragon",
    "Olive & Thyme", "Old Mill Inn", "Casa Mía",
    "Burger Barn", "Noodle Stop", "Pizza Presto", "Taco Corner", "Chicken Lane", "Daily Bagel",
    "Falafel House", "Fry Street",
    "North Sea Fuels", "Highway Stop", "Petro Star", "Blue Pump", "Roadrunner Fuel",
    "City Gas & Wash", "Alpine Energy", "Junction Fuel",
    "Metro Lines", "City Transit", "Rapid Rail", "Blue Cab", "Tram & Bus", "Ride Along",
    "Night Bus Company", "Park & Go",
    "Parcel Plaza", "Shop Harbour", "Basket Online", "The Web Bazaar", "Home & Hearth Direct",
    "Quick Crate", "Marketwise", "Cloud Emporium",
    "Linen & Lace", "Urban Thread", "Atelier Lumière", "Denim Works", "North & Co", "Velvet Room",
    "Little Feet", "Tailor's Row",
    "Circuit Corner", "Volt & Watt", "Pixel Palace", "Sound Forge", "Gadget Garage",
    "Blue Screen Repairs", "Lens & Light", "Home Cinema House",
    "Harbour Street Pharmacy", "Apotheke am Markt", "Health Corner", "Vital Drugs", "Care & Cure",
    "Green Cross", "Sun Pharmacy", "Family Chemist",
    "Streamly", "Songbird Music", "Cine Club Plus", "Game Vault", "News Daily Digital",
    "Cloud Drawer", "Audio Shelf", "Sport Live Pass",
    "Blue Sky Travel", "Alpenblick Hotel", "Coastline Rooms", "Wander Agency", "Sunset Resorts",
    "Railway Inn", "Island Ferries", "Hostel Central",
    "First Harbour Bank ATM", "City Savings ATM", "Union Bank ATM", "Post Bank ATM",
    "Cash Point", "Mutual Trust ATM", "Farmers Bank ATM", "Express Cash",
]);

/// The merchants, and what they charge.
pub(crate) struct Merchants {
    /// How many each category of each country has.
    each: u32,
    key: Key,
    curves: [Curve; CATEGORIES],
}

/// One purchase.
#[derive(Clone, Copy)]
pub(crate) struct Sale {
    pub merchant: u32,
    pub name: Word<'static, 32>,
    pub category: usize,
    /// The merchant's, 0 to 7.
    pub country: usize,
    pub mode: Mode,
    /// Hundredths of a euro.
    pub value: u32,
    /// Hundredths of the merchant's currency.
    pub amount: u32,
}

impl Merchants {
    pub fn new(each: u32, settings: &Settings) -> Merchants {
        Merchants {
            each,
            key: settings.shared_key("merchant"),
            curves: std::array::from_fn(|i| Curve::log_normal(PRICES[i].0, PRICES[i].1)),
        }
    }

    /// What a customer buys. `what` decides on category, merchant and mode: its bits 0 to 7
    /// category, 8 to 13 abroad, 14 to 16 mode, 17 to 21 usual merchant, 22 and 23 unused,
    /// 24 to 31 a decline's reason, 32 to 63 another merchant.
    #[inline(always)]
    pub fn sale(&self, customer: &Customer, what: u64, how_much: u64) -> Sale {
        let category = category_at(customer.hour, what as u8);
        // Two in 64 are made abroad.
        let abroad = (what >> 8) as usize & 63;
        let country = if abroad < 2 {
            elsewhere(customer.country, what >> 40)
        } else {
            customer.country
        };
        let mode = MODES[category][(what >> 14) as usize & 7];
        // Four of five go to one of four usual merchants of the category: half of those to the
        // first, a quarter to the second, an eighth to each of the others.
        let choice = (what >> 17) as u32 & 31;
        let slot = (choice | 8).trailing_zeros();
        let usual = mix(customer.person.hash() ^ ((slot as u64) << 8 | category as u64)) >> 32;
        let random = if choice < 26 { usual } else { what >> 32 };
        self.priced(
            category,
            country,
            mode,
            below(random as u32, self.each),
            how_much,
        )
    }

    /// The sale of a merchant, by its number in category and country.
    #[inline(always)]
    fn priced(
        &self,
        category: usize,
        country: usize,
        mode: Mode,
        number: u32,
        how_much: u64,
    ) -> Sale {
        let merchant = (country * CATEGORIES + category) as u32 * self.each + number;
        let hash = self.key.hash(u64::from(merchant));
        // A merchant is cheap or dear: 0.6 to 1.6 times what its category asks.
        let level = 154 + (hash as u32 & 255);
        let drawn = self.curves[category].draw_u32(how_much as u32);
        let value = ((u64::from(drawn) * u64::from(level)) >> 8) as u32;
        Sale {
            merchant,
            name: NAME.at(category * 8 + (hash >> 8) as usize % 8),
            category,
            country,
            mode: allowed(mode, value),
            value,
            amount: charged(value, category, country),
        }
    }

    /// What a thief buys instead; `last` in an attack is what the others were for.
    #[cold]
    #[inline(never)]
    pub fn tampered(
        &self,
        customer: &Customer,
        sale: Sale,
        pattern: Pattern,
        last: bool,
        how_much: u64,
    ) -> Sale {
        let number = below((how_much >> 32) as u32, self.each);
        let (category, country, mode) = match pattern {
            Pattern::None => return sale,
            Pattern::CardTesting if last => (ELECTRONICS, customer.country, Mode::Online),
            Pattern::CardTesting => (ONLINE_RETAIL, customer.country, Mode::Online),
            Pattern::Burst => (ELECTRONICS, customer.country, Mode::Online),
            Pattern::NightSpree => (sale.category, customer.country, sale.mode),
            Pattern::ForeignCountry => {
                let country = elsewhere(customer.country, how_much >> 40);
                (sale.category, country, Mode::Magstripe)
            }
        };
        let mut sale = self.priced(category, country, mode, number, how_much);
        sale.value = match pattern {
            Pattern::CardTesting if !last => 50 + below((how_much >> 8) as u32, 250),
            Pattern::NightSpree => (sale.value * 6).max(25_000),
            _ => (sale.value * 2).max(8_000),
        };
        sale.amount = charged(sale.value, category, country);
        sale
    }
}

/// The category that somebody buys in at an hour of their clock.
#[inline(always)]
fn category_at(hour: usize, random: u8) -> usize {
    let part = hour % 24 / 3;
    usize::from(BY_HOUR[part][usize::from(random)]).min(CATEGORIES - 1)
}

/// Another country than that one.
#[inline(always)]
fn elsewhere(country: usize, random: u64) -> usize {
    (country + 1 + below((random as u32) << 8, COUNTRIES as u32 - 1) as usize) % COUNTRIES
}

/// Above this value (in hundredths of a euro) a card must be put in, not held to the terminal.
const CONTACTLESS: u32 = 5_000;

#[inline(always)]
fn allowed(mode: Mode, value: u32) -> Mode {
    if mode == Mode::Contactless && value > CONTACTLESS {
        Mode::Chip
    } else {
        mode
    }
}

/// A value in a country's currency, with an end that the category's prices have.
#[inline(always)]
fn charged(value: u32, category: usize, country: usize) -> u32 {
    let Prices(_, _, unit, end) = PRICES[category];
    let amount = ((u64::from(value) * u64::from(EXCHANGE[country])) >> 8) as u32;
    (amount - amount % unit + end).max(1)
}
