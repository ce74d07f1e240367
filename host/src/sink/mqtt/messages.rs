//! What a message is made of: topic, payload and properties of each record.

use std::sync::Arc;

use bytes::Bytes;

use super::options::{Options, Version};
use crate::encode::template::{Place, Template};
use crate::encode::{Encoder, Format, Scratch};
use crate::record::{Batch, Channel};
use crate::sink::options::{check_templates, template};
use crate::sink::shared::SharedPart;
use crate::sink::{ConfigError, Context};

/// The templates of a block.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    topic: Template,
    key: Option<Template>,
}

impl Rules {
    pub(super) fn parse(options: &Options) -> Result<Rules, ConfigError> {
        let topic = template("topic", &options.topic)?;
        if let Some(name) = topic.constant() {
            valid_topic(name)
                .map_err(|why| ConfigError::option("topic", format!("`topic`: {why}")))?;
        }
        let key = options.key.as_deref();
        Ok(Rules {
            topic,
            key: key.map(|text| template("key", text)).transpose()?,
        })
    }

    pub(super) fn check(
        &self,
        options: &Options,
        channels: &[Channel],
        json: bool,
    ) -> Result<(), ConfigError> {
        let key = self.key.iter().map(|template| ("key", template));
        let all = std::iter::once(("topic", &self.topic)).chain(key);
        check_templates(all, channels, json)?;
        encoder(options, channels, json).map(drop)
    }
}

/// Nothing where a message is a record as it is.
fn encoder(
    options: &Options,
    channels: &[Channel],
    json: bool,
) -> Result<Option<Encoder>, ConfigError> {
    let Some(field) = options.operation_field.as_deref() else {
        return Ok(None);
    };
    Encoder::new(
        Format::Ndjson,
        channels,
        json,
        0..channels.len(),
        Some(field),
    )
    .map(Some)
    .map_err(|error| ConfigError::option("operation_field", error.to_string()))
}

/// Whether MQTT takes that name for a topic to publish to.
pub(super) fn valid_topic(name: &str) -> Result<(), String> {
    let why = if name.is_empty() {
        "is empty"
    } else if name.len() > usize::from(u16::MAX) {
        "is longer than 65,535 bytes"
    } else if name.contains(['+', '#', '\0']) {
        "has a +, a # or a NUL in it"
    } else {
        return Ok(());
    };
    let start: String = name.chars().take(100).collect();
    Err(format!("{start:?} can't be a topic: it {why}"))
}

/// One message, as the client takes it.
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) properties: Vec<(String, String)>,
}

impl Message {
    /// Bytes of its packet, at most.
    pub(super) fn size(&self) -> usize {
        const FRAMING: usize = 24;
        let properties = self.properties.iter();
        let properties = properties.map(|(name, value)| name.len() + value.len() + 5);
        self.topic.len() + self.payload.len() + properties.sum::<usize>() + FRAMING
    }
}

/// Makes messages.
pub(super) struct Messages {
    topic: Template,
    key: Option<Template>,
    encoder: Option<Encoder>,
    scratch: Scratch,
    meta: bool,
    run: String,
    channels: Arc<[Channel]>,
    text: Vec<u8>,
}

impl Messages {
    pub(super) fn new(
        options: &Options,
        rules: &Rules,
        context: &Context,
    ) -> Result<Messages, ConfigError> {
        Ok(Messages {
            topic: rules.topic.clone(),
            key: rules.key.clone(),
            encoder: encoder(options, &context.channels, context.json)?,
            scratch: Scratch::default(),
            meta: options.meta_properties && options.version == Version::V5,
            run: context.run.clone(),
            channels: Arc::clone(&context.channels),
            text: Vec::new(),
        })
    }

    fn place<'a>(&'a self, batch: &'a Batch, k: usize) -> Place<'a> {
        let channel = self.channels.get(batch.channel(k));
        Place {
            run: &self.run,
            channel: channel.map_or("", |channel| channel.name.as_str()),
            stream: batch.stream,
            record: batch.record(k),
        }
    }

    /// The message of record `k`.
    ///
    /// # Errors
    /// Why there can't be one.
    pub(super) fn make(&mut self, from: &SharedPart, k: usize) -> Result<Message, String> {
        let batch = &from.part.batch;
        Ok(Message {
            topic: self.topic(batch, k)?,
            payload: match &self.encoder {
                None => from.record(k),
                Some(encoder) => {
                    let mut line = Vec::new();
                    encoder.record(batch, k, true, &mut self.scratch, &mut line);
                    line.pop();
                    Bytes::from(line)
                }
            },
            properties: if self.meta {
                self.meta(batch, k)
            } else {
                Vec::new()
            },
        })
    }

    fn topic(&self, batch: &Batch, k: usize) -> Result<String, String> {
        if let Some(name) = self.topic.constant() {
            return Ok(name.to_owned());
        }
        let mut name = Vec::with_capacity(self.topic.text().len() + 16);
        if !self
            .topic
            .render(self.place(batch, k), &mut name, put_plain)
        {
            return Err(format!(
                "the record lacks a field that the topic {} needs",
                self.topic.text()
            ));
        }
        let name = String::from_utf8(name).map_err(|_| "the topic isn't UTF-8".to_owned())?;
        valid_topic(&name)?;
        Ok(name)
    }

    fn meta(&self, batch: &Batch, k: usize) -> Vec<(String, String)> {
        let sequence = batch.first_sequence + k as u64;
        [
            ("wellhead-run", self.run.clone()),
            ("wellhead-stream", batch.stream.to_string()),
            ("wellhead-sequence", sequence.to_string()),
            ("wellhead-operation", batch.operation(k).name().to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Appends what records have in common that go through one client: the key, else the stream.
    pub(super) fn key(&mut self, batch: &Batch, k: usize, out: &mut Vec<u8>) {
        let stream = |out: &mut Vec<u8>| {
            out.extend_from_slice(format!("stream-{}", batch.stream).as_bytes());
        };
        match &self.key {
            None => match batch.key(k) {
                Some(key) => out.extend_from_slice(key),
                None => stream(out),
            },
            Some(key) => {
                let mut text = std::mem::take(&mut self.text);
                text.clear();
                match key.render(self.place(batch, k), &mut text, put_plain) {
                    true => out.extend_from_slice(&text),
                    false => stream(out),
                }
                self.text = text;
            }
        }
    }
}

fn put_plain(value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(value);
}
