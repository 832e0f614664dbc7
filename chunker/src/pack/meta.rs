//! What is recorded of a pack: enough to open any block of it, and to make it again from plaintext.
//!
//! In CBOR the chunk list is one byte string of 36 bytes per chunk: an index holds millions. A
//! decoded [`PackMeta`] is one that a pack can have; one put together by hand is checked before it
//! is used. Decoding takes memory in proportion to the bytes that are really there.

use std::fmt;
use std::ops::Range;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::frame::SALT_LEN;
use super::layout::{self, CHUNK_ENTRY_LEN, Layout};
use crate::block::BLOCK_MAX;
use crate::codec::{Codec, LEVELS};
use crate::error::{Error, Part, damaged};
use crate::id::{ChunkId, IdVisitor, PackId};
use crate::keys::Class;

/// A pack's recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct PackMeta {
    /// The pack's name: BLAKE3 of its bytes.
    #[serde(rename = "i")]
    pub id: PackId,
    /// Together with the vault's keys, the pack's key.
    #[serde(rename = "s", serialize_with = "salt_out")]
    pub salt: [u8; SALT_LEN],
    /// The pack's length in bytes: one of [`PACK_SIZES`](super::PACK_SIZES).
    #[serde(rename = "n")]
    pub len: u32,
    /// Its blocks, in order.
    #[serde(rename = "b")]
    pub blocks: Vec<BlockMeta>,
}

#[derive(Deserialize)]
#[serde(rename = "PackMeta")]
struct Unchecked {
    #[serde(rename = "i")]
    id: PackId,
    #[serde(rename = "s", deserialize_with = "salt_in")]
    salt: [u8; SALT_LEN],
    #[serde(rename = "n")]
    len: u32,
    #[serde(rename = "b")]
    blocks: Vec<BlockMeta>,
}

impl TryFrom<Unchecked> for PackMeta {
    type Error = Error;

    fn try_from(Unchecked { id, salt, len, blocks }: Unchecked) -> Result<Self, Error> {
        let meta = Self { id, salt, len, blocks };
        meta.check().map(|_| meta)
    }
}

/// One block of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockMeta {
    /// What its chunks are.
    #[serde(rename = "c")]
    pub class: Class,
    /// How it is stored.
    #[serde(rename = "z")]
    pub codec: Codec,
    /// The level it was compressed at; 0 when it is stored as it is.
    #[serde(rename = "l")]
    pub level: i8,
    /// Bytes of its chunks together.
    #[serde(rename = "r")]
    pub raw_len: u32,
    /// Bytes it takes in the pack, its tag apart.
    #[serde(rename = "s")]
    pub stored_len: u32,
    /// Its chunks, in order.
    #[serde(rename = "e", serialize_with = "chunks_out", deserialize_with = "chunks_in")]
    pub chunks: Vec<ChunkEntry>,
}

/// One chunk of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkEntry {
    /// The chunk's name.
    pub id: ChunkId,
    /// Its bytes.
    pub len: u32,
}

impl PackMeta {
    /// Where a block's sealed bytes are in the pack; none when there is no such block.
    pub fn block_range(&self, no: usize) -> Option<Range<usize>> {
        self.block_ranges()?.get(no).cloned()
    }

    /// Where each block's sealed bytes are in the pack; none when no pack can be like this.
    pub fn block_ranges(&self) -> Option<Vec<Range<usize>>> {
        Some(self.check().ok()?.blocks)
    }

    /// Whether a pack can be like this; if so, where its frames are.
    pub(super) fn check(&self) -> Result<Layout, Error> {
        if self.blocks.is_empty() || !self.blocks.iter().all(BlockMeta::is_possible) {
            return Err(damaged(Part::Recipe));
        }
        let layout = Layout::of(&self.blocks);
        let fits = layout::size_for(layout.end) == Some(self.len as usize);
        if fits { Ok(layout) } else { Err(damaged(Part::Recipe)) }
    }
}

impl BlockMeta {
    fn is_possible(&self) -> bool {
        let sum: u64 = self.chunks.iter().map(|entry| u64::from(entry.len)).sum();
        let stored = match self.codec {
            Codec::Raw => self.stored_len == self.raw_len && self.level == 0,
            Codec::Zstd => {
                self.stored_len < self.raw_len
                    && self.level != 0
                    && LEVELS.contains(&i32::from(self.level))
            }
        };
        let whole = sum == u64::from(self.raw_len) && !self.chunks.is_empty();
        whole && stored && self.raw_len as usize <= BLOCK_MAX
    }
}

fn salt_out<S: Serializer>(salt: &[u8; SALT_LEN], to: S) -> Result<S::Ok, S::Error> {
    if to.is_human_readable() {
        to.serialize_str(&hex::encode(salt))
    } else {
        to.serialize_bytes(salt)
    }
}

fn salt_in<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; SALT_LEN], D::Error> {
    if from.is_human_readable() {
        from.deserialize_str(IdVisitor)
    } else {
        from.deserialize_bytes(IdVisitor)
    }
}

fn chunks_out<S: Serializer>(chunks: &[ChunkEntry], to: S) -> Result<S::Ok, S::Error> {
    let mut bytes = Vec::with_capacity(chunks.len() * CHUNK_ENTRY_LEN);
    layout::write_chunks(chunks, &mut bytes);
    if to.is_human_readable() {
        to.serialize_str(&hex::encode(bytes))
    } else {
        to.serialize_bytes(&bytes)
    }
}

fn chunks_in<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<ChunkEntry>, D::Error> {
    if from.is_human_readable() {
        from.deserialize_str(ChunksVisitor)
    } else {
        from.deserialize_byte_buf(ChunksVisitor)
    }
}

struct ChunksVisitor;

impl Visitor<'_> for ChunksVisitor {
    type Value = Vec<ChunkEntry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a multiple of {CHUNK_ENTRY_LEN} bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        layout::read_chunks(bytes).ok_or_else(|| E::invalid_length(bytes.len(), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        match hex::decode(text) {
            Ok(bytes) => self.visit_bytes(&bytes),
            Err(_) => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
}
