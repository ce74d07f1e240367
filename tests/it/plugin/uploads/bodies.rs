//! Bodies that are nothing to take in, too long, too short, too slow, or cut off.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use wellhead::plugin::{UploadError, UploadLimits};

use super::{Intake, body, fixture, rations, says};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_component_is_refused_with_what_to_do() {
    let intake = Intake::new();
    let villain = fixture("villain");
    let mut zip = b"PK\x03\x04".to_vec();
    zip.extend_from_slice(&villain);
    for (case, bytes, parts) in [
        ("zip", &zip[..], ["a ZIP archive", "unpack it"]),
        ("gzip", b"\x1f\x8b\x08\0\0", ["gzip", "gunzip"]),
        ("empty", b"", ["is empty", "component is needed"]),
        (
            "text",
            b"(component)",
            ["WebAssembly text", "wasm-tools parse"],
        ),
        (
            "ELF",
            b"\x7fELF\x02\x01\x01",
            ["compiled already", "never taken from outside"],
        ),
        (
            "HTML",
            b"<!doctype html>",
            ["not WebAssembly", "00 61 73 6d"],
        ),
        ("header", b"\0asm\x0d", ["cut short", "ends in its header"]),
        (
            "truncated",
            &villain[..villain.len() / 2],
            ["cut short", "download it again"],
        ),
    ] {
        intake.refuses(case, bytes, &parts).await;
    }
    // It is given up as soon as its beginning is there.
    let polled = Arc::new(AtomicUsize::new(0));
    let endless = counted(polled.clone(), |_| {
        Some(Ok(Bytes::from_static(&[b'P'; 4096])))
    });
    let taken = intake.uploads.take(endless, None, "endless").await;
    says(
        "endless",
        taken,
        &["endless is not WebAssembly"],
        &intake.left(),
    );
    assert_eq!(polled.load(Ordering::Relaxed), 1);
}

/// A body that counts how often it was asked.
fn counted(
    polled: Arc<AtomicUsize>,
    chunk: impl Fn(usize) -> Option<Result<Bytes, &'static str>>,
) -> impl Stream<Item = Result<Bytes, &'static str>> {
    stream::iter(std::iter::from_fn(move || {
        chunk(polled.fetch_add(1, Ordering::Relaxed))
    }))
}

/// A component's header, and then nothing that would end it.
pub fn flood(length: usize) -> impl Fn(usize) -> Option<Result<Bytes, &'static str>> {
    let mut first = b"\0asm\x0d\0\x01\0".to_vec();
    first.resize(length, 0);
    let (first, rest) = (Bytes::from(first), Bytes::from(vec![0; length]));
    move |n| Some(Ok(if n == 0 { first.clone() } else { rest.clone() }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_is_stopped_at_the_limit() {
    const CHUNK: usize = 1 << 20;
    let intake = Intake::new();
    let polled = Arc::new(AtomicUsize::new(0));
    let endless = counted(polled.clone(), flood(CHUNK));
    let taken = intake.uploads.take(endless, None, "endless").await;
    let parts = ["endless is larger than 64 MiB"];
    let error = says("endless", taken, &parts, &intake.left());
    assert!(matches!(error, UploadError::TooLarge { limit, .. } if limit == 64 << 20));
    assert_eq!(polled.load(Ordering::Relaxed), 65, "chunks of a MiB");
    // Said to be too long, it isn't even begun.
    polled.store(0, Ordering::Relaxed);
    let huge = counted(polled.clone(), flood(CHUNK));
    let taken = intake.uploads.take(huge, Some(300 << 20), "huge").await;
    says(
        "huge",
        taken,
        &["huge is larger than 64 MiB"],
        &intake.left(),
    );
    assert_eq!(polled.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_length_is_said_with_both() {
    let intake = Intake::new();
    let villain = fixture("villain");
    let length = villain.len() as u64;
    for declared in [length - 1, length + 1, 0] {
        let taken = intake
            .uploads
            .take(body(&villain), Some(declared), "it")
            .await;
        let text = format!("{declared} were declared");
        let error = says("length", taken, &[&text], &intake.left());
        assert!(matches!(error, UploadError::Length { .. }));
    }
    let taken = intake
        .uploads
        .take(body(&villain), Some(length), "it")
        .await;
    assert!(taken.unwrap().new);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_off_stalls_or_is_called_off_leaves_nothing() {
    let limits = UploadLimits {
        idle: Duration::from_millis(50),
        ..UploadLimits::default()
    };
    let intake = Intake::with(rations(), limits.clone());
    let villain = fixture("villain");
    let half = || body(&villain[..villain.len() / 2]).map(|chunk| chunk.map_err(|e| e.to_string()));
    let broken = half().chain(stream::iter([Err("connection reset".to_owned())]));
    let taken = intake.uploads.take(broken, None, "it").await;
    says(
        "cut off",
        taken,
        &["broke off after", "connection reset", "send it again"],
        &intake.left(),
    );
    let stalled = half().chain(stream::pending());
    let taken = intake.uploads.take(stalled, None, "it").await;
    says(
        "stalled",
        taken,
        &["given up after", "nothing came for 50ms"],
        &intake.left(),
    );
    // A body that never is whole, though something always comes.
    let whole = UploadLimits {
        whole: Duration::from_millis(100),
        ..UploadLimits::default()
    };
    let slow = Intake::with(rations(), whole);
    let dribble = || {
        stream::unfold(0, |n| async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let chunk = if n == 0 {
                &b"\0asm\x0d\0\x01\0"[..]
            } else {
                b"\0"
            };
            Some((Ok::<_, String>(Bytes::from_static(chunk)), n + 1))
        })
    };
    let taken = slow.uploads.take(dribble(), None, "it").await;
    says(
        "dribble",
        taken,
        &["given up after", "wasn't whole after 100ms"],
        &slow.left(),
    );
    // Something always comes, and it would be whole some day.
    let paced = UploadLimits {
        idle: Duration::from_millis(100),
        pace: 1 << 20,
        ..UploadLimits::default()
    };
    let slow = Intake::with(rations(), paced);
    let taken = slow.uploads.take(dribble(), None, "it").await;
    says(
        "pace",
        taken,
        &["given up after", "less than 1048576 bytes a second"],
        &slow.left(),
    );
    // Whoever sends it goes away: the future is dropped.
    let patient = Intake::new();
    let pending = half().chain(stream::pending());
    let taken = patient.uploads.take(pending, None, "it");
    assert!(
        tokio::time::timeout(Duration::from_millis(100), taken)
            .await
            .is_err()
    );
    assert_eq!(patient.left(), [""; 0]);
}
