//! Invitations made here: each is honoured once, before it expires.
//!
//! Invariants: only the token's hash is kept, so that a copy of the database invites nobody;
//! spending is one transaction, durable before it is granted, so two joiners never share one token
//! and a crash never makes a spent one fresh.

use rusqlite::{OptionalExtension, Row, params};

use super::Shelf;
use super::error::{InviteError, ShelfError};
use crate::db::DbError;

/// One invitation made here. Times in seconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRow {
    /// Hash of its token.
    pub token_hash: [u8; 32],
    /// When it was made.
    pub made_secs: u64,
    /// From when on it is refused.
    pub expires_secs: u64,
    /// When it was used, if it was.
    pub spent_secs: Option<u64>,
}

impl Shelf {
    /// Notes an invitation. One with the same token stays as it is.
    pub fn invite_put(
        &self,
        token_hash: [u8; 32],
        expires_secs: u64,
        now_secs: u64,
    ) -> Result<(), ShelfError> {
        self.inner.db.write(|db| {
            let sql = "INSERT OR IGNORE INTO invite (token, made_secs, expires_secs)
                       VALUES (?1, ?2, ?3)";
            let made = params![token_hash, now_secs as i64, expires_secs as i64];
            db.prepare_cached(sql).and_then(|mut sql| sql.execute(made)).map_err(DbError::from)?;
            Ok(())
        })
    }

    /// Uses an invitation up; when this returns `Ok`, it stays used across a power cut.
    pub fn invite_spend(&self, token_hash: [u8; 32], now_secs: u64) -> Result<(), InviteError> {
        self.inner.db.write(|db| {
            let sql = "SELECT expires_secs, spent_secs FROM invite WHERE token = ?1";
            let found: Option<(i64, Option<i64>)> = db
                .prepare_cached(sql)
                .and_then(|mut query| {
                    query.query_row([token_hash], |row| Ok((row.get(0)?, row.get(1)?))).optional()
                })
                .map_err(DbError::from)?;
            match found {
                None => return Err(InviteError::Unknown),
                Some((_, Some(_))) => return Err(InviteError::Used),
                Some((expires, None)) if now_secs >= expires as u64 => {
                    return Err(InviteError::Expired);
                }
                Some(_) => {}
            }
            db.prepare_cached("UPDATE invite SET spent_secs = ?2 WHERE token = ?1")
                .and_then(|mut sql| sql.execute(params![token_hash, now_secs as i64]))
                .map_err(DbError::from)?;
            Ok(())
        })
    }

    /// Every invitation made here, oldest first.
    pub fn invites(&self) -> Result<Vec<InviteRow>, ShelfError> {
        let db = self.inner.db.read();
        let sql = "SELECT token, made_secs, expires_secs, spent_secs FROM invite
                   ORDER BY made_secs, token";
        let mut query = db.prepare_cached(sql).map_err(DbError::from)?;
        let rows = query.query_map([], invite).map_err(DbError::from)?;
        Ok(rows.collect::<Result<_, _>>().map_err(DbError::from)?)
    }
}

fn invite(row: &Row<'_>) -> rusqlite::Result<InviteRow> {
    let (made, expires): (i64, i64) = (row.get(1)?, row.get(2)?);
    let spent: Option<i64> = row.get(3)?;
    Ok(InviteRow {
        token_hash: row.get(0)?,
        made_secs: made as u64,
        expires_secs: expires as u64,
        spent_secs: spent.map(|secs| secs as u64),
    })
}
