//! The service: one registry for all requests, a store for each.
//!
//! Three things make the shutdown clean. The work of a request is a task of its own, so a client that hangs up does not drop a
//! store half-way. Connections end after the request that they are at. And if that takes too long, `Registry::close_all` cuts
//! what the stores still wait for: those requests are answered too, with 503.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::Url;
use zarr_core::hierarchy::{self, Member, Members, OpenOptions};
use zarr_core::{NodePath, Store, StoreOptions};
use zarr_fs::session::{SessionOptions, UnclosedLog, UnclosedPolicy};
use zarr_fs::{Options, Registry};
use zarr_gcs::GcsFactory;
use zarr_http::HttpFactory;

/// How long a close waits for a store's calls.
const DRAIN: Duration = Duration::from_secs(1);
/// How long requests may go on after the signal, before their stores are closed under them.
const GRACE: Duration = Duration::from_secs(2);

/// What all requests share.
#[derive(Debug)]
struct Service {
    registry: Registry,
    unclosed: UnclosedLog,
}

impl Service {
    fn new() -> Self {
        let unclosed = UnclosedLog::new();
        let defaults = SessionOptions::default()
            .with_drain(DRAIN)
            .with_unclosed(UnclosedPolicy::Strict(unclosed.clone()));
        Self {
            registry: Registry::new(defaults)
                .with("gs", GcsFactory)
                .with("http", HttpFactory)
                .with("https", HttpFactory),
            unclosed,
        }
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> (StatusCode, Value) {
        match (request.uri().path(), url_of(&request)) {
            ("/members", Some(url)) => {
                // Goes on to its close if the client hangs up, and this future with it.
                let work = Handle::current().spawn(async move { self.members(&url).await });
                work.await
                    .unwrap_or_else(|error| (StatusCode::INTERNAL_SERVER_ERROR, said(&error)))
            }
            ("/members", None) => (StatusCode::BAD_REQUEST, json!({"error": "?url= is missing"})),
            ("/debug/leases", _) => (StatusCode::OK, self.leases()),
            _ => (
                StatusCode::NOT_FOUND,
                json!({"error": "/members?url=… or /debug/leases"}),
            ),
        }
    }

    /// Opens a store, looks, and closes it: on one session with all other requests for the same origin.
    async fn members(&self, url: &Url) -> (StatusCode, Value) {
        let (lease, base) = match self.registry.open(url, &Options::new()) {
            Ok(opened) => opened,
            Err(error) => return (StatusCode::BAD_REQUEST, said(&error)),
        };
        let store = Store::new(lease, base, StoreOptions::default());
        let found = names(&store).await;
        let closed = store.close().await;
        match (found, closed) {
            (Ok(names), Ok(_)) => (StatusCode::OK, json!({"members": names})),
            (Err(error), _) => (status(&error), said(&error)),
            (_, Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, said(&error)),
        }
    }

    /// The leases that live now: whose they are, what they do, and which line made them.
    fn leases(&self) -> Value {
        let leases = self.registry.live_leases();
        let rows = leases.iter().map(|lease| {
            json!({
                "filesystem": lease.filesystem,
                "opened_at": lease.opened_at.to_string(),
                "calls": lease.calls,
            })
        });
        Value::Array(rows.collect())
    }
}

async fn names(store: &Arc<Store>) -> Result<Value, zarr_core::Error> {
    let root = hierarchy::open(store, &NodePath::root(), OpenOptions::default()).await?;
    let members = match root.into_group()?.members(1).await? {
        Members::Known(members) => members,
        // Not an empty group: the store cannot list.
        Members::Unknown(_) => return Ok(Value::Null),
    };
    let name = |member: &Member| match member {
        Member::Node(node) => json!(node.path().to_string()),
        Member::Broken(broken) => json!({"path": broken.path, "error": broken.error.to_string()}),
        Member::Unlisted(unlisted) => {
            json!({"path": unlisted.path.to_string(), "error": unlisted.error.to_string()})
        }
    };
    Ok(members.iter().map(name).collect())
}

/// What a client is told of an error: an upstream that fails is not its fault, and a retry may help.
fn status(error: &zarr_core::Error) -> StatusCode {
    match error {
        zarr_core::Error::NodeNotFound { .. } => StatusCode::NOT_FOUND,
        zarr_core::Error::Fs(zarr_fs::Error::Closed { .. }) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    }
}

fn said(error: &dyn std::error::Error) -> Value {
    json!({"error": error.to_string()})
}

fn url_of(request: &Request<Incoming>) -> Option<Url> {
    let query = url::form_urlencoded::parse(request.uri().query()?.as_bytes());
    let (_, url) = query.into_iter().find(|(key, _)| key == "url")?;
    Url::parse(&url).ok()
}

/// One connection, until it ends, or until it is told to and the request that it is at is answered.
async fn connection(service: Arc<Service>, socket: TcpStream, mut stopped: watch::Receiver<bool>) {
    let handle = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move {
            let (status, body) = service.answer(request).await;
            let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
            *response.status_mut() = status;
            Ok::<_, Infallible>(response)
        }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), handle);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Serves until `stop`, then ends in order; what is left then is an error.
async fn serve(listener: TcpListener, stop: impl Future<Output = ()>) -> Result<(), String> {
    let service = Arc::new(Service::new());
    let (stopping, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            // Those that have ended need not be kept.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    connections.spawn(connection(Arc::clone(&service), socket, stopped.clone()));
                }
                Err(error) => eprintln!("service: accept: {error}"),
            },
        }
    }
    drop(listener);
    println!("stopping: {} connections", connections.len());
    stopping.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        println!("closing stores that requests wait for");
    }
    // Cuts what still waits, after its drain time; and waits for the closes that are under way.
    let closed = service.registry.close_all().await;
    let answered = async { while connections.join_next().await.is_some() {} };
    let answered = tokio::time::timeout(GRACE, answered).await;

    let mut left: Vec<String> = closed
        .err()
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect();
    left.extend(answered.err().map(|_| "a request was not answered".to_owned()));
    left.extend(
        service
            .registry
            .live_leases()
            .iter()
            .map(|lease| format!("{lease:?}")),
    );
    left.extend(service.unclosed.entries().iter().map(ToString::to_string));
    if left.is_empty() {
        Ok(())
    } else {
        Err(left.join("; "))
    }
}

#[cfg(unix)]
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let signals =
        signal(SignalKind::terminate()).and_then(|term| Ok((term, signal(SignalKind::interrupt())?)));
    match signals {
        Ok((mut terminate, mut interrupt)) => tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        },
        Err(error) => eprintln!("service: no signals: {error}"),
    }
}

#[cfg(not(unix))]
async fn told_to_stop() {
    let _ = tokio::signal::ctrl_c().await;
}

/// Listens at `addr` and serves until it is told to stop. Exit code 0 says that every request was answered and nothing is left.
pub(crate) fn run(addr: &str) -> ExitCode {
    let served = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
        .and_then(|runtime| {
            runtime.block_on(async {
                let text = |error: io::Error| error.to_string();
                // Before anybody can know that the service is there.
                let mut stop = std::pin::pin!(told_to_stop());
                let _ = futures::poll!(&mut stop);
                let listener = TcpListener::bind(addr).await.map_err(text)?;
                println!("listening on http://{}", listener.local_addr().map_err(text)?);
                serve(listener, stop).await
            })
        });
    match served {
        Ok(()) => {
            println!("nothing is left");
            ExitCode::SUCCESS
        }
        Err(left) => {
            eprintln!("service: {left}");
            ExitCode::FAILURE
        }
    }
}
