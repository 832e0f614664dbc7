//! Where we listen, whom we know, and how we come to know more.
//!
//! The roster is the main source. Kademlia and the local network only suggest addresses to dial:
//! whoever is found there still has to pass the door.

use std::collections::BTreeSet;
use std::num::NonZeroU8;
use std::time::Duration;

use libp2p::core::transport::ListenerId;
use libp2p::kad;
use libp2p::mdns;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError};
use libp2p::{Multiaddr, PeerId};
use tokio::time::Instant;

use super::{Driver, Ended};
use crate::swarm::book::{Goal, Standing};
use crate::swarm::{ids, lock, names};
use crate::wire::Hello;
use crate::{GridError, Service};

/// Between two searches of the table for devices nobody told us of.
const SEARCH_EVERY: Duration = Duration::from_mins(5);
/// Addresses of one device tried at the same time.
const AT_ONCE: NonZeroU8 = NonZeroU8::MIN.saturating_add(3);

impl<S: Service> Driver<S> {
    /// Takes over the roster's addresses, if it changed.
    pub(super) fn copy_roster(&mut self) {
        let changed = self.changes.has_changed().unwrap_or(false);
        if !std::mem::take(&mut self.stale) && !changed {
            return;
        }
        self.changes.mark_unchanged();
        let now = Instant::now();
        for info in self.shared.members.infos() {
            let parsed = info.addresses.iter().filter_map(|text| ids::parse(text));
            let own = parsed.filter(|(_, named)| named.is_none_or(|named| named == info.peer));
            let announced = own.map(|(address, _)| address).collect();
            self.book.member(info.peer, announced, now);
        }
    }

    pub(super) fn dial_due(&mut self) {
        self.copy_roster();
        for (goal, addresses) in self.book.due(Instant::now()) {
            if addresses.iter().any(names::is_name) {
                self.tasks.spawn(async move {
                    Ended::Resolved { goal, addresses: names::resolve(addresses).await }
                });
            } else {
                self.dial(goal, addresses);
            }
        }
    }

    pub(super) fn dial(&mut self, goal: Goal, addresses: Vec<Multiaddr>) {
        // A dial from the listening port would collide with the other side's to ours, and with
        // what is left of the last connection.
        let options: Vec<DialOpts> = match &goal {
            _ if addresses.is_empty() => Vec::new(),
            Goal::Peer(peer) => {
                let named = ids::to_net(peer).map(|peer| {
                    DialOpts::peer_id(peer)
                        .condition(PeerCondition::DisconnectedAndNotDialing)
                        .override_dial_concurrency_factor(AT_ONCE)
                        .addresses(addresses)
                        .allocate_new_port()
                        .build()
                });
                named.into_iter().collect()
            }
            // More than one when the address is a name.
            Goal::Address(_) => {
                let each = addresses.into_iter().map(|address| {
                    DialOpts::unknown_peer_id().address(address).allocate_new_port().build()
                });
                each.collect()
            }
        };
        if options.is_empty() {
            self.book.fail(&goal, Instant::now());
            self.miss(&goal);
        }
        for options in options {
            let connection = options.connection_id();
            self.book.dialing(goal.clone(), connection);
            if let Err(error) = self.net.dial(options) {
                self.on_dial_failed(connection, &error);
            }
        }
    }

    pub(super) fn on_dial_failed(&mut self, connection: ConnectionId, error: &DialError) {
        if matches!(error, DialError::LocalPeerId { .. }) {
            self.book.is_me(connection);
            return;
        }
        if let Some(goal) = self.book.failed(connection, Instant::now()) {
            tracing::debug!(?goal, %error, "not reached");
            self.miss(&goal);
        }
    }

    pub(super) fn on_listening(&mut self, listener: ListenerId) {
        self.announce();
        if let Some((waiting, _)) = &mut self.starting {
            waiting.retain(|it| *it != listener);
        }
        self.tell_started();
    }

    /// Lets the swarm's maker go on once every listener has an address.
    pub(super) fn tell_started(&mut self) {
        if let Some((_, started)) = self.starting.take_if(|(waiting, _)| waiting.is_empty()) {
            started.send(()).ok();
        }
    }

    /// Tells the roster where we listen. What only this machine can reach is left out if there is
    /// anything else.
    pub(super) fn announce(&mut self) {
        let all: BTreeSet<Multiaddr> = self.net.listeners().cloned().collect();
        let outside = all.iter().any(|address| !ids::is_loopback(address));
        let told = all.iter().filter(|address| !outside || !ids::is_loopback(address));
        self.shared.members.set_addresses(told.map(ToString::to_string).collect());
        *lock(&self.shared.listening) = all.into_iter().collect();
    }

    pub(super) fn add_to_table(&mut self, peer: PeerId, hello: &Hello) {
        let Some(table) = self.net.behaviour_mut().kad.as_mut() else { return };
        for (address, _) in hello.addresses.iter().filter_map(|text| ids::parse(text)) {
            table.kad.add_address(&peer, address);
        }
    }

    pub(super) fn search(&mut self, now: Instant) {
        if now < self.next_search || self.present.is_empty() {
            return;
        }
        self.next_search = now + SEARCH_EVERY;
        if let Some(table) = self.net.behaviour_mut().kad.as_mut() {
            table.kad.get_closest_peers(PeerId::random());
        }
    }

    pub(super) fn on_table(&mut self, event: kad::Event) {
        let kad::Event::OutboundQueryProgressed {
            result: kad::QueryResult::GetClosestPeers(result),
            ..
        } = event
        else {
            return;
        };
        let found = match result {
            Ok(kad::GetClosestPeersOk { peers, .. })
            | Err(kad::GetClosestPeersError::Timeout { peers, .. }) => peers,
        };
        for kad::PeerInfo { peer_id, addrs } in found {
            for address in addrs {
                self.suggest(peer_id, address);
            }
        }
    }

    pub(super) fn on_local(&mut self, event: mdns::Event) {
        if let mdns::Event::Discovered(found) = event {
            for (peer, address) in found {
                self.suggest(peer, address);
            }
            self.dial_due();
        }
    }

    /// Somebody may be there.
    fn suggest(&mut self, peer: PeerId, address: Multiaddr) {
        let (Some(peer), Some((address, _))) = (ids::from_net(&peer), ids::split(address)) else {
            return;
        };
        if !self.links.has(peer) {
            self.book.add(Standing::Stranger, Some(peer), address, Instant::now());
        }
    }

    /// Reaching `goal` failed: nobody needs to wait for it.
    fn miss(&mut self, goal: &Goal) {
        if let Goal::Peer(peer) = *goal
            && !self.links.has(peer)
        {
            self.disappoint(peer, &GridError::Unreachable { peer });
        }
    }
}
