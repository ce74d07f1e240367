//! What happens to an emulation, as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use futures::Stream;
use tokio::sync::watch;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::extract::{Segment, header_text};
use super::problem::{Answer, Problem};
use crate::server::Watching;
use crate::server::events::Event;

/// Proxies close what is silent for long.
const ALIVE: Duration = Duration::from_secs(15);

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Watch an emulation: `status` when its state changes, `progress` each second, `error` when something goes wrong.
///
/// Who comes back with `Last-Event-ID` goes on where they were. It ends with the emulation.
#[utoipa::path(get, path = "/emulations/{id}/events", tag = "emulations",
    params(("id" = String, Path, description = "The emulation"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The last event that was seen")),
    responses((status = 200, description = "Events, the data of each being JSON", content_type = "text/event-stream", body = String)))]
async fn events(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Answer<Sse<impl Stream<Item = Result<Sent, Infallible>>>> {
    let seen = match header_text(&headers, "last-event-id")? {
        Some(text) => Some(text.parse().map_err(|_| {
            Problem::malformed("Last-Event-ID is the number of an event, as `id:` gave it")
        })?),
        None => None,
    };
    let watching = api.server.watch(&id).await?;
    let closing = api.closing.clone();
    let feed = Feed {
        newest: watching.subscribe(),
        watching,
        seen,
        ready: VecDeque::new(),
    };
    let stream = futures::stream::unfold(feed, move |mut feed| {
        let closing = closing.clone();
        async move {
            let event = tokio::select! {
                event = feed.next() => event?,
                () = closing.cancelled() => return None,
            };
            let sent = Sent::default()
                .id(event.id.to_string())
                .event(event.kind)
                .data(event.data.to_string());
            Some((Ok(sent), feed))
        }
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(ALIVE)))
}

struct Feed {
    watching: Watching,
    newest: Option<watch::Receiver<u64>>,
    seen: Option<u64>,
    ready: VecDeque<Event>,
}

impl Feed {
    /// The next event; none once nothing more will happen.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.seen = Some(event.id);
                return Some(event);
            }
            let newest = self.newest.as_mut()?;
            newest.mark_unchanged();
            let over = self.watching.is_over();
            self.ready.extend(self.watching.after(self.seen));
            if self.ready.is_empty() && (over || newest.changed().await.is_err()) {
                return None;
            }
        }
    }
}
