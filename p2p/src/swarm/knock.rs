//! One question at a stranger's door, for a device that has no grid yet: to spend an invitation, or to
//! come back with nothing but the words.
//!
//! All addresses are tried at once. The first answer that is not a refusal counts; when everybody
//! refuses, the last refusal does.

use std::collections::BTreeSet;
use std::time::Duration;

use chunker::PeerId;
use futures::StreamExt;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{ConnectionId, SwarmEvent};
use libp2p::{Multiaddr, mdns};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::behaviour::{self, Event, Net, Role};
use super::door::{self, DoorError};
use super::driver::resolve;
use super::ids;
use super::streams::Line;
use crate::{GridError, Reply, Request};

/// Doors tried at most.
const DOORS: usize = 64;
/// How long the end of the connections is waited for.
const CLOSING: Duration = Duration::from_secs(2);

/// Asks `request` at the door of whoever answers first at `addresses`, or, with `mdns`, on the local
/// network. A refusal is an answer: it comes as [`Reply::Refused`].
pub async fn knock(
    key: [u8; 32],
    addresses: &[String],
    mdns: bool,
    request: Request,
    deadline: Duration,
) -> Result<(PeerId, Reply), GridError> {
    let parsed: Vec<_> = addresses.iter().filter_map(|text| ids::parse(text)).collect();
    let named = parsed.iter().find_map(|(_, peer)| *peer);
    let nobody = named.unwrap_or(PeerId::from_bytes([0; 32]));
    let tasks = TaskTracker::new();
    let net = behaviour::build(key, Role::Stranger, mdns, &tasks).map_err(|_| GridError::Closed)?;
    let mut knocking = Knocking {
        net,
        mdns,
        request,
        dialing: BTreeSet::new(),
        tried: BTreeSet::new(),
        asks: JoinSet::new(),
        refused: None,
    };
    let knocked = timeout(deadline, async {
        for (address, peer) in parsed {
            for address in resolve(vec![address]).await {
                knocking.dial(peer, address);
            }
        }
        knocking.run().await
    })
    .await;
    let refused = knocking.refused.take();
    drop(knocking);
    tasks.close();
    drop(timeout(CLOSING, tasks.wait()).await);
    match (knocked, refused) {
        (Ok(Some(answer)), _) | (_, Some(answer)) => Ok(answer),
        (Ok(None), None) => Err(GridError::Unreachable { peer: nobody }),
        (Err(_), None) => Err(GridError::Timeout { peer: nobody, seconds: deadline.as_secs() }),
    }
}

struct Knocking {
    net: Net,
    mdns: bool,
    request: Request,
    dialing: BTreeSet<ConnectionId>,
    tried: BTreeSet<Multiaddr>,
    asks: JoinSet<(PeerId, Result<Reply, DoorError>)>,
    /// The last refusal.
    refused: Option<(PeerId, Reply)>,
}

impl Knocking {
    fn dial(&mut self, peer: Option<PeerId>, address: Multiaddr) {
        if self.tried.len() >= DOORS || !self.tried.insert(address.clone()) {
            return;
        }
        let options = match peer.and_then(|peer| ids::to_net(&peer)) {
            Some(peer) => DialOpts::peer_id(peer).addresses(vec![address]).build(),
            None => DialOpts::unknown_peer_id().address(address).build(),
        };
        let connection = options.connection_id();
        match self.net.dial(options) {
            Ok(()) => drop(self.dialing.insert(connection)),
            Err(error) => tracing::debug!(%error, "a door cannot be dialled"),
        }
    }

    /// Until somebody answers, or nothing is left to try.
    async fn run(&mut self) -> Option<(PeerId, Reply)> {
        loop {
            if self.dialing.is_empty() && self.asks.is_empty() && !self.mdns {
                return None;
            }
            tokio::select! {
                biased;
                Some(asked) = self.asks.join_next() => match asked {
                    Ok((peer, Ok(refusal @ Reply::Refused(_)))) => {
                        self.refused = Some((peer, refusal));
                    }
                    Ok((peer, Ok(reply))) => return Some((peer, reply)),
                    Ok((peer, Err(error))) => {
                        tracing::debug!(peer = %peer.short(), %error, "no answer at the door");
                    }
                    Err(_) => {}
                },
                event = self.net.select_next_some() => self.event(event),
            }
        }
    }

    fn event(&mut self, event: SwarmEvent<Event>) {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, .. } => {
                self.dialing.remove(&connection_id);
                let Some(peer) = ids::from_net(&peer_id) else { return };
                let (sender, opened) = oneshot::channel();
                self.net.behaviour_mut().streams.open(peer_id, connection_id, Line::Door, sender);
                let request = self.request.clone();
                self.asks.spawn(async move { (peer, door::ask(opened, request).await) });
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                tracing::debug!(%error, "a door cannot be reached");
                self.dialing.remove(&connection_id);
            }
            SwarmEvent::Behaviour(Event::Mdns(mdns::Event::Discovered(found))) => {
                for (peer, address) in found {
                    if let Some((address, _)) = ids::split(address) {
                        self.dial(ids::from_net(&peer), address);
                    }
                }
            }
            _ => {}
        }
    }
}
