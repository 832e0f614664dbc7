//! The grid over libp2p: real sockets, TCP with Noise and Yamux.
//!
//! ```text
//! Swarm      cheap handle: Grid for the engine
//!   pool     streams to one admitted peer, one question at a time on each
//! driver     the one task that owns libp2p's swarm; everything below runs on its word
//!   book     whom to dial, and when (pure)       links   each connection's introduction (pure)
//!   door     hello and welcome, invitations      serve   answering an admitted peer's stream
//!   upkeep   pings and rosters of online peers   gate    Kademlia for admitted peers only
//!   pace     what bodies wait for so that rates hold, and owners take turns
//! ```
//!
//! A connection proves the other side's key; the door proves what that key belongs to. Only then is
//! the peer online, on both sides, and its streams get service. Every member is kept connected.
//!
//! Bounds: connections by libp2p's limits, streams by seats per connection, bodies by a budget per
//! peer and over all, for which owners take turns, headers and bodies by the wire's limits before
//! they are allocated, every step by a deadline. How it fails: with a [`GridError`]; when the
//! driver is gone, always with [`GridError::Closed`].

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chunker::PeerId;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zeroize::Zeroize;

use crate::{Chart, Grid, GridError, Members, PeerInfo, Rates, Reply, Request, Service, Target};

mod behaviour;
mod book;
mod codec;
mod door;
mod driver;
mod gate;
mod ids;
mod knock;
mod links;
mod listen;
mod names;
mod pace;
mod pool;
mod serve;
mod stats;
mod streams;
mod turnstile;
mod upkeep;

pub use knock::knock;
pub use stats::Counters;

use behaviour::Role;
use book::{Book, Standing};
use driver::{Command, Driver, Parts};
use gate::Admitted;
use pace::Pace;
use pool::Pool;
use serve::Commons;
use stats::Tally;
use upkeep::Tempo;

/// How long a listener may take to say where it listens.
const START_DEADLINE: Duration = Duration::from_secs(5);
/// Beyond the driver's own deadlines: how long its end is waited for.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(8);

/// What a swarm is started with.
pub struct SwarmConfig {
    /// The ed25519 secret of this device. Wiped when the configuration is dropped.
    pub key: [u8; 32],
    /// Who belongs, and who we are.
    pub members: Members,
    /// Multiaddresses to listen on, such as `/ip4/0.0.0.0/tcp/0`.
    pub listen: Vec<String>,
    /// Whether another port will do where one is taken: for who is not here for long.
    pub any_port: bool,
    /// Multiaddresses where somebody of the grid should be, with or without `/p2p/..`.
    pub bootstrap: Vec<String>,
    /// Whether to look for members on the local network, and be found there.
    pub mdns: bool,
}

impl Drop for SwarmConfig {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl fmt::Debug for SwarmConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SwarmConfig")
            .field("me", &self.members.me())
            .field("listen", &self.listen)
            .field("any_port", &self.any_port)
            .field("bootstrap", &self.bootstrap)
            .field("mdns", &self.mdns)
            .finish_non_exhaustive()
    }
}

/// Why a swarm could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SwarmError {
    /// The device secret is not an ed25519 key.
    #[error("The device key is not usable")]
    BadKey,
    /// The secret is not the one this device's certificate is for.
    #[error("The device key does not belong to the certificate of device {device}")]
    WrongKey {
        /// Whom the certificate names.
        device: PeerId,
    },
    /// Not an address of the form `/ip4/../tcp/..`, or one that cannot be dialled.
    #[error("{address} is not an address to use")]
    BadAddress {
        /// The text given.
        address: String,
    },
    /// The address is taken, or not ours.
    #[error("Listening on {address} failed")]
    Listen {
        /// The address given.
        address: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// No listener said where it listens, in time.
    #[error("The network did not start")]
    NotStarted,
    /// The keys for encrypting connections could not be made.
    #[error("Encryption could not be set up")]
    Noise {
        /// What the library says.
        #[source]
        source: libp2p::noise::Error,
    },
}

/// How many connections there may be; as many as the network's own bounds allow when absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Connections {
    /// In all, opened by either side.
    pub total: Option<u32>,
    /// With one device.
    pub per_peer: Option<u32>,
}

/// The grid over libp2p. Clones share one swarm; it ends with [`Swarm::shutdown`], or when the last
/// clone is dropped.
#[derive(Clone)]
pub struct Swarm {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    stop: CancellationToken,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What the handle, the driver and its tasks share.
struct Shared {
    members: Members,
    commands: mpsc::Sender<Command>,
    pools: Mutex<BTreeMap<PeerId, Arc<Pool>>>,
    listening: Mutex<Vec<Multiaddr>>,
    commons: Commons,
    pace: Arc<Pace>,
    /// Whether questions that carry shards wait.
    held: watch::Sender<bool>,
    connections: Mutex<Connections>,
    tally: Tally,
    tempo: Tempo,
    /// The driver has ended.
    done: CancellationToken,
}

impl Swarm {
    /// Starts a swarm; returns once it listens.
    pub async fn start<S: Service>(
        config: SwarmConfig,
        service: Arc<S>,
    ) -> Result<Self, SwarmError> {
        Self::start_at(config, service, Tempo::default()).await
    }

    async fn start_at<S: Service>(
        config: SwarmConfig,
        service: Arc<S>,
        tempo: Tempo,
    ) -> Result<Self, SwarmError> {
        let members = config.members.clone();
        let (admitted, net_tasks) = (Admitted::default(), TaskTracker::new());
        let role = Role::Member { grid: members.grid(), admitted: admitted.clone() };
        let mut net = behaviour::build(config.key, role, config.mdns, &net_tasks)?;
        if ids::from_net(net.local_peer_id()) != Some(members.me()) {
            return Err(SwarmError::WrongKey { device: members.me() });
        }
        let book = bootstrap(members.me(), &config.bootstrap)?;
        let listeners = listen::listen(&mut net, &config.listen, config.any_port).await?;
        let (sender, commands) = mpsc::channel(driver::COMMANDS);
        let shared = Arc::new(Shared::new(members, sender, tempo));
        let (started, starting) = oneshot::channel();
        let starting_with = (listeners, started);
        let driver = Driver::new(Parts {
            net,
            net_tasks,
            shared: shared.clone(),
            service,
            admitted,
            commands,
            book,
            starting: starting_with,
        });
        let stop = CancellationToken::new();
        drop(tokio::spawn(driver.run(stop.clone())));
        let swarm = Self { inner: Arc::new(Inner { shared, stop }) };
        match timeout(START_DEADLINE, starting).await {
            Ok(Ok(())) => Ok(swarm),
            _ => Err(SwarmError::NotStarted),
        }
    }

    /// Where this device listens, with ports and its own `/p2p` part.
    pub fn listen_addresses(&self) -> Vec<String> {
        let Some(me) = ids::to_net(&self.me()) else { return Vec::new() };
        let listening = lock(&self.inner.shared.listening).clone();
        let named = listening.into_iter().map(|address| address.with(Protocol::P2p(me)));
        named.map(|address| address.to_string()).collect()
    }

    /// Where others should reach us, with our peer id: as announced, else where we listen.
    pub fn told_addresses(&self) -> Vec<String> {
        let announced = self.members().announced();
        match ids::to_net(&self.me()) {
            Some(me) if !announced.is_empty() => {
                announced.iter().map(|address| format!("{address}/p2p/{me}")).collect()
            }
            _ => self.listen_addresses(),
        }
    }

    /// Who belongs.
    pub fn members(&self) -> &Members {
        &self.inner.shared.members
    }

    /// What has been counted since the start.
    pub fn counters(&self) -> Counters {
        let (sent_bytes, received_bytes) = self.inner.shared.pace.moved();
        Counters { sent_bytes, received_bytes, ..self.inner.shared.tally.read() }
    }

    /// Sends and receives at these rates from now on, whatever is under way.
    pub fn set_rates(&self, rates: Rates) {
        self.inner.shared.pace.set(rates);
    }

    /// Has questions that carry shards wait, or lets them go on. Everything else is asked as ever.
    pub fn hold_puts(&self, hold: bool) {
        self.inner.shared.held.send_if_modified(|held| std::mem::replace(held, hold) != hold);
    }

    /// Accepts so many connections from now on. Those there are stay.
    pub fn set_connections(&self, connections: Connections) {
        *lock(&self.inner.shared.connections) = connections;
    }

    /// The rates in force.
    pub fn rates(&self) -> Rates {
        self.inner.shared.pace.rates()
    }

    /// Waits until every known member and bootstrap address has been tried once, and those that
    /// were reached have been measured and have told whom they know; at most `deadline`.
    /// Cancel-safe.
    pub async fn settle(&self, deadline: Duration) {
        let (reply, settled) = oneshot::channel();
        let settling = async {
            if self.inner.shared.commands.send(Command::Settle { reply }).await.is_ok() {
                drop(settled.await);
            }
        };
        if timeout(deadline, settling).await.is_err() {
            tracing::debug!("not everybody was reached in time");
        }
    }

    /// Closes all connections and listeners, and waits until nothing of the swarm runs any more.
    /// Requests under way get [`GridError::Closed`]. Cancel-safe: the end goes on without the
    /// caller.
    pub async fn shutdown(&self) {
        self.inner.stop.cancel();
        if timeout(SHUTDOWN_DEADLINE, self.inner.shared.done.cancelled()).await.is_err() {
            tracing::warn!("the network did not end in time");
        }
    }

    async fn ask_reached(&self, peer: PeerId, request: Request) -> Result<Reply, GridError> {
        let known = lock(&self.inner.shared.pools).get(&peer).cloned();
        let pool = match known {
            Some(pool) => pool,
            None => self.reach(peer).await?,
        };
        if matches!(request, Request::Put { .. }) {
            // An error only when the swarm is gone.
            let mut held = self.inner.shared.held.subscribe();
            held.wait_for(|held| !held).await.map_err(|_| GridError::Closed)?;
        }
        pool.ask(request).await
    }

    async fn reach(&self, peer: PeerId) -> Result<Arc<Pool>, GridError> {
        let (reply, reached) = oneshot::channel();
        let command = Command::Reach { peer, reply };
        self.inner.shared.commands.send(command).await.map_err(|_| GridError::Closed)?;
        reached.await.map_err(|_| GridError::Closed)?
    }
}

impl Grid for Swarm {
    fn me(&self) -> PeerId {
        self.members().me()
    }

    fn peers(&self) -> Vec<PeerInfo> {
        self.members().infos()
    }

    fn chart(&self) -> Chart {
        self.members().chart()
    }

    async fn closest(&self, target: Target, count: usize) -> Vec<PeerInfo> {
        let mut infos = self.members().infos();
        infos.sort_by_cached_key(|info| distance(&info.peer, &target));
        infos.truncate(count);
        infos
    }

    async fn ask(&self, peer: PeerId, request: Request) -> Result<Reply, GridError> {
        let shared = &self.inner.shared;
        if peer == self.me() {
            return Err(GridError::Unreachable { peer });
        }
        let outcome = tokio::select! {
            biased;
            () = self.inner.stop.cancelled() => Err(GridError::Closed),
            () = shared.done.cancelled() => Err(GridError::Closed),
            outcome = self.ask_reached(peer, request) => outcome,
        };
        let count = if outcome.is_ok() { &shared.tally.asked } else { &shared.tally.unanswered };
        count.add();
        outcome
    }
}

impl fmt::Debug for Swarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Swarm").field("me", &self.me()).finish_non_exhaustive()
    }
}

impl Shared {
    fn new(members: Members, commands: mpsc::Sender<Command>, tempo: Tempo) -> Self {
        Self {
            members,
            commands,
            pools: Mutex::default(),
            listening: Mutex::default(),
            commons: Commons::new(),
            pace: Arc::new(Pace::new()),
            held: watch::Sender::new(false),
            connections: Mutex::default(),
            tally: Tally::default(),
            tempo,
            done: CancellationToken::new(),
        }
    }
}

fn bootstrap(me: PeerId, addresses: &[String]) -> Result<Book, SwarmError> {
    let mut book = Book::new(me);
    for text in addresses {
        let Some((address, peer)) = ids::parse(text) else {
            return Err(SwarmError::BadAddress { address: text.clone() });
        };
        book.add(Standing::Configured, peer, address, Instant::now());
    }
    Ok(book)
}

/// Kademlia's metric: how far `peer` is from `target`, as bytes that compare like the number.
fn distance(peer: &PeerId, target: &Target) -> [u8; 32] {
    let mut distance = *blake3::hash(peer.as_bytes()).as_bytes();
    for (byte, other) in distance.iter_mut().zip(target.0) {
        *byte ^= other;
    }
    distance
}

/// No code panics under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
