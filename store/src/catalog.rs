//! The owner's own index: which chunk is in which pack, which packs there are, which snapshots.
//!
//! It is a cache (I14): every fact in it can be read from the grid again, so damage is an error to
//! answer by [`Catalog::discard`] and a rebuild, never by guessing. Records are opaque bytes here.
//!
//! Invariants: whoever is about to rely on a chunk finds it only through a pack that is healthy
//! ([`Catalog::find_sound`], I13), while a reader finds it through any; the first healthy pack that
//! brings a chunk keeps it; dropping a pack drops the chunks found through it; every call is one
//! transaction, durable when it returns. Calls block, and may come from any thread. A callback may
//! call the catalog again, except inside [`Catalog::bulk`].
//!
//! What was found of holders is here too and survives a rebuild ([`Catalog::clear`]): the grid
//! cannot tell it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use chunker::{ChunkId, PackId, PeerId, ShardId, SnapshotId};

use crate::db::{CatalogError, Db, DbAt};
use crate::schema;

mod holders;
mod rows;

#[cfg(test)]
mod tests;

pub use rows::{Bulk, ChunkAt, PackRow, PackState};

/// How many packs there are in each state; a state without packs is absent.
pub type PackCounts = BTreeMap<PackState, u64>;

/// Packs read at a time while streaming over all of them: bounds memory and how long the database
/// is held.
const PAGE: usize = 256;

/// The owner's own index. Clones share one database.
#[derive(Debug, Clone)]
pub struct Catalog {
    db: Db,
}

impl Catalog {
    /// Opens the catalog at `path`, or makes an empty one.
    pub fn open(path: &Path) -> Result<Self, CatalogError> {
        Ok(Self { db: Db::open(&DbAt::File(path.to_owned()), &schema::CATALOG)? })
    }

    /// An empty catalog that is gone with its last handle.
    pub fn memory() -> Result<Self, CatalogError> {
        Ok(Self { db: Db::open(&DbAt::Memory, &schema::CATALOG)? })
    }

    /// Removes a catalog's files, so that [`Catalog::open`] makes an empty one. It must not be
    /// open.
    pub fn discard(path: &Path) -> io::Result<()> {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            match std::fs::remove_file(&name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Lets go of what is kept in memory only to be faster: for when there is nothing to do.
    pub fn rest(&self) {
        self.db.rest();
    }

    /// Where a chunk is to be read, whether or not its pack can be relied on.
    pub fn find(&self, chunk: &ChunkId) -> Result<Option<ChunkAt>, CatalogError> {
        rows::find(&self.db.read(), chunk)
    }

    /// Where a chunk is, if a healthy pack has it: what a backup may build on (I13).
    pub fn find_sound(&self, chunk: &ChunkId) -> Result<Option<ChunkAt>, CatalogError> {
        rows::find_sound(&self.db.read(), chunk)
    }

    /// [`Self::find`] for many, in their order.
    pub fn find_many(&self, chunks: &[ChunkId]) -> Result<Vec<Option<ChunkAt>>, CatalogError> {
        let db = self.db.read();
        // One transaction, so that the database is locked once and not for each of them.
        let together = db.unchecked_transaction()?;
        chunks.iter().map(|chunk| rows::find(&together, chunk)).collect()
    }

    /// How many chunks are known.
    pub fn chunk_count(&self) -> Result<u64, CatalogError> {
        rows::chunk_count(&self.db.read())
    }

    /// Enters a pack and its chunks (`id, block, offset, length`). A pack that is known stays as it
    /// is, state and record included; only chunks it lacks are added.
    pub fn add_pack(
        &self,
        pack: &PackId,
        state: PackState,
        class: u8,
        record: &[u8],
        chunks: &[(ChunkId, u32, u32, u32)],
    ) -> Result<(), CatalogError> {
        self.bulk(|bulk| bulk.add_pack(pack, state, class, record, chunks))
    }

    /// Runs many changes in one transaction: all of them happen, or none. `work` must not call the
    /// catalog itself.
    pub fn bulk<T>(
        &self,
        work: impl FnOnce(&Bulk<'_>) -> Result<T, CatalogError>,
    ) -> Result<T, CatalogError> {
        self.db.write(|db| work(&Bulk::new(db)))
    }

    /// A pack's state and record.
    pub fn pack(&self, pack: &PackId) -> Result<Option<(PackState, Vec<u8>)>, CatalogError> {
        Ok(rows::pack(&self.db.read(), pack)?.map(|row| (row.state, row.record)))
    }

    /// Everything known of a pack.
    pub fn pack_row(&self, pack: &PackId) -> Result<Option<PackRow>, CatalogError> {
        rows::pack(&self.db.read(), pack)
    }

    /// What was asked of a pack's placement beyond the settings, as
    /// [`set_policy`](Bulk::set_policy) noted it.
    pub fn policy(&self, pack: &PackId) -> Result<Option<Vec<u8>>, CatalogError> {
        rows::policy(&self.db.read(), pack)
    }

    /// Changes a pack's state and record. False when the pack is not known.
    pub fn set_pack(
        &self,
        pack: &PackId,
        state: PackState,
        record: &[u8],
    ) -> Result<bool, CatalogError> {
        self.bulk(|bulk| bulk.set_pack(pack, state, record))
    }

    /// Packs in one state with their records, in the order they were entered.
    pub fn packs_in(&self, state: PackState) -> Result<Vec<(PackId, Vec<u8>)>, CatalogError> {
        rows::packs_in(&self.db.read(), state)
    }

    /// Packs of one class, in the order they were entered.
    pub fn packs_of(&self, class: u8) -> Result<Vec<PackId>, CatalogError> {
        rows::packs_of(&self.db.read(), class)
    }

    /// How many packs there are in each state.
    pub fn pack_count(&self) -> Result<PackCounts, CatalogError> {
        rows::pack_count(&self.db.read())
    }

    /// Calls `each` with every pack, in the order they were entered, until it fails. Reads page by
    /// page: packs entered meanwhile are seen, packs dropped meanwhile may be.
    pub fn for_each_pack<E: From<CatalogError>>(
        &self,
        mut each: impl FnMut(&PackRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut after = 0;
        loop {
            let page = rows::pack_page(&self.db.read(), after, PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = *last;
            for (_, row) in &page {
                each(row)?;
            }
        }
    }

    /// Says whether a pack can be relied on. Chunks of one that cannot are only found to be read.
    /// False when the pack is not known.
    pub fn set_healthy(&self, pack: &PackId, healthy: bool) -> Result<bool, CatalogError> {
        self.bulk(|bulk| bulk.set_healthy(pack, healthy))
    }

    /// Forgets a pack and the chunks found through it. False when the pack is not known.
    pub fn drop_pack(&self, pack: &PackId) -> Result<bool, CatalogError> {
        self.bulk(|bulk| bulk.drop_pack(pack))
    }

    /// Notes that a published segment lists these packs. Unknown ones are passed over.
    pub fn mark_indexed(&self, packs: &[PackId], segment: &[u8; 32]) -> Result<(), CatalogError> {
        self.bulk(|bulk| bulk.mark_indexed(packs, segment))
    }

    /// Enters a snapshot, in place of what was known of it.
    pub fn put_snapshot(
        &self,
        snapshot: &SnapshotId,
        state: u8,
        sealed: &[u8],
    ) -> Result<(), CatalogError> {
        self.bulk(|bulk| bulk.put_snapshot(snapshot, state, sealed))
    }

    /// Every snapshot with its state and record, in the order they were entered.
    pub fn snapshots(&self) -> Result<Vec<(SnapshotId, u8, Vec<u8>)>, CatalogError> {
        rows::snapshots(&self.db.read())
    }

    /// Changes a snapshot's state. False when it is not known.
    pub fn set_snapshot_state(
        &self,
        snapshot: &SnapshotId,
        state: u8,
    ) -> Result<bool, CatalogError> {
        self.bulk(|bulk| bulk.set_snapshot_state(snapshot, state))
    }

    /// Forgets a snapshot. False when it is not known.
    pub fn drop_snapshot(&self, snapshot: &SnapshotId) -> Result<bool, CatalogError> {
        self.bulk(|bulk| bulk.drop_snapshot(snapshot))
    }

    /// A small named value.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CatalogError> {
        rows::get(&self.db.read(), key)
    }

    /// Sets a small named value.
    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), CatalogError> {
        self.bulk(|bulk| bulk.set(key, value))
    }

    /// Forgets a named value; one that is not there is fine.
    pub fn delete(&self, key: &str) -> Result<(), CatalogError> {
        self.bulk(|bulk| bulk.delete(key))
    }

    /// What is known of every holder, in the order of their ids.
    pub fn holders(&self) -> Result<Vec<(PeerId, Vec<u8>)>, CatalogError> {
        holders::all(&self.db.read())
    }

    /// What is known of one holder.
    pub fn holder(&self, peer: &PeerId) -> Result<Option<Vec<u8>>, CatalogError> {
        holders::one(&self.db.read(), peer)
    }

    /// Which shards their holders turned out not to have.
    pub fn gone(&self) -> Result<Vec<(PeerId, ShardId)>, CatalogError> {
        holders::gone(&self.db.read())
    }

    /// Whether a holder turned out not to have a shard.
    pub fn is_gone(&self, peer: &PeerId, shard: &ShardId) -> Result<bool, CatalogError> {
        holders::is_gone(&self.db.read(), peer, shard)
    }

    /// Forgets everything, named values included, but for what was found of holders.
    pub fn clear(&self) -> Result<(), CatalogError> {
        self.db.write(|db| Bulk::new(db).clear())
    }
}
