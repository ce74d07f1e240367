//! What a message is made of: topic, key and headers of each record.

use std::collections::HashMap;
use std::io::Write;

use rdkafka::message::{Header, OwnedHeaders};
use serde_json::Value;

use super::options::Options;
use crate::encode::path::Path;
use crate::encode::scan::{plain_string, put_text};
use crate::encode::template::{Place, Template};
use crate::record::{Batch, Channel};
use crate::sink::options::{check_templates, template};
use crate::sink::{ConfigError, Context};

/// The templates of a block.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    topic: Template,
    key: Option<Template>,
    headers: Vec<(String, Template)>,
}

impl Rules {
    pub(super) fn parse(options: &Options) -> Result<Rules, ConfigError> {
        let topic = template("topic", &options.topic)?;
        if let Some(name) = topic.constant() {
            valid_topic(name)
                .map_err(|why| ConfigError::option("topic", format!("`topic`: {why}")))?;
        }
        let headers = options.headers.iter().map(|(name, value)| match value {
            Value::String(text) => Ok((name.clone(), template("headers", text)?)),
            _ => Err(ConfigError::option(
                "headers",
                format!("`headers`: the value of `{name}` has to be text"),
            )),
        });
        Ok(Rules {
            topic,
            key: options
                .key
                .as_deref()
                .map(|text| template("key", text))
                .transpose()?,
            headers: headers.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn check(&self, channels: &[Channel], json: bool) -> Result<(), ConfigError> {
        let key = self.key.iter().map(|template| ("key", template));
        let headers = self
            .headers
            .iter()
            .map(|(_, template)| ("headers", template));
        let all = std::iter::once(("topic", &self.topic))
            .chain(key)
            .chain(headers);
        check_templates(all, channels, json)
    }
}

/// Whether Kafka takes that name for a topic.
pub(super) fn valid_topic(name: &str) -> Result<(), String> {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty()
        || name == "."
        || name == ".."
        || name.len() > 249
        || !name.chars().all(valid)
    {
        // What a field says may be long, and may mean something to a terminal.
        let start: String = name.chars().take(100).collect();
        return Err(format!(
            "{start:?} can't be a topic: 1 to 249 letters, digits, dots, underscores and hyphens"
        ));
    }
    Ok(())
}

/// The topic of a record.
pub(super) enum TopicOf {
    /// It is there: its number.
    Known(usize),
    /// It has to be made, or looked up, first.
    New(String),
    /// There is none, for that reason.
    None(String),
}

enum TopicRule {
    Constant,
    Channel,
    Made(Template),
}

/// Topics by number, and how a record's is found.
pub(super) struct Topics {
    rule: TopicRule,
    names: Vec<String>,
    by_name: HashMap<Vec<u8>, usize>,
    made: Vec<u8>,
    latest: usize,
    run: String,
    channels: Vec<String>,
}

impl Topics {
    pub(super) fn new(rules: &Rules, run: &str, channels: &[Channel]) -> Topics {
        let template = &rules.topic;
        let channels: Vec<String> = channels
            .iter()
            .map(|channel| channel.name.clone())
            .collect();
        let mut topics = Topics {
            rule: match template.constant() {
                Some(_) => TopicRule::Constant,
                None if template.has_fields() || template.has_stream() => {
                    TopicRule::Made(template.clone())
                }
                None => TopicRule::Channel,
            },
            names: Vec::new(),
            by_name: HashMap::new(),
            made: Vec::new(),
            latest: 0,
            // A run's identity may have a slash in it.
            run: run.replace('/', "-"),
            channels,
        };
        let known = match topics.rule {
            TopicRule::Constant => 1,
            TopicRule::Channel => topics.channels.len(),
            TopicRule::Made(_) => 0,
        };
        for channel in 0..known {
            let mut name = Vec::new();
            template.render(topics.place(channel, 0, b""), &mut name, put_plain);
            topics
                .names
                .push(String::from_utf8_lossy(&name).into_owned());
        }
        topics
    }

    fn place<'a>(&'a self, channel: usize, stream: u32, record: &'a [u8]) -> Place<'a> {
        Place {
            run: &self.run,
            channel: self.channels.get(channel).map_or("", String::as_str),
            stream,
            record,
        }
    }

    /// Those that are known, or known beforehand.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn name(&self, topic: usize) -> &str {
        self.names.get(topic).map_or("", String::as_str)
    }

    /// From now on the topic is there.
    pub(super) fn add(&mut self, name: String) {
        self.by_name
            .insert(name.clone().into_bytes(), self.names.len());
        self.names.push(name);
    }

    #[inline]
    pub(super) fn of(&mut self, batch: &Batch, k: usize) -> TopicOf {
        match self.rule {
            TopicRule::Constant => TopicOf::Known(0),
            TopicRule::Channel => TopicOf::Known(batch.channel(k)),
            TopicRule::Made(_) => self.made(batch, k),
        }
    }

    fn made(&mut self, batch: &Batch, k: usize) -> TopicOf {
        let mut name = std::mem::take(&mut self.made);
        name.clear();
        let TopicRule::Made(template) = &self.rule else {
            return TopicOf::Known(0);
        };
        let whole = template.render(
            self.place(batch.channel(k), batch.stream, batch.record(k)),
            &mut name,
            put_plain,
        );
        let topic = if !whole {
            TopicOf::None(format!(
                "the record lacks a field that the topic {} needs",
                template.text()
            ))
        } else if self
            .names
            .get(self.latest)
            .is_some_and(|latest| latest.as_bytes() == name)
        {
            TopicOf::Known(self.latest)
        } else if let Some(&known) = self.by_name.get(&name) {
            self.latest = known;
            TopicOf::Known(known)
        } else {
            let text = String::from_utf8_lossy(&name).into_owned();
            match valid_topic(&text) {
                Ok(()) => TopicOf::New(text),
                Err(why) => TopicOf::None(why),
            }
        };
        self.made = name;
        topic
    }
}

fn put_plain(value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(value);
}

/// The key of a record.
pub(super) enum Keys {
    /// The generator's.
    Batch,
    /// A field.
    Field(Path),
    /// Anything else.
    Made(Template),
}

impl Keys {
    pub(super) fn new(rules: &Rules) -> Keys {
        match &rules.key {
            None => Keys::Batch,
            Some(template) => match template.only_field() {
                Some(path) => Keys::Field(path.clone()),
                None => Keys::Made(template.clone()),
            },
        }
    }

    /// Nothing where the record lacks what the key is made of. `scratch` holds what isn't in the
    /// batch as it is.
    #[inline]
    pub(super) fn of<'a>(
        &self,
        topics: &Topics,
        batch: &'a Batch,
        k: usize,
        scratch: &'a mut Vec<u8>,
    ) -> Option<&'a [u8]> {
        match self {
            Keys::Batch => batch.key(k),
            Keys::Field(path) => {
                let value = path.find(batch.record(k))?;
                if let Some(plain) = plain_string(value) {
                    return Some(plain);
                }
                if value == b"null" {
                    return None;
                }
                scratch.clear();
                put_text(value, scratch);
                Some(scratch)
            }
            Keys::Made(template) => {
                scratch.clear();
                let place = topics.place(batch.channel(k), batch.stream, batch.record(k));
                template
                    .render(place, scratch, put_plain)
                    .then_some(scratch.as_slice())
            }
        }
    }
}

/// The headers of a record.
pub(super) struct Headers {
    templates: Vec<(String, Template)>,
    meta: bool,
    run: String,
    text: Vec<u8>,
}

impl Headers {
    pub(super) fn new(rules: &Rules, meta: bool, context: &Context) -> Headers {
        Headers {
            templates: rules.headers.clone(),
            meta,
            run: context.run.clone(),
            text: Vec::new(),
        }
    }

    /// Nothing where no headers are wanted. A header whose field a record lacks is left out.
    #[inline]
    pub(super) fn of(&mut self, topics: &Topics, batch: &Batch, k: usize) -> Option<OwnedHeaders> {
        if self.templates.is_empty() && !self.meta {
            return None;
        }
        let mut headers = Some(OwnedHeaders::new_with_capacity(self.templates.len() + 4));
        let mut put = |key: &str, value: &[u8]| {
            headers = headers.take().map(|headers| {
                headers.insert(Header {
                    key,
                    value: Some(value),
                })
            });
        };
        for (name, template) in &self.templates {
            self.text.clear();
            let place = topics.place(batch.channel(k), batch.stream, batch.record(k));
            if template.render(place, &mut self.text, put_plain) {
                put(name, &self.text);
            }
        }
        if self.meta {
            put("wellhead-run", self.run.as_bytes());
            for (name, number) in [
                ("wellhead-stream", u64::from(batch.stream)),
                ("wellhead-sequence", batch.first_sequence + k as u64),
            ] {
                self.text.clear();
                // Writing into memory can't fail.
                let _ = write!(self.text, "{number}");
                put(name, &self.text);
            }
            put("wellhead-operation", batch.operation(k).name().as_bytes());
        }
        headers
    }
}
