//! What a record looks like, for its JSON Schema.

use schemars::JsonSchema;

/// A user profile.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
pub struct Profile {
    /// The user's number: the customer of `transaction` under the same seed. The record's key.
    user_id: u64,
    /// As it is common where the user lives.
    first_name: String,
    /// As it is common where the user lives.
    last_name: String,
    gender: Gender,
    #[schemars(extend("format" = "date"))]
    birth_date: String,
    /// Fits the name; unique; in a domain that is reserved for examples.
    #[schemars(extend("format" = "email"))]
    email: String,
    /// International form.
    phone: String,
    /// Language and country, BCP 47.
    locale: String,
    /// ISO 3166-1 alpha-2.
    country: String,
    /// Where the user lives.
    address: Address,
    /// When the user registered: the record's event time, in UTC with microseconds.
    #[schemars(extend("format" = "date-time"))]
    registered_at: String,
}

/// Gender, as the first name has it.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
enum Gender {
    Male,
    Female,
}

/// A postal address.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct Address {
    /// Street and number, in the country's order.
    street: String,
    /// A code of the city.
    postal_code: String,
    city: String,
    /// State, region, province or county.
    region: String,
    /// ISO 3166-1 alpha-2.
    country: String,
}
