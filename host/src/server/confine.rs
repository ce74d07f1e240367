//! What a spec may reach that came over the network: named connections, and files below one folder.
//!
//! A token lets somebody run emulations; it must not make of the server a proxy into its network, or
//! a writer and reader of its files.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use crate::sink::Reach;
use crate::spec::{Connections, Document, Problem, SinkBlock, Spec, SpecError, is_path, sinks};

/// Refuses what a spec may not reach, and puts the paths that it names below `folder`.
///
/// # Errors
/// Each thing that it may not reach, with its place.
pub(super) fn confine(
    document: &mut Document,
    connections: &Connections,
    folder: &Path,
) -> Result<(), SpecError> {
    let mut problems = Vec::new();
    for spec in document.emulations_mut() {
        let guard = Guard {
            connections,
            folder,
        };
        guard.spec(spec, &mut problems);
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(SpecError { problems }),
    }
}

struct Guard<'a> {
    connections: &'a Connections,
    folder: &'a Path,
}

impl Guard<'_> {
    fn spec(&self, spec: &mut Spec, problems: &mut Vec<Problem>) {
        if is_path(&spec.generator) {
            let problem = Problem::new(format!("the generator `{}` is a path", spec.generator))
                .help("upload the component (POST /api/v1/plugins) and name it: name, name@version or sha256:DIGEST");
            problems.push(problem.at(spec.place("/generator")));
        }
        let mut paths: Vec<(String, &mut PathBuf)> = Vec::new();
        let places: Vec<String> = spec
            .assets
            .keys()
            .map(|name| format!("/assets/{name}"))
            .collect();
        paths.extend(places.into_iter().zip(spec.assets.values_mut()));
        paths.extend(
            spec.rejected
                .iter_mut()
                .map(|path| ("/rejected".to_owned(), path)),
        );
        let mut wrong = Vec::new();
        for (pointer, path) in paths {
            match self.below(&path.to_string_lossy()) {
                Ok(absolute) => *path = absolute,
                Err(problem) => wrong.push((pointer, problem)),
            }
        }
        for (pointer, problem) in wrong {
            problems.push(problem.at(spec.place(&pointer)));
        }
        for block in &mut spec.sinks {
            if let Err(problem) = self.sink(block) {
                let place = block.place.as_ref().and_then(|origin| origin.value(""));
                problems.push(problem.at(place));
            }
        }
        if spec.sinks.is_empty() {
            let problem = Problem::new("there is no sink: nobody would get the records")
                .help("say where they go: sinks: [{type: kafka, connection: NAME, topic: …}], or {type: \"null\"}");
            problems.push(problem.at(spec.place("")));
        }
    }

    fn sink(&self, block: &mut SinkBlock) -> Result<(), Problem> {
        match sinks::kind(&block.kind)?.reach {
            Reach::Nothing => Ok(()),
            Reach::Process => Err(Problem::new(format!(
                "the {} sink would write to the server's own output",
                block.kind
            ))
            .help("look at the records with GET /api/v1/emulations/{id}/records, or send them elsewhere")),
            Reach::Files(options) => {
                for option in options {
                    if let Some(Value::String(path)) = block.options.get_mut(*option) {
                        *path = self.below(path)?.display().to_string();
                    }
                }
                Ok(())
            }
            Reach::Service(reserved) => self.service(block, reserved),
        }
    }

    fn service(&self, block: &SinkBlock, reserved: &[&str]) -> Result<(), Problem> {
        let help = "the settings of the server name connections: write `connection: NAME`; GET /api/v1/connections lists them";
        let own = reserved.iter().find(|name| {
            let secret = block.secrets.contains(&format!("/{name}"));
            secret || block.options.contains_key(**name)
        });
        if let Some(name) = own {
            return Err(Problem::new(format!(
                "`{name}` of the {} sink can't be set over REST",
                block.kind
            ))
            .help(help));
        }
        if !block.secrets.is_empty() {
            let message = format!("the {} sink holds a secret", block.kind);
            return Err(Problem::new(message).help(help));
        }
        let ambient = self.connections.ambient.contains_key(&block.kind);
        match block.connection.is_some() || ambient {
            true => Ok(()),
            false => {
                Err(Problem::new(format!("the {} sink has no `connection`", block.kind)).help(help))
            }
        }
    }

    /// The path below the folder, where it is one that stays there.
    fn below(&self, path: &str) -> Result<PathBuf, Problem> {
        let refused = |why: &str| {
            Problem::new(format!("`{path}` {why}")).help(
                "paths are relative to the folder `files` of the server's data, and stay below it: out/{channel}.ndjson",
            )
        };
        let relative = Path::new(path);
        let mut at = self.folder.to_owned();
        for component in relative.components() {
            match component {
                Component::Normal(name) => at.push(name),
                Component::CurDir => {}
                Component::ParentDir => return Err(refused("leads out by `..`")),
                Component::RootDir | Component::Prefix(_) => {
                    return Err(refused("is absolute"));
                }
            }
            // Nobody but the server's own account can make one later.
            if at.symlink_metadata().is_ok_and(|there| there.is_symlink()) {
                return Err(refused("leads over a symbolic link"));
            }
        }
        match at == self.folder {
            true => Err(refused("is no file")),
            false => Ok(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Format, parse};

    fn confined(text: &str, folder: &Path) -> Result<Document, String> {
        let mut document = parse(text, Format::Yaml, "test").unwrap();
        let connections = Connections::default();
        confine(&mut document, &connections, folder).map_err(|e| e.to_string())?;
        Ok(document)
    }

    fn refused(text: &str, why: &str) {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("link")).unwrap();
        let said = confined(text, folder.path()).unwrap_err();
        assert!(said.contains(why), "{text}: {said}");
    }

    #[test]
    fn files_stay_below_the_folder() {
        let folder = Path::new("/nowhere/files");
        let spec = "{generator: replay, assets: {payloads: in/a.json}, rejected: r.ndjson, sinks: [{type: file, path: 'out/{channel}.ndjson'}, 'sqlite:s.db']}";
        let document = confined(spec, folder).unwrap();
        let spec = &document.emulations()[0];
        assert_eq!(spec.assets["payloads"], folder.join("in/a.json"));
        assert_eq!(spec.rejected, Some(folder.join("r.ndjson")));
        assert_eq!(
            spec.sinks[0].options["path"],
            "/nowhere/files/out/{channel}.ndjson"
        );
        assert_eq!(spec.sinks[1].options["path"], "/nowhere/files/s.db");
    }

    #[test]
    fn nothing_else_is_reached() {
        let sink = |sink: &str| format!("{{generator: transaction, sinks: [{sink}]}}");
        for (block, why) in [
            ("{type: file, path: ../a}", "leads out by `..`"),
            ("{type: file, path: a/../../b}", "leads out by `..`"),
            ("{type: file, path: /etc/passwd}", "is absolute"),
            ("{type: file, path: link/passwd}", "symbolic link"),
            ("{type: sqlite, path: /tmp/a.db, table: t}", "is absolute"),
            ("{type: stdout}", "the server's own output"),
            (
                "{type: kafka, brokers: '10.0.0.1:9092', topic: t}",
                "`brokers`",
            ),
            ("{type: kafka, topic: t}", "has no `connection`"),
            (
                "{type: kafka, connection: c, topic: t, librdkafka: {debug: all}}",
                "`librdkafka`",
            ),
            (
                "{type: s3, connection: c, bucket: b, endpoint: 'http://169.254.169.254'}",
                "`endpoint`",
            ),
            ("{type: postgres, table: t}", "has no `connection`"),
            ("{type: postgres, connection: c, password: p}", "`password`"),
            ("{type: mqtt, host: localhost, topic: t}", "`host`"),
            ("{type: http, url: 'http://169.254.169.254/'}", "`url`"),
            (
                "{type: https, connection: c, headers: {Host: x}}",
                "`headers`",
            ),
        ] {
            refused(&sink(block), why);
        }
        refused("{generator: ./a.wasm, sinks: ['null']}", "is a path");
        refused("{generator: transaction}", "there is no sink");
        refused(
            "{generator: replay, assets: {payloads: /etc/shadow}, sinks: ['null']}",
            "is absolute",
        );
    }
}
