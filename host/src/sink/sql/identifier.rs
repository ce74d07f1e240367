//! Names of tables and columns, as SQL writes them.

use std::fmt;

/// PostgreSQL cuts longer names off without a word.
const LONGEST: usize = 63;

/// A name that is always quoted where it is shown, so that it can be any word and hold any sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier(String);

impl Identifier {
    /// A name of 1 to 63 bytes without NUL.
    ///
    /// # Errors
    /// What is wrong with any other, as the end of a sentence that begins with what it names.
    pub fn new(name: impl Into<String>) -> Result<Identifier, String> {
        let name = name.into();
        if name.is_empty() {
            return Err("has no name".to_owned());
        }
        if name.contains('\0') {
            return Err(format!(
                "`{}` has a NUL in its name, which SQL doesn't allow",
                name.escape_debug()
            ));
        }
        if name.len() > LONGEST {
            return Err(format!(
                "`{name}` has a name of {} bytes, and {LONGEST} is the most: choose a shorter one",
                name.len()
            ));
        }
        Ok(Identifier(name))
    }

    /// Without quotes, for messages and for asking the catalogue.
    pub fn plain(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

/// A table's name, in a schema where one is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName {
    /// The schema.
    pub schema: Option<Identifier>,
    /// The name in it.
    pub name: Identifier,
}

impl TableName {
    /// As a person reads it.
    pub fn plain(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", schema.plain(), self.name.plain()),
            None => self.name.plain().to_owned(),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => self.name.fmt(f),
        }
    }
}

/// Names with commas between.
pub fn list<'a>(names: impl Iterator<Item = &'a Identifier>) -> String {
    let names: Vec<String> = names.map(Identifier::to_string).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_whatever_they_are() {
        let quoted = |name: &str| Identifier::new(name).unwrap().to_string();
        assert_eq!(quoted("select"), "\"select\"");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
        assert_eq!(
            quoted("x\"; DROP TABLE y; --"),
            "\"x\"\"; DROP TABLE y; --\""
        );
        let table = TableName {
            schema: Some(Identifier::new("s.t").unwrap()),
            name: Identifier::new("Ä").unwrap(),
        };
        assert_eq!(table.to_string(), "\"s.t\".\"Ä\"");
    }

    #[test]
    fn what_sql_would_cut_or_refuse_is_refused() {
        assert!(Identifier::new("").is_err());
        assert!(Identifier::new("a\0b").unwrap_err().contains("NUL"));
        assert!(Identifier::new("x".repeat(63)).is_ok());
        assert!(Identifier::new("x".repeat(64)).unwrap_err().contains("64"));
        // Bytes count, not characters.
        assert!(Identifier::new("é".repeat(32)).is_err());
    }
}
