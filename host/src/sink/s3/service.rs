//! The service: its client, the bucket, what object_store has no call for, and what errors mean.
//!
//! object_store neither makes buckets nor lists unfinished uploads. Both are one request each,
//! signed by its own public [`Signer`] (credentials, region and address style are the store's own,
//! and so are those of a session) and sent by its own HTTP client, so that no second client for S3
//! is needed, nor code of ours that signs.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    HttpClient, HttpConnector, HttpRequest, HttpRequestBody, ReqwestConnector,
};
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};
use object_store::{BackoffConfig, Certificate, ClientOptions, RetryConfig};
use reqwest::Method;
use secrecy::ExposeSecret;

use super::options::Options;
use crate::encode::Format;
use crate::encode::pack::Compression;
use crate::sink::SendError;

/// How long a signed request may wait before it is sent.
const SIGNED_FOR: Duration = Duration::from_secs(300);

/// The client, and where it is pointed at.
pub(super) struct Service {
    pub(super) store: Arc<AmazonS3>,
    http: HttpClient,
    /// `s3://bucket at http://host:9000`, for messages.
    pub(super) place: String,
    region: String,
}

impl Service {
    /// Doesn't connect.
    pub(super) fn new(options: &Options) -> Result<Service, SendError> {
        crate::sink::tls::install();
        let place = match &options.endpoint {
            Some(endpoint) => format!("s3://{} at {endpoint}", options.bucket),
            None => format!("s3://{}", options.bucket),
        };
        let wrong = |error: &dyn std::fmt::Display| SendError::fatal(format!("{place}: {error}"));
        let client = client_options(options)?;
        let http = ReqwestConnector::default()
            .connect(&client)
            .map_err(|error| wrong(&error))?;
        let plain = options
            .endpoint
            .as_ref()
            .is_some_and(|endpoint| endpoint.starts_with("http://"));
        let hosted = !options.path_style.unwrap_or(options.endpoint.is_some());
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&options.bucket)
            .with_region(&options.region)
            .with_virtual_hosted_style_request(hosted)
            // Over TLS the connection itself protects what is sent.
            .with_unsigned_payload(!plain)
            .with_client_options(client)
            .with_retry(retries());
        if let Some(endpoint) = &options.endpoint {
            let endpoint = endpoint.trim_end_matches('/');
            // object_store puts the bucket into a path, not into the name of a host that is given.
            builder = builder.with_endpoint(match hosted {
                true => endpoint.replacen("://", &format!("://{}.", options.bucket), 1),
                false => endpoint.to_owned(),
            });
        }
        if let (Some(key), Some(secret)) = (&options.access_key, &options.secret_key) {
            builder = builder
                .with_access_key_id(key)
                .with_secret_access_key(secret.expose_secret());
        }
        if let Some(token) = &options.session_token {
            builder = builder.with_token(token.expose_secret());
        }
        let store = builder.build().map_err(|error| wrong(&error))?;
        Ok(Service {
            store: Arc::new(store),
            http,
            region: options.region.clone(),
            place,
        })
    }

    /// Sends a request to the bucket itself, and gives status and body.
    async fn ask(
        &self,
        method: Method,
        query: &[(&str, &str)],
        body: String,
    ) -> Result<(u16, String), SendError> {
        let unsent = |error: &dyn std::fmt::Display| self.unreachable(&error.to_string());
        let signed = SignedUrlOptions::new().with_query(query.iter().copied());
        let url = self
            .store
            .signed_url_opts(method.clone(), &Path::ROOT, SIGNED_FOR, &signed)
            .await
            .map_err(|error| self.unsigned(&error))?;
        let mut request = HttpRequest::new(HttpRequestBody::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = url.as_str().parse().map_err(|error| unsent(&error))?;
        let answer = self
            .http
            .execute(request)
            .await
            .map_err(|error| unsent(&cause(&error)))?;
        let status = answer.status().as_u16();
        let body = answer
            .into_body()
            .bytes()
            .await
            .map_err(|error| unsent(&error))?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Whether there is the bucket.
    ///
    /// # Errors
    /// Where nothing answers, or the credentials are refused.
    pub(super) async fn has_bucket(&self) -> Result<bool, SendError> {
        // An answer to HEAD has no body that says why.
        let (status, body) = self
            .ask(Method::GET, &[("location", "")], String::new())
            .await?;
        match (status, code(&body)) {
            (200..=299, _) => Ok(true),
            (_, Some("NoSuchBucket")) => Ok(false),
            // Who may write needn't be allowed to ask; `try_upload` will tell.
            (_, Some("AccessDenied")) => Ok(true),
            _ => Err(self.answered("asked for its location", status, &body)),
        }
    }

    /// Makes the bucket; one that is ours already will do.
    ///
    /// # Errors
    /// Where it is another's, or may not be made.
    pub(super) async fn make_bucket(&self) -> Result<(), SendError> {
        let body = match self.region.as_str() {
            // Amazon wants the region said everywhere but there.
            "us-east-1" => String::new(),
            region => format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                 <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
            ),
        };
        let (status, body) = self.ask(Method::PUT, &[], body).await?;
        match (status, code(&body)) {
            (200..=299, _) | (_, Some("BucketAlreadyOwnedByYou")) => Ok(()),
            (_, Some("BucketAlreadyExists")) => Err(SendError::fatal(format!(
                "{}: the bucket belongs to somebody else; names are shared by all users, so \
                 choose another",
                self.place
            ))),
            (_, Some("AccessDenied")) => Err(SendError::fatal(format!(
                "{}: there is no such bucket, and these credentials may not make it \
                 (s3:CreateBucket); make it, or name another",
                self.place
            ))),
            _ => Err(self.answered("made", status, &body)),
        }
    }

    /// Begins an upload and drops it again, which changes nothing that a reader sees.
    ///
    /// # Errors
    /// Where these credentials may not write there.
    pub(super) async fn try_upload(&self, path: &Path) -> Result<(), SendError> {
        let failed = |error| self.failed("written to", &error);
        let id = self.store.create_multipart(path).await.map_err(failed)?;
        self.store.abort_multipart(path, &id).await.map_err(failed)
    }

    /// Uploads of that object that an execution before this one began and didn't complete.
    ///
    /// # Errors
    /// Where nothing answers. Who may not list them has none.
    pub(super) async fn unfinished(&self, path: &Path) -> Result<Vec<String>, SendError> {
        let query = [("prefix", path.as_ref()), ("uploads", "")];
        let (status, body) = self.ask(Method::GET, &query, String::new()).await?;
        match (status, code(&body)) {
            (200..=299, _) => Ok(tagged(&body, "UploadId").map(str::to_owned).collect()),
            (_, Some("AccessDenied" | "NotImplemented")) => Ok(Vec::new()),
            _ => Err(self.answered("asked for unfinished uploads", status, &body)),
        }
    }

    /// Signing asks for the keys, which come from Amazon's machine where none are given.
    fn unsigned(&self, error: &object_store::Error) -> SendError {
        SendError::fatal(format!(
            "{}: no keys: there is no access_key, and this machine gives none ({}); set endpoint, \
             access_key and secret_key, or MINIO_ENDPOINT, MINIO_ACCESS_KEY and MINIO_SECRET_KEY, \
             or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            self.place,
            cause(error)
        ))
    }

    fn unreachable(&self, reason: &str) -> SendError {
        SendError::transient(format!(
            "{} can't be reached: {reason}; is the service up and the address right?",
            self.place
        ))
    }

    /// What an answer means that isn't a success.
    fn answered(&self, what: &str, status: u16, body: &str) -> SendError {
        let code = code(body).unwrap_or_default();
        let place = &self.place;
        let message = match code {
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "InvalidToken"
            | "ExpiredToken"
            | "InvalidTokenId"
            | "AuthorizationHeaderMalformed" => format!(
                "{place}: the credentials are refused ({code}); check access_key, secret_key, \
                 session_token and region"
            ),
            "AccessDenied" => format!(
                "{place} can't be {what}: these credentials aren't allowed to (AccessDenied); the \
                 bucket may be another's: choose another, or grant s3:PutObject and \
                 s3:AbortMultipartUpload on it"
            ),
            "RequestTimeTooSkewed" => {
                format!("{place}: this machine's clock is wrong (RequestTimeTooSkewed); set it")
            }
            "NoSuchBucket" => format!("{place}: the bucket is gone; make it again"),
            "NoSuchUpload" => format!(
                "{place}: somebody has aborted an upload that was under way; go on with the run \
                 (--resume), which makes the object again"
            ),
            "XMinioStorageFull" | "InsufficientStorage" | "QuotaExceeded" => format!(
                "{place} can't be {what}: it is full ({code}); make room, and the emulation goes on by itself"
            ),
            _ => format!("{place} can't be {what}: it answered {status} {code}"),
        };
        let full = matches!(
            code,
            "XMinioStorageFull" | "InsufficientStorage" | "QuotaExceeded"
        );
        let later = matches!(status, 408 | 429 | 500..) || full;
        SendError {
            retry: later && code != "NoSuchUpload",
            message,
        }
    }

    /// What an error of the store means.
    pub(super) fn failed(&self, what: &str, error: &object_store::Error) -> SendError {
        let text = error.to_string();
        match status(&text) {
            Some(status) => self.answered(what, status, &text),
            None => self.unreachable(&cause(error)),
        }
    }
}

/// Whether the service doesn't know an upload: it was completed, or aborted.
pub(super) fn is_no_such_upload(error: &object_store::Error) -> bool {
    code(&error.to_string()) == Some("NoSuchUpload")
}

/// Retried here is what goes by at once; what lasts is delivery's, which says so.
fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_millis(500),
            base: 2.0,
        },
        max_retries: 3,
        retry_timeout: Duration::from_secs(5),
    }
}

fn client_options(options: &Options) -> Result<ClientOptions, SendError> {
    let kind = match (options.format, options.packing()) {
        (_, Compression::Gzip) => "application/gzip",
        (_, Compression::Zstd) => "application/zstd",
        (Format::Ndjson, _) => "application/x-ndjson",
        (Format::Json, _) => "application/json",
        (Format::Csv, _) => "text/csv",
        (Format::Parquet, _) => "application/vnd.apache.parquet",
    };
    let mut client = ClientOptions::new()
        .with_allow_http(true)
        .with_timeout(options.timeout.0)
        .with_connect_timeout(options.connect_timeout.0)
        .with_default_content_type(kind)
        .with_allow_invalid_certificates(!options.tls_verify);
    if let Some(path) = &options.tls_ca {
        let wrong = |error: &dyn std::fmt::Display| {
            SendError::fatal(format!(
                "`tls_ca`: {} can't be read: {error}",
                path.display()
            ))
        };
        let pem = std::fs::read(path).map_err(|error| wrong(&error))?;
        for certificate in Certificate::from_pem_bundle(&pem).map_err(|error| wrong(&error))? {
            client = client.with_root_certificate(certificate);
        }
    }
    Ok(client)
}

/// What S3 calls the error in the XML of an answer.
fn code(body: &str) -> Option<&str> {
    tagged(body, "Code").next()
}

/// The texts of all elements of that name.
fn tagged<'a>(body: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = body;
    std::iter::from_fn(move || {
        let start = rest.find(&open)? + open.len();
        let end = start + rest[start..].find(&close)?;
        let text = &rest[start..end];
        rest = &rest[end..];
        Some(text)
    })
}

/// The status in the text of an error of object_store, whose own type for it is private.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

/// The innermost reason of an error: `Connection refused`, not all that wraps it.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_bucket_is_in_the_path_or_in_the_hosts_name() {
        for (path_style, expected) in [
            (serde_json::json!(null), "http://h:9000/data/a"),
            (false.into(), "http://data.h:9000/a"),
        ] {
            let given = serde_json::json!({
                "bucket": "data", "endpoint": "http://h:9000/", "access_key": "k", "secret_key": "s",
                "path_style": path_style,
            });
            let options = serde_json::from_value(given).unwrap();
            let service = Service::new(&options).unwrap();
            let path = Path::from("a");
            let signed = service.store.signed_url(Method::GET, &path, SIGNED_FOR);
            let mut signed = signed.await.unwrap();
            signed.set_query(None);
            assert_eq!(signed.as_str(), expected);
        }
    }

    #[test]
    fn codes_and_statuses_are_found() {
        let text = "Client error with status code: 403 Forbidden: <?xml version=\"1.0\"?>\
                    <Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        assert_eq!(
            (code(text), status(text)),
            (Some("AccessDenied"), Some(403))
        );
        assert_eq!((code("<Code>"), status("status code: x")), (None, None));
        let list = "<Upload><UploadId>a</UploadId></Upload><Upload><UploadId>b</UploadId></Upload>";
        assert_eq!(tagged(list, "UploadId").collect::<Vec<_>>(), ["a", "b"]);
    }
}
