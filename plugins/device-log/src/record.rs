//! The fields of a record.

use schemars::JsonSchema;
use wellhead_sdk::{Put, Text, Words, Writer, lit};

/// A line of the log.
#[derive(JsonSchema)]
#[allow(dead_code)] // its shape makes the schema; `record!` writes the bytes
pub(crate) struct LogRecord {
    /// When the line was written, in UTC.
    #[schemars(extend("format" = "date-time"))]
    ts: String,
    /// The device, which is also the key.
    #[schemars(regex(pattern = "^gw-[0-9]{8}$"))]
    device_id: String,
    /// Where it stands; four groups of 16 devices share a site.
    #[schemars(regex(pattern = "^[a-z]{3}-[0-9]+$"))]
    site: String,
    /// What is printed on it.
    model: String,
    /// Release that it runs; goes up with each update.
    #[schemars(regex(pattern = "^[0-9]\\.[0-9]+\\.[0-9]{2}$"))]
    firmware: String,
    /// Part of the device that the line comes from.
    component: Component,
    severity: Severity,
    /// What happened, for machines: `storage.write_slow`.
    event: String,
    /// What happened, for people.
    message: String,
    state: State,
    /// Seconds since the device booted.
    uptime_s: u64,
    /// Identity of the incident that the device is in; devices that share it were struck together.
    incident: Option<u64>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
enum Component {
    Kernel,
    Network,
    Storage,
    Power,
    Thermal,
    Memory,
    Agent,
    Sensor,
    Security,
    Boot,
    Updater,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
enum Severity {
    Debug,
    Info,
    Warning,
    Error,
    Critical,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
enum State {
    Online,
    Degraded,
    Failing,
    Recovering,
    Updating,
}

/// What a device does; indices into [`STATES`].
pub(crate) mod state {
    pub const ONLINE: usize = 0;
    pub const DEGRADED: usize = 1;
    pub const FAILING: usize = 2;
    pub const RECOVERING: usize = 3;
    pub const UPDATING: usize = 4;
}

pub(crate) static STATES: Words<5> =
    Words::new(["online", "degraded", "failing", "recovering", "updating"]);

pub(crate) static MODELS: Words<8> = Words::new([
    "EdgeGate 100",
    "EdgeGate 300",
    "EdgeGate 300",
    "EdgeGate 500",
    "FieldNode X2",
    "FieldNode X4",
    "RailLink 7",
    "RailLink 9",
]);

/// How each model's firmware begins.
static MAJORS: Words<8> = Words::new(["3.", "5.", "5.", "5.", "2.", "4.", "7.", "7."]);

const CITIES: [&str; 16] = [
    "ams", "bcn", "ber", "cdg", "dub", "fra", "hel", "lhr", "lis", "mad", "mil", "muc", "osl",
    "prg", "vie", "waw",
];

/// The name of a site: `fra-2`.
pub(crate) fn site_name(site: u32) -> String {
    let city = CITIES[site as usize % CITIES.len()];
    format!("{city}-{}", 1 + site as usize / CITIES.len())
}

/// A device's number as users see it: `gw-00000123`.
#[derive(Clone, Copy)]
pub(crate) struct Device(pub u32);

impl Text for Device {
    #[inline(always)]
    fn text(self, writer: &mut Writer<'_>) {
        lit!(writer, "gw-");
        writer.digits8(self.0);
    }
}

impl Put for Device {
    #[inline(always)]
    fn put(self, writer: &mut Writer<'_>) {
        lit!(writer, "\"gw-");
        writer.digits8(self.0);
        writer.byte(b'"');
    }
}

/// A release of a model's firmware: `5.24.03`, the third of 2024.
#[derive(Clone, Copy)]
pub(crate) struct Firmware {
    pub model: usize,
    pub release: Release,
}

/// Year and number of a release, as 2403 for the third of 2024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Release(u32);

impl Release {
    /// The release that so many updates since 2020 have led to, 26 a year.
    pub const fn after(updates: u32) -> Release {
        Release((20 + updates / 26) * 100 + 1 + updates % 26)
    }
}

impl Put for Firmware {
    #[inline(always)]
    fn put(self, writer: &mut Writer<'_>) {
        writer.begin_word(MAJORS.at(self.model));
        writer.cents(self.release.0);
        writer.byte(b'"');
    }
}
