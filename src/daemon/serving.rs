//! WebDAV on this computer: HTTP/1.1 on loopback, for who knows the token.
//!
//! Invariants: nothing is served on an address that others can reach; nothing is looked at, and no
//! body is read, before the request is admitted ([`gate`]); connections, headers, bodies of XML and
//! the time a client may be silent are bounded. What a browser would run is handed out so that it
//! does not run. A client that goes away in the middle leaves a file as it was.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, Limited, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::drive::dav::{Dav, Impossible, Whole, is_shallow};

pub(super) mod gate;

use gate::Gate;

#[cfg(test)]
mod tests;

/// Connections at once; others wait until one ends. Clients open a handful each.
const CONNECTIONS: usize = 64;
/// How long a connection may take to say what it wants, or to want nothing.
const HEADERS: Duration = Duration::from_secs(60);
/// How long a client may send nothing in the middle of a body.
const SILENCE: Duration = Duration::from_secs(120);
/// How long answers may take to end once nothing is served any more.
const DRAIN: Duration = Duration::from_secs(5);
/// Largest request's line and headers, in bytes.
const HEAD_LIMIT: usize = 64 * 1024;
/// Largest body of XML, in bytes.
const XML_LIMIT: usize = 64 * 1024;
/// What is asked of a directory and everything below it.
const DEPTH: HeaderName = HeaderName::from_static("depth");
/// Where something is to be moved or copied.
const DESTINATION: HeaderName = HeaderName::from_static("destination");
/// What a collection that is asked for too much answers (RFC 4918, 9.1).
const FINITE: &[u8] = b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
    <D:error xmlns:D=\"DAV:\"><D:propfind-finite-depth/></D:error>\n";

/// The body of an answer.
type Answered = UnsyncBoxBody<Bytes, io::Error>;

/// A bound address.
#[derive(Debug)]
pub(super) struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Binds an address of this computer's own; any other is refused.
    pub(super) async fn bind(listen: SocketAddr) -> io::Result<Self> {
        if !listen.ip().is_loopback() {
            let reason = "it is not an address of this computer's own, like 127.0.0.1";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it can be reached; with the token, by whoever can put a name and a password there.
    pub(super) fn url(&self, token: &str) -> String {
        format!("http://{}:{token}@{}/", gate::USER, self.address)
    }

    /// Serves until `stop`. Not cancel-safe: answers are cut off.
    pub(super) async fn serve(self, dav: Dav, gate: Gate, stop: CancellationToken) {
        let site = Arc::new(Site { dav, gate });
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let connections = TaskTracker::new();
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
            let accepted = tokio::select! { biased;
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (site, stop) = (Arc::clone(&site), stop.clone());
                    drop(connections.spawn(async move {
                        converse(stream, site, stop).await;
                        drop(place);
                    }));
                }
                Err(error) => {
                    tracing::warn!(%error, "a WebDAV connection was not accepted");
                    // Out of descriptors, most likely: some come back.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        connections.close();
        if tokio::time::timeout(DRAIN, connections.wait()).await.is_err() {
            tracing::warn!("WebDAV connections are cut off");
        }
    }
}

/// What is served, and to whom.
#[derive(Debug)]
struct Site {
    dav: Dav,
    gate: Gate,
}

/// Answers what comes over one connection.
async fn converse(stream: TcpStream, site: Arc<Site>, stop: CancellationToken) {
    let answering = service_fn(move |request| {
        let site = Arc::clone(&site);
        async move { Ok::<_, std::convert::Infallible>(site.answer(request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(HEAD_LIMIT);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), answering));
    let ended = tokio::select! { biased;
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(DRAIN, connection).await {
                Ok(ended) => ended,
                Err(_late) => return,
            }
        }
    };
    if let Err(error) = ended {
        // Clients hang up as they like.
        tracing::debug!(%error, "a WebDAV connection ended");
    }
}

impl Site {
    async fn answer(&self, request: Request<Incoming>) -> Response<Answered> {
        let mut answer = match self.gate.admit(request.uri(), request.headers()) {
            Ok(()) => self.admitted(request).await,
            Err(refusal) => refusal.answer().map(|()| nothing()),
        };
        harmless(answer.headers_mut());
        answer
    }

    async fn admitted(&self, request: Request<Incoming>) -> Response<Answered> {
        let whole = match whole(&request) {
            Ok(whole) => whole,
            Err(status) => return plain(status),
        };
        if request.method().as_str() == "PROPFIND" && !is_finite(request.headers()) {
            return xml(StatusCode::FORBIDDEN, FINITE);
        }
        let handler = self.dav.handler(whole);
        let is_get = *request.method() == Method::GET;
        let (head, body) = request.into_parts();
        let answer = if matches!(head.method.as_str(), "PROPFIND" | "PROPPATCH" | "LOCK") {
            match shallow(body).await {
                Ok(xml) => handler.handle(Request::from_parts(head, Full::new(xml))).await,
                Err(status) => return plain(status),
            }
        } else {
            let body = StreamBody::new(impatient(body));
            handler.handle(Request::from_parts(head, body)).await
        };
        if is_get && answer.status().is_success() { begun(answer).await } else { boxed(answer) }
    }
}

/// What a request does to everything below its path.
fn whole<B>(request: &Request<B>) -> Result<Whole, StatusCode> {
    let headers = request.headers();
    let to = headers.get(DESTINATION).map(|to| path_of(to, headers)).transpose()?;
    let shallow = headers.get(DEPTH).is_some_and(|depth| depth.as_bytes() == b"0");
    let verb = request.method().as_str();
    Whole::of(verb, request.uri().path(), to.as_deref(), shallow).map_err(|error| match error {
        Impossible::Nested => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    })
}

/// The path of a destination, which has to be on this very server.
fn path_of(destination: &HeaderValue, headers: &HeaderMap) -> Result<String, StatusCode> {
    let text = destination.to_str().map_err(|_said| StatusCode::BAD_REQUEST)?;
    if text.starts_with('/') {
        return Ok(text.to_owned());
    }
    let uri: hyper::Uri = text.parse().map_err(|_said| StatusCode::BAD_REQUEST)?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = uri.authority().map(|authority| {
        // Some clients put the name and the password there as well.
        let text = authority.as_str();
        text.rsplit_once('@').map_or(text, |(_, host)| host)
    });
    if host.is_some() && authority == host {
        Ok(uri.path().to_owned())
    } else {
        Err(StatusCode::BAD_GATEWAY)
    }
}

/// Whether one directory at most is asked for.
fn is_finite(headers: &HeaderMap) -> bool {
    headers.get(DEPTH).is_some_and(|depth| matches!(depth.as_bytes(), b"0" | b"1"))
}

/// A body of XML, if it is small and not nested deep.
async fn shallow(body: Incoming) -> Result<Bytes, StatusCode> {
    let read = Limited::new(StreamBody::new(impatient(body)), XML_LIMIT).collect().await;
    let xml = read.map_err(|_said| StatusCode::PAYLOAD_TOO_LARGE)?.to_bytes();
    if is_shallow(&xml) { Ok(xml) } else { Err(StatusCode::BAD_REQUEST) }
}

/// A body that ends with an error when nothing of it comes for long.
fn impatient(body: Incoming) -> impl Stream<Item = io::Result<Frame<Bytes>>> + Send {
    stream::unfold(body, |mut body| async move {
        let frame = match tokio::time::timeout(SILENCE, body.frame()).await {
            Ok(frame) => frame?.map_err(io::Error::other),
            Err(_late) => Err(io::ErrorKind::TimedOut.into()),
        };
        Some((frame, body))
    })
}

/// An answer of which the first bytes are there: what cannot be had is an error from the beginning
/// and not a file that ends too soon.
async fn begun<B>(answer: Response<B>) -> Response<Answered>
where
    B: Body<Data = Bytes, Error = io::Error> + Send + 'static,
{
    let (head, body) = answer.into_parts();
    let mut body = body.boxed_unsync();
    let first = match body.frame().await {
        Some(Err(error)) => {
            tracing::warn!(%error, "what WebDAV asks for cannot be read");
            return plain(StatusCode::SERVICE_UNAVAILABLE);
        }
        first => first,
    };
    let rest = stream::iter(first).chain(stream::unfold(body, |mut body| async move {
        let frame = body.frame().await?;
        Some((frame, body))
    }));
    Response::from_parts(head, StreamBody::new(rest).boxed_unsync())
}

fn boxed<B>(answer: Response<B>) -> Response<Answered>
where
    B: Body<Data = Bytes, Error = io::Error> + Send + 'static,
{
    answer.map(BodyExt::boxed_unsync)
}

fn nothing() -> Answered {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Only a status. What was to come is not read: the connection ends.
fn plain(status: StatusCode) -> Response<Answered> {
    let mut answer = Response::new(nothing());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn xml(status: StatusCode, text: &'static [u8]) -> Response<Answered> {
    let body = Full::new(Bytes::from_static(text)).map_err(|never| match never {});
    let mut answer = Response::new(body.boxed_unsync());
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("application/xml; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

/// A page that somebody put on the drive is not to read the rest of it in a browser that knows the
/// token.
fn harmless(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'; style-src 'unsafe-inline'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
