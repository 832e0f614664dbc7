//! The one task that owns libp2p's swarm.
//!
//! Everything else talks to it through bounded channels; it never waits for anybody. Tasks it
//! starts (doors, serving, upkeep, name look-ups) report back by ending, and end with it. How it
//! fails: a panic in a task costs that task's stream; if this task ends, for whatever reason,
//! everything that was asked of the grid gets [`GridError::Closed`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chunker::PeerId;
use futures::StreamExt;
use libp2p::Multiaddr;
use libp2p::core::transport::ListenerId;
use libp2p::swarm::{ConnectionId, SwarmEvent};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::behaviour::{Event, Net, connection_limits};
use super::book::{Book, Goal, Outlook};
use super::door::Introduced;
use super::gate::Admitted;
use super::links::Links;
use super::pool::Pool;
use super::serve::Budget;
use super::streams::{Line, OpenReply};
use super::upkeep::Note;
use super::{Shared, ids, lock};
use crate::{GridError, Service};

mod discovery;
mod meeting;

/// Commands that may wait for the driver. Callers wait when it is full.
pub(super) const COMMANDS: usize = 256;
/// Notes of upkeep tasks that may wait.
const NOTES: usize = 256;
/// How often due dials and overdue connections are looked for.
const TICK: Duration = Duration::from_millis(500);
/// How long connections may take to close at the end.
const CLOSING: Duration = Duration::from_secs(2);
/// Askers that may wait for one peer to be reached.
const WAITERS: usize = 1024;

/// What the handle and the pools ask of the driver.
pub(super) enum Command {
    /// A stream of the grid protocol to an admitted peer.
    Open { peer: PeerId, reply: OpenReply },
    /// The pool of a peer, dialled if need be.
    Reach { peer: PeerId, reply: Reached },
    /// Tell me when everybody known has been tried.
    Settle { reply: oneshot::Sender<()> },
}

type Reached = oneshot::Sender<Result<Arc<Pool>, GridError>>;

/// A task's last words.
enum Ended {
    Introduced { connection: ConnectionId, dialed: bool, how: Introduced },
    Resolved { goal: Goal, addresses: Vec<Multiaddr> },
    Done,
}

/// What belongs to a peer while it is online.
struct Present {
    pool: Arc<Pool>,
    share: Arc<Budget>,
    upkeep: AbortHandle,
    /// Measured, and its roster learned.
    toured: bool,
}

/// What a driver is made of.
pub(super) struct Parts<S> {
    pub(super) net: Net,
    pub(super) net_tasks: TaskTracker,
    pub(super) shared: Arc<Shared>,
    pub(super) service: Arc<S>,
    pub(super) admitted: Admitted,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) book: Book,
    /// Listeners that have to report an address before the swarm counts as started.
    pub(super) starting: (Vec<ListenerId>, oneshot::Sender<()>),
}

/// The driver's state.
pub(super) struct Driver<S> {
    net: Net,
    net_tasks: TaskTracker,
    shared: Arc<Shared>,
    service: Arc<S>,
    admitted: Admitted,
    commands: mpsc::Receiver<Command>,
    notes: (mpsc::Sender<Note>, mpsc::Receiver<Note>),
    starting: Option<(Vec<ListenerId>, oneshot::Sender<()>)>,
    book: Book,
    links: Links,
    present: BTreeMap<PeerId, Present>,
    tasks: JoinSet<Ended>,
    waiters: BTreeMap<PeerId, Vec<Reached>>,
    settlers: Vec<oneshot::Sender<()>>,
    /// The roster changed since it was last copied into the book.
    stale: bool,
    changes: watch::Receiver<u64>,
    next_search: Instant,
}

impl<S: Service> Driver<S> {
    pub(super) fn new(parts: Parts<S>) -> Self {
        let Parts { net, net_tasks, shared, service, admitted, commands, book, starting } = parts;
        let changes = shared.members.changed();
        Self {
            net,
            net_tasks,
            shared,
            service,
            admitted,
            commands,
            notes: mpsc::channel(NOTES),
            starting: Some(starting),
            book,
            links: Links::default(),
            present: BTreeMap::new(),
            tasks: JoinSet::new(),
            waiters: BTreeMap::new(),
            settlers: Vec::new(),
            stale: true,
            changes,
            next_search: Instant::now(),
        }
    }

    /// Runs until `stop`, then closes everything.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        // Cancelled however this task ends, by a panic too.
        let _done = self.shared.done.clone().drop_guard();
        self.tell_started();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(command) = self.commands.recv() => self.on_command(command),
                Some(note) = self.notes.1.recv() => self.on_note(note),
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok(ended) => self.on_ended(ended),
                    Err(error) if error.is_panic() => {
                        tracing::error!(%error, "a task of the network failed");
                    }
                    Err(_) => {}
                },
                event = self.net.select_next_some() => self.on_event(event),
                Ok(()) = self.changes.changed() => self.stale = true,
                _ = ticks.tick() => self.on_tick(),
            }
            self.tell_settled();
        }
        self.shut_down().await;
        let Self { net, net_tasks, .. } = self;
        drop(net);
        net_tasks.close();
        if timeout(CLOSING, net_tasks.wait()).await.is_err() {
            tracing::warn!("a connection did not end in time");
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Open { peer, reply } => {
                // Without a connection the reply is dropped, which tells as much.
                if let Some((connection, net_peer)) = self.links.best(peer) {
                    let streams = &mut self.net.behaviour_mut().streams;
                    streams.open(net_peer, connection, Line::Grid, reply);
                }
            }
            Command::Reach { peer, reply } => self.reach(peer, reply),
            Command::Settle { reply } => {
                self.settlers.push(reply);
                self.dial_due();
            }
        }
    }

    fn reach(&mut self, peer: PeerId, reply: Reached) {
        if let Some(present) = self.present.get(&peer) {
            drop(reply.send(Ok(present.pool.clone())));
            return;
        }
        self.copy_roster();
        let waiters = self.waiters.entry(peer).or_default();
        waiters.retain(|waiter| !waiter.is_closed());
        let outlook = self.book.outlook(peer, Instant::now());
        let unlikely = match outlook {
            Outlook::Open if waiters.len() < WAITERS => None,
            Outlook::Open | Outlook::Unreachable => Some(GridError::Unreachable { peer }),
            Outlook::Refused(reason) => Some(GridError::NotAdmitted { peer, reason }),
        };
        if let Some(error) = unlikely {
            drop(reply.send(Err(error)));
        } else {
            waiters.push(reply);
            self.dial_due();
        }
    }

    fn on_note(&mut self, note: Note) {
        match note {
            Note::FirstRound(peer) => {
                if let Some(present) = self.present.get_mut(&peer) {
                    present.toured = true;
                }
            }
            Note::Silent(peer) => {
                tracing::info!(peer = %peer.short(), "peer is silent, closing its connections");
                if let Some(peer) = ids::to_net(&peer) {
                    // It may have gone by itself.
                    self.net.disconnect_peer_id(peer).ok();
                }
            }
        }
    }

    fn on_ended(&mut self, ended: Ended) {
        match ended {
            Ended::Introduced { connection, dialed, how } => {
                self.on_introduced(connection, dialed, how);
            }
            Ended::Resolved { goal, addresses } => self.dial(goal, addresses),
            Ended::Done => {}
        }
    }

    fn on_event(&mut self, event: SwarmEvent<Event>) {
        match event {
            SwarmEvent::Behaviour(Event::Streams(incoming)) => self.on_stream(incoming),
            SwarmEvent::Behaviour(Event::Kad(event)) => self.on_table(*event),
            SwarmEvent::Behaviour(Event::Mdns(event)) => self.on_local(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.on_connected(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { connection_id, .. } => self.on_closed(connection_id),
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                self.on_dial_failed(connection_id, &error);
            }
            SwarmEvent::NewListenAddr { listener_id, .. } => self.on_listening(listener_id),
            SwarmEvent::ExpiredListenAddr { .. } => self.announce(),
            SwarmEvent::ListenerClosed { addresses, reason, .. } => {
                tracing::warn!(?addresses, ?reason, "no longer listening");
                self.announce();
            }
            SwarmEvent::ListenerError { error, .. } => tracing::warn!(%error, "listener failed"),
            _ => {}
        }
    }

    fn on_tick(&mut self) {
        let now = Instant::now();
        for connection in self.links.overdue(now) {
            self.shared.tally.strangers.add();
            self.net.close_connection(connection);
        }
        self.waiters.retain(|_, waiters| !waiters.is_empty());
        let wanted = *lock(&self.shared.connections);
        *self.net.behaviour_mut().limits.limits_mut() = connection_limits(wanted);
        self.search(now);
        self.dial_due();
    }

    fn tell_settled(&mut self) {
        if self.settlers.is_empty() {
            return;
        }
        // Whoever was just heard of has to be tried first.
        if self.stale || self.changes.has_changed().unwrap_or(false) {
            self.dial_due();
        }
        let toured = self.present.values().all(|present| present.toured);
        if toured && !self.links.is_greeting() && self.book.is_settled() {
            for settler in self.settlers.drain(..) {
                settler.send(()).ok();
            }
        }
    }

    async fn shut_down(&mut self) {
        let peers: Vec<PeerId> = self.present.keys().copied().collect();
        for peer in peers {
            self.set_offline(peer);
        }
        self.tasks.shutdown().await;
        for peer in self.links.peers() {
            self.net.disconnect_peer_id(peer).ok();
        }
        let closing = async {
            while !self.links.peers().is_empty() {
                if let SwarmEvent::ConnectionClosed { connection_id, .. } =
                    self.net.select_next_some().await
                {
                    self.links.close(connection_id);
                }
            }
        };
        if timeout(CLOSING, closing).await.is_err() {
            tracing::debug!("connections did not close in time");
        }
    }
}
