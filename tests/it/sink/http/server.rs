//! An endpoint that remembers what it got, and answers as a test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use tokio::sync::Semaphore;

/// One request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub at: Instant,
    /// What it was answered.
    pub status: u16,
}

/// How a request is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    Ok,
    Late(Duration),
    Status(u16),
    With(u16, &'static str, String, &'static str),
    /// 200, once nothing more can be got from the gate, which is when it is closed.
    Held(Arc<Semaphore>),
    /// The connection is closed without a word.
    Reset,
}

type Rule = dyn Fn(&Seen) -> Answer + Send + Sync;

#[derive(Clone)]
struct Inner {
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Arc<Mutex<VecDeque<Answer>>>,
    rule: Arc<Rule>,
    busy: Arc<Mutex<(usize, usize)>>,
}

/// An endpoint of a test's own.
pub struct Server {
    pub address: String,
    inner: Inner,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Answers 200 to everything.
    pub async fn start() -> Server {
        Server::ruled(|_| Answer::Ok).await
    }

    /// Answers as the rule says of each request.
    pub async fn ruled(rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Server {
        let inner = Inner {
            seen: Arc::default(),
            script: Arc::default(),
            rule: Arc::new(rule),
            busy: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(inner.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Server {
            address,
            inner,
            task,
        }
    }

    /// Answers the next requests like that, before the rule has its say.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.inner.script.lock().unwrap().extend(answers);
    }

    /// Everything that came, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.inner.seen.lock().unwrap().clone()
    }

    /// Those that were answered 2xx.
    pub fn taken(&self) -> Vec<Seen> {
        let taken = |seen: &Seen| (200..300).contains(&seen.status);
        self.seen().into_iter().filter(taken).collect()
    }

    /// Most requests that were being answered at the same time.
    pub fn busiest(&self) -> usize {
        self.inner.busy.lock().unwrap().1
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(inner): State<Inner>, request: Request) -> Response<Body> {
    {
        let mut busy = inner.busy.lock().unwrap();
        busy.0 += 1;
        busy.1 = busy.1.max(busy.0);
    }
    let (parts, body) = request.into_parts();
    let mut seen = Seen {
        method: parts.method,
        path: parts.uri.to_string(),
        headers: parts.headers,
        body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
        at: Instant::now(),
        status: 0,
    };
    let scripted = inner.script.lock().unwrap().pop_front();
    let answer = scripted.unwrap_or_else(|| (inner.rule)(&seen));
    let (status, header, body) = match answer {
        Answer::Ok => (200, None, ""),
        Answer::Late(time) => {
            tokio::time::sleep(time).await;
            (200, None, "")
        }
        Answer::Held(gate) => {
            assert!(gate.acquire().await.is_err());
            (200, None, "")
        }
        Answer::Status(status) => (status, None, ""),
        Answer::With(status, name, value, body) => (status, Some((name, value)), body),
        Answer::Reset => {
            inner.seen.lock().unwrap().push(seen);
            inner.busy.lock().unwrap().0 -= 1;
            // Ends the connection's task, and with it the connection.
            std::panic::resume_unwind(Box::new("reset"));
        }
    };
    seen.status = status;
    inner.seen.lock().unwrap().push(seen);
    inner.busy.lock().unwrap().0 -= 1;
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    if let Some((name, value)) = header {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}
