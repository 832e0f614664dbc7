//! The catalog's rows and statements.
//!
//! Invariants: a chunk's row points to a pack's row that exists; `total` counts the chunks, in the
//! same transaction. What no version of the program writes is damage, not a default.

use std::fmt;

use chunker::{ChunkId, PackId, SnapshotId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::PackCounts;
use crate::db::{CatalogError, DbError};

/// Where a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkAt {
    /// In which pack.
    pub pack: PackId,
    /// In which of the pack's blocks, counted from 0.
    pub block: u32,
    /// Where it begins in the block once decompressed, in bytes.
    pub offset: u32,
    /// Its length, in bytes.
    pub len: u32,
}

/// How far a pack has come. The numbers are what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PackState {
    /// Sealed, in the spool; not all its shards are acknowledged.
    Queued = 0,
    /// Its shards are durable; no published segment lists it.
    Placed = 1,
    /// A published segment lists it.
    Indexed = 2,
}

/// Everything known of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackRow {
    /// Its name.
    pub id: PackId,
    /// How far it has come.
    pub state: PackState,
    /// Its class, as the caller numbers them.
    pub class: u8,
    /// Whether its chunks may be relied on.
    pub healthy: bool,
    /// The caller's record.
    pub record: Vec<u8>,
    /// The segment that lists it, once one does.
    pub segment: Option<[u8; 32]>,
}

/// Changes that happen together or not at all.
pub struct Bulk<'a> {
    pub(super) db: &'a Connection,
}

impl<'a> Bulk<'a> {
    pub(super) fn new(db: &'a Connection) -> Self {
        Self { db }
    }

    /// As [`Catalog::add_pack`](super::Catalog::add_pack).
    pub fn add_pack(
        &self,
        pack: &PackId,
        state: PackState,
        class: u8,
        record: &[u8],
        chunks: &[(ChunkId, u32, u32, u32)],
    ) -> Result<(), CatalogError> {
        let sql = "INSERT OR IGNORE INTO pack (id, state, class, healthy, record)
                   VALUES (?1, ?2, ?3, 1, ?4)";
        let values = params![pack.as_bytes(), state as i64, class, record];
        self.db.prepare_cached(sql)?.execute(values)?;
        let mut number = self.db.prepare_cached("SELECT no FROM pack WHERE id = ?1")?;
        let no: i64 = number.query_row([pack.as_bytes()], |row| row.get(0))?;
        let mut added = 0;
        for chunk in chunks {
            added += self.add_chunk(no, chunk)?;
        }
        self.count_chunks(added)
    }

    /// Enters a chunk unless a healthy pack has it; 1 when it was not known at all.
    fn add_chunk(
        &self,
        pack: i64,
        (id, block, offset, len): &(ChunkId, u32, u32, u32),
    ) -> Result<i64, CatalogError> {
        let values = params![id.as_bytes(), pack, block, offset, len];
        let sql = "INSERT OR IGNORE INTO chunk (id, pack, block, at, len)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        if self.db.prepare_cached(sql)?.execute(values)? > 0 {
            return Ok(1);
        }
        // Known through a pack that lost redundancy: from now on through this one (I13).
        let sql = "UPDATE chunk SET pack = ?2, block = ?3, at = ?4, len = ?5 WHERE id = ?1
                   AND NOT EXISTS (SELECT 1 FROM pack WHERE no = chunk.pack AND healthy = 1)";
        self.db.prepare_cached(sql)?.execute(values)?;
        Ok(0)
    }

    /// As [`Catalog::set_pack`](super::Catalog::set_pack).
    pub fn set_pack(
        &self,
        pack: &PackId,
        state: PackState,
        record: &[u8],
    ) -> Result<bool, CatalogError> {
        let sql = "UPDATE pack SET state = ?2, record = ?3 WHERE id = ?1";
        let values = params![pack.as_bytes(), state as i64, record];
        Ok(self.db.prepare_cached(sql)?.execute(values)? > 0)
    }

    /// As [`Catalog::set_healthy`](super::Catalog::set_healthy).
    pub fn set_healthy(&self, pack: &PackId, healthy: bool) -> Result<bool, CatalogError> {
        let sql = "UPDATE pack SET healthy = ?2 WHERE id = ?1";
        Ok(self.db.prepare_cached(sql)?.execute(params![pack.as_bytes(), healthy])? > 0)
    }

    /// Notes what was asked of the pack's placement; it is forgotten with the pack. A pack that is
    /// not known is left alone.
    pub fn set_policy(&self, pack: &PackId, policy: &[u8]) -> Result<(), CatalogError> {
        let sql = "UPDATE pack SET policy = ?2 WHERE id = ?1";
        self.db.prepare_cached(sql)?.execute(params![pack.as_bytes(), policy])?;
        Ok(())
    }

    /// As [`Catalog::drop_pack`](super::Catalog::drop_pack).
    pub fn drop_pack(&self, pack: &PackId) -> Result<bool, CatalogError> {
        let sql = "DELETE FROM chunk WHERE pack = (SELECT no FROM pack WHERE id = ?1)";
        let dropped = self.db.prepare_cached(sql)?.execute([pack.as_bytes()])?;
        self.count_chunks(-(dropped as i64))?;
        let sql = "DELETE FROM pack WHERE id = ?1";
        Ok(self.db.prepare_cached(sql)?.execute([pack.as_bytes()])? > 0)
    }

    /// As [`Catalog::mark_indexed`](super::Catalog::mark_indexed).
    pub fn mark_indexed(&self, packs: &[PackId], segment: &[u8; 32]) -> Result<(), CatalogError> {
        let sql = "UPDATE pack SET state = ?2, segment = ?3 WHERE id = ?1";
        let mut update = self.db.prepare_cached(sql)?;
        for pack in packs {
            update.execute(params![pack.as_bytes(), PackState::Indexed as i64, segment])?;
        }
        Ok(())
    }

    /// As [`Catalog::put_snapshot`](super::Catalog::put_snapshot).
    pub fn put_snapshot(
        &self,
        snapshot: &SnapshotId,
        state: u8,
        sealed: &[u8],
    ) -> Result<(), CatalogError> {
        let sql = "INSERT INTO snapshot (id, state, sealed) VALUES (?1, ?2, ?3)
                   ON CONFLICT (id) DO UPDATE SET state = ?2, sealed = ?3";
        self.db.prepare_cached(sql)?.execute(params![snapshot.as_bytes(), state, sealed])?;
        Ok(())
    }

    /// As [`Catalog::set_snapshot_state`](super::Catalog::set_snapshot_state).
    pub fn set_snapshot_state(
        &self,
        snapshot: &SnapshotId,
        state: u8,
    ) -> Result<bool, CatalogError> {
        let sql = "UPDATE snapshot SET state = ?2 WHERE id = ?1";
        Ok(self.db.prepare_cached(sql)?.execute(params![snapshot.as_bytes(), state])? > 0)
    }

    /// As [`Catalog::drop_snapshot`](super::Catalog::drop_snapshot).
    pub fn drop_snapshot(&self, snapshot: &SnapshotId) -> Result<bool, CatalogError> {
        let sql = "DELETE FROM snapshot WHERE id = ?1";
        Ok(self.db.prepare_cached(sql)?.execute([snapshot.as_bytes()])? > 0)
    }

    /// As [`Catalog::set`](super::Catalog::set).
    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), CatalogError> {
        let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2)
                   ON CONFLICT (key) DO UPDATE SET value = ?2";
        self.db.prepare_cached(sql)?.execute(params![key, value])?;
        Ok(())
    }

    /// As [`Catalog::delete`](super::Catalog::delete).
    pub fn delete(&self, key: &str) -> Result<(), CatalogError> {
        self.db.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([key])?;
        Ok(())
    }

    /// As [`Catalog::clear`](super::Catalog::clear).
    pub fn clear(&self) -> Result<(), CatalogError> {
        Ok(self.db.execute_batch(
            "DELETE FROM chunk; DELETE FROM pack; DELETE FROM snapshot; DELETE FROM meta;
             UPDATE total SET value = 0 WHERE name = 'chunks';",
        )?)
    }

    fn count_chunks(&self, change: i64) -> Result<(), CatalogError> {
        let sql = "UPDATE total SET value = value + ?1 WHERE name = 'chunks'";
        self.db.prepare_cached(sql)?.execute([change])?;
        Ok(())
    }
}

/// Where a chunk is.
pub(super) const FIND: &str = "SELECT p.id, c.block, c.at, c.len
    FROM chunk c JOIN pack p ON p.no = c.pack WHERE c.id = ?1";

/// The same, if its pack can be relied on.
const FIND_SOUND: &str = "SELECT p.id, c.block, c.at, c.len
    FROM chunk c JOIN pack p ON p.no = c.pack WHERE c.id = ?1 AND p.healthy = 1";

pub(super) fn find(db: &Connection, chunk: &ChunkId) -> Result<Option<ChunkAt>, CatalogError> {
    find_by(db, FIND, chunk)
}

pub(super) fn find_sound(
    db: &Connection,
    chunk: &ChunkId,
) -> Result<Option<ChunkAt>, CatalogError> {
    find_by(db, FIND_SOUND, chunk)
}

fn find_by(db: &Connection, sql: &str, chunk: &ChunkId) -> Result<Option<ChunkAt>, CatalogError> {
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query([chunk.as_bytes()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let pack = id(row, 0, "pack")?;
    let (block, offset, len) =
        (number(row, 1, "chunk")?, number(row, 2, "chunk")?, number(row, 3, "chunk")?);
    Ok(Some(ChunkAt { pack, block, offset, len }))
}

pub(super) fn chunk_count(db: &Connection) -> Result<u64, CatalogError> {
    let mut query = db.prepare_cached("SELECT value FROM total WHERE name = 'chunks'")?;
    let count: i64 = query.query_row([], |row| row.get(0))?;
    u64::try_from(count).map_err(|_| DbError::BadRow { table: "total" })
}

pub(super) fn pack(db: &Connection, pack: &PackId) -> Result<Option<PackRow>, CatalogError> {
    let sql = "SELECT no, id, state, class, healthy, record, segment FROM pack WHERE id = ?1";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query([pack.as_bytes()])?;
    Ok(rows.next()?.map(pack_row).transpose()?.map(|(_, row)| row))
}

pub(super) fn pack_page(
    db: &Connection,
    after: i64,
    count: usize,
) -> Result<Vec<(i64, PackRow)>, CatalogError> {
    let sql = "SELECT no, id, state, class, healthy, record, segment FROM pack
               WHERE no > ?1 ORDER BY no LIMIT ?2";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query(params![after, count as i64])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        page.push(pack_row(row)?);
    }
    Ok(page)
}

pub(super) fn packs_in(
    db: &Connection,
    state: PackState,
) -> Result<Vec<(PackId, Vec<u8>)>, CatalogError> {
    let sql = "SELECT id, record FROM pack WHERE state = ?1 ORDER BY no";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query([state as i64])?;
    let mut packs = Vec::new();
    while let Some(row) = rows.next()? {
        packs.push((id(row, 0, "pack")?, row.get(1)?));
    }
    Ok(packs)
}

/// What was asked of a pack's placement.
pub(super) fn policy(db: &Connection, pack: &PackId) -> Result<Option<Vec<u8>>, CatalogError> {
    let mut query = db.prepare_cached("SELECT policy FROM pack WHERE id = ?1")?;
    let policy = query.query_row([pack.as_bytes()], |row| row.get(0)).optional()?;
    Ok(policy.flatten())
}

pub(super) fn packs_of(db: &Connection, class: u8) -> Result<Vec<PackId>, CatalogError> {
    let mut query = db.prepare_cached("SELECT id FROM pack WHERE class = ?1 ORDER BY no")?;
    let mut rows = query.query([class])?;
    let mut packs = Vec::new();
    while let Some(row) = rows.next()? {
        packs.push(id(row, 0, "pack")?);
    }
    Ok(packs)
}

pub(super) fn pack_count(db: &Connection) -> Result<PackCounts, CatalogError> {
    let mut query = db.prepare_cached("SELECT state, COUNT(*) FROM pack GROUP BY state")?;
    let mut rows = query.query([])?;
    let mut counts = PackCounts::new();
    while let Some(row) = rows.next()? {
        let count: i64 = row.get(1)?;
        counts.insert(pack_state(row.get(0)?)?, count.max(0) as u64);
    }
    Ok(counts)
}

pub(super) fn snapshots(db: &Connection) -> Result<Vec<(SnapshotId, u8, Vec<u8>)>, CatalogError> {
    let mut query = db.prepare_cached("SELECT id, state, sealed FROM snapshot ORDER BY no")?;
    let mut rows = query.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push((id(row, 0, "snapshot")?, number(row, 1, "snapshot")?, row.get(2)?));
    }
    Ok(all)
}

pub(super) fn get(db: &Connection, key: &str) -> Result<Option<Vec<u8>>, CatalogError> {
    let mut query = db.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    Ok(query.query_row([key], |row| row.get(0)).optional()?)
}

fn pack_row(row: &Row<'_>) -> Result<(i64, PackRow), CatalogError> {
    let segment: Option<Vec<u8>> = row.get(6)?;
    let malformed = |_| DbError::BadRow { table: "pack" };
    let segment = segment.map(|bytes| bytes.try_into().map_err(malformed)).transpose()?;
    let pack = PackRow {
        id: id(row, 1, "pack")?,
        state: pack_state(row.get(2)?)?,
        class: number(row, 3, "pack")?,
        healthy: row.get(4)?,
        record: row.get(5)?,
        segment,
    };
    Ok((row.get(0)?, pack))
}

fn pack_state(number: i64) -> Result<PackState, CatalogError> {
    match number {
        0 => Ok(PackState::Queued),
        1 => Ok(PackState::Placed),
        2 => Ok(PackState::Indexed),
        _ => Err(DbError::BadRow { table: "pack" }),
    }
}

pub(super) fn id<T>(row: &Row<'_>, column: usize, table: &'static str) -> Result<T, CatalogError>
where
    T: for<'b> TryFrom<&'b [u8]>,
{
    let bytes = row.get_ref(column)?.as_blob().ok();
    bytes.and_then(|bytes| T::try_from(bytes).ok()).ok_or(DbError::BadRow { table })
}

fn number<T: TryFrom<i64>>(
    row: &Row<'_>,
    column: usize,
    table: &'static str,
) -> Result<T, CatalogError> {
    let value: i64 = row.get(column)?;
    T::try_from(value).ok().ok_or(DbError::BadRow { table })
}

impl fmt::Debug for Bulk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulk").finish_non_exhaustive()
    }
}
