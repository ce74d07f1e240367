//! What a record looks like, for its JSON Schema.

use schemars::JsonSchema;

/// A card payment.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
pub struct Transaction {
    /// UUID, version 4.
    #[schemars(extend("format" = "uuid"))]
    transaction_id: String,
    /// When it happened, in UTC with microseconds.
    #[schemars(extend("format" = "date-time"))]
    timestamp: String,
    /// The customer: profile `customer_id` of `user-profile` under the same seed. The record's key.
    customer_id: u32,
    /// Where the customer lives, ISO 3166-1 alpha-2.
    home_country: String,
    /// In the currency's main unit, with two decimals.
    #[schemars(range(min = 0.01))]
    amount: f64,
    /// ISO 4217, the merchant's.
    currency: String,
    /// How the card was read.
    entry_mode: EntryMode,
    /// What the issuer said.
    status: Status,
    /// Why it was declined; null where it was approved.
    decline_reason: Option<DeclineReason>,
    /// Whether it is fraud: the label that models are trained on.
    is_fraud: bool,
    /// What kind of fraud; null where it is none.
    fraud_pattern: Option<FraudPattern>,
    /// The card, the same for all of a customer's payments.
    card: Card,
    /// Who is paid.
    merchant: Merchant,
}

/// A payment card.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct Card {
    network: Network,
    /// 16 digits, 15 for American Express; passes the Luhn check.
    #[schemars(regex(pattern = r"^[0-9]{15,16}$"))]
    number: String,
    /// First and last name.
    holder: String,
}

/// A merchant.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct Merchant {
    id: u32,
    /// The name over the door; chains have several merchants of one name.
    name: String,
    category: Category,
    /// Merchant category code, ISO 18245.
    #[schemars(regex(pattern = r"^[0-9]{4}$"))]
    mcc: String,
    /// ISO 3166-1 alpha-2.
    country: String,
}

/// How a card was read.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
enum EntryMode {
    Contactless,
    Chip,
    Magstripe,
    Online,
}

/// What an issuer says.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
enum Status {
    Approved,
    Declined,
}

/// Why an issuer says no.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
enum DeclineReason {
    InsufficientFunds,
    DoNotHonor,
    LimitExceeded,
    ExpiredCard,
    IncorrectPin,
    InvalidCvc,
    SuspectedFraud,
}

/// What an attack looks like.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
enum FraudPattern {
    CardTesting,
    Burst,
    ForeignCountry,
    NightSpree,
}

/// A card network.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
enum Network {
    Visa,
    Mastercard,
    Amex,
    Discover,
}

/// What a merchant sells.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
enum Category {
    Grocery,
    Restaurant,
    FastFood,
    Fuel,
    Transport,
    OnlineRetail,
    Clothing,
    Electronics,
    Pharmacy,
    Streaming,
    Travel,
    Cash,
}
