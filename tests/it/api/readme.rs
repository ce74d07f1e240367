//! What the README shows of the server is typed here as it stands there.

use std::process::Command;

use super::client::Served;
use crate::common::{Sandbox, program, service};

/// A section of the README.
fn section(title: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (_, section) = readme.split_once(&format!("## {title}\n")).unwrap();
    section.split("\n## ").next().unwrap().to_owned()
}

/// What stands in its blocks of a language.
fn blocks(section: &str, language: &str) -> String {
    let begin = format!("```{language}\n");
    let blocks = section.split(begin.as_str()).skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        .collect()
}

/// Types the commands of a section, the first of which starts the server that `served` is. Gives what
/// they said on both outputs.
fn typed(section: &str, begin: &str, sandbox: &Sandbox, served: &Served) -> (String, String) {
    let commands = blocks(section, "sh");
    assert!(commands.starts_with(begin), "{commands}");
    // The server of this test has another address and another folder.
    let host = served.base.strip_prefix("http://").unwrap();
    let typed = commands[begin.len()..].replace("localhost:8080", host);
    let script = format!(
        "set -euo pipefail\n\
         curl() {{ command curl --fail-with-body --no-progress-meter \"$@\"; echo; }}\n\
         wellhead() {{ '{}' \"$@\"; }}\n\
         {typed}",
        program().display()
    );
    let mut command = Command::new("bash");
    let environment = sandbox.command(&[]);
    for (name, value) in environment.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command
        .current_dir(sandbox.path(""))
        .env("WELLHEAD_DATA", sandbox.path("data"))
        .env("WELLHEAD_SERVER", &served.base)
        .args(["-c", &script])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}\n{wrong}");
    (said, wrong)
}

#[test]
fn the_commands_of_the_readme_work() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    std::fs::write(sandbox.path("mine.wasm"), crate::common::fixture("villain")).unwrap();
    let (said, wrong) = typed(
        &section("A server"),
        "wellhead serve &\n",
        &sandbox,
        &served,
    );
    assert!(wrong.contains("verified"), "{wrong}");
    for shown in [
        "\"state\":\"paused\"",
        "transaction_id",
        "event: progress",
        "operate",
        "400 released, 400 acknowledged",
    ] {
        assert!(said.contains(shown), "{shown}: {said}");
    }
}

#[test]
fn the_commands_for_those_of_simpler_emulators_work() {
    let Some(brokers) = service("WELLHEAD_TEST_KAFKA") else {
        return;
    };
    let sandbox = Sandbox::new();
    let section = section("In place of simpler emulators");
    sandbox.write("wellhead.toml", &blocks(&section, "toml"));
    let settings = ["--settings", "wellhead.toml"];
    let environment = [("KAFKA_BOOTSTRAP_SERVERS", brokers.as_str())];
    let served = Served::among(&sandbox, &settings, &environment);
    let begin = "wellhead serve --settings wellhead.toml &\n";
    let (said, _) = typed(&section, begin, &sandbox, &served);
    for shown in [
        "\"signal_type\":\"power\"",
        "\"streams\":2",
        "Service is up and running",
    ] {
        assert!(said.contains(shown), "{shown}: {said}");
    }
}

#[test]
fn the_settings_of_the_readme_are_understood() {
    let sandbox = Sandbox::new();
    super::tls::certificate(&sandbox, "chain.pem", "key.pem");
    let keys = super::jwt::Issuer::new().keys("");
    sandbox.write("keys.json", &keys.to_string());
    // The keys lie in a file here: there is nobody to fetch them from.
    let shown = blocks(&section("A server"), "toml");
    let settings = shown.replace("https://id.example/jwks.json", "keys.json");
    assert_ne!(settings, shown);
    sandbox.write("settings.toml", &settings);
    let served = Served::with(&sandbox, &["--settings", "settings.toml"]);
    assert!(served.base.starts_with("https://"), "{}", served.base);
}
