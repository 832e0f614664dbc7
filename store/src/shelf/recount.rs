//! Recounting: the shelf's figures, set against what is really on its disks, a little at a time.
//!
//! The sums change in the transactions of what they sum, so they are exact after any crash; this
//! finds what a bug, a damaged database or somebody's own hands made of them. A pass goes through
//! the 256 directories, and then sums up; how far it came is kept after every step, so that a
//! restart goes on there. Of each directory:
//! - a file without a row, or of which a good row says that it is on another disk, is an orphan,
//!   which nobody can ever ask for: removed, under its shard's claim;
//! - a file whose name is not ours is left alone and counted;
//! - a row whose file is not there, or has another length, is read again as by [`super::scrub`],
//!   and marked;
//! - a shard whose counts of leases are not those of its leases gets the right ones, and goes when
//!   it has none. A lease of a shard without a row goes: nothing is there to be kept.
//!
//! At the end the rows are summed up in one transaction that reads, on a connection of its own,
//! beside puts and gets. What a sum was off by then it is off by later, whatever was stored
//! meanwhile: that difference is taken off it.
//!
//! How it fails: rows of a disk that is away are passed over and counted; what could not be looked
//! at fails the step, which is tried again.

use std::collections::BTreeMap;
use std::io;
use std::str::FromStr;
use std::sync::Arc;

use chunker::{Record, ShardId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::disks::Disk;
use super::error::ShelfError;
use super::rows::{self, FileState, leases};
use super::{DiskNo, SHARDS, ScrubPass, Shelf, incoming, opening, place, sums, sweep};
use crate::db::DbError;

/// Rows looked at in one go: bounds the memory for their leases.
const PAGE: usize = 256;
/// Directories of a disk; after them come the sums.
const DIRS: u16 = 256;
/// Where the progress is kept.
const KEY: &str = "recount";

/// One pass over everything, and what it found wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecountPass {
    /// When it began, in seconds since the Unix epoch.
    #[serde(rename = "f")]
    pub began_secs: u64,
    /// When it ended; 0 while it goes on.
    #[serde(rename = "t")]
    pub ended_secs: u64,
    /// Files that are what their rows say.
    #[serde(rename = "n")]
    pub files: u64,
    /// Their bytes.
    #[serde(rename = "b")]
    pub bytes: u64,
    /// Files without a row, removed.
    #[serde(rename = "o")]
    pub orphans: u64,
    /// Rows whose file turned out gone or another one.
    #[serde(rename = "l")]
    pub lost: u64,
    /// Shards whose leases were counted wrong, and are counted right now.
    #[serde(rename = "c")]
    pub miscounted: u64,
    /// Sums that were wrong, and are right now.
    #[serde(rename = "s")]
    pub sums: u64,
    /// Files that are not ours, left alone.
    #[serde(rename = "x")]
    pub foreign: u64,
    /// Rows passed over, because their disk was away.
    #[serde(rename = "a")]
    pub skipped: u64,
}

impl RecountPass {
    /// How many things were not as they should be.
    pub const fn drift(&self) -> u64 {
        self.orphans + self.lost + self.miscounted + self.sums
    }
}

/// How far recounting has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recount {
    /// The last pass that ended.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub last: Option<RecountPass>,
    /// The one that goes on.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub current: Option<RecountPass>,
    /// The directory it is at.
    #[serde(rename = "d", default)]
    dir: u16,
    /// The last shard it looked at there.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

impl Record for Recount {
    const NAME: &'static str = "recount";
    const VERSION: u8 = 1;
    const LIMIT: usize = 4096;
}

impl Recount {
    /// When the next pass begins, if passes begin so many seconds apart: at once while one goes on.
    pub fn due_secs(&self, every_secs: u64) -> u64 {
        match (&self.current, &self.last) {
            (None, Some(last)) => last.began_secs.saturating_add(every_secs),
            _ => 0,
        }
    }
}

/// What one step came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recounted {
    /// Things that were not as they should be, and are now.
    pub drift: u64,
    /// Whether the pass is over.
    pub ended: bool,
}

impl Shelf {
    /// How far recounting has come.
    pub fn recount_state(&self) -> Result<Recount, ShelfError> {
        Ok(load(&self.inner.db.read())?)
    }

    /// Looks at about `budget` further names and rows, at a directory's at least; begins a pass
    /// when none goes on. The step that comes to the end sums up all rows, which takes time in
    /// proportion to them. One caller at a time: of two, one's progress could be lost.
    pub fn recount(&self, budget: usize, now_secs: u64) -> Result<Recounted, ShelfError> {
        self.check_well()?;
        let mut state = self.recount_state()?;
        let begun = RecountPass { began_secs: now_secs, ..RecountPass::default() };
        let mut pass = state.current.unwrap_or(begun);
        let (before, mut looked, mut ended) = (pass.drift(), 0, false);
        let disks = self.disks_here();
        while looked < budget.max(1) && !ended {
            if state.dir < DIRS {
                looked += self.count_some(&disks, &mut state, &mut pass)?;
            } else {
                pass.sums += self.sum_up()?;
                ended = true;
            }
        }
        let drift = pass.drift() - before;
        if ended {
            pass.ended_secs = now_secs;
            state = Recount { last: Some(pass), ..Recount::default() };
        } else {
            state.current = Some(pass);
        }
        self.inner.db.write(|db| save(db, &state))?;
        Ok(Recounted { drift, ended })
    }

    fn disks_here(&self) -> BTreeMap<DiskNo, Arc<Disk>> {
        let all = self.inner.all_disks().into_iter();
        let here = all.filter(|disk| opening::check_mark(disk).is_ok());
        here.map(|disk| (disk.no, disk)).collect()
    }

    /// Looks at a page of a directory's rows, before the first one at its files' names. Returns how
    /// many it looked at.
    fn count_some(
        &self,
        disks: &BTreeMap<DiskNo, Arc<Disk>>,
        state: &mut Recount,
        pass: &mut RecountPass,
    ) -> Result<usize, ShelfError> {
        let dir = state.dir as u8;
        let after = state.after.as_deref().and_then(|text| ShardId::from_str(text).ok());
        let mut looked = 1;
        if after.is_none() {
            for disk in disks.values() {
                looked += self.look_at_names(disk, dir, pass)?;
            }
        }
        let page = page(&self.inner.db.read(), dir, after)?;
        for shard in &page.rows {
            self.look_at_row(disks, *shard, pass)?;
        }
        for shard in &page.miscounted {
            pass.miscounted += u64::from(self.count_leases(*shard)?);
        }
        match page.rows.last() {
            Some(last) if page.more => state.after = Some(last.to_string()),
            _ => (state.dir, state.after) = (state.dir + 1, None),
        }
        Ok(looked + page.rows.len())
    }

    /// Removes the files of a directory that no row tells of.
    fn look_at_names(
        &self,
        disk: &Disk,
        dir: u8,
        pass: &mut RecountPass,
    ) -> Result<usize, ShelfError> {
        let names = match disk.medium.list(&format!("{SHARDS}/{dir:02x}")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            names => names.map_err(failed("list"))?,
        };
        for name in &names {
            let shard = opening::our_name(name).filter(|shard| shard.as_bytes()[0] == dir);
            match shard {
                Some(shard) => pass.orphans += u64::from(self.remove_orphan(disk, shard)?),
                None => pass.foreign += 1,
            }
        }
        Ok(names.len())
    }

    /// Whether the file was an orphan; it is gone then.
    fn remove_orphan(&self, disk: &Disk, shard: ShardId) -> Result<bool, ShelfError> {
        if !self.is_orphan(disk, shard)? {
            return Ok(false);
        }
        let _claim = self.inner.claims.take(shard);
        if !self.is_orphan(disk, shard)? {
            return Ok(false);
        }
        match disk.medium.remove(&place(shard)) {
            // A sweep was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            removed => removed.map_err(failed("remove"))?,
        }
        tracing::warn!(shard = %shard.short(), path = %disk.path.display(), "removed an orphan");
        Ok(true)
    }

    fn is_orphan(&self, disk: &Disk, shard: ShardId) -> Result<bool, ShelfError> {
        let db = self.inner.db.read();
        match rows::file(&db, shard)? {
            // What another disk lost may yet be wanted from here.
            Some(row) => Ok(row.disk != disk.no && row.state == FileState::Good),
            // The sweep's own, on its way out.
            None => Ok(!sweep::is_doomed(&db, disk.no, shard)?),
        }
    }

    /// Compares a row with its file's length, and reads the file when they do not agree.
    fn look_at_row(
        &self,
        disks: &BTreeMap<DiskNo, Arc<Disk>>,
        shard: ShardId,
        pass: &mut RecountPass,
    ) -> Result<(), ShelfError> {
        let Some(row) = rows::file(&self.inner.db.read(), shard)? else { return Ok(()) };
        let Some(disk) = disks.get(&row.disk) else {
            pass.skipped += 1;
            return Ok(());
        };
        let mut len = None;
        // In this order: a file never moves back.
        for path in [incoming(shard), place(shard)] {
            if len.is_none() {
                len = disk.medium.len(&path).map_err(failed("look at"))?;
            }
        }
        if len == Some(row.len) {
            pass.files += 1;
            pass.bytes += row.len;
        } else if row.state == FileState::Good {
            let mut read = ScrubPass::default();
            self.recheck(shard, &mut read)?;
            pass.lost += read.lost;
            pass.skipped += read.skipped;
        }
        Ok(())
    }

    /// Counts a shard's leases anew. Whether they had been counted wrong.
    fn count_leases(&self, shard: ShardId) -> Result<bool, ShelfError> {
        let _claim = self.inner.claims.take(shard);
        let wrong = self.inner.db.write(|db| leases::recount(db, shard))?;
        if wrong {
            tracing::warn!(shard = %shard.short(), "leases were counted wrong");
        }
        Ok(wrong)
    }

    /// How many sums were wrong; they are right then.
    fn sum_up(&self) -> Result<u64, ShelfError> {
        let off = {
            let apart = self.inner.db.apart()?;
            let db = apart.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            sums::off(&db)?
        };
        if !off.is_empty() {
            tracing::warn!(?off, "sums of the shelf were wrong");
            self.inner.db.write(|db| off.iter().try_for_each(|off| off.set_right(db)))?;
        }
        Ok(off.iter().map(sums::Off::count).sum())
    }
}

/// Some rows of a directory, in the order of their names.
struct Page {
    rows: Vec<ShardId>,
    /// Of them, or of leases without a row between them, those with other leases than are counted.
    miscounted: Vec<ShardId>,
    /// Whether the directory has more.
    more: bool,
}

/// How many leases, and how many of them held.
type Counts = (i64, i64);

/// Rows and their leases, as of one instant.
fn page(db: &Connection, dir: u8, after: Option<ShardId>) -> Result<Page, DbError> {
    let view = db.unchecked_transaction()?;
    // A name's first byte alone sorts before all such names.
    let from = after.map_or_else(|| vec![dir], |shard| shard.as_bytes().to_vec());
    let end = dir.checked_add(1).map_or_else(|| vec![u8::MAX; 33], |next| vec![next]);
    let sql = "SELECT id, leases, held FROM shard WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3";
    let counted = counts(&view, sql, params![from, end, PAGE as i64])?;
    let rows: Vec<ShardId> = counted.iter().map(|(shard, _)| *shard).collect();
    let more = rows.len() == PAGE;
    let end = match rows.last() {
        // Up to it and no further.
        Some(last) if more => [last.as_bytes(), &[0][..]].concat(),
        _ => end,
    };
    let mut kept: BTreeMap<ShardId, Counts> = counted.into_iter().collect();
    let sql = "SELECT l.shard, COUNT(*), SUM(l.state = 0) FROM owner o CROSS JOIN lease l
               ON l.owner = o.no AND l.shard > ?1 AND l.shard < ?2 GROUP BY l.shard";
    let mut miscounted = Vec::new();
    for (shard, found) in counts(&view, sql, params![from, end])? {
        if kept.remove(&shard) != Some(found) {
            miscounted.push(shard);
        }
    }
    miscounted.extend(kept.into_keys());
    Ok(Page { rows, miscounted, more })
}

/// Shards with how many leases each has, and how many of them are held.
fn counts(
    db: &Connection,
    sql: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Vec<(ShardId, Counts)>, DbError> {
    let mut query = db.prepare_cached(sql)?;
    let read = |row: &Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, (row.get(1)?, row.get(2)?)));
    let mut found = Vec::new();
    for row in query.query_map(values, read)? {
        let (id, counts) = row?;
        let malformed = |_| DbError::BadRow { table: "shard" };
        found.push((ShardId::try_from(id.as_slice()).map_err(malformed)?, counts));
    }
    Ok(found)
}

fn load(db: &Connection) -> Result<Recount, DbError> {
    let mut query = db.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    let kept: Option<Vec<u8>> = query.query_row([KEY], |row| row.get(0)).optional()?;
    // Progress that cannot be read is none: the pass begins anew.
    Ok(kept.and_then(|bytes| Recount::decode(&bytes).ok()).unwrap_or_default())
}

fn save(db: &Connection, state: &Recount) -> Result<(), ShelfError> {
    let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2)
               ON CONFLICT (key) DO UPDATE SET value = ?2";
    let mut insert = db.prepare_cached(sql).map_err(DbError::from)?;
    insert.execute(params![KEY, state.encode()]).map_err(DbError::from)?;
    Ok(())
}

fn failed(doing: &'static str) -> impl Fn(io::Error) -> ShelfError {
    move |source| ShelfError::Medium { doing, source }
}
