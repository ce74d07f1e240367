//! Environment variables, with those of a `.env` file beneath them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Environment variables. Their values may be secrets, so they are never shown.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// Says which there are; not what they are.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Environment {
    /// The process's own, over those of the file `.env` in `folder` where there is one. Variables that
    /// aren't UTF-8 are left out; an empty one counts as not set.
    pub fn of_process(folder: &Path) -> Environment {
        let mut all = match std::fs::read_to_string(folder.join(".env")) {
            Ok(text) => Environment::parse(&text).0,
            Err(_) => BTreeMap::new(),
        };
        for (name, value) in std::env::vars_os() {
            if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
                all.insert(name, value);
            }
        }
        Environment(all)
    }

    /// Those of the text of a `.env` file: `NAME=value` a line, with or without `export` and quotes;
    /// `#` begins a comment at the beginning of a line and after a space.
    pub fn parse(text: &str) -> Environment {
        let mut all = BTreeMap::new();
        for line in text.lines() {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
            if line.starts_with('#') {
                continue;
            }
            if let Some((name, value)) = line.split_once('=') {
                all.insert(name.trim().to_owned(), unquoted(value.trim()));
            }
        }
        Environment(all)
    }

    /// A variable's value, if it is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// All that are set and not empty, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        pairs.filter(|(_, value)| !value.is_empty())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(pairs: T) -> Environment {
        let pairs = pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        Environment(pairs.collect())
    }
}

fn unquoted(value: &str) -> String {
    if let Some(rest) = value.strip_prefix('\'')
        && let Some((inner, _)) = rest.split_once('\'')
    {
        return inner.to_owned();
    }
    let Some(rest) = value.strip_prefix('"') else {
        let end = value.find(" #").unwrap_or(value.len());
        return value[..end].trim_end().to_owned();
    };
    let mut out = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => {}
            },
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_dot_env_file() {
        let text = "# a comment\nA=1\nexport B = two words # and a comment\nC=\"q\\\"uo\\nted\" # x\nD='#raw'\nE=\nnonsense\nF=a#b\n";
        let environment = Environment::parse(text);
        assert_eq!(environment.get("A"), Some("1"));
        assert_eq!(environment.get("B"), Some("two words"));
        assert_eq!(environment.get("C"), Some("q\"uo\nted"));
        assert_eq!(environment.get("D"), Some("#raw"));
        assert_eq!(environment.get("E"), None);
        assert_eq!(environment.get("F"), Some("a#b"));
        assert_eq!(environment.iter().count(), 5);
    }

    #[test]
    fn values_are_not_shown() {
        let environment = Environment::from_iter([("KAFKA_PASSWORD", "hunter2")]);
        let shown = format!("{environment:?}");
        assert!(
            shown.contains("KAFKA_PASSWORD") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
