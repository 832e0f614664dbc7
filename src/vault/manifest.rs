//! Manifest and head: a device's list of segments and snapshots, and the small record that points
//! to it.
//!
//! Each device has its own chain of heads and its own manifest; readers merge them. A manifest
//! names the packs its segments and snapshots are in ([`Manifest::roots`]), a head the packs the
//! manifest is in; everything below is found through segments. The head is sealed with the vault's
//! head key and signed by the device (`p2p::head`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chunker::{ChunkId, Class, CutParams, Cutter, PackId, PeerId, Record, SnapshotId, VaultKeys};
use serde::{Deserialize, Serialize};

use crate::vault::claim::Claim;
use crate::vault::index::PackRecord;
use crate::vault::tree::{Piece, Stamp};

#[cfg(test)]
mod tests;

/// Everything a device published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Whose list it is.
    #[serde(rename = "d")]
    pub device: PeerId,
    /// The packs that hold segments and snapshots.
    #[serde(rename = "r")]
    pub roots: Vec<PackRecord>,
    /// The index, in the order it was published.
    #[serde(rename = "s")]
    pub segments: Vec<SegmentRef>,
    /// The snapshots, in the order they were published.
    #[serde(rename = "S")]
    pub snapshots: Vec<SnapshotEntry>,
}

/// Where a segment is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRef {
    /// The chunks (class `Index`) of its encoding.
    #[serde(rename = "c")]
    pub chunks: Vec<Piece>,
}

/// Where a snapshot is, and what is asked of it most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotEntry {
    /// Its name.
    #[serde(rename = "i")]
    pub id: SnapshotId,
    /// When it was made.
    #[serde(rename = "t")]
    pub time: Stamp,
    /// The chunks (class `Snapshot`) of its encoding.
    #[serde(rename = "c")]
    pub chunks: Vec<Piece>,
    /// When the head that named it first came to holders, in seconds since 1970: of their clocks
    /// the one in the middle. None until it has been there.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub witnessed_secs: Option<u64>,
    /// What was said of it since.
    #[serde(rename = "m", default, skip_serializing_if = "Mark::is_nothing")]
    pub mark: Mark,
}

/// What its owner says of a snapshot after it was made: the snapshot itself never changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its tags, in place of those it was made with.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// No rule forgets it.
    #[serde(rename = "p", default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
}

impl Mark {
    /// Whether nothing was said.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Record for Manifest {
    const NAME: &'static str = "manifest";
    const VERSION: u8 = 1;
    /// About a million snapshots.
    const LIMIT: usize = 256 * 1024 * 1024;
}

impl Manifest {
    /// The manifest of a device that published nothing yet.
    pub const fn first(device: PeerId) -> Self {
        Self { device, roots: Vec::new(), segments: Vec::new(), snapshots: Vec::new() }
    }
}

impl Manifest {
    /// Names everything besides that `other` names. Whether there was anything new.
    pub fn adopt(&mut self, other: &Self) -> bool {
        let before = (self.snapshots.len(), self.segments.len());
        let known: BTreeSet<SnapshotId> = self.snapshots.iter().map(|entry| entry.id).collect();
        let new = other.snapshots.iter().filter(|entry| !known.contains(&entry.id));
        self.snapshots.extend(new.cloned());
        let known: BTreeSet<_> = self.segments.iter().map(SegmentRef::name).collect();
        let new = other.segments.iter().filter(|segment| !known.contains(&segment.name()));
        self.segments.extend(new.cloned());
        let known: BTreeSet<PackId> = self.roots.iter().map(|root| root.meta.id).collect();
        let new = other.roots.iter().filter(|root| !known.contains(&root.meta.id));
        self.roots.extend(new.cloned());
        before != (self.snapshots.len(), self.segments.len())
    }
}

impl Manifest {
    /// Notes when holders had a head that names all of this: of what was noted before it stays.
    pub fn witnessed(&mut self, at_secs: u64) {
        for entry in &mut self.snapshots {
            entry.witnessed_secs.get_or_insert(at_secs);
        }
    }

    /// When each snapshot was made, as far as it can be trusted: not before the one that holders
    /// had before it, and not after they had it. So no clock of this machine makes a snapshot older
    /// or newer than its neighbours are. Nothing is known of one that was not witnessed: it keeps
    /// its time and bounds nobody's.
    pub fn times(&self) -> BTreeMap<SnapshotId, Stamp> {
        let mut times: BTreeMap<SnapshotId, Stamp> =
            self.snapshots.iter().map(|entry| (entry.id, entry.time)).collect();
        let witnessed = self.snapshots.iter().filter_map(|entry| {
            let seen = i64::try_from(entry.witnessed_secs?).unwrap_or(i64::MAX);
            Some((seen, entry))
        });
        let mut witnessed: Vec<_> = witnessed.collect();
        // Adopted ones stand behind those that came after them.
        witnessed.sort_by_key(|(seen, _)| *seen);
        let mut least = i64::MIN;
        for (seen, entry) in witnessed {
            let secs = entry.time.secs.min(seen).max(least);
            let nanos = if secs == entry.time.secs { entry.time.nanos } else { 0 };
            times.insert(entry.id, Stamp { secs, nanos });
            least = secs;
        }
        times
    }
}

impl SegmentRef {
    fn name(&self) -> Option<ChunkId> {
        self.chunks.first().and_then(|piece| piece.chunk)
    }
}

/// What a head says, before it is sealed and signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadBody {
    /// The packs the manifest is in.
    #[serde(rename = "p")]
    pub manifest: Vec<PackRecord>,
    /// The chunks (class `Index`) of the manifest's encoding.
    #[serde(rename = "c")]
    pub chunks: Vec<Piece>,
    /// The head's number, as it is signed.
    #[serde(rename = "n")]
    pub seq: u64,
    /// How many snapshots the manifest has.
    #[serde(rename = "s")]
    pub snapshots: u64,
    /// When it was made.
    #[serde(rename = "t")]
    pub time: Stamp,
    /// Which drives the device writes, or wrote last.
    #[serde(rename = "d", skip_serializing_if = "Vec::is_empty", default)]
    pub drives: Vec<Claim>,
}

impl Record for HeadBody {
    const NAME: &'static str = "head";
    const VERSION: u8 = 1;
    /// What a signed head can carry.
    const LIMIT: usize = p2p::wire::HEAD_LIMIT;
}

/// Pieces of a manifest: the head lists them, so they are as few as can be.
const MANIFEST_PIECE: usize = 4 * 1024 * 1024;

/// Cuts a manifest's bytes into few pieces: a head has room for a hundred or so, and no manifest
/// shares a chunk with another.
pub fn split_manifest(keys: &VaultKeys, bytes: &[u8]) -> Vec<(Piece, Range<usize>)> {
    let starts = (0..bytes.len()).step_by(MANIFEST_PIECE);
    let whole = bytes.chunks(MANIFEST_PIECE).zip(starts).map(|(plain, start)| {
        let chunk = Some(keys.chunk_id(Class::Index, plain));
        (Piece { len: plain.len() as u64, chunk }, start..start + plain.len())
    });
    whole.collect()
}

/// Cuts a record's bytes into chunks of `class`, so that what did not change since the last time is
/// the same chunks again. Returns each piece with the range it names; there are no holes.
pub fn split_record(keys: &VaultKeys, bytes: &[u8], class: Class) -> Vec<(Piece, Range<usize>)> {
    let cutter = Cutter::new(keys, CutParams::default());
    let mut pieces = Vec::new();
    let mut start = 0;
    while let Some(window) = bytes.get(start..)
        && let Some(len) = cutter.cut(window, true)
    {
        let Some(plain) = window.get(..len) else { break };
        let piece = Piece { len: len as u64, chunk: Some(keys.chunk_id(class, plain)) };
        pieces.push((piece, start..start + len));
        start += len;
    }
    pieces
}
