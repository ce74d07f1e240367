//! HTTP and HTTPS: a request for each record or batch; the receipt is the 2xx. Requests go over connections
//! of hyper's (HTTP/1.1), which the sending threads move on by themselves; reqwest asks for health.

mod answers;
mod attempts;
mod client;
mod driver;
mod lanes;
mod link;
mod options;
mod poster;
mod requests;
mod route;
mod url;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::login::login;
use super::{Address, Config, ConfigError, Context, Kind, Reach, SendError, Sink};
use crate::record::Channel;
use options::Options;
use requests::Rules;

/// The row of the table of sinks for `http:`.
pub const KIND: Kind = Kind {
    name: "http",
    summary: "Posts to an HTTP endpoint: a request a record, or batches; retries, health probe; counts are 2xx.",
    reach: Reach::Service(RESERVED),
    schema: || schemars::schema_for!(Options),
    from_address: |address| from_address("http", address),
    configure,
};

/// What only a connection says: where to, as whom, and what goes along with each request.
const RESERVED: &[&str] = &[
    "url",
    "headers",
    "username",
    "password",
    "token",
    "health",
    "tls_ca",
    "tls_verify",
];

/// The same for `https:`, which only the address tells apart.
pub const SECURE: Kind = Kind {
    name: "https",
    summary: "The same over TLS.",
    reach: Reach::Service(RESERVED),
    schema: || schemars::schema_for!(Options),
    from_address: |address| from_address("https", address),
    configure,
};

fn configure(given: &Map<String, Value>) -> Result<Arc<dyn Config>, ConfigError> {
    Ok(Arc::new(HttpConfig::new(super::options::parse(
        "http", given,
    )?)?))
}

/// `https://user:password@host:8443/path/{device_id}?token=x&batch=100`: what of the query isn't an option
/// stays in the URL.
fn from_address(scheme: &str, address: &Address) -> Result<Map<String, Value>, ConfigError> {
    let login = login(&address.authority)?;
    let mut options = Map::new();
    let schema = schemars::schema_for!(Options).to_value();
    let own = address
        .query
        .iter()
        .filter(|(name, _)| super::own_option(name, &schema).is_none());
    let url = url::assemble(scheme, login.hosts, &address.path, own);
    options.insert("url".to_owned(), url.into());
    for (name, value) in [("username", login.username), ("password", login.password)] {
        if !value.is_empty() {
            options.insert(name.to_owned(), value.into());
        }
    }
    Ok(options)
}

/// A block of options that has been read.
#[derive(Debug)]
struct HttpConfig {
    options: Options,
    rules: Rules,
}

impl HttpConfig {
    fn new(options: Options) -> Result<HttpConfig, ConfigError> {
        options.check()?;
        Ok(HttpConfig {
            rules: Rules::parse(&options)?,
            options,
        })
    }
}

impl Config for HttpConfig {
    fn target(&self) -> String {
        self.options.target().to_owned()
    }

    fn check(&self, channels: &[Channel], json: bool) -> Result<(), ConfigError> {
        self.rules.check(&self.options, channels, json)
    }

    fn reads_records(&self) -> bool {
        self.options
            .format
            .is_some_and(|format| format != crate::encode::Format::Ndjson)
    }

    fn open(&self, context: Context) -> Result<Box<dyn Sink>, SendError> {
        Ok(Box::new(poster::HttpSink::new(
            self.options.clone(),
            &self.rules,
            context,
        )?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<HttpConfig, ConfigError> {
        HttpConfig::new(super::super::options::parse(
            "http",
            value.as_object().unwrap(),
        )?)
    }

    #[test]
    fn an_address_gives_url_and_login_and_keeps_the_endpoints_own_query() {
        let address = Address {
            authority: "us%40er:p%3Aw@one:8080".to_owned(),
            path: "in box/{device_id}".to_owned(),
            query: [
                ("batch", "3"),
                ("wh-timeout", "1s"),
                ("token", "a&b c{kind}"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        };
        let options = from_address("https", &address).unwrap();
        assert_eq!(
            Value::Object(options.clone()),
            json!({"url": "https://one:8080/in%20box/{device_id}?token=a%26b%20c{kind}", "username": "us@er", "password": "p:w"})
        );
        let config = read(Value::Object(options)).unwrap();
        assert_eq!(config.target(), "https://one:8080/in%20box/{device_id}");
        let shown = format!("{config:?}");
        assert!(!shown.contains("p:w"), "{shown}");
    }

    #[test]
    fn wrong_options_are_named() {
        for (option, more) in [
            ("url", json!({"url": "ftp://a/"})),
            ("url", json!({"url": "http://"})),
            ("url", json!({"url": "http://{host}/"})),
            ("url", json!({"url": "http://me:hunter2@host/"})),
            ("url", json!({"url": "http://host/{a"})),
            ("health", json!({"health": "host/health"})),
            ("method", json!({"method": "GET"})),
            ("headers", json!({"headers": {"a b": "c"}})),
            ("headers", json!({"headers": {"a": 1}})),
            ("password", json!({"password": "x"})),
            (
                "token",
                json!({"token": "x", "username": "u", "password": "p"}),
            ),
            ("batch", json!({"batch": 0})),
            ("concurrency", json!({"concurrency": 0})),
            ("meta_headers", json!({"meta_headers": true, "batch": 2})),
            ("key", json!({"key": "{id}", "ordered": "none"})),
            ("timeout", json!({"timeout": "0s"})),
        ] {
            let mut all = json!({"url": "http://host/"});
            all.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            let error = read(all).map(|_| ()).unwrap_err();
            assert_eq!(error.option.as_deref(), Some(option), "{more}: {error}");
            assert!(!error.message.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn templates_and_formats_are_checked_against_the_channels() {
        let channels = [Channel {
            name: "c".to_owned(),
            schema: json!({"properties": {"id": {}, "city": {}}}),
        }];
        for (option, block) in [
            ("url", json!({"url": "http://h/{cty}"})),
            ("key", json!({"url": "http://h/", "key": "{cty}"})),
        ] {
            let error = read(block).unwrap().check(&channels, true).unwrap_err();
            assert_eq!(error.option.as_deref(), Some(option));
            assert!(error.message.contains("`city`"), "{error}");
        }
        let array = read(json!({"url": "http://h/", "format": "json"})).unwrap();
        assert!(array.check(&channels, true).is_ok());
        assert!(array.check(&channels, false).is_err());
    }
}
