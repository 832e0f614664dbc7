//! The files of a snapshot: question and answer.

use serde::{Deserialize, Serialize};

use super::PathBytes;

/// Which snapshot, and which part.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LsArgs {
    /// As in [`RestoreArgs::snapshot`](super::RestoreArgs::snapshot).
    pub snapshot: String,
    /// How long to wait for peers to connect, in seconds; 10 when absent.
    #[serde(default)]
    pub wait_peers_secs: Option<u64>,
}

/// The files of a snapshot, in tree order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LsView {
    /// `gbak.ls/1`.
    pub schema: String,
    /// The snapshot's full id.
    pub snapshot_id: String,
    /// The entries.
    pub entries: Vec<LsEntry>,
}

/// One entry of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LsEntry {
    /// Absolute path.
    pub path: PathBytes,
    /// `dir`, `file`, `symlink`, `fifo`, `socket`, `chardev` or `blockdev`.
    pub kind: String,
    /// Permission bits, like `0644` in octal.
    pub mode: u32,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Bytes of a file's content.
    pub size: u64,
    /// Modification time, RFC 3339.
    pub mtime: String,
    /// Of a symlink.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<PathBytes>,
}
