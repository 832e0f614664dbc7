//! Solid blocks: a few chunks of one class put together, then compressed as one.
//!
//! Small chunks compress badly alone, and a block is what is opened to read any of its chunks. A
//! block keeps only what will be stored; the chunks' own bytes are needed during [`Block::new`]
//! alone. It fails when the chunks are more than one block (or one pack) can hold.

use std::fmt;

use crate::codec::{self, Codec};
use crate::error::Error;
use crate::id::ChunkId;
use crate::keys::Class;
use crate::pack::{BlockMeta, ChunkEntry, layout};

/// Chunks are grouped into blocks of at least this many bytes before they are compressed.
pub const BLOCK_TARGET: usize = 256 * 1024;

/// The most bytes of chunks in one block. What a reader allocates for a block is at most this.
pub const BLOCK_MAX: usize = 8 * 1024 * 1024;

/// Some chunks, as they will be stored.
pub struct Block {
    meta: BlockMeta,
    stored: Vec<u8>,
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block").field("meta", &self.meta).finish_non_exhaustive()
    }
}

impl Block {
    /// Puts chunks together and compresses them; stored as they are when `level` is 0 or nothing is
    /// gained.
    pub fn new(class: Class, chunks: &[(ChunkId, &[u8])], level: i32) -> Result<Self, Error> {
        if !codec::LEVELS.contains(&level) {
            return Err(Error::BadLevel { level });
        }
        let plain = || chunks.iter().map(|(_, plain)| *plain);
        let raw_len = joined_len(plain())? as u32;
        let (codec, stored) = match chunks {
            // Nothing to put together.
            [(_, plain)] => Self::stored(plain, level)?,
            _ => codec::with_joined(plain(), |raw| Self::stored(raw, level))?,
        };
        let entries =
            chunks.iter().map(|(id, plain)| ChunkEntry { id: *id, len: plain.len() as u32 });
        let meta = BlockMeta {
            class,
            codec,
            level: if codec == Codec::Raw { 0 } else { level as i8 },
            raw_len,
            stored_len: stored.len() as u32,
            chunks: entries.collect(),
        };
        layout::check_alone(&meta)?;
        Ok(Self { meta, stored })
    }

    /// The bytes to keep of these.
    fn stored(raw: &[u8], level: i32) -> Result<(Codec, Vec<u8>), Error> {
        Ok(match codec::try_compress(raw, level)? {
            Some(compressed) => (Codec::Zstd, compressed),
            None => (Codec::Raw, raw.to_vec()),
        })
    }

    /// The block of this recipe: the same bytes as when it was first made, if the codec still gives
    /// them. `plain` holds the chunks' bytes in order.
    pub(crate) fn again<'a>(
        meta: &BlockMeta,
        plain: impl Iterator<Item = &'a [u8]> + Clone,
    ) -> Result<Option<Self>, Error> {
        joined_len(plain.clone())?;
        let stored = codec::with_joined(plain, |raw| match meta.codec {
            Codec::Raw => Ok(raw.to_vec()),
            Codec::Zstd => codec::compress(raw, i32::from(meta.level)),
        })?;
        let same = stored.len() == meta.stored_len as usize;
        Ok(same.then(|| Self { meta: meta.clone(), stored }))
    }

    /// How many bytes it takes in a pack, apart from its list of chunks.
    pub fn stored_len(&self) -> usize {
        self.stored.len()
    }

    /// How many bytes the chunks have.
    pub fn raw_len(&self) -> usize {
        self.meta.raw_len as usize
    }

    /// What the chunks are.
    pub fn class(&self) -> Class {
        self.meta.class
    }

    pub(crate) fn meta(&self) -> &BlockMeta {
        &self.meta
    }

    pub(crate) fn into_parts(self) -> (BlockMeta, Vec<u8>) {
        (self.meta, self.stored)
    }
}

/// The length of all parts, if one block can hold them.
fn joined_len<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Result<usize, Error> {
    let len = parts.map(<[u8]>::len).sum();
    if len > BLOCK_MAX { Err(Error::TooLarge { len, limit: BLOCK_MAX }) } else { Ok(len) }
}

#[cfg(test)]
mod tests;
