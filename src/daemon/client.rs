//! Talking to the agent over its control socket.
//!
//! How it fails: [`ClientError::NotRunning`] means that nobody listens, and the work can be done in
//! this process; anything else means that somebody does, and must not be worked around.

use std::io;
use std::path::{Path, PathBuf};

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::control::{CALL_HEADER, LIMIT_HEADERS, Reachable, Ready};
use crate::api::limits::CallLimits;
use crate::api::{Call, Line};

/// Longest line of an answer, in bytes: the listing of a snapshot with millions of files.
const LINE_LIMIT: usize = 1 << 30;
/// Largest answer of `/v1/ready`, in bytes.
const READY_LIMIT: usize = 1024 * 1024;

/// Why the agent gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody listens there.
    #[error("No agent runs at {}", path.display())]
    NotRunning {
        /// The socket.
        path: PathBuf,
    },
    /// The socket cannot be used.
    #[error("Cannot connect to the agent at {}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The connection broke: the agent was stopped or killed.
    #[error("The agent went away before it answered")]
    Broken {
        /// What broke.
        #[source]
        source: hyper::Error,
    },
    /// The answer ended without a result.
    #[error("The agent stopped in the middle of its answer")]
    CutOff,
    /// Not an answer of ours.
    #[error("The agent's answer is not understood; is it another version?")]
    Malformed {
        /// What the decoder says.
        #[source]
        source: serde_json::Error,
    },
    /// Longer than any answer.
    #[error("The agent's answer is too long")]
    TooLong,
    /// The agent declined without saying why.
    #[error("The agent declined with status {status}")]
    Declined {
        /// The HTTP status.
        status: u16,
    },
}

/// One connection to an agent.
#[derive(Debug)]
pub struct Client {
    sender: http1::SendRequest<Full<Bytes>>,
    limits: CallLimits,
}

impl Client {
    /// Connects to the agent that listens at `socket`.
    pub async fn connect(socket: &Path) -> Result<Self, ClientError> {
        let stream = connect(socket).await?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|source| ClientError::Broken { source })?;
        // Ends with the connection; an error reaches whoever waits for an answer as well.
        drop(tokio::spawn(async move { drop(connection.await) }));
        Ok(Self { sender, limits: CallLimits::default() })
    }

    /// Has the agent keep to these limits while it carries out what is asked for.
    #[must_use]
    pub const fn limited(mut self, limits: CallLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Who is there.
    pub async fn ready(&mut self) -> Result<Ready, ClientError> {
        let answer = self.send("GET", "/v1/ready", None, Bytes::new()).await?;
        let body = http_body_util::Limited::new(answer, READY_LIMIT).collect().await;
        let body = body.map_err(|_| ClientError::CutOff)?.to_bytes();
        serde_json::from_slice(&body).map_err(|source| ClientError::Malformed { source })
    }

    /// Makes a call under a name by which [`Client::cancel`] can stop it.
    pub async fn call(mut self, call: &Call, name: &str) -> Result<Lines, ClientError> {
        let body = serde_json::to_vec(call).map_err(|source| ClientError::Malformed { source })?;
        let body = self.send("POST", "/v1/call", Some(name), body.into()).await?;
        Ok(Lines { body, buffer: Vec::new(), scanned: 0, _connection: self.sender })
    }

    /// Asks the agent to stop a call in good order. False when it does not run (any more).
    pub async fn cancel(&mut self, name: &str) -> Result<bool, ClientError> {
        let path = format!("/v1/cancel/{name}");
        match self.send("POST", &path, None, Bytes::new()).await {
            Ok(_) => Ok(true),
            Err(ClientError::Declined { status: 404 }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn send(
        &mut self,
        method: &str,
        path: &str,
        name: Option<&str>,
        body: Bytes,
    ) -> Result<Incoming, ClientError> {
        let mut request = Request::builder().method(method).uri(path).header("host", "gbak");
        if let Some(name) = name {
            request = request.header(CALL_HEADER, name);
        }
        for (name, limit) in LIMIT_HEADERS.into_iter().zip([self.limits.up, self.limits.down]) {
            if let Some(limit) = limit {
                request = request.header(name, limit);
            }
        }
        // Only a name with control characters could fail, and ours are hexadecimal.
        let Ok(request) = request.body(Full::new(body)) else {
            return Err(ClientError::Declined { status: StatusCode::BAD_REQUEST.as_u16() });
        };
        let answer = self.sender.send_request(request).await;
        let answer = answer.map_err(|source| ClientError::Broken { source })?;
        let status = answer.status();
        // A bad request is answered by a line that says why.
        if status.is_success() || (name.is_some() && status == StatusCode::BAD_REQUEST) {
            return Ok(answer.into_body());
        }
        Err(ClientError::Declined { status: status.as_u16() })
    }
}

async fn connect(socket: &Path) -> Result<UnixStream, ClientError> {
    let connected = match Reachable::new(socket) {
        Ok(reachable) => UnixStream::connect(reachable.path()).await,
        Err(error) => Err(error),
    };
    connected.map_err(|source| match source.kind() {
        // No file, or one that a dead agent left.
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            ClientError::NotRunning { path: socket.to_owned() }
        }
        _ => ClientError::Connect { path: socket.to_owned(), source },
    })
}

/// The lines of an answer. Dropping them hangs up.
#[derive(Debug)]
pub struct Lines {
    body: Incoming,
    buffer: Vec<u8>,
    /// How much of the buffer is known to have no line's end.
    scanned: usize,
    /// Kept so that the connection stays open while lines are read.
    _connection: http1::SendRequest<Full<Bytes>>,
}

impl Lines {
    /// The next line. Cancel-safe. After `Done` or `Failed` nothing more comes; an answer that ends
    /// before is [`ClientError::CutOff`].
    pub async fn next(&mut self) -> Result<Line, ClientError> {
        loop {
            if let Some(line) = self.take_line() {
                return serde_json::from_slice(&line)
                    .map_err(|source| ClientError::Malformed { source });
            }
            if self.buffer.len() > LINE_LIMIT {
                return Err(ClientError::TooLong);
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(source)) => return Err(ClientError::Broken { source }),
                None => return Err(ClientError::CutOff),
            }
        }
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let end = self.buffer[self.scanned..].iter().position(|byte| *byte == b'\n');
        let Some(end) = end else {
            self.scanned = self.buffer.len();
            return None;
        };
        let rest = self.buffer.split_off(self.scanned + end + 1);
        self.scanned = 0;
        Some(std::mem::replace(&mut self.buffer, rest))
    }
}
