//! Who holds what: the question and its answer.

use serde::{Deserialize, Serialize};

use super::PathBytes;

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
    /// The holder's failure domain: its owner's full id.
    pub domain: Option<String>,
    /// `online`, `away`, `offline`, `unknown` (not in the roster) or `queued` (no holder yet).
    pub state: String,
}
