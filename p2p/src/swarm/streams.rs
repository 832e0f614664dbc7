//! Raw streams of our two protocols, as a libp2p behaviour.
//!
//! libp2p-stream does nearly the same, but hands over streams through a channel of one place (what
//! arrives while it is taken is dropped), does not say which connection a stream belongs to, and
//! dials by itself. Here an arrived stream is an event of its connection, so the connection waits
//! when we are slow; each connection has a limited number of seats for streams opened by the other
//! side; and streams are opened on a connection that the caller names.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::ReadyUpgrade;
use libp2p::core::{Endpoint, UpgradeInfo};
use libp2p::swarm::handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound};
use libp2p::swarm::handler::{FullyNegotiatedOutbound, StreamUpgradeError};
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
    NetworkBehaviour, NotifyHandler, Stream, StreamProtocol, SubstreamProtocol, THandler,
    THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{InboundUpgrade, Multiaddr, PeerId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Streams the other side may have open on one connection: its pool of eight, its upkeep, the door,
/// and some that it has left but we have not noticed yet.
const SEATS: usize = 24;
/// How long the other side may take to agree on a stream's protocol.
const OPEN_DEADLINE: std::time::Duration = std::time::Duration::from_secs(10);

/// Which of our two protocols a stream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Introductions; anybody may.
    Door,
    /// Everything else; only after an introduction.
    Grid,
}

/// The protocols' names on the wire.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) door: StreamProtocol,
    /// None for a stranger that has no grid.
    pub(super) grid: Option<StreamProtocol>,
    /// Whether streams of the other side are accepted.
    pub(super) serves: bool,
}

/// Why a stream could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum OpenError {
    #[error("the other side does not speak this protocol")]
    Unsupported,
    #[error("the other side did not agree in time")]
    Timeout,
    #[error("the connection broke")]
    Broken,
}

/// Asks a connection for a new stream.
#[derive(Debug)]
pub(super) struct Open {
    line: Line,
    reply: OpenReply,
}

pub(super) type OpenReply = oneshot::Sender<Result<Opened, OpenError>>;

/// A stream we opened, and the connection it belongs to.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) connection: ConnectionId,
    pub(super) stream: Stream,
}

/// A stream the other side opened. The seat is free again when it is dropped.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) line: Line,
    pub(super) stream: Stream,
    pub(super) seat: OwnedSemaphorePermit,
}

/// An [`Arrived`] stream and where it came from.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) connection: ConnectionId,
    pub(super) arrived: Arrived,
}

/// The behaviour.
#[derive(Debug)]
pub(super) struct Streams {
    names: Arc<Names>,
    /// Polled by the swarm whenever the driver has touched it, so it needs no waker.
    events: VecDeque<ToSwarm<Incoming, Open>>,
}

impl Streams {
    pub(super) fn new(names: Names) -> Self {
        Self { names: Arc::new(names), events: VecDeque::new() }
    }

    /// Opens a stream on one connection. When the connection is gone, `reply` is dropped.
    pub(super) fn open(&mut self, peer: PeerId, at: ConnectionId, line: Line, reply: OpenReply) {
        let handler = NotifyHandler::One(at);
        let event = Open { line, reply };
        self.events.push_back(ToSwarm::NotifyHandler { peer_id: peer, handler, event });
    }

    fn handler(&self, connection: ConnectionId) -> Handler {
        Handler {
            connection,
            names: self.names.clone(),
            seats: Arc::new(Semaphore::new(SEATS)),
            opens: VecDeque::new(),
            arrived: VecDeque::new(),
        }
    }
}

impl NetworkBehaviour for Streams {
    type ConnectionHandler = Handler;
    type ToSwarm = Incoming;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(connection))
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(connection))
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        connection: ConnectionId,
        arrived: THandlerOutEvent<Self>,
    ) {
        let incoming = Incoming { connection, arrived };
        self.events.push_back(ToSwarm::GenerateEvent(incoming));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Incoming, THandlerInEvent<Self>>> {
        self.events.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

/// One connection's half of the behaviour.
#[derive(Debug)]
pub(super) struct Handler {
    connection: ConnectionId,
    names: Arc<Names>,
    seats: Arc<Semaphore>,
    opens: VecDeque<Open>,
    /// At most as many as there are seats.
    arrived: VecDeque<Arrived>,
}

impl Handler {
    fn take_seat(&mut self, line: Line, stream: Stream) {
        if let Ok(seat) = self.seats.clone().try_acquire_owned() {
            self.arrived.push_back(Arrived { line, stream, seat });
        } else {
            // Dropping the stream resets it: the other side has far more open than it can use.
            tracing::debug!("no seat left for a stream");
        }
    }

    fn protocol(&self, line: Line) -> Option<StreamProtocol> {
        match line {
            Line::Door => Some(self.names.door.clone()),
            Line::Grid => self.names.grid.clone(),
        }
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Open;
    type ToBehaviour = Arrived;
    type InboundProtocol = AnyLine;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = OpenReply;

    fn listen_protocol(&self) -> SubstreamProtocol<AnyLine> {
        SubstreamProtocol::new(AnyLine { names: self.names.clone() }, ())
    }

    /// The driver decides when a connection ends.
    fn connection_keep_alive(&self) -> bool {
        true
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<ReadyUpgrade<StreamProtocol>, OpenReply, Arrived>> {
        if let Some(arrived) = self.arrived.pop_front() {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(arrived));
        }
        while let Some(Open { line, reply }) = self.opens.pop_front() {
            let Some(name) = self.protocol(line) else {
                drop(reply.send(Err(OpenError::Unsupported)));
                continue;
            };
            let protocol = SubstreamProtocol::new(ReadyUpgrade::new(name), reply);
            let protocol = protocol.with_timeout(OPEN_DEADLINE);
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, open: Open) {
        // Whoever asked may have given up while the request was on its way.
        if !open.reply.is_closed() {
            self.opens.push_back(open);
        }
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, AnyLine, ReadyUpgrade<StreamProtocol>, (), OpenReply>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: (line, stream),
                info: (),
            }) => self.take_seat(line, stream),
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: stream,
                info: reply,
            }) => drop(reply.send(Ok(Opened { connection: self.connection, stream }))),
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info: reply, error }) => {
                let error = match error {
                    StreamUpgradeError::Timeout => OpenError::Timeout,
                    StreamUpgradeError::NegotiationFailed => OpenError::Unsupported,
                    StreamUpgradeError::Io(_) | StreamUpgradeError::Apply(_) => OpenError::Broken,
                };
                drop(reply.send(Err(error)));
            }
            _ => {}
        }
    }
}

/// Accepts either protocol and says which.
#[derive(Debug)]
pub(super) struct AnyLine {
    names: Arc<Names>,
}

impl UpgradeInfo for AnyLine {
    type Info = StreamProtocol;
    type InfoIter = std::vec::IntoIter<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        let Names { door, grid, serves } = &*self.names;
        let offered = std::iter::once(door).chain(grid).filter(|_| *serves);
        offered.cloned().collect::<Vec<_>>().into_iter()
    }
}

impl InboundUpgrade<Stream> for AnyLine {
    type Output = (Line, Stream);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_inbound(self, stream: Stream, name: StreamProtocol) -> Self::Future {
        let line = if name == self.names.door { Line::Door } else { Line::Grid };
        ready(Ok((line, stream)))
    }
}
