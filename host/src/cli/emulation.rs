//! `wellhead emulation`: those of a server.

use serde_json::{Value, json};

use super::args::{EmulationCommand, ServerFlags, SpecArgs};
use super::sinks::plain;
use super::{CliError, Status};
use crate::client::{Client, Happened};
use crate::server::{EmulationStatus, Phase};
use crate::settings::Environment;
use crate::spec::{Document, Load};

/// Emulations of a page.
const PAGE: usize = 200;
/// Where a server listens when nobody says.
const USUAL: &str = "http://127.0.0.1:8080";

/// The server of the flags, else the one of this machine.
pub(super) fn client(flags: &ServerFlags) -> Result<Client, CliError> {
    let url = flags.url.as_deref().unwrap_or(USUAL);
    Ok(Client::new(url, flags.token.clone())?)
}

/// Does what is asked for, and says how it stands then.
///
/// # Errors
/// Where the server refuses, or isn't there.
pub async fn run(flags: &ServerFlags, command: &EmulationCommand) -> Result<Status, CliError> {
    let client = client(flags)?;
    match command {
        EmulationCommand::Start { spec, watch, json } => {
            return start(&client, spec, *watch, *json).await;
        }
        EmulationCommand::List {
            state,
            name,
            limit,
            json,
        } => list(&client, state.as_deref(), name.as_deref(), *limit, *json).await?,
        EmulationCommand::Show { id } => super::print_json(&client.show(id).await?)?,
        EmulationCommand::Watch { id, json } => return watch(&client, id, *json).await,
        EmulationCommand::Pause(which) => steer(&client, &which.ids, "pause").await?,
        EmulationCommand::Resume(which) => steer(&client, &which.ids, "resume").await?,
        EmulationCommand::Stop(which) => steer(&client, &which.ids, "stop").await?,
        EmulationCommand::Rate { id, load } => {
            let wrong = |message: String| CliError::Usage(format!("the load: {message}"));
            let load: Load = load.parse().map_err(wrong)?;
            let load = serde_json::to_value(load).map_err(CliError::output)?;
            say(&client.set_load(id, &load).await?);
        }
        EmulationCommand::Delete(which) => {
            for id in &which.ids {
                client.delete(id).await?;
                eprintln!("{id}: deleted");
            }
        }
    }
    Ok(Status::Done)
}

async fn start(
    client: &Client,
    spec: &SpecArgs,
    watching: bool,
    json: bool,
) -> Result<Status, CliError> {
    // What this machine's environment says is about this machine.
    let document = spec.document(&Environment::default())?;
    let started = client.start(&written(&document)).await?;
    if json {
        super::print_json(&started)?;
    } else {
        for one in &started {
            eprintln!("{}: {} ({})", one.id, one.state, one.name);
        }
    }
    let mut status = Status::Done;
    if watching {
        for one in &started {
            status = status.worse(watch(client, &one.id, json).await?);
        }
    }
    Ok(status)
}

/// A document as a body: whatever it was read from, with the flags laid over it.
fn written(document: &Document) -> Value {
    match document {
        Document::One(spec) => spec.redacted(),
        Document::Scenario { name, emulations } => {
            let emulations: Vec<Value> = emulations.iter().map(|spec| spec.redacted()).collect();
            match name {
                Some(name) => json!({"name": name, "emulations": emulations}),
                None => json!({ "emulations": emulations }),
            }
        }
    }
}

async fn list(
    client: &Client,
    state: Option<&str>,
    name: Option<&str>,
    limit: usize,
    json: bool,
) -> Result<(), CliError> {
    let mut all: Vec<EmulationStatus> = Vec::new();
    let mut cursor: Option<String> = None;
    while all.len() < limit {
        let page = (limit - all.len()).min(PAGE);
        let mut query = vec![("limit", page.to_string())];
        let more = [
            ("state", state.map(str::to_owned)),
            ("name", name.map(str::to_owned)),
            ("cursor", cursor.take()),
        ];
        query.extend(
            more.into_iter()
                .filter_map(|(key, value)| Some((key, value?))),
        );
        let page = client.list(&query).await?;
        all.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    if json {
        return super::print_json(&all);
    }
    let mut table = plain(["id", "name", "state", "acknowledged", "rate", "created"]);
    for one in &all {
        let count = one.report.get("records").map(|r| &r["acknowledged"]);
        let rate = one.report.get("rate").and_then(Value::as_f64);
        table.add_row([
            one.id.clone(),
            one.name.clone(),
            one.state.to_string(),
            count.map_or_else(String::new, Value::to_string),
            rate.map_or_else(String::new, |rate| format!("{rate:.0}/s")),
            one.created.clone(),
        ]);
    }
    super::print(&format!("{table}\n"))
}

async fn steer(client: &Client, ids: &[String], verb: &str) -> Result<(), CliError> {
    for id in ids {
        say(&client.steer(id, verb).await?);
    }
    Ok(())
}

fn say(one: &EmulationStatus) {
    eprintln!("{}: {}", one.id, one.state);
}

/// Shows each event until there are no more.
async fn watch(client: &Client, id: &str, json: bool) -> Result<Status, CliError> {
    let mut watch = client.watch(id);
    while let Some(happened) = watch.next().await? {
        match json {
            true => {
                let line = json!({"event": happened.kind, "data": happened.data});
                super::print(&format!("{line}\n"))?;
            }
            false => super::print(&line(id, &happened))?,
        }
    }
    let end = client.show(id).await?;
    if !json {
        super::print(&format!("{id}: {}\n", end.state))?;
    }
    Ok(match end.state {
        Phase::Finished | Phase::Stopped => Status::Done,
        Phase::Aborted => Status::Unexpected,
        _ => Status::Failed,
    })
}

fn line(id: &str, happened: &Happened) -> String {
    let data = &happened.data;
    let said = match happened.kind.as_str() {
        "status" => data["state"].as_str().unwrap_or_default().to_owned(),
        "progress" => {
            let left = data["left_s"].as_f64();
            let left = left.map_or_else(String::new, |left| format!(", {left:.0} s left"));
            let late = data["lateness_p99_us"].as_u64();
            let late = late.map_or_else(String::new, |us| format!(", p99 {us} µs late"));
            format!(
                "{} released, {} acknowledged{late}{left}",
                data["released"], data["settled"]
            )
        }
        _ => format!("error: {}", data["error"].as_str().unwrap_or_default()),
    };
    format!("{id}: {said}\n")
}
