//! Ends a run whose `expect` can't hold any more, where the spec says so (`abort`).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::core::Core;
use super::expect;
use super::report::Outcome;
use crate::spec::Rule;

/// How long draining may take after a stop that nobody stands by.
pub const GRACE: Duration = Duration::from_secs(30);

/// How often rules are looked at.
const EVERY: Duration = Duration::from_millis(250);

/// The task that looks.
pub(super) struct Watch {
    task: Option<JoinHandle<()>>,
    done: CancellationToken,
}

impl Watch {
    /// Begins to look, where the spec has rules that may end the run.
    pub fn start(core: &Arc<Core>) -> Watch {
        let done = CancellationToken::new();
        let expect = &core.plan.expect;
        let after = expect
            .abort
            .filter(|_| expect.rules.iter().any(Rule::tells_early));
        let task = after.map(|after| {
            let (core, done) = (Arc::clone(core), done.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = done.cancelled() => {}
                    () = core.cancel.cancelled() => {}
                    () = watch(&core, Duration::from_nanos(after)) => {}
                }
            })
        });
        Watch { task, done }
    }

    /// Ends the task.
    pub async fn finish(&mut self) {
        self.done.cancel();
        if let Some(task) = self.task.take() {
            // It only looks; nothing of it can fail.
            let _ = task.await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.done.cancel();
    }
}

/// Looks again and again; stops the run at the first rule that is broken, and ends it where it can't
/// be drained.
async fn watch(core: &Core, after: Duration) {
    // A count that has passed its bound is beyond doubt at once; the others wait until they mean something.
    let begun = tokio::time::Instant::now();
    let broken = loop {
        tokio::time::sleep(EVERY).await;
        if core.paused.load(Ordering::Acquire) || core.shared.stopping() {
            continue;
        }
        let report = core.report(Outcome::Running, None);
        let settled = begun.elapsed() >= after;
        let rules = &core.plan.expect.rules;
        let asked = core.asked_so_far(report.rate, after);
        if let Some(broken) = expect::broken(rules, &report, asked, settled) {
            break broken;
        }
    };
    tracing::warn!(rule = %broken.rule, measured = %broken.value, "an `expect` doesn't hold: stopping");
    // Set before the stop, so that the end finds it.
    let _ = core.broken.set(broken);
    core.shared.stop();
    tokio::time::sleep(GRACE).await;
    core.cancel.cancel();
    core.shared.nudge();
}
