//! Every connection and how far its introduction has come, pure.
//!
//! ```text
//! Greeting --admitted--> Admitted
//!     +------refused---> Parting (a moment for the refusal to travel, then closed)
//! ```
//!
//! Streams that arrive while a connection is greeting are held: the other side may know that it is
//! admitted a moment before we do.

use std::collections::BTreeMap;
use std::time::Duration;

use chunker::PeerId;
use libp2p::swarm::ConnectionId;
use tokio::time::Instant;

use super::streams::Arrived;

/// How long a refusal may take to travel.
const PARTING: Duration = Duration::from_secs(2);
/// Streams held for one greeting connection.
const HELD: usize = 16;
/// Questions one connection may ask at the door.
const DOORS: u32 = 8;
/// Connections opened by others that are still greeting.
const STRANGERS: usize = 64;

/// How far a connection's introduction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Greeting { until: Instant },
    Admitted,
    Parting { until: Instant },
}

/// One connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) peer: PeerId,
    pub(super) net_peer: libp2p::PeerId,
    /// The multiaddress of the other end.
    pub(super) remote: String,
    pub(super) stage: Stage,
    dialed: bool,
    held: Vec<Arrived>,
    doors: u32,
}

/// What to do with a stream that arrived.
#[derive(Debug)]
pub(super) enum Seating {
    /// Serve it.
    Serve(PeerId, Arrived),
    /// Nothing for now.
    Wait,
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Links {
    links: BTreeMap<ConnectionId, Link>,
}

impl Links {
    /// Notes a new connection, to be introduced `until` then. Says which one has to go to make room
    /// for it.
    pub(super) fn open(
        &mut self,
        id: ConnectionId,
        peers: (PeerId, libp2p::PeerId),
        remote: String,
        dialed: bool,
        until: Instant,
    ) -> Option<ConnectionId> {
        let (peer, net_peer) = peers;
        let stage = Stage::Greeting { until };
        let link = Link { peer, net_peer, remote, stage, dialed, held: Vec::new(), doors: 0 };
        self.links.insert(id, link);
        let strangers = self.links.iter().filter(|(_, link)| link.is_stranger());
        let (count, oldest) = (strangers.clone().count(), strangers.map(|(id, _)| *id).next());
        oldest.filter(|_| count > STRANGERS)
    }

    /// Forgets a closed connection.
    pub(super) fn close(&mut self, id: ConnectionId) -> Option<Link> {
        self.links.remove(&id)
    }

    pub(super) fn get(&self, id: ConnectionId) -> Option<&Link> {
        self.links.get(&id)
    }

    /// The introduction succeeded. Gives the link's held streams.
    pub(super) fn admit(&mut self, id: ConnectionId) -> Option<Vec<Arrived>> {
        let link = self.links.get_mut(&id)?;
        link.stage = Stage::Admitted;
        Some(std::mem::take(&mut link.held))
    }

    /// The introduction failed: the link will be closed soon.
    pub(super) fn part(&mut self, id: ConnectionId, now: Instant) {
        if let Some(link) = self.links.get_mut(&id) {
            link.stage = Stage::Parting { until: now + PARTING };
            link.held.clear();
        }
    }

    /// Counts a question at the door. False when there were too many.
    pub(super) fn knock(&mut self, id: ConnectionId) -> bool {
        self.links.get_mut(&id).is_some_and(|link| {
            link.doors += 1;
            link.doors <= DOORS
        })
    }

    /// What to do with a stream of the grid protocol.
    pub(super) fn seat(&mut self, id: ConnectionId, arrived: Arrived) -> Seating {
        let Some(link) = self.links.get_mut(&id) else { return Seating::Wait };
        match link.stage {
            Stage::Admitted => return Seating::Serve(link.peer, arrived),
            Stage::Greeting { .. } if link.held.len() < HELD => link.held.push(arrived),
            Stage::Greeting { .. } | Stage::Parting { .. } => {}
        }
        Seating::Wait
    }

    /// The connection to open streams to `peer` on: the newest, since a peer that reconnects leaves
    /// dead ones behind.
    pub(super) fn best(&self, peer: PeerId) -> Option<(ConnectionId, libp2p::PeerId)> {
        let admitted = self.of(peer).filter(|(_, link)| link.stage == Stage::Admitted);
        admitted.last().map(|(id, link)| (*id, link.net_peer))
    }

    /// Whether any connection with `peer` is left.
    pub(super) fn has(&self, peer: PeerId) -> bool {
        self.of(peer).next().is_some()
    }

    /// Connections whose time is over.
    pub(super) fn overdue(&self, now: Instant) -> Vec<ConnectionId> {
        let overdue = self.links.iter().filter(|(_, link)| match link.stage {
            Stage::Greeting { until } | Stage::Parting { until } => until <= now,
            Stage::Admitted => false,
        });
        overdue.map(|(id, _)| *id).collect()
    }

    /// Whether an introduction that we began is under way.
    pub(super) fn is_greeting(&self) -> bool {
        self.links.values().any(|link| link.dialed && matches!(link.stage, Stage::Greeting { .. }))
    }

    /// Everybody we are connected with.
    pub(super) fn peers(&self) -> Vec<libp2p::PeerId> {
        self.links.values().map(|link| link.net_peer).collect()
    }

    fn of(&self, peer: PeerId) -> impl Iterator<Item = (&ConnectionId, &Link)> {
        self.links.iter().filter(move |(_, link)| link.peer == peer)
    }
}

impl Link {
    fn is_stranger(&self) -> bool {
        !self.dialed && matches!(self.stage, Stage::Greeting { .. })
    }
}
