//! The loop: one task owns libp2p's swarm, and everything that happens to it happens here.
//!
//! The driver routes. Who is connected is in [`Links`], whom to dial in [`Book`]; introductions, serving
//! and upkeep are tasks of their own, so that nothing here ever waits for another machine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chunker::PeerId;
use futures::StreamExt;
use libp2p::Multiaddr;
use libp2p::kad::{self, QueryResult};
use libp2p::mdns;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError, SwarmEvent};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::behaviour::{self, Event, Net, Role};
use super::book::{Book, Goal, Outlook, Standing};
use super::door::{self, Introduced};
use super::gate::Admitted;
use super::links::{Links, Seating, Stage};
use super::pool::{Pool, PooledStream};
use super::serve::{Budget, Desk};
use super::streams::{Arrived, Incoming, Line, OpenError};
use super::upkeep::{self, Note};
use super::{Shared, Swarm, SwarmConfig, SwarmError, ids, lock};
use crate::wire::Hello;
use crate::{GridError, Service};

/// How often time-outs, the roster and due dials are looked at.
const TICK: Duration = Duration::from_millis(250);
/// How often the Kademlia table is asked for peers near a random point.
const WALK_EVERY: Duration = Duration::from_secs(60);
/// Notes of upkeep tasks under way.
const NOTES: usize = 64;

/// What the handle and the pools want of the driver.
pub(super) enum Command {
    /// A stream to an online peer.
    Open { peer: PeerId, reply: oneshot::Sender<Result<PooledStream, OpenError>> },
    /// Word when the peer is online, or that there is no hope.
    Reach { peer: PeerId, reply: oneshot::Sender<Result<(), GridError>> },
    /// Word when everything known has been tried.
    Settle { reply: oneshot::Sender<()> },
}

/// What is kept for an online peer.
struct Online {
    pool: Arc<Pool>,
    /// Its part of the room for bodies.
    share: Arc<Budget>,
    upkeep: AbortHandle,
    /// Whether its first ping and roster are through.
    met: bool,
}

/// How an introduction on a connection ended.
type Introduction = (ConnectionId, PeerId, Introduced);

/// The loop's state.
pub(super) struct Driver<S> {
    net: Net,
    shared: Arc<Shared>,
    service: Arc<S>,
    inbox: mpsc::Receiver<Command>,
    /// For the pools.
    commands: mpsc::Sender<Command>,
    notes: (mpsc::Sender<Note>, mpsc::Receiver<Note>),
    book: Book,
    links: Links,
    admitted: Admitted,
    introductions: JoinSet<Introduction>,
    resolving: JoinSet<(Goal, Vec<Multiaddr>)>,
    online: BTreeMap<PeerId, Online>,
    waiting: BTreeMap<PeerId, Vec<oneshot::Sender<Result<(), GridError>>>>,
    settling: Vec<oneshot::Sender<()>>,
    walked: Instant,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl<S: Service> Driver<S> {
    /// Builds the network and returns when it listens.
    pub(super) async fn start(
        swarm: &Swarm,
        config: SwarmConfig,
        service: Arc<S>,
        inbox: mpsc::Receiver<Command>,
    ) -> Result<Self, SwarmError> {
        let admitted = Admitted::default();
        let grid = config.members.grid();
        let role = Role::Member { grid, admitted: admitted.clone() };
        let net = behaviour::build(config.key, role, config.mdns, &swarm.tasks)?;
        let now = Instant::now();
        let mut book = Book::new(config.members.me());
        for text in &config.bootstrap {
            let wrong = || SwarmError::Address { address: text.clone() };
            let (address, peer) = ids::parse(text).ok_or_else(wrong)?;
            book.add(Standing::Configured, peer, address, now);
        }
        let mut driver = Self {
            net,
            shared: Arc::clone(&swarm.shared),
            service,
            inbox,
            commands: swarm.commands.clone(),
            notes: mpsc::channel(NOTES),
            book,
            links: Links::default(),
            admitted,
            introductions: JoinSet::new(),
            resolving: JoinSet::new(),
            online: BTreeMap::new(),
            waiting: BTreeMap::new(),
            settling: Vec::new(),
            walked: now,
            stop: swarm.stop.clone(),
            tasks: swarm.tasks.clone(),
        };
        driver.listen(&config.listen).await?;
        driver.read_roster();
        driver.dial_due();
        Ok(driver)
    }

    async fn listen(&mut self, addresses: &[String]) -> Result<(), SwarmError> {
        let mut expected = 0;
        for text in addresses {
            let wrong = |_| SwarmError::Address { address: text.clone() };
            let address: Multiaddr = text.parse().map_err(wrong)?;
            let failed = |source| SwarmError::Listen { address: text.clone(), source };
            self.net.listen_on(address).map_err(failed)?;
            expected += 1;
        }
        // Each listener reports an address, or closes.
        while expected > 0 {
            let event = self.net.select_next_some().await;
            match &event {
                SwarmEvent::NewListenAddr { .. } => expected -= 1,
                SwarmEvent::ListenerClosed { .. } if expected == 1 => {
                    return Err(SwarmError::NoListener);
                }
                SwarmEvent::ListenerClosed { .. } => expected -= 1,
                _ => {}
            }
            self.event(event);
        }
        Ok(())
    }

    /// Runs until told to stop.
    pub(super) async fn run(mut self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stop = self.stop.clone();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(command) = self.inbox.recv() => self.command(command),
                event = self.net.select_next_some() => self.event(event),
                Some(done) = self.introductions.join_next() => {
                    if let Ok((connection, peer, introduced)) = done {
                        self.introduced(connection, peer, introduced);
                    }
                }
                Some(done) = self.resolving.join_next() => {
                    if let Ok((goal, addresses)) = done {
                        self.dial(goal, addresses);
                    }
                }
                Some(note) = self.notes.1.recv() => self.note(note),
                _ = ticks.tick() => self.tick(),
            }
            self.tell_settled();
        }
        self.close_all();
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Open { peer, reply } => self.open(peer, reply),
            Command::Reach { peer, reply } => self.reach(peer, reply),
            Command::Settle { reply } => {
                self.read_roster();
                self.dial_due();
                self.settling.push(reply);
            }
        }
    }

    fn open(&mut self, peer: PeerId, reply: oneshot::Sender<Result<PooledStream, OpenError>>) {
        let Some((connection, net_peer)) = self.links.best(peer) else {
            drop(reply.send(Err(OpenError::Broken)));
            return;
        };
        let (sender, opened) = oneshot::channel();
        self.net.behaviour_mut().streams.open(net_peer, connection, Line::Grid, sender);
        drop(self.tasks.spawn(async move {
            let opened = opened.await.unwrap_or(Err(OpenError::Broken));
            drop(reply.send(opened.map(|stream| PooledStream { connection, stream })));
        }));
    }

    fn reach(&mut self, peer: PeerId, reply: oneshot::Sender<Result<(), GridError>>) {
        let result = if self.online.contains_key(&peer) {
            Ok(())
        } else {
            match self.book.outlook(peer, Instant::now()) {
                Outlook::Open => {
                    self.waiting.entry(peer).or_default().push(reply);
                    self.dial_due();
                    return;
                }
                Outlook::Unreachable => Err(GridError::Unreachable { peer }),
                Outlook::Refused(reason) => Err(GridError::NotAdmitted { peer, reason }),
            }
        };
        drop(reply.send(result));
    }

    /// Tells everybody who waits for `peer` how it went.
    fn answer_waiting(&mut self, peer: PeerId, result: &Result<(), GridError>) {
        for reply in self.waiting.remove(&peer).unwrap_or_default() {
            drop(reply.send(result.clone()));
        }
    }

    fn tick(&mut self) {
        let now = Instant::now();
        for connection in self.links.overdue(now) {
            let greeting = |link: &super::links::Link| matches!(link.stage, Stage::Greeting { .. });
            if self.links.get(connection).is_some_and(greeting) {
                self.shared.tally.strangers.add();
            }
            self.net.close_connection(connection);
        }
        self.read_roster();
        self.dial_due();
        if now.duration_since(self.walked) >= WALK_EVERY {
            self.walked = now;
            self.walk_table();
        }
        self.waiting.retain(|_, replies| {
            replies.retain(|reply| !reply.is_closed());
            !replies.is_empty()
        });
    }

    /// Looks for devices near a random point: whoever turns up and is unknown gets dialled.
    fn walk_table(&mut self) {
        let mut point = [0; 32];
        if let Some(gated) = self.net.behaviour_mut().kad.as_mut()
            && !self.online.is_empty()
            && getrandom::fill(&mut point).is_ok()
        {
            gated.kad.get_closest_peers(point.to_vec());
        }
    }

    /// Takes the roster's members over as goals.
    fn read_roster(&mut self) {
        let now = Instant::now();
        for info in self.shared.members.infos() {
            let announced = info.addresses.iter().filter_map(|text| ids::parse(text));
            let announced = announced.map(|(address, _)| address).collect();
            self.book.member(info.peer, announced, now);
        }
    }

    fn dial_due(&mut self) {
        for (goal, addresses) in self.book.due(Instant::now()) {
            if addresses.iter().any(|address| ids::dns_host(address).is_some()) {
                self.resolving.spawn(async move { (goal, resolve(addresses).await) });
            } else {
                self.dial(goal, addresses);
            }
        }
    }

    fn dial(&mut self, goal: Goal, addresses: Vec<Multiaddr>) {
        let options = match (&goal, addresses.first().cloned()) {
            (_, None) => None,
            (Goal::Address(_), Some(first)) => {
                Some(DialOpts::unknown_peer_id().address(first).build())
            }
            (Goal::Peer(peer), Some(_)) => ids::to_net(peer).map(|peer| {
                let options = DialOpts::peer_id(peer).condition(PeerCondition::Always);
                options.addresses(addresses).build()
            }),
        };
        let Some(options) = options else {
            self.book.fail(&goal, Instant::now());
            self.lost_hope(&goal);
            return;
        };
        let connection = options.connection_id();
        self.book.dialing(goal, connection);
        if let Err(error) = self.net.dial(options) {
            self.dial_failed(connection, &error);
        }
    }

    fn dial_failed(&mut self, connection: ConnectionId, error: &DialError) {
        tracing::debug!(%error, "a dial failed");
        if matches!(error, DialError::LocalPeerId { .. }) {
            self.book.is_me(connection);
        } else if let Some(goal) = self.book.failed(connection, Instant::now()) {
            self.lost_hope(&goal);
        }
    }

    fn lost_hope(&mut self, goal: &Goal) {
        if let Goal::Peer(peer) = *goal
            && !self.links.has(peer)
        {
            self.answer_waiting(peer, &Err(GridError::Unreachable { peer }));
        }
    }

    fn event(&mut self, event: SwarmEvent<Event>) {
        match event {
            SwarmEvent::NewListenAddr { address, .. } => {
                lock(&self.shared.listening).push(address);
                self.announce();
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                lock(&self.shared.listening).retain(|known| *known != address);
                self.announce();
            }
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                let remote = endpoint.get_remote_address().to_string();
                self.connected(peer_id, connection_id, remote, endpoint.is_dialer());
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, .. } => {
                self.closed(peer_id, connection_id);
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                self.dial_failed(connection_id, &error);
            }
            SwarmEvent::Behaviour(Event::Streams(incoming)) => self.arrived(incoming),
            SwarmEvent::Behaviour(Event::Kad(event)) => self.table(*event),
            SwarmEvent::Behaviour(Event::Mdns(mdns::Event::Discovered(found))) => {
                for (peer, address) in found {
                    self.found(peer, address);
                }
            }
            _ => {}
        }
    }

    /// Tells the grid where we listen. Loopback only helps others when there is nothing else.
    fn announce(&self) {
        let listening = lock(&self.shared.listening).clone();
        let public = listening.iter().filter(|address| !ids::is_loopback(address));
        let mut announced: Vec<String> = public.map(ToString::to_string).collect();
        if announced.is_empty() {
            announced = listening.iter().map(ToString::to_string).collect();
        }
        self.shared.members.set_addresses(announced);
    }

    /// A device turned up that nobody vouched for yet.
    fn found(&mut self, peer: libp2p::PeerId, address: Multiaddr) {
        let Some(peer) = ids::from_net(&peer) else { return };
        if let Some((address, named)) = ids::split(address)
            && named.is_none_or(|named| named == peer)
        {
            self.book.add(Standing::Stranger, Some(peer), address, Instant::now());
        }
    }

    fn table(&mut self, event: kad::Event) {
        let kad::Event::OutboundQueryProgressed {
            result: QueryResult::GetClosestPeers(found), ..
        } = event
        else {
            return;
        };
        let peers = match found {
            Ok(found) => found.peers,
            Err(kad::GetClosestPeersError::Timeout { peers, .. }) => peers,
        };
        for info in peers {
            for address in info.addrs {
                self.found(info.peer_id, address);
            }
        }
    }

    fn connected(
        &mut self,
        net_peer: libp2p::PeerId,
        connection: ConnectionId,
        remote: String,
        dialed: bool,
    ) {
        let Some(peer) = ids::from_net(&net_peer) else {
            self.net.close_connection(connection);
            return;
        };
        let now = Instant::now();
        self.book.connected_to(peer, connection, now);
        if let Some(evicted) = self.links.open(connection, (peer, net_peer), remote, dialed, now) {
            self.net.close_connection(evicted);
        }
        if dialed {
            let (sender, opened) = oneshot::channel();
            self.net.behaviour_mut().streams.open(net_peer, connection, Line::Door, sender);
            let members = self.shared.members.clone();
            self.introductions.spawn(async move {
                (connection, peer, door::introduce(peer, members, opened).await)
            });
        }
    }

    fn closed(&mut self, net_peer: libp2p::PeerId, connection: ConnectionId) {
        let Some(link) = self.links.close(connection) else { return };
        let peer = link.peer;
        if let Some(online) = self.online.get(&peer) {
            online.pool.forget(connection);
        }
        let worked = link.stage == Stage::Admitted;
        if worked && self.links.best(peer).is_none() {
            self.go_offline(peer, net_peer);
        }
        if !self.links.has(peer) {
            self.book.closed(peer, worked, Instant::now());
            self.answer_waiting(peer, &Err(GridError::Broken { peer }));
        }
    }

    fn arrived(&mut self, incoming: Incoming) {
        let Incoming { connection, arrived, .. } = incoming;
        match arrived.line {
            Line::Door => self.knocked(connection, arrived),
            Line::Grid => {
                if let Seating::Serve(peer, arrived) = self.links.seat(connection, arrived) {
                    self.serve(peer, arrived);
                }
            }
        }
    }

    fn knocked(&mut self, connection: ConnectionId, arrived: Arrived) {
        let Some(peer) = self.links.get(connection).map(|link| link.peer) else { return };
        if !self.links.knock(connection) {
            self.net.close_connection(connection);
            return;
        }
        let (members, service) = (self.shared.members.clone(), Arc::clone(&self.service));
        self.introductions.spawn(async move {
            (connection, peer, door::answer(peer, members, service, arrived).await)
        });
    }

    fn serve(&self, peer: PeerId, arrived: Arrived) {
        let Some(online) = self.online.get(&peer) else { return };
        let (shared, service) = (Arc::clone(&self.shared), Arc::clone(&self.service));
        let desk = Desk { peer, shared, service, share: Arc::clone(&online.share) };
        let stop = self.stop.clone();
        drop(self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = desk.serve(arrived) => {}
            }
        }));
    }

    fn introduced(&mut self, connection: ConnectionId, peer: PeerId, introduced: Introduced) {
        let now = Instant::now();
        match introduced {
            Introduced::Admitted(hello) => {
                let Some(link) = self.links.get(connection) else { return };
                let (net_peer, remote) = (link.net_peer, link.remote.clone());
                let held = self.links.admit(connection).unwrap_or_default();
                self.go_online(peer, net_peer, &remote, &hello);
                held.into_iter().for_each(|arrived| self.serve(peer, arrived));
            }
            Introduced::Refused(reason) => {
                tracing::info!(peer = %peer.short(), %reason, "not admitted");
                self.shared.tally.refused.add();
                self.book.refused(peer, reason, now);
                self.links.part(connection, now);
                self.answer_waiting(peer, &Err(GridError::NotAdmitted { peer, reason }));
            }
            Introduced::Other => {}
            Introduced::Failed => {
                let ours = self.links.get(connection).is_some_and(super::links::Link::is_dialed);
                if ours {
                    self.net.close_connection(connection);
                }
            }
        }
    }

    fn go_online(&mut self, peer: PeerId, net_peer: libp2p::PeerId, remote: &str, hello: &Hello) {
        let now = Instant::now();
        self.shared.tally.admitted.add();
        self.shared.members.online_at(peer, remote);
        self.book.admitted(peer, now);
        self.admitted.insert(net_peer);
        if let Some(gated) = self.net.behaviour_mut().kad.as_mut() {
            for (address, _) in hello.addresses.iter().filter_map(|text| ids::parse(text)) {
                gated.kad.add_address(&net_peer, address);
            }
        }
        if !self.online.contains_key(&peer) {
            let pool = Arc::new(Pool::new(peer, self.commands.clone()));
            let (shared, notes) = (Arc::clone(&self.shared), self.notes.0.clone());
            let keeping = upkeep::run(peer, Arc::clone(&pool), shared, notes);
            let upkeep = self.tasks.spawn(keeping).abort_handle();
            let share = Arc::new(Budget::of_peer());
            lock(&self.shared.pools).insert(peer, Arc::clone(&pool));
            self.online.insert(peer, Online { pool, share, upkeep, met: false });
        }
        self.answer_waiting(peer, &Ok(()));
    }

    fn go_offline(&mut self, peer: PeerId, net_peer: libp2p::PeerId) {
        self.admitted.remove(&net_peer);
        if let Some(gated) = self.net.behaviour_mut().kad.as_mut() {
            gated.kad.remove_peer(&net_peer);
        }
        lock(&self.shared.pools).remove(&peer);
        if let Some(online) = self.online.remove(&peer) {
            online.upkeep.abort();
            online.pool.close();
        }
        self.shared.members.offline(peer);
    }

    fn note(&mut self, note: Note) {
        match note {
            Note::FirstRound(peer) => {
                if let Some(online) = self.online.get_mut(&peer) {
                    online.met = true;
                }
                self.read_roster();
                self.dial_due();
            }
            Note::Silent(peer) => {
                tracing::info!(peer = %peer.short(), "a peer is silent");
                if let Some(net_peer) = ids::to_net(&peer) {
                    // Nothing to disconnect means that it is gone already.
                    self.net.disconnect_peer_id(net_peer).unwrap_or_default();
                }
            }
        }
    }

    fn tell_settled(&mut self) {
        if self.settling.is_empty() {
            return;
        }
        let settled = self.book.is_settled()
            && self.resolving.is_empty()
            && !self.links.is_greeting()
            && self.online.values().all(|online| online.met);
        if settled {
            for reply in self.settling.drain(..) {
                reply.send(()).unwrap_or_default();
            }
        }
    }

    fn close_all(&mut self) {
        for net_peer in self.links.peers() {
            self.net.disconnect_peer_id(net_peer).unwrap_or_default();
        }
        for (peer, online) in std::mem::take(&mut self.online) {
            online.upkeep.abort();
            online.pool.close();
            self.shared.members.offline(peer);
        }
        lock(&self.shared.pools).clear();
        lock(&self.shared.listening).clear();
    }
}

/// Replaces host names by what they stand for now; names that stand for nothing are left out.
pub(super) async fn resolve(addresses: Vec<Multiaddr>) -> Vec<Multiaddr> {
    let mut resolved = Vec::new();
    for address in addresses {
        let Some((name, port)) = ids::dns_host(&address) else {
            resolved.push(address);
            continue;
        };
        match tokio::net::lookup_host((name.as_str(), port)).await {
            Ok(found) => resolved.extend(found.map(|at| {
                Multiaddr::from(at.ip()).with(libp2p::multiaddr::Protocol::Tcp(at.port()))
            })),
            Err(error) => tracing::debug!(%name, %error, "a host name stands for nothing"),
        }
    }
    resolved
}
