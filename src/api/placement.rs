//! Where shards may go, and who holds what.

use serde::{Deserialize, Serialize};

use super::PathBytes;

/// What to do with fewer failure domains than shards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DomainsRule {
    /// Spread the shards over those there are, as evenly as can be.
    #[default]
    Spread,
    /// Refuse to put two shards into one.
    Strict,
}

/// What to do when limits cannot be met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnmetRule {
    /// Send nothing and say why.
    #[default]
    Fail,
    /// Drop spread, latency, owner, site and domains, one after the other, until it can be done.
    Relax,
}

/// Where shards may go. What is absent is as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitArgs {
    /// Round trips between this machine and each holder, like `2ms..150ms`.
    pub latency: Option<String>,
    /// Round trips between any two holders of a pack.
    pub spread: Option<String>,
    /// Most shards of a pack with one machine.
    pub per_peer: Option<u8>,
    /// Most shards of a pack at one site.
    pub per_site: Option<u8>,
    /// Most shards of a pack with one member.
    pub per_owner: Option<u8>,
    /// What to do with fewer failure domains than shards.
    pub domains: Option<DomainsRule>,
    /// What to do when limits cannot be met.
    pub unmet: Option<UnmetRule>,
}

/// Whose whereabouts to show.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PlacementArgs {
    /// A snapshot (with `:PATH` a part of it), an absolute path, or the beginning of a pack's id.
    pub what: PathBytes,
}

/// Who holds the packs asked about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlacementView {
    /// `gbak.placement/1`.
    pub schema: String,
    /// The packs, ordered by id.
    pub packs: Vec<PlacedPackView>,
}

/// One pack and its shards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlacedPackView {
    /// Full id.
    pub pack_id: String,
    /// Shards needed.
    pub k: u8,
    /// Shards to spare.
    pub m: u8,
    /// Its lane; 0 is the metadata's.
    pub lane: u8,
    /// Its shards, by index.
    pub shards: Vec<PlacedShardView>,
}

/// One shard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlacedShardView {
    /// Its place in the pack.
    pub index: u8,
    /// Full id.
    pub shard_id: String,
    /// Its holder; none while it waits for one.
    pub peer_id: Option<String>,
    /// The holder's name, when the device is known.
    pub name: Option<String>,
    /// Round trip to the holder, in milliseconds.
    pub distance_ms: Option<f64>,
    /// The holder's failure domain: the full id of its first device.
    pub domain: Option<String>,
    /// `online`, `away`, `offline`, `unknown` (not in the roster) or `queued` (no holder yet).
    pub state: String,
}
