//! Making again what is missing: question and answer.

use serde::{Deserialize, Serialize};

/// What to repair.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RepairArgs {
    /// How long to wait for peers to connect, in seconds; 10 when absent.
    pub wait_peers_secs: Option<u64>,
}

/// What a repair came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RepairView {
    /// `gbak.repair/1`.
    pub schema: String,
    /// Packs that have shards again which they had not.
    pub packs_repaired: u64,
    /// Shards made again and sent.
    pub shards_made: u64,
    /// Shards that turned up on machines that were not recorded.
    pub shards_found: u64,
    /// Bytes of shards fetched from holders.
    pub bytes_from_peers: u64,
    /// Bytes of packs made from what this machine has.
    pub bytes_from_source: u64,
    /// Bytes of shards sent.
    pub bytes_sent: u64,
    /// Packs that still miss shards.
    pub packs_still_degraded: u64,
    /// Of them, those with too few left to be restored.
    pub packs_lost: u64,
    /// The exit code: 0, 4 (some packs still miss shards) or 6 (some are lost).
    pub exit: u8,
}
