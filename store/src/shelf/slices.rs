//! Parts of shards with the proof that they are that: audits and ranged reads ask for them.
//!
//! Of a shard that was put or sliced the upper part of its tree of hashes is kept in memory, within
//! [`TREES_BYTES`]: the first slice of an older one reads all of it, the others little more than
//! their own bytes. Of shards that are one group there is nothing to keep. A tree follows from the
//! shard's name, so it can never be an old one; whether the shard is still here, and the asker's,
//! is looked up each time, and so are the bytes, without which there is no slice.
//!
//! How it fails: bytes that do not fit to the tree are never given out; all of the shard is read
//! then, and what is found is noted, as by any other read. Rot beside the part that was asked for
//! is not noticed by a slice of a shard whose tree is kept: that is what scrubbing is for.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use chunker::{OwnerId, ShardId, ShardTree};

use super::claims::Claims;
use super::disks::Disk;
use super::error::ShelfError;
use super::rows::Known;
use super::{Shelf, incoming, lock, place, rows};

/// What trees may take of memory: those of some 16 GiB of shards of 4 MiB.
const TREES_BYTES: usize = 8 * 1024 * 1024;
/// What an entry takes beside its tree, about.
const ENTRY_BYTES: usize = 192;

/// Trees of shards that were put or sliced.
#[derive(Default)]
pub(super) struct Trees {
    kept: Mutex<Kept>,
    /// Who reads a whole shard for its tree; others who want a slice of it wait, and find it. Taken
    /// before the claim of whoever notes a shard's state, never after.
    reading: Claims,
}

/// Trees by shard and by when they were last used, in numbers that only grow.
#[derive(Default)]
struct Kept {
    by_shard: BTreeMap<ShardId, (Arc<ShardTree>, u64)>,
    by_use: BTreeMap<u64, ShardId>,
    bytes: usize,
    next_use: u64,
}

/// What comes of a slice that is to be made by a tree that is kept.
enum Tried {
    Sliced(Vec<u8>),
    /// Nothing or too much is asked for, or something beyond the shard's end.
    Beyond,
    /// There is no tree, or the bytes do not fit to it.
    Unknown,
}

/// A shard that is as it should be.
struct Whole {
    tree: Arc<ShardTree>,
    bytes: Vec<u8>,
}

impl Shelf {
    /// A part of a shard that `owner` has here, in quarantine too, with its proof. None when
    /// nothing or too much is asked for, or anything beyond its end.
    pub fn slice(
        &self,
        owner: OwnerId,
        shard: ShardId,
        part: (u64, u32),
    ) -> Result<Option<Vec<u8>>, ShelfError> {
        let known = rows::find(&self.inner.db.read(), owner, shard)?;
        if !known.leased {
            return Err(ShelfError::Unknown { shard });
        }
        let mut tried = self.by_tree(&known, shard, part)?;
        let reading = matches!(tried, Tried::Unknown).then(|| self.inner.trees.reading.take(shard));
        if reading.is_some() {
            tried = self.by_tree(&known, shard, part)?;
        }
        match tried {
            Tried::Sliced(sliced) => return Ok(Some(sliced)),
            Tried::Beyond => return Ok(None),
            Tried::Unknown => {}
        }
        if let Some(Whole { tree, bytes }) = self.whole(&known, shard)? {
            return Ok(of_whole(&tree, &bytes, part));
        }
        // It looks lost: this finds out, and notes it.
        let bytes = self.get(owner, shard)?;
        let tree = ShardTree::of(shard, &bytes).ok_or(ShelfError::Rotten { shard })?;
        Ok(of_whole(&tree, &bytes, part))
    }

    fn by_tree(
        &self,
        known: &Known,
        shard: ShardId,
        (offset, len): (u64, u32),
    ) -> Result<Tried, ShelfError> {
        let kept = lock(&self.inner.trees.kept).get(shard);
        let Some(tree) = kept.filter(|_| known.is_good()) else { return Ok(Tried::Unknown) };
        let Some(needed) = tree.needed(offset, len) else { return Ok(Tried::Beyond) };
        let disk = self.inner.disk(known.disk)?;
        let sliced = read_part(&disk, shard, &needed, |bytes| tree.slice(offset, len, &bytes));
        Ok(sliced.map_or(Tried::Unknown, Tried::Sliced))
    }

    /// All of a shard and its tree, which is kept; none when it is not as it should be.
    fn whole(&self, known: &Known, shard: ShardId) -> Result<Option<Whole>, ShelfError> {
        if !known.is_good() {
            return Ok(None);
        }
        let (disk, range) = (self.inner.disk(known.disk)?, 0..known.len);
        let found =
            read_part(&disk, shard, &range, |bytes| Some((ShardTree::of(shard, &bytes)?, bytes)));
        Ok(found.map(|(tree, bytes)| {
            let tree = Arc::new(tree);
            self.inner.trees.keep(shard, Arc::clone(&tree));
            Whole { tree, bytes }
        }))
    }
}

fn of_whole(tree: &ShardTree, bytes: &[u8], (offset, len): (u64, u32)) -> Option<Vec<u8>> {
    let needed = tree.needed(offset, len)?;
    tree.slice(offset, len, bytes.get(needed.start as usize..needed.end as usize)?)
}

/// What `made` makes of a part of a shard's file, wherever it lies; none when it makes nothing of
/// it, or the file cannot be read.
fn read_part<T>(
    disk: &Disk,
    shard: ShardId,
    range: &Range<u64>,
    made: impl Fn(Vec<u8>) -> Option<T>,
) -> Option<T> {
    // First where a put leaves it: a file never moves back.
    [incoming(shard), place(shard)].into_iter().find_map(|path| {
        let bytes = disk.medium.read_part(&path, range.clone()).ok()?;
        made(bytes)
    })
}

impl Trees {
    /// Keeps a tree, if there is something in it.
    pub(super) fn keep(&self, shard: ShardId, tree: Arc<ShardTree>) {
        if !tree.is_one_group() {
            lock(&self.kept).put(shard, tree);
        }
    }
}

impl Kept {
    fn get(&mut self, shard: ShardId) -> Option<Arc<ShardTree>> {
        let (tree, used) = self.by_shard.get_mut(&shard)?;
        self.by_use.remove(used);
        *used = self.next_use;
        self.by_use.insert(self.next_use, shard);
        self.next_use += 1;
        Some(Arc::clone(tree))
    }

    fn put(&mut self, shard: ShardId, tree: Arc<ShardTree>) {
        self.remove(shard);
        let weight = tree.weight() + ENTRY_BYTES;
        while self.bytes + weight > TREES_BYTES
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.remove(oldest);
        }
        self.bytes += weight;
        self.by_use.insert(self.next_use, shard);
        self.by_shard.insert(shard, (tree, self.next_use));
        self.next_use += 1;
    }

    fn remove(&mut self, shard: ShardId) {
        if let Some((tree, used)) = self.by_shard.remove(&shard) {
            self.by_use.remove(&used);
            self.bytes -= tree.weight() + ENTRY_BYTES;
        }
    }
}

#[cfg(test)]
mod tests;
