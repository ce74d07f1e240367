//! What a request is made of: URL, headers and body.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::{Method, Request, Uri};
use reqwest::Url;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};

use super::lanes::Entry;
use super::link::Whole;
use super::options::{Compression, Options, Ordered};
use super::route::Route;
use super::url::put_value;
use crate::encode::template::{Place, Template};
use crate::encode::{Encoder, Format, Scratch};
use crate::record::{Batch, Channel};
use crate::sink::options::{check_templates, template};
use crate::sink::{ConfigError, Context};

/// The templates of a block.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    url: Template,
    key: Option<Template>,
}

impl Rules {
    pub(super) fn parse(options: &Options) -> Result<Rules, ConfigError> {
        let url = template("url", &options.url)?;
        if let Some(constant) = url.constant() {
            Url::parse(constant)
                .map_err(|why| ConfigError::option("url", format!("`url`: {why}")))?;
        }
        let key = options.key.as_deref();
        Ok(Rules {
            url,
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
        let all = std::iter::once(("url", &self.url)).chain(key);
        check_templates(all, channels, json)?;
        encoder(options, channels, json).map(drop)
    }
}

/// Nothing where a request is a record as it is.
fn encoder(
    options: &Options,
    channels: &[Channel],
    json: bool,
) -> Result<Option<Encoder>, ConfigError> {
    if options.format.is_none() && options.batch == 1 && options.operation_field.is_none() {
        return Ok(None);
    }
    let format = options.format.unwrap_or_default();
    let all = 0..channels.len();
    let field = options.operation_field.as_deref();
    Encoder::new(format, channels, json, all, field)
        .map(Some)
        .map_err(|error| ConfigError::option("format", error.to_string()))
}

/// Makes requests.
pub(super) struct Requests {
    url: Template,
    /// Of a template that is always the same.
    constant: Option<Target>,
    route: Arc<Route>,
    method: Method,
    /// Of every request but those with headers of their own.
    headers: Arc<HeaderMap>,
    encoder: Option<Encoder>,
    scratch: Scratch,
    gzip: bool,
    meta: bool,
    run: String,
    channels: Arc<[Channel]>,
    key: Option<Template>,
    ordered: Ordered,
    text: Vec<u8>,
}

impl Requests {
    /// `headers` are those of every request.
    pub(super) fn new(
        options: &Options,
        rules: &Rules,
        context: &Context,
        route: &Arc<Route>,
        mut headers: HeaderMap,
    ) -> Result<Requests, ConfigError> {
        let encoder = encoder(options, &context.channels, context.json)?;
        let content = match (&encoder, options.format.unwrap_or_default()) {
            (None, _) if !context.json => "application/octet-stream",
            (None, _) | (_, Format::Json) => "application/json",
            (_, Format::Csv) => "text/csv; charset=utf-8",
            (_, Format::Ndjson) => "application/x-ndjson",
            // Refused by the encoder, which comes before.
            (_, Format::Parquet) => "application/vnd.apache.parquet",
        };
        headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static(content));
        let gzip = options.compression == Compression::Gzip;
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        route.dress(&mut headers);
        let constant = rules.url.constant().map(|url| Target::new(url, route));
        Ok(Requests {
            constant: constant
                .transpose()
                .map_err(|why| ConfigError::option("url", why))?,
            route: Arc::clone(route),
            url: rules.url.clone(),
            method: match options.method {
                super::options::Method::Post => Method::POST,
                super::options::Method::Put => Method::PUT,
                super::options::Method::Patch => Method::PATCH,
            },
            headers: Arc::new(headers),
            encoder,
            scratch: Scratch::default(),
            gzip,
            meta: options.meta_headers,
            run: context.run.clone(),
            channels: Arc::clone(&context.channels),
            key: rules.key.clone(),
            ordered: options.ordered,
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

    /// Where a record goes, where that isn't the same for all.
    ///
    /// # Errors
    /// Why it can't go anywhere.
    pub(super) fn url(&mut self, batch: &Batch, k: usize) -> Result<Option<Arc<str>>, String> {
        if self.constant.is_some() {
            return Ok(None);
        }
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let whole = self.url.render(self.place(batch, k), &mut text, put_value);
        let url = match whole {
            true => Ok(Some(Arc::from(String::from_utf8_lossy(&text)))),
            false => Err(format!(
                "the record lacks a field that the URL {} needs",
                self.url.text()
            )),
        };
        self.text = text;
        url
    }

    /// A number that records have in common whose order is kept.
    pub(super) fn order(&mut self, batch: &Batch, k: usize) -> u64 {
        if self.ordered != Ordered::Key {
            return 0;
        }
        let stream = u64::from(batch.stream);
        let Some(key) = &self.key else {
            return batch.key(k).map_or(stream, twox_hash::XxHash3_64::oneshot);
        };
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let plain = |value: &[u8], out: &mut Vec<u8>| out.extend_from_slice(value);
        let whole = key.render(self.place(batch, k), &mut text, plain);
        let order = match whole {
            true => twox_hash::XxHash3_64::oneshot(&text),
            false => stream,
        };
        self.text = text;
        order
    }

    /// The request of some records, which all go to the same place.
    ///
    /// # Errors
    /// Why there can't be one.
    pub(super) fn make(&mut self, entries: &[Entry]) -> Result<Prepared, String> {
        let first = entries.first().ok_or("a request without records")?;
        let target = match (&first.url, &self.constant) {
            (Some(url), _) => Target::new(url, &self.route)?,
            (None, Some(target)) => target.clone(),
            (None, None) => return Err("the record has no URL".to_owned()),
        };
        let mut headers = Arc::clone(&self.headers);
        if self.meta {
            self.meta(first, Arc::make_mut(&mut headers));
        }
        Ok(Prepared {
            method: self.method.clone(),
            target,
            headers,
            body: self.body(entries)?,
        })
    }

    fn meta(&self, entry: &Entry, headers: &mut HeaderMap) {
        let batch = &entry.from.part.batch;
        if let Ok(run) = HeaderValue::from_str(&self.run) {
            headers.insert("wellhead-run", run);
        }
        headers.insert("wellhead-stream", u64::from(batch.stream).into());
        let sequence = batch.first_sequence + entry.record as u64;
        headers.insert("wellhead-sequence", sequence.into());
        let operation = batch.operation(entry.record).name();
        headers.insert("wellhead-operation", HeaderValue::from_static(operation));
    }

    fn body(&mut self, entries: &[Entry]) -> Result<Bytes, String> {
        let plain = match (&self.encoder, entries) {
            (None, [only]) => only.from.record(only.record),
            (encoder, _) => {
                let mut out = Vec::new();
                if let Some(encoder) = encoder {
                    encoder.begin(&mut out);
                    for (n, entry) in entries.iter().enumerate() {
                        let batch = &entry.from.part.batch;
                        encoder.record(batch, entry.record, n == 0, &mut self.scratch, &mut out);
                    }
                    encoder.end(entries.is_empty(), &mut out);
                }
                Bytes::from(out)
            }
        };
        if !self.gzip {
            return Ok(plain);
        }
        let mut gzip = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Level::fast());
        gzip.write_all(&plain)
            .and_then(|()| gzip.finish())
            .map(Bytes::from)
            .map_err(|error| format!("gzip: {error}"))
    }
}

/// Where a request goes.
#[derive(Clone)]
struct Target {
    url: Arc<Url>,
    /// The same as the request has it.
    uri: Uri,
}

impl Target {
    fn new(url: &str, route: &Route) -> Result<Target, String> {
        let unusable = |why: String| {
            let shown = url.split(['?', '#']).next().unwrap_or_default();
            format!("the URL {shown} can't be used: {why}")
        };
        let url = Url::parse(url).map_err(|why| unusable(why.to_string()))?;
        Ok(Target {
            uri: route.target(&url).map_err(unusable)?,
            url: Arc::new(url),
        })
    }
}

/// A request that can be sent again and again.
#[derive(Clone)]
pub(super) struct Prepared {
    method: Method,
    target: Target,
    headers: Arc<HeaderMap>,
    body: Bytes,
}

impl Prepared {
    pub(super) fn request(&self) -> Whole {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.uri.clone();
        *request.headers_mut() = HeaderMap::clone(&self.headers);
        request
    }

    /// The same request there, if that is the same origin: another would get the records and the login.
    pub(super) fn near(&self, location: &HeaderValue, route: &Route) -> Option<Prepared> {
        let here = &self.target.url;
        let there = here.join(location.to_str().ok()?).ok()?;
        if there.origin() != here.origin() {
            return None;
        }
        let target = Target::new(there.as_str(), route).ok()?;
        Some(Prepared {
            target,
            ..self.clone()
        })
    }

    /// The URL as it may be shown: a query may hold a secret.
    pub(super) fn shown(&self) -> String {
        let mut url = Url::clone(&self.target.url);
        url.set_query(None);
        url.to_string()
    }
}
