//! An HTTP endpoint that takes everything, and remembers it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Seen {
    posts: Mutex<Vec<(String, String)>>,
    probes: AtomicUsize,
}

/// Listens on a port of its own, until the test ends.
pub struct Endpoint {
    address: String,
    seen: Arc<Seen>,
}

impl Endpoint {
    pub fn start() -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Seen::default());
        let own = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let own = own.clone();
                std::thread::spawn(move || answer(stream, &own));
            }
        });
        Endpoint { address, seen }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Path and body of each POST, in the order in which they came.
    pub fn posts(&self) -> Vec<(String, String)> {
        self.seen.posts.lock().unwrap().clone()
    }

    /// How often something else was asked for.
    pub fn probes(&self) -> usize {
        self.seen.probes.load(Ordering::SeqCst)
    }
}

/// Answers 200 to each request of a connection, until it is closed.
fn answer(stream: TcpStream, seen: &Seen) -> Option<()> {
    let mut write = stream.try_clone().ok()?;
    let mut read = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if read.read_line(&mut first).ok()? == 0 {
            return None;
        }
        let mut length = 0;
        loop {
            let mut header = String::new();
            read.read_line(&mut header).ok()?;
            let header = header.trim().to_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        read.read_exact(&mut body).ok()?;
        let mut words = first.split(' ');
        match (words.next()?, words.next()?) {
            ("POST", path) => {
                let body = String::from_utf8(body).ok()?;
                seen.posts.lock().ok()?.push((path.to_owned(), body));
            }
            _ => {
                seen.probes.fetch_add(1, Ordering::SeqCst);
            }
        }
        write
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .ok()?;
    }
}
