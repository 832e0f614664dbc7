//! Scrubbing: the shelf reads its own files again, a little at a time, so that rot is found before
//! an owner needs the bytes.
//!
//! A pass goes through the shards in the order of their names; how far it came is kept after every
//! step, so that a restart goes on there. Every file is read from the disk, not from memory. What
//! is found is noted as any read would note it: a rotten or missing file is not held any more, is
//! never given out, stays where it is until its owner puts the shard again or its lease ends, and
//! is good again when the disk gives the right bytes after all.
//!
//! How it fails: shards of a disk that is away are passed over, and so is a file that cannot be
//! read for a reason that says nothing about its bytes; both are counted. Nothing is condemned on
//! account of a disk that goes while it is read.

use std::str::FromStr;

use chunker::{OwnerId, Record, ShardId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::error::ShelfError;
use super::rows::{self, FileState};
use super::{Found, Shelf, incoming, opening, place, read_verified};
use crate::db::DbError;

/// Most rows looked at in one step, whatever they weigh: those of a disk that is away weigh
/// nothing.
const STEP_ROWS: usize = 4096;
/// Rows read at a time.
const PAGE: usize = 128;
/// Where the progress is kept.
const KEY: &str = "scrub";

/// One pass over all shards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScrubPass {
    /// When it began, in seconds since the Unix epoch.
    #[serde(rename = "f")]
    pub began_secs: u64,
    /// When it ended; 0 while it goes on.
    #[serde(rename = "t")]
    pub ended_secs: u64,
    /// Files read.
    #[serde(rename = "n")]
    pub shards: u64,
    /// Their bytes.
    #[serde(rename = "b")]
    pub bytes: u64,
    /// Of them, those that turned out rotten or missing.
    #[serde(rename = "l")]
    pub lost: u64,
    /// Of them, those that had been taken for lost and are good again.
    #[serde(rename = "g")]
    pub good_again: u64,
    /// Passed over: the disk was away, or did not let them be read.
    #[serde(rename = "s")]
    pub skipped: u64,
}

/// How far scrubbing has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scrub {
    /// The last pass that ended.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub last: Option<ScrubPass>,
    /// The one that goes on.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub current: Option<ScrubPass>,
    /// The last shard it looked at.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

impl Record for Scrub {
    const NAME: &'static str = "scrub";
    const VERSION: u8 = 1;
    const LIMIT: usize = 4096;
}

impl Scrub {
    /// When the next pass begins, if passes begin so many seconds apart: at once while one goes on.
    pub fn due_secs(&self, every_secs: u64) -> u64 {
        match (&self.current, &self.last) {
            (None, Some(last)) => last.began_secs.saturating_add(every_secs),
            _ => 0,
        }
    }
}

/// What one step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Bytes read.
    pub bytes: u64,
    /// Files that turned out rotten or missing.
    pub lost: u64,
    /// Whether the pass is over.
    pub ended: bool,
}

/// Shards that were found lost, and whose they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LostPage {
    /// Those of the owners asked about, ordered by shard.
    pub lost: Vec<(OwnerId, ShardId)>,
    /// Where to go on; none after the last page.
    pub next: Option<ShardId>,
}

impl Shelf {
    /// How far scrubbing has come.
    pub fn scrub_state(&self) -> Result<Scrub, ShelfError> {
        Ok(load(&self.inner.db.read())?)
    }

    /// Reads the next files again, about `budget_bytes` of them and at least one; begins a pass
    /// when none goes on. One caller at a time: of two, one's progress could be lost.
    pub fn scrub(&self, budget_bytes: u64, now_secs: u64) -> Result<Scrubbed, ShelfError> {
        self.check_well()?;
        let mut scrub = self.scrub_state()?;
        let begun = ScrubPass { began_secs: now_secs, ..ScrubPass::default() };
        let mut pass = scrub.current.unwrap_or(begun);
        let (mut step, mut looked) = (Scrubbed::default(), 0);
        while step.bytes < budget_bytes.max(1) && looked < STEP_ROWS {
            let page = next(&self.inner.db.read(), scrub.after.as_deref())?;
            step.ended = page.is_empty();
            if step.ended {
                break;
            }
            for shard in page {
                let before = pass;
                self.recheck(shard, &mut pass)?;
                looked += 1;
                step.bytes += pass.bytes - before.bytes;
                step.lost += pass.lost - before.lost;
                scrub.after = Some(shard.to_string());
                if step.bytes >= budget_bytes {
                    break;
                }
            }
        }
        if step.ended {
            pass.ended_secs = now_secs;
            scrub = Scrub { last: Some(pass), ..Scrub::default() };
        } else {
            scrub.current = Some(pass);
        }
        self.inner.db.write(|db| save(db, &scrub))?;
        Ok(step)
    }

    /// Reads one file from its disk, with nobody else at it.
    pub(super) fn recheck(&self, shard: ShardId, pass: &mut ScrubPass) -> Result<(), ShelfError> {
        let _claim = self.inner.claims.take(shard);
        let Some(file) = rows::file(&self.inner.db.read(), shard)? else { return Ok(()) };
        let Ok(disk) = self.inner.disk(file.disk) else {
            pass.skipped += 1;
            return Ok(());
        };
        let forget =
            || [incoming(shard), place(shard)].iter().for_each(|it| disk.medium.forget(it));
        forget();
        let found = read_verified(&disk, shard, file.len);
        forget();
        let state = match found {
            Ok(Found::Good(_)) => FileState::Good,
            // Only now: it may have gone while it was read.
            Ok(_) if opening::check_mark(&disk).is_err() => {
                pass.skipped += 1;
                return Ok(());
            }
            Ok(Found::Rotten) => FileState::Rotten,
            Ok(Found::Missing) => FileState::Missing,
            Err(error) => {
                tracing::warn!(%error, shard = %shard.short(), "not scrubbed");
                pass.skipped += 1;
                return Ok(());
            }
        };
        pass.shards += 1;
        pass.bytes += file.len;
        if file.state != state {
            pass.lost += u64::from(file.state == FileState::Good);
            pass.good_again += u64::from(state == FileState::Good);
            self.note(shard, state);
        }
        Ok(())
    }

    /// Shards of these owners that were found rotten or missing and that they want kept, from a
    /// name on. Looks at `limit` lost ones at most, whosever they are.
    pub fn lost(
        &self,
        owners: &[OwnerId],
        from: ShardId,
        limit: usize,
    ) -> Result<LostPage, ShelfError> {
        let db = self.inner.db.read();
        let mut owned = Vec::new();
        for owner in owners {
            owned.extend(rows::known_owner(&db, *owner)?.map(|no| (*owner, no)));
        }
        let mut ids = lost_ids(&db, from, limit + 1)?;
        let next = ids.get(limit).copied();
        ids.truncate(limit);
        let mut page = LostPage { lost: Vec::new(), next };
        for shard in ids {
            for (owner, no) in &owned {
                if rows::leases::one(&db, *no, shard)?.is_some_and(|lease| !lease.left) {
                    page.lost.push((*owner, shard));
                }
            }
        }
        Ok(page)
    }
}

fn load(db: &Connection) -> Result<Scrub, DbError> {
    let mut query = db.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    let kept: Option<Vec<u8>> = query.query_row([KEY], |row| row.get(0)).optional()?;
    // Progress that cannot be read is none: the pass begins anew.
    Ok(kept.and_then(|bytes| Scrub::decode(&bytes).ok()).unwrap_or_default())
}

fn save(db: &Connection, scrub: &Scrub) -> Result<(), ShelfError> {
    let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2)
               ON CONFLICT (key) DO UPDATE SET value = ?2";
    let mut insert = db.prepare_cached(sql).map_err(DbError::from)?;
    insert.execute(params![KEY, scrub.encode()]).map_err(DbError::from)?;
    Ok(())
}

/// The next shards after this one.
fn next(db: &Connection, after: Option<&str>) -> Result<Vec<ShardId>, DbError> {
    // Before all names.
    let after = after.and_then(|text| ShardId::from_str(text).ok());
    let after = after.map_or_else(Vec::new, |shard| shard.as_bytes().to_vec());
    ids(db, "SELECT id FROM shard WHERE id > ?1 ORDER BY id LIMIT ?2", &after, PAGE)
}

fn lost_ids(db: &Connection, from: ShardId, limit: usize) -> Result<Vec<ShardId>, DbError> {
    // The partial index: what is good costs nothing.
    let sql = "SELECT id FROM shard WHERE state <> 0 AND id >= ?1 ORDER BY id LIMIT ?2";
    ids(db, sql, from.as_bytes(), limit)
}

fn ids(db: &Connection, sql: &str, from: &[u8], limit: usize) -> Result<Vec<ShardId>, DbError> {
    let mut query = db.prepare_cached(sql)?;
    let read = |row: &Row<'_>| row.get::<_, Vec<u8>>(0);
    let found = query.query_map(params![from, limit as i64], read)?;
    let malformed = |_| DbError::BadRow { table: "shard" };
    found.map(|id| ShardId::try_from(id?.as_slice()).map_err(malformed)).collect()
}
