//! Slices of shards that prove themselves (BLAKE3 verified streaming, `bao`): whoever knows a
//! shard's name can check a slice of it, and nobody can make one without the shard's bytes.
//!
//! A slice carries the bytes and the tree's hashes beside them, a few kilobytes in all. Who makes
//! several of one shard keeps a [`ShardTree`] of it, and then needs to read no more of the shard
//! than the slice's own bytes, and the rest of the groups that they begin and end in.

use std::fmt;
use std::io::Read;
use std::ops::Range;

use bao::decode::SliceDecoder;
use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root,
};

use crate::id::ShardId;

#[cfg(test)]
mod tests;

/// Most bytes that one slice may be asked for: a block of a pack, which is a little larger than
/// [`BLOCK_TARGET`](crate::BLOCK_TARGET) unless a single chunk is.
pub const SLICE_MAX: u32 = 512 * 1024;
/// Longest encoded slice: what was asked for in whole KiB, a hash pair for each, the path to it.
pub const SLICE_BODY_MAX: usize = 560 * 1024;

/// Bytes of a shard that have one hash in its [`ShardTree`]: so many that a tree is small (2 KiB
/// for 4 MiB), and that what a slice has to read beside its own bytes is little.
const GROUP: u64 = 64 * 1024;
/// What BLAKE3 hashes by itself, in bytes.
const CHUNK: u64 = blake3::CHUNK_LEN as u64;
/// Of a node's children, in bytes.
const PAIR: usize = 2 * blake3::OUT_LEN;

/// Whether this is that part of the shard with this name: all of it, and nothing after it.
pub fn verify_slice(shard: ShardId, offset: u64, len: u32, encoded: &[u8]) -> bool {
    open_slice(shard, offset, len, encoded).is_some()
}

/// The bytes of that part of the shard with this name, if this proves to be all of it and nothing
/// after it.
pub fn open_slice(shard: ShardId, offset: u64, len: u32, encoded: &[u8]) -> Option<Vec<u8>> {
    if len == 0 || len > SLICE_MAX || encoded.len() > SLICE_BODY_MAX {
        return None;
    }
    let hash = blake3::Hash::from_bytes(*shard.as_bytes());
    let mut rest = encoded;
    let mut decoded = Vec::with_capacity(len as usize);
    let read =
        SliceDecoder::new(&mut rest, &hash, offset, u64::from(len)).read_to_end(&mut decoded);
    let whole = read.is_ok() && decoded.len() as u64 == u64::from(len) && rest.is_empty();
    whole.then_some(decoded)
}

/// The upper part of a shard's tree of hashes. It follows from the shard's name alone, so it is as
/// good for the same shard tomorrow; by itself it proves nothing to anybody.
#[derive(Clone, PartialEq, Eq)]
pub struct ShardTree {
    shard: ShardId,
    len: u64,
    /// The hash of each group; none when all of the shard is one.
    groups: Vec<ChainingValue>,
}

impl fmt::Debug for ShardTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardTree").field("shard", &self.shard).finish_non_exhaustive()
    }
}

impl ShardTree {
    /// Hashes these bytes; none unless they are the shard's.
    pub fn of(shard: ShardId, bytes: &[u8]) -> Option<Self> {
        let len = bytes.len() as u64;
        if len <= GROUP {
            let tree = Self { shard, len, groups: Vec::new() };
            return (ShardId::from(blake3::hash(bytes)) == shard).then_some(tree);
        }
        let groups = (0..).zip(bytes.chunks(GROUP as usize));
        let groups = groups.map(|(no, group)| hash_at(no * GROUP, group)).collect();
        let tree = Self { shard, len, groups };
        let middle = left_subtree_len(len);
        let (left, right) = (tree.kept(0, middle), tree.kept(middle, len));
        let root = merge_subtrees_root(&left, &right, Mode::Hash);
        (ShardId::from(root) == shard).then_some(tree)
    }

    /// Whether all of the shard is needed for every slice of it.
    pub fn is_one_group(&self) -> bool {
        self.groups.is_empty()
    }

    /// Bytes of memory it takes, about.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.groups.len() * blake3::OUT_LEN
    }

    /// What of the shard is needed for a slice of this part. None when nothing or more than
    /// [`SLICE_MAX`] is asked for, or anything beyond the shard's end.
    pub fn needed(&self, offset: u64, len: u32) -> Option<Range<u64>> {
        let end = offset.checked_add(u64::from(len))?;
        let fits = len > 0 && len <= SLICE_MAX && end <= self.len;
        fits.then(|| offset / GROUP * GROUP..end.next_multiple_of(GROUP).min(self.len))
    }

    /// The part of the shard, encoded with its proof, from the bytes that are [needed] for it. None
    /// when they are not the shard's.
    ///
    /// [needed]: Self::needed
    pub fn slice(&self, offset: u64, len: u32, needed: &[u8]) -> Option<Vec<u8>> {
        let Range { start, end } = self.needed(offset, len)?;
        if needed.len() as u64 != end - start {
            return None;
        }
        if self.groups.is_empty() && ShardId::from(blake3::hash(needed)) != self.shard {
            return None;
        }
        let wanted = offset..offset + u64::from(len);
        let mut encoded = Vec::with_capacity(SLICE_BODY_MAX.min(len as usize * 9 / 8 + 4096));
        encoded.extend_from_slice(&self.len.to_le_bytes());
        let mut slicing = Slicing { tree: self, start, bytes: needed, wanted, encoded };
        slicing.walk(0, self.len)?;
        Some(slicing.encoded)
    }

    /// The hash of whole groups.
    fn kept(&self, at: u64, end: u64) -> ChainingValue {
        if end - at <= GROUP {
            return self.group(at).unwrap_or_default();
        }
        let middle = at + left_subtree_len(end - at);
        merge(&self.kept(at, middle), &self.kept(middle, end))
    }

    fn group(&self, at: u64) -> Option<ChainingValue> {
        self.groups.get((at / GROUP) as usize).copied()
    }
}

/// A slice being written, in the order of the tree: each node before what is below it.
struct Slicing<'a> {
    tree: &'a ShardTree,
    /// Where `bytes` begin.
    start: u64,
    bytes: &'a [u8],
    wanted: Range<u64>,
    encoded: Vec<u8>,
}

impl<'a> Slicing<'a> {
    /// Writes what of this node belongs to the slice. None when the bytes below it have another
    /// hash than the tree says.
    fn walk(&mut self, at: u64, end: u64) -> Option<ChainingValue> {
        if at >= self.wanted.end || end <= self.wanted.start {
            return self.beside(at, end);
        }
        if end - at <= CHUNK {
            let chunk = self.bytes_of(at, end)?;
            self.encoded.extend_from_slice(chunk);
            return Some(hash_at(at, chunk));
        }
        let (middle, place) = (at + left_subtree_len(end - at), self.encoded.len());
        self.encoded.extend_from_slice(&[0; PAIR]);
        let (left, right) = (self.walk(at, middle)?, self.walk(middle, end)?);
        let pair = self.encoded.get_mut(place..place + PAIR)?;
        pair.copy_from_slice([left, right].as_flattened());
        let hash = merge(&left, &right);
        let known = self.tree.group(at).filter(|_| self.is_group(at, end));
        known.is_none_or(|known| known == hash).then_some(hash)
    }

    /// The hash of a node of which nothing is wanted.
    fn beside(&self, at: u64, end: u64) -> Option<ChainingValue> {
        let in_group = at / GROUP == (end - 1) / GROUP;
        if in_group && !self.is_group(at, end) {
            return Some(hash_at(at, self.bytes_of(at, end)?));
        }
        Some(self.tree.kept(at, end))
    }

    /// Whether a node is all of a group.
    fn is_group(&self, at: u64, end: u64) -> bool {
        at.is_multiple_of(GROUP) && end == (at + GROUP).min(self.tree.len)
    }

    fn bytes_of(&self, at: u64, end: u64) -> Option<&'a [u8]> {
        let (from, to) = (at.checked_sub(self.start)?, end.checked_sub(self.start)?);
        self.bytes.get(from as usize..to as usize)
    }
}

/// The hash of bytes that are one node of a larger tree, from this place in it.
fn hash_at(at: u64, bytes: &[u8]) -> ChainingValue {
    blake3::Hasher::new().set_input_offset(at).update(bytes).finalize_non_root()
}

fn merge(left: &ChainingValue, right: &ChainingValue) -> ChainingValue {
    merge_subtrees_non_root(left, right, Mode::Hash)
}
