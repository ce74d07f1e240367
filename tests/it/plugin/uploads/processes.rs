//! The processes that compile: how many there are, what becomes of them when they are called off,
//! killed, or lose their parent.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use rustix::process::Signal;
use wellhead::plugin::store::Store;
use wellhead::plugin::{CompileLimits, UploadError, UploadLimits, Uploads};

use super::bodies::flood;
use super::{Intake, body, fixture, left, made, rations, runtime, says};
use crate::common::{signal, until};

/// Where the helpers below, which are this program again, find their folder.
const FOLDER: &str = "WELLHEAD_TEST_UPLOADS";

/// Limits that no process of another test has, so that its processes are known by them.
fn marked(cpu: u64) -> CompileLimits {
    CompileLimits {
        memory_bytes: 1 << 40,
        cpu: Duration::from_secs(cpu),
        wall: Duration::from_secs(600),
        ..rations()
    }
}

/// Processes that compile under those limits.
fn compiling(cpu: u64) -> Vec<u32> {
    let mark = format!("\"cpu_seconds\":{cpu},");
    let ids = std::fs::read_dir("/proc").unwrap();
    let ids = ids.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        // One that has just ended has none.
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.contains("compile-component") && line.contains(&mark)
    })
    .collect()
}

/// Takes many seconds to compile.
fn endless() -> Vec<u8> {
    made::functions(20_000, 200)
}

/// A process that compiles under those limits, as soon as there is one.
async fn begun(cpu: u64) -> u32 {
    let found = async {
        loop {
            if let Some(id) = compiling(cpu).first() {
                return *id;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(60), found).await;
    found.expect("nothing compiles")
}

/// This program again, with one test alone.
fn helper(test: &str, folder: &Path) -> Child {
    let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", &name, "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn given_folder() -> PathBuf {
    PathBuf::from(std::env::var_os(FOLDER).expect("another test runs this one"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compilation_that_nobody_waits_for_is_ended() {
    const CPU: u64 = 70_001;
    let intake = Intake::with(marked(CPU), UploadLimits::default());
    let endless = endless();
    let taken = intake.uploads.take(body(&endless), None, "endless");
    tokio::select! {
        taken = taken => panic!("it ended: {taken:?}"),
        _ = begun(CPU) => {}
    }
    until("the process is gone", || compiling(CPU).is_empty());
    // The thread that waited for it takes the body away.
    until("nothing is left", || intake.left().is_empty());
    assert!(intake.take(&fixture("villain")).await.unwrap().new);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_that_is_killed_is_not_the_components_fault() {
    const CPU: u64 = 70_002;
    let intake = Intake::with(marked(CPU), UploadLimits::default());
    let endless = endless();
    let kill = async { signal(begun(CPU).await, Signal::KILL) };
    let (taken, ()) = tokio::join!(intake.take(&endless), kill);
    let parts = ["killed by somebody else", "not of the component"];
    let error = says("killed", taken, &parts, &intake.left());
    assert!(matches!(&error, UploadError::Store(error) if error.to_string().contains("compiles")));
    assert_eq!(compiling(CPU), [0; 0], "it is reaped");
}

const ORPHANS: u64 = 70_003;

#[test]
#[ignore = "run by what_a_kill_leaves_is_swept, which kills it"]
fn uploads_until_it_is_killed() {
    let store = Store::new(given_folder());
    let uploads = Uploads::new(store, runtime(marked(ORPHANS)), UploadLimits::default()).unwrap();
    let endless = endless();
    let driver = tokio::runtime::Runtime::new().unwrap();
    let taken = driver.block_on(uploads.take(body(&endless), None, "endless"));
    panic!("it ended: {taken:?}");
}

#[test]
fn what_a_kill_leaves_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let mut parent = helper("uploads_until_it_is_killed", folder.path());
    until("it compiles", || !compiling(ORPHANS).is_empty());
    parent.kill().unwrap();
    parent.wait().unwrap();
    until("its child is gone too", || compiling(ORPHANS).is_empty());
    assert_eq!(left(folder.path()).len(), 1, "the body is still there");
    let store = Store::new(folder.path().to_owned());
    Uploads::new(store.clone(), runtime(rations()), UploadLimits::default()).unwrap();
    assert_eq!(left(folder.path()), [""; 0]);
    assert_eq!(store.list().unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_there_is_room_for_are_told_to_come_again() {
    let limits = UploadLimits {
        at_once: 2,
        ..UploadLimits::default()
    };
    let intake = Intake::with(rations(), limits);
    let pending = || futures::stream::pending::<Result<Bytes, String>>();
    let first = intake.uploads.take(pending(), None, "it");
    let second = intake.uploads.take(pending(), None, "it");
    let third = async {
        // The others came first, and are asked first.
        tokio::task::yield_now().await;
        intake.take(&fixture("villain")).await
    };
    let refused = tokio::select! {
        biased;
        _ = first => panic!("it ended"),
        _ = second => panic!("it ended"),
        third = third => third,
    };
    let Err(UploadError::Busy { retry_after }) = refused else {
        panic!("not refused: {refused:?}");
    };
    assert!(retry_after >= Duration::from_secs(1));
    // The places are free again.
    assert!(intake.take(&fixture("villain")).await.unwrap().new);
}

const CROWD: u64 = 70_004;
const MIB: u64 = 1 << 20;

/// The most memory that this process has had so far.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .next()
        .unwrap()
        .parse::<u64>()
        .unwrap()
        << 10
}

#[test]
#[ignore = "run by a_thousand_at_once_cost_no_more_than_a_few, in a process of its own"]
fn a_thousand_uploads() {
    let store = Store::new(given_folder());
    let rations = CompileLimits {
        cpu: Duration::from_secs(CROWD),
        ..rations()
    };
    let uploads = Uploads::new(store.clone(), runtime(rations), UploadLimits::default()).unwrap();
    let villain = Bytes::from(fixture("villain"));
    let driver = tokio::runtime::Runtime::new().unwrap();
    let take = || {
        let body = futures::stream::iter([Ok::<_, String>(villain.clone())]);
        uploads.take(body, None, "it")
    };
    driver.block_on(take()).unwrap();
    let before = peak();
    let done = AtomicBool::new(false);
    let most = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = most.max(compiling(CROWD).len());
            }
            most
        });
        let taken = driver.block_on(join_all((0..1000).map(|_| take())));
        done.store(true, Ordering::Relaxed);
        let busy = |taken: &&Result<_, UploadError>| matches!(taken, Err(UploadError::Busy { .. }));
        let refused = taken.iter().filter(busy).count();
        let whole = taken.iter().filter(|taken| taken.is_ok()).count();
        assert_eq!(
            (whole, refused),
            (16, 984),
            "{:?}",
            taken.iter().find(|t| t.is_err())
        );
        watch.join().unwrap()
    });
    assert!(most <= 2, "{most} processes at once");
    let endless = uploads.take(
        futures::stream::iter((0..300).map_while(flood(1 << 20))),
        None,
        "it",
    );
    assert!(matches!(
        driver.block_on(endless),
        Err(UploadError::TooLarge { .. })
    ));
    let grown = peak().saturating_sub(before);
    eprintln!("{} MiB more, {most} processes at once", grown / MIB);
    assert!(grown < 64 * MIB, "{grown} bytes more");
    assert_eq!(store.list().unwrap().len(), 1);
    assert_eq!(left(&given_folder()).len(), 2);
}

#[test]
fn a_thousand_at_once_cost_no_more_than_a_few() {
    let folder = tempfile::tempdir().unwrap();
    let output = crate::common::wait(helper("a_thousand_uploads", folder.path()));
    let said = String::from_utf8_lossy(&output.stderr);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}\n{said}"
    );
    eprintln!("{}", said.lines().last().unwrap_or_default());
}
