//! Flags of `wellhead template`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

const FROM_EXAMPLES: &str = "\
Examples:
  wellhead template from orders.ndjson > orders.yaml && wellhead preview orders.yaml
  wellhead template from schema.sql --of orders
  kcat -C -e -t orders -b localhost:9092 | wellhead template from -";

/// What `template` does.
#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    /// Draft a spec from a schema, a table's definition, or a sample of records, with a word wherever it is a guess.
    #[command(after_help = FROM_EXAMPLES)]
    From {
        /// The file; - for standard input.
        file: PathBuf,
        /// What it is, where that can't be told by its name and looks.
        #[arg(long = "as", value_enum, value_name = "KIND")]
        kind: Option<Kind>,
        /// Which table, or schema of an OpenAPI document, where there are several.
        #[arg(long, value_name = "NAME")]
        of: Option<String>,
    },
}

/// What a draft is made from.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// JSON records: a line each, or an array.
    Json,
    /// Rows with a header.
    Csv,
    /// JSON Schema, as JSON or YAML.
    JsonSchema,
    /// An OpenAPI document, as JSON or YAML.
    Openapi,
    /// An Avro schema.
    Avro,
    /// CREATE TABLE.
    Sql,
}
