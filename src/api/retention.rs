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
    /// Bytes that holders were told to give back: none yet.
    pub reclaimed_bytes: u64,
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
