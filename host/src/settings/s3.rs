//! The usual variables of clients of MinIO and S3.

use serde_json::{Map, Value};

use super::{Environment, connection};
use crate::spec::{Connection, Problem};

/// Those of MinIO, where any is set, else those of Amazon: never a mixture, which would send one
/// service the other's keys.
const FAMILIES: [&[(&str, &str)]; 2] = [
    &[
        ("MINIO_ENDPOINT", "endpoint"),
        ("MINIO_ACCESS_KEY", "access_key"),
        ("MINIO_SECRET_KEY", "secret_key"),
    ],
    &[
        ("AWS_ENDPOINT_URL", "endpoint"),
        ("AWS_ACCESS_KEY_ID", "access_key"),
        ("AWS_SECRET_ACCESS_KEY", "secret_key"),
        ("AWS_SESSION_TOKEN", "session_token"),
        ("AWS_REGION", "region"),
    ],
];

/// The connection that the variables make, if there are any.
pub(super) fn ambient(environment: &Environment) -> Result<Option<Connection>, Problem> {
    let set = |(variable, _): &&(&str, &str)| environment.get(variable).is_some();
    let family = FAMILIES
        .iter()
        .find(|family| family.iter().any(|pair| set(&pair)));
    let Some(family) = family else {
        return Ok(None);
    };
    let mut options = Map::new();
    options.insert("type".to_owned(), Value::from("s3"));
    for (variable, option) in family.iter() {
        if let Some(value) = environment.get(variable) {
            let value = match *variable {
                "MINIO_ENDPOINT" => with_scheme(value, environment)?,
                _ => value.to_owned(),
            };
            options.insert((*option).to_owned(), Value::from(value));
        }
    }
    connection("of the MINIO_ or AWS_ variables", options).map(Some)
}

/// MinIO's own clients take the address without a scheme, and TLS for granted.
fn with_scheme(endpoint: &str, environment: &Environment) -> Result<String, Problem> {
    if endpoint.contains("://") {
        return Ok(endpoint.to_owned());
    }
    let secure = environment.get("MINIO_SECURE").unwrap_or("true");
    match secure.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(format!("https://{endpoint}")),
        "false" | "0" | "no" | "off" => Ok(format!("http://{endpoint}")),
        _ => {
            Err(Problem::new(format!("MINIO_SECURE is `{secure}`")).help("set it to true or false"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(variables: &[(&str, &str)]) -> Option<Map<String, Value>> {
        let environment = Environment::from_iter(variables.iter().copied());
        let connection = ambient(&environment).unwrap()?;
        let mut options = connection.options;
        connection.secrets.restore(&mut options);
        Some(options)
    }

    #[test]
    fn minio_comes_with_and_without_a_scheme() {
        let endpoint = |variables: &[(&str, &str)]| {
            let mut all = vec![("MINIO_ACCESS_KEY", "u"), ("MINIO_SECRET_KEY", "p")];
            all.extend(variables);
            options(&all).unwrap()["endpoint"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(endpoint(&[("MINIO_ENDPOINT", "h:9000")]), "https://h:9000");
        let plain = [("MINIO_ENDPOINT", "h:9000"), ("MINIO_SECURE", "False")];
        assert_eq!(endpoint(&plain), "http://h:9000");
        let said = [
            ("MINIO_ENDPOINT", "http://h:9000"),
            ("MINIO_SECURE", "true"),
        ];
        assert_eq!(endpoint(&said), "http://h:9000");
        let wrong = [("MINIO_ENDPOINT", "h"), ("MINIO_SECURE", "maybe")];
        assert!(ambient(&Environment::from_iter(wrong)).is_err());
    }

    #[test]
    fn keys_of_two_services_are_not_mixed() {
        let both = [
            ("MINIO_ACCESS_KEY", "m"),
            ("MINIO_SECRET_KEY", "ms"),
            ("AWS_SESSION_TOKEN", "t"),
            ("AWS_REGION", "eu-west-1"),
        ];
        let found = options(&both).unwrap();
        assert_eq!(found["secret_key"], "ms");
        assert!(!found.contains_key("session_token") && !found.contains_key("region"));
        let amazon = options(&both[2..]).unwrap();
        assert_eq!(amazon["region"], "eu-west-1");
        assert!(options(&[]).is_none());
    }
}
