//! The server over HTTP: routes, what comes in and goes out. The only place that knows axum.
//!
//! Requests have a runtime of their own, so that no load of them starves emulations, and none of
//! emulations starves them.

pub mod access;
mod emulations;
mod events;
mod extract;
mod guard;
mod logs;
mod meta;
mod metrics;
mod openapi;
mod plugins;
pub mod problem;
pub mod rate;
mod simple;
pub mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware;
use axum::routing::get;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

use crate::server::Server;
use access::Access;
use problem::Problem;

/// How long a client may take for the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// How long requests in hand may take once the server ends.
const LAST: Duration = Duration::from_secs(5);
/// How long to wait where the system has no room for another connection.
const ROOM: Duration = Duration::from_millis(50);

/// What requests share.
pub struct Api {
    server: Arc<Server>,
    /// Who may come in.
    pub access: Access,
    listen: SocketAddr,
    /// What was going on before is taken up.
    pub restored: AtomicBool,
    /// Fires when the server ends.
    closing: CancellationToken,
    openapi: Arc<Value>,
    docs: String,
}

impl Api {
    /// The interface of a server that listens there.
    pub fn new(
        server: Arc<Server>,
        access: Access,
        listen: SocketAddr,
        closing: CancellationToken,
    ) -> Arc<Api> {
        let openapi = openapi();
        Arc::new(Api {
            server,
            access,
            listen,
            restored: AtomicBool::new(false),
            closing,
            docs: openapi::page(&openapi),
            openapi: Arc::new(openapi),
        })
    }
}

fn paths() -> OpenApiRouter<Arc<Api>> {
    let inner = OpenApiRouter::new()
        .merge(emulations::routes())
        .merge(events::routes())
        .merge(plugins::routes())
        .merge(logs::routes())
        .merge(meta::routes());
    OpenApiRouter::with_openapi(openapi::base())
        .nest("/api/v1", inner)
        .merge(meta::root())
        .merge(simple::routes())
}

/// The description of the interface, OpenAPI 3.1.
pub fn openapi() -> Value {
    openapi::document(&paths().into_openapi())
}

fn router(api: &Arc<Api>) -> Router {
    let (router, _) = paths().split_for_parts();
    let router = router
        .route("/openapi.json", get(openapi::show))
        .route("/docs", get(openapi::docs))
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
        .layer(middleware::from_fn_with_state(
            Arc::clone(api),
            guard::guard,
        ))
        .with_state(Arc::clone(api));
    // Outermost: a browser asks whether it may before it sends a token.
    match api.access.cors() {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

async fn unknown(uri: Uri) -> Problem {
    let path = uri.path();
    Problem::unknown(format!(
        "there is nothing at {path}; /docs shows what there is"
    ))
}

async fn not_allowed(method: Method, uri: Uri) -> Problem {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let detail = format!(
        "{method} means nothing at {}; /docs shows what does",
        uri.path()
    );
    Problem::new(status, "method", "That method isn't there", detail)
}

/// Serves until `closing` fires; requests in hand are answered then, within some seconds.
pub async fn serve(listener: TcpListener, api: Arc<Api>) {
    let router = router(&api);
    let graceful = GracefulShutdown::new();
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept(), if connections.len() < most_connections() => accepted,
            Some(_) = connections.join_next() => continue,
            () = api.closing.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // One that went away again, or no file descriptor to spare.
                tracing::warn!("a connection can't be taken: {error}");
                tokio::time::sleep(ROOM).await;
                continue;
            }
        };
        let (api, router) = (Arc::clone(&api), router.clone());
        connections.spawn(connection(api, stream, router, graceful.watcher()));
    }
    drop(listener);
    if tokio::time::timeout(LAST, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests are left unanswered");
    }
}

/// Half of the files that may be open: the other half is for sinks and the state. Whoever comes then waits,
/// as the system lets them.
fn most_connections() -> usize {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    files.map_or(usize::MAX, |files| {
        usize::try_from(files / 2).unwrap_or(usize::MAX)
    })
}

/// Serves one client until it goes away, or the server ends.
async fn connection(api: Arc<Api>, stream: TcpStream, router: Router, watcher: Watcher) {
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &api.access.tls else {
        return requests(stream, router, watcher).await;
    };
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(HEAD, tls.acceptor().accept(stream)) => shaken,
        () = api.closing.cancelled() => return,
    };
    match shaken {
        Ok(Ok(stream)) => requests(stream, router, watcher).await,
        Ok(Err(error)) => tracing::debug!("a connection ended before it began: {error}"),
        Err(_) => tracing::debug!("a connection took too long to begin"),
    }
}

async fn requests<S>(stream: S, router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = TowerToHyperService::new(router);
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    // Clients come and go as they like.
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!("a connection ended: {error}");
    }
}
