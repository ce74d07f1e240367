//! Programs of a language's own: where they are, whether they are new enough, and how to get them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ProjectError;

/// A program that a build needs.
pub(super) struct Tool {
    /// Its names: the first that is on the PATH and new enough is taken.
    pub names: &'static [&'static str],
    /// What it is called, for people.
    pub title: &'static str,
    /// What makes it say its version.
    pub version: &'static [&'static str],
    /// The least version that will do: major and minor.
    pub least: (u32, u32),
    /// How to get it.
    pub how: &'static str,
}

impl Tool {
    /// Where it is.
    ///
    /// # Errors
    /// Where there is none, or it is too old.
    pub fn find(&self) -> Result<PathBuf, ProjectError> {
        let mut old = None;
        for path in self.names.iter().filter_map(|name| on_path(name)) {
            match self.version_of(&path) {
                Some(found) if found < self.least => old = old.or(Some((path, found))),
                // One that doesn't say is taken at its word.
                _ => return Ok(path),
            }
        }
        Err(match old {
            Some((path, found)) => ProjectError::OldTool {
                title: self.title,
                path,
                found: format!("{}.{}", found.0, found.1),
                least: self.least(),
                how: self.how,
            },
            None => self.missing(),
        })
    }

    /// That there is none.
    pub fn missing(&self) -> ProjectError {
        ProjectError::NoTool {
            title: self.title,
            names: self.names,
            least: self.least(),
            how: self.how,
        }
    }

    fn least(&self) -> String {
        format!("{}.{}", self.least.0, self.least.1)
    }

    fn version_of(&self, path: &Path) -> Option<(u32, u32)> {
        let mut command = Command::new(path);
        command.args(self.version).stdin(Stdio::null());
        let output = command.stderr(Stdio::null()).output().ok()?;
        version_in(&String::from_utf8_lossy(&output.stdout))
    }
}

/// The first thing in a text that looks like a version.
fn version_in(text: &str) -> Option<(u32, u32)> {
    let parts = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    parts
        .filter_map(|part| {
            let (major, rest) = part.split_once('.')?;
            let minor = rest.split('.').next()?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        })
        .next()
}

/// The file that a name on the PATH stands for.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// A command in that folder, which says on standard error what it has to say.
pub(super) fn command(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(std::io::stderr());
    command
}

/// Runs it to its end.
///
/// # Errors
/// Where it can't be run, or fails: it has said itself why.
pub(super) fn run(command: &mut Command, folder: &Path) -> Result<(), ProjectError> {
    let program = PathBuf::from(command.get_program());
    let status = command
        .status()
        .map_err(ProjectError::file(&program, "run"))?;
    match status.success() {
        true => Ok(()),
        false => Err(ProjectError::Refused(folder.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (said, version) in [
            ("go version go1.26.8 linux/amd64", (1, 26)),
            ("Debian clang version 22.1.0 (++2026)", (22, 1)),
            ("v20.20.2\n", (20, 20)),
            ("Python 3.11.7", (3, 11)),
        ] {
            assert_eq!(version_in(said), Some(version), "{said}");
        }
        assert_eq!(version_in("no number"), None);
    }

    #[test]
    fn what_is_missing_or_old_is_said_with_how_to_get_it() {
        let tool = |names, least| Tool {
            names,
            title: "Rust",
            version: &["--version"],
            least,
            how: "install it with rustup",
        };
        assert!(tool(&["rustc"], (1, 0)).find().is_ok());
        let old = tool(&["rustc"], (9_999, 0)).find().unwrap_err().to_string();
        assert!(old.contains("9999.0") && old.contains("rustup"), "{old}");
        let none = tool(&["no-such-rustc"], (1, 0)).find().unwrap_err();
        let none = none.to_string();
        assert!(
            none.contains("no-such-rustc") && none.contains("rustup"),
            "{none}"
        );
    }
}
