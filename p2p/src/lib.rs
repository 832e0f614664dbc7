//! The network as a grid of peers.
pub mod cert;
pub mod grid;
pub mod peer;
pub mod wire;

pub use chunker::{GridId, OwnerId, PeerId};
pub use grid::{Clock, Grid, GridError, Service, Target};
pub use peer::{Offer, Path, PeerInfo, PeerState};
pub use wire::{Refusal, Reply, Request};
