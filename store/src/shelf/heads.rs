//! Heads: each device's newest, for its owner, durable before we say so.
//!
//! Invariants: a device's number never goes back; two heads with one number are both kept, because
//! together they prove a fork, and the proof outlives newer heads. Per device at most four heads
//! are kept (the newest and its twin, the oldest forked pair), per owner at most [`MAX_DEVICES`]
//! devices: what one member can make us keep is bounded. The records are opaque here.

use chunker::{HeadHash, OwnerId, PeerId};
use rusqlite::{Connection, params};

use super::error::ShelfError;
use super::{Shelf, rows};
use crate::db::DbError;

/// Devices of one owner whose heads are kept.
pub const MAX_DEVICES: usize = 64;

/// Largest head, in bytes.
pub const MAX_HEAD_LEN: usize = 16 * 1024;

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
        let verdict = self.inner.db.write(|db| -> Result<_, DbError> {
            let owner = rows::owner_no(db, owner)?;
            let verdict = judge(db, owner, device, seq, hash)?;
            let keep = match verdict {
                Verdict::Stored(HeadStored::New) => true,
                Verdict::Forked => count_at(db, owner, device, seq)? < 2,
                _ => false,
            };
            if keep {
                forget_older(db, owner, device, seq)?;
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
        }
    }

    /// Every newest head and every proof of a fork kept for `owner`, ordered by device and number.
    pub fn heads(&self, owner: OwnerId) -> Result<Vec<Vec<u8>>, ShelfError> {
        let db = self.inner.db.read();
        let Some(owner) = rows::known_owner(&db, owner)? else { return Ok(Vec::new()) };
        let sql = "SELECT bytes FROM head WHERE owner = ?1 ORDER BY device, seq, hash";
        let mut query = db.prepare_cached(sql).map_err(DbError::from)?;
        let heads = query.query_map([owner], |row| row.get(0)).map_err(DbError::from)?;
        Ok(heads.collect::<Result<_, _>>().map_err(DbError::from)?)
    }
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

/// Drops the device's heads below `seq`, but not the oldest pair that proves a fork.
fn forget_older(db: &Connection, owner: i64, device: PeerId, seq: u64) -> Result<(), DbError> {
    let sql = "DELETE FROM head WHERE owner = ?1 AND device = ?2 AND seq < ?3 AND seq IS NOT (
                   SELECT MIN(seq) FROM (
                       SELECT seq FROM head WHERE owner = ?1 AND device = ?2
                       GROUP BY seq HAVING COUNT(*) > 1))";
    db.prepare_cached(sql)?.execute(params![owner, device.as_bytes(), seq.to_be_bytes()])?;
    Ok(())
}
