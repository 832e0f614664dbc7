//! Slices of shards that prove themselves (BLAKE3 verified streaming, `bao`): whoever knows a
//! shard's name can check a slice of it, and nobody can make one without the shard's bytes.
//!
//! A slice carries the bytes and the tree's hashes beside them, a few kilobytes in all.

use std::io::{Cursor, Read};

use bao::decode::SliceDecoder;
use bao::encode::SliceExtractor;

use crate::id::ShardId;

#[cfg(test)]
mod tests;

/// Most bytes that one slice may be asked for.
pub const SLICE_MAX: u32 = 64 * 1024;
/// Longest encoded slice: what was asked for in whole KiB, a hash pair for each, the path to it.
pub const SLICE_BODY_MAX: usize = 80 * 1024;

/// The part of a shard, encoded with its proof. None when nothing or more than [`SLICE_MAX`] is
/// asked for, or anything beyond the shard's end.
pub fn slice(shard: &[u8], offset: u64, len: u32) -> Option<Vec<u8>> {
    let end = offset.checked_add(u64::from(len))?;
    if len == 0 || len > SLICE_MAX || end > shard.len() as u64 {
        return None;
    }
    let (outboard, _hash) = bao::encode::outboard(shard);
    let (shard, outboard) = (Cursor::new(shard), Cursor::new(outboard));
    let mut extractor = SliceExtractor::new_outboard(shard, outboard, offset, u64::from(len));
    let mut encoded = Vec::new();
    extractor.read_to_end(&mut encoded).ok()?;
    Some(encoded)
}

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
