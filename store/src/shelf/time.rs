//! The shelf's own time: the wall clock, of which a jump counts little.
//!
//! Everything that is dated here (leases, quarantine, heads) is dated in this time. It never goes
//! back, and whatever the wall clock leaps between two looks, it moves by [`JUMP_SECS`] at most:
//! a clock that is set years ahead, by accident or by somebody who wants a quarantine to be over,
//! shortens it by a day. A machine that was off for a month is a day older; that errs on the side
//! of keeping.

use std::sync::Mutex;

use rusqlite::{Connection, OptionalExtension};

use super::lock;
use crate::db::DbError;

/// The most that one leap of the wall clock counts, in seconds.
pub(super) const JUMP_SECS: u64 = 24 * 3600;

/// How far it may run ahead of what is kept, in seconds: far less than a leap, so that after a
/// crash nothing is dated in the future.
const SAVE_SECS: u64 = 3600;

#[derive(Debug, Clone, Copy)]
struct Look {
    wall: u64,
    ours: u64,
    /// Of `ours`, what is kept.
    kept: u64,
}

/// Follows the wall clock, warily.
#[derive(Debug, Default)]
pub(super) struct Time(Mutex<Option<Look>>);

impl Time {
    /// Goes on from where an earlier run stopped.
    pub(super) fn load(db: &Connection) -> Result<Self, DbError> {
        let sql = "SELECT value FROM meta WHERE key = 'time'";
        let found: Option<Vec<u8>> = db.query_row(sql, [], |row| row.get(0)).optional()?;
        let Some(bytes) = found else { return Ok(Self::default()) };
        let halves = bytes.split_first_chunk::<8>();
        let halves = halves.and_then(|(wall, ours)| Some((*wall, ours.try_into().ok()?)));
        let (wall, ours) = halves.ok_or(DbError::BadRow { table: "meta" })?;
        let (wall, ours) = (u64::from_be_bytes(wall), u64::from_be_bytes(ours));
        let look = Look { wall, ours, kept: ours };
        Ok(Self(Mutex::new(Some(look))))
    }

    /// Our time when the wall clock shows `wall` seconds.
    pub(super) fn at(&self, wall: u64) -> u64 {
        let mut look = lock(&self.0);
        let (ours, kept) = match *look {
            None => (wall, 0),
            Some(last) => {
                let leap = wall.saturating_sub(last.wall).min(JUMP_SECS);
                (last.ours.saturating_add(leap), last.kept)
            }
        };
        *look = Some(Look { wall, ours, kept });
        ours
    }

    /// Keeps it for the next run, when it has moved enough; in the transaction of what is dated.
    pub(super) fn save(&self, db: &Connection) -> Result<(), DbError> {
        let mut guard = lock(&self.0);
        let Some(look) = guard.as_mut() else { return Ok(()) };
        if look.ours.saturating_sub(look.kept) < SAVE_SECS {
            return Ok(());
        }
        let bytes = [look.wall.to_be_bytes(), look.ours.to_be_bytes()].concat();
        let sql = "INSERT INTO meta (key, value) VALUES ('time', ?1)
                   ON CONFLICT (key) DO UPDATE SET value = ?1";
        db.prepare_cached(sql)?.execute([bytes])?;
        // If the transaction comes to nothing, so does what it dates.
        look.kept = look.ours;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{JUMP_SECS, Time};

    #[test]
    fn a_leap_of_the_wall_clock_counts_a_day_at_most_and_time_never_goes_back() {
        let time = Time::default();
        assert_eq!(time.at(1000), 1000);
        assert_eq!(time.at(1060), 1060);
        let years = 10 * 365 * 24 * 3600;
        assert_eq!(time.at(1060 + years), 1060 + JUMP_SECS);
        // Set right again.
        assert_eq!(time.at(1070), 1060 + JUMP_SECS);
        assert_eq!(time.at(1080), 1070 + JUMP_SECS);
    }
}
