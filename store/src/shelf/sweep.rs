//! The end of leases: quarantines that are over, owners and devices that went silent.
//!
//! Order, deletion in reverse of a put: the rows of a shard go first, together with a note that its
//! file is doomed; then the file; then, its directory synced, the note. A crash in between leaves a
//! note, and the next sweep or open removes the file. A put of the same shard meanwhile takes the
//! note away in the transaction that makes the row, under the shard's claim, so no file of a row
//! is ever removed. The files of a disk that is away go when it is back.

use std::collections::BTreeSet;
use std::io;

use chunker::ShardId;
use rusqlite::{Connection, OptionalExtension, params};

use super::disks::Disk;
use super::error::ShelfError;
use super::leases::{self, Terms};
use super::rows::leases as lease_rows;
use super::{DiskNo, Inner, SHARDS, Shelf, incoming, opening, place};
use crate::db::DbError;

/// Leases looked at in one transaction while a device or an owner is taken off the books.
const BATCH: usize = 512;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Leases that ended.
    pub ended: u64,
    /// Files removed.
    pub freed_shards: u64,
    /// Their bytes.
    pub freed_bytes: u64,
    /// Owners whose lease ran out.
    pub owners: u64,
    /// Devices that went silent.
    pub devices: u64,
    /// Whether there is more to do.
    pub more: bool,
}

impl Shelf {
    /// Ends what is over, at most about `limit` leases.
    pub fn sweep(&self, limit: usize, now_secs: u64) -> Result<Swept, ShelfError> {
        self.check_well()?;
        let (inner, terms) = (&*self.inner, self.terms());
        let at = inner.time.at(now_secs);
        inner.db.write(|db| -> Result<(), DbError> {
            inner.time.save(db)?;
            // Owners from before contacts were noted.
            db.execute("UPDATE owner SET contact_secs = ?1 WHERE contact_secs = 0", [at as i64])?;
            Ok(())
        })?;
        let mut swept = Swept::default();
        let due =
            lease_rows::due(&inner.db.read(), at.saturating_sub(terms.quarantine_secs), limit)?;
        swept.more = due.len() == limit;
        for (owner, shard) in due {
            self.end(owner, shard, (terms, at), &mut swept)?;
        }
        self.silent_owners(terms, at, limit, &mut swept)?;
        silent_devices(inner, terms, at, limit, &mut swept)?;
        for disk in inner.all_disks() {
            finish(inner, &disk)?;
        }
        Ok(swept)
    }

    /// Ends one lease, unless its quarantine is not over any more; with the last one goes the file.
    fn end(
        &self,
        owner: i64,
        shard: ShardId,
        (terms, at): (Terms, u64),
        swept: &mut Swept,
    ) -> Result<(), ShelfError> {
        let inner = &*self.inner;
        let _claim = inner.claims.take(shard);
        let freed = inner.db.write(|db| -> Result<_, DbError> {
            let sql = "SELECT left_secs FROM lease WHERE owner = ?1 AND shard = ?2";
            let mut query = db.prepare_cached(sql)?;
            let left: Option<Option<i64>> =
                query.query_row(params![owner, shard.as_bytes()], |row| row.get(0)).optional()?;
            let over = |left: i64| left.max(0) as u64 + terms.quarantine_secs <= at;
            let lapsed = has_lapsed(db, owner, terms, at)?;
            match left {
                Some(left) if lapsed || left.is_some_and(over) => {
                    lease_rows::end(db, owner, shard).map(Some)
                }
                _ => Ok(None),
            }
        })?;
        let Some(freed) = freed else { return Ok(()) };
        swept.ended += 1;
        if let Some((_disk, bytes)) = freed {
            swept.freed_shards += 1;
            swept.freed_bytes += bytes;
        }
        Ok(())
    }

    /// Ends the leases of owners nobody heard of for the grace and the quarantine.
    fn silent_owners(
        &self,
        terms: Terms,
        at: u64,
        limit: usize,
        swept: &mut Swept,
    ) -> Result<(), ShelfError> {
        let inner = &*self.inner;
        let silent = silent_owners(&inner.db.read(), terms, at)?;
        for owner in silent {
            let from = (ShardId::from_bytes([0; 32]), None);
            let leases = lease_rows::range(&inner.db.read(), owner, from, limit)?;
            swept.more |= leases.len() == limit;
            if leases.len() < limit {
                swept.owners += 1;
            }
            for lease in &leases {
                self.end(owner, lease.shard, (terms, at), swept)?;
            }
        }
        Ok(())
    }
}

fn has_lapsed(db: &Connection, owner: i64, terms: Terms, at: u64) -> Result<bool, DbError> {
    let mut query = db.prepare_cached("SELECT contact_secs FROM owner WHERE no = ?1")?;
    let contact: i64 = query.query_row([owner], |row| row.get(0))?;
    Ok(contact.max(0) as u64 + terms.grace_secs + terms.quarantine_secs <= at)
}

fn silent_owners(db: &Connection, terms: Terms, at: u64) -> Result<Vec<i64>, DbError> {
    let until = at.saturating_sub(terms.grace_secs.saturating_add(terms.quarantine_secs));
    let sql = "SELECT no FROM owner WHERE contact_secs <= ?1 AND contact_secs > 0
               AND shards + left_shards > 0";
    let mut query = db.prepare_cached(sql)?;
    let owners = query.query_map([until as i64], |row| row.get(0))?;
    Ok(owners.collect::<Result<_, _>>()?)
}

/// Takes devices off the books that were silent for the grace, while others of their owner were
/// not: what only they retained goes into quarantine.
fn silent_devices(
    inner: &Inner,
    terms: Terms,
    at: u64,
    limit: usize,
    swept: &mut Swept,
) -> Result<(), ShelfError> {
    let until = at.saturating_sub(terms.grace_secs);
    let silent: Vec<(i64, i64)> = {
        let db = inner.db.read();
        let sql = "SELECT d.owner, d.slot FROM device d JOIN owner o ON o.no = d.owner
                   WHERE d.contact_secs <= ?1 AND o.contact_secs > ?1";
        let mut query = db.prepare_cached(sql).map_err(DbError::from)?;
        let rows = query.query_map([until as i64], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.map_err(DbError::from)?.collect::<Result<_, _>>().map_err(DbError::from)?
    };
    for (owner, slot) in silent {
        let mut from = ShardId::from_bytes([0; 32]);
        for batch in 0.. {
            if batch * BATCH > limit {
                swept.more = true;
                return Ok(());
            }
            let next = inner.db.write(|db| -> Result<_, DbError> {
                let batch = Batch { db, owner, bit: 1 << (slot & 63), terms, at };
                batch.forget(from)
            })?;
            match next {
                Some(next) => from = next,
                None => break,
            }
        }
        swept.devices += 1;
    }
    Ok(())
}

/// Some leases of an owner, one of whose devices is no more.
struct Batch<'a> {
    db: &'a Connection,
    owner: i64,
    bit: i64,
    terms: Terms,
    at: u64,
}

impl Batch<'_> {
    /// Returns where to go on; the device's row goes with the last batch.
    fn forget(&self, from: ShardId) -> Result<Option<ShardId>, DbError> {
        let devices = lease_rows::devices(self.db, self.owner)?;
        let live = leases::live(&devices, self.terms, self.at) & !self.bit;
        let found = lease_rows::range(self.db, self.owner, (from, None), BATCH + 1)?;
        for lease in found.iter().take(BATCH).filter(|lease| !lease.left) {
            // The slot will be another device's, which has left out nothing.
            let released = lease.released & !self.bit;
            if released != lease.released {
                lease_rows::set_released(self.db, self.owner, lease.shard, released)?;
            }
            if live != 0 && released & live == live {
                lease_rows::leave(self.db, self.owner, lease.shard, self.at)?;
            }
        }
        let next = found.get(BATCH).map(|lease| lease.shard);
        if next.is_none() {
            let sql = "DELETE FROM device WHERE owner = ?1 AND slot = ?2";
            let slot = i64::from(self.bit.trailing_zeros());
            self.db.prepare_cached(sql)?.execute([self.owner, slot])?;
        }
        Ok(next)
    }
}

/// Removes the files of a disk that were doomed, and their notes; nothing on one that is away.
pub(super) fn finish(inner: &Inner, disk: &Disk) -> Result<(), ShelfError> {
    loop {
        let doomed = doomed(&inner.db.read(), disk.no)?;
        if doomed.is_empty() {
            return Ok(());
        }
        match opening::check_mark(disk) {
            Err(ShelfError::DiskAway { .. } | ShelfError::WrongDisk { .. }) => return Ok(()),
            there => there?,
        }
        let mut dirs = BTreeSet::new();
        for shard in &doomed {
            let _claim = inner.claims.take(*shard);
            if is_doomed(&inner.db.read(), disk.no, *shard)? {
                remove_files(disk, *shard)?;
                dirs.insert(format!("{SHARDS}/{:02x}", shard.as_bytes()[0]));
            }
        }
        for dir in dirs {
            disk.medium.sync_dir(&dir).map_err(failed("sync"))?;
        }
        inner.db.write(|db| -> Result<(), DbError> {
            let sql = "DELETE FROM doomed WHERE disk = ?1 AND shard = ?2";
            let mut delete = db.prepare_cached(sql)?;
            for shard in &doomed {
                delete.execute(params![disk.no.0, shard.as_bytes()])?;
            }
            Ok(())
        })?;
    }
}

fn doomed(db: &Connection, disk: DiskNo) -> Result<Vec<ShardId>, DbError> {
    let mut query = db.prepare_cached("SELECT shard FROM doomed WHERE disk = ?1 LIMIT ?2")?;
    let mut rows = query.query([disk.0, BATCH as i64])?;
    let mut doomed = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_blob().ok().and_then(|id| ShardId::try_from(id).ok());
        doomed.push(id.ok_or(DbError::BadRow { table: "doomed" })?);
    }
    Ok(doomed)
}

pub(super) fn is_doomed(db: &Connection, disk: DiskNo, shard: ShardId) -> Result<bool, DbError> {
    let mut query = db.prepare_cached("SELECT 1 FROM doomed WHERE disk = ?1 AND shard = ?2")?;
    Ok(query.exists(params![disk.0, shard.as_bytes()])?)
}

fn remove_files(disk: &Disk, shard: ShardId) -> Result<(), ShelfError> {
    for path in [incoming(shard), place(shard)] {
        match disk.medium.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove")(error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn failed(doing: &'static str) -> impl Fn(io::Error) -> ShelfError {
    move |source| ShelfError::Medium { doing, source }
}
