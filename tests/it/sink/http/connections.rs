//! What becomes of connections: used again, closed by the endpoint, by way of a proxy.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};

use super::super::{batch, start};
use super::one;
use crate::common::{Sandbox, until, wait};

/// What came over one connection.
#[derive(Clone, Debug, Default)]
struct Connection {
    /// The heads of its requests.
    heads: Vec<String>,
    closed: bool,
}

/// An endpoint that counts connections, and hands on what it is asked to connect to.
pub struct Wire {
    pub port: u16,
    connections: Arc<Mutex<Vec<Connection>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Wire {
    /// Closes each connection after so many requests, without having said so.
    pub async fn start(requests: usize) -> Wire {
        Wire::that_says(requests, "").await
    }

    /// The same, with these words at a connection's end, which nobody has asked for.
    async fn that_says(requests: usize, last: &'static str) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections: Arc<Mutex<Vec<Connection>>> = Arc::default();
        let all = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            let mut tasks = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let number = {
                    let mut all = all.lock().unwrap();
                    all.push(Connection::default());
                    all.len() - 1
                };
                let all = Arc::clone(&all);
                tasks.spawn(async move {
                    let _ = serve(stream, requests, last, &all, number).await;
                    all.lock().unwrap()[number].closed = true;
                });
            }
        });
        Wire {
            port,
            connections,
            task,
        }
    }

    /// The heads of all requests, by connections.
    pub fn heads(&self) -> Vec<Vec<String>> {
        let all = self.connections.lock().unwrap();
        all.iter().map(|one| one.heads.clone()).collect()
    }

    fn closed(&self) -> usize {
        let all = self.connections.lock().unwrap();
        all.iter().filter(|one| one.closed).count()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    stream: TcpStream,
    requests: usize,
    last: &str,
    all: &Mutex<Vec<Connection>>,
    number: usize,
) -> std::io::Result<()> {
    let mut stream = BufStream::new(stream);
    for _ in 0..requests {
        let (mut head, mut length) = (String::new(), 0);
        while stream.read_line(&mut head).await? > 2 {
            let line = head.lines().last().unwrap_or_default().to_lowercase();
            if let Some(text) = line.strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
        }
        if head.is_empty() {
            break;
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let target = head.strip_prefix("CONNECT ").map(str::to_owned);
        all.lock().unwrap()[number].heads.push(head);
        if let Some(target) = target {
            let mut server = TcpStream::connect(target.split(' ').next().unwrap()).await?;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            stream.flush().await?;
            tokio::io::copy_bidirectional(&mut stream, &mut server).await?;
            break;
        }
        // A body in pieces has to be read to its end before the next request can go.
        let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
    stream.write_all(last.as_bytes()).await?;
    stream.flush().await
}

/// However many requests, there are only as many connections as requests at a time.
#[tokio::test(flavor = "multi_thread")]
async fn are_used_again() {
    let wire = Wire::start(usize::MAX).await;
    let url = format!("http://127.0.0.1:{}/in", wire.port);
    let options = json!({"url": url, "concurrency": 3, "ordered": "none"});
    let block = ("http", options.as_object().unwrap().clone());
    let mut fixture = start(&block, "run-1", None).await;
    fixture.sink.write(&one(batch(0, 0, 300))).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    assert_eq!(fixture.receipts.acknowledged(), 300);
    let heads = wire.heads();
    assert!(
        (1..=3).contains(&heads.len()),
        "{} connections",
        heads.len()
    );
    assert_eq!(heads.iter().map(Vec::len).sum::<usize>(), 300);
    let head = &heads[0][0];
    assert!(head.starts_with("POST /in HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: 127.0.0.1:{}\r\n", wire.port)));
    assert!(head.contains("user-agent: wellhead/"), "{head}");
}

/// A request that finds its connection closed goes by another, and isn't a failure, whatever the endpoint
/// said before it closed.
#[tokio::test(flavor = "multi_thread")]
async fn that_were_closed_meanwhile_cost_nothing() {
    let timeout = "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    for last in ["", timeout] {
        closed_meanwhile(Wire::that_says(2, last).await).await;
    }
}

async fn closed_meanwhile(wire: Wire) {
    let url = format!("http://127.0.0.1:{}/in", wire.port);
    let options = json!({"url": url, "concurrency": 1});
    let block = ("http", options.as_object().unwrap().clone());
    let mut fixture = start(&block, "run-1", None).await;
    for n in 0..6 {
        fixture.sink.write(&one(batch(0, n, 1))).await.unwrap();
        until("the record is taken", || {
            fixture.receipts.acknowledged() == n + 1
        });
        let closed = n.div_ceil(2) as usize;
        until("the connection is closed", || wire.closed() >= closed);
    }
    fixture.sink.close(true).await.unwrap();
    let each: Vec<usize> = wire.heads().iter().map(Vec::len).collect();
    assert_eq!(each, [2, 2, 2]);
    let told = fixture.receipts.told();
    assert_eq!(
        (told.retried, told.details["status_2xx"]),
        (0, 6),
        "{told:?}"
    );
}

/// A proxy of the environment's is told whole URLs, and who asks.
#[tokio::test(flavor = "multi_thread")]
async fn go_by_the_proxy_of_the_environment() {
    let proxy = Wire::start(usize::MAX).await;
    let sandbox = Sandbox::new();
    let to = "http://nowhere.invalid:8080/in?site=1&ordered=all";
    let arguments = ["run", "transaction", "--records", "3", "--to", to];
    let child = sandbox
        .command(&arguments)
        .env(
            "http_proxy",
            format!("http://me:s3@127.0.0.1:{}", proxy.port),
        )
        .spawn()
        .unwrap();
    let output = tokio::task::block_in_place(|| wait(child));
    assert!(
        output.status.success(),
        "{}",
        crate::common::stderr(&output)
    );
    let heads = proxy.heads().concat();
    assert_eq!(heads.len(), 3);
    let head = &heads[0];
    assert!(
        head.starts_with("POST http://nowhere.invalid:8080/in?site=1 HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(head.contains("host: nowhere.invalid:8080\r\n"), "{head}");
    assert!(
        head.contains("proxy-authorization: Basic bWU6czM=\r\n"),
        "{head}"
    );
}

/// An answer that stops in the middle is bounded by the time set, and its status counts.
#[tokio::test(flavor = "multi_thread")]
async fn that_stop_in_the_middle_of_an_answer_are_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut some = [0; 4096];
            let _ = stream.read(&mut some).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
                .await;
            held.push(stream);
        }
    });
    let options = json!({"url": url, "concurrency": 1, "timeout": "300ms"});
    let block = ("http", options.as_object().unwrap().clone());
    let mut fixture = start(&block, "run-1", None).await;
    fixture.sink.write(&one(batch(0, 0, 2))).await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(20), fixture.sink.close(true));
    closed.await.unwrap().unwrap();
    assert_eq!(fixture.receipts.acknowledged(), 2);
    assert_eq!(fixture.receipts.told().retried, 0);
    server.abort();
}
