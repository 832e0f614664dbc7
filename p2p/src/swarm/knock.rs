//! Knocking at a door without belonging to a grid: to join with an invitation, or to come back with
//! nothing but the recovery words.
//!
//! A refusal is an answer, and given only when nobody who was reached says anything better. An
//! invitation goes to no device but the one it names: with a `/p2p` part in the address Noise sees
//! to that, and what is found on the local network is asked only if an address named it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chunker::PeerId;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use libp2p::Multiaddr;
use libp2p::mdns;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, SwarmEvent};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::TaskTracker;

use super::behaviour::{self, Event, Net, Role};
use super::door::{self, DoorError};
use super::streams::Line;
use super::{ids, names};
use crate::{GridError, Reply, Request};

/// Devices of the local network tried in one knock.
const FOUND: usize = 32;
/// How long our own connections may take to close.
const CLOSING: Duration = Duration::from_secs(1);

/// Asks `request` (hello or join) at the door of whoever is at `addresses` or, with `mdns`, on the
/// local network, as the device with this secret `key`. Returns the first answer that is not a
/// refusal, else a refusal, else why there was none; within `deadline`. When no address names a
/// device, the error names the all-zero one. Cancel-safe.
pub async fn knock(
    key: [u8; 32],
    addresses: &[String],
    mdns: bool,
    request: Request,
    deadline: Duration,
) -> Result<(PeerId, Reply), GridError> {
    let until = Instant::now() + deadline;
    let tasks = TaskTracker::new();
    let targets: Vec<_> = addresses.iter().filter_map(|text| ids::parse(text)).collect();
    let named: BTreeSet<PeerId> = targets.iter().filter_map(|(_, peer)| *peer).collect();
    let nobody = named.first().copied().unwrap_or(PeerId::from_bytes([0; 32]));
    let Ok(net) = behaviour::build(key, Role::Stranger, mdns, &tasks) else {
        return Err(GridError::Unreachable { peer: nobody });
    };
    let mut knocking = Knocking {
        net,
        request,
        named,
        dials: BTreeSet::new(),
        found: BTreeSet::new(),
        asked: BTreeSet::new(),
        refused: None,
        failure: None,
    };
    let answer = timeout_at(until, knocking.run(targets, mdns)).await;
    let Knocking { net, refused, failure, .. } = knocking;
    drop(net);
    tasks.close();
    if timeout(CLOSING, tasks.wait()).await.is_err() {
        tracing::debug!("a connection did not close in time");
    }
    answer
        .ok()
        .flatten()
        .or(refused)
        .ok_or(failure.unwrap_or(GridError::Unreachable { peer: nobody }))
}

type Answer = (PeerId, Result<Reply, DoorError>);
type Answers = FuturesUnordered<BoxFuture<'static, Answer>>;

struct Knocking {
    net: Net,
    request: Request,
    /// Devices that the addresses name.
    named: BTreeSet<PeerId>,
    /// Dials under way.
    dials: BTreeSet<ConnectionId>,
    /// Devices of the local network that were tried.
    found: BTreeSet<PeerId>,
    /// Devices whose door was asked: an invitation is spent once.
    asked: BTreeSet<PeerId>,
    refused: Option<(PeerId, Reply)>,
    /// What went wrong with a device that was reached.
    failure: Option<GridError>,
}

impl Knocking {
    /// Runs until an answer that is no refusal, or nobody is left to ask.
    async fn run(
        &mut self,
        targets: Vec<(Multiaddr, Option<PeerId>)>,
        search: bool,
    ) -> Option<(PeerId, Reply)> {
        let mut at: BTreeMap<Option<PeerId>, Vec<Multiaddr>> = BTreeMap::new();
        for (address, peer) in targets {
            at.entry(peer).or_default().push(address);
        }
        for (peer, addresses) in at {
            self.dial(names::resolve(addresses).await, peer);
        }
        let mut answers = Answers::new();
        while search || !self.dials.is_empty() || !answers.is_empty() {
            tokio::select! {
                biased;
                Some((peer, answer)) = answers.next() => {
                    if let Some(reply) = self.weigh(peer, answer) {
                        return Some((peer, reply));
                    }
                }
                event = self.net.select_next_some() => answers.extend(self.on_event(event)),
            }
        }
        None
    }

    fn weigh(&mut self, peer: PeerId, answer: Result<Reply, DoorError>) -> Option<Reply> {
        match answer {
            Ok(reply @ Reply::Refused(_)) => self.refused = Some((peer, reply)),
            Ok(reply) => return Some(reply),
            Err(error) => {
                tracing::debug!(peer = %peer.short(), %error, "no answer at the door");
                self.failure = Some(match error {
                    DoorError::Slow => {
                        let seconds = door::DOOR_DEADLINE.as_secs();
                        GridError::Timeout { peer, seconds }
                    }
                    DoorError::Misfit => GridError::WrongReply { peer },
                    _ => GridError::Broken { peer },
                });
            }
        }
        None
    }

    fn on_event(&mut self, event: SwarmEvent<Event>) -> Option<BoxFuture<'static, Answer>> {
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, .. } => {
                self.dials.remove(&connection_id);
                let peer = ids::from_net(&peer_id).filter(|peer| self.asked.insert(*peer))?;
                let (reply, opened) = oneshot::channel();
                self.net.behaviour_mut().streams.open(peer_id, connection_id, Line::Door, reply);
                let asking = door::ask(opened, self.request.clone());
                return Some(async move { (peer, asking.await) }.boxed());
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                tracing::debug!(%error, "not reached");
                self.dials.remove(&connection_id);
            }
            SwarmEvent::Behaviour(Event::Mdns(mdns::Event::Discovered(found))) => {
                for (peer, address) in found {
                    self.on_found(peer, address);
                }
            }
            _ => {}
        }
        None
    }

    fn on_found(&mut self, peer: libp2p::PeerId, address: Multiaddr) {
        let (Some(peer), Some((address, _))) = (ids::from_net(&peer), ids::split(address)) else {
            return;
        };
        let wanted = self.named.contains(&peer)
            || (self.named.is_empty() && !matches!(self.request, Request::Join(_)));
        if wanted && self.found.len() < FOUND && self.found.insert(peer) {
            self.dial(vec![address], Some(peer));
        }
    }

    /// Dials a device at the first of its addresses that works, or whoever is at each of them.
    fn dial(&mut self, addresses: Vec<Multiaddr>, peer: Option<PeerId>) {
        let Some(peer) = peer else {
            for address in addresses {
                let options = DialOpts::unknown_peer_id().address(address);
                self.dial_with(options.allocate_new_port().build());
            }
            return;
        };
        if let Some(peer) = ids::to_net(&peer) {
            let options = DialOpts::peer_id(peer).condition(PeerCondition::Disconnected);
            self.dial_with(options.addresses(addresses).allocate_new_port().build());
        }
    }

    fn dial_with(&mut self, options: DialOpts) {
        let connection = options.connection_id();
        match self.net.dial(options) {
            Ok(()) => drop(self.dials.insert(connection)),
            Err(error) => tracing::debug!(%error, "not dialled"),
        }
    }
}
