//! The HTTP sink against `oha` and `wrk`: a POST a record, same concurrency, same nginx, by turns.

use std::process::{Command, Stdio};

use serde_json::json;

use crate::guest::BATCH;
use crate::measure::{Outcome, median, ratio};
use crate::replay::{Replay, Server, command, free_port, listens};
use crate::table::{Row, rate};

const TURNS: usize = 5;
const CONCURRENCY: usize = 50;
/// Different batches, and how often they are sent in a turn.
const BATCHES: u64 = 20;
const ROUNDS: u64 = 5;
const RECORDS: u64 = BATCHES * ROUNDS * BATCH;

struct Nginx {
    folder: tempfile::TempDir,
    port: u16,
    server: Option<Server>,
}

impl Nginx {
    fn start(program: &std::path::Path, body: &[u8]) -> Outcome<Nginx> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let at = folder.path().display();
        let conf = format!(
            "daemon off; worker_processes 1; pid {at}/pid; error_log {at}/error.log crit;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {at}/body;\n\
             proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;\n\
             server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }} }}\n"
        );
        std::fs::write(folder.path().join("conf"), conf)?;
        std::fs::write(folder.path().join("body"), body)?;
        let lua = "local file = io.open(os.getenv('BODY'), 'rb')\nwrk.method = 'POST'\nwrk.body = file:read('*a')\n\
                   wrk.headers['content-type'] = 'application/json'\n";
        std::fs::write(folder.path().join("post.lua"), lua)?;
        let child = Command::new(program)
            .arg("-c")
            .arg(folder.path().join("conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Server(child);
        listens(port)?;
        Ok(Nginx {
            folder,
            port,
            server: Some(server),
        })
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/in", self.port)
    }

    /// Requests a second of `oha`.
    fn oha(&self, program: &std::path::Path) -> Outcome<f64> {
        let output = Command::new(program)
            .args(["-n", &RECORDS.to_string(), "-c", &CONCURRENCY.to_string()])
            .args(["--no-tui", "-m", "POST", "-T", "application/json", "-D"])
            .arg(self.folder.path().join("body"))
            .arg(self.url())
            .output()?;
        figure(&String::from_utf8(output.stdout)?, "Requests/sec:")
    }

    /// Requests a second of `wrk`.
    fn wrk(&self, program: &std::path::Path) -> Outcome<f64> {
        let output = Command::new(program)
            .args(["-t", "1", "-c", &CONCURRENCY.to_string(), "-d", "3", "-s"])
            .arg(self.folder.path().join("post.lua"))
            .arg(self.url())
            .env("BODY", self.folder.path().join("body"))
            .output()?;
        figure(&String::from_utf8(output.stdout)?, "Requests/sec:")
    }

    /// Requests a second of our sink, and microseconds of CPU time for each.
    fn ours(&self, replay: &Replay, more: &serde_json::Value) -> Outcome<(f64, f64)> {
        let mut block = json!({"url": self.url(), "concurrency": CONCURRENCY});
        for (name, value) in more.as_object().into_iter().flatten() {
            block[name] = value.clone();
        }
        let took = replay.run("http", &block, BATCHES * ROUNDS)?;
        Ok((RECORDS as f64 / took.wall, took.cpu / RECORDS as f64 * 1e6))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master takes its workers along only when it is asked.
        let pid = std::fs::read_to_string(self.folder.path().join("pid"));
        let pid = pid.ok().and_then(|pid| pid.trim().parse().ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        if let Some(mut server) = self.server.take() {
            let _ = server.0.wait();
        }
    }
}

fn figure(text: &str, name: &str) -> Outcome<f64> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
    let figure = line.and_then(|rest| rest.split_whitespace().next());
    match figure.map(str::parse) {
        Some(Ok(figure)) => Ok(figure),
        _ => Err(format!("no {name} in: {text}").into()),
    }
}

/// One POST a record against whichever reference is here, and batches beside it.
pub fn rows() -> Outcome<Vec<Row>> {
    let Some(nginx) = command("nginx") else {
        return Ok(vec![Row::beside("http", "left out: no nginx here")]);
    };
    let (oha, wrk) = (command("oha"), command("wrk"));
    let replay = Replay::new(BATCHES)?;
    let lines = replay.lines();
    let first = lines
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let nginx = Nginx::start(&nginx, first)?;
    let [
        mut ours,
        mut cpu,
        mut keyed,
        mut batches,
        mut of_oha,
        mut of_wrk,
    ] = [const { Vec::new() }; 6];
    for _ in 0..TURNS {
        if let Some(oha) = &oha {
            of_oha.push(nginx.oha(oha)?);
        }
        if let Some(wrk) = &wrk {
            of_wrk.push(nginx.wrk(wrk)?);
        }
        let (figure, micros) = nginx.ours(&replay, &json!({"ordered": "none"}))?;
        ours.push(figure);
        cpu.push(micros);
        keyed.push(nginx.ours(&replay, &json!({}))?.0);
        batches.push(
            nginx
                .ours(&replay, &json!({"ordered": "none", "batch": 100}))?
                .0,
        );
    }
    let detail = |reference: &[f64]| {
        format!(
            "{} ÷ {}, CPU {:.1} µs",
            rate(median(&ours)),
            rate(median(reference)),
            median(&cpu)
        )
    };
    let name = format!("http sink, a POST a record, {CONCURRENCY} at a time");
    let mut rows = vec![match of_oha.is_empty() {
        true => Row::beside(format!("{name} ÷ oha"), "left out: no oha here"),
        false => Row::at_least(
            format!("{name} ÷ oha"),
            ratio(&ours, &of_oha),
            0.9,
            &detail(&of_oha),
        ),
    }];
    if !of_wrk.is_empty() {
        let figure = format!("{:.3}  ({})", ratio(&ours, &of_wrk), detail(&of_wrk));
        rows.push(Row::beside(format!("{name} ÷ wrk"), figure));
    }
    rows.push(Row::beside(
        "the same, in the order of keys",
        rate(median(&keyed)),
    ));
    rows.push(Row::beside(
        "the same, 100 records a POST",
        rate(median(&batches)),
    ));
    Ok(rows)
}
