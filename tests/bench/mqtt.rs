//! The MQTT sink against `mosquitto_pub -l`: same records, same broker, by turns.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::guest::BATCH;
use crate::measure::{Outcome, median, ratio};
use crate::replay::{Replay, Server, command, free_port, listens};
use crate::table::{Row, rate};

const TURNS: usize = 5;
/// Different batches, and how often they are sent in a turn.
const BATCHES: u64 = 50;
const ROUNDS: u64 = 4;
const RECORDS: u64 = BATCHES * ROUNDS * BATCH;

struct Broker {
    folder: tempfile::TempDir,
    port: u16,
    _server: Server,
}

impl Broker {
    fn start(program: &std::path::Path, records: &[u8]) -> Outcome<Broker> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let conf = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n\
             max_inflight_messages 0\nmax_queued_messages 0\nsys_interval 1\n"
        );
        std::fs::write(folder.path().join("conf"), conf)?;
        std::fs::write(folder.path().join("lines"), records)?;
        let child = Command::new(program)
            .arg("-c")
            .arg(folder.path().join("conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Server(child);
        listens(port)?;
        Ok(Broker {
            folder,
            port,
            _server: server,
        })
    }

    /// How many messages the broker has taken, by its own count, which it renews each second.
    fn received(&self) -> Outcome<f64> {
        std::thread::sleep(Duration::from_millis(2_200));
        let output = Command::new("mosquitto_sub")
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
                "-C",
                "1",
                "-W",
                "10",
            ])
            .args(["-t", "$SYS/broker/publish/messages/received"])
            .output()?;
        Ok(String::from_utf8(output.stdout)?.trim().parse()?)
    }

    /// Records a second of `mosquitto_pub -l`, as the broker counts them: of more lines than it can
    /// have packet identifiers for it drops some at QoS 1 and ends all the same.
    fn reference(&self, qos: u8) -> Outcome<f64> {
        let before = self.received()?;
        let begun = Instant::now();
        let status = Command::new("mosquitto_pub")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(["-t", "bench", "-q", &qos.to_string(), "-l"])
            .stdin(File::open(self.folder.path().join("lines"))?)
            .status()?;
        let took = begun.elapsed().as_secs_f64();
        if !status.success() {
            return Err(format!("mosquitto_pub: {status}").into());
        }
        Ok((self.received()? - before) / took)
    }

    /// Records a second of our sink, and microseconds of CPU time for each.
    fn ours(&self, replay: &Replay, version: &str, qos: u8) -> Outcome<(f64, f64)> {
        let block = json!({
            "host": format!("127.0.0.1:{}", self.port), "topic": "bench", "qos": qos, "version": version,
        });
        let took = replay.run("mqtt", &block, BATCHES * ROUNDS)?;
        Ok((RECORDS as f64 / took.wall, took.cpu / RECORDS as f64 * 1e6))
    }
}

/// QoS 0 and 1, and MQTT 5 beside them.
pub fn rows() -> Outcome<Vec<Row>> {
    let (Some(program), Some(_)) = (command("mosquitto"), command("mosquitto_pub")) else {
        return Ok(vec![Row::beside("mqtt", "left out: no mosquitto here")]);
    };
    let replay = Replay::new(BATCHES)?;
    let broker = Broker::start(&program, &replay.lines())?;
    let mut rows = Vec::new();
    for (qos, target) in [(0, 1.0), (1, 2.0)] {
        let [mut ours, mut reference, mut cpu, mut newer] = [const { Vec::new() }; 4];
        for _ in 0..TURNS {
            reference.push(broker.reference(qos)?);
            let (figure, micros) = broker.ours(&replay, "3.1.1", qos)?;
            ours.push(figure);
            cpu.push(micros);
            newer.push(broker.ours(&replay, "5", qos)?.0);
        }
        let detail = format!(
            "{} ÷ {}, CPU {:.2} µs",
            rate(median(&ours)),
            rate(median(&reference)),
            median(&cpu)
        );
        let name = format!("mqtt sink, QoS {qos} ÷ mosquitto_pub -l");
        rows.push(Row::at_least(
            name,
            ratio(&ours, &reference),
            target,
            &detail,
        ));
        rows.push(Row::beside(
            format!("the same over MQTT 5, QoS {qos}"),
            format!(
                "{:.3}  ({})",
                ratio(&newer, &reference),
                rate(median(&newer))
            ),
        ));
    }
    Ok(rows)
}
