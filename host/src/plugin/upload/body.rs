//! A body on its way to a file: its length bounded, its digest taken, its kind known early.

use std::fmt::Display;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, timeout_at};

use super::error::Pace;
use super::{UploadError, UploadLimits};
use crate::plugin::compile::{HEAD, Kind, kind};
use crate::plugin::store::{StoreError, Temporary};

/// A body that came whole.
pub(super) struct Received {
    pub file: Temporary,
    pub size: usize,
    /// SHA-256 in hexadecimal.
    pub digest: String,
    pub kind: Kind,
}

/// What is known of a body from the beginning.
pub(super) struct Expected<'a> {
    pub origin: &'a str,
    pub declared: Option<u64>,
    /// Most bytes.
    pub limit: usize,
    pub limits: &'a UploadLimits,
}

impl Expected<'_> {
    /// Writes a body to a file. It ends at the first byte too many, and where its beginning says that
    /// it is nothing to take in.
    pub async fn receive<E: Display>(
        &self,
        body: impl Stream<Item = Result<Bytes, E>>,
        file: Temporary,
    ) -> Result<Received, UploadError> {
        let writer = file.writer().map_err(|error| failed(&file, error))?;
        let mut writer = tokio::fs::File::from_std(writer);
        let mut head = Vec::with_capacity(HEAD);
        let mut hash = Sha256::new();
        let mut size = 0;
        let mut body = pin!(body);
        let begun = Instant::now();
        while let Some(chunk) = self.next(&mut body, size, begun).await? {
            let before = head.len();
            head.extend_from_slice(&chunk[..chunk.len().min(HEAD - before)]);
            if before < HEAD && head.len() == HEAD {
                kind(&head).map_err(|problem| UploadError::refused(self.origin, problem))?;
            }
            size += chunk.len();
            self.check_length(size)?;
            hash.update(&chunk);
            let written = writer.write_all(&chunk).await;
            written.map_err(|error| failed(&file, error))?;
        }
        if self
            .declared
            .is_some_and(|declared| declared != size as u64)
        {
            return Err(self.wrong_length(size));
        }
        let kind = kind(&head).map_err(|problem| UploadError::refused(self.origin, problem))?;
        writer.flush().await.map_err(|error| failed(&file, error))?;
        Ok(Received {
            file,
            size,
            digest: hex::encode(hash.finalize()),
            kind,
        })
    }

    /// Refuses what was declared to be too long before any of it has come.
    pub fn check_declared(&self) -> Result<(), UploadError> {
        match self.declared {
            Some(declared) if declared > self.limit as u64 => Err(self.too_large()),
            _ => Ok(()),
        }
    }

    fn check_length(&self, size: usize) -> Result<(), UploadError> {
        if size > self.limit {
            return Err(self.too_large());
        }
        match self.declared {
            Some(declared) if size as u64 > declared => Err(self.wrong_length(size)),
            _ => Ok(()),
        }
    }

    /// The next chunk, none at the end.
    async fn next<E: Display>(
        &self,
        body: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
        size: usize,
        begun: Instant,
    ) -> Result<Option<Bytes>, UploadError> {
        let UploadLimits {
            idle, pace, whole, ..
        } = *self.limits;
        let now = Instant::now();
        let paced = Duration::from_secs_f64(size as f64 / f64::from(pace.max(1)));
        let limits = [
            (now + idle, Pace::Nothing(idle)),
            (begun + idle + paced, Pace::Below(pace)),
            (begun + whole, Pace::Unfinished(whole)),
        ];
        let (deadline, pace) = limits
            .into_iter()
            .min_by_key(|(at, _)| *at)
            .unwrap_or(limits[0]);
        let chunk = timeout_at(deadline, body.next()).await;
        let slow = |_| UploadError::Slow {
            origin: self.origin.to_owned(),
            received: size as u64,
            pace,
        };
        let chunk = chunk.map_err(slow)?.transpose();
        chunk.map_err(|error| UploadError::CutOff {
            origin: self.origin.to_owned(),
            received: size as u64,
            reason: error.to_string(),
        })
    }

    fn too_large(&self) -> UploadError {
        UploadError::TooLarge {
            origin: self.origin.to_owned(),
            limit: self.limit,
        }
    }

    fn wrong_length(&self, size: usize) -> UploadError {
        UploadError::Length {
            origin: self.origin.to_owned(),
            declared: self.declared.unwrap_or_default(),
            received: size as u64,
        }
    }
}

fn failed(file: &Temporary, error: std::io::Error) -> UploadError {
    let path = file.path().to_owned();
    StoreError::Io { path, error }.into()
}
