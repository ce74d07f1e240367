//! `wellhead health`: whether a server works, for those who have no other program to ask with.

use std::time::Duration;

use super::args::HealthArgs;
use super::{CliError, Status};
use crate::sink::tls;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// Asks, and says what was answered.
///
/// # Errors
/// A URL that is none.
pub async fn run(args: &HealthArgs) -> Result<Status, CliError> {
    let wrong = |why: &dyn std::fmt::Display| CliError::Usage(format!("{}: {why}", args.url));
    let base = reqwest::Url::parse(&args.url).map_err(|e| wrong(&e))?;
    let url = base.join("/health").map_err(|e| wrong(&e))?;
    let local = ["127.0.0.1", "[::1]", "localhost"];
    // This machine's own certificate is for the name by which others know it.
    let verify = url.host_str().is_none_or(|host| !local.contains(&host));
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .no_proxy()
        .tls_backend_preconfigured(tls::http(None, verify).map_err(|e| wrong(&e))?)
        .build()
        .map_err(|e| wrong(&e))?;
    let answer = match client.get(url).send().await {
        Ok(answer) => answer,
        Err(error) => {
            eprintln!("{} doesn't answer: {}", args.url, error.without_url());
            return Ok(Status::Failed);
        }
    };
    let status = answer.status();
    let body = answer.text().await.unwrap_or_default();
    super::print(&format!("{}\n", body.trim_end()))?;
    Ok(match status.is_success() {
        true => Status::Done,
        false => Status::Failed,
    })
}
