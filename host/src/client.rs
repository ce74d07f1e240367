//! A client of a server's REST interface, with the types that the server answers with.

mod watch;

use std::time::Duration;

use reqwest::{Client as Http, Method, RequestBuilder, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api::problem::Problem;
use crate::server::{EmulationStatus, Page};

pub use watch::{Happened, Watch};

/// How long a server may take to answer a new connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Why a server didn't do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is none.
    #[error("`{url}` is no address of a server: {reason}; write http://HOST:PORT")]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody answers, or not to the end.
    #[error(
        "no answer from {url}: {reason}; is a server there (wellhead serve), and does --server lead to it?"
    )]
    Unreachable {
        /// Whose.
        url: String,
        /// What the system or the client says.
        reason: String,
    },
    /// It refused.
    #[error("{}{}", .0.detail, advice(.0))]
    Refused(Box<Problem>),
    /// It is no server of ours, or of another version.
    #[error("{url} answers what no wellhead server does: {reason}")]
    Odd {
        /// Whose.
        url: String,
        /// What came.
        reason: String,
    },
}

fn advice(problem: &Problem) -> &'static str {
    match problem.status {
        401 => "; give one with --token or WELLHEAD_TOKEN (wellhead token new makes them)",
        _ => "",
    }
}

/// A server.
#[derive(Clone, Debug)]
pub struct Client {
    http: Http,
    base: Url,
    token: Option<SecretString>,
}

impl Client {
    /// The server at an address, `http://host:8080`, as whoever has the token.
    ///
    /// # Errors
    /// An address that is none.
    pub fn new(server: &str, token: Option<SecretString>) -> Result<Client, ClientError> {
        let wrong = |reason: String| ClientError::Address {
            url: server.to_owned(),
            reason,
        };
        let mut base: Url = server.parse().map_err(|e| wrong(format!("{e}")))?;
        if !["http", "https"].contains(&base.scheme()) || base.host().is_none() {
            return Err(wrong("it isn't one of HTTP".to_owned()));
        }
        // What is joined to it stands below it.
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        crate::sink::tls::install();
        let http = Http::builder().connect_timeout(CONNECT).build();
        let http = http.map_err(|e| wrong(e.to_string()))?;
        Ok(Client { http, base, token })
    }

    /// Starts the emulations of a spec. Gives them, and what they share where they are several.
    ///
    /// # Errors
    /// As of every request: where the server refuses, or isn't there.
    pub async fn start(&self, spec: &Value) -> Result<Vec<EmulationStatus>, ClientError> {
        let answer: Value = self
            .json(Method::POST, "api/v1/emulations", Some(spec))
            .await?;
        let emulations = match answer.get("emulations") {
            Some(all) => all.clone(),
            None => Value::Array(vec![answer]),
        };
        serde_json::from_value(emulations).map_err(|e| self.odd(e))
    }

    /// A page of the emulations, newest first.
    ///
    /// # Errors
    /// As [`Client::start`].
    pub async fn list(&self, query: &[(&str, String)]) -> Result<Page, ClientError> {
        let mut url = self.url("api/v1/emulations")?;
        url.query_pairs_mut().extend_pairs(query);
        let response = self.send(self.asking(Method::GET, url)).await?;
        self.read(response).await
    }

    /// An emulation as it stands.
    ///
    /// # Errors
    /// As [`Client::start`].
    pub async fn show(&self, id: &str) -> Result<EmulationStatus, ClientError> {
        self.json::<_, ()>(Method::GET, &path(id, ""), None).await
    }

    /// `pause`, `resume` or `stop`.
    ///
    /// # Errors
    /// As [`Client::start`].
    pub async fn steer(&self, id: &str, verb: &str) -> Result<EmulationStatus, ClientError> {
        let path = path(id, &format!("/{verb}"));
        self.json::<_, ()>(Method::POST, &path, None).await
    }

    /// Another load from now on.
    ///
    /// # Errors
    /// As [`Client::start`].
    pub async fn set_load(&self, id: &str, load: &Value) -> Result<EmulationStatus, ClientError> {
        let change = serde_json::json!({ "load": load });
        self.json(Method::PATCH, &path(id, ""), Some(&change)).await
    }

    /// Forgets one that is over.
    ///
    /// # Errors
    /// As [`Client::start`].
    pub async fn delete(&self, id: &str) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &path(id, ""))?;
        self.send(request).await.map(drop)
    }

    /// Something of the server's, by its path below the root.
    ///
    /// # Errors
    /// As [`Client::start`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.json::<_, ()>(Method::GET, path, None).await
    }

    /// Takes a generator away.
    ///
    /// # Errors
    /// As [`Client::start`].
    pub async fn remove_plugin(&self, reference: &str) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &plugin(reference))?;
        self.send(request).await.map(drop)
    }

    /// What a generator says of itself.
    ///
    /// # Errors
    /// As [`Client::start`].
    pub async fn plugin(&self, reference: &str) -> Result<Value, ClientError> {
        self.get(&plugin(reference)).await
    }

    /// Adds a component. Gives what the server says of it.
    ///
    /// # Errors
    /// As [`Client::start`].
    pub async fn add_plugin(&self, component: Vec<u8>) -> Result<Value, ClientError> {
        let request = self.request(Method::POST, "api/v1/plugins")?;
        let request = request.header("Content-Type", "application/wasm");
        let response = self.send(request.body(component)).await?;
        self.read(response).await
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, ClientError> {
        Ok(self.asking(method, self.url(path)?))
    }

    fn url(&self, path: &str) -> Result<Url, ClientError> {
        self.base.join(path).map_err(|e| self.odd(e))
    }

    fn asking(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    async fn json<T: DeserializeOwned, B: Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Result<T, ClientError> {
        let mut request = self.request(method, path)?;
        if let Some(body) = body {
            let body = serde_json::to_vec(body).map_err(|e| self.odd(e))?;
            request = request
                .header("Content-Type", "application/json")
                .body(body);
        }
        let response = self.send(request).await?;
        self.read(response).await
    }

    async fn read<T: DeserializeOwned>(&self, response: Response) -> Result<T, ClientError> {
        let body = response.bytes().await.map_err(|e| self.unreachable(&e))?;
        serde_json::from_slice(&body).map_err(|e| self.odd(e))
    }

    /// Sends it; what isn't a success is the problem that it says.
    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|e| self.unreachable(&e))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.map_err(|e| self.unreachable(&e))?;
        match serde_json::from_slice(&body) {
            Ok(problem) => Err(ClientError::Refused(Box::new(problem))),
            Err(_) => Err(self.odd(format!("status {status} without a problem"))),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        let mut reason = String::new();
        let mut cause = std::error::Error::source(error);
        // The last of them says most.
        while let Some(error) = cause {
            reason = error.to_string();
            cause = error.source();
        }
        ClientError::Unreachable {
            url: self.base.to_string(),
            reason,
        }
    }

    fn odd(&self, reason: impl std::fmt::Display) -> ClientError {
        ClientError::Odd {
            url: self.base.to_string(),
            reason: reason.to_string(),
        }
    }
}

fn path(id: &str, rest: &str) -> String {
    format!("api/v1/emulations/{}{rest}", segment(id))
}

fn plugin(reference: &str) -> String {
    format!("api/v1/plugins/{}", segment(reference))
}

/// A segment of a path, whatever signs it has.
fn segment(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@:".contains(&byte);
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match plain(byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_of_http() {
        for wrong in ["localhost:8080", "", "ftp://h/", "http://"] {
            let said = Client::new(wrong, None).unwrap_err().to_string();
            assert!(said.contains("no address of a server"), "{wrong}: {said}");
        }
        let client = Client::new("http://h:1/below", None).unwrap();
        assert_eq!(
            client.base.join("api/v1/x").unwrap().as_str(),
            "http://h:1/below/api/v1/x"
        );
    }

    #[test]
    fn a_segment_leads_nowhere_else() {
        assert_eq!(path("../a b", "/stop"), "api/v1/emulations/..%2Fa%20b/stop");
        assert_eq!(plugin("a@1.0.0"), "api/v1/plugins/a@1.0.0");
    }
}
