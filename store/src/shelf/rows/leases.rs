//! The life of a lease: held -> left out by devices -> in quarantine -> gone.
//!
//! Invariants, beside those of the rows: `shard.held` counts the shard's leases that are not in
//! quarantine; `owner.shards` and `owner.bytes` sum those, `owner.left_*` the others;
//! `total.left_*` sums the shards that nobody holds any more but whose bytes are still here.

use chunker::{PeerId, ShardId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{HELD, add_to_disk, add_total};
use crate::db::DbError;
use crate::shelf::DiskNo;

/// The column `lease.state` of a shard in quarantine.
const LEFT: i64 = 1;

/// One lease of one owner, as retain sets see it.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct LeaseRow {
    pub(in super::super) shard: ShardId,
    pub(in super::super) left: bool,
    pub(in super::super) since_secs: u64,
    /// One bit for each device that left it out.
    pub(in super::super) released: i64,
}

/// What the rows know of a device.
#[derive(Debug, Clone)]
pub(in super::super) struct DeviceRow {
    pub(in super::super) peer: PeerId,
    pub(in super::super) slot: u8,
    pub(in super::super) contact_secs: u64,
    /// When its newest retain set was made, by its own clock.
    pub(in super::super) retain_secs: u64,
}

impl DeviceRow {
    pub(in super::super) const fn bit(&self) -> i64 {
        1 << self.slot
    }
}

/// Leases of an owner from a name on, below another, at most `limit`, ordered by name.
pub(in super::super) fn range(
    db: &Connection,
    owner: i64,
    (from, to): (ShardId, Option<ShardId>),
    limit: usize,
) -> Result<Vec<LeaseRow>, DbError> {
    // Longer than any name, so that it comes after all of them.
    let end = to.map_or_else(|| vec![u8::MAX; 33], |to| to.as_bytes().to_vec());
    let sql = "SELECT shard, state, since_secs, released FROM lease
               WHERE owner = ?1 AND shard >= ?2 AND shard < ?3 ORDER BY shard LIMIT ?4";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query(params![owner, from.as_bytes(), end, limit as i64])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(lease_row(row)?);
    }
    Ok(found)
}

/// One lease of an owner.
pub(in super::super) fn one(
    db: &Connection,
    owner: i64,
    shard: ShardId,
) -> Result<Option<LeaseRow>, DbError> {
    let sql = "SELECT shard, state, since_secs, released FROM lease
               WHERE owner = ?1 AND shard = ?2";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query(params![owner, shard.as_bytes()])?;
    rows.next()?.map(lease_row).transpose()
}

fn lease_row(row: &Row<'_>) -> Result<LeaseRow, DbError> {
    let (state, since): (i64, i64) = (row.get(1)?, row.get(2)?);
    Ok(LeaseRow {
        shard: id(row, 0)?,
        left: state != HELD,
        since_secs: since.max(0) as u64,
        released: row.get(3)?,
    })
}

fn id(row: &Row<'_>, column: usize) -> Result<ShardId, DbError> {
    let bytes = row.get_ref(column)?.as_blob().ok();
    let id = bytes.and_then(|bytes| ShardId::try_from(bytes).ok());
    id.ok_or(DbError::BadRow { table: "lease" })
}

/// Notes which devices left a shard out.
pub(in super::super) fn set_released(
    db: &Connection,
    owner: i64,
    shard: ShardId,
    released: i64,
) -> Result<(), DbError> {
    let sql = "UPDATE lease SET released = ?3 WHERE owner = ?1 AND shard = ?2";
    db.prepare_cached(sql)?.execute(params![owner, shard.as_bytes(), released])?;
    Ok(())
}

/// Puts a held lease in quarantine.
pub(in super::super) fn leave(
    db: &Connection,
    owner: i64,
    shard: ShardId,
    now_secs: u64,
) -> Result<(), DbError> {
    let sql = "UPDATE lease SET state = ?3, left_secs = ?4 WHERE owner = ?1 AND shard = ?2";
    let values = params![owner, shard.as_bytes(), LEFT, now_secs as i64];
    db.prepare_cached(sql)?.execute(values)?;
    let len = count(db, shard, 0, -1)?;
    move_usage(db, owner, -1, -len)
}

/// Takes a lease back out of quarantine, for all devices.
pub(in super::super) fn call_back(
    db: &Connection,
    owner: i64,
    shard: ShardId,
) -> Result<(), DbError> {
    let sql = "UPDATE lease SET state = ?3, left_secs = NULL, released = 0
               WHERE owner = ?1 AND shard = ?2";
    db.prepare_cached(sql)?.execute(params![owner, shard.as_bytes(), HELD])?;
    let len = count(db, shard, 0, 1)?;
    move_usage(db, owner, 1, len)
}

/// Ends a lease, in quarantine or not; with the last one the shard's row goes, and its file is
/// doomed. Returns where how many bytes become free, if any do.
pub(in super::super) fn end(
    db: &Connection,
    owner: i64,
    shard: ShardId,
) -> Result<Option<(DiskNo, u64)>, DbError> {
    let Some(lease) = one(db, owner, shard)? else { return Ok(None) };
    let sql = "DELETE FROM lease WHERE owner = ?1 AND shard = ?2";
    db.prepare_cached(sql)?.execute(params![owner, shard.as_bytes()])?;
    let len = count(db, shard, -1, if lease.left { 0 } else { -1 })?;
    let sql = if lease.left {
        "UPDATE owner SET left_shards = left_shards - 1, left_bytes = left_bytes - ?2
         WHERE no = ?1"
    } else {
        "UPDATE owner SET shards = shards - 1, bytes = bytes - ?2 WHERE no = ?1"
    };
    db.prepare_cached(sql)?.execute([owner, len])?;
    end_shard(db, shard, len)
}

/// Counts a shard's leases anew; one that has none goes, and so do leases of no shard. Whether they
/// had been counted wrong.
pub(in super::super) fn recount(db: &Connection, shard: ShardId) -> Result<bool, DbError> {
    let sql = "SELECT COUNT(*), COALESCE(SUM(l.state = ?2), 0) FROM owner o CROSS JOIN lease l
               ON l.owner = o.no AND l.shard = ?1";
    let pair = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (leases, held): (i64, i64) =
        db.prepare_cached(sql)?.query_row(params![shard.as_bytes(), HELD], pair)?;
    let sql = "SELECT leases, held FROM shard WHERE id = ?1";
    let kept = db.prepare_cached(sql)?.query_row([shard.as_bytes()], pair).optional()?;
    let Some((old_leases, old_held)): Option<(i64, i64)> = kept else {
        let sql = "DELETE FROM lease WHERE owner IN (SELECT no FROM owner) AND shard = ?1";
        return Ok(db.prepare_cached(sql)?.execute([shard.as_bytes()])? > 0);
    };
    let len = count(db, shard, leases - old_leases, held - old_held)?;
    end_shard(db, shard, len)?;
    Ok((leases, held) != (old_leases, old_held) || leases == 0)
}

/// Takes a shard without leases off the books.
fn end_shard(db: &Connection, shard: ShardId, len: i64) -> Result<Option<(DiskNo, u64)>, DbError> {
    let sql = "SELECT state, disk FROM shard WHERE id = ?1 AND leases = 0";
    let mut query = db.prepare_cached(sql)?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let found: Option<(i64, i64)> = query.query_row([shard.as_bytes()], read).optional()?;
    let Some((state, disk)) = found else { return Ok(None) };
    match state {
        1 => add_total(db, "rotten", -1)?,
        2 => add_total(db, "missing", -1)?,
        _ => {}
    }
    add_total(db, "shards", -1)?;
    add_total(db, "bytes", -len)?;
    add_to_disk(db, DiskNo(disk), (-1, -len))?;
    db.prepare_cached("DELETE FROM shard WHERE id = ?1")?.execute([shard.as_bytes()])?;
    let sql = "INSERT OR IGNORE INTO doomed (disk, shard) VALUES (?1, ?2)";
    db.prepare_cached(sql)?.execute(params![disk, shard.as_bytes()])?;
    Ok(Some((DiskNo(disk), len as u64)))
}

/// Changes a shard's counts of leases and of held ones, and the sums that follow. Returns its
/// length.
pub(super) fn count(
    db: &Connection,
    shard: ShardId,
    leases: i64,
    held: i64,
) -> Result<i64, DbError> {
    let sql = "SELECT leases, held, len, disk FROM shard WHERE id = ?1";
    let mut query = db.prepare_cached(sql)?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let found = query.query_row([shard.as_bytes()], read).optional()?;
    let (old_leases, old_held, len, disk): (i64, i64, i64, i64) =
        found.ok_or(DbError::BadRow { table: "lease" })?;
    let unheld = |leases: i64, held: i64| i64::from(leases > 0 && held == 0);
    let change = unheld(old_leases + leases, old_held + held) - unheld(old_leases, old_held);
    if change != 0 {
        add_total(db, "left_shards", change)?;
        add_total(db, "left_bytes", change * len)?;
        let sql = "UPDATE disk SET left_shards = left_shards + ?2, left_bytes = left_bytes + ?3
                   WHERE no = ?1";
        db.prepare_cached(sql)?.execute([disk, change, change * len])?;
    }
    let sql = "UPDATE shard SET leases = leases + ?2, held = held + ?3 WHERE id = ?1";
    db.prepare_cached(sql)?.execute(params![shard.as_bytes(), leases, held])?;
    Ok(len)
}

/// Moves a lease of an owner out of quarantine (`1` and its length) or into it (both negative).
fn move_usage(db: &Connection, owner: i64, shards: i64, bytes: i64) -> Result<(), DbError> {
    let sql = "UPDATE owner SET shards = shards + ?2, bytes = bytes + ?3,
               left_shards = left_shards - ?2, left_bytes = left_bytes - ?3 WHERE no = ?1";
    db.prepare_cached(sql)?.execute([owner, shards, bytes])?;
    Ok(())
}

/// Leases in quarantine since `until_secs` or longer, oldest first.
pub(in super::super) fn due(
    db: &Connection,
    until_secs: u64,
    limit: usize,
) -> Result<Vec<(i64, ShardId)>, DbError> {
    let sql = "SELECT owner, shard FROM lease WHERE left_secs IS NOT NULL AND left_secs <= ?1
               ORDER BY left_secs LIMIT ?2";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query(params![until_secs as i64, limit as i64])?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        due.push((row.get(0)?, id(row, 1)?));
    }
    Ok(due)
}

/// The devices of an owner that ever kept or left out something here.
pub(in super::super) fn devices(db: &Connection, owner: i64) -> Result<Vec<DeviceRow>, DbError> {
    let sql = "SELECT peer, slot, contact_secs, retain_secs FROM device WHERE owner = ?1";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query([owner])?;
    let mut devices = Vec::new();
    while let Some(row) = rows.next()? {
        let malformed = || DbError::BadRow { table: "device" };
        let peer = row.get_ref(0)?.as_blob().ok().and_then(|peer| PeerId::try_from(peer).ok());
        let (slot, contact, retain): (i64, i64, i64) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let slot = u8::try_from(slot).ok().filter(|slot| *slot < 64).ok_or_else(malformed)?;
        devices.push(DeviceRow {
            peer: peer.ok_or_else(malformed)?,
            slot,
            contact_secs: contact.max(0) as u64,
            retain_secs: retain.max(0) as u64,
        });
    }
    Ok(devices)
}

/// Notes a device, new or as it is now.
pub(in super::super) fn put_device(
    db: &Connection,
    owner: i64,
    device: &DeviceRow,
) -> Result<(), DbError> {
    let DeviceRow { peer, slot, contact_secs, retain_secs } = device;
    let sql = "INSERT INTO device (owner, peer, slot, contact_secs, retain_secs)
               VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (owner, peer)
               DO UPDATE SET contact_secs = ?4, retain_secs = ?5";
    let values = params![owner, peer.as_bytes(), slot, *contact_secs as i64, *retain_secs as i64];
    db.prepare_cached(sql)?.execute(values)?;
    Ok(())
}
