//! What was found of holders: a record of each, and the shards they turned out not to have.
//!
//! A row of `gone` says only that this holder does not have that shard; it stays until the holder
//! shows the shard, or somebody says that it does not matter any more.

use chunker::{PeerId, ShardId};
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{Bulk, id};
use crate::db::CatalogError;

impl Bulk<'_> {
    /// Keeps what is known of a holder, in place of what was.
    pub fn put_holder(&self, peer: &PeerId, record: &[u8]) -> Result<(), CatalogError> {
        let sql = "INSERT INTO holder (peer, record) VALUES (?1, ?2)
                   ON CONFLICT (peer) DO UPDATE SET record = ?2";
        self.db.prepare_cached(sql)?.execute(params![peer.as_bytes(), record])?;
        Ok(())
    }

    /// Forgets a holder, and which of its shards are gone.
    pub fn drop_holder(&self, peer: &PeerId) -> Result<(), CatalogError> {
        for sql in ["DELETE FROM holder WHERE peer = ?1", "DELETE FROM gone WHERE peer = ?1"] {
            self.db.prepare_cached(sql)?.execute([peer.as_bytes()])?;
        }
        Ok(())
    }

    /// The holder turned out not to have the shard. When that was noticed first stays.
    pub fn set_gone(
        &self,
        peer: &PeerId,
        shard: &ShardId,
        since_secs: u64,
    ) -> Result<(), CatalogError> {
        let sql = "INSERT OR IGNORE INTO gone (peer, shard, since_secs) VALUES (?1, ?2, ?3)";
        let since = i64::try_from(since_secs).unwrap_or(i64::MAX);
        let values = params![peer.as_bytes(), shard.as_bytes(), since];
        self.db.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    /// The holder has the shard after all, or is not asked for it any more.
    pub fn set_found(&self, peer: &PeerId, shard: &ShardId) -> Result<(), CatalogError> {
        let sql = "DELETE FROM gone WHERE peer = ?1 AND shard = ?2";
        self.db.prepare_cached(sql)?.execute(params![peer.as_bytes(), shard.as_bytes()])?;
        Ok(())
    }
}

pub(super) fn all(db: &Connection) -> Result<Vec<(PeerId, Vec<u8>)>, CatalogError> {
    let mut query = db.prepare_cached("SELECT peer, record FROM holder ORDER BY peer")?;
    let mut rows = query.query([])?;
    let mut holders = Vec::new();
    while let Some(row) = rows.next()? {
        holders.push((id(row, 0, "holder")?, row.get(1)?));
    }
    Ok(holders)
}

pub(super) fn one(db: &Connection, peer: &PeerId) -> Result<Option<Vec<u8>>, CatalogError> {
    let mut query = db.prepare_cached("SELECT record FROM holder WHERE peer = ?1")?;
    Ok(query.query_row([peer.as_bytes()], |row| row.get(0)).optional()?)
}

pub(super) fn is_gone(
    db: &Connection,
    peer: &PeerId,
    shard: &ShardId,
) -> Result<bool, CatalogError> {
    let mut query = db.prepare_cached("SELECT 1 FROM gone WHERE peer = ?1 AND shard = ?2")?;
    Ok(query.exists(params![peer.as_bytes(), shard.as_bytes()])?)
}

pub(super) fn gone(db: &Connection) -> Result<Vec<(PeerId, ShardId)>, CatalogError> {
    let mut query = db.prepare_cached("SELECT peer, shard FROM gone ORDER BY peer, shard")?;
    let mut rows = query.query([])?;
    let mut gone = Vec::new();
    while let Some(row) = rows.next()? {
        gone.push((id(row, 0, "gone")?, id(row, 1, "gone")?));
    }
    Ok(gone)
}
