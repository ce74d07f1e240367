//! A stranger's generator taken in, to its first record: compiled in a child process as a server
//! does, beside the same in this process.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::stream;
use wellhead::plugin::store::{Paths, Store};
use wellhead::plugin::{Compile, CompileLimits, Limits, Runtime, UploadLimits, Uploads, Validate};

use crate::guest;
use crate::measure::{Outcome, median, take_turns};
use crate::table::Row;

const TURNS: usize = 7;
const START: u64 = 1_700_000_000_000_000_000;

/// Milliseconds from the first byte to the first record, nothing being cached.
fn first_record(component: &Bytes, compile: Compile) -> Outcome<f64> {
    let folder = tempfile::tempdir()?;
    let cache = folder.path().join("cache");
    let runtime = Runtime::compiling(Limits::default(), Some(cache), compile)?;
    let store = Store::new(folder.path().join("plugins"));
    let uploads = Uploads::new(store.clone(), runtime.clone(), UploadLimits::default())?;
    let driver = tokio::runtime::Runtime::new()?;
    let begun = Instant::now();
    let body = stream::iter([Ok::<_, String>(component.clone())]);
    let taken = driver.block_on(uploads.take(body, None, "the upload"))?;
    let reference = format!("sha256:{}", taken.inspection.digest);
    let generator = store.load(&runtime, &reference, Paths::Refused)?;
    let configured = generator.configure(Default::default(), Arc::default(), Validate::Sample)?;
    let mut stream = configured.open(7, 0, 1, None);
    if stream.generate(0, &[START])?.is_empty() {
        return Err("it makes no record".into());
    }
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}

/// The stock transaction component under a name that isn't taken.
pub fn renamed() -> Outcome<Bytes> {
    let (name, other) = (b"transaction", b"transactiom");
    let mut component = std::fs::read(guest::built("plugins/transaction.wasm")?)?;
    let mut at = 0;
    while at + name.len() <= component.len() {
        if component[at..].starts_with(name) {
            component[at..at + name.len()].copy_from_slice(other);
        }
        at += 1;
    }
    Ok(component.into())
}

/// Both, and what the process costs.
pub fn rows() -> Outcome<Vec<Row>> {
    let component = renamed()?;
    let child = Compile::Child {
        program: guest::built("release/wellhead")?,
        limits: CompileLimits::default(),
    };
    let [child, own] = take_turns(
        TURNS,
        [&mut || first_record(&component, child.clone()), &mut || {
            first_record(&component, Compile::InProcess)
        }],
    )?;
    let detail = format!(
        "{:.0} KiB; in this process {:.0} ms",
        component.len() as f64 / 1024.0,
        median(&own)
    );
    Ok(vec![Row::at_most(
        "upload of the transaction component to its first record, ms",
        median(&child),
        500.0,
        &detail,
    )])
}
