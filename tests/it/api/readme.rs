//! What the README shows of the server is typed here as it stands there.

use std::process::Command;

use super::client::Served;
use crate::common::{Sandbox, program};

/// The blocks of the README's section on the server that are in that language.
fn blocks(language: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (_, section) = readme.split_once("## A server\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let begin = format!("```{language}\n");
    let blocks = section.split(begin.as_str()).skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        .collect()
}

#[test]
fn the_commands_of_the_readme_work() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let commands = blocks("sh");
    let begin = "wellhead serve &\n";
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
    std::fs::write(
        sandbox.path("mine.wasm"),
        super::plugins::fixture("villain"),
    )
    .unwrap();
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
        .args(["-c", &script])
        .output()
        .unwrap();
    let (said, wrong) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}\n{wrong}");
    assert!(wrong.contains("verified"), "{wrong}");
    for shown in [
        "\"state\":\"paused\"",
        "transaction_id",
        "event: progress",
        "operate",
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
    let shown = blocks("toml");
    let settings = shown.replace("https://id.example/jwks.json", "keys.json");
    assert_ne!(settings, shown);
    sandbox.write("settings.toml", &settings);
    let served = Served::with(&sandbox, &["--settings", "settings.toml"]);
    assert!(served.base.starts_with("https://"), "{}", served.base);
}
