//! `wellhead token`: who may use a server.

use serde_json::json;

use super::args::{RoleName, TokenArgs, TokenCommand};
use super::sinks::plain;
use super::{CliError, Status};
use crate::server::tokens::{Role, Tokens};
use crate::settings::Settings;

/// Makes, lists or revokes.
///
/// # Errors
/// Where the data folder can't be read or written, or there is no such token.
pub fn run(settings: &Settings, args: &TokenArgs) -> Result<Status, CliError> {
    let data = args.data.clone().unwrap_or_else(|| settings.data.clone());
    let tokens = Tokens::of(&data);
    match &args.command {
        TokenCommand::New { role, expires } => {
            let expires = expires.as_deref().map(end).transpose()?;
            let role = match role {
                RoleName::Read => Role::Read,
                RoleName::Operate => Role::Operate,
                RoleName::Admin => Role::Admin,
            };
            let text = tokens.add(role, expires)?;
            super::print(&format!("{text}\n"))?;
            let until = expires.map_or("until it is revoked".to_owned(), |end| {
                format!("until {end:.0}")
            });
            eprintln!("it is shown this once, and valid {until}: Authorization: Bearer TOKEN");
        }
        TokenCommand::List { json } => list(&tokens, *json)?,
        TokenCommand::Revoke { id } => {
            tokens.revoke(id)?;
            eprintln!("token {id} isn't valid any more");
        }
    }
    Ok(Status::Done)
}

fn end(length: &str) -> Result<jiff::Timestamp, CliError> {
    let nanos = crate::spec::units::time(length)
        .map_err(|e| CliError::Usage(format!("--expires {}", e.replace('\n', ": "))))?;
    let seconds = i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX);
    let end = jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_secs(seconds));
    end.map_err(|e| CliError::Usage(format!("--expires {length}: {e}")))
}

fn list(tokens: &Tokens, as_json: bool) -> Result<(), CliError> {
    let all = tokens.list()?;
    if as_json {
        let rows = all.iter().map(|token| {
            json!({ "id": token.id, "role": token.role, "created": token.created, "expires": token.expires })
        });
        return super::print_json(&rows.collect::<Vec<_>>());
    }
    let mut table = plain(["token", "role", "made", "expires"]);
    for token in all.iter() {
        let expires = token
            .expires
            .map_or("never".to_owned(), |end| format!("{end:.0}"));
        table.add_row([
            token.id.clone(),
            token.role.to_string(),
            format!("{:.0}", token.created),
            expires,
        ]);
    }
    super::print(&format!("{table}\n"))
}
