//! The connection that the usual variables of a database make.

use serde_json::{Map, Value};

use super::{Environment, connection};
use crate::spec::{Connection, Problem, options, sinks};

/// Variables beside `DB_HOST`, and the options of a PostgreSQL sink that they are.
const PARTS: &[(&str, &str)] = &[
    ("DB_HOST", "host"),
    ("DB_PORT", "port"),
    ("DB_USER", "user"),
    ("DB_PASSWORD", "password"),
    ("DB_NAME", "database"),
];

/// The same by the names that libpq gives them.
const LIBPQ: &[(&str, &str)] = &[
    ("PGHOST", "host"),
    ("PGPORT", "port"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGDATABASE", "database"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
];

/// What `DATABASE_URL`, else `DB_HOST`, else `PGHOST` and those beside it say of PostgreSQL. A URL of
/// another database is somebody else's.
pub(super) fn postgres(environment: &Environment) -> Result<Option<Connection>, Problem> {
    let mut options = Map::new();
    options.insert("type".to_owned(), Value::from("postgres"));
    let kind = sinks::kind("postgres")?;
    let schema = sinks::schema(kind);
    let url = environment.get("DATABASE_URL");
    let url = url.map(sinks::address);
    if let Some((_, address)) = url.filter(|(name, _)| *name == kind.name) {
        let parts = (kind.from_address)(&address)
            .map_err(|error| Problem::new(format!("DATABASE_URL: {}", error.message)))?;
        options.extend(parts);
        for (name, value) in &address.query {
            // What else other programs find there isn't ours to judge.
            if schema["properties"].get(name).is_some() {
                options::set_text(&mut options, name, value, &schema, &schema);
            }
        }
        return connection("of DATABASE_URL", options).map(Some);
    }
    for (what, variables) in [
        ("of the DB_ variables", PARTS),
        ("of the PG variables", LIBPQ),
    ] {
        if environment.get(variables[0].0).is_none() {
            continue;
        }
        for (variable, option) in variables {
            if let Some(value) = environment.get(variable) {
                options::set_text(&mut options, option, value, &schema, &schema);
            }
        }
        return connection(what, options).map(Some);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(variables: &[(&str, &str)]) -> Option<Connection> {
        let environment = Environment::from_iter(variables.iter().copied());
        postgres(&environment).unwrap()
    }

    #[test]
    fn the_usual_variables_make_a_connection() {
        let parts = [
            ("DB_HOST", "db"),
            ("DB_PORT", "5433"),
            ("DB_USER", "u"),
            ("DB_PASSWORD", "p"),
            ("DB_NAME", "signals"),
        ];
        let found = read(&parts).unwrap();
        let mut options = found.options.clone();
        assert_eq!(
            Value::Object(options.clone()),
            json!({"host": "db", "port": 5433, "user": "u", "database": "signals"})
        );
        found.secrets.restore(&mut options);
        assert_eq!(options["password"], "p");
        let url = "postgresql://u:p%40w@db:5433/signals?sslmode=require&pool=7";
        let found = read(&[("DATABASE_URL", url), ("DB_HOST", "other")]).unwrap();
        assert_eq!(
            (&found.options["host"], &found.options["sslmode"]),
            (&json!("db"), &json!("require"))
        );
        assert!(!format!("{found:?}").contains("p@w"), "{found:?}");
        let found = read(&[
            ("DATABASE_URL", "mysql://x/y"),
            ("PGHOST", "/run/postgresql"),
        ]);
        assert_eq!(found.unwrap().options["host"], "/run/postgresql");
        assert!(read(&[("DB_USER", "u")]).is_none());
    }

    #[test]
    fn a_wrong_one_is_named() {
        let environment = Environment::from_iter([("DB_HOST", "db"), ("DB_PORT", "many")]);
        let said = postgres(&environment).unwrap_err().to_string();
        assert!(said.contains("DB_") && said.contains("port"), "{said}");
    }
}
