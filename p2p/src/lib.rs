//! The network as a grid of peers: ask others, answer others, and know who belongs.
//!
//! ```text
//! Grid, Service   the narrow waist: ask(peer, Request) -> Reply, answer(from, Request) -> Reply
//!   Swarm         the waist over libp2p
//!   SimNet        the waist in memory and virtual time, one seed one history
//! Members         who belongs, proven by certificates; the same in both
//! wire            every message, bounded and versioned
//! ```
//!
//! Invariants: the only room that speaks libp2p; knows nothing of disks or of what bytes mean. Only
//! admitted devices get service; what arrives is bounded before it is allocated.

#[cfg(test)]
extern crate self as p2p;

pub mod cert;
pub mod coords;
pub mod grid;
pub mod head;
pub mod invite;
pub mod mandate;
pub mod members;
pub mod peer;
pub mod rate;
pub mod rtt;
pub mod sim;
pub mod swarm;
#[cfg(test)]
mod testing;
pub mod turns;
pub mod usage;
pub mod wire;

pub use chunker::{GridId, OwnerId, PeerId};
pub use grid::{Clock, Grid, GridError, Service, Target};
pub use head::{HeadError, SignedHead};
pub use invite::{Invite, InviteError};
pub use mandate::{Mandate, MandateError};
pub use members::{Chart, Identity, Members};
pub use peer::{Offer, Path, PeerInfo, PeerState, REACHED_LIMIT};
pub use rate::{Rate, Rates};
pub use sim::{SimGrid, SimNet, Weather};
pub use swarm::{Swarm, SwarmConfig, SwarmError, knock};
pub use usage::UsageStatement;
pub use wire::{Refusal, Reply, Request};
