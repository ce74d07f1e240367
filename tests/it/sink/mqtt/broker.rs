//! Who listens, and brokers of a test's own.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::common::{service, signal, until};

pub fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{name}-{}-{next}", std::process::id())
}

fn publish(host: &str, topic: &str, text: &str) -> bool {
    let (host, port) = host.split_once(':').unwrap();
    let mut command = Command::new("mosquitto_pub");
    command.args(["-h", host, "-p", port, "-q", "1", "-t", topic, "-m", text]);
    command.stderr(Stdio::null()).status().unwrap().success()
}

/// `mosquitto_sub` into a file, from the moment on at which it is known to listen.
pub struct Subscriber {
    host: String,
    filter: String,
    folder: tempfile::TempDir,
    child: Child,
}

const READY: &str = "listens-now";
const LAST: &str = "that-was-it";

impl Subscriber {
    pub fn start(host: &str, filter: &str, format: &str) -> Subscriber {
        let folder = tempfile::tempdir().unwrap();
        let (name, port) = host.split_once(':').unwrap();
        let id = unique("subscriber");
        // A session that outlives the connection, so that nothing is missed while a broker restarts.
        let child = Command::new("mosquitto_sub")
            .args([
                "-h", name, "-p", port, "-V", "mqttv5", "-x", "3600", "-c", "-i", &id,
            ])
            .args(["-q", "1", "-t", filter, "-F", format])
            .stdout(File::create(folder.path().join("out")).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let subscriber = Subscriber {
            host: host.to_owned(),
            filter: filter.to_owned(),
            folder,
            child,
        };
        until("mosquitto_sub listens", || {
            publish(host, &subscriber.probe(), READY);
            subscriber.text().contains(READY)
        });
        subscriber
    }

    /// A topic that the filter takes in.
    fn probe(&self) -> String {
        self.filter.replace('#', "probe")
    }

    fn text(&self) -> String {
        // It grows while it is read: the last character may be there by half.
        let bytes = std::fs::read(self.folder.path().join("out")).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn records(&self) -> Vec<String> {
        let text = self.text();
        let lines = text
            .lines()
            .filter(|line| !line.contains(READY) && !line.contains(LAST));
        lines.map(str::to_owned).collect()
    }

    /// How many messages came so far.
    pub fn count(&self) -> usize {
        self.records().len()
    }

    /// All messages, a line each, once there are as many as expected, or what comes after them has
    /// come and no more follow.
    pub fn lines(&self, expected: usize) -> Vec<String> {
        until("the broker takes the last message", || {
            publish(&self.host, &self.probe(), LAST)
        });
        until("the last message is there", || self.text().contains(LAST));
        let begun = Instant::now();
        until("all messages are there", || {
            self.count() >= expected || begun.elapsed() > Duration::from_secs(5)
        });
        self.records()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A broker of the test's own, which it may stop, kill and start again.
pub struct Broker {
    folder: tempfile::TempDir,
    pub address: String,
    child: Option<Child>,
}

impl Broker {
    /// With more lines of configuration.
    pub fn start(lines: &str) -> Option<Broker> {
        service("WELLHEAD_TEST_MQTT")?;
        let folder = tempfile::tempdir().unwrap();
        // Below the range from which connections take theirs, so that it is still free after a restart.
        // Each begins to look elsewhere, so that none takes the port of one that is killed for now.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(20, Ordering::Relaxed);
        let begin = 20_000 + (std::process::id() * 7 + next) % 10_000;
        let port = (begin..begin + 2_000)
            .find(|&port| std::net::TcpListener::bind(("127.0.0.1", port as u16)).is_ok())
            .unwrap();
        let data = folder.path().display();
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {data}/\n\
             user root\nmax_queued_messages 0\nmax_inflight_messages 0\n{lines}\n"
        );
        std::fs::write(folder.path().join("conf"), text).unwrap();
        let mut broker = Broker {
            folder,
            address: format!("127.0.0.1:{port}"),
            child: None,
        };
        broker.restart();
        Some(broker)
    }

    /// Starts it again, same port and data, and waits until it answers.
    pub fn restart(&mut self) {
        let on_path = PathBuf::from("/usr/sbin/mosquitto");
        let program = if on_path.exists() {
            on_path
        } else {
            "mosquitto".into()
        };
        let child = Command::new(program)
            .arg("-c")
            .arg(self.folder.path().join("conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        until("the broker answers", || {
            std::net::TcpStream::connect(&self.address).is_ok()
        });
    }

    fn tell(&self, told: rustix::process::Signal) {
        signal(self.child.as_ref().unwrap().id(), told);
    }

    /// It writes down what it has, and ends.
    pub fn stop(&mut self) {
        self.tell(rustix::process::Signal::TERM);
        self.child.take().unwrap().wait().unwrap();
    }

    /// It is gone in the middle of what it did.
    pub fn kill(&mut self) {
        self.tell(rustix::process::Signal::KILL);
        self.child.take().unwrap().wait().unwrap();
    }

    /// Connections stay open and nobody answers.
    pub fn pause(&self) {
        self.tell(rustix::process::Signal::STOP);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
