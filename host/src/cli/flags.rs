//! From what was typed to a checked document: a spec's file, standard input, or a generator alone,
//! with the flags laid over it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::CliError;
use super::args::{GivenArgs, SpecArgs};
use crate::emulation::plan::Tuning;
use crate::settings::{Environment, deployment};
use crate::spec::clock::SpeedText;
use crate::spec::{self, Document, Format, Overrides, Problem, SinkBlock, SpecError, Text, units};

/// Endings of files that are specs.
const ENDINGS: &[&str] = &["yaml", "yml", "toml", "json"];

impl SpecArgs {
    /// A generator that is looked at for itself: nothing is sent.
    pub fn alone(generator: &str, given: &GivenArgs) -> SpecArgs {
        SpecArgs {
            spec: generator.to_owned(),
            given: given.clone(),
            sinks: vec!["null".to_owned()],
            ..SpecArgs::default()
        }
    }

    /// The document that was meant. Where it is a generator's name alone, the environment says
    /// what no flag does.
    ///
    /// # Errors
    /// What is wrong with the spec, a flag or a variable, and where.
    pub fn document(&self, environment: &Environment) -> Result<Document, CliError> {
        let mut document = named(&self.spec)?;
        let flags = overrides(self, environment.get(JOB_INDEX))?;
        if let Document::One(spec) = &mut document
            && spec.origin.is_none()
        {
            deployment::fill(spec, &flags, environment)?;
        }
        flags.apply(&mut document)?;
        Ok(document)
    }

    /// What only tests set.
    pub fn tuning(&self) -> Tuning {
        Tuning {
            batch: self.batch,
            recycle: self.recycle,
        }
    }
}

fn named(target: &str) -> Result<Document, CliError> {
    let path = Path::new(target);
    if target == "-" {
        let mut text = String::new();
        let read = std::io::stdin().lock().read_to_string(&mut text);
        read.map_err(|error| {
            CliError::Usage(format!(
                "the spec can't be read from standard input: {error}"
            ))
        })?;
        return Ok(spec::parse(&text, sniff(&text), "<stdin>")?);
    }
    if is_spec(path) {
        let text = read("the spec", path)?;
        return Ok(spec::parse(&text, Format::of(path), target)?);
    }
    Ok(Document::of_generator(target))
}

/// Whether a path is a spec's: by its ending, or since there is a file that is no component.
fn is_spec(path: &Path) -> bool {
    let ending = path
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default();
    ENDINGS.contains(&ending) || (ending != "wasm" && path.is_file())
}

/// Standard input has no ending: JSON begins with a brace, TOML is what reads as TOML.
fn sniff(text: &str) -> Format {
    if text.trim_start().starts_with('{') {
        Format::Json
    } else if Text::read(text, Format::Toml, "<stdin>").is_ok() {
        Format::Toml
    } else {
        Format::Yaml
    }
}

fn read(what: &str, path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|error| {
        CliError::Usage(format!("{what} {} can't be read: {error}", path.display()))
    })
}

/// A flag's text as its type; an error names the flag.
fn typed<T>(
    flag: &str,
    text: Option<&String>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, CliError> {
    let value = text.map(|text| read(text)).transpose();
    value.map_err(|message| wrong(flag, &message))
}

/// What is wrong with a flag; advice stands behind a line feed of the message.
fn wrong(flag: &str, message: &str) -> CliError {
    let (message, help) = match message.split_once('\n') {
        Some((message, help)) => (message, Some(help.to_owned())),
        None => (message, None),
    };
    let mut problem = Problem::new(format!("{flag}: {message}"));
    problem.help = help;
    CliError::Spec(problem.into())
}

/// What the flags say.
fn overrides(args: &SpecArgs, job: Option<&str>) -> Result<Overrides, CliError> {
    let mut config = Vec::new();
    for text in &args.given.config {
        settings_of(text, &mut config)?;
    }
    let mut sinks = Vec::new();
    for url in &args.sinks {
        let block = SinkBlock::from_url(url).map_err(|problem| {
            let message = format!("--to: {}", problem.message);
            SpecError::from(Problem { message, ..problem })
        });
        sinks.push(block?);
    }
    let mut assets = BTreeMap::new();
    for text in &args.given.assets {
        let (name, path) = pair("--asset", text, "NAME=FILE")?;
        assets.insert(name.to_owned(), PathBuf::from(path));
    }
    let speed = |text: &str| text.parse().map(|SpeedText(speed)| speed);
    Ok(Overrides {
        config_file: args
            .given
            .config_file
            .as_deref()
            .map(config_file)
            .transpose()?,
        config,
        assets,
        seed: args.seed,
        streams: args.streams,
        load: typed("--load", args.load.as_ref(), str::parse)?,
        records: args.records,
        time: typed("--for", args.time.as_ref(), units::time)?,
        start: typed("--start", args.start.as_ref(), units::instant)?,
        speed: typed("--speed", args.speed.as_ref(), speed)?,
        sinks,
        format: args.format.clone(),
        shard: typed("--shard", args.shard.as_ref(), |text| shard(text, job))?,
        expect: args.expect.clone(),
    })
}

/// Two texts around the first `=`.
pub(super) fn pair<'a>(
    flag: &str,
    text: &'a str,
    form: &str,
) -> Result<(&'a str, &'a str), CliError> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err(wrong(
            flag,
            &format!("`{text}` has no name and value\nwrite {form}"),
        )),
    }
}

/// `KEY=JSON`, or all as one JSON object. What isn't JSON is text, so that words need no quotes.
fn settings_of(text: &str, config: &mut Vec<(String, Value)>) -> Result<(), CliError> {
    if text.trim_start().starts_with('{') {
        let map: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| wrong("--config", &format!("this is not a JSON object: {error}")))?;
        config.extend(map);
        return Ok(());
    }
    let (name, value) = pair("--config", text, "KEY=JSON, such as customers=1000")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    config.push((name.to_owned(), value));
    Ok(())
}

fn config_file(path: &Path) -> Result<Map<String, Value>, CliError> {
    let text = read("the configuration", path)?;
    let text = Text::read(&text, Format::of(path), &path.display().to_string());
    let map = text.and_then(|text| text.get());
    Ok(map.map_err(SpecError::from)?)
}

/// Where an orchestrator says which of its jobs this is.
const JOB_INDEX: &str = "JOB_COMPLETION_INDEX";

/// `I/N`, or `/N` with the index that the orchestrator gives this job.
fn shard(text: &str, job: Option<&str>) -> Result<(u32, u32), String> {
    let wrong = || format!("`{text}` is not a shard\nwrite I/N with I from 0, such as 0/2, or /2");
    let (index, count) = text.split_once('/').ok_or_else(wrong)?;
    let count = count.parse().map_err(|_| wrong())?;
    if !index.is_empty() {
        return Ok((index.parse().map_err(|_| wrong())?, count));
    }
    let index = job.ok_or_else(|| {
        format!("`{text}` takes its index from {JOB_INDEX}, which isn't set\nwrite I/{count}")
    })?;
    let index = index
        .parse()
        .map_err(|_| format!("{JOB_INDEX} is `{index}`\n/{count} needs a whole number there"))?;
    Ok((index, count))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};
    use serde_json::json;

    use super::*;
    use crate::cli::Cli;
    use crate::cli::args::Command;
    use crate::schedule::Speed;

    /// The document of `wellhead run` with these arguments, as job `job` of an orchestrator.
    fn with(arguments: &[&str], job: Option<&str>) -> Result<Document, CliError> {
        let all = ["wellhead", "run"].iter().chain(arguments);
        let Command::Run(args) = Cli::try_parse_from(all).unwrap().command else {
            panic!("not a run");
        };
        let mut document = named(&args.spec.spec)?;
        overrides(&args.spec, job)?.apply(&mut document)?;
        Ok(document)
    }

    fn of(arguments: &[&str]) -> Result<Document, CliError> {
        with(arguments, None)
    }

    fn error(arguments: &[&str]) -> String {
        of(arguments).unwrap_err().to_string()
    }

    #[test]
    fn the_tree_of_commands_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_generator_needs_no_file() {
        let document = of(&[
            "transaction",
            "--config",
            "customers=10",
            "--config",
            "locale=de",
            "--config",
            "{\"a\": [1]}",
            "--to",
            "stdout",
            "--to",
            "file:a.csv",
            "--records",
            "5",
            "--load",
            "poisson:5/s",
            "--for",
            "10s",
            "--start",
            "2024-01-01T00:00:00Z",
            "--speed",
            "max",
            "--asset",
            "days=a.json",
            "--seed",
            "18446744073709551615",
        ])
        .unwrap();
        let [spec] = document.emulations() else {
            panic!("{document:?}");
        };
        let config = Value::Object(spec.config.clone());
        assert_eq!(config, json!({"customers": 10, "locale": "de", "a": [1]}));
        assert_eq!((spec.sinks.len(), spec.until.records), (2, Some(5)));
        assert_eq!(
            (spec.load.to_string(), spec.until.time),
            ("poisson 5/s".to_owned(), Some(10_000_000_000))
        );
        assert_eq!((spec.clock.speed, spec.seed), (Speed::Max, Some(u64::MAX)));
        assert_eq!(spec.assets["days"], Path::new("a.json"));
        let document = of(&["./gen/turbine.wasm"]).unwrap();
        assert_eq!(document.emulations()[0].generator, "./gen/turbine.wasm");
    }

    #[test]
    fn a_spec_is_told_by_its_ending_or_by_being_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_string_lossy().into_owned()
        };
        let toml = of(&[&at("a.toml", "generator = \"t\"\n")]).unwrap();
        assert_eq!(toml.emulations()[0].generator, "t");
        let bare = of(&[&at("spec", "generator: u\n")]).unwrap();
        assert_eq!(bare.emulations()[0].generator, "u");
        assert!(error(&["no/such.yaml"]).contains("the spec no/such.yaml can't be read"));
        let file = at("c.json", "{\"a\": [1, \"x\"], \"b\": 1}");
        let document = of(&["t", "--config-file", &file, "--config", "b=2"]).unwrap();
        let config = Value::Object(document.emulations()[0].config.clone());
        assert_eq!(config, json!({"a": [1, "x"], "b": 2}));
    }

    #[test]
    fn what_is_typed_wrong_names_its_flag() {
        for (arguments, part) in [
            (
                ["--to", "kafak://h/t"],
                "--to: there is no sink `kafak`; did you mean `kafka`?",
            ),
            (
                ["--load", "500"],
                "--load: `500` is not a load; write a rate such as 500/s",
            ),
            (
                ["--load", "{every: {perod: 1s}}"],
                "--load: unknown field `perod`; did you mean `period`?",
            ),
            (["--for", "10"], "--for: `10` is not a time"),
            (["--start", "noon"], "--start: `noon` is not an instant"),
            (["--speed", "0"], "--speed: the speed 0 is not above 0"),
            (["--shard", "1"], "--shard: `1` is not a shard; write I/N"),
            (
                ["--shard", "/2"],
                "--shard: `/2` takes its index from JOB_COMPLETION_INDEX, which isn't set",
            ),
            (
                ["--asset", "a"],
                "--asset: `a` has no name and value; write NAME=FILE",
            ),
            (
                ["--config", "a"],
                "--config: `a` has no name and value; write KEY=JSON",
            ),
            (["--config", "{a"], "--config: this is not a JSON object"),
            (["--records", "0"], "`records: 0` asks for nothing"),
        ] {
            let mut all = vec!["t"];
            all.extend(arguments);
            let found = error(&all);
            assert!(found.contains(part), "{arguments:?}: {found}");
        }
    }

    #[test]
    fn a_shard_may_take_its_index_from_the_environment() {
        let arguments = [
            "t",
            "--shard",
            "/2",
            "--seed",
            "1",
            "--streams",
            "2",
            "--start",
            "2024-01-01",
        ];
        let document = with(&arguments, Some("1")).unwrap();
        assert_eq!(document.emulations()[0].shard, Some((1, 2)));
    }

    #[test]
    fn standard_input_is_read_in_any_format() {
        assert_eq!(sniff(" {\"generator\": \"t\"}"), Format::Json);
        assert_eq!(sniff("generator = \"t\"\n"), Format::Toml);
        assert_eq!(sniff("generator: t\n"), Format::Yaml);
    }
}
