//! What the owner asks of placement: limits, and what to do when they cannot be met.
//!
//! From the settings or the command line, and the same for data and metadata. Heads are no shards:
//! they are small signed records that every connected peer witnesses, whatever the limits.

use chunker::Record;
use serde::{Deserialize, Serialize};

use crate::placement::choose::{Limit, Limits};

/// What is dropped when the owner lets limits be relaxed, one after the other: first what costs
/// time, last what costs safety.
pub const RELAX_ORDER: [Limit; 5] =
    [Limit::Spread, Limit::Latency, Limit::Owner, Limit::Site, Limit::Domains];

/// What placement keeps to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Between source, targets, sites and owners.
    #[serde(rename = "l")]
    pub limits: Limits,
    /// Most shards of a pack with one peer. Copies of whole packs stay at one.
    #[serde(rename = "p")]
    pub per_peer: u8,
}

impl Record for Policy {
    const NAME: &'static str = "policy";
    const VERSION: u8 = 1;
    const LIMIT: usize = 4096;
}

impl Default for Policy {
    fn default() -> Self {
        Self { limits: Limits::default(), per_peer: 1 }
    }
}
