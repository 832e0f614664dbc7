//! The index: which chunks are in which pack, which shards make the pack up and who holds them.
//!
//! A [`PackRecord`] is kept in the catalog and, many to a [`Segment`], on the grid. A chunk costs
//! its id and about eight bytes, a placed shard its id and its holder's; the ids of identical
//! shards (k = 1) are written once, which lets a head name hundreds of copies of the manifest.
//!
//! A record that decodes makes sense: as many shards as the code says, none with two holders, and
//! blocks that fill their lengths and fit into the pack.

use chunker::{ChunkId, Code, PackMeta, PeerId, Record, ShardId};
use serde::{Deserialize, Serialize};

use crate::vault::FormatError;

mod wire;

#[cfg(test)]
mod tests;

/// A segment is closed before it would grow beyond this many encoded bytes: one pack holds several,
/// and rebuilding a catalog needs little memory.
pub const SEGMENT_TARGET: usize = 4 * 1024 * 1024;

/// Largest record of one pack: 16 MiB of the smallest chunks.
const PACK_RECORD_LIMIT: usize = 32 * 1024 * 1024;

/// A pack, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "wire::PackRecordWire", into = "wire::PackRecordWire")]
pub struct PackRecord {
    /// What is in it: enough to open it and to make it again.
    pub meta: PackMeta,
    /// How many shards it has and how many are needed.
    pub code: Code,
    /// The lane along whose walk they were put.
    pub lane: u8,
    /// All its shards in order, `code.n()` of them.
    pub shards: Vec<Placed>,
}

/// A shard, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Its name.
    pub id: ShardId,
    /// Who confirmed to have it durably; none as long as it waits.
    pub holder: Option<PeerId>,
}

impl Record for PackRecord {
    const NAME: &'static str = "pack record";
    const VERSION: u8 = 1;
    const LIMIT: usize = PACK_RECORD_LIMIT;
}

impl PackRecord {
    /// As the catalog keeps it.
    pub fn encode_stored(&self) -> Vec<u8> {
        self.encode()
    }

    /// From the catalog.
    pub fn decode_stored(stored: &[u8]) -> Result<Self, FormatError> {
        Ok(Self::decode(stored)?)
    }

    /// Who holds shards, in the order of the shards.
    pub fn holders(&self) -> impl Iterator<Item = PeerId> {
        self.shards.iter().filter_map(|shard| shard.holder)
    }

    /// Who holds the shard of this index.
    pub fn holder(&self, index: u8) -> Option<PeerId> {
        self.shards.get(usize::from(index))?.holder
    }

    /// Notes who holds the shard of this index. There being no such shard changes nothing.
    pub fn set_holder(&mut self, index: u8, holder: PeerId) {
        if let Some(shard) = self.shards.get_mut(usize::from(index)) {
            shard.holder = Some(holder);
        }
    }

    /// Notes that nobody holds the shard of this index.
    pub fn clear_holder(&mut self, index: u8) {
        if let Some(shard) = self.shards.get_mut(usize::from(index)) {
            shard.holder = None;
        }
    }

    /// Notes who holds the shard of this name: of identical ones, the first without a holder.
    pub fn set_holder_of(&mut self, id: ShardId, holder: PeerId) {
        let waits = |shard: &&mut Placed| shard.id == id && shard.holder.is_none();
        if let Some(shard) = self.shards.iter_mut().find(waits) {
            shard.holder = Some(holder);
        }
    }

    /// Indices and names of the shards that wait for a holder.
    pub fn unplaced(&self) -> impl Iterator<Item = (u8, ShardId)> {
        let numbered = (0..=u8::MAX).zip(&self.shards);
        numbered.filter(|(_, shard)| shard.holder.is_none()).map(|(index, shard)| (index, shard.id))
    }

    /// The class of its blocks, as the catalog numbers it: a pack has blocks of one class, or of
    /// metadata classes only.
    pub fn class(&self) -> u8 {
        self.meta.blocks.first().map_or(0, |block| block.class as u8)
    }

    /// Every chunk with its block, its offset in the opened block and its length, for the catalog.
    pub fn chunk_places(&self) -> Vec<(ChunkId, u32, u32, u32)> {
        let mut places = Vec::new();
        for (no, block) in (0..).zip(&self.meta.blocks) {
            let mut offset = 0;
            for chunk in &block.chunks {
                places.push((chunk.id, no, offset, chunk.len));
                offset += chunk.len;
            }
        }
        places
    }
}

/// Records of packs that became durable together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// In the order they were placed.
    #[serde(rename = "p")]
    pub packs: Vec<PackRecord>,
}

impl Record for Segment {
    const NAME: &'static str = "segment";
    const VERSION: u8 = 1;
    /// A segment is larger than its target only when a single record is.
    const LIMIT: usize = PACK_RECORD_LIMIT + SEGMENT_TARGET;
}

impl Segment {
    /// Spreads `packs` over segments of about [`SEGMENT_TARGET`] bytes, in their order.
    pub fn split(packs: Vec<PackRecord>) -> Vec<Self> {
        let mut segments = Vec::new();
        let mut open = Self::default();
        let mut open_len = 0;
        for pack in packs {
            let len = pack.encode().len();
            if open_len + len > SEGMENT_TARGET && !open.packs.is_empty() {
                segments.push(std::mem::take(&mut open));
                open_len = 0;
            }
            open_len += len;
            open.packs.push(pack);
        }
        if !open.packs.is_empty() {
            segments.push(open);
        }
        segments
    }
}
