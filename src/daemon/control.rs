//! The agent's control API: HTTP and JSON lines on a Unix socket in the home.
//!
//! ```text
//! GET  /v1/ready          200 and a `Ready`, as soon as the agent serves
//! POST /v1/call           body: a `Call`; answer: `Line`s, the last one `Done` or `Failed`
//! POST /v1/cancel/ID      stops the call whose `x-gbak-call` header was ID, as a Ctrl-C does
//! ```
//!
//! Invariants: the socket is 0600 in a 0700 directory, and a connection whose process belongs to
//! another user (root excepted) is closed unheard; a body is at most [`BODY_LIMIT`]; a slow reader
//! slows only its own answer. A client that goes away cancels what it asked for, except a backup,
//! which goes on: closing a terminal must not stop one. Only the holder of the home's lock binds,
//! so a socket that is there already is a dead agent's and is replaced.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::net::{UnixListener, UnixStream, unix};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::events::{self, EventMonitor, Feed};
use crate::api::limits::CallLimits;
use crate::api::{Answer, Call, Event, Failure, Line, codes};

/// Largest request body, in bytes: a few thousand paths and patterns.
pub const BODY_LIMIT: usize = 1024 * 1024;
/// The header that names a call, so that it can be cancelled.
pub(crate) const CALL_HEADER: &str = "x-gbak-call";
/// The headers with a call's own limits, in bytes per second.
pub(crate) const LIMIT_HEADERS: [&str; 2] = ["x-gbak-limit-up", "x-gbak-limit-down"];
/// Longest name of a call.
const CALL_NAME_LIMIT: usize = 64;
/// Lines that wait for a slow reader before the feed itself waits.
const LINES: usize = 64;
/// How long answers may take to end once the agent stops.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a socket's path may be for the system: `sun_path` has 108 bytes, one of them the end.
const SOCKET_PATH_LIMIT: usize = 107;

/// Who carries calls out.
pub(crate) trait Desk: Send + Sync + 'static {
    /// Carries one call out; `cancel` asks it to stop in good order.
    fn call(
        self: Arc<Self>,
        call: Call,
        monitor: Arc<EventMonitor>,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, Result<Answer, Failure>>;

    /// Limits for a call, in force until what is returned is dropped.
    fn limit(&self, limits: CallLimits) -> Box<dyn Any + Send>;

    /// Who is there, and where it listens.
    fn ready(&self) -> Ready;
}

/// What an agent says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The device's name.
    pub name: String,
    /// Its full id.
    pub peer_id: String,
    /// Where it listens.
    pub listen: Vec<String>,
    /// Its process.
    pub pid: u32,
}

/// A bound control socket.
#[derive(Debug)]
pub(crate) struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Binds the socket at `path`, in place of one a dead agent left. The caller holds the home's
    /// lock.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let reachable = Reachable::new(path)?;
        let listener = UnixListener::bind(reachable.path())?;
        // Until here the directory's 0700 keeps others out.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Serves until `stop`; then asks running calls to stop and waits for them a little. Removes
    /// the socket. Not cancel-safe: answers are cut off.
    pub(crate) async fn serve<D: Desk>(self, desk: Arc<D>, stop: CancellationToken) {
        let state = Arc::new(Serving {
            desk,
            stop: stop.clone(),
            calls: TaskTracker::new(),
            named: Mutex::default(),
        });
        let router = Router::new()
            .route("/v1/ready", get(ready::<D>))
            .route("/v1/call", post(call::<D>))
            .route("/v1/cancel/{name}", post(cancel::<D>))
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .with_state(state.clone());
        let server = axum::serve(OwnerOnly(self.listener), router)
            .with_graceful_shutdown(stop.clone().cancelled_owned());
        let drained = async {
            stop.cancelled().await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! { biased;
            ended = server => {
                if let Err(error) = ended {
                    tracing::error!(%error, "control socket failed");
                }
            }
            () = drained => tracing::warn!("control connections are cut off"),
        }
        state.calls.close();
        if tokio::time::timeout(DRAIN, state.calls.wait()).await.is_err() {
            tracing::warn!("calls are still running");
        }
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "control socket stays behind");
        }
    }
}

/// A path to a socket that fits `sun_path`, however deep the home lies.
#[derive(Debug)]
pub(crate) struct Reachable {
    path: PathBuf,
    /// Keeps the descriptor open that `path` may go through.
    _dir: Option<std::fs::File>,
}

impl Reachable {
    /// For the socket at `path`, whose directory exists.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        if path.as_os_str().len() <= SOCKET_PATH_LIMIT {
            return Ok(Self { path: path.to_owned(), _dir: None });
        }
        let dir = std::fs::File::open(dir)?;
        let fd = std::os::fd::AsRawFd::as_raw_fd(&dir);
        let path = Path::new("/proc/self/fd").join(fd.to_string()).join(name);
        Ok(Self { path, _dir: Some(dir) })
    }

    /// The path to give to the system.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Accepts only this user's processes, and root's.
struct OwnerOnly(UnixListener);

impl axum::serve::Listener for OwnerOnly {
    type Io = UnixStream;
    type Addr = unix::SocketAddr;

    async fn accept(&mut self) -> (UnixStream, unix::SocketAddr) {
        loop {
            let (stream, address) = axum::serve::Listener::accept(&mut self.0).await;
            match stream.peer_cred() {
                Ok(peer) if is_allowed(peer.uid()) => return (stream, address),
                Ok(peer) => tracing::warn!(uid = peer.uid(), "control connection refused"),
                Err(error) => tracing::warn!(%error, "control connection of unknown origin"),
            }
        }
    }

    fn local_addr(&self) -> io::Result<unix::SocketAddr> {
        self.0.local_addr()
    }
}

fn is_allowed(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

struct Serving<D> {
    desk: Arc<D>,
    stop: CancellationToken,
    calls: TaskTracker,
    named: Mutex<BTreeMap<String, CancellationToken>>,
}

impl<D> Serving<D> {
    fn name(&self, name: Option<String>, token: &CancellationToken) -> Named<'_> {
        if let Some(name) = &name {
            self.named().insert(name.clone(), token.clone());
        }
        Named { names: &self.named, name }
    }

    fn named(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, CancellationToken>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that can be cancelled by name, until dropped.
struct Named<'a> {
    names: &'a Mutex<BTreeMap<String, CancellationToken>>,
    name: Option<String>,
}

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            self.names.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        }
    }
}

async fn ready<D: Desk>(State(state): State<Arc<Serving<D>>>) -> axum::Json<Ready> {
    axum::Json(state.desk.ready())
}

async fn cancel<D: Desk>(
    State(state): State<Arc<Serving<D>>>,
    UrlPath(name): UrlPath<String>,
) -> StatusCode {
    match state.named().get(&name) {
        Some(token) => {
            token.cancel();
            StatusCode::OK
        }
        None => StatusCode::NOT_FOUND,
    }
}

async fn call<D: Desk>(
    State(state): State<Arc<Serving<D>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = match serde_json::from_slice::<Call>(&body) {
        Ok(call) => call,
        Err(error) => return not_a_call(&error),
    };
    let name = headers.get(CALL_HEADER).and_then(|name| name.to_str().ok());
    let name = name.filter(|name| name.len() <= CALL_NAME_LIMIT).map(str::to_owned);
    let (sender, receiver) = mpsc::channel(LINES);
    let running = state.clone();
    let limits = limits(&headers);
    drop(state.calls.spawn(async move {
        let _limited = (limits != CallLimits::default()).then(|| running.desk.limit(limits));
        running.run(call, name, sender).await;
    }));
    let lines = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let lines = futures::StreamExt::map(lines, Ok::<_, std::convert::Infallible>);
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response()
}

/// The call's own limits; what is no number is no limit.
fn limits(headers: &HeaderMap) -> CallLimits {
    let [up, down] = LIMIT_HEADERS.map(|name| headers.get(name)?.to_str().ok()?.parse().ok());
    CallLimits { up, down }
}

fn not_a_call(error: &serde_json::Error) -> Response {
    let failure =
        codes::BAD_CALL.failure(format!("The agent does not understand the call: {error}"));
    (StatusCode::BAD_REQUEST, Bytes::from(line(&Line::Failed(failure)))).into_response()
}

impl<D: Desk> Serving<D> {
    /// Runs one call and sends its lines while somebody reads them.
    async fn run(&self, call: Call, name: Option<String>, lines: mpsc::Sender<Bytes>) {
        let outlives_client = matches!(call, Call::Backup(_));
        let token = self.stop.child_token();
        let _named = self.name(name, &token);
        let (monitor, mut feed) = events::feed();
        let mut running = self.desk.clone().call(call, monitor, token.clone());
        let mut connected = true;
        let result = loop {
            tokio::select! { biased;
                result = &mut running => break result,
                () = lines.closed(), if connected => {
                    connected = false;
                    if !outlives_client {
                        token.cancel();
                    }
                }
                // Room first: while the reader is slow, the feed sums up instead of queueing here.
                Some((room, event)) = next_line(&lines, &mut feed), if connected => {
                    room.send(line(&Line::Event(event)).into());
                }
            }
        };
        for event in feed.rest() {
            drop(lines.try_send(line(&Line::Event(event)).into()));
        }
        let last = match result {
            Ok(answer) => Line::Done(Box::new(answer)),
            Err(failure) => Line::Failed(failure),
        };
        // Fails only when nobody listens any more.
        drop(lines.send(line(&last).into()).await);
    }
}

/// Room for a line, and what to put there. Cancel-safe.
async fn next_line<'a>(
    lines: &'a mpsc::Sender<Bytes>,
    feed: &mut Feed,
) -> Option<(mpsc::Permit<'a, Bytes>, Event)> {
    let room = lines.reserve().await.ok()?;
    Some((room, feed.next().await))
}

/// A line's bytes, newline included.
fn line(line: &Line) -> Vec<u8> {
    // Our own types have string keys only, so this cannot fail.
    let mut bytes = serde_json::to_vec(line).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests;
