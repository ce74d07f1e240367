//! What an environment says of an emulation that is named and not specified: `wellhead run replay`
//! in a container that other emulators' variables were written for.
//!
//! It lies beneath the flags, and beneath nothing else: a spec says all that it means.

use serde_json::{Map, Value};

use super::Environment;
use crate::spec::{Load, Overrides, Problem, SinkBlock, Spec, SpecError};

/// A sink that the environment names: the variables of which one has to be set, its kind, the
/// options that variables are, and the options that go with it.
struct Target {
    address: &'static [&'static str],
    kind: &'static str,
    options: &'static [(&'static str, &'static str)],
    fixed: &'static [(&'static str, bool)],
}

/// The address of a database is no option here: the connection of the environment has it, with its
/// user and password.
const TARGETS: &[Target] = &[
    Target {
        address: &["HTTP_POST_ENDPOINT"],
        kind: "http",
        options: &[
            ("HTTP_POST_ENDPOINT", "url"),
            ("HEALTH_CHECK_ENDPOINT", "health"),
        ],
        fixed: &[("log_responses", true)],
    },
    Target {
        address: &["DB_HOST", "DATABASE_URL"],
        kind: "postgres",
        options: &[],
        fixed: &[],
    },
];

/// Seconds from one record to the next.
const PERIOD: &str = "PERIOD_IN_SECONDS";

/// A file that the environment names.
struct File {
    variable: &'static str,
    /// The generator that takes it, and as which asset.
    generator: &'static str,
    asset: &'static str,
    /// What goes with it in the generator's configuration.
    config: &'static [(&'static str, bool)],
}

const FILES: &[File] = &[File {
    variable: "PAYLOAD_FILE_PATH",
    generator: "replay",
    asset: "payloads",
    config: &[("loop", true)],
}];

/// Fills in what neither the spec (which is nothing but a generator) nor a flag says.
///
/// # Errors
/// A variable that makes no sense, and two sinks where one is meant.
pub fn fill(
    spec: &mut Spec,
    flags: &Overrides,
    environment: &Environment,
) -> Result<(), SpecError> {
    if flags.load.is_none()
        && let Some(load) = load(environment)?
    {
        spec.load = load;
    }
    if flags.sinks.is_empty()
        && let Some(block) = sink(environment)?
    {
        spec.sinks = vec![SinkBlock::from_value(&Value::Object(block), None)?];
    }
    let generator = spec.display_name();
    for file in FILES {
        if generator != file.generator || flags.assets.contains_key(file.asset) {
            continue;
        }
        if let Some(path) = environment.get(file.variable) {
            spec.assets.insert(file.asset.to_owned(), path.into());
            let fixed = file.config.iter();
            let fixed = fixed.map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
            spec.config.extend(fixed);
        }
    }
    Ok(())
}

/// One record every so many seconds.
fn load(environment: &Environment) -> Result<Option<Load>, Problem> {
    let Some(text) = environment.get(PERIOD) else {
        return Ok(None);
    };
    let seconds: Option<u32> = text.trim().parse().ok().filter(|n| *n > 0);
    let load = seconds.and_then(|seconds| format!("every:{seconds}s").parse().ok());
    match load {
        Some(load) => Ok(Some(load)),
        None => Err(Problem::new(format!(
            "{PERIOD} is `{text}`, and has to be a positive integer"
        ))
        .help("set it to the seconds from one record to the next, such as 5")),
    }
}

/// The block of the sink that the environment names, if it names one.
fn sink(environment: &Environment) -> Result<Option<Map<String, Value>>, Problem> {
    let set = |target: &Target| {
        let mut names = target.address.iter();
        names.find(|name| environment.get(name).is_some()).copied()
    };
    let mut named = TARGETS.iter().filter_map(|t| Some((t, set(t)?)));
    let Some((target, variable)) = named.next() else {
        return Ok(None);
    };
    if let Some((_, other)) = named.next() {
        let message = format!("{variable} and {other} are both set: it isn't clear where to");
        return Err(Problem::new(message).help("unset one of them, or say which with --to"));
    }
    let mut block = Map::new();
    block.insert("type".to_owned(), Value::from(target.kind));
    for (variable, option) in target.options {
        if let Some(value) = environment.get(variable) {
            block.insert((*option).to_owned(), Value::from(value));
        }
    }
    for (option, value) in target.fixed {
        block.insert((*option).to_owned(), Value::from(*value));
    }
    Ok(Some(block))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::from_iter(variables.iter().copied())
    }

    fn block(variables: &[(&str, &str)]) -> Value {
        let block = sink(&environment(variables)).unwrap();
        block.map_or(Value::Null, Value::Object)
    }

    fn filled(generator: &str, flags: &Overrides, variables: &[(&str, &str)]) -> Spec {
        let mut spec = Spec::new(generator);
        fill(&mut spec, flags, &environment(variables)).unwrap();
        spec
    }

    #[test]
    fn an_endpoint_is_a_sink_that_logs_its_responses() {
        let endpoint = ("HTTP_POST_ENDPOINT", "http://h:8080/events");
        assert_eq!(
            block(&[endpoint, ("HEALTH_CHECK_ENDPOINT", "http://h:8080/health")]),
            json!({"type": "http", "url": "http://h:8080/events",
                "health": "http://h:8080/health", "log_responses": true})
        );
        let alone = json!({"type": "http", "url": "http://h:8080/events", "log_responses": true});
        assert_eq!(block(&[endpoint]), alone);
        assert_eq!(
            block(&[("HEALTH_CHECK_ENDPOINT", "http://h/")]),
            Value::Null
        );
    }

    #[test]
    fn a_database_is_a_sink_whose_address_is_a_connection() {
        let said = [
            ("DB_HOST", "db"),
            ("DB_USER", "u"),
            ("DB_PASSWORD", "hunter2"),
            ("DB_NAME", "signals"),
        ];
        assert_eq!(block(&said), json!({"type": "postgres"}));
        assert_eq!(block(&said[1..]), Value::Null);
        let both = environment(&[("DB_HOST", "db"), ("HTTP_POST_ENDPOINT", "http://h/")]);
        let error = sink(&both).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("HTTP_POST_ENDPOINT and DB_HOST are both set"),
            "{error}"
        );
        // A flag says which, or where else.
        let flags = Overrides {
            sinks: vec![SinkBlock::from_url("null").unwrap()],
            ..Overrides::default()
        };
        let mut spec = Spec::new("machine-signal");
        fill(&mut spec, &flags, &both).unwrap();
        assert!(spec.sinks.is_empty());
    }

    #[test]
    fn a_period_is_a_positive_integer() {
        let of = |text: &str| load(&environment(&[(PERIOD, text)]));
        assert_eq!(of("5").unwrap(), Some("every:5s".parse().unwrap()));
        assert_eq!(of("").unwrap(), None);
        for text in ["0", "-1", "2.5", "5s", "five", "99999999999999"] {
            let error = of(text).unwrap_err().to_string();
            let expected =
                format!("PERIOD_IN_SECONDS is `{text}`, and has to be a positive integer");
            assert!(error.contains(&expected), "{error}");
        }
        let flags = Overrides {
            load: Some("max".parse().unwrap()),
            ..Overrides::default()
        };
        let spec = filled("transaction", &flags, &[(PERIOD, "nonsense")]);
        assert_eq!(spec.load, Load::default());
        let spec = filled("transaction", &Overrides::default(), &[(PERIOD, "60")]);
        assert_eq!(spec.load.to_string(), "1 every 1m");
    }

    #[test]
    fn a_payload_file_is_what_replay_goes_around() {
        let file = [("PAYLOAD_FILE_PATH", "/data/payloads.json")];
        let none = Overrides::default();
        for generator in ["replay", "replay@0.1.0", "./own/replay.wasm"] {
            let spec = filled(generator, &none, &file);
            assert_eq!(
                spec.assets["payloads"].to_str(),
                Some("/data/payloads.json")
            );
            assert_eq!(Value::Object(spec.config), json!({"loop": true}));
        }
        let spec = filled("transaction", &none, &file);
        assert!(spec.assets.is_empty() && spec.config.is_empty());
        let flags = Overrides {
            assets: [("payloads".to_owned(), "own.json".into())].into(),
            ..Overrides::default()
        };
        let spec = filled("replay", &flags, &file);
        assert!(spec.assets.is_empty() && spec.config.is_empty());
    }
}
