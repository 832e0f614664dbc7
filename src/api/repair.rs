//! Making again what is missing, or going on without it: questions and answers.

use serde::{Deserialize, Serialize};

use super::PathBytes;

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

/// Which snapshots to make again without what is lost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SalvageArgs {
    /// As in `restore`; all of this device's when empty.
    pub snapshots: Vec<String>,
    /// Forget the originals afterwards.
    pub forget: bool,
    /// Only look.
    pub dry_run: bool,
}

/// What became of snapshots that lack something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SalvageView {
    /// `gbak.salvage/1`.
    pub schema: String,
    /// Snapshots looked through.
    pub snapshots_checked: u64,
    /// Those that lack something.
    pub snapshots: Vec<SalvagedView>,
    /// Originals forgotten.
    pub forgotten: u64,
    /// The exit code: 0, or 6 when something is lost and no snapshot without it was made.
    pub exit: u8,
}

/// A snapshot that lacks something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SalvagedView {
    /// Its full id.
    pub snapshot_id: String,
    /// The full id of what was made of it.
    pub salvaged_id: Option<String>,
    /// What cannot be restored; the first thousand.
    pub left_out: Vec<PathBytes>,
    /// How many there are.
    pub left_out_total: u64,
    /// Entries that are whole.
    pub whole: u64,
}
