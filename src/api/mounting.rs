//! What `gbak mount` asks and is told.

use serde::{Deserialize, Serialize};

use super::PathBytes;

/// What to mount, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountArgs {
    /// A snapshot, perhaps with a path; all snapshots when absent.
    pub snapshot: Option<String>,
    /// The directory, absolute.
    pub dir: PathBytes,
    /// Whether other users of the computer may enter.
    pub allow_other: bool,
    /// How long to wait for peers, in seconds.
    pub wait_peers_secs: Option<u64>,
}

/// A mount that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountView {
    /// `gbak.mount/1`.
    pub schema: String,
    /// The directory.
    pub dir: PathBytes,
    /// Whether files were still open: then it ends when they are closed.
    pub busy: bool,
}
