//! Every spec in `examples/` is one: by the published schema, by the parser, and by its sinks.

use std::path::Path;

use super::super::*;

#[test]
fn examples_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let validator = jsonschema::validator_for(&schema().to_value()).unwrap();
    // What `kafka.yaml` takes from the environment.
    let mut connections = Connections::default();
    let address = SinkBlock::from_url("kafka://localhost:9092/t").unwrap();
    let mut options = address.options;
    options.shift_remove("topic");
    let (kind, secrets) = (address.kind.clone(), address.secrets);
    let connection = Connection {
        kind,
        options,
        secrets,
    };
    connections.ambient.insert(address.kind, connection);
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if !matches!(ending, Some("yaml" | "toml" | "json")) {
            continue;
        }
        seen += 1;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let value: Value = Text::read(&text, Format::of(&path), &name)
            .unwrap()
            .get()
            .unwrap();
        let faults: Vec<String> = validator
            .iter_errors(&value)
            .map(|e| e.to_string())
            .collect();
        assert!(faults.is_empty(), "{name}: {faults:#?}");
        let document = parse(&text, Format::of(&path), &name).unwrap_or_else(|e| panic!("{e}"));
        document
            .configure(&connections)
            .unwrap_or_else(|e| panic!("{e}"));
        assert!(
            document
                .emulations()
                .iter()
                .all(|spec| !spec.sinks.is_empty()),
            "{name}"
        );
    }
    assert!(seen >= 4, "only {seen} examples were found");
}
