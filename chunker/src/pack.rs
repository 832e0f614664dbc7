//! Packs: sealed blocks in one of a few sizes, the unit of redundancy.
//!
//! ```text
//! magic 4 | suite 1 | salt 32 | commit 32
//! sealed prologue | sealed directory | sealed blocks | padding
//! ```
//!
//! Everything after `commit` is ciphertext or looks like it; the length is one of [`PACK_SIZES`],
//! so a holder learns nothing of how long chunks are. Each pack has a key of its own, derived from
//! the vault's and the salt; `commit` is derived along with it and compared before a whole pack is
//! opened, so no bytes open under two keys; of a single block the keyed names of its chunks say so.
//! Nonces count frames. What a frame is - suite, vault,
//! number, class, codec, lengths, chunk list - is authenticated with it, so nothing can be swapped.
//!
//! A pack can be made again, byte for byte, from its [`PackMeta`] and the chunks ([`rebuild`]).
//! Sealing reads everything back before it returns: what does not open is an error there and then.

use std::fmt;

use bytes::Bytes;

use crate::block::Block;
use crate::error::{Error, Part, damaged};
use crate::id::ChunkId;
use crate::keys::VaultKeys;
use crate::pool::{Buffer, Pool};
use crate::stripe::Code;

mod frame;
pub(crate) mod layout;
mod meta;
mod reader;

pub use layout::{PACK_FULL, PACK_MAX, PACK_SIZES};
pub use meta::{BlockMeta, ChunkEntry, PackMeta};
pub use reader::{PackReader, Scratch};

use frame::{Frame, PackKey, SALT_LEN, TAG_LEN};
use layout::{COUNT_LEN, FIXED_LEN, HEADER_LEN, PROLOGUE_LEN};

/// A sealed pack, with what is needed to open it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pack {
    /// What is where in it.
    pub meta: PackMeta,
    /// The sealed bytes.
    pub bytes: Bytes,
}

impl fmt::Debug for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, len) = (self.meta.id, self.bytes.len());
        f.debug_struct("Pack").field("id", &id).field("len", &len).finish_non_exhaustive()
    }
}

/// Gathers blocks for one pack, at the places where they will be sealed.
#[derive(Debug, Default)]
pub struct PackBuilder {
    blocks: Vec<BlockMeta>,
    /// [`FRONT`] bytes, then the blocks' stored bytes, each with room for its tag.
    bytes: Buffer,
    pool: Pool,
    /// Bytes the blocks take with all that belongs to them.
    taken: usize,
}

/// Room kept before the first block, for all that comes before the blocks in a pack. Its size is
/// known only at the end; where it is larger than this, the blocks are moved once.
const FRONT: usize = 64 << 10;

impl PackBuilder {
    /// Empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Empty; what it needs for full packs comes from `pool` and goes back there.
    pub fn in_pool(pool: &Pool) -> Self {
        Self { pool: pool.clone(), ..Self::default() }
    }

    /// Whether there is room for this block. An empty builder has room for any.
    pub fn fits(&self, block: &Block) -> bool {
        self.is_empty() || FIXED_LEN + self.taken + layout::cost(block.meta()) <= PACK_FULL
    }

    /// Adds a block, which must fit.
    pub fn push(&mut self, block: Block) {
        if self.bytes.is_empty() {
            // Of a new one address space only: memory is taken as it is written.
            self.bytes = self.pool.take(FRONT + PACK_FULL);
            self.bytes.resize(FRONT, 0);
        }
        self.taken += layout::cost(block.meta());
        let (meta, stored) = block.into_parts();
        self.bytes.extend_from_slice(&stored);
        self.bytes.extend_from_slice(&[0; TAG_LEN]);
        self.blocks.push(meta);
    }

    /// How many bytes the pack will have.
    pub fn sealed_len(&self) -> usize {
        layout::size_for(FIXED_LEN + self.taken).unwrap_or(PACK_MAX)
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Seals the pack. Fails for its size only if a block was added that did not fit. The code does
    /// not change the bytes: a pack may be coded anew at any time. `random` must be fresh.
    pub fn finish(self, keys: &VaultKeys, _code: Code, random: [u8; 32]) -> Result<Pack, Error> {
        let salt = self.salt(keys, &random);
        let pack = self.seal(keys, salt)?;
        read_back(keys, &pack).map_err(|source| Error::ReadBack { source: Box::new(source) })?;
        Ok(pack)
    }

    /// Different for any two packs that differ in a single stored byte, whatever `random` is.
    fn salt(&self, keys: &VaultKeys, random: &[u8; 32]) -> [u8; SALT_LEN] {
        let mut hasher = keys.salt_hasher();
        hasher.update(random);
        hasher.update(&layout::directory(self.blocks.iter()));
        let mut rest = self.bytes.as_slice().get(FRONT..).unwrap_or_default();
        for block in &self.blocks {
            let (stored, after) = rest.split_at(block.stored_len as usize);
            hasher.update(stored);
            rest = &after[TAG_LEN..];
        }
        *hasher.finalize().as_bytes()
    }

    /// Seals every frame where it is.
    fn seal(self, keys: &VaultKeys, salt: [u8; SALT_LEN]) -> Result<Pack, Error> {
        let used = FIXED_LEN + self.taken;
        let len = layout::size_for(used).ok_or(Error::TooLarge { len: used, limit: PACK_MAX })?;
        if self.blocks.is_empty() {
            return Err(Error::Empty);
        }
        let directory = layout::directory(self.blocks.iter());
        let Self { blocks, mut bytes, .. } = self;
        let start = make_front(&mut bytes, FIXED_LEN - COUNT_LEN + directory.len());
        bytes.resize(start + len, 0);
        let key = PackKey::derive(keys, &salt);
        let mut room = Room { rest: &mut bytes[start..] };
        key.write_header(&salt, room.take(HEADER_LEN));
        let prologue = room.take(PROLOGUE_LEN + TAG_LEN);
        prologue[..PROLOGUE_LEN].copy_from_slice(&(directory.len() as u32).to_le_bytes());
        key.seal(Frame::Prologue, &[], prologue)?;
        let sealed = room.take(directory.len() + TAG_LEN);
        sealed[..directory.len()].copy_from_slice(&directory);
        key.seal(Frame::Directory, &[], sealed)?;
        let last = blocks.len() - 1;
        for (no, meta) in blocks.iter().enumerate() {
            let frame = Frame::Block { no: no as u32, last: no == last };
            let sealed = room.take(meta.stored_len as usize + TAG_LEN);
            key.seal(frame, &layout::entry(meta), sealed)?;
        }
        key.pad(room.rest)?;
        // Small packs may wait in great numbers: not each in room for a large one.
        let bytes = if len < PACK_FULL {
            Bytes::copy_from_slice(bytes.get(start..).unwrap_or_default())
        } else {
            bytes.freeze().slice(start..)
        };
        let id = blake3::hash(&bytes).into();
        Ok(Pack { meta: PackMeta { id, salt, len: len as u32, blocks }, bytes })
    }
}

/// Sees to it that `len` bytes lie before the blocks, and says where those begin.
fn make_front(bytes: &mut Vec<u8>, len: usize) -> usize {
    if let Some(start) = FRONT.checked_sub(len) {
        return start;
    }
    let end = bytes.len();
    bytes.resize(end + (len - FRONT), 0);
    bytes.copy_within(FRONT..end, len);
    0
}

/// Makes a pack again from the plaintext of its chunks, byte for byte.
///
/// Fails with [`Error::MissingChunk`] when `chunk` does not have one, and with
/// [`Error::NotReproducible`] when the codec gives other bytes than it did: then any k shards do.
pub fn rebuild(
    keys: &VaultKeys,
    meta: &PackMeta,
    mut chunk: impl FnMut(&ChunkId) -> Option<Bytes>,
) -> Result<Pack, Error> {
    meta.check()?;
    let not_reproducible = || Error::NotReproducible { pack: meta.id };
    let mut builder = PackBuilder::new();
    for block in &meta.blocks {
        let mut plain = Vec::with_capacity(block.chunks.len());
        for entry in &block.chunks {
            let bytes = chunk(&entry.id).ok_or(Error::MissingChunk { chunk: entry.id })?;
            if keys.chunk_id(block.class, &bytes) != entry.id || bytes.len() != entry.len as usize {
                return Err(damaged(Part::Chunk(entry.id)));
            }
            plain.push(bytes);
        }
        let again = Block::again(block, plain.iter().map(AsRef::as_ref))?;
        builder.push(again.ok_or_else(not_reproducible)?);
    }
    // Other content under a salt that was used before is never let out: its hash differs.
    let pack = builder.seal(keys, meta.salt)?;
    if pack.meta == *meta { Ok(pack) } else { Err(not_reproducible()) }
}

/// What is not written yet of a pack's bytes.
struct Room<'a> {
    rest: &'a mut [u8],
}

impl<'a> Room<'a> {
    /// The next `len` bytes. There are as many: the pack's size was chosen for them.
    fn take(&mut self, len: usize) -> &'a mut [u8] {
        let (part, rest) = std::mem::take(&mut self.rest).split_at_mut(len);
        self.rest = rest;
        part
    }
}

/// Opens every frame of a pack just sealed, before the chunks it was made from are forgotten.
fn read_back(keys: &VaultKeys, pack: &Pack) -> Result<(), Error> {
    let reader = PackReader::open(keys, &pack.meta, &pack.bytes)?;
    reader.check_directory()?;
    let mut scratch = Scratch::default();
    (0..pack.meta.blocks.len()).try_for_each(|no| reader.open_block(no, &mut scratch))
}

#[cfg(test)]
mod tests;
