//! What the owner asks of placement: limits, and what to do when they cannot be met.
//!
//! From the settings or the command line, and the same for data and metadata. Heads are no shards:
//! they are small signed records that every connected peer witnesses, whatever the limits.

use crate::placement::choose::{Limit, Limits};

/// What is dropped when the owner lets limits be relaxed, one after the other: first what costs
/// time, last what costs safety.
pub const RELAX_ORDER: [Limit; 5] =
    [Limit::Spread, Limit::Latency, Limit::Owner, Limit::Site, Limit::Domains];

/// What placement keeps to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Between source, targets, sites and owners.
    pub limits: Limits,
    /// Most shards of a pack with one peer. Copies of whole packs stay at one.
    pub per_peer: u8,
}

impl Default for Policy {
    fn default() -> Self {
        Self { limits: Limits::default(), per_peer: 1 }
    }
}
