//! Which guardians' mandates were revoked here: for each owner and guardian, up to when they were
//! signed.
//!
//! Invariants: a revocation is durable before it is confirmed, and only ever moves forward; an
//! owner has at most [`REVOCATIONS`], so that one that floods is refused and not kept.

use chunker::{OwnerId, PeerId};
use rusqlite::{OptionalExtension, params};

use super::Shelf;
use super::error::ShelfError;
use crate::db::DbError;

/// Guardians an owner can have revoked here.
const REVOCATIONS: usize = 256;

impl Shelf {
    /// Notes that mandates of `owner` for `guardian` signed until then give no right here.
    pub fn revoke_mandates(
        &self,
        owner: OwnerId,
        guardian: PeerId,
        through_secs: u64,
    ) -> Result<(), ShelfError> {
        let (prefix, key) = (prefix(owner), key(owner, guardian));
        self.inner.db.write(|db| {
            let sql = "SELECT count(*) FROM meta WHERE key >= ?1 AND key < ?2 AND key <> ?3";
            let end = format!("{prefix}~");
            let others: i64 = db
                .prepare_cached(sql)
                .and_then(|mut query| query.query_row(params![prefix, end, key], |row| row.get(0)))
                .map_err(DbError::from)?;
            if others as usize >= REVOCATIONS {
                return Err(ShelfError::TooManyDevices { limit: REVOCATIONS });
            }
            // Big-endian, so that the larger number is the larger blob.
            let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2)
                       ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)";
            let noted = params![key, through_secs.to_be_bytes()];
            db.prepare_cached(sql).and_then(|mut sql| sql.execute(noted)).map_err(DbError::from)?;
            Ok(())
        })
    }

    /// Until when mandates of `owner` for `guardian` must have been signed to give no right here.
    pub fn mandates_revoked(
        &self,
        owner: OwnerId,
        guardian: PeerId,
    ) -> Result<Option<u64>, ShelfError> {
        let db = self.inner.db.read();
        let found: Option<[u8; 8]> = db
            .prepare_cached("SELECT value FROM meta WHERE key = ?1")
            .and_then(|mut query| {
                query.query_row([key(owner, guardian)], |row| row.get(0)).optional()
            })
            .map_err(DbError::from)?;
        Ok(found.map(u64::from_be_bytes))
    }
}

fn prefix(owner: OwnerId) -> String {
    format!("mandate:{owner}:")
}

fn key(owner: OwnerId, guardian: PeerId) -> String {
    format!("{}{guardian}", prefix(owner))
}
