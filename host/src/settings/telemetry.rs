//! Where traces and metrics are sent: the settings' `[telemetry]`, and the usual variables of OpenTelemetry.

use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use super::Environment;
use crate::spec::Problem;
use crate::telemetry::otlp::Config;

/// Share of batches with spans where nobody says: one in a hundred tells what is to be seen.
const SHARE: f64 = 0.01;
/// How often metrics are sent where nobody says.
const EVERY: Duration = Duration::from_secs(10);
/// How long a request may take where nobody says.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Traces and metrics over OTLP, in addition to /metrics.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TelemetryForm {
    /// Base URL of a collector that takes OTLP over HTTP, such as http://localhost:4318; nothing is sent when
    /// absent. Environment: OTEL_EXPORTER_OTLP_ENDPOINT.
    #[serde(default)]
    endpoint: Option<String>,
    /// What this program is called there; `wellhead` when absent. Environment: OTEL_SERVICE_NAME.
    #[serde(default)]
    service: Option<String>,
    /// Which share of batches has spans, from 0 to 1; 0.01 when absent. Environment: OTEL_TRACES_SAMPLER_ARG.
    #[serde(default)]
    sample: Option<f64>,
    /// How often metrics are sent, in milliseconds; 10,000 when absent. Environment: OTEL_METRIC_EXPORT_INTERVAL.
    #[serde(default)]
    interval_ms: Option<u64>,
}

impl TelemetryForm {
    /// With what the environment lays over it; none where nothing is to be sent.
    pub(super) fn under(self, environment: &Environment) -> Result<Option<Config>, Problem> {
        let get = |name: &str| environment.get(name);
        let is = |name: &str, value: &str| {
            get(name).is_some_and(|said| said.trim().eq_ignore_ascii_case(value))
        };
        let base = get("OTEL_EXPORTER_OTLP_ENDPOINT").map(str::to_owned);
        let base = base.or(self.endpoint);
        let endpoint = |signal: &str, path: &str| {
            let own = get(&format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")).map(str::to_owned);
            let below = |base: &String| format!("{}/{path}", base.trim_end_matches('/'));
            let off = is(&format!("OTEL_{signal}_EXPORTER"), "none");
            own.or(base.as_ref().map(below)).filter(|_| !off)
        };
        let sampler = get("OTEL_TRACES_SAMPLER").unwrap_or_default();
        let silent = sampler.trim().ends_with("always_off");
        let traces = endpoint("TRACES", "v1/traces").filter(|_| !silent);
        let metrics = endpoint("METRICS", "v1/metrics");
        if is("OTEL_SDK_DISABLED", "true") || (traces.is_none() && metrics.is_none()) {
            return Ok(None);
        }
        if is("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc") {
            let message = "OTEL_EXPORTER_OTLP_PROTOCOL is `grpc`, which isn't spoken here";
            return Err(Problem::new(message).help(
                "set it to http/protobuf, and the endpoint to the collector's port for that (4318)",
            ));
        }
        let all = sampler.trim().ends_with("always_on").then_some(1.0);
        let given = number(environment, "OTEL_TRACES_SAMPLER_ARG")?.or(all);
        let share = given.or(self.sample).unwrap_or(SHARE);
        if !(0.0..=1.0).contains(&share) {
            let message = format!("{share} is no share of batches that are to have spans");
            return Err(Problem::new(message).help(
                "set OTEL_TRACES_SAMPLER_ARG, or telemetry.sample, to a number from 0 to 1",
            ));
        }
        let every = millis(environment, "OTEL_METRIC_EXPORT_INTERVAL")?;
        let every = every.or(self.interval_ms.map(Duration::from_millis));
        let timeout = millis(environment, "OTEL_EXPORTER_OTLP_TIMEOUT")?;
        let service = get("OTEL_SERVICE_NAME").map(str::to_owned);
        Ok(Some(Config {
            traces,
            metrics,
            headers: get("OTEL_EXPORTER_OTLP_HEADERS").map_or(Ok(Vec::new()), headers)?,
            service: service.or(self.service).unwrap_or("wellhead".to_owned()),
            share,
            every: every.unwrap_or(EVERY).max(Duration::from_millis(100)),
            timeout: timeout.unwrap_or(TIMEOUT).max(Duration::from_millis(100)),
        }))
    }
}

fn number(environment: &Environment, name: &str) -> Result<Option<f64>, Problem> {
    let Some(text) = environment.get(name) else {
        return Ok(None);
    };
    let number = text.trim().parse::<f64>();
    number.map(Some).map_err(|_| {
        Problem::new(format!("{name} is `{text}`")).help("set it to a number, such as 0.1")
    })
}

fn millis(environment: &Environment, name: &str) -> Result<Option<Duration>, Problem> {
    let number = number(environment, name)?;
    let time = number.map(|millis| Duration::try_from_secs_f64(millis / 1e3));
    time.transpose().map_err(|_| {
        Problem::new(format!("{name} is no time")).help("set it to a number of milliseconds")
    })
}

/// `name=value,name=value`, the values percent-encoded; the message shows none of it.
fn headers(text: &str) -> Result<Vec<(String, SecretString)>, Problem> {
    let wrong = || {
        Problem::new("OTEL_EXPORTER_OTLP_HEADERS can't be read")
            .help("write name=value, several with commas between, values percent-encoded")
    };
    let all = text.split(',').filter(|one| !one.trim().is_empty());
    all.map(|one| {
        let (name, value) = one.split_once('=').ok_or_else(wrong)?;
        let decoded = decoded(value.trim()).ok_or_else(wrong)?;
        Ok((name.trim().to_owned(), SecretString::from(decoded)))
    })
    .collect()
}

/// Percent-decoded; none where that is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let escaped = match first {
            b'%' => Some(after.split_at_checked(2)?),
            _ => None,
        };
        match escaped {
            Some((digits, after)) => {
                bytes.extend(hex::decode(digits).ok()?);
                rest = after;
            }
            None => bytes.push(first),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<Option<Config>, Problem> {
        let environment = variables.iter().copied().collect();
        TelemetryForm::default().under(&environment)
    }

    const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://there:4318/");

    #[test]
    fn nothing_is_sent_unless_it_is_said_where_to() {
        assert!(config(&[("OTEL_SERVICE_NAME", "x")]).unwrap().is_none());
        assert!(
            config(&[BASE, ("OTEL_SDK_DISABLED", "true")])
                .unwrap()
                .is_none()
        );
        let config = config(&[BASE]).unwrap().unwrap();
        assert_eq!(config.traces.unwrap(), "http://there:4318/v1/traces");
        assert_eq!(config.metrics.unwrap(), "http://there:4318/v1/metrics");
        assert_eq!((config.service.as_str(), config.share), ("wellhead", SHARE));
    }

    #[test]
    fn each_signal_may_go_elsewhere_or_nowhere() {
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://other/x");
        let none = ("OTEL_METRICS_EXPORTER", "none");
        let config = config(&[BASE, own, none]).unwrap().unwrap();
        assert_eq!(config.traces.unwrap(), "http://other/x");
        assert!(config.metrics.is_none());
        let off = ("OTEL_TRACES_SAMPLER", "parentbased_always_off");
        let config = self::config(&[BASE, off]).unwrap().unwrap();
        assert!(config.traces.is_none() && config.metrics.is_some());
    }

    #[test]
    fn headers_are_secrets_and_decoded() {
        let given = (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "Authorization=Basic%20eA==, b=2",
        );
        let config = config(&[BASE, given]).unwrap().unwrap();
        assert!(!format!("{config:?}").contains("eA=="));
        let read: Vec<(&str, &str)> = config
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose_secret()))
            .collect();
        assert_eq!(read, [("Authorization", "Basic eA=="), ("b", "2")]);
        let wrong = self::config(&[BASE, ("OTEL_EXPORTER_OTLP_HEADERS", "hush%zz")]);
        assert!(!format!("{:?}", wrong.unwrap_err()).contains("hush"));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        for (name, value) in [
            ("OTEL_TRACES_SAMPLER_ARG", "2"),
            ("OTEL_TRACES_SAMPLER_ARG", "often"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "-1"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ] {
            assert!(config(&[BASE, (name, value)]).is_err(), "{name}={value}");
        }
        let all = config(&[BASE, ("OTEL_TRACES_SAMPLER", "always_on")]);
        assert_eq!(all.unwrap().unwrap().share, 1.0);
    }
}
