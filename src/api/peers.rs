//! What `gbak peers` shows: every device with what it lends, and what is whose there.

use serde::{Deserialize, Serialize};

use super::AuditView;

/// The table of peers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeersView {
    /// `gbak.peers/1`.
    pub schema: String,
    /// This device.
    #[serde(rename = "self")]
    pub me: PeerView,
    /// The others.
    pub peers: Vec<PeerView>,
    /// Sums over all of them, this device included.
    pub totals: TotalsView,
    /// How many more holders may be lost for good; none without packs.
    #[serde(default)]
    pub can_lose: Option<u64>,
}

/// One device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeerView {
    /// Full id.
    pub peer_id: String,
    /// The device's name.
    pub name: String,
    /// Its member.
    pub owner_id: String,
    /// `online`, `away` or `offline`.
    pub state: String,
    /// Round trip in milliseconds.
    pub rtt_ms: Option<f64>,
    /// Declared site.
    pub site: Option<String>,
    /// Size of its disk.
    pub total_bytes: u64,
    /// Kept for its own use.
    pub reserved_bytes: u64,
    /// Lent to the grid.
    pub donated_bytes: u64,
    /// Taken by shards.
    pub used_bytes: u64,
    /// What new shards may still take.
    pub free_bytes: u64,
    /// Shard bytes of mine there, by the records of this device.
    pub mine_here_bytes: u64,
    /// The holder's own signed word about that; none before it gave one.
    #[serde(default)]
    pub stated: Option<StatedView>,
    /// Shard bytes of theirs here.
    pub theirs_here_bytes: u64,
    /// `lan`, `direct`, `relay` or `none`.
    pub path: String,
    /// What audits of it found.
    #[serde(default)]
    pub audit: AuditView,
    /// What its silence means: `present`, `suspect`, `away`, `presumed lost` or `lost`.
    #[serde(default)]
    pub standing: String,
    /// Until when it said that it would be away, RFC 3339.
    #[serde(default)]
    pub away_until: Option<String>,
    /// When an agent here last saw it, RFC 3339; none before the first time.
    #[serde(default)]
    pub last_seen: Option<String>,
    /// When its certificate was made, RFC 3339.
    pub since: String,
}

/// What a holder says under its signature that it keeps of mine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedView {
    /// Shards leased by my member.
    pub shards: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Shards given up and still in quarantine, apart from the others.
    pub left_shards: u64,
    /// Their bytes.
    pub left_bytes: u64,
    /// Shards it should have by the records of this device, when it was asked.
    pub mine_shards: u64,
    /// Their bytes.
    pub mine_bytes: u64,
    /// `same`; `more`: of other devices of mine, or not released yet; or `less`.
    pub compared: String,
    /// When it was said, by the holder's clock, RFC 3339.
    pub at: String,
    /// When it was heard, by ours, RFC 3339.
    pub heard: String,
    /// The signed statement itself, in hex: FORMAT.md has how to check it.
    pub statement: String,
}

/// Sums of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotalsView {
    /// Devices, this one included.
    pub peers: u64,
    /// Of them connected (this one counts).
    pub online: u64,
    /// Size of their disks.
    #[serde(default)]
    pub total_bytes: u64,
    /// Kept for their own use.
    #[serde(default)]
    pub reserved_bytes: u64,
    /// Lent.
    pub donated_bytes: u64,
    /// Taken.
    pub used_bytes: u64,
    /// Left, with those that are connected.
    pub free_bytes: u64,
    /// Of mine, by the records of this device.
    #[serde(default)]
    pub mine_here_bytes: u64,
    /// Of theirs, here.
    #[serde(default)]
    pub theirs_here_bytes: u64,
}

/// Whom to ask whether it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingArgs {
    /// Its name, or the beginning of its id.
    pub peer: String,
    /// How often.
    pub count: u32,
}

/// What it answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PingView {
    /// `gbak.ping/1`.
    pub schema: String,
    /// Full id.
    pub peer_id: String,
    /// Its name.
    pub name: String,
    /// `lan`, `direct`, `relay` or `none`.
    pub path: String,
    /// How often it was asked.
    pub asked: u32,
    /// How long each answer took, in milliseconds; what was not answered is not here.
    pub rtts_ms: Vec<f64>,
    /// The exit code: 0, or 21 when nothing was answered.
    pub exit: u8,
}
