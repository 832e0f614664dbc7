//! Which libp2p protocols run, and within which limits.
//!
//! TCP with Noise and Yamux: measured twice as fast as QUIC at half the CPU. Identify is not on:
//! peers tell their addresses in their hello, after they have proven who they are.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use libp2p::kad::store::{MemoryStore, MemoryStoreConfig};
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::{Config, Executor, NetworkBehaviour};
use libp2p::{StreamProtocol, SwarmBuilder, identity, kad, mdns, noise, tcp, yamux};
use libp2p_connection_limits as limits;
use tokio_util::task::TaskTracker;
use zeroize::Zeroize;

use super::gate::{Admitted, GatedKad};
use super::streams::{Incoming, Names, Streams};
use super::{Connections, SwarmError};
use crate::GridId;

/// The door's protocol name.
const DOOR: &str = "/gbak/door/1";
/// Connections with one peer: one each way, and one of each that died unnoticed.
const PER_PEER: u32 = 4;
/// Connections opened by others.
const INCOMING: u32 = 256;
/// Connections not yet through their handshake, each way.
const PENDING: u32 = 64;
/// From the first packet to a working connection.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// Streams of one connection. Each may buffer 256 KiB that nobody reads.
const STREAMS: usize = 128;
/// How often the local network is searched.
const MDNS_INTERVAL: Duration = Duration::from_mins(1);

/// libp2p's swarm with our protocols.
pub(super) type Net = libp2p::Swarm<Behaviour>;

/// Our protocols. The limits come first: they veto before others allocate.
#[derive(NetworkBehaviour)]
#[behaviour(prelude = "libp2p::swarm::derive_prelude", to_swarm = "Event")]
pub(super) struct Behaviour {
    pub(super) limits: limits::Behaviour,
    pub(super) streams: Streams,
    pub(super) kad: Toggle<GatedKad>,
    mdns: Toggle<mdns::tokio::Behaviour>,
}

/// What our protocols report.
#[derive(Debug)]
pub(super) enum Event {
    Streams(Incoming),
    Kad(Box<kad::Event>),
    Mdns(mdns::Event),
}

impl From<Infallible> for Event {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<Incoming> for Event {
    fn from(incoming: Incoming) -> Self {
        Self::Streams(incoming)
    }
}

impl From<kad::Event> for Event {
    fn from(event: kad::Event) -> Self {
        Self::Kad(Box::new(event))
    }
}

impl From<mdns::Event> for Event {
    fn from(event: mdns::Event) -> Self {
        Self::Mdns(event)
    }
}

/// Who is to run: a member of a grid, or a stranger that only knocks.
pub(super) enum Role {
    Member { grid: GridId, admitted: Admitted },
    Stranger,
}

/// Builds a swarm that runs its connections as tasks of `tasks`.
pub(super) fn build(
    mut key: [u8; 32],
    role: Role,
    mdns: bool,
    tasks: &TaskTracker,
) -> Result<Net, SwarmError> {
    let keypair = identity::Keypair::ed25519_from_bytes(&mut key);
    key.zeroize();
    let keypair = keypair.map_err(|_| SwarmError::BadKey)?;
    let me = keypair.public().to_peer_id();
    let behaviour = Behaviour {
        limits: limits::Behaviour::new(connection_limits(Connections::default())),
        streams: Streams::new(names(&role)),
        kad: Toggle::from(table(role, me)),
        mdns: Toggle::from(if mdns { local_search(me) } else { None }),
    };
    let executor = Tracked(tasks.clone());
    let built = SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_tcp(tcp::Config::new().nodelay(true), noise::Config::new, muxer)
        .map_err(|source| SwarmError::Noise { source })?
        .with_behaviour(|_| behaviour);
    let Ok(built) = built;
    Ok(built
        .with_swarm_config(|_| Config::with_executor(executor))
        .with_connection_timeout(CONNECT_DEADLINE)
        .build())
}

/// Within our own bounds, whatever is asked for.
pub(super) fn connection_limits(wanted: Connections) -> limits::ConnectionLimits {
    let per_peer = wanted.per_peer.map_or(PER_PEER, |wanted| wanted.min(PER_PEER));
    limits::ConnectionLimits::default()
        .with_max_pending_incoming(Some(PENDING))
        .with_max_pending_outgoing(Some(PENDING))
        .with_max_established(wanted.total)
        .with_max_established_incoming(Some(INCOMING))
        .with_max_established_per_peer(Some(per_peer))
}

fn muxer() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(STREAMS);
    config
}

/// The first half of the grid's id keeps grids apart without telling it to whoever listens.
fn protocol(grid: GridId, kind: &str) -> Option<StreamProtocol> {
    let id = grid.to_string();
    StreamProtocol::try_from_owned(format!("/gbak/{}{kind}/1", id.get(..32)?)).ok()
}

fn names(role: &Role) -> Names {
    let door = StreamProtocol::new(DOOR);
    match role {
        Role::Member { grid, .. } => Names { door, grid: protocol(*grid, ""), serves: true },
        Role::Stranger => Names { door, grid: None, serves: false },
    }
}

fn table(role: Role, me: libp2p::PeerId) -> Option<GatedKad> {
    let Role::Member { grid, admitted } = role else { return None };
    let mut config = kad::Config::new(protocol(grid, "/kad")?);
    config
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_periodic_bootstrap_interval(None)
        .set_query_timeout(Duration::from_secs(30));
    // Nothing is kept in the table but peers.
    let store = MemoryStoreConfig {
        max_records: 0,
        max_value_bytes: 0,
        max_providers_per_key: 0,
        max_provided_keys: 0,
    };
    let store = MemoryStore::with_config(me, store);
    let mut kad = kad::Behaviour::with_config(me, store, config);
    // Left alone it stays a client until somebody confirms an address, which on a local network
    // nobody does.
    kad.set_mode(Some(kad::Mode::Server));
    Some(GatedKad { kad, admitted })
}

fn local_search(me: libp2p::PeerId) -> Option<mdns::tokio::Behaviour> {
    let config = mdns::Config { query_interval: MDNS_INTERVAL, ..mdns::Config::default() };
    match mdns::tokio::Behaviour::new(config, me) {
        Ok(behaviour) => Some(behaviour),
        Err(error) => {
            tracing::warn!(%error, "the local network cannot be searched");
            None
        }
    }
}

/// Runs libp2p's tasks where we can wait for their end.
struct Tracked(TaskTracker);

impl Executor for Tracked {
    fn exec(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>) {
        drop(self.0.spawn(task));
    }
}
