//! How people are reached: mail and postal addresses that agree with name and country.

use super::{Country, Person};
use crate::{Put, Words, Writer};

/// Domains that nobody has: all of them are reserved for examples.
static MAIL_DOMAIN: Words<8, 32> = Words::new([
    "example.com",
    "example.org",
    "example.net",
    "mail.example.com",
    "post.example.org",
    "inbox.example.net",
    "home.example.com",
    "web.example.net",
]);

/// An address of electronic mail that fits the name; the number makes it nobody else's.
#[derive(Clone, Copy, Debug)]
pub struct Mail(pub Person, pub u64);

impl Put for Mail {
    #[inline(always)]
    fn put(self, writer: &mut Writer<'_>) {
        let Mail(person, id) = self;
        writer.begin_word(person.mail_first_name());
        writer.next_word(b'.', person.mail_last_name());
        writer.u64(id);
        writer.end_word(b'@', MAIL_DOMAIN.at((person.hash() >> 40) as usize & 7));
    }
}

/// The street of a person with this house's number, in the order that the country has.
#[derive(Clone, Copy, Debug)]
pub struct Street(pub Person, pub u32);

impl Put for Street {
    #[inline(always)]
    fn put(self, writer: &mut Writer<'_>) {
        let Street(person, number) = self;
        match person.country() {
            Country::UnitedStates | Country::UnitedKingdom | Country::France => {
                writer.byte(b'"');
                writer.u32(number);
                writer.end_word(b' ', person.street());
            }
            _ => {
                writer.begin_word(person.street());
                writer.byte(b' ');
                writer.u32(number);
                writer.byte(b'"');
            }
        }
    }
}

/// A postal code of the person's city.
#[derive(Clone, Copy, Debug)]
pub struct PostalCode(pub Person);

impl Put for PostalCode {
    #[inline(always)]
    fn put(self, writer: &mut Writer<'_>) {
        writer.begin_word(self.0.city().postal_prefix());
        writer.pattern(self.0.postal_rest());
        writer.byte(b'"');
    }
}
