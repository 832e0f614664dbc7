//! The grid over libp2p: real sockets, TCP with Noise and Yamux.
//!
//! ```text
//! Swarm (cheap handle) --commands--> Driver (one task owns libp2p::Swarm)
//!   ask -> Pool: a few long-lived streams per peer     events -> Links, Book: who is connected, whom to dial
//!   knock: one question at a door, for who has no grid yet
//! ```
//!
//! Invariants: nobody gets service before both sides have shown their certificates on this connection;
//! everything that arrives is bounded before it is allocated; whatever the other side does, an ask ends.
//! How it fails: with the errors of [`GridError`]; after [`Swarm::shutdown`] always with
//! [`GridError::Closed`].

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use libp2p::{Multiaddr, TransportError, noise};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::grid::nearest;
use crate::{Grid, GridError, Members, PeerId, PeerInfo, Reply, Request, Service, Target};

mod behaviour;
mod book;
mod codec;
mod door;
mod driver;
mod gate;
mod ids;
mod knock;
mod links;
mod pool;
mod serve;
mod stats;
mod streams;
#[cfg(test)]
mod tests;
mod upkeep;

pub use knock::knock;
pub use stats::Counters;

use driver::{Command, Driver};
use pool::Pool;
use serve::Budget;
use stats::Tally;

/// Commands under way to the driver. A full queue makes askers wait.
const COMMANDS: usize = 256;
/// How long an ask waits for a peer that is being dialled.
const REACH_DEADLINE: Duration = Duration::from_secs(10);
/// How long a shutdown waits for tasks to see that their connection is gone.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(5);

/// What a swarm is started with.
pub struct SwarmConfig {
    /// The device's ed25519 secret.
    pub key: [u8; 32],
    /// The roster, with our own certificates.
    pub members: Members,
    /// Multiaddresses to listen on; port 0 takes a free one.
    pub listen: Vec<String>,
    /// Multiaddresses of members to begin with, with or without `/p2p/...`.
    pub bootstrap: Vec<String>,
    /// Whether to search the local network.
    pub mdns: bool,
}

/// Why a swarm cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SwarmError {
    /// The secret is not an ed25519 key.
    #[error("The device key is not valid")]
    BadKey,
    /// The encryption could not be set up.
    #[error("Cannot set up the connection encryption")]
    Noise {
        /// What went wrong.
        #[source]
        source: noise::Error,
    },
    /// Not an address we can use.
    #[error("{address} is not a TCP multiaddress like /ip4/0.0.0.0/tcp/4711")]
    Address {
        /// As it was given.
        address: String,
    },
    /// The address cannot be listened on.
    #[error("Cannot listen on {address}")]
    Listen {
        /// Which.
        address: String,
        /// What the system says.
        #[source]
        source: TransportError<io::Error>,
    },
    /// Every listener closed before it had an address.
    #[error("Cannot listen on any of the addresses")]
    NoListener,
}

/// A device's place on the grid. Clones are the same.
#[derive(Clone)]
pub struct Swarm {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What the handle, the driver and all tasks see.
struct Shared {
    members: Members,
    tally: Tally,
    budget: Budget,
    pools: Mutex<BTreeMap<PeerId, Arc<Pool>>>,
    listening: Mutex<Vec<Multiaddr>>,
}

impl Shared {
    fn pool(&self, peer: &PeerId) -> Option<Arc<Pool>> {
        lock(&self.pools).get(peer).cloned()
    }
}

impl Swarm {
    /// Starts listening and dialling; returns when it listens.
    pub async fn start<S: Service>(
        config: SwarmConfig,
        service: Arc<S>,
    ) -> Result<Self, SwarmError> {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let shared = Arc::new(Shared {
            members: config.members.clone(),
            tally: Tally::default(),
            budget: Budget::of_all(),
            pools: Mutex::default(),
            listening: Mutex::default(),
        });
        let swarm = Self { shared, commands, stop, tasks };
        let driver = Driver::start(&swarm, config, service, inbox).await?;
        drop(swarm.tasks.spawn(driver.run()));
        Ok(swarm)
    }

    /// Where we listen, with `/p2p/...`: what others are told to dial.
    pub fn listen_addresses(&self) -> Vec<String> {
        let Some(me) = ids::to_net(&self.me()) else { return Vec::new() };
        let listening = lock(&self.shared.listening).clone();
        listening.into_iter().map(|address| format!("{address}/p2p/{me}")).collect()
    }

    /// The roster.
    pub fn members(&self) -> &Members {
        &self.shared.members
    }

    /// What has been counted since the start.
    pub fn counters(&self) -> Counters {
        self.shared.tally.read()
    }

    /// Waits until every known peer and bootstrap address has been tried and the rosters of those who
    /// answered are known, but not longer than `deadline`.
    pub async fn settle(&self, deadline: Duration) {
        let (reply, settled) = oneshot::channel();
        if self.commands.send(Command::Settle { reply }).await.is_ok() {
            // Neither a late nor a lost answer changes what the caller does next.
            drop(timeout(deadline, settled).await);
        }
    }

    /// Closes every connection and waits until nothing of the swarm runs any more.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        if timeout(SHUTDOWN_DEADLINE, self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "network tasks did not end in time");
        }
    }

    /// Waits until `peer` is online, if there is hope.
    async fn reach(&self, peer: PeerId) -> Result<(), GridError> {
        let (reply, reached) = oneshot::channel();
        let command = Command::Reach { peer, reply };
        self.commands.send(command).await.map_err(|_| GridError::Closed)?;
        match timeout(REACH_DEADLINE, reached).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(GridError::Closed),
            Err(_) => Err(GridError::Timeout { peer, seconds: REACH_DEADLINE.as_secs() }),
        }
    }

    async fn ask_member(&self, peer: PeerId, request: Request) -> Result<Reply, GridError> {
        if self.stop.is_cancelled() {
            return Err(GridError::Closed);
        }
        if self.shared.pool(&peer).is_none() {
            self.reach(peer).await?;
        }
        let pool = self.shared.pool(&peer).ok_or(GridError::Broken { peer })?;
        pool.ask(request).await
    }
}

impl Grid for Swarm {
    fn me(&self) -> PeerId {
        self.shared.members.me()
    }

    fn peers(&self) -> Vec<PeerInfo> {
        self.shared.members.infos()
    }

    async fn closest(&self, target: Target, count: usize) -> Vec<PeerInfo> {
        nearest(self.shared.members.infos(), target, count)
    }

    async fn ask(&self, peer: PeerId, request: Request) -> Result<Reply, GridError> {
        let asked = self.ask_member(peer, request).await;
        let tally = &self.shared.tally;
        if asked.is_ok() {
            tally.asked.add()
        } else {
            tally.unanswered.add()
        }
        if self.stop.is_cancelled() && asked.is_err() { Err(GridError::Closed) } else { asked }
    }
}

/// None of our sections leaves its data half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Swarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Swarm").field("me", &self.me()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SwarmConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { listen, bootstrap, mdns, .. } = self;
        f.debug_struct("SwarmConfig")
            .field("listen", listen)
            .field("bootstrap", bootstrap)
            .field("mdns", mdns)
            .finish_non_exhaustive()
    }
}
