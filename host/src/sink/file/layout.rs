//! What files are called: complete, unfinished, and each part of a rotation.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::encode::pack::Compression;
use crate::encode::template::{Place, Template};

/// Ends the name of a file that isn't complete.
const PARTIAL: &str = ".partial";

/// Names files after the template.
#[derive(Debug)]
pub(super) struct Layout {
    template: Template,
    run: String,
    rotated: bool,
    /// Unfinished files of other runs by folder, as they were when the folder was first used:
    /// which file, and which run.
    others: HashMap<PathBuf, Vec<(String, String)>>,
}

impl Layout {
    pub(super) fn new(template: Template, run: &str, rotated: bool) -> Layout {
        // A run's identity may have a slash in it; a dot would make `NAME.RUN.partial` ambiguous.
        let safe = |c: char| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        };
        Layout {
            template,
            run: run.chars().map(safe).collect(),
            rotated,
            others: HashMap::new(),
        }
    }

    pub(super) fn template(&self) -> &Template {
        &self.template
    }

    /// The path for a record, without the number of its part. False where the record lacks a
    /// field of the template.
    pub(super) fn target(
        &self,
        channel: &str,
        stream: u32,
        record: &[u8],
        out: &mut Vec<u8>,
    ) -> bool {
        out.clear();
        self.template.render(
            Place {
                run: &self.run,
                channel,
                stream,
                record,
            },
            out,
            put_name,
        )
    }

    /// The name of a part of a target once it is complete: `out-000003.ndjson.gz`.
    pub(super) fn complete(&self, target: &str, part: u32) -> PathBuf {
        if !self.rotated {
            return PathBuf::from(target);
        }
        let name_at = target.rfind('/').map_or(0, |slash| slash + 1);
        let (stem, _) = Compression::from_name(&target[name_at..]);
        let dot = stem.rfind('.').filter(|&dot| dot > 0).unwrap_or(stem.len());
        let (before, after) = target.split_at(name_at + dot);
        PathBuf::from(format!("{before}-{part:06}{after}"))
    }

    /// The name of a file while it is written.
    pub(super) fn partial(&self, complete: &Path) -> PathBuf {
        let mut name = complete.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(&self.run);
        name.push(PARTIAL);
        complete.with_file_name(name)
    }

    /// Another run that has begun this file and not finished it.
    pub(super) fn other_run(&mut self, complete: &Path) -> Option<&str> {
        let folder = folder_of(complete);
        let name = complete.file_name().and_then(OsStr::to_str)?;
        let run = &self.run;
        let others = self
            .others
            .entry(folder.clone())
            .or_insert_with(|| unfinished(&folder, run));
        others
            .iter()
            .find(|(file, _)| file == name)
            .map(|(_, run)| run.as_str())
    }
}

/// Whether a file has the name of one that isn't complete.
pub(super) fn is_unfinished(path: &Path) -> bool {
    path.to_str().is_some_and(|name| name.ends_with(PARTIAL))
}

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The unfinished files in a folder that aren't of that run. None of a folder that can't be read:
/// writing to it will say why.
fn unfinished(folder: &Path, run: &str) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter_map(|name| {
            let (file, other) = name.strip_suffix(PARTIAL)?.rsplit_once('.')?;
            (other != run).then(|| (file.to_owned(), other.to_owned()))
        })
        .collect()
}

/// Appends a value as a part of a file name: what would lead to another folder or can't be in a
/// name is percent-encoded, and so is the percent sign.
fn put_name(value: &[u8], out: &mut Vec<u8>) {
    for (at, &byte) in value.iter().enumerate() {
        let plain = match byte {
            b'/' | b'\\' | b'%' | b':' | b'*' | b'?' | b'"' | b'<' | b'>' | b'|' => false,
            b'.' => at > 0,
            _ => byte >= b' ' && byte != 127,
        };
        if plain {
            out.push(byte);
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.extend_from_slice(&[
                b'%',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(template: &str, rotated: bool) -> Layout {
        Layout::new(Template::parse(template).unwrap(), "ID.7/name", rotated)
    }

    #[test]
    fn parts_are_numbered_before_the_ending() {
        let layout = layout("x", true);
        let complete = |target: &str| layout.complete(target, 3).to_str().unwrap().to_owned();
        assert_eq!(
            complete("a.b/out.v1.ndjson.gz"),
            "a.b/out.v1-000003.ndjson.gz"
        );
        assert_eq!(complete("a.b/out"), "a.b/out-000003");
        assert_eq!(complete(".hidden"), ".hidden-000003");
        assert_eq!(complete("out.zst"), "out-000003.zst");
    }

    #[test]
    fn a_value_stays_within_its_folder() {
        let layout = layout("out/{run}/{id}/{channel}.ndjson", false);
        let mut out = Vec::new();
        assert!(layout.target("c", 0, br#"{"id":"../../etc\/x%\u0000."}"#, &mut out));
        assert_eq!(
            String::from_utf8(out.clone()).unwrap(),
            "out/ID-7-name/%2E.%2F..%2Fetc%2Fx%25%00./c.ndjson"
        );
        assert!(!layout.target("c", 0, br#"{"no":1}"#, &mut out));
    }

    #[test]
    fn unfinished_files_of_other_runs_are_known_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "a.ndjson.OTHER.partial",
            "a.ndjson.ID-7-name.partial",
            "b.ndjson",
            "x.partial",
        ] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let mut layout = layout("x", false);
        assert_eq!(
            layout.other_run(&folder.path().join("a.ndjson")),
            Some("OTHER")
        );
        assert_eq!(layout.other_run(&folder.path().join("b.ndjson")), None);
        assert_eq!(layout.other_run(&folder.path().join("a")), None);
        assert_eq!(
            layout.partial(Path::new("q/a.ndjson")),
            Path::new("q/a.ndjson.ID-7-name.partial")
        );
    }
}
