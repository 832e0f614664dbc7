//! Asking one admitted peer: a few long-lived streams, one question at a time on each.
//!
//! Streams are opened when first needed and go back to the pool after a complete exchange only. So
//! dropping an ask drops (resets) its stream, and the next ask opens another. Asks beyond the
//! [`STREAMS`] wait for a free one: back-pressure reaches the caller. How it fails: when the peer's
//! last connection goes, everybody who waits or asks gets [`GridError::Broken`] at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chunker::{PeerId, Record};
use libp2p::Stream;
use libp2p::swarm::ConnectionId;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::codec::{self, CodecError};
use super::driver::Command;
use super::pace::Lane;
use super::streams::{OpenError, Opened};
use crate::wire::HEADER_LIMIT;
use crate::{GridError, Members, Refusal, Reply, Request};

/// Streams to one peer. Measured: four saturate a loopback connection; more help over long lines.
pub(super) const STREAMS: usize = 8;
/// How long a new stream may take, protocol negotiation included.
const OPEN_DEADLINE: Duration = Duration::from_secs(10);

/// The streams to one peer, while it is online.
pub(super) struct Pool {
    peer: PeerId,
    members: Members,
    lane: Arc<Lane>,
    free: Semaphore,
    idle: Mutex<Vec<Opened>>,
    commands: mpsc::Sender<Command>,
    gone: CancellationToken,
}

impl Pool {
    pub(super) fn new(
        peer: PeerId,
        members: Members,
        lane: Arc<Lane>,
        commands: mpsc::Sender<Command>,
    ) -> Self {
        let (free, idle) = (Semaphore::new(STREAMS), Mutex::default());
        Self { peer, members, lane, free, idle, commands, gone: CancellationToken::new() }
    }

    /// What the peer's bytes wait in.
    pub(super) const fn lane(&self) -> &Arc<Lane> {
        &self.lane
    }

    /// Asks the peer, and takes in what its answer tells about the grid. Cancel-safe.
    pub(super) async fn ask(&self, request: Request) -> Result<Reply, GridError> {
        tokio::select! {
            biased;
            () = self.gone.cancelled() => Err(self.broken()),
            reply = self.ask_in_turn(request) => reply,
        }
    }

    /// The peer's last connection is gone.
    pub(super) fn close(&self) {
        self.gone.cancel();
        self.idle().clear();
    }

    /// One of the peer's connections is gone, and its streams with it.
    pub(super) fn forget(&self, connection: ConnectionId) {
        self.idle().retain(|idle| idle.connection != connection);
    }

    async fn ask_in_turn(&self, request: Request) -> Result<Reply, GridError> {
        let Ok(_turn) = self.free.acquire().await else { return Err(self.broken()) };
        let lane = Some(&*self.lane);
        let reused = self.idle().pop();
        let was_idle = reused.is_some();
        let mut stream = match reused {
            Some(stream) => stream,
            None => self.open().await?,
        };
        let mut asked = Instant::now();
        let mut outcome = exchange(&mut stream.stream, request.clone(), lane).await;
        if was_idle && matches!(outcome, Err(Failure::Codec(CodecError::Ended | CodecError::Io(_))))
        {
            // The stream had died in the pool. Every request may be repeated.
            stream = self.open().await?;
            asked = Instant::now();
            outcome = exchange(&mut stream.stream, request, lane).await;
        }
        match outcome {
            Ok(reply) => {
                self.keep(stream);
                let heard = self.members.heard(self.peer, asked.elapsed(), &reply);
                let peer = self.peer;
                heard.map_err(|reason| GridError::NotAdmitted { peer, reason })?;
                Ok(reply)
            }
            Err(Failure::TooLarge) => {
                self.keep(stream);
                Ok(Reply::Refused(Refusal::TooLarge))
            }
            Err(failure) => Err(self.error(&failure, asked)),
        }
    }

    /// Opens a stream of its own for the peer's upkeep, outside the pool.
    pub(super) async fn open(&self) -> Result<Opened, GridError> {
        let (reply, opened) = oneshot::channel();
        let command = Command::Open { peer: self.peer, reply };
        let opening = async {
            self.commands.send(command).await.map_err(|_| GridError::Closed)?;
            opened.await.map_err(|_| self.broken())
        };
        let opening = timeout(OPEN_DEADLINE, opening).await;
        let opened = opening.map_err(|_| self.timeout(OPEN_DEADLINE))??;
        opened.map_err(|error| match error {
            OpenError::Timeout => self.timeout(OPEN_DEADLINE),
            // It let us in, so it speaks the protocol; it is shutting down, or out of seats.
            OpenError::Unsupported | OpenError::Broken => self.broken(),
        })
    }

    fn keep(&self, stream: Opened) {
        if !self.gone.is_cancelled() {
            self.idle().push(stream);
        }
    }

    fn error(&self, failure: &Failure, asked: Instant) -> GridError {
        tracing::debug!(peer = %self.peer.short(), ?failure, "no answer");
        match failure {
            Failure::Misfit => GridError::WrongReply { peer: self.peer },
            Failure::Codec(CodecError::Slow) => self.timeout(asked.elapsed()),
            Failure::Codec(_) | Failure::TooLarge => self.broken(),
        }
    }

    fn broken(&self) -> GridError {
        GridError::Broken { peer: self.peer }
    }

    fn timeout(&self, after: Duration) -> GridError {
        GridError::Timeout { peer: self.peer, seconds: after.as_secs() }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Opened>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why an exchange gave no reply.
#[derive(Debug)]
pub(super) enum Failure {
    /// Larger than the wire allows; nothing was sent.
    TooLarge,
    /// The stream failed.
    Codec(CodecError),
    /// A reply that does not fit the question.
    Misfit,
}

impl From<CodecError> for Failure {
    fn from(error: CodecError) -> Self {
        Self::Codec(error)
    }
}

/// One question and its answer over a stream nobody else uses. Not cancel-safe for the stream: drop
/// it together with the future.
pub(super) async fn exchange(
    stream: &mut Stream,
    request: Request,
    lane: Option<&Lane>,
) -> Result<Reply, Failure> {
    if !request.is_bounded() {
        return Err(Failure::TooLarge);
    }
    let patience = request.deadline();
    let (header, body) = request.split();
    let bytes = header.encode();
    if bytes.len() > HEADER_LIMIT {
        return Err(Failure::TooLarge);
    }
    codec::write_frame(stream, &bytes, &body, lane).await?;
    let reply = codec::read_reply(stream, patience, lane).await?;
    if header.request.fits(&reply) { Ok(reply) } else { Err(Failure::Misfit) }
}
