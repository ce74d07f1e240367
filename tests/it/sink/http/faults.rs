//! Endpoints that are late, overloaded, gone, elsewhere, or refuse.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Semaphore;

use super::super::{Service, batch, group, in_order, message, open, send, start};
use super::{Answer, Endpoint, Server, one};
use crate::common::{Sandbox, until};
use crate::sink::RECORDS;

/// An address where nothing listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// 408, 429, 500 in a row and a reset are tried again, in order, until they pass.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_is_tried_again() {
    let options = json!({"ordered": "all", "batch": 40, "batch_wait": "1ms"});
    let endpoint = Endpoint::new(options).await;
    let trouble = [408, 429, 500, 502, 503].map(Answer::Status);
    endpoint.server.script(
        trouble
            .into_iter()
            .chain([Answer::Reset, Answer::Status(500)]),
    );
    let mut fixture = start(&endpoint.block(), "run-1", None).await;
    send(&mut fixture, &[0; 3], RECORDS).await;
    fixture.sink.close(true).await.unwrap();
    in_order(&endpoint, true);
    let told = fixture.receipts.told();
    assert_eq!((told.retried, told.error.clone()), (7, None), "{told:?}");
    assert_eq!(
        (
            told.details["status_4xx"],
            told.details["status_5xx"],
            told.details["no_answer"]
        ),
        (2, 4, 1)
    );
}

/// A date that is at least two seconds away, and when that is.
fn in_three_seconds() -> (String, Instant) {
    let least = Instant::now() + Duration::from_secs(2);
    let ahead = std::process::Command::new("date")
        .args(["-u", "-R", "-d", "+3 seconds"])
        .output()
        .unwrap();
    let date = String::from_utf8(ahead.stdout).unwrap();
    (date.trim().replace("+0000", "GMT"), least)
}

/// `Retry-After` holds back every request, by seconds and by date.
#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_heeded() {
    for by_date in [false, true] {
        let (value, date) = match by_date {
            true => in_three_seconds(),
            false => ("1".to_owned(), Instant::now()),
        };
        let mut endpoint = Endpoint::new(json!({"ordered": "none", "concurrency": 4})).await;
        // Those beside it are answered once it is known that all have to wait.
        let gate = Arc::new(Semaphore::new(0));
        let held = Arc::clone(&gate);
        endpoint.server = Server::ruled(move |_| Answer::Held(Arc::clone(&held))).await;
        let wait = Answer::With(429, "retry-after", value, "slow down");
        endpoint.server.script([wait]);
        let mut fixture = start(&endpoint.block(), "run-1", None).await;
        fixture.sink.write(&one(batch(0, 0, 100))).await.unwrap();
        until("it is told to wait", || {
            fixture.receipts.told().retried == 1
        });
        gate.close();
        fixture.sink.close(true).await.unwrap();
        let seen = endpoint.server.seen();
        assert_eq!((seen.len(), endpoint.read().len()), (101, 100));
        let asked = seen.iter().find(|seen| seen.status == 429).unwrap().at;
        let again = date.max(asked + Duration::from_millis(950));
        let early = seen.iter().filter(|seen| seen.at < again).count();
        assert!(early <= 4, "{early} requests before the time said");
    }
}

/// What the endpoint will never take is written down with its reason, and the others go on.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_written_down() {
    let server = Server::ruled(|seen| {
        let n = Endpoint::records(seen)[0].1;
        match n {
            3 => Answer::With(400, "x", "y".to_owned(), "field `pad` is empty"),
            5 => Answer::Status(404),
            _ => Answer::Ok,
        }
    })
    .await;
    let mut endpoint = Endpoint {
        server,
        options: json!({}),
    };
    let mut fixture = start(&endpoint.block(), "run-1", None).await;
    fixture.sink.write(&one(batch(1, 0, 9))).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    let refused = fixture.refused.all();
    assert_eq!(
        refused.iter().map(|r| (r.0, r.1)).collect::<Vec<_>>(),
        [(1, 3), (1, 5)]
    );
    assert!(
        refused[0]
            .2
            .contains("400 Bad Request: field `pad` is empty"),
        "{}",
        refused[0].2
    );
    assert!(
        refused[1].2.contains("404") && refused[1].2.contains("/in"),
        "{}",
        refused[1].2
    );
    assert_eq!(
        (fixture.receipts.acknowledged(), fixture.receipts.rejected()),
        (7, 2)
    );

    // A batch is refused as a whole: who else knows which of it was meant.
    endpoint.options = json!({"batch": 3});
    let mut fixture = start(&endpoint.block(), "run-2", None).await;
    fixture.sink.write(&one(batch(1, 0, 9))).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    let refused = fixture.refused.all();
    assert_eq!(refused.iter().map(|r| r.1).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(fixture.receipts.watermark()[1], 9);
}

/// A redirect elsewhere isn't followed, so that nobody else gets records or login; one that keeps
/// the request and stays is.
#[tokio::test(flavor = "multi_thread")]
async fn redirects_elsewhere_are_not_followed() {
    let other = Server::start().await;
    let elsewhere = format!("{}/stolen?x=1", other.address);
    for status in [301, 302, 303, 307, 308] {
        let endpoint = Endpoint::new(json!({"username": "me", "password": "secret"})).await;
        endpoint
            .server
            .script([Answer::With(status, "location", elsewhere.clone(), "")]);
        let mut fixture = start(&endpoint.block(), "run-1", None).await;
        fixture.sink.write(&one(batch(0, 0, 2))).await.unwrap();
        fixture.sink.close(true).await.unwrap();
        let refused = fixture.refused.all();
        assert_eq!(
            (refused.len(), fixture.receipts.acknowledged()),
            (1, 1),
            "{status}"
        );
        assert!(
            refused[0].2.contains("redirect to") && refused[0].2.contains("/stolen"),
            "{}",
            refused[0].2
        );
    }
    assert_eq!(other.seen().len(), 0);
    let endpoint = Endpoint::new(json!({})).await;
    endpoint
        .server
        .script([Answer::With(308, "location", "/there".to_owned(), "")]);
    let mut fixture = start(&endpoint.block(), "run-1", None).await;
    fixture.sink.write(&one(batch(0, 0, 1))).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    let taken = endpoint.server.taken();
    assert_eq!(
        (
            taken.len(),
            taken[0].path.as_str(),
            taken[0].method.as_str()
        ),
        (1, "/there", "POST")
    );
    // A 303 would make a GET of it, whose 200 says nothing of the record.
    endpoint
        .server
        .script([Answer::With(303, "location", "/see".to_owned(), "")]);
    let mut fixture = start(&endpoint.block(), "run-2", None).await;
    fixture.sink.write(&one(batch(0, 0, 1))).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    assert_eq!(
        (fixture.receipts.rejected(), endpoint.server.taken().len()),
        (1, 1)
    );
}

/// An endpoint that answers too late is asked again, and the wait for it has an end.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_is_no_answer() {
    let endpoint = Endpoint::new(json!({"timeout": "500ms"})).await;
    endpoint
        .server
        .script([Answer::Late(Duration::from_secs(120))]);
    let mut fixture = start(&endpoint.block(), "run-1", None).await;
    fixture.sink.write(&one(batch(0, 0, 3))).await.unwrap();
    fixture.sink.close(true).await.unwrap();
    assert_eq!(fixture.receipts.acknowledged(), 3);
    let told = fixture.receipts.told();
    // A machine that is busy may be late itself.
    assert!(told.retried >= 1, "{told:?}");
    assert_eq!(told.details["no_answer"], told.retried, "{told:?}");
}

/// One that is away stalls the emulation, visibly, and fails it only where a limit says so.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_away_stalls_or_fails_as_said() {
    let mut endpoint = Endpoint::new(json!({"url": format!("{}/in", nowhere())})).await;
    let mut fixture = start(&endpoint.block(), "run-1", None).await;
    fixture.sink.write(&one(batch(0, 0, 50))).await.unwrap();
    until("it says what stalls it", || {
        fixture.receipts.told().error.is_some()
    });
    let told = fixture.receipts.told();
    assert!(told.error.as_ref().unwrap().contains("refused"), "{told:?}");
    let cancel = fixture.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        cancel.cancel();
    });
    let begun = Instant::now();
    let said = message(fixture.sink.close(true).await);
    assert!(said.contains("stopped while"), "{said}");
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(fixture.receipts.acknowledged(), 0);

    endpoint.options["retry_for"] = "1s".into();
    let mut fixture = start(&endpoint.block(), "run-2", None).await;
    fixture.sink.write(&group(&[0; 3], 50)).await.unwrap();
    let said = message(fixture.sink.close(true).await);
    assert!(
        said.contains("retry_for") && said.contains("--resume"),
        "{said}"
    );
}

/// The health endpoint has its say before anything is sent.
#[tokio::test(flavor = "multi_thread")]
async fn health_is_asked_for_before_the_start() {
    let endpoint = Endpoint::new(json!({"health_timeout": "10s"})).await;
    let mut block = endpoint.block();
    block.1.insert(
        "health".to_owned(),
        format!("{}/ready", endpoint.server.address).into(),
    );
    endpoint
        .server
        .script([Answer::Status(503), Answer::Status(503)]);
    let mut fixture = start(&block, "run-1", None).await;
    let seen = endpoint.server.seen();
    assert_eq!(
        (seen.len(), seen[2].path.as_str(), seen[2].method.as_str()),
        (3, "/ready", "GET")
    );
    fixture.sink.write(&one(batch(0, 0, 1))).await.unwrap();
    fixture.sink.close(true).await.unwrap();

    block.1.insert(
        "health".to_owned(),
        format!("{}/ready?key=hidden", nowhere()).into(),
    );
    block.1.insert("health_timeout".to_owned(), "600ms".into());
    let begun = Instant::now();
    let mut fixture = open(&block, "run-2", &[0; 3]);
    let said = message(fixture.sink.prepare().await);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    assert!(
        said.contains("/ready") && said.contains("health_timeout") && !said.contains("hidden"),
        "{said}"
    );

    let to = format!(
        "{}/in?wh-health={}/ready&health_timeout=500ms",
        endpoint.server.address,
        nowhere()
    );
    let sandbox = Sandbox::new();
    let arguments = ["run", "transaction", "--records", "1", "--to", &to];
    tokio::task::block_in_place(|| sandbox.expect(2, &arguments));
    assert_eq!(endpoint.server.taken().len(), 2, "nothing was sent");
}
