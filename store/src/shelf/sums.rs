//! What the shelf's sums ought to be, counted from the rows they sum.
//!
//! Everything is read in one transaction, row by row: it sees one state, keeps nothing of a row,
//! and takes time in proportion to them.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::rows::FileState;
use crate::db::DbError;

/// Shards and bytes, and of them those in quarantine, in the order of the columns.
type Sums = [i64; 4];

/// A row of sums that is off, and by how much.
#[derive(Debug)]
pub(super) enum Off {
    /// One of all shards, by name.
    Total(&'static str, i64),
    /// A disk's.
    Disk(i64, Sums),
    /// An owner's.
    Owner(i64, Sums),
}

impl Off {
    /// How many sums that is.
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Total(..) => 1,
            Self::Disk(_, by) | Self::Owner(_, by) => {
                by.iter().filter(|by| **by != 0).count() as u64
            }
        }
    }

    /// Takes the difference off, whatever else was added meanwhile.
    pub(super) fn set_right(&self, db: &Connection) -> Result<(), DbError> {
        let (sql, no, by) = match self {
            Self::Total(name, by) => {
                let sql = "UPDATE total SET value = value + ?2 WHERE name = ?1";
                db.execute(sql, params![name, by])?;
                return Ok(());
            }
            Self::Disk(no, by) => (
                "UPDATE disk SET shards = shards + ?2, bytes = bytes + ?3,
                 left_shards = left_shards + ?4, left_bytes = left_bytes + ?5 WHERE no = ?1",
                no,
                by,
            ),
            Self::Owner(no, by) => (
                "UPDATE owner SET shards = shards + ?2, bytes = bytes + ?3,
                 left_shards = left_shards + ?4, left_bytes = left_bytes + ?5 WHERE no = ?1",
                no,
                by,
            ),
        };
        db.execute(sql, params![no, by[0], by[1], by[2], by[3]])?;
        Ok(())
    }
}

/// The sums that are off, all as of one instant.
pub(super) fn off(db: &Connection) -> Result<Vec<Off>, DbError> {
    let view = db.unchecked_transaction()?;
    let shards = shards(&view)?;
    let mut off = Vec::new();
    let sums = shards.disks.values().fold([0; 4], |sum, disk| add(sum, *disk));
    let names = ["shards", "bytes", "left_shards", "left_bytes", "rotten", "missing"];
    let values = sums.into_iter().chain([shards.rotten, shards.missing]);
    for (name, value) in names.into_iter().zip(values) {
        let sql = "SELECT value FROM total WHERE name = ?1";
        let kept: i64 = view.query_row(sql, [name], |row| row.get(0))?;
        if kept != value {
            off.push(Off::Total(name, value - kept));
        }
    }
    let kept = kept(&view, "SELECT no, shards, bytes, left_shards, left_bytes FROM disk")?;
    off.extend(differing(&kept, &shards.disks).map(|(no, by)| Off::Disk(no, by)));
    let owners = leases(&view)?;
    let kept = self::kept(&view, "SELECT no, shards, bytes, left_shards, left_bytes FROM owner")?;
    off.extend(differing(&kept, &owners).map(|(no, by)| Off::Owner(no, by)));
    Ok(off)
}

/// Of all shards.
#[derive(Default)]
struct Shards {
    disks: BTreeMap<i64, Sums>,
    rotten: i64,
    missing: i64,
}

fn shards(db: &Connection) -> Result<Shards, DbError> {
    let mut query = db.prepare("SELECT disk, len, leases > 0 AND held = 0, state FROM shard")?;
    let mut rows = query.query([])?;
    let mut sums = Shards::default();
    while let Some(row) = rows.next()? {
        let (disk, len, left, state): (i64, i64, bool, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let left = i64::from(left);
        let sum = sums.disks.entry(disk).or_default();
        *sum = add(*sum, [1, len, left, left * len]);
        sums.rotten += i64::from(state == FileState::Rotten as i64);
        sums.missing += i64::from(state == FileState::Missing as i64);
    }
    Ok(sums)
}

fn leases(db: &Connection) -> Result<BTreeMap<i64, Sums>, DbError> {
    // In this order of tables: leases have no index by shard.
    let sql = "SELECT l.owner, l.state, s.len FROM lease l CROSS JOIN shard s ON s.id = l.shard";
    let mut query = db.prepare(sql)?;
    let mut rows = query.query([])?;
    let mut owners = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (owner, state, len): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let sum = owners.entry(owner).or_default();
        *sum = add(*sum, if state == 0 { [1, len, 0, 0] } else { [0, 0, 1, len] });
    }
    Ok(owners)
}

fn kept(db: &Connection, sql: &str) -> Result<BTreeMap<i64, Sums>, DbError> {
    let mut query = db.prepare(sql)?;
    let mut rows = query.query([])?;
    let mut kept = BTreeMap::new();
    while let Some(row) = rows.next()? {
        kept.insert(row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]);
    }
    Ok(kept)
}

/// By how much the kept sums are off.
fn differing(
    kept: &BTreeMap<i64, Sums>,
    counted: &BTreeMap<i64, Sums>,
) -> impl Iterator<Item = (i64, Sums)> {
    let by = |(no, kept): (&i64, &Sums)| {
        let counted = counted.get(no).copied().unwrap_or_default();
        (*no, add(counted, kept.map(|it| -it)))
    };
    kept.iter().map(by).filter(|(_, by)| *by != [0; 4])
}

fn add(one: Sums, other: Sums) -> Sums {
    std::array::from_fn(|at| one[at] + other[at])
}
