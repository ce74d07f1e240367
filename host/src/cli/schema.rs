//! `wellhead schema`: the JSON Schema of what wellhead reads and writes.

use super::args::{SchemaArgs, SchemaOf};
use super::{CliError, Status};
use crate::{emulation, settings, spec};

/// Prints a schema.
///
/// # Errors
/// Where standard output can't be written.
pub fn run(args: &SchemaArgs) -> Result<Status, CliError> {
    let schema = match args.of {
        SchemaOf::Spec => spec::schema(),
        SchemaOf::Settings => settings::schema(),
        SchemaOf::Manifest => emulation::manifest::schema(),
        SchemaOf::Report => emulation::report::schema(),
        SchemaOf::Openapi => {
            super::print_json(&crate::api::openapi())?;
            return Ok(Status::Done);
        }
    };
    super::print_json(&schema)?;
    Ok(Status::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_one_and_says_its_draft() {
        for schema in [
            spec::schema(),
            settings::schema(),
            emulation::manifest::schema(),
            emulation::report::schema(),
        ] {
            let schema = schema.to_value();
            assert!(jsonschema::validator_for(&schema).is_ok(), "{schema:#}");
            assert!(schema["$schema"].is_string(), "{schema:#}");
        }
    }
}
