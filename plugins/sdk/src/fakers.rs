//! The fakers of the `fake` crate, seeded: for tables that are filled at `open`.
//!
//! A faker costs hundreds of nanoseconds and allocates, so its place is not the record loop. Draw
//! a few hundred values once into a [`Table`], and pick from it by index:
//!
//! ```
//! use wellhead_sdk::{Settings, fakers};
//! use wellhead_sdk::fakers::fake::faker::company::raw::CompanyName;
//! use wellhead_sdk::fakers::fake::locales::DE_DE;
//!
//! let settings = Settings { seed: 42, ..Settings::default() };
//! let companies = fakers::table(CompanyName(DE_DE), 200, settings.shared_key("companies"));
//! assert_eq!(companies.len(), 200);
//! ```
//!
//! Names and addresses that agree with each other come from [`person`](crate::person), not from
//! here: each of `fake`'s values is drawn by itself. A component that uses this is built with
//! `--cfg getrandom_backend="unsupported"`: `fake` brings a source of entropy along that nothing
//! calls. Another version of `fake` has other words, so a generator that uses it pins it.

use crate::{Key, Rng, Table};
pub use fake;
use fake::{Dummy, Fake, Faker};
use rand_core::TryRng;
use std::convert::Infallible;

/// A table of `n` values of a faker.
pub fn table<F>(faker: F, n: usize, key: Key) -> Table
where
    String: Dummy<F>,
{
    Table::new((0..n as u64).map(|i| value(&faker, key.at(i))))
}

/// One value of a faker.
pub fn value<F>(faker: &F, rng: Rng) -> String
where
    String: Dummy<F>,
{
    String::dummy_with_rng(faker, &mut Seeded(rng))
}

/// One value of a type that `fake` knows by itself.
pub fn any<T: Dummy<Faker>>(rng: Rng) -> T {
    Faker.fake_with_rng(&mut Seeded(rng))
}

/// [`Rng`] as the `rand` crates want it.
pub struct Seeded(pub Rng);

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.0.next() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&self.0.next().to_le_bytes()[..piece.len()]);
        }
        Ok(())
    }
}
