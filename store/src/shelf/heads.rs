//! Heads: each device's newest, for its owner, durable before we say so; and the ones before it.
//!
//! Invariants: a device's number never goes back; two heads with one number are both kept, because
//! together they prove a fork, and the proof outlives newer heads. Every head that was a device's
//! newest at any time within the quarantine is kept, and the last [`LAST_HEADS`] whatever their
//! age: whoever has a device's key can publish a head that names nothing, but not hide what was
//! there before, which shards in quarantine still bear out. Per owner at most [`MAX_DEVICES`]
//! devices and [`MAX_HEADS_BYTES`] are kept; what is more is refused, so that nothing is pushed
//! out. The records are opaque here.

use chunker::{HeadHash, OwnerId, PeerId};
use rusqlite::{Connection, params};

use super::error::ShelfError;
use super::{Shelf, rows};
use crate::db::DbError;

/// Devices of one owner whose heads are kept.
pub const MAX_DEVICES: usize = 64;

/// Largest head, in bytes.
pub const MAX_HEAD_LEN: usize = 16 * 1024;

/// Heads of a device that are kept whatever their age.
pub(super) const LAST_HEADS: i64 = 8;

/// What all heads of one owner may take, in bytes: one a minute for a week, if they are small.
pub(super) const MAX_HEADS_BYTES: u64 = 64 * 1024 * 1024;

/// A head with what only its holder knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptHead {
    /// The head.
    pub bytes: Vec<u8>,
    /// When it came, by the shelf's time.
    pub since_secs: u64,
}

/// Some of an owner's heads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptHeads {
    /// By device and number.
    pub heads: Vec<KeptHead>,
    /// How many there are in all.
    pub total: u64,
}

/// What came of a head that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadStored {
    /// Kept now.
    New,
    /// Kept before.
    Already,
}

/// What the rows decide; apart from [`HeadStored`] since a fork is committed and then an error.
enum Verdict {
    Stored(HeadStored),
    Stale { newest: u64 },
    Forked,
    TooManyDevices,
    TooManyHeads,
}

impl Shelf {
    /// Keeps a device's head; when this returns `Ok`, it survives a power cut. `hash` names
    /// `bytes`; signature and hash are the caller's to check. A fork is kept (once per number) and
    /// refused with [`ShelfError::ForkedHead`]; a lower number than the newest is refused.
    pub fn head_put(
        &self,
        owner: OwnerId,
        device: PeerId,
        seq: u64,
        hash: HeadHash,
        bytes: &[u8],
        now_secs: u64,
    ) -> Result<HeadStored, ShelfError> {
        if bytes.len() > MAX_HEAD_LEN {
            return Err(ShelfError::TooLarge { len: bytes.len(), limit: MAX_HEAD_LEN });
        }
        self.check_well()?;
        let now_secs = self.inner.time.at(now_secs);
        let until_secs = now_secs.saturating_sub(self.terms().quarantine_secs);
        let verdict = self.inner.db.write(|db| -> Result<_, DbError> {
            self.inner.time.save(db)?;
            let owner = rows::owner_no(db, owner)?;
            let mut verdict = judge(db, owner, device, seq, hash)?;
            let keep = match verdict {
                Verdict::Stored(HeadStored::New) => true,
                Verdict::Forked => count_at(db, owner, device, seq)? < 2,
                _ => false,
            };
            if keep {
                forget_older(db, owner, device, until_secs)?;
                if head_bytes(db, owner)? + bytes.len() as u64 > MAX_HEADS_BYTES {
                    verdict = Verdict::TooManyHeads;
                    return Ok(verdict);
                }
                add_head_bytes(db, owner, bytes.len() as i64)?;
                db.prepare_cached("INSERT INTO head VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(
                    params![
                        owner,
                        device.as_bytes(),
                        seq.to_be_bytes(),
                        hash.as_bytes(),
                        bytes,
                        now_secs as i64
                    ],
                )?;
            }
            Ok(verdict)
        })?;
        match verdict {
            Verdict::Stored(stored) => Ok(stored),
            Verdict::Stale { newest } => Err(ShelfError::StaleHead { newest }),
            Verdict::Forked => Err(ShelfError::ForkedHead),
            Verdict::TooManyDevices => Err(ShelfError::TooManyDevices { limit: MAX_DEVICES }),
            Verdict::TooManyHeads => Err(ShelfError::TooManyHeads { limit: MAX_HEADS_BYTES }),
        }
    }

    /// Every newest head and every proof of a fork kept for `owner`, ordered by device and number.
    pub fn heads(&self, owner: OwnerId) -> Result<Vec<Vec<u8>>, ShelfError> {
        let db = self.inner.db.read();
        let Some(owner) = rows::known_owner(&db, owner)? else { return Ok(Vec::new()) };
        let sql = "SELECT bytes FROM head h WHERE owner = ?1 AND seq IN (
                       SELECT MAX(seq) FROM head WHERE owner = ?1 AND device = h.device
                       UNION ALL SELECT MIN(seq) FROM (
                           SELECT seq FROM head WHERE owner = ?1 AND device = h.device
                           GROUP BY seq HAVING COUNT(*) > 1))
                   ORDER BY device, seq, hash";
        let mut query = db.prepare_cached(sql).map_err(DbError::from)?;
        let heads = query.query_map([owner], |row| row.get(0)).map_err(DbError::from)?;
        Ok(heads.collect::<Result<_, _>>().map_err(DbError::from)?)
    }

    /// Every head kept for `owner`, ordered by device and number: those after the first `skip`, of
    /// at most `limit_bytes` in all.
    pub fn kept_heads(
        &self,
        owner: OwnerId,
        skip: u32,
        limit_bytes: usize,
    ) -> Result<KeptHeads, ShelfError> {
        let db = self.inner.db.read();
        let Some(owner) = rows::known_owner(&db, owner)? else { return Ok(KeptHeads::default()) };
        Ok(kept_heads(&db, owner, skip, limit_bytes)?)
    }
}

fn kept_heads(
    db: &Connection,
    owner: i64,
    skip: u32,
    limit_bytes: usize,
) -> Result<KeptHeads, DbError> {
    let sql = "SELECT COUNT(*) FROM head WHERE owner = ?1";
    let total: i64 = db.prepare_cached(sql)?.query_row([owner], |row| row.get(0))?;
    let sql = "SELECT bytes, since_secs FROM head WHERE owner = ?1
               ORDER BY device, seq, hash LIMIT -1 OFFSET ?2";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query(params![owner, skip])?;
    let (mut heads, mut left) = (Vec::new(), limit_bytes);
    while let Some(row) = rows.next()? {
        let (bytes, since): (Vec<u8>, i64) = (row.get(0)?, row.get(1)?);
        let Some(room) = left.checked_sub(bytes.len()) else { break };
        left = room;
        heads.push(KeptHead { bytes, since_secs: since.max(0) as u64 });
    }
    Ok(KeptHeads { heads, total: total.max(0) as u64 })
}

fn head_bytes(db: &Connection, owner: i64) -> Result<u64, DbError> {
    let mut query = db.prepare_cached("SELECT head_bytes FROM owner WHERE no = ?1")?;
    let bytes: i64 = query.query_row([owner], |row| row.get(0))?;
    Ok(bytes.max(0) as u64)
}

fn add_head_bytes(db: &Connection, owner: i64, change: i64) -> Result<(), DbError> {
    db.prepare_cached("UPDATE owner SET head_bytes = head_bytes + ?2 WHERE no = ?1")?
        .execute([owner, change])?;
    Ok(())
}

fn judge(
    db: &Connection,
    owner: i64,
    device: PeerId,
    seq: u64,
    hash: HeadHash,
) -> Result<Verdict, DbError> {
    let Some(newest) = newest(db, owner, device)? else {
        let sql = "SELECT COUNT(DISTINCT device) FROM head WHERE owner = ?1";
        let devices: i64 = db.prepare_cached(sql)?.query_row([owner], |row| row.get(0))?;
        let room = devices < MAX_DEVICES as i64;
        return Ok(if room { Verdict::Stored(HeadStored::New) } else { Verdict::TooManyDevices });
    };
    if seq < newest {
        return Ok(Verdict::Stale { newest });
    }
    if seq > newest {
        return Ok(Verdict::Stored(HeadStored::New));
    }
    let sql = "SELECT 1 FROM head WHERE owner = ?1 AND device = ?2 AND seq = ?3 AND hash = ?4";
    let key = params![owner, device.as_bytes(), seq.to_be_bytes(), hash.as_bytes()];
    let same = db.prepare_cached(sql)?.exists(key)?;
    Ok(if same { Verdict::Stored(HeadStored::Already) } else { Verdict::Forked })
}

/// Numbers are stored as eight big-endian bytes: they order as the numbers do, all 64 bits of them.
fn newest(db: &Connection, owner: i64, device: PeerId) -> Result<Option<u64>, DbError> {
    let sql = "SELECT MAX(seq) FROM head WHERE owner = ?1 AND device = ?2";
    let found: Option<Vec<u8>> =
        db.prepare_cached(sql)?.query_row(params![owner, device.as_bytes()], |row| row.get(0))?;
    let Some(bytes) = found else { return Ok(None) };
    let bytes = bytes.try_into().map_err(|_| DbError::BadRow { table: "head" })?;
    Ok(Some(u64::from_be_bytes(bytes)))
}

fn count_at(db: &Connection, owner: i64, device: PeerId, seq: u64) -> Result<i64, DbError> {
    let sql = "SELECT COUNT(*) FROM head WHERE owner = ?1 AND device = ?2 AND seq = ?3";
    let key = params![owner, device.as_bytes(), seq.to_be_bytes()];
    Ok(db.prepare_cached(sql)?.query_row(key, |row| row.get(0))?)
}

/// Drops the device's heads that were no more its newest at `until_secs`, but not the last few and
/// not the oldest pair that proves a fork.
fn forget_older(db: &Connection, owner: i64, device: PeerId, until: u64) -> Result<(), DbError> {
    let sql = "DELETE FROM head WHERE owner = ?1 AND device = ?2
               AND seq < (SELECT MAX(seq) FROM head
                          WHERE owner = ?1 AND device = ?2 AND since_secs <= ?3)
               AND seq < (SELECT MIN(seq) FROM (
                              SELECT DISTINCT seq FROM head WHERE owner = ?1 AND device = ?2
                              ORDER BY seq DESC LIMIT ?4))
               AND seq IS NOT (SELECT MIN(seq) FROM (
                                   SELECT seq FROM head WHERE owner = ?1 AND device = ?2
                                   GROUP BY seq HAVING COUNT(*) > 1))
               RETURNING length(bytes)";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query(params![owner, device.as_bytes(), until as i64, LAST_HEADS - 1])?;
    let mut gone = 0;
    while let Some(row) = rows.next()? {
        let len: i64 = row.get(0)?;
        gone += len;
    }
    drop(rows);
    add_head_bytes(db, owner, -gone)
}
