//! Standard output, for pipes and eyes. Nobody confirms what a reader took, so records are sent.

use std::os::fd::AsFd;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::io::AsyncWriteExt;

use super::{
    Address, Config, ConfigError, Context, Guarantee, Kind, Reach, Receipt, SendError, Sink,
    options,
};
use crate::encode::{Encoder, Format, Scratch};
use crate::record::{Channel, Group};

/// The row of the table of sinks.
pub const KIND: Kind = Kind {
    name: "stdout",
    summary: "Writes records to standard output.",
    reach: Reach::Process,
    schema: || schemars::schema_for!(Options),
    from_address,
    configure: |given| {
        let options: Options = options::parse("stdout", given)?;
        Ok(Arc::new(options))
    },
};

/// Text is written out once so much of it has gathered.
const CHUNK: usize = 256 * 1024;

/// Options of standard output.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Options {
    /// How records are written: ndjson, json (one array) or csv.
    #[serde(default)]
    format: Format,
    /// Adds a field (a column) of this name that says whether a record appends, upserts or deletes.
    #[serde(default)]
    operation_field: Option<String>,
}

fn from_address(address: &Address) -> Result<Map<String, Value>, ConfigError> {
    if address.authority.is_empty() && address.path.is_empty() {
        return Ok(Map::new());
    }
    Err(ConfigError::new(
        "stdout takes no address: write `stdout`, or `stdout?format=csv`",
    ))
}

impl Options {
    fn encoder(&self, channels: &[Channel], json: bool) -> Result<Encoder, ConfigError> {
        Encoder::new(
            self.format,
            channels,
            json,
            0..channels.len(),
            self.operation_field.as_deref(),
        )
        .map_err(|error| ConfigError::option("format", format!("stdout: {error}")))
    }
}

impl Config for Options {
    fn target(&self) -> String {
        "stdout".to_owned()
    }

    fn check(&self, channels: &[Channel], json: bool) -> Result<(), ConfigError> {
        self.encoder(channels, json).map(drop)
    }

    fn reads_records(&self) -> bool {
        self.format != Format::Ndjson
    }

    fn open(&self, context: Context) -> Result<Box<dyn Sink>, SendError> {
        let encoder = self
            .encoder(&context.channels, context.json)
            .map_err(|error| SendError::fatal(error.message))?;
        // Its own descriptor: the standard library's handle would flush at each line feed.
        let descriptor = std::io::stdout()
            .as_fd()
            .try_clone_to_owned()
            .map_err(|error| SendError::fatal(format!("standard output can't be used: {error}")))?;
        Ok(Box::new(Stdout {
            output: tokio::fs::File::from_std(std::fs::File::from(descriptor)),
            encoder,
            scratch: Scratch::default(),
            text: Vec::new(),
            begun: false,
            empty: true,
            context,
        }))
    }
}

struct Stdout {
    context: Context,
    output: tokio::fs::File,
    encoder: Encoder,
    scratch: Scratch,
    /// Encoded and not yet written.
    text: Vec<u8>,
    begun: bool,
    empty: bool,
}

impl Stdout {
    /// Writes what has gathered. A reader that doesn't read holds this up until it reads, leaves,
    /// or the emulation is cancelled.
    async fn flush(&mut self) -> Result<(), SendError> {
        let Stdout {
            output,
            text,
            context,
            ..
        } = self;
        let written = async {
            output.write_all(text).await?;
            output.flush().await
        };
        let result = tokio::select! {
            result = written => result,
            () = context.cancel.cancelled() => {
                return Err(SendError::fatal("standard output: stopped while its reader took nothing"));
            }
        };
        text.clear();
        result.map_err(|error| match error.kind() {
            std::io::ErrorKind::BrokenPipe => SendError::fatal(
                "standard output was closed by its reader before all records were written",
            ),
            _ => SendError::fatal(format!("standard output can't be written: {error}")),
        })
    }

    fn begin(&mut self) {
        if !self.begun {
            self.begun = true;
            self.encoder.begin(&mut self.text);
        }
    }

    fn receipt(&self) -> Receipt {
        Receipt::at(self.context.receipts.watermark())
    }
}

#[async_trait]
impl Sink for Stdout {
    fn guarantee(&self) -> Guarantee {
        Guarantee::Sent
    }

    async fn write(&mut self, group: &Group) -> Result<(), SendError> {
        self.begin();
        if let [part] = group.parts.as_slice() {
            // In steps, so that a large group doesn't take its size in memory again.
            let mut at = part.range.start;
            while at < part.range.end {
                let start = at;
                let mut size = 0;
                while at < part.range.end && size < CHUNK {
                    size += part.batch.record(at).len() + 1;
                    at += 1;
                }
                self.encoder.records(
                    &part.batch,
                    start..at,
                    self.empty,
                    &mut self.scratch,
                    &mut self.text,
                );
                self.empty = false;
                self.flush().await?;
            }
        } else {
            let Stdout {
                encoder,
                scratch,
                text,
                empty,
                ..
            } = self;
            let all = group.merged(|part, record| {
                encoder.record(&group.parts[part].batch, record, *empty, scratch, text);
                *empty = false;
                Ok::<(), std::convert::Infallible>(())
            });
            match all {
                Ok(()) => self.flush().await?,
            }
        }
        for part in group.parts.iter().filter(|part| !part.is_empty()) {
            self.context.receipts.settle(part, &[]);
        }
        Ok(())
    }

    async fn commit(&mut self) -> Result<Receipt, SendError> {
        Ok(self.receipt())
    }

    async fn close(&mut self, _: bool) -> Result<Receipt, SendError> {
        self.begin();
        self.encoder.end(self.empty, &mut self.text);
        self.flush().await?;
        Ok(self.receipt())
    }
}
