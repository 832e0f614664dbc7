//! The shelf's rows: shards, leases, owners, and their sums.
//!
//! Invariants: `shard.leases` counts the shard's leases, `owner.shards` and `owner.bytes` sum those
//! the owner holds, `disk` sums its shards and `total` all of them; each changes in the transaction
//! of what it sums.
//! Nothing here scans: every statement finds its rows by key.

use std::path::Path;

use chunker::{OwnerId, ShardId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::DiskNo;
use crate::db::{Db, DbError};

pub(super) mod leases;

/// How much is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many shards.
    pub shards: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Shards of which a read found the file unusable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Damage {
    /// The bytes are other ones.
    pub rotten: u64,
    /// The file is gone.
    pub missing: u64,
}

/// What is known of a shard's file. The numbers are the column `shard.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileState {
    Good = 0,
    Rotten = 1,
    Missing = 2,
}

/// The column `lease.state` of a shard that its owner wants kept.
const HELD: i64 = 0;

/// An owner's new claim to a shard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lease {
    pub(super) owner: OwnerId,
    pub(super) shard: ShardId,
    pub(super) len: u64,
    pub(super) now_secs: u64,
    /// Whether its file was written just now, new or in place of a lost one.
    pub(super) file: bool,
    /// The disk it is on.
    pub(super) disk: DiskNo,
}

/// What the rows say of one owner's shard.
pub(super) struct Known {
    pub(super) state: Option<FileState>,
    pub(super) len: u64,
    /// Whether it is the owner's, in quarantine or not.
    pub(super) leased: bool,
    /// Whether it is in quarantine.
    pub(super) left: bool,
    /// The disk it is on; the home's own when it is on none.
    pub(super) disk: DiskNo,
}

impl Known {
    pub(super) fn is_good(&self) -> bool {
        self.state == Some(FileState::Good)
    }

    pub(super) fn is_held(&self) -> bool {
        self.leased && !self.left && self.is_good()
    }
}

pub(super) fn find(db: &Connection, owner: OwnerId, shard: ShardId) -> Result<Known, DbError> {
    let mut query = db.prepare_cached(
        "SELECT s.state, s.len, s.disk, (
             SELECT l.state FROM lease l JOIN owner o ON o.no = l.owner
             WHERE o.id = ?1 AND l.shard = s.id
         ) FROM shard s WHERE s.id = ?2",
    )?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let found = query.query_row(params![owner.as_bytes(), shard.as_bytes()], read).optional()?;
    let Some((state, len, disk, lease)): Option<(i64, i64, i64, Option<i64>)> = found else {
        let disk = DiskNo::HOME;
        return Ok(Known { state: None, len: 0, leased: false, left: false, disk });
    };
    let (state, len) = (file_state(state)?, file_len(len)?);
    let left = lease.is_some_and(|state| state != HELD);
    Ok(Known { state: Some(state), len, leased: lease.is_some(), left, disk: DiskNo(disk) })
}

/// What is known of a shard's file, whosever it is.
pub(super) struct FileRow {
    pub(super) state: FileState,
    pub(super) len: u64,
    pub(super) disk: DiskNo,
}

pub(super) fn file(db: &Connection, shard: ShardId) -> Result<Option<FileRow>, DbError> {
    let mut query = db.prepare_cached("SELECT state, len, disk FROM shard WHERE id = ?1")?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found: Option<(i64, i64, i64)> = query.query_row([shard.as_bytes()], read).optional()?;
    let Some((state, len, disk)) = found else { return Ok(None) };
    Ok(Some(FileRow { state: file_state(state)?, len: file_len(len)?, disk: DiskNo(disk) }))
}

fn file_state(number: i64) -> Result<FileState, DbError> {
    match number {
        0 => Ok(FileState::Good),
        1 => Ok(FileState::Rotten),
        2 => Ok(FileState::Missing),
        _ => Err(DbError::BadRow { table: "shard" }),
    }
}

fn file_len(len: i64) -> Result<u64, DbError> {
    let len = u64::try_from(len).ok().filter(|len| *len <= super::MAX_SHARD_LEN as u64);
    len.ok_or(DbError::BadRow { table: "shard" })
}

/// Enters a lease, and its file if that is new; both may be there already. Whatever any device left
/// out before, it is wanted again, as of now.
pub(super) fn add(db: &Connection, lease: &Lease) -> Result<(), DbError> {
    let Lease { owner, shard, len, now_secs, file, disk } = *lease;
    let (len, now) = (len as i64, now_secs as i64);
    let owner = owner_no(db, owner)?;
    if file {
        mark(db, shard, FileState::Good)?;
        let sql = "INSERT OR IGNORE INTO shard (id, len, leases, state, since_secs, disk, held)
                   VALUES (?1, ?2, 0, 0, ?3, ?4, 0)";
        if db.prepare_cached(sql)?.execute(params![shard.as_bytes(), len, now, disk.0])? > 0 {
            add_total(db, "shards", 1)?;
            add_total(db, "bytes", len)?;
            add_to_disk(db, disk, (1, len))?;
        }
        // Its file was to be removed; there is another one in its place now.
        let sql = "DELETE FROM doomed WHERE disk = ?1 AND shard = ?2";
        db.prepare_cached(sql)?.execute(params![disk.0, shard.as_bytes()])?;
    }
    let known = leases::one(db, owner, shard)?;
    if known.is_some_and(|lease| lease.left) {
        leases::call_back(db, owner, shard)?;
    }
    let sql = "INSERT INTO lease (owner, shard, state, since_secs) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (owner, shard) DO UPDATE SET released = 0, since_secs = ?4";
    db.prepare_cached(sql)?.execute(params![owner, shard.as_bytes(), HELD, now])?;
    if known.is_none() {
        leases::count(db, shard, 1, 1)?;
        db.prepare_cached(
            "UPDATE owner SET shards = shards + 1, bytes = bytes + ?2 WHERE no = ?1",
        )?
        .execute([owner, len])?;
    }
    Ok(())
}

/// Notes what was found out about a shard's file; a shard without a row stays without.
pub(super) fn mark(db: &Connection, shard: ShardId, state: FileState) -> Result<(), DbError> {
    let mut query = db.prepare_cached("SELECT state FROM shard WHERE id = ?1")?;
    let old: Option<i64> = query.query_row([shard.as_bytes()], |row| row.get(0)).optional()?;
    let new = state as i64;
    let Some(old) = old.filter(|old| *old != new) else { return Ok(()) };
    db.prepare_cached("UPDATE shard SET state = ?2 WHERE id = ?1")?
        .execute(params![shard.as_bytes(), new])?;
    for (state, change) in [(old, -1), (new, 1)] {
        match state {
            1 => add_total(db, "rotten", change)?,
            2 => add_total(db, "missing", change)?,
            _ => {}
        }
    }
    Ok(())
}

/// The owner's number in our rows, made up when it is new.
pub(super) fn owner_no(db: &Connection, owner: OwnerId) -> Result<i64, DbError> {
    if let Some(no) = known_owner(db, owner)? {
        return Ok(no);
    }
    db.prepare_cached("INSERT INTO owner (id, shards, bytes) VALUES (?1, 0, 0)")?
        .execute([owner.as_bytes()])?;
    Ok(db.last_insert_rowid())
}

pub(super) fn known_owner(db: &Connection, owner: OwnerId) -> Result<Option<i64>, DbError> {
    let mut query = db.prepare_cached("SELECT no FROM owner WHERE id = ?1")?;
    Ok(query.query_row([owner.as_bytes()], |row| row.get(0)).optional()?)
}

pub(super) fn usage_of(db: &Connection, owner: OwnerId) -> Result<Usage, DbError> {
    let mut query = db.prepare_cached("SELECT shards, bytes FROM owner WHERE id = ?1")?;
    let found = query.query_row([owner.as_bytes()], |row| usage(row, 0)).optional()?;
    Ok(found.unwrap_or_default())
}

pub(super) fn usage_by_owner(db: &Connection) -> Result<Vec<(OwnerId, Usage)>, DbError> {
    let sql = "SELECT id, shards, bytes FROM owner WHERE shards > 0 ORDER BY id";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let id: Vec<u8> = row.get(0)?;
        let malformed = |_| DbError::BadRow { table: "owner" };
        all.push((OwnerId::try_from(id.as_slice()).map_err(malformed)?, usage(row, 1)?));
    }
    Ok(all)
}

pub(super) fn total(db: &Connection) -> Result<Usage, DbError> {
    Ok(Usage { shards: get_total(db, "shards")?, bytes: get_total(db, "bytes")? })
}

/// Files that nobody holds any more.
pub(super) fn quarantined(db: &Connection) -> Result<Usage, DbError> {
    Ok(Usage { shards: get_total(db, "left_shards")?, bytes: get_total(db, "left_bytes")? })
}

/// What one owner has in quarantine.
pub(super) fn quarantined_of(db: &Connection, owner: OwnerId) -> Result<Usage, DbError> {
    let sql = "SELECT left_shards, left_bytes FROM owner WHERE id = ?1";
    let mut query = db.prepare_cached(sql)?;
    let found = query.query_row([owner.as_bytes()], |row| usage(row, 0)).optional()?;
    Ok(found.unwrap_or_default())
}

pub(super) fn damage(db: &Connection) -> Result<Damage, DbError> {
    Ok(Damage { rotten: get_total(db, "rotten")?, missing: get_total(db, "missing")? })
}

pub(super) fn usage_on(db: &Connection, disk: DiskNo) -> Result<Usage, DbError> {
    let mut query = db.prepare_cached("SELECT shards, bytes FROM disk WHERE no = ?1")?;
    let found = query.query_row([disk.0], |row| usage(row, 0)).optional()?;
    Ok(found.unwrap_or_default())
}

/// What nobody holds any more on a disk.
pub(super) fn quarantined_on(db: &Connection, disk: DiskNo) -> Result<Usage, DbError> {
    let mut query = db.prepare_cached("SELECT left_shards, left_bytes FROM disk WHERE no = ?1")?;
    let found = query.query_row([disk.0], |row| usage(row, 0)).optional()?;
    Ok(found.unwrap_or_default())
}

/// Counts shards and bytes that come to a disk, or go (negative).
fn add_to_disk(db: &Connection, disk: DiskNo, change: (i64, i64)) -> Result<(), DbError> {
    db.prepare_cached("UPDATE disk SET shards = shards + ?2, bytes = bytes + ?3 WHERE no = ?1")?
        .execute(params![disk.0, change.0, change.1])?;
    Ok(())
}

/// Where a disk was last.
pub(super) fn disk_path(db: &Connection, disk: DiskNo) -> Result<Option<String>, DbError> {
    let mut query = db.prepare_cached("SELECT path FROM disk WHERE no = ?1")?;
    Ok(query.query_row([disk.0], |row| row.get(0)).optional()?)
}

pub(super) fn set_disk_path(db: &Db, disk: DiskNo, path: &Path) -> Result<(), DbError> {
    let text = path.to_string_lossy();
    if disk_path(&db.read(), disk)?.is_some_and(|known| known == text) {
        return Ok(());
    }
    db.write(|db| {
        db.execute("UPDATE disk SET path = ?2 WHERE no = ?1", params![disk.0, text])?;
        Ok(())
    })
}

/// How large a disk was when that was noted; 0 when it never was.
pub(super) fn disk_total(db: &Connection, disk: DiskNo) -> Result<u64, DbError> {
    let mut query = db.prepare_cached("SELECT total_bytes FROM disk WHERE no = ?1")?;
    let total: Option<i64> = query.query_row([disk.0], |row| row.get(0)).optional()?;
    Ok(total.unwrap_or_default().max(0) as u64)
}

pub(super) fn set_disk_total(db: &Db, disk: DiskNo, bytes: u64) -> Result<(), DbError> {
    db.write(|db| {
        let sql = "UPDATE disk SET total_bytes = ?2 WHERE no = ?1";
        db.execute(sql, params![disk.0, i64::try_from(bytes).unwrap_or(i64::MAX)])?;
        Ok(())
    })
}

pub(super) fn drop_disk(db: &Db, disk: DiskNo) -> Result<(), DbError> {
    db.write(|db| {
        db.execute("DELETE FROM disk WHERE no = ?1", [disk.0])?;
        db.execute("DELETE FROM doomed WHERE disk = ?1", [disk.0])?;
        Ok(())
    })
}

fn usage(row: &Row<'_>, first: usize) -> rusqlite::Result<Usage> {
    let (shards, bytes): (i64, i64) = (row.get(first)?, row.get(first + 1)?);
    Ok(Usage { shards: shards.max(0) as u64, bytes: bytes.max(0) as u64 })
}

fn get_total(db: &Connection, name: &str) -> Result<u64, DbError> {
    let mut query = db.prepare_cached("SELECT value FROM total WHERE name = ?1")?;
    let value: i64 = query.query_row([name], |row| row.get(0))?;
    u64::try_from(value).map_err(|_| DbError::BadRow { table: "total" })
}

fn add_total(db: &Connection, name: &str, change: i64) -> Result<(), DbError> {
    db.prepare_cached("UPDATE total SET value = value + ?2 WHERE name = ?1")?
        .execute(params![name, change])?;
    Ok(())
}
