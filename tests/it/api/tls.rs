//! The server over TLS, as curl meets it.

use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output};

use rustix::process::Signal;

use super::client::{Served, refused};
use crate::common::{Sandbox, signal, stderr, until};

/// A certificate for 127.0.0.1 that vouches for itself, with its key.
pub fn certificate(sandbox: &Sandbox, certificate: &str, key: &str) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=wellhead test"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-keyout"])
        .arg(sandbox.path(key))
        .arg("-out")
        .arg(sandbox.path(certificate))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", stderr(&made));
}

fn curl(trusted: &Path, more: &[&str]) -> Output {
    Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--noproxy",
            "*",
            "--max-time",
            "60",
            "--cacert",
        ])
        .arg(trusted)
        .args(more)
        .output()
        .unwrap()
}

#[test]
fn certificates_are_read_again_on_sighup() {
    let sandbox = Sandbox::new();
    certificate(&sandbox, "first.pem", "first.key");
    certificate(&sandbox, "second.pem", "second.key");
    let put = |certificate: &str, key: &str| {
        std::fs::copy(sandbox.path(certificate), sandbox.path("c.pem")).unwrap();
        std::fs::copy(sandbox.path(key), sandbox.path("k.pem")).unwrap();
    };
    put("first.pem", "first.key");
    let variables = [
        ("WELLHEAD_SERVER_TLS_CERTIFICATE", "c.pem"),
        ("WELLHEAD_SERVER_TLS_KEY", "k.pem"),
    ];
    let served = Served::among(&sandbox, &[], &variables);
    assert!(served.base.starts_with("https://"), "{}", served.base);
    let address = served.base.strip_prefix("https://").unwrap();
    let mut silent = TcpStream::connect(address).unwrap();
    let health = format!("{}/health", served.base);
    let (first, second) = (sandbox.path("first.pem"), sandbox.path("second.pem"));
    let trusts = |authority: &Path| curl(authority, &["--fail", &health]).status.success();
    assert!(trusts(&first) && !trusts(&second));

    put("second.pem", "second.key");
    signal(served.child.id(), Signal::HUP);
    until("the second is served", || trusts(&second));
    assert!(!trusts(&first));

    // What can't be used changes nothing: a key of another, half of a file, none.
    for (n, broken) in [
        ("first.pem", "second.key"),
        ("second.key", "second.key"),
        ("first.pem", "first.pem"),
    ]
    .into_iter()
    .enumerate()
    {
        put(broken.0, broken.1);
        signal(served.child.id(), Signal::HUP);
        until("it is said", || {
            let log = served.log();
            log.matches("the certificate from before stays").count() == n + 1
        });
        assert!(trusts(&second));
    }
    let key = std::fs::read_to_string(sandbox.path("second.key")).unwrap();
    let secret = key.lines().nth(1).unwrap();
    assert!(!served.log().contains(secret));

    // Who comes without TLS gets nothing, and pages of others nothing either.
    let plain = health.replace("https://", "http://");
    assert!(!curl(&second, &["--fail", &plain]).status.success());
    let status = |origin: &str| {
        let origin = format!("Origin: {origin}");
        let said = curl(
            &second,
            &[
                "-H",
                &origin,
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                &health,
            ],
        );
        String::from_utf8(said.stdout).unwrap()
    };
    assert_eq!(status(&served.base), "200");
    assert_eq!(status(&served.base.replace("https", "http")), "403");
    assert_eq!(status("https://evil.example"), "403");
    // Who connects and says nothing isn't waited for.
    let patience = std::time::Duration::from_secs(60);
    silent.set_read_timeout(Some(patience)).unwrap();
    assert_eq!(silent.read(&mut [0]).unwrap(), 0);
    assert_eq!(served.end(Signal::TERM), Some(0));
}

#[test]
fn a_certificate_that_cannot_be_used_is_said_at_the_start() {
    let sandbox = Sandbox::new();
    certificate(&sandbox, "c.pem", "k.pem");
    certificate(&sandbox, "other.pem", "other.key");
    sandbox.write("empty.pem", "");
    for (certificate, key, why) in [
        ("none.pem", "k.pem", "none.pem"),
        ("empty.pem", "k.pem", "there is no certificate"),
        ("c.pem", "empty.pem", "empty.pem"),
        ("c.pem", "other.key", "c.pem"),
    ] {
        let settings = format!("[server.tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n");
        sandbox.write("settings.toml", &settings);
        let refused = refused(&sandbox, &["--settings", "settings.toml"]);
        assert!(
            refused.contains("[server.tls]") && refused.contains(why),
            "{refused}"
        );
    }
}
