//! What `gbak status` shows: the state of this device and its backup on one screen.

use serde::{Deserialize, Serialize};

use super::ProofView;

/// One screen of state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusView {
    /// `gbak.status/1`.
    pub schema: String,
    /// `ok`, `warning` or `critical`.
    pub level: String,
    /// Why, one sentence each; first the most important.
    pub reasons: Vec<String>,
    /// This device's name.
    pub name: String,
    /// This device's full id.
    pub peer_id: String,
    /// Where it listens; empty without an agent.
    pub listen: Vec<String>,
    /// Whether an agent answered.
    pub agent: bool,
    /// Peers connected, of how many known.
    pub peers_online: u64,
    /// Peers known.
    pub peers_known: u64,
    /// Packs by state.
    pub packs: PacksView,
    /// Smallest number of reachable shards above k over all packs; none without packs.
    pub min_live_above_k: Option<i64>,
    /// How many more holders may be lost for good.
    pub can_lose: Option<u64>,
    /// In how many days the first pack would be lost on average, if nobody repaired anything.
    #[serde(default)]
    pub days_to_loss: Option<f64>,
    /// Failure domains the weakest pack counts in; none without packs.
    #[serde(default)]
    pub domains: Option<u64>,
    /// So many whole domains may be lost, whichever they are, and every pack is still there.
    #[serde(default)]
    pub can_lose_domains: Option<u64>,
    /// What should be known and calls for nothing, one sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The newest snapshot's time, RFC 3339.
    pub last_backup: Option<String>,
    /// When a restore was last rehearsed, RFC 3339.
    #[serde(default)]
    pub last_drill: Option<String>,
    /// What it proved.
    #[serde(default)]
    pub proof: Option<ProofView>,
    /// The number of the newest head, and its short fingerprint for the recovery sheet.
    pub head: Option<HeadView>,
    /// What this device lends.
    pub donation: DonationView,
}

/// Packs by state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacksView {
    /// All of them.
    pub total: u64,
    /// No shard is missing. A holder that is away for less than days still counts.
    pub full: u64,
    /// Shards are missing, more than k are left.
    pub degraded: u64,
    /// Exactly k are left.
    pub at_risk: u64,
    /// Fewer are.
    pub lost: u64,
    /// Enough are left, but fewer than k holders are connected now.
    #[serde(default)]
    pub out_of_reach: u64,
    /// Sealed, waiting in the spool.
    pub queued: u64,
}

/// The newest head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadView {
    /// Its number.
    pub seq: u64,
    /// First eight digits of its hash.
    pub fingerprint: String,
}

/// What this device lends, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DonationView {
    /// Size of the disk.
    pub total_bytes: u64,
    /// Kept for the computer's own use.
    pub reserved_bytes: u64,
    /// Lent.
    pub donated_bytes: u64,
    /// Taken.
    pub used_bytes: u64,
    /// What new shards may take.
    pub free_bytes: u64,
}
