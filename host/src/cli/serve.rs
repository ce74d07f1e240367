//! `wellhead serve`: emulations as a service, over REST.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::args::ServeArgs;
use super::{CliError, Status, access, telemetry};
use crate::api::access::Access;
use crate::api::{self, Api};
use crate::emulation::{Engine, GRACE};
use crate::plugin::store::Store;
use crate::plugin::{Compile, CompileLimits, Limits, Runtime};
use crate::server::tokens::Tokens;
use crate::server::{Server, ServerOptions, Signals};
use crate::settings::{Environment, Settings, SignalSettings};
use crate::sink::SendError;
use crate::spec::SinkBlock;

/// Threads that answer requests: they only read and hand on.
const THREADS: usize = 2;

/// Serves until SIGINT or SIGTERM; `hung_up` is called on each SIGHUP.
///
/// # Errors
/// Where the address or the data folder can't be had.
pub async fn run(
    settings: &Settings,
    environment: &Environment,
    args: &ServeArgs,
    hung_up: impl FnMut(),
) -> Result<Status, CliError> {
    // Each emulation has threads of its own, whose heaps lie apart: with pages of 2 MiB, two hundred of
    // them take thrice the memory. A kernel without such pages refuses, which is as good.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let data = args.data.clone().unwrap_or_else(|| settings.data.clone());
    // From here on none of them ends the process by itself.
    let mut interrupts = Interrupts::new()?;
    let tokens = Tokens::of(&data);
    let told_apart = !tokens.list()?.is_empty() || settings.server.jwt.is_some();
    let listen = address(args, environment, told_apart)?;
    let access = access::access(&settings.server, tokens).await?;
    let engine = engine(settings, &data)?;
    let requests = Requests::start()?;
    let listener = TcpListener::bind(listen).await.map_err(|e| {
        CliError::Usage(format!(
            "{listen} can't be listened on: {e}; name another with --listen HOST:PORT"
        ))
    })?;
    let listen = listener.local_addr().unwrap_or(listen);
    let mut otlp = telemetry::start(settings.telemetry.as_ref())?;
    let options = ServerOptions {
        data: data.clone(),
        workers: args.workers,
        emulations: args.emulations,
        signals: signals(settings)?,
        starter: settings.start_emulator.clone(),
        traces: otlp.as_ref().and_then(|otlp| otlp.traces()),
    };
    let server = Server::open(Arc::new(engine), options).await?;
    if let Some(otlp) = &mut otlp {
        let server = Arc::clone(&server);
        otlp.watch(move || server.metrics());
    }
    let closing = CancellationToken::new();
    let api = Api::new(Arc::clone(&server), access, listen, closing.clone());
    let serving = requests.serve(listener, Arc::clone(&api))?;
    let restored = server.restore().await?;
    api.restored.store(true, Ordering::SeqCst);
    eprintln!(
        "wellhead serves {scheme}://{listen} (documentation: {scheme}://{listen}/docs), data in {}",
        data.display(),
        scheme = api.access.scheme(),
    );
    if restored > 0 {
        eprintln!("{restored} emulations go on that were going on before");
    }
    interrupts.ended(&api.access, hung_up).await;
    eprintln!("ending: emulations drain, and go on with the next start");
    closing.cancel();
    for hung in server.close(GRACE).await {
        eprintln!(
            "emulation {hung} did not drain within {} s: what was in flight is sent again by the next start",
            GRACE.as_secs()
        );
    }
    // It ends by itself once told; nothing of it can fail.
    let _ = serving.await;
    if let Some(otlp) = otlp {
        otlp.finish().await;
    }
    Ok(Status::Done)
}

/// Strangers' components come in here: each is compiled in a process of its own.
fn engine(settings: &Settings, data: &Path) -> Result<Engine, CliError> {
    let compile = Compile::child(CompileLimits::default()).map_err(|e| {
        CliError::Usage(format!("the system doesn't say which program this is: {e}"))
    })?;
    let cache = Some(settings.cache.clone());
    Ok(Engine {
        runtime: Runtime::compiling(Limits::default(), cache, compile)?,
        store: Store::new(data.join("plugins")),
        connections: settings.connections.clone(),
    })
}

/// Where signals are read: the database of the settings, else that of the environment.
fn signals(settings: &Settings) -> Result<Option<Signals>, CliError> {
    let ambient = settings.connections.ambient.contains_key("postgres");
    let said = match &settings.signals {
        Some(said) => said.clone(),
        None if ambient => SignalSettings::default(),
        None => return Ok(None),
    };
    let named = |name: &String| settings.connections.named.get(name);
    let kind = match &said.connection {
        Some(name) => named(name).map_or("postgres", |connection| connection.kind.as_str()),
        None => "postgres",
    };
    let block = match &said.connection {
        Some(name) => json!({"type": kind, "connection": name}),
        None => json!({"type": kind}),
    };
    let config = SinkBlock::from_value(&block, None)?.configure(&settings.connections)?;
    let wrong = |error: SendError| CliError::Usage(format!("[signals]: {}", error.message));
    let source = config.signals(&said.table).map_err(wrong)?;
    let cache = said.cache.map(|span| span.0);
    Ok(Some(Signals::new(source, cache)))
}

/// The address: one that only this machine reaches, unless there are tokens.
fn address(
    args: &ServeArgs,
    environment: &Environment,
    tokens: bool,
) -> Result<SocketAddr, CliError> {
    let listen = match args.listen {
        Some(listen) => listen,
        None => usual(environment)?,
    };
    match listen.ip().is_loopback() || tokens {
        true => Ok(listen),
        false => Err(CliError::Usage(format!(
            "--listen {listen}: others than this machine could reach that address, and there are no tokens to tell who may: make one first (wellhead token new --role admin), or listen on 127.0.0.1"
        ))),
    }
}

/// What the variables of other services say, else this machine alone.
fn usual(environment: &Environment) -> Result<SocketAddr, CliError> {
    let host = environment.get("SERVER_HOST").unwrap_or("127.0.0.1");
    let host = match host {
        "localhost" => "127.0.0.1",
        host => host,
    };
    let port = environment.get("SERVER_PORT").unwrap_or("8080");
    let (ip, number) = (host.parse::<IpAddr>(), port.parse::<u16>());
    match (ip, number) {
        (Ok(ip), Ok(number)) => Ok(SocketAddr::new(ip, number)),
        _ => Err(CliError::Usage(format!(
            "SERVER_HOST is `{host}` and SERVER_PORT is `{port}`: they have to be an IP address and a port, such as 127.0.0.1 and 8080"
        ))),
    }
}

struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Interrupts {
    fn new() -> Result<Interrupts, CliError> {
        let of = |kind| {
            signal(kind).map_err(|e| CliError::Usage(format!("the system refuses signals: {e}")))
        };
        Ok(Interrupts {
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
            hangup: of(SignalKind::hangup())?,
        })
    }

    /// Waits for SIGINT or SIGTERM; on SIGHUP, what may change is read again.
    async fn ended(&mut self, access: &Access, mut hung_up: impl FnMut()) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.hangup.recv() => {
                    hung_up();
                    access.reload().await;
                }
            }
        }
    }
}

/// The runtime of requests, apart from that of emulations.
struct Requests(Option<tokio::runtime::Runtime>);

impl Requests {
    fn start() -> Result<Requests, CliError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("rest")
            .enable_all()
            .build();
        runtime
            .map(|runtime| Requests(Some(runtime)))
            .map_err(|e| CliError::Usage(format!("the system gives no threads: {e}")))
    }

    fn serve(
        &self,
        listener: TcpListener,
        api: Arc<Api>,
    ) -> Result<tokio::task::JoinHandle<()>, CliError> {
        // A socket belongs to the runtime that watches it.
        let refused = |e| CliError::Usage(format!("the listening socket is refused: {e}"));
        let listener = listener.into_std().map_err(refused)?;
        let Some(runtime) = &self.0 else {
            return Err(CliError::Usage("the server is ending".to_owned()));
        };
        let _there = runtime.enter();
        let listener = TcpListener::from_std(listener).map_err(refused)?;
        Ok(runtime.spawn(api::serve(listener, api)))
    }
}

/// Runtimes don't wait for their end within another one.
impl Drop for Requests {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
