//! Card payments: customers who come back, at their usual merchants and hours, with declines and
//! an adjustable share of fraud. See this folder's README.md for fields and options.
//!
//! Nothing is kept from record to record. Customers, merchants and attacks are functions of the
//! seed and their number, so any record can be made without those before it.

mod card;
mod config;
mod customer;
mod fraud;
mod merchant;
mod schema;

pub use config::Config;
pub use schema::Transaction;

use card::Declines;
use customer::Customers;
use fraud::{Fraud, Pattern};
use merchant::Merchants;
use wellhead_sdk::person::ALL_COUNTRIES;
use wellhead_sdk::{
    Cents, Channel, Clock, Error, Generator, Joined, Key, Out, Settings, Tick, Uuid, Words, record,
};

static STATUS: Words<2> = Words::new(["approved", "declined"]);

/// The generator.
pub struct Transactions {
    records: Key,
    customers: Customers,
    merchants: Merchants,
    fraud: Fraud,
    declines: Declines,
    clock: Clock,
}

impl Generator for Transactions {
    const NAME: &'static str = "transaction";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Card payments of customers who come back to their usual \
        merchants, with declines and fraud.";
    const LABELS: &'static [(&'static str, &'static str)] = &[("domain", "payments")];

    const RECORD_BYTES: usize = 470;

    type Config = Config;

    fn channels(config: &Config) -> Result<Vec<Channel>, Error> {
        config.check()?;
        Ok(vec![Channel::of::<Transaction>("transaction")])
    }

    fn open(config: Config, settings: &Settings, _: Option<&[u8]>) -> Result<Self, Error> {
        config.check()?;
        Ok(Transactions {
            records: settings.key("transaction"),
            customers: Customers::new(config.customers, settings),
            merchants: Merchants::new(config.merchants, settings),
            fraud: Fraud::new(config.fraud, settings),
            declines: Declines::new(config.declines),
            clock: Clock::new(),
        })
    }

    #[inline(always)]
    fn record(&mut self, tick: Tick, out: &mut Out<'_>) -> Result<(), Error> {
        let mut random = self.records.at(tick.index);
        let (id_high, id_low) = (random.next(), random.next());
        let (who, what, how_much, outcome) =
            (random.next(), random.next(), random.next(), random.next());

        let hour = customer::utc_hour(tick.time);
        let attack = self.fraud.attack(tick.index);
        let customer = match attack {
            None => self.customers.draw(who, hour),
            Some(attack) => self.customers.victim(attack.victim, hour),
        };
        let mut sale = self.merchants.sale(&customer, what, how_much);
        let pattern = match attack {
            None if !self.fraud.single(outcome as u32) => Pattern::None,
            attack => {
                let pattern = fraud::pattern(attack, &customer);
                let last = attack.is_some_and(|attack| attack.last);
                sale = self
                    .merchants
                    .tampered(&customer, sale, pattern, last, how_much);
                pattern
            }
        };
        let reason = self
            .declines
            .reason(&sale, pattern, (outcome >> 32) as u32, what);
        let card = card::of(customer.person);
        let country = ALL_COUNTRIES[sale.country & 7];

        record!(out, {
            "transaction_id": Uuid(id_high, id_low),
            "timestamp": self.clock.at(tick.time),
            "customer_id": customer.id,
            "home_country": ALL_COUNTRIES[customer.country].code(),
            "amount": Cents(sale.amount),
            "currency": country.currency(),
            "entry_mode": merchant::ENTRY_MODE.at(sale.mode as usize),
            "status": STATUS.at(usize::from(reason != 0)),
            "decline_reason": card::REASON.at(reason),
            "is_fraud": pattern != Pattern::None,
            "fraud_pattern": fraud::PATTERN.at(pattern as usize),
            "card": {
                "network": card.network,
                "number": card.number,
                "holder": Joined(customer.person.first_name(), b' ', customer.person.last_name()),
            },
            "merchant": {
                "id": sale.merchant,
                "name": sale.name,
                "category": merchant::CATEGORY.at(sale.category),
                "mcc": merchant::MCC.at(sale.category),
                "country": country.code(),
            },
        });
        out.key(customer.id);
        Ok(())
    }
}

wellhead_sdk::export!(Transactions);
