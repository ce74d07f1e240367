//! File, environment, connections.

use serde_json::json;

use super::*;
use crate::spec::SinkBlock;

const FILE: &str = r#"
state = "/srv/state"
[log]
level = "warn"
[connections.staging]
type = "kafka"
brokers = ["file:9092"]
username = "u"
password = "from-file"
"#;

fn parts(file: &str, variables: &[(&str, &str)]) -> Result<Parts, SpecError> {
    let environment = variables.iter().copied().collect();
    Parts::parse(Some(("settings.toml", file)), &environment)
}

fn password(connection: &Connection) -> Value {
    let mut options = connection.options.clone();
    connection.secrets.restore(&mut options);
    options["password"].clone()
}

#[test]
fn the_environment_goes_over_the_file() {
    let read = parts(
        FILE,
        &[
            ("WELLHEAD_STATE", "/env/state"),
            ("LOG_LEVEL", "info"),
            ("WELLHEAD_LOG_LEVEL", "debug"),
            ("WELLHEAD_LOG_FORMAT", "json"),
            ("WELLHEAD_CONNECTIONS__STAGING__PASSWORD", "from-env"),
            ("WELLHEAD_CONNECTIONS__OTHER__TYPE", "kafka"),
            ("WELLHEAD_CONNECTIONS__OTHER__PARTITIONS", "3"),
        ],
    )
    .unwrap();
    assert_eq!(read.state, Some("/env/state".into()));
    assert_eq!(read.log.level.as_deref(), Some("debug"));
    assert_eq!(read.log.format, LogFormat::Json);
    let staging = &read.connections.named["staging"];
    assert_eq!(password(staging), "from-env");
    assert_eq!(staging.options["username"], "u");
    assert_eq!(read.connections.named["other"].options["partitions"], 3);
    let plain = parts(FILE, &[]).unwrap();
    assert_eq!(password(&plain.connections.named["staging"]), "from-file");
    assert_eq!(plain.log.level.as_deref(), Some("warn"));
    assert_eq!(plain.log.format, LogFormat::Auto);
}

#[test]
fn secrets_are_never_shown() {
    let read = parts(
        FILE,
        &[
            ("KAFKA_BOOTSTRAP_SERVERS", "h:1"),
            ("KAFKA_PASSWORD", "hunter2"),
        ],
    )
    .unwrap();
    let shown = format!("{read:?}");
    assert!(
        !shown.contains("from-file") && !shown.contains("hunter2"),
        "{shown}"
    );
    let wrong = parts(
        "[connections.a]\ntype = \"kafka\"\npassword = \"hunter2\"\ntopc = \"a\"\n",
        &[],
    );
    let error = wrong.unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let text = error.problems[0].place.as_ref().unwrap().source.text();
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn the_usual_variables_make_a_connection() {
    let read = parts(
        "",
        &[
            ("KAFKA_BOOTSTRAP_SERVERS", "a:1,b:2"),
            ("KAFKA_USERNAME", "u"),
            ("KAFKA_PASSWORD", "p"),
        ],
    )
    .unwrap();
    let kafka = &read.connections.ambient["kafka"];
    assert_eq!(kafka.options["username"], "u");
    assert_eq!(password(kafka), "p");
    let block = json!({"type": "kafka", "topic": "t"});
    let block = SinkBlock::from_value(&block, None).unwrap();
    assert!(block.configure(&read.connections).is_ok());
    assert!(block.configure(&Connections::default()).is_err());
    assert!(
        parts("", &[("KAFKA_PASSWORD", "p")])
            .unwrap()
            .connections
            .ambient
            .is_empty()
    );
}

#[test]
fn what_is_wrong_has_a_place() {
    let error =
        |file: &str, variables: &[(&str, &str)]| parts(file, variables).unwrap_err().to_string();
    assert_eq!(
        error("staet = \"a\"\n", &[]),
        "settings.toml:1:1: unknown field `staet`; did you mean `state`?"
    );
    assert!(
        error("[log]\nformat = \"xml\"\n", &[])
            .starts_with("settings.toml:2:10: `xml` is not one of")
    );
    let wrong = error("[connections.a]\nbrokers = \"h\"\n", &[]);
    assert!(wrong.contains("connection `a` has no `type`"), "{wrong}");
    let wrong = error("[connections.a]\ntype = \"kafak\"\n", &[]);
    assert!(wrong.contains("did you mean `kafka`?"), "{wrong}");
    assert!(error("", &[("WELLHEAD_LOG_FORMAT", "xml")]).contains("WELLHEAD_LOG_FORMAT is `xml`"));
    let wrong = error("", &[("WELLHEAD_CONNECTIONS__A__PASSWORD", "x")]);
    assert!(
        wrong.contains("has no type") && wrong.contains("WELLHEAD_CONNECTIONS__A__TYPE"),
        "{wrong}"
    );
}

#[test]
fn a_named_file_has_to_be_there() {
    let missing = Path::new("no/such/settings.toml");
    let error = Settings::load(Some(missing), &Environment::default()).unwrap_err();
    assert!(matches!(error, SettingsError::Unreadable { .. }), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    std::fs::write(&path, FILE).unwrap();
    let settings = Settings::load(Some(&path), &Environment::default()).unwrap();
    assert_eq!(settings.state, Path::new("/srv/state"));
    assert!(
        settings.plugins.ends_with("wellhead/plugins"),
        "{:?}",
        settings.plugins
    );
    let environment = Environment::from_iter([("WELLHEAD_SETTINGS", path.to_string_lossy())]);
    assert_eq!(
        Settings::load(None, &environment)
            .unwrap()
            .log
            .level
            .as_deref(),
        Some("warn")
    );
}

#[test]
fn the_schema_agrees_with_the_parser() {
    let validator = jsonschema::validator_for(&schema().to_value()).unwrap();
    let good =
        json!({"state": "a", "log": {"level": "info"}, "connections": {"a": {"type": "kafka"}}});
    assert!(validator.is_valid(&good));
    assert!(!validator.is_valid(&json!({"staet": "a"})));
    assert!(!validator.is_valid(&json!({"log": {"format": "xml"}})));
}
