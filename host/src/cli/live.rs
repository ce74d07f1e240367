//! The live line: rate, lateness, acknowledged, in flight, time left, once every quarter of a second.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::show::{count, micros};
use crate::emulation::Control;

const EVERY: Duration = Duration::from_millis(250);

/// Shows how a run goes, on a terminal; says so every ten seconds elsewhere.
pub struct LiveLine {
    task: JoinHandle<()>,
    done: CancellationToken,
}

impl LiveLine {
    /// Begins to show.
    pub fn start(controls: Vec<Control>) -> LiveLine {
        let done = CancellationToken::new();
        let over = done.clone();
        let terminal = std::io::stderr().is_terminal();
        let task = tokio::spawn(async move {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            let every = if terminal {
                EVERY
            } else {
                Duration::from_secs(10)
            };
            let mut turn = tokio::time::interval(every);
            turn.tick().await;
            let mut before = 0;
            loop {
                tokio::select! {
                    () = over.cancelled() => break,
                    _ = turn.tick() => {}
                }
                let (text, released) = describe(&controls, before, every);
                before = released;
                if terminal {
                    bar.set_message(text);
                    bar.tick();
                } else {
                    tracing::info!("{text}");
                }
            }
            bar.finish_and_clear();
        });
        LiveLine { task, done }
    }

    /// Clears the line.
    pub async fn finish(self) {
        self.done.cancel();
        // It only shows; nothing of it can fail.
        let _ = self.task.await;
    }
}

fn describe(controls: &[Control], before: u64, every: Duration) -> (String, u64) {
    let (mut released, mut settled, mut worst) = (0, 0, None);
    let (mut left, mut error) = (None, None);
    for control in controls {
        let progress = control.progress();
        released += progress.released;
        settled += progress.settled;
        worst = worst.max(progress.lateness_p99);
        left = left.max(progress.left);
        error = error.or(progress.error);
    }
    let rate = (released - before) as f64 / every.as_secs_f64();
    let mut text = format!(
        "{}/s   {} released   {} settled   {} in flight",
        count(rate.round() as u64),
        count(released),
        count(settled),
        count(released.saturating_sub(settled))
    );
    if let Some(p99) = worst {
        text += &format!("   lateness p99 {}", micros(p99));
    }
    if let Some(left) = left {
        text += &format!("   {} s left", left.as_secs());
    }
    if let Some(error) = error {
        text += &format!("   stalled: {error}");
    }
    (text, released)
}
