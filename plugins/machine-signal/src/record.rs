//! The fields of the records, a kind for each channel.

use schemars::JsonSchema;
use wellhead_sdk::{Put, Text, Words, Writer, dist::by_byte, lit};

/// A machine is in another state.
#[derive(JsonSchema)]
#[allow(dead_code)] // its shape makes the schema; `record!` writes the bytes
pub(crate) struct StateChange {
    /// `state_change`.
    signal_type: String,
    /// The state as a number: 0 off, 1 idle, 2 starting, 3 running, 4 stopped, 5 resetting.
    value: f64,
    /// When, in UTC with microseconds.
    #[schemars(extend("format" = "date-time"))]
    timestamp: String,
    /// The machine, which is also the key.
    #[schemars(regex(pattern = "^machine-[0-9]{8}$"))]
    machine_id: String,
    /// `state`.
    unit: String,
    /// The state that it is in now.
    state: StateName,
    /// The state that it was in.
    previous: StateName,
}

/// What a machine draws.
#[derive(JsonSchema)]
#[allow(dead_code)]
pub(crate) struct Power {
    /// `power`.
    signal_type: String,
    /// Kilowatts.
    #[schemars(range(min = 0.0))]
    value: f64,
    /// When, in UTC with microseconds.
    #[schemars(extend("format" = "date-time"))]
    timestamp: String,
    /// The machine, which is also the key.
    #[schemars(regex(pattern = "^machine-[0-9]{8}$"))]
    machine_id: String,
    /// `kW`.
    unit: String,
    /// The state that it is in.
    state: StateName,
}

/// What stopped a machine.
#[derive(JsonSchema)]
#[allow(dead_code)]
pub(crate) struct ErrorSignal {
    /// `error`.
    signal_type: String,
    /// The error's number: 101 to 108.
    value: f64,
    /// When, in UTC with microseconds.
    #[schemars(extend("format" = "date-time"))]
    timestamp: String,
    /// The machine, which is also the key.
    #[schemars(regex(pattern = "^machine-[0-9]{8}$"))]
    machine_id: String,
    /// `code`.
    unit: String,
    /// The error's name.
    error: String,
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
enum StateName {
    Off,
    Idle,
    Starting,
    Running,
    Stopped,
    Resetting,
}

pub(crate) static STATES: Words<6> =
    Words::new(["off", "idle", "starting", "running", "stopped", "resetting"]);

/// What stops a machine; its number is 101 and its place here.
pub(crate) static ERRORS: Words<8, 32> = Words::new([
    "motor_overload",
    "spindle_overheated",
    "hydraulic_pressure_low",
    "coolant_level_low",
    "tool_broken",
    "guard_door_open",
    "drive_fault",
    "emergency_stop",
]);

/// Which error it is, by eight random bits.
pub(crate) static WHICH_ERROR: [u8; 256] = by_byte([52, 38, 34, 42, 40, 24, 16, 10]);

/// A machine's number as users see it: `machine-00000012`.
#[derive(Clone, Copy)]
pub(crate) struct MachineId(pub u32);

impl Text for MachineId {
    #[inline(always)]
    fn text(self, writer: &mut Writer<'_>) {
        lit!(writer, "machine-");
        writer.digits8(self.0);
    }
}

impl Put for MachineId {
    #[inline(always)]
    fn put(self, writer: &mut Writer<'_>) {
        lit!(writer, "\"machine-");
        writer.digits8(self.0);
        writer.byte(b'"');
    }
}
