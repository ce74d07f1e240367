//! How a run is stopped from outside.

use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::CliError;
use crate::emulation::{Control, GRACE};

/// SIGINT and SIGTERM: the first drains, the second ends at once.
pub struct Signals {
    task: tokio::task::JoinHandle<()>,
    done: CancellationToken,
    first: Arc<std::sync::atomic::AtomicI32>,
}

impl Signals {
    /// Listens for both, for those emulations.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn listen(controls: Vec<Control>) -> Result<Signals, CliError> {
        let refused = |e| CliError::Usage(format!("the system refuses signals: {e}"));
        let mut int = signal(SignalKind::interrupt()).map_err(refused)?;
        let mut term = signal(SignalKind::terminate()).map_err(refused)?;
        let first = Arc::new(std::sync::atomic::AtomicI32::new(0));
        let done = CancellationToken::new();
        let (told, over) = (Arc::clone(&first), done.clone());
        let task = tokio::spawn(async move {
            let got = tokio::select! {
                _ = int.recv() => 130,
                _ = term.recv() => 143,
                () = over.cancelled() => return,
            };
            told.store(got, std::sync::atomic::Ordering::SeqCst);
            eprintln!("stopping: what is due goes out and is settled; once more to end at once");
            controls.iter().for_each(Control::stop);
            tokio::select! {
                _ = int.recv() => eprintln!("ending at once"),
                _ = term.recv() => eprintln!("ending at once"),
                () = tokio::time::sleep(GRACE) => {
                    eprintln!("not drained within {} s: ending", GRACE.as_secs());
                }
                () = over.cancelled() => return,
            }
            controls.iter().for_each(Control::kill);
        });
        Ok(Signals { task, done, first })
    }

    /// The exit status that a signal asks for, if one came.
    pub async fn finish(self) -> Option<i32> {
        self.done.cancel();
        // It only waits; nothing of it can fail.
        let _ = self.task.await;
        let first = self.first.load(std::sync::atomic::Ordering::SeqCst);
        (first != 0).then_some(first)
    }
}
