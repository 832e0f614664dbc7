//! Whether what is stored is still there: questions and answers.

use serde::{Deserialize, Serialize};

use super::PathBytes;

/// How thoroughly to check.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckArgs {
    /// Fetch every pack from its holders, verify and open it.
    pub read_data: bool,
    /// Only of some: `2/5` for the second of five parts, `10%` for a random tenth.
    pub read_subset: Option<String>,
    /// How long to wait for peers to connect, in seconds; 10 when absent.
    pub wait_peers_secs: Option<u64>,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckView {
    /// `gbak.check/1`.
    pub schema: String,
    /// Whether there are no problems.
    pub ok: bool,
    /// The problems, the worst first.
    pub problems: Vec<CheckProblemView>,
    /// Snapshots followed down to their chunks.
    pub snapshots_checked: u64,
    /// Packs whose holders were asked.
    pub packs_checked: u64,
    /// Chunks in those packs; with `read_data`, only those that were fetched and opened.
    pub chunks_checked: u64,
    /// Shards whose holder says that it has them.
    pub shards_confirmed: u64,
    /// Shards that are gone or damaged, or were never placed.
    pub shards_missing: u64,
    /// Shards whose holder did not answer.
    pub shards_unconfirmed: u64,
    /// Whether every pack was fetched and opened.
    pub read_data: bool,
    /// Bytes of packs fetched and opened.
    pub bytes_read: u64,
    /// The exit code: 0, 5 (repairable), 6 (data loss), 21 (too few holders answer to tell).
    pub exit: u8,
}

/// One thing that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckProblemView {
    /// `loss`, `damage` or `out_of_reach`.
    pub kind: String,
    /// The pack, full id; none when a snapshot's structure is broken.
    pub pack_id: Option<String>,
    /// What is wrong, one sentence.
    pub message: String,
    /// Whose shards are missing.
    pub holders: Vec<HolderView>,
    /// Files and directories that need the pack; the first hundred of them.
    pub files: Vec<PathBytes>,
    /// How many need it in all.
    pub files_total: u64,
}

/// A holder, by id and by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct HolderView {
    /// Full id.
    pub peer_id: String,
    /// Its name, when the device is known.
    pub name: Option<String>,
}

/// Whom to audit.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditArgs {
    /// A device's name, or the beginning of its id; all holders when absent.
    pub peer: Option<String>,
    /// How long to wait for peers to connect, in seconds; 10 when absent.
    pub wait_peers_secs: Option<u64>,
}

/// What an audit found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditRunView {
    /// `gbak.audit/1`.
    pub schema: String,
    /// Every challenge, by holder.
    pub verdicts: Vec<VerdictView>,
    /// How many there are of each.
    pub summary: AuditSummary,
    /// The exit code: 0, 5 (holders failed), 6 (a pack is lost), 21 (no holder answered).
    pub exit: u8,
}

/// One challenge and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VerdictView {
    /// The holder, full id.
    pub peer_id: String,
    /// Its name, when the device is known.
    pub name: Option<String>,
    /// The shard, full id.
    pub shard_id: String,
    /// `proved`, `wrong`, `refused`, `unreachable` or `slow`.
    pub verdict: String,
}

/// Challenges by what came of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditSummary {
    /// Holders audited.
    pub holders: u64,
    /// Answered with the shard's bytes.
    pub proved: u64,
    /// Answered with other bytes.
    pub wrong: u64,
    /// Declined, or not held.
    pub refused: u64,
    /// Not to be asked.
    pub unreachable: u64,
    /// Not answered in time, three times.
    pub slow: u64,
    /// Packs that have too few shards left because of it.
    pub packs_lost: u64,
}

/// What audits of a peer found in a window of days; no audits at all when the window is 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditView {
    /// Shards it proved to have.
    pub proved: u64,
    /// Audits it failed.
    pub failed: u64,
    /// How far back this counts.
    pub window_days: u64,
}
