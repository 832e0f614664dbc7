//! Where everything is in a pack, and the directory's bytes. Pure arithmetic.
//!
//! The directory has a fixed width per chunk, so a builder knows to the byte what still fits.
//! Parsing takes nothing on trust: counts are held against the bytes that are there before anything
//! is allocated, and every byte must be used.

use std::ops::Range;

use super::frame::{SALT_LEN, TAG_LEN};
use super::meta::{BlockMeta, ChunkEntry};
use crate::codec::Codec;
use crate::error::Error;
use crate::id::{ChunkId, ID_LEN};
use crate::keys::Class;

/// Lengths between one and its double.
const STEPS: usize = 2;

/// The lengths a pack can have, in bytes. Few, so that a length says little: it is rounded up by
/// half at most, and only a run's last packs are not of the largest.
pub const PACK_SIZES: [usize; 13] = sizes();

/// Two to each doubling from 256 KiB: the first lengths there were (256 KiB, 1, 4 and 16 MiB) are
/// among them, so that packs of every version are read alike.
const fn sizes() -> [usize; 13] {
    let mut sizes = [0; 13];
    let mut no = 0;
    while no < sizes.len() {
        sizes[no] = (STEPS + no % STEPS) << (17 + no / STEPS);
        no += 1;
    }
    sizes
}

/// The largest pack in bytes.
pub const PACK_MAX: usize = 16 << 20;

/// A pack takes no more blocks than fit into this length: what a pipeline holds of packs is counted
/// in whole ones, and with smaller ones more of them are under way in the same memory. Only a
/// single block that is larger by itself makes a larger one.
pub const PACK_FULL: usize = 4 << 20;

pub(super) const COMMIT_LEN: usize = 32;
pub(super) const MAGIC: [u8; 4] = *b"GBKP";
/// BLAKE3 key derivation, ChaCha20-Poly1305, zstd or raw, as written in this crate.
pub(super) const SUITE: u8 = 1;

/// Magic, suite, salt, commitment.
pub(super) const HEADER_LEN: usize = MAGIC.len() + 1 + SALT_LEN + COMMIT_LEN;
/// The directory's length, sealed: what a scan reads first.
pub(super) const PROLOGUE_LEN: usize = 4;
/// The number of blocks.
pub(super) const COUNT_LEN: usize = 4;
/// What a pack without blocks would take.
pub(super) const FIXED_LEN: usize = HEADER_LEN + PROLOGUE_LEN + TAG_LEN + COUNT_LEN + TAG_LEN;
/// Class, codec, level; plain length, stored length, number of chunks.
const BLOCK_ENTRY_LEN: usize = 3 + 3 * 4;
/// Id, length.
pub(super) const CHUNK_ENTRY_LEN: usize = ID_LEN + 4;

const fn entry_len(chunks: usize) -> usize {
    BLOCK_ENTRY_LEN + chunks * CHUNK_ENTRY_LEN
}

/// All bytes a pack needs for this block.
pub(crate) fn cost(block: &BlockMeta) -> usize {
    entry_len(block.chunks.len()) + block.stored_len as usize + TAG_LEN
}

/// The smallest pack with room for `used` bytes.
pub(super) fn size_for(used: usize) -> Option<usize> {
    PACK_SIZES.into_iter().find(|size| used <= *size)
}

/// Whether the block can be in a pack at all.
pub(crate) fn check_alone(block: &BlockMeta) -> Result<(), Error> {
    if block.chunks.is_empty() {
        return Err(Error::Empty);
    }
    let len = FIXED_LEN + cost(block);
    if len > PACK_MAX { Err(Error::TooLarge { len, limit: PACK_MAX }) } else { Ok(()) }
}

/// Where the frames are, tags included.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) blocks: Vec<Range<usize>>,
    /// Where the padding begins.
    pub(super) end: usize,
}

impl Layout {
    /// The frames of a pack of these blocks, each of which was checked.
    pub(super) fn of(blocks: &[BlockMeta]) -> Self {
        let entries: usize = blocks.iter().map(|block| entry_len(block.chunks.len())).sum();
        let mut end = FIXED_LEN + entries;
        let frame = |block: &BlockMeta| {
            let start = end;
            end += block.stored_len as usize + TAG_LEN;
            start..end
        };
        let blocks = blocks.iter().map(frame).collect();
        Self { blocks, end }
    }
}

/// Where the sealed directory is, if its plaintext has this length.
pub(super) fn directory_at(len: usize) -> Range<usize> {
    let start = HEADER_LEN + PROLOGUE_LEN + TAG_LEN;
    start..start + len + TAG_LEN
}

/// The directory of these blocks.
pub(super) fn directory<'a>(blocks: impl ExactSizeIterator<Item = &'a BlockMeta>) -> Vec<u8> {
    let mut bytes = (blocks.len() as u32).to_le_bytes().to_vec();
    for block in blocks {
        write_entry(block, &mut bytes);
    }
    bytes
}

/// What the directory says of one block; authenticated with the block itself as well.
pub(super) fn entry(block: &BlockMeta) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entry_len(block.chunks.len()));
    write_entry(block, &mut bytes);
    bytes
}

fn write_entry(block: &BlockMeta, to: &mut Vec<u8>) {
    to.extend_from_slice(&[block.class.into(), block.codec.into(), block.level.cast_unsigned()]);
    for number in [block.raw_len, block.stored_len, block.chunks.len() as u32] {
        to.extend_from_slice(&number.to_le_bytes());
    }
    write_chunks(&block.chunks, to);
}

/// Chunks as `id | length`, nothing between.
pub(super) fn write_chunks(chunks: &[ChunkEntry], to: &mut Vec<u8>) {
    for entry in chunks {
        to.extend_from_slice(entry.id.as_bytes());
        to.extend_from_slice(&entry.len.to_le_bytes());
    }
}

/// The chunks in bytes written by [`write_chunks`]; none if they are not.
pub(super) fn read_chunks(bytes: &[u8]) -> Option<Vec<ChunkEntry>> {
    let (entries, rest) = bytes.as_chunks::<CHUNK_ENTRY_LEN>();
    rest.is_empty().then(|| entries.iter().map(read_chunk).collect())
}

fn read_chunk(entry: &[u8; CHUNK_ENTRY_LEN]) -> ChunkEntry {
    let (mut id, mut len) = ([0; ID_LEN], [0; 4]);
    id.copy_from_slice(&entry[..ID_LEN]);
    len.copy_from_slice(&entry[ID_LEN..]);
    ChunkEntry { id: ChunkId::from_bytes(id), len: u32::from_le_bytes(len) }
}

/// The blocks in a directory; none if it is not one.
pub(super) fn parse(mut bytes: &[u8]) -> Option<Vec<BlockMeta>> {
    let count = take_u32(&mut bytes)? as usize;
    if count > bytes.len() / BLOCK_ENTRY_LEN {
        return None;
    }
    let mut blocks = Vec::with_capacity(count);
    for _ in 0..count {
        blocks.push(parse_entry(&mut bytes)?);
    }
    bytes.is_empty().then_some(blocks)
}

fn parse_entry(bytes: &mut &[u8]) -> Option<BlockMeta> {
    let [class, codec, level] = take(bytes)?;
    let (raw_len, stored_len) = (take_u32(bytes)?, take_u32(bytes)?);
    let chunks_len = (take_u32(bytes)? as usize).checked_mul(CHUNK_ENTRY_LEN)?;
    let (chunks, rest) = bytes.split_at_checked(chunks_len)?;
    *bytes = rest;
    Some(BlockMeta {
        class: Class::try_from(class).ok()?,
        codec: Codec::try_from(codec).ok()?,
        level: level.cast_signed(),
        raw_len,
        stored_len,
        chunks: read_chunks(chunks)?,
    })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    take(bytes).map(u32::from_le_bytes)
}
