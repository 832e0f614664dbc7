//! What `gbak forget` is told and what it shows: which snapshots go, which stay, and why.

use serde::{Deserialize, Serialize};

use super::{PathBytes, SnapshotView, WitnessView};

/// What to keep. A count of 0 is no rule; the largest number is never used up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForgetArgs {
    /// The newest so many.
    pub keep_last: u32,
    /// The newest of so many hours.
    pub keep_hourly: u32,
    /// Of so many days.
    pub keep_daily: u32,
    /// Of so many ISO weeks.
    pub keep_weekly: u32,
    /// Of so many months.
    pub keep_monthly: u32,
    /// Of so many years.
    pub keep_yearly: u32,
    /// Everything so young, like `1y6m14d12h`.
    pub keep_within: Option<String>,
    /// Everything with all tags of one of these lists.
    pub keep_tags: Vec<Vec<String>>,
    /// What is judged together.
    pub group_by: GroupByArgs,
    /// These and no others, instead of rules: ids, or beginnings of ids.
    pub snapshots: Vec<String>,
    /// Prune afterwards.
    pub prune: bool,
    /// Only say what would be forgotten.
    pub dry_run: bool,
    /// How long to wait for peers to connect, in seconds; 10 when absent.
    pub wait_peers_secs: Option<u64>,
}

/// What snapshots of one group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupByArgs {
    /// The host.
    pub host: bool,
    /// The paths.
    pub paths: bool,
    /// The tags.
    pub tags: bool,
}

impl Default for GroupByArgs {
    fn default() -> Self {
        Self { host: true, paths: true, tags: false }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgetView {
    /// `gbak.forget/1`.
    pub schema: String,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// The groups.
    pub groups: Vec<ForgetGroup>,
    /// Snapshots kept, over all groups.
    pub kept: u64,
    /// Snapshots forgotten, over all groups.
    pub forgotten: u64,
    /// Snapshots of the owner's other devices, which were not judged.
    pub other_devices: u64,
    /// Snapshots not on the grid yet, which were not judged.
    pub queued: u64,
    /// Bytes of packs given up, before redundancy; only with `prune`.
    pub reclaimed_bytes: u64,
    /// What pruning afterwards did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned: Option<PruneView>,
    /// Holders that keep the new head durably, of how many asked; zeros when nothing changed.
    pub witnesses: WitnessView,
}

/// Snapshots judged together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgetGroup {
    /// Their host, when grouped by it.
    pub host: Option<String>,
    /// Their paths, when grouped by these.
    pub paths: Option<Vec<PathBytes>>,
    /// Their tags, when grouped by these.
    pub tags: Option<Vec<String>>,
    /// Kept, newest first.
    pub keep: Vec<KeptView>,
    /// Forgotten, newest first.
    pub forget: Vec<SnapshotView>,
}

/// A snapshot that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptView {
    /// Which.
    pub snapshot: SnapshotView,
    /// Every rule that keeps it, a few words each.
    pub reasons: Vec<String>,
}

/// How to prune.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PruneArgs {
    /// How much of what is kept may be unneeded, of one; a twentieth when absent.
    pub max_unused: Option<f64>,
    /// How long holders are left with what is given up, in seconds; 23 hours when absent.
    pub keep_delete_secs: Option<u64>,
    /// Only say what would be done.
    pub dry_run: bool,
    /// How long to wait for peers to connect, in seconds; 10 when absent.
    pub wait_peers_secs: Option<u64>,
}

/// What pruning did. Bytes of packs are before redundancy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneView {
    /// `gbak.prune/1`.
    pub schema: String,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Packs this machine's index listed.
    pub packs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packs nothing needed.
    pub packs_unused: u64,
    /// Packs of which the needed part was copied.
    pub packs_repacked: u64,
    /// Bytes of both.
    pub dropped_bytes: u64,
    /// Bytes of chunks copied.
    pub copied_bytes: u64,
    /// Packs the copies are in.
    pub packs_new: u64,
    /// Bytes kept without need.
    pub unneeded_bytes: u64,
    /// Packs other machines of the owner gave up that are needed, and listed here now.
    pub packs_adopted: u64,
    /// Packs they gave up that nobody needs.
    pub packs_forgotten: u64,
    /// Holders that keep the new head durably, of how many asked; zeros when nothing changed.
    pub witnesses: WitnessView,
    /// Holders that were told what is wanted.
    pub holders_told: u64,
    /// Holders that could not be told now.
    pub holders_missed: u64,
    /// Shards that went into quarantine.
    pub shards_given_back: u64,
}
