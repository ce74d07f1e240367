//! A registry that answers what a test makes it answer.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;

/// What came in.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Path and query.
    pub path: String,
    /// By whom it was called: host and port.
    pub host: String,
    /// That header, or nothing.
    pub authorization: String,
}

pub struct Fake {
    /// Host and port.
    pub host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Fake {
    pub fn start(answer: impl Fn(&Asked) -> Response<Body> + Send + Sync + 'static) -> Fake {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        listener.set_nonblocking(true).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        let routes = Router::new().fallback(move |request: Request| {
            let header = |name| {
                let value = request.headers().get(name);
                value
                    .map(|v| v.to_str().unwrap().to_owned())
                    .unwrap_or_default()
            };
            let one = Asked {
                path: request.uri().to_string(),
                host: header("host"),
                authorization: header("authorization"),
            };
            log.lock().unwrap().push(one.clone());
            let answer = Arc::clone(&answer);
            async move { answer(&one) }
        });
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, routes).await.unwrap();
        });
        Fake {
            host,
            asked,
            _runtime: runtime,
        }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// An answer with that status and body.
pub fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let mut answer = Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    answer.body(body.into()).unwrap()
}
