//! `wellhead template`: descriptions for the generator of that name.

use std::io::Read as _;
use std::path::Path;

use super::args::{Kind, TemplateCommand};
use super::{CliError, Status};
use crate::draft::{Source, draft, source_of};
use crate::emulation::Engine;
use crate::emulation::plan::Tuning;
use crate::spec::{Format, parse};

/// Drafts a spec, and tries whether the generator takes it.
///
/// # Errors
/// Where the file can't be read, or nothing can be made of it.
pub fn run(engine: &Engine, command: &TemplateCommand) -> Result<Status, CliError> {
    let TemplateCommand::From { file, kind, of } = command;
    let text = read(file)?;
    let name = file.to_string_lossy();
    let source = kind.map_or_else(|| source_of(&name, &text), source);
    let draft = draft(source, &name, &text, of.as_deref())?;
    let spec = draft.to_yaml();
    super::print(&spec)?;
    let document = parse(&spec, Format::Yaml, "the draft")?;
    engine.plans(&document, "draft", 0, Tuning::default())?;
    Ok(Status::Done)
}

fn read(file: &Path) -> Result<String, CliError> {
    let failed = |e| CliError::Usage(format!("{} can't be read: {e}", file.display()));
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(failed)?;
        return Ok(text);
    }
    std::fs::read_to_string(file).map_err(failed)
}

fn source(kind: Kind) -> Source {
    match kind {
        Kind::Json => Source::Json,
        Kind::Csv => Source::Csv,
        Kind::JsonSchema => Source::JsonSchema,
        Kind::Openapi => Source::OpenApi,
        Kind::Avro => Source::Avro,
        Kind::Sql => Source::Sql,
    }
}
