//! Components that mean harm: each is refused by its own limit, and the next honest one goes in.

use std::time::{Duration, Instant};

use wellhead::plugin::CompileLimits;

use super::{Intake, UploadLimits, fixture, made, rations};

/// How long it takes to refuse one, at most, on a machine with other things to do.
const PATIENCE: Duration = Duration::from_secs(60);

async fn refused(intake: &Intake, case: &str, bytes: &[u8], parts: &[&str]) {
    let begun = Instant::now();
    intake.refuses(case, bytes, parts).await;
    let taken = begun.elapsed();
    eprintln!("{case}: {} bytes, refused after {taken:?}", bytes.len());
    assert!(taken < PATIENCE, "{case}: {taken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_much_to_compile_is_stopped() {
    let intake = Intake::new();
    let bomb = made::multiplied(12, 8);
    assert!(bomb.len() < 9 << 10, "{} bytes", bomb.len());
    let memory = ["more than 512 MiB of memory to be compiled"];
    refused(&intake, "instances by the billion", &bomb, &memory).await;
    let quick = CompileLimits {
        cpu: Duration::from_secs(1),
        ..rations()
    };
    let brief = Intake::with(quick, UploadLimits::default());
    let many = made::functions(20_000, 200);
    let cpu = ["more than 1s of CPU time to be compiled"];
    refused(&brief, "functions by ten thousands", &many, &cpu).await;
    let hasty = CompileLimits {
        wall: Duration::from_millis(100),
        ..rations()
    };
    let hasty = Intake::with(hasty, UploadLimits::default());
    let wall = ["not compiled after 100ms", "overloaded"];
    refused(&hasty, "functions by ten thousands", &many, &wall).await;
    let narrow = CompileLimits {
        code_bytes: 1 << 10,
        ..rations()
    };
    let narrow = Intake::with(narrow, UploadLimits::default());
    let code = ["compiles to more than 1 KiB"];
    refused(&narrow, "code without end", &fixture("villain"), &code).await;
    assert!(intake.take(&fixture("villain")).await.unwrap().new);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_huge_in_its_types_is_refused() {
    let intake = Intake::new();
    refused(
        &intake,
        "huge types",
        &made::types(12),
        &["not a valid component"],
    )
    .await;
    let exports = ["another world", "export-number-7"];
    refused(&intake, "10,000 exports", &made::exports(10_000), &exports).await;
    assert!(intake.take(&fixture("villain")).await.unwrap().new);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reaches_out_is_refused_by_name() {
    let intake = Intake::new();
    for (name, hint) in [
        ("wasi:http/outgoing-handler@0.2.3", "no network"),
        ("wasi:http/types@0.2.12", "-d http -d fetch-event"),
        ("wasi:keyvalue/store@0.2.0", "build it without that"),
        ("wasi:sockets/types@0.3.0", "build it without that"),
        ("wasi:sockets/tcp@0.3.0", "serves WASI 0.2"),
        ("wasi:random/random@0.2.0-rc-2023-11-10", "serves WASI 0.2"),
    ] {
        let parts = [&format!("imports `{name}`"), "not given", hint];
        refused(&intake, name, &made::imports(name), &parts).await;
    }
    let other = made::imports("wellhead:generator/secrets@1.0.0");
    refused(
        &intake,
        "secrets",
        &other,
        &["`wellhead:generator/secrets@1.0.0`"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_harms_when_it_is_asked_is_ended() {
    let intake = Intake::new();
    let spins = made::with_start(&fixture("core-unwrapped"));
    let cpu = "more than 400ms of CPU time";
    refused(&intake, "start", &spins, &["ended in `instantiate`", cpu]).await;
    for (name, parts) in [
        ("describe-spin", ["ended in `describe`", cpu]),
        (
            "describe-trap",
            ["ended in `describe`", "villain panics in describe"],
        ),
        (
            "describe-grow",
            ["ended in `describe`", "the limit is 128 MiB"],
        ),
        ("describe-recurse", ["ended in `describe`", "stack"]),
        (
            "long-summary",
            ["breaks the contract", "summary is 501 bytes"],
        ),
        ("many-labels", ["breaks the contract", "64 labels"]),
        ("schema-big", ["breaks the contract", "the limit is 262144"]),
        ("wrong-name", ["breaks the contract", "name \"Villain!\""]),
        ("version-2.0.0", ["version 2.0.0", "serves 1.0"]),
        ("foreign-world", ["another world", "wit/generator.wit"]),
        (
            "foreign-import",
            ["`acme:station/forecast@1.0.0`", "compose it"],
        ),
    ] {
        refused(&intake, name, &fixture(name), &parts).await;
    }
    assert!(intake.take(&fixture("villain")).await.unwrap().new);
}
