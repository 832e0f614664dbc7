//! A restore rehearsed: questions and answers.

use serde::{Deserialize, Serialize};

use super::{HolderView, ProblemView, WitnessView};

/// How to drill.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct DrillArgs {
    /// Files to restore at most.
    pub files: u32,
    /// Bytes to restore at most.
    pub max_bytes: u64,
    /// Machines to set aside.
    pub without_peers: u32,
    /// How long to wait for peers to connect, in seconds; 10 when absent.
    pub wait_peers_secs: Option<u64>,
}

impl Default for DrillArgs {
    fn default() -> Self {
        Self { files: 20, max_bytes: 256 << 20, without_peers: 0, wait_peers_secs: None }
    }
}

/// What a drill showed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DrillView {
    /// `gbak.drill/1`.
    pub schema: String,
    /// Whether everything drawn came back and nothing differed.
    pub ok: bool,
    /// The newest snapshot, which the files are from.
    pub snapshot_id: String,
    /// Snapshots found from the words alone.
    pub snapshots: u64,
    /// The newest head's number.
    pub head_seq: u64,
    /// Peers that gave it, of how many asked.
    pub witnesses: WitnessView,
    /// Machines that were set aside.
    pub aside: Vec<HolderView>,
    /// Files drawn.
    pub files: u64,
    /// Files of the snapshot.
    pub files_total: u64,
    /// Bytes restored.
    pub bytes: u64,
    /// Bytes of the snapshot.
    pub bytes_total: u64,
    /// Files that are the same as the live ones.
    pub identical: u64,
    /// Files whose live ones were changed since, or are gone.
    pub changed: u64,
    /// Files that differ from live ones that look untouched.
    pub differing: u64,
    /// Packs of which too few shards exist.
    pub packs_lost: u64,
    /// Seconds it took to find the index.
    pub seconds_index: f64,
    /// Seconds it took to restore.
    pub seconds_restore: f64,
    /// Bytes a second that came from holders while restoring.
    pub bytes_per_second: Option<f64>,
    /// What restoring everything would take at that speed.
    pub full_restore_seconds: Option<f64>,
    /// What went wrong, file by file.
    pub problems: Vec<ProblemView>,
    /// The exit code: 0, 5 (not all could be restored) or 6 (data loss).
    pub exit: u8,
}

/// The last drill that proved something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProofView {
    /// Files restored.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Files that were the same as the live ones.
    pub identical: u64,
    /// What restoring everything would take, in seconds.
    pub full_restore_seconds: f64,
}
