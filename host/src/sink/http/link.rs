//! One connection: requests one after another, each with its whole answer.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper::{Request, StatusCode};
use reqwest::header::HeaderMap;
use tokio::time::{Instant, Sleep, sleep_until};

use super::route::{Stream, said};

/// Bytes of a refusal's body that are kept as its reason.
const REASON: usize = 300;
/// Bytes of a body that are read so that its connection can be used again.
const DRAINED: usize = 64 * 1024;
/// How long after its last request's deadline a connection isn't trusted to be there any more: what
/// lies between forgets such, without a word.
const IDLE: Duration = Duration::from_secs(60);

/// A whole request.
pub(super) type Whole = Request<Full<Bytes>>;

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The beginning of the body.
    pub(super) start: Vec<u8>,
}

/// Why nothing did.
pub(super) struct Failed {
    pub(super) reason: String,
    /// The request, where none of it was sent.
    pub(super) unsent: Option<Whole>,
}

/// A connection. It is moved on by whoever sends on it and by nobody else: with a task of its own, each
/// request would wait for two.
pub(super) struct Link {
    sender: SendRequest<Full<Bytes>>,
    wire: Pin<Box<Connection<Stream, Full<Bytes>>>>,
    /// Put off for each request, which costs next to nothing; registering one each time does.
    timer: Pin<Box<Sleep>>,
    /// The socket below, to look at without reading from it.
    socket: TcpStream,
    /// Whether it lay unused since its last answer.
    rested: bool,
    over: bool,
}

impl Link {
    /// `socket` is another handle to what `wire` reads from, and doesn't block.
    pub(super) fn new(
        sender: SendRequest<Full<Bytes>>,
        wire: Connection<Stream, Full<Bytes>>,
        socket: TcpStream,
    ) -> Link {
        Link {
            sender,
            wire: Box::pin(wire),
            timer: Box::pin(sleep_until(Instant::now())),
            socket,
            rested: false,
            over: false,
        }
    }

    /// Whether another request may go by it.
    pub(super) fn usable(&self) -> bool {
        !self.over && self.sender.is_ready()
    }

    /// Whether it has lain idle for too long.
    pub(super) fn stale(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.timer.deadline()) > IDLE
    }

    /// Says that it lies unused for a while: the endpoint may close it meanwhile.
    pub(super) fn rest(&mut self) {
        self.rested = true;
    }

    fn nothing_came(&self) -> bool {
        let seen = self.socket.peek(&mut [0]);
        seen.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Whether it is still there, though it lay unused. The runtime may not have told yet what has come
    /// in, so the socket itself is asked; what there is (its end, above all) is read first.
    async fn there(&mut self) -> bool {
        poll_fn(|cx| {
            if self.nothing_came() {
                return Poll::Ready(!self.over);
            }
            self.drive(cx);
            if self.over || self.nothing_came() {
                return Poll::Ready(!self.over);
            }
            self.timer.as_mut().poll(cx).map(|()| false)
        })
        .await
    }

    /// Sends a request and reads its answer to the end. Whether the connection is good for another is
    /// for [`Link::usable`] to say.
    ///
    /// # Errors
    /// Why there is no answer; the connection is no good then.
    pub(super) async fn exchange(
        &mut self,
        request: Whole,
        until: Instant,
    ) -> Result<Answer, Failed> {
        self.timer.as_mut().reset(until);
        if std::mem::take(&mut self.rested) && !self.there().await {
            return Err(Failed {
                unsent: Some(request),
                reason: "the connection was closed".to_owned(),
            });
        }
        let mut answer = pin!(self.sender.try_send_request(request));
        let answer = poll_fn(|cx| {
            self.drive(cx);
            match answer.as_mut().poll(cx) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending => self.timer.as_mut().poll(cx).map(|()| None),
            }
        });
        let (head, body) = match answer.await {
            Some(Ok(answer)) => answer.into_parts(),
            Some(Err(mut error)) => {
                return Err(Failed {
                    unsent: error.take_message(),
                    reason: said(error.error()),
                });
            }
            None => {
                return Err(Failed {
                    unsent: None,
                    reason: "no answer within the time set".to_owned(),
                });
            }
        };
        let start = self.drain(body).await;
        if !self.sender.is_ready() {
            poll_fn(|cx| {
                self.drive(cx);
                Poll::Ready(())
            })
            .await;
        }
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            start,
        })
    }

    /// Reads and writes what there is.
    fn drive(&mut self, cx: &mut Context<'_>) {
        // An error is also the answer's, where one is waited for.
        if !self.over && self.wire.as_mut().poll(cx).is_ready() {
            self.over = true;
        }
    }

    /// Reads a body to its end, so that the connection can be used again; gives its beginning.
    async fn drain(&mut self, mut body: Incoming) -> Vec<u8> {
        let mut start = Vec::new();
        let mut read = 0;
        while !body.is_end_stream() {
            let frame = poll_fn(|cx| {
                self.drive(cx);
                match Pin::new(&mut body).poll_frame(cx) {
                    Poll::Ready(frame) => Poll::Ready(frame),
                    Poll::Pending => self.timer.as_mut().poll(cx).map(|()| None),
                }
            });
            let Some(Ok(frame)) = frame.await else {
                break;
            };
            let data = frame.data_ref().map_or(&[][..], |data| data);
            read += data.len();
            let room = REASON - start.len().min(REASON);
            start.extend_from_slice(&data[..data.len().min(room)]);
            if read > DRAINED {
                break;
            }
        }
        start
    }
}
