//! Sink blocks, URLs, connections, secrets, files.

use serde_json::json;

use super::super::*;
use super::{problem, shown};

#[test]
fn sinks_are_checked_by_their_schema() {
    let text = "generator: t\nsinks:\n  - type: kafak\n    topic: a\n";
    assert_eq!(
        shown(text),
        "test:3:11: there is no sink `kafak`; did you mean `kafka`? there are: file, kafka, null, s3, stdout"
    );
    let text = "generator: t\nsinks:\n  - type: file\n    path: a\n    formt: csv\n";
    assert_eq!(
        shown(text),
        "test:5:5: unknown option `formt` of the file sink; did you mean `format`?"
    );
    let text = "generator: t\nsinks:\n  - type: kafka\n    topic: a\n    partitions: many\n";
    let wrong = shown(text);
    assert!(
        wrong.starts_with("test:5:17: `partitions` of the kafka sink is wrong"),
        "{wrong}"
    );
    assert!(shown("generator: t\nsinks: [{path: a}]\n").contains("no `type`"));
    assert!(shown("generator: t\nsinks: [5]\n").contains("a sink is a map"));
    let toml = "generator = \"t\"\n[[sinks]]\ntype = \"file\"\npth = \"a\"\n";
    let wrong = problem(toml, Format::Toml).to_string();
    assert_eq!(
        wrong,
        "test:4:1: unknown option `pth` of the file sink; did you mean `path`?"
    );
}

#[test]
fn secrets_are_never_shown() {
    let text = "generator: t\nsinks:\n  - type: kafka\n    topic: 5\n    password: {hunter2: 1}\n    username: |\n      a\n";
    let error = parse(text, Format::Yaml, "test").unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let place = error.problems[0].place.as_ref().unwrap();
    assert!(
        !place.source.text().contains("hunter2"),
        "{}",
        place.source.text()
    );
    assert_eq!(place.source.text().len(), text.len());
    let broken = "generator: t\nsinks: [{password: hunter2, a: [}]\nurl: http://u:hunter2@host/\n";
    let place = problem(broken, Format::Yaml).place.unwrap();
    assert!(
        !place.source.text().contains("hunter2"),
        "{}",
        place.source.text()
    );
    let block = "generator: t\nsinks:\n  - type: kafka\n    password: |\n      hunter2\n      hunter2\n    topc: a\n";
    let place = problem(block, Format::Yaml).place.unwrap();
    assert!(
        !place.source.text().contains("hunter2"),
        "{}",
        place.source.text()
    );
}

#[test]
fn urls_are_short_for_blocks() {
    let block = SinkBlock::from_url(
        "kafka://host:9092/pay%20ments?partitions=4&librdkafka.statistics.interval.ms=5&acks=1\
         &meta_headers=true&linger.ms=2.5&headers.a=b&username=u&password=x",
    )
    .unwrap();
    assert_eq!(block.kind, "kafka");
    assert_eq!(
        Value::Object(block.options.clone()),
        json!({"brokers": "host:9092", "topic": "pay ments", "partitions": 4,
               "librdkafka": {"statistics.interval.ms": "5"}, "acks": "1", "meta_headers": true,
               "linger.ms": 2.5, "headers": {"a": "b"}, "username": "u"})
    );
    assert!(!format!("{block:?}").contains("\"x\""));
    let file = SinkBlock::from_url("file:out/{channel}.ndjson").unwrap();
    assert_eq!(file.options["path"], "out/{channel}.ndjson");
    assert_eq!(
        SinkBlock::from_url("file:///abs/a.csv").unwrap().options["path"],
        "/abs/a.csv"
    );
    assert_eq!(
        SinkBlock::from_url("stdout?format=csv").unwrap().options["format"],
        "csv"
    );
    assert_eq!(SinkBlock::from_url("null").unwrap().kind, "null");
    let wrong = SinkBlock::from_url("kafka://host/t?partitons=4")
        .unwrap_err()
        .to_string();
    assert!(wrong.contains("did you mean `partitions`?"), "{wrong}");
    let wrong = SinkBlock::from_url("out.ndjson").unwrap_err().to_string();
    assert!(wrong.contains("there is no sink `out.ndjson`"), "{wrong}");
}

#[test]
fn files_written_twice_are_found() {
    let document = |sinks: &str| {
        parse(
            &format!("generator: t\nsinks: {sinks}\n"),
            Format::Yaml,
            "test",
        )
        .unwrap()
    };
    let configure = |sinks: &str| document(sinks).configure(&Connections::default());
    assert!(configure("[\"file:a\", \"file:b\"]").is_ok());
    let error = configure("[\"file:a\", \"file:./a\"]")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("a is written by both sink 1 (file) of t and sink 2 (file) of t"),
        "{error}"
    );
    let writer = |emulation: &str, channels: &[&str]| files::Writer {
        emulation: emulation.to_owned(),
        part: "sink 1 (file)".to_owned(),
        files: vec!["out/{channel}.csv".into()],
        channels: channels.iter().map(|name| (*name).to_owned()).collect(),
    };
    assert!(files::clash(&[writer("a", &["x", "y"]), writer("b", &["z"])]).is_none());
    assert!(files::clash(&[writer("a", &["x", "y"]), writer("b", &["y"])]).is_some());
}

#[test]
fn connections_fill_in_what_a_block_leaves_out() {
    let text = "generator: t\nsinks: [{type: kafka, connection: staging, topic: a}]\n";
    let document = parse(text, Format::Yaml, "test").unwrap();
    let error = document
        .configure(&Connections::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("test:2:35: there is no connection `staging`"),
        "{error}"
    );
    let mut options = json!({"brokers": ["h:1"], "username": "u", "password": "hunter2"})
        .as_object()
        .unwrap()
        .clone();
    let kind = sinks::kind("kafka").unwrap();
    let secrets = secret::Secrets::take(&mut options, &sinks::schema(kind));
    assert!(!options.contains_key("password"));
    let connection = Connection {
        kind: "kafka".to_owned(),
        options,
        secrets,
    };
    let mut connections = Connections::default();
    connections
        .named
        .insert("staging".to_owned(), connection.clone());
    let configured = document.configure(&connections).unwrap();
    assert!(format!("{:?}", configured[0][0]).contains("h:1"));
    // The environment's address fills in only where a block has none of its own.
    let ambient = Connections {
        ambient: [("kafka".to_owned(), connection)].into(),
        ..Connections::default()
    };
    let block =
        |text: &str| SinkBlock::from_value(&serde_json::from_str(text).unwrap(), None).unwrap();
    let used = block(r#"{"type": "kafka", "topic": "a"}"#)
        .configure(&ambient)
        .unwrap();
    let user = "username: Some(\"u\")";
    let shown = format!("{used:?}");
    assert!(shown.contains("h:1") && shown.contains(user), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let own = block(r#"{"type": "kafka", "topic": "a", "brokers": ["o:1"]}"#)
        .configure(&ambient)
        .unwrap();
    let shown = format!("{own:?}");
    assert!(shown.contains("o:1") && !shown.contains(user), "{shown}");
}
