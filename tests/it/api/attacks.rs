//! Clients that mean harm: with requests that never end, or aren't what they say.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use super::client::{Served, YAML};
use crate::common::{Sandbox, until};

fn connect(served: &Served) -> TcpStream {
    let stream = TcpStream::connect(served.base.strip_prefix("http://").unwrap()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

/// What is answered until the connection ends, or nothing comes any more.
fn answer(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

fn head(path: &str, media: &str, length: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {media}\r\n{length}\r\n\r\n"
    )
}

const PLUGINS: &str = "/api/v1/plugins";
const EMULATIONS: &str = "/api/v1/emulations";

/// Bodies that stop in the middle: each is given up with an answer, and others are served meanwhile.
#[test]
fn slow_bodies_are_given_up() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let mut slow: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = connect(&served);
            let head = head(EMULATIONS, YAML, "Content-Length: 100000");
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(b"{generator: transac").unwrap();
            stream
        })
        .collect();
    served.start_one("{generator: transaction, until: {records: 1}, sinks: ['null']}");
    for stream in slow.iter_mut().take(3) {
        let said = answer(stream);
        assert!(
            said.starts_with("HTTP/1.1 408") && said.contains("problem+json"),
            "{said}"
        );
    }
    served.get("/health").json(200);
}

/// Connections that say nothing take no file from those who work, and nobody's turn for longer than a head may take.
#[test]
fn idle_connections_leave_files_to_others() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let server = rustix::process::Pid::from_raw(served.child.id() as i32).unwrap();
    let few = rustix::process::Rlimit {
        current: Some(160),
        maximum: Some(160),
    };
    rustix::process::prlimit(Some(server), rustix::process::Resource::Nofile, few).unwrap();
    let idle: Vec<TcpStream> = (0..150).map(|_| connect(&served)).collect();
    // It comes to its turn once those before it were cut off.
    let sinks: Vec<String> = (0..8)
        .map(|n| format!("{{type: file, path: 'f{n}.ndjson'}}"))
        .collect();
    let id = served.start_one(&format!(
        "{{generator: transaction, load: max, until: {{records: 1000}}, sinks: [{}]}}",
        sinks.join(", ")
    ));
    served.until_state(&id, "finished");
    assert!(!served.log().contains("can't be taken"), "{}", served.log());
    drop(idle);
}

/// A body in chunks that never end is cut off, wherever it goes.
#[test]
fn endless_chunks_are_cut_off() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    for (path, media, begin, status) in [
        (EMULATIONS, YAML, &b"# "[..], "413"),
        // It is no component by its first bytes.
        (PLUGINS, "application/wasm", b"PK\x03\x04zzzz", "422"),
        (PLUGINS, "application/wasm", b"\0asm\x0d\0\x01\0", "413"),
    ] {
        let mut stream = connect(&served);
        let head = head(path, media, "Transfer-Encoding: chunked");
        stream.write_all(head.as_bytes()).unwrap();
        let mut chunk = format!("{:x}\r\n", 1 << 16).into_bytes();
        chunk.extend([b'x'; 1 << 16]);
        chunk.extend(b"\r\n");
        let first = format!("{:x}\r\n", begin.len());
        let _ = stream.write_all(&[first.as_bytes(), begin, b"\r\n"].concat());
        // Far more than is taken; the other side ends it, by an answer and then by closing.
        let mut reader = stream.try_clone().unwrap();
        let reading = std::thread::spawn(move || {
            let mut said = [0; 512];
            let read = reader.read(&mut said).unwrap_or(0);
            String::from_utf8_lossy(&said[..read]).into_owned()
        });
        let sent = (0..8_192).find(|_| stream.write_all(&chunk).is_err());
        assert!(sent.is_some(), "{path}: it took 512 MiB");
        let said = reading.join().unwrap();
        // A reset may overtake the answer.
        assert!(
            said.is_empty() || said.starts_with(&format!("HTTP/1.1 {status}")),
            "{said}"
        );
    }
    assert_eq!(left(&sandbox.path("data/plugins")), [""; 0]);
    served.get("/health").json(200);
}

#[test]
fn an_upload_of_another_length_leaves_nothing() {
    let sandbox = Sandbox::new();
    let served = Served::start(&sandbox);
    let component = crate::common::fixture("villain");
    let send = |length: usize, bytes: &[u8]| {
        let mut stream = connect(&served);
        let head = head(
            PLUGINS,
            "application/wasm",
            &format!("Content-Length: {length}"),
        );
        stream.write_all(head.as_bytes()).unwrap();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        answer(&mut stream)
    };
    let short = send(component.len() + 1, &component);
    assert!(
        short.is_empty() || short.starts_with("HTTP/1.1 400"),
        "{short}"
    );
    let long = send(component.len() - 1, &component);
    assert!(long.starts_with("HTTP/1.1 422"), "{long}");
    let huge = send(usize::MAX / 2, &component[..100]);
    assert!(huge.starts_with("HTTP/1.1 413"), "{huge}");
    until("nothing of them is left", || {
        left(&sandbox.path("data/plugins")).is_empty()
    });
    let listed = served.get(PLUGINS).json(200);
    let uploaded = listed
        .as_array()
        .unwrap()
        .iter()
        .any(|one| one["origin"] != "stock");
    assert!(!uploaded, "{listed:#}");
}

/// What is in a folder, but for a store's lock.
pub fn left(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name != "lock").collect()
}
