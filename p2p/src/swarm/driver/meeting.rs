//! Connections come, introduce themselves, and go.

use std::sync::Arc;

use chunker::PeerId;
use libp2p::core::ConnectedPoint;
use libp2p::swarm::ConnectionId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Driver, Ended, Present};
use crate::swarm::door::{self, Introduced};
use crate::swarm::links::{Seating, Stage};
use crate::swarm::pool::Pool;
use crate::swarm::serve::{Budget, Desk};
use crate::swarm::streams::{Arrived, Incoming, Line};
use crate::swarm::{ids, lock, upkeep};
use crate::wire::Hello;
use crate::{GridError, Refusal, Service};

impl<S: Service> Driver<S> {
    pub(super) fn on_connected(
        &mut self,
        net_peer: libp2p::PeerId,
        connection: ConnectionId,
        endpoint: &ConnectedPoint,
    ) {
        let now = Instant::now();
        let Some(peer) = ids::from_net(&net_peer) else {
            // Not an ed25519 key: none of ours.
            self.net.close_connection(connection);
            return;
        };
        let dialed = endpoint.is_dialer();
        self.book.connected_to(peer, connection, now);
        let remote = endpoint.get_remote_address().to_string();
        let until = now + self.shared.tempo.greeting;
        let names = (peer, net_peer);
        if let Some(oldest) = self.links.open(connection, names, remote, dialed, until) {
            self.shared.tally.strangers.add();
            self.net.close_connection(oldest);
        }
        if dialed {
            let (reply, opened) = oneshot::channel();
            self.net.behaviour_mut().streams.open(net_peer, connection, Line::Door, reply);
            let introducing = door::introduce(peer, self.shared.members.clone(), opened);
            self.tasks.spawn(async move {
                Ended::Introduced { connection, dialed, how: introducing.await }
            });
        }
    }

    pub(super) fn on_closed(&mut self, connection: ConnectionId) {
        let Some(link) = self.links.close(connection) else { return };
        let peer = link.peer;
        let worked = link.stage == Stage::Admitted;
        if self.links.best(peer).is_none() {
            self.set_offline(peer);
        } else if let Some(present) = self.present.get(&peer) {
            present.pool.forget(connection);
        }
        if !self.links.has(peer) {
            self.book.closed(peer, worked, Instant::now());
            self.disappoint(peer, &GridError::Unreachable { peer });
        }
    }

    pub(super) fn on_stream(&mut self, incoming: Incoming) {
        let Incoming { connection, arrived } = incoming;
        match arrived.line {
            Line::Door => self.on_door(connection, arrived),
            Line::Grid => {
                if let Seating::Serve(peer, arrived) = self.links.seat(connection, arrived) {
                    self.serve(peer, arrived);
                }
            }
        }
    }

    pub(super) fn on_introduced(
        &mut self,
        connection: ConnectionId,
        dialed: bool,
        how: Introduced,
    ) {
        match how {
            Introduced::Admitted(hello) => self.admit(connection, dialed, &hello),
            Introduced::Refused(reason) => self.refuse(connection, dialed, reason),
            Introduced::Failed if dialed => {
                self.net.close_connection(connection);
            }
            // The other side may try again until its time is over.
            Introduced::Failed | Introduced::Other => {}
        }
    }

    /// The last admitted connection of `peer` is gone.
    pub(super) fn set_offline(&mut self, peer: PeerId) {
        let Some(present) = self.present.remove(&peer) else { return };
        lock(&self.shared.pools).remove(&peer);
        present.pool.close();
        present.upkeep.abort();
        if let Some(net_peer) = ids::to_net(&peer) {
            self.admitted.remove(&net_peer);
        }
        self.shared.members.offline(peer);
        tracing::debug!(peer = %peer.short(), "offline");
    }

    /// Tells those who wait for `peer` that it will not be.
    pub(super) fn disappoint(&mut self, peer: PeerId, error: &GridError) {
        for waiter in self.waiters.remove(&peer).unwrap_or_default() {
            drop(waiter.send(Err(error.clone())));
        }
    }

    fn on_door(&mut self, connection: ConnectionId, arrived: Arrived) {
        let Some(peer) = self.links.get(connection).map(|link| link.peer) else { return };
        if !self.links.knock(connection) {
            self.net.close_connection(connection);
            return;
        }
        let members = self.shared.members.clone();
        let answering = door::answer(peer, members, self.service.clone(), arrived);
        self.tasks.spawn(async move {
            Ended::Introduced { connection, dialed: false, how: answering.await }
        });
    }

    fn admit(&mut self, connection: ConnectionId, dialed: bool, hello: &Hello) {
        let Some(link) = self.links.get(connection) else { return };
        let (peer, net_peer, remote) = (link.peer, link.net_peer, link.remote.clone());
        if !matches!(link.stage, Stage::Greeting { .. }) {
            return;
        }
        // Once more, and here: an older connection may have closed, and taken the peer offline,
        // since its hello was checked. What was verified already costs nothing.
        let members = &self.shared.members;
        let verdict = if dialed {
            members.accept(peer, hello)
        } else {
            members.admit(peer, hello).map(|_welcome| ())
        };
        if let Err(reason) = verdict {
            self.refuse(connection, dialed, reason);
            return;
        }
        members.online_at(peer, &remote);
        self.shared.tally.admitted.add();
        self.book.admitted(peer, Instant::now());
        self.admitted.insert(net_peer);
        self.add_to_table(net_peer, hello);
        let pool = self.welcome(peer);
        for waiter in self.waiters.remove(&peer).unwrap_or_default() {
            drop(waiter.send(Ok(pool.clone())));
        }
        for arrived in self.links.admit(connection).unwrap_or_default() {
            self.serve(peer, arrived);
        }
    }

    /// Begins what runs while `peer` is online, unless it runs already.
    fn welcome(&mut self, peer: PeerId) -> Arc<Pool> {
        if let Some(present) = self.present.get(&peer) {
            return present.pool.clone();
        }
        tracing::debug!(peer = %peer.short(), "online");
        let (members, commands) = (self.shared.members.clone(), self.shared.commands.clone());
        let lane = Arc::new(self.shared.pace.lane(peer, members.clone()));
        let pool = Arc::new(Pool::new(peer, members, lane, commands));
        let keeping = upkeep::run(peer, pool.clone(), self.shared.clone(), self.notes.0.clone());
        let upkeep = self.tasks.spawn(async move {
            keeping.await;
            Ended::Done
        });
        lock(&self.shared.pools).insert(peer, pool.clone());
        let share = Arc::new(Budget::of_peer());
        let present = Present { pool: pool.clone(), share, upkeep, toured: false };
        self.present.insert(peer, present);
        pool
    }

    fn refuse(&mut self, connection: ConnectionId, dialed: bool, reason: Refusal) {
        let Some(peer) = self.links.get(connection).map(|link| link.peer) else { return };
        tracing::info!(peer = %peer.short(), %reason, dialed, "introduction declined");
        self.shared.tally.refused.add();
        let now = Instant::now();
        if !self.present.contains_key(&peer) {
            self.book.refused(peer, reason, now);
            self.disappoint(peer, &GridError::NotAdmitted { peer, reason });
        }
        if dialed {
            self.net.close_connection(connection);
        } else {
            self.links.part(connection, now);
        }
    }

    fn serve(&mut self, peer: PeerId, arrived: Arrived) {
        let Some(present) = self.present.get(&peer) else { return };
        let desk = Desk {
            peer,
            shared: self.shared.clone(),
            service: self.service.clone(),
            share: present.share.clone(),
            lane: present.pool.lane().clone(),
        };
        self.tasks.spawn(async move {
            desk.serve(arrived).await;
            Ended::Done
        });
    }
}
