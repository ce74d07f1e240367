//! What users can set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wellhead_sdk::Error;

/// Configuration of `iot-sensor`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How many devices there are, at least one for each stream. They take turns.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub devices: u32,
    /// What each device measures, in this order: names of sensors that are known (temperature,
    /// humidity, pressure, vibration, battery), and sensors of your own as maps.
    #[schemars(length(min = 1, max = 64))]
    pub sensors: Vec<Sensor>,
    /// Outages of a device in a day, on average: 2 to 60 minutes without any reading.
    #[schemars(range(min = 0.0, max = 4.0))]
    pub outages: f64,
    /// Stretches in a day, on average, of 10 to 120 minutes in which a sensor is stuck at a value.
    #[schemars(range(min = 0.0, max = 4.0))]
    pub stuck: f64,
    /// The share of readings that are missing for no reason, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub gaps: f64,
}

/// A sensor: one that is known, or one of your own.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Sensor {
    /// One that is known.
    Known(Known),
    /// One of your own.
    Own(Own),
}

/// Sensors that are known.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Known {
    /// °C, around 21, warmest in the afternoon.
    Temperature,
    /// Percent, around 48, lowest in the afternoon.
    Humidity,
    /// hPa, around 1013.
    Pressure,
    /// mm/s, around 1.8, highest in the afternoon.
    Vibration,
    /// Percent, falling from 100 until it is charged.
    Battery,
}

/// A sensor of your own. Numbers are in its unit; readings have three decimals.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Own {
    /// What records call it: letters, digits, `_`, `-` and `.`.
    #[schemars(regex(pattern = "^[A-Za-z0-9_.-]{1,64}$"))]
    pub name: String,
    /// Its unit.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub unit: String,
    /// What it measures on average.
    #[schemars(range(min = -1e9, max = 1e9))]
    pub mean: f64,
    /// How far a day takes it from that: up at 15:00 UTC and down at 03:00, the other way where
    /// this is negative.
    #[serde(default)]
    #[schemars(range(min = -1e9, max = 1e9))]
    pub amplitude: f64,
    /// How much it is off after each day since it was calibrated, which is every 90 days.
    #[serde(default)]
    #[schemars(range(min = -1e6, max = 1e6))]
    pub drift: f64,
    /// Standard deviation of a reading.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 400_000.0))]
    pub noise: f64,
    /// No reading is below this.
    #[serde(default)]
    pub min: Option<f64>,
    /// No reading is above this.
    #[serde(default)]
    pub max: Option<f64>,
}

impl Default for Config {
    fn default() -> Self {
        use Known::{Battery, Humidity, Pressure, Temperature, Vibration};
        let known = [Temperature, Humidity, Pressure, Vibration, Battery];
        Config {
            devices: 10,
            sensors: known.map(Sensor::Known).to_vec(),
            outages: 0.05,
            stuck: 0.02,
            gaps: 0.001,
        }
    }
}

impl Config {
    /// What the schema says too, and what it can't: each sensor once, `min` below `max`.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let devices = f64::from(self.devices);
        let sensors = self.sensors.len() as f64;
        within("devices", devices, 1.0, 1_000_000.0)?;
        within("sensors", sensors, 1.0, 64.0)?;
        within("outages", self.outages, 0.0, 4.0)?;
        within("stuck", self.stuck, 0.0, 4.0)?;
        within("gaps", self.gaps, 0.0, 1.0)?;
        for (i, sensor) in self.sensors.iter().enumerate() {
            let sensor = sensor.measures();
            let name = &sensor.name;
            let before = &self.sensors[..i];
            if before.iter().any(|other| other.measures().name == *name) {
                return Err(Error::invalid_config(format!(
                    "`sensors` has `{name}` twice; give each a name of its own"
                )));
            }
            sensor.check()?;
        }
        Ok(())
    }
}

fn within(name: &str, value: f64, least: f64, most: f64) -> Result<(), Error> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid_config(format!(
        "`{name}` is {value}, and has to be between {least} and {most}"
    )))
}

impl Own {
    fn check(&self) -> Result<(), Error> {
        let name = &self.name;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(Error::invalid_config(format!(
                "the sensor's name `{name}` has to be 1 to 64 letters, digits, `_`, `-` and `.`"
            )));
        }
        let of = |field: &str| format!("{field}` of sensor `{name}");
        within(&of("mean"), self.mean, -1e9, 1e9)?;
        within(&of("amplitude"), self.amplitude, -1e9, 1e9)?;
        within(&of("drift"), self.drift, -1e6, 1e6)?;
        within(&of("noise"), self.noise, 0.0, 400_000.0)?;
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            return Err(Error::invalid_config(format!(
                "`min` of sensor `{name}` is {min}, which is above its `max`, {max}"
            )));
        }
        Ok(())
    }
}

impl Sensor {
    /// What it measures, known or not.
    pub(crate) fn measures(&self) -> Own {
        let known = match self {
            Sensor::Own(own) => return own.clone(),
            Sensor::Known(known) => known,
        };
        let own = |name: &str, unit: &str, numbers: [f64; 4], min, max| {
            let [mean, amplitude, drift, noise] = numbers;
            Own {
                name: name.to_owned(),
                unit: unit.to_owned(),
                mean,
                amplitude,
                drift,
                noise,
                min,
                max,
            }
        };
        let percent = (Some(0.0), Some(100.0));
        match known {
            Known::Temperature => own("temperature", "°C", [21.0, 4.0, 0.004, 0.15], None, None),
            Known::Humidity => own(
                "humidity",
                "%",
                [48.0, -9.0, 0.02, 0.8],
                percent.0,
                percent.1,
            ),
            Known::Pressure => own("pressure", "hPa", [1013.25, 1.2, -0.003, 0.2], None, None),
            Known::Vibration => own(
                "vibration",
                "mm/s",
                [1.8, 0.6, 0.002, 0.25],
                percent.0,
                None,
            ),
            Known::Battery => own("battery", "%", [100.0, 0.0, 0.0, 0.2], percent.0, percent.1),
        }
    }
}
