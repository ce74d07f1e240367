//! Requests on their way: whole small objects, parts of large ones, and what completes those.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt, PutPayload};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::service::{Service, is_no_such_upload};
use crate::sink::SendError;

/// The most parts that S3 takes.
const MOST_PARTS: usize = 10_000;

/// One object, as its requests share it.
struct Upload {
    path: Path,
    /// Whether an earlier execution may have left an upload of it unfinished.
    suspect: bool,
    /// Of a multipart upload, begun by whichever part comes first.
    id: OnceCell<String>,
    parts: Mutex<Vec<Option<PartId>>>,
    /// Bytes of all parts.
    length: Mutex<u64>,
}

enum Work {
    Put(Bytes),
    Part(usize, Bytes),
    Complete,
}

struct Job {
    number: u64,
    upload: Arc<Upload>,
    work: Work,
}

/// What is known of an object that isn't complete.
struct Active {
    upload: Arc<Upload>,
    /// Parts that are still to arrive.
    pending: usize,
    /// Whether its last part is among them.
    ended: bool,
}

/// All requests of one sink. Dropping it aborts them.
pub(super) struct Uploads {
    service: Arc<Service>,
    concurrency: usize,
    cancel: CancellationToken,
    ready: VecDeque<Job>,
    running: JoinSet<(Job, Result<(), Error>)>,
    active: HashMap<u64, Active>,
    next: u64,
    complete: Vec<u64>,
    failed: Option<SendError>,
}

impl Uploads {
    pub(super) fn new(
        service: Arc<Service>,
        concurrency: usize,
        cancel: CancellationToken,
    ) -> Uploads {
        Uploads {
            service,
            concurrency,
            cancel,
            ready: VecDeque::new(),
            running: JoinSet::new(),
            active: HashMap::new(),
            next: 0,
            complete: Vec::new(),
            failed: None,
        }
    }

    /// Begins an object and gives its number. Nothing is sent yet.
    pub(super) fn begin(&mut self, path: Path, suspect: bool) -> u64 {
        self.next += 1;
        let upload = Arc::new(Upload {
            path,
            suspect,
            id: OnceCell::new(),
            parts: Mutex::new(Vec::new()),
            length: Mutex::new(0),
        });
        let active = Active {
            upload,
            pending: 0,
            ended: false,
        };
        self.active.insert(self.next, active);
        self.next
    }

    /// One more part; all but the last have the same size.
    pub(super) fn part(&mut self, number: u64, bytes: Vec<u8>) -> Result<(), SendError> {
        let Some(active) = self.active.get_mut(&number) else {
            return Ok(());
        };
        let upload = Arc::clone(&active.upload);
        let index = upload.add(bytes.len());
        if index >= MOST_PARTS {
            return Err(SendError::fatal(format!(
                "{}: {} has more than {MOST_PARTS} parts; raise `part_size`, or make objects smaller",
                self.service.place, upload.path
            )));
        }
        active.pending += 1;
        self.ready.push_back(Job {
            number,
            upload,
            work: Work::Part(index, bytes.into()),
        });
        Ok(())
    }

    /// The last bytes of an object: all of it where there was no part before.
    pub(super) fn end(&mut self, number: u64, bytes: Vec<u8>) -> Result<(), SendError> {
        let Some(active) = self.active.get_mut(&number) else {
            return Ok(());
        };
        active.ended = true;
        let upload = Arc::clone(&active.upload);
        if upload.count() == 0 {
            self.ready.push_back(Job {
                number,
                upload,
                work: Work::Put(bytes.into()),
            });
            return Ok(());
        }
        if bytes.is_empty() {
            self.complete_if_whole(number);
            return Ok(());
        }
        self.part(number, bytes)
    }

    /// Whether something waits to be sent.
    pub(super) fn is_pressing(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether nothing is on its way or waits for it.
    fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.running.is_empty()
    }

    /// Numbers of the objects that were completed since the last call.
    pub(super) fn take_complete(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.complete)
    }

    /// Looks after what is done and sends what there is room for, without waiting.
    pub(super) fn turn(&mut self) -> Result<(), SendError> {
        while let Some(joined) = self.running.try_join_next() {
            self.done(joined);
        }
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.launch();
        Ok(())
    }

    /// Waits until everything is sent and at most `concurrency` requests are on their way.
    pub(super) async fn make_room(&mut self) -> Result<(), SendError> {
        self.turn()?;
        while !self.ready.is_empty() {
            self.wait().await?;
        }
        Ok(())
    }

    /// Waits until nothing is on its way.
    pub(super) async fn drain(&mut self) -> Result<(), SendError> {
        self.turn()?;
        while !self.is_idle() {
            self.wait().await?;
        }
        Ok(())
    }

    async fn wait(&mut self) -> Result<(), SendError> {
        tokio::select! {
            joined = self.running.join_next() => {
                if let Some(joined) = joined {
                    self.done(joined);
                }
            }
            () = self.cancel.cancelled() => {
                return Err(SendError::fatal(format!(
                    "stopped while objects were on their way to {}", self.service.place
                )));
            }
        }
        self.turn()
    }

    fn launch(&mut self) {
        while self.running.len() < self.concurrency
            && let Some(job) = self.ready.pop_front()
        {
            let service = Arc::clone(&self.service);
            self.running.spawn(async move {
                let result = job.run(&service).await;
                (job, result)
            });
        }
    }

    fn done(&mut self, joined: Result<(Job, Result<(), Error>), tokio::task::JoinError>) {
        let (job, result) = match joined {
            Ok(done) => done,
            Err(error) => {
                self.failed = Some(SendError::fatal(format!(
                    "a request to {} broke: {error}",
                    self.service.place
                )));
                return;
            }
        };
        match (result, &job.work) {
            (Err(error), _) => {
                let what = format!("given {}", job.upload.path);
                let error = self.service.failed(&what, &error);
                // One that is final outweighs those that go by.
                if self.failed.as_ref().is_none_or(|earlier| earlier.retry) {
                    self.failed = Some(error);
                }
                self.ready.push_front(job);
            }
            (Ok(()), Work::Part(..)) => {
                if let Some(active) = self.active.get_mut(&job.number) {
                    active.pending -= 1;
                }
                self.complete_if_whole(job.number);
            }
            (Ok(()), Work::Put(_) | Work::Complete) => {
                self.active.remove(&job.number);
                self.complete.push(job.number);
            }
        }
    }

    fn complete_if_whole(&mut self, number: u64) {
        if let Some(active) = self.active.get(&number)
            && active.ended
            && active.pending == 0
        {
            self.ready.push_back(Job {
                number,
                upload: Arc::clone(&active.upload),
                work: Work::Complete,
            });
        }
    }
}

impl Upload {
    fn add(&self, bytes: usize) -> usize {
        *self.length.lock().unwrap_or_else(PoisonError::into_inner) += bytes as u64;
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.push(None);
        parts.len() - 1
    }

    fn count(&self) -> usize {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.len()
    }

    /// Begins the multipart upload; first drops those of the same object that a crash left.
    async fn begin(&self, service: &Service) -> Result<String, Error> {
        if self.suspect {
            let left = service.unfinished(&self.path).await;
            for id in left.unwrap_or_default() {
                match service.store.abort_multipart(&self.path, &id).await {
                    Err(error) if !is_no_such_upload(&error) => return Err(error),
                    _ => tracing::info!(object = %self.path, "dropped an unfinished upload"),
                }
            }
        }
        service.store.create_multipart(&self.path).await
    }

    async fn complete(&self, service: &Service, id: &String) -> Result<(), Error> {
        let parts = self
            .parts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let parts = parts.into_iter().flatten().collect();
        match service
            .store
            .complete_multipart(&self.path, id, parts)
            .await
        {
            Ok(_) => Ok(()),
            Err(error) if is_no_such_upload(&error) => {
                // It may have been completed, and the answer lost. By its name the object has
                // the same records, and by its length all of them.
                let length = *self.length.lock().unwrap_or_else(PoisonError::into_inner);
                match service.store.head(&self.path).await {
                    Ok(found) if found.size == length => Ok(()),
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }
}

impl Job {
    async fn run(&self, service: &Service) -> Result<(), Error> {
        let Upload { path, id, .. } = &*self.upload;
        match &self.work {
            Work::Put(bytes) => {
                let payload = PutPayload::from(bytes.clone());
                service.store.put(path, payload).await.map(drop)
            }
            Work::Part(index, bytes) => {
                let begin = || self.upload.begin(service);
                let id = id.get_or_try_init(begin).await?;
                let payload = PutPayload::from(bytes.clone());
                let part = service.store.put_part(path, id, *index, payload).await?;
                let mut parts = self
                    .upload
                    .parts
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                if let Some(slot) = parts.get_mut(*index) {
                    *slot = Some(part);
                }
                Ok(())
            }
            Work::Complete => {
                let begin = || self.upload.begin(service);
                let id = id.get_or_try_init(begin).await?;
                self.upload.complete(service, id).await
            }
        }
    }
}
