//! What a holder that has to give disk back asks of its shelf: which shards could go, letting go of
//! those that are elsewhere, freeing quarantine before its time.
//!
//! Letting go means quarantine, like every end of a lease; so what happens to the bytes is decided
//! in one place, and a crash leaves nothing between held and gone.

use chunker::{OwnerId, ShardId};
use rusqlite::params;

use super::disks::DiskNo;
use super::error::ShelfError;
use super::rows::{self, leases};
use super::{Shelf, sweep};
use crate::db::DbError;

/// Leases ended between two looks at how much is free by then.
const BATCH: usize = 64;

/// A held shard that could move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Movable {
    /// Whose.
    pub owner: OwnerId,
    /// Which.
    pub shard: ShardId,
    /// Its size in bytes.
    pub len: u64,
    /// How many others of its pack can be lost, by its owner's word, if that was given.
    pub others: Option<u8>,
}

impl Shelf {
    /// Notes how well an owner can do without shards of its: how many others of the pack can be
    /// lost.
    pub fn note_spare(&self, owner: OwnerId, spare: &[(ShardId, u8)]) -> Result<(), ShelfError> {
        self.check_well()?;
        self.inner.db.write(|db| {
            let Some(owner) = rows::known_owner(db, owner)? else { return Ok(()) };
            let sql = "UPDATE lease SET spare = ?3 WHERE owner = ?1 AND shard = ?2";
            let mut note = db.prepare_cached(sql).map_err(DbError::from)?;
            for (shard, others) in spare {
                note.execute(params![owner, shard.as_bytes(), others]).map_err(DbError::from)?;
            }
            Ok(())
        })
    }

    /// Held shards of a disk, at most so many: those first that their owners can best do without.
    /// Looks at all of them.
    pub fn movable(&self, disk: DiskNo, limit: usize) -> Result<Vec<Movable>, ShelfError> {
        let db = self.inner.db.read();
        let sql = "SELECT o.id, l.shard, s.len, l.spare
                   FROM lease l JOIN shard s ON s.id = l.shard JOIN owner o ON o.no = l.owner
                   WHERE s.disk = ?1 AND l.state = 0
                   ORDER BY l.spare DESC, s.len DESC, l.shard LIMIT ?2";
        let mut query = db.prepare_cached(sql).map_err(DbError::from)?;
        let mut rows = query.query(params![disk.0, limit as i64]).map_err(DbError::from)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(DbError::from)? {
            found.push(movable(row)?);
        }
        Ok(found)
    }

    /// Puts shards of an owner that are elsewhere in quarantine; says of each whether it was held.
    pub fn let_go(
        &self,
        owner: OwnerId,
        shards: &[ShardId],
        now_secs: u64,
    ) -> Result<Vec<bool>, ShelfError> {
        self.check_well()?;
        let at = self.inner.time.at(now_secs);
        self.inner.db.write(|db| {
            let Some(owner) = rows::known_owner(db, owner)? else {
                return Ok(vec![false; shards.len()]);
            };
            let mut gone = Vec::new();
            for shard in shards {
                let held = leases::one(db, owner, *shard)?.is_some_and(|lease| !lease.left);
                if held {
                    leases::leave(db, owner, *shard, at)?;
                }
                gone.push(held);
            }
            Ok(gone)
        })
    }

    /// Notes a disk's size, and says by how many bytes it has grown since that was noted last: 0
    /// for a disk seen the first time.
    pub fn note_total(&self, disk: DiskNo, total_bytes: u64) -> Result<u64, ShelfError> {
        let known = rows::disk_total(&self.inner.db.read(), disk)?;
        if known != total_bytes {
            rows::set_disk_total(&self.inner.db, disk, total_bytes)?;
        }
        Ok(if known == 0 { 0 } else { total_bytes.saturating_sub(known) })
    }

    /// Frees quarantine of a disk before its time, the oldest first, until `bytes` are free or none
    /// is left; says how many are.
    pub fn free_quarantine(&self, disk: DiskNo, bytes: u64) -> Result<u64, ShelfError> {
        self.check_well()?;
        let on = self.inner.disk(disk)?;
        let mut freed = 0;
        while freed < bytes {
            let oldest = self.oldest_left(disk)?;
            if oldest.is_empty() {
                break;
            }
            for (owner, shard) in oldest {
                if freed >= bytes {
                    break;
                }
                freed += self.end_early(owner, shard)?;
            }
            sweep::finish(&self.inner, &on)?;
        }
        if freed > 0 {
            tracing::info!(bytes = freed, "freed quarantine, because the disk needs it");
        }
        Ok(freed)
    }

    /// Leases in quarantine on a disk of shards that nobody holds.
    fn oldest_left(&self, disk: DiskNo) -> Result<Vec<(i64, ShardId)>, ShelfError> {
        let db = self.inner.db.read();
        let sql = "SELECT l.owner, l.shard FROM lease l JOIN shard s ON s.id = l.shard
                   WHERE l.left_secs IS NOT NULL AND s.disk = ?1 AND s.held = 0
                   ORDER BY l.left_secs LIMIT ?2";
        let mut query = db.prepare_cached(sql).map_err(DbError::from)?;
        let mut rows = query.query(params![disk.0, BATCH as i64]).map_err(DbError::from)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(DbError::from)? {
            found.push((row.get(0).map_err(DbError::from)?, shard_of(row, 1)?));
        }
        Ok(found)
    }

    /// Ends a lease that is still in quarantine. Returns the bytes that are free by that.
    fn end_early(&self, owner: i64, shard: ShardId) -> Result<u64, ShelfError> {
        let _claim = self.inner.claims.take(shard);
        self.inner.db.write(|db| match leases::one(db, owner, shard)? {
            // Its owner may have called it back just now.
            Some(lease) if lease.left => {
                Ok(leases::end(db, owner, shard)?.map_or(0, |(_disk, bytes)| bytes))
            }
            _ => Ok(0),
        })
    }
}

fn movable(row: &rusqlite::Row<'_>) -> Result<Movable, ShelfError> {
    let owner = row.get_ref(0).map_err(DbError::from)?.as_blob().ok();
    let owner = owner.and_then(|id| OwnerId::try_from(id).ok());
    let (len, others): (i64, Option<i64>) =
        (row.get(2).map_err(DbError::from)?, row.get(3).map_err(DbError::from)?);
    Ok(Movable {
        owner: owner.ok_or(DbError::BadRow { table: "owner" })?,
        shard: shard_of(row, 1)?,
        len: len.max(0) as u64,
        others: others.map(|others| others.clamp(0, 255) as u8),
    })
}

fn shard_of(row: &rusqlite::Row<'_>, column: usize) -> Result<ShardId, DbError> {
    let id = row.get_ref(column)?.as_blob().ok().and_then(|id| ShardId::try_from(id).ok());
    id.ok_or(DbError::BadRow { table: "lease" })
}
