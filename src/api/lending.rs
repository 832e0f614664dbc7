//! What `gbak donate` shows: how each disk is split between its computer and the grid.

use serde::{Deserialize, Serialize};

use super::PathBytes;
use super::setup::Lend;

/// What to change about the donation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DonateArgs {
    /// How.
    pub act: DonateAct,
    /// Absolute paths of the disks meant: none is the home's own, or all of them to stop.
    pub disks: Vec<PathBytes>,
    /// What to lend; what is not said stays.
    pub lend: Lend,
}

/// How to change the donation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DonateAct {
    /// Split a disk differently.
    #[default]
    Set,
    /// Lend from one disk more.
    Add,
    /// Lend less.
    Shrink,
    /// Lend nothing. An added disk that is empty is forgotten.
    Stop,
}

/// How this machine's disks are split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DonateView {
    /// `gbak.donate/1`.
    pub schema: String,
    /// One entry for each disk that is lent from.
    pub disks: Vec<DiskView>,
    /// What reading the stored shards again came to.
    #[serde(default)]
    pub scrub: ScrubView,
    /// What counting what is stored came to.
    #[serde(default)]
    pub count: CountView,
}

/// What the last count of what is stored came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CountView {
    /// When it ended, RFC 3339.
    pub last: Option<String>,
    /// Files that are what is known of them.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files of ours that nothing was known of, removed.
    pub orphans: u64,
    /// Files that turned out gone or another size.
    pub lost: u64,
    /// Figures that were wrong, and are set right.
    pub corrected: u64,
    /// Files not looked at, because their disk was away.
    pub skipped: u64,
}

/// What reading the stored shards again came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScrubView {
    /// When the last pass over all of them ended, RFC 3339.
    pub last: Option<String>,
    /// Files it read.
    pub shards: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of them, those that it found damaged or gone.
    pub found: u64,
    /// Files that it could not read, because their disk was away.
    pub skipped: u64,
    /// Files read so far by the pass that goes on.
    pub running: Option<u64>,
    /// Files that are damaged now, and not put again yet.
    pub rotten: u64,
    /// Files that are gone now, and not put again yet.
    pub missing: u64,
}

/// One disk, measured now. All in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskView {
    /// Where others' shards are, lossy text.
    pub path: String,
    /// Size of the disk.
    pub total_bytes: u64,
    /// Free on the disk now, whoever takes it.
    pub free_bytes: u64,
    /// Kept for the computer's own use: the disk without the donation.
    pub reserved_bytes: u64,
    /// Lent.
    pub donated_bytes: u64,
    /// Taken by shards; more than is lent after the donation was made smaller.
    pub used_bytes: u64,
    /// Of these, given back by their owners, and freed when the quarantine is over.
    #[serde(default)]
    pub quarantined_bytes: u64,
    /// Kept empty above the floor.
    pub safe_area_bytes: u64,
    /// Free space below which nothing more is taken in.
    pub floor_bytes: u64,
    /// Whether that much is free.
    pub floor_ok: bool,
    /// What new shards may still take.
    pub available_bytes: u64,
    /// `open`, `full`, `over` (more stored than lent), `below-floor`, `off` (nothing lent), `away`
    /// (not mounted), or `wrong-disk` (another one is mounted there).
    pub state: String,
}

/// What came of leaving.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeaveView {
    /// `gbak.leave/1`.
    pub schema: String,
    /// Shards of others that were here.
    pub shards_moved: u64,
    /// Their bytes.
    pub bytes_moved: u64,
    /// Whether nothing is left.
    pub drained: bool,
    /// From start to end.
    pub seconds_elapsed: f64,
}

/// What came of moving our shards away from a holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvacuateView {
    /// `gbak.evacuate/1`.
    pub schema: String,
    /// The holder's full id.
    pub peer_id: String,
    /// Shards that are elsewhere now.
    pub shards_moved: u64,
    /// Bytes sent for that.
    pub bytes_sent: u64,
    /// Shards that nobody else takes.
    pub shards_left: u64,
    /// The exit code: 0, or 4 when some are left.
    pub exit: u8,
}
