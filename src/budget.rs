//! Room in memory for what the pipelines of one process hold: packs being sealed, sent, fetched or
//! written. However many backups, restores and checks run at once, together they hold no more.
//!
//! Over a long line there is more of it ([`Budget::reach`]): what is on its way, or waits for its
//! answer, is held as long as a round trip takes, and would keep the line from being filled.
//!
//! Invariants: who asks first is served first; whoever holds room must not wait for more, or two
//! could wait for each other for ever; what is larger than all the room there always is takes as
//! much as that, so that it goes through, alone on a short line. Taking room cannot fail.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room is counted in these units.
const UNIT: usize = 1024;
/// More room for each second of a round trip: at 50 ms 32 MiB in all, which is four packs of 4 MiB
/// with their parity. Measured there, at 100 MB/s: with 24 MiB a backup filled 89 % of the line
/// while it ran, with 32 MiB 97 %, with 40 MiB all of it.
const PER_SECOND: f64 = 230.0 * 1024.0 * 1024.0;
/// More room at most: of longer lines few are as fast.
const REACH_MAX: usize = 32 * 1024 * 1024;

/// Bytes that may be held at once. Clones share the room.
#[derive(Debug, Clone)]
pub struct Budget {
    room: Arc<Semaphore>,
    /// What there always is.
    units: u32,
    /// What there is more, for a long line.
    more: Arc<Mutex<u32>>,
    most: Arc<AtomicU64>,
}

/// Room taken; free again when dropped.
#[derive(Debug)]
pub struct Hold {
    permit: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// What an agent takes: three full packs of 4 MiB with the parity of 3+2 being sealed and sent,
    /// and a small one, or four being fetched and written. Of those sealed before packs were
    /// smaller, one of 16 MiB.
    pub const AGENT: usize = 21 * 1024 * 1024;

    /// Room for so many bytes.
    pub fn new(bytes: usize) -> Self {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let room = Arc::new(Semaphore::new(units as usize));
        Self { room, units, more: Arc::default(), most: Arc::default() }
    }

    /// Has as much more room as a line with this round trip needs, instead of what it had more
    /// before. What is held now stays held: room is taken away as it comes back.
    pub fn reach(&self, round_trip: Duration) {
        let bytes = (round_trip.as_secs_f64() * PER_SECOND).min(REACH_MAX as f64);
        let wanted = (bytes as usize / UNIT) as u32;
        let mut more = self.more.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(add) = wanted.checked_sub(*more) {
            self.room.add_permits(add as usize);
            *more = wanted;
        } else {
            // What is not free now goes when somebody asks again.
            *more -= self.room.forget_permits((*more - wanted) as usize) as u32;
        }
    }

    /// Waits until there is room for so many bytes. Cancel-safe.
    pub async fn take(&self, bytes: usize) -> Hold {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.units);
        // None only when the semaphore is closed, which it never is.
        let permit = self.room.clone().acquire_many_owned(units).await.ok();
        let all = self.units + *self.more.lock().unwrap_or_else(PoisonError::into_inner);
        let held = (all as usize).saturating_sub(self.room.available_permits());
        self.most.fetch_max((held * UNIT) as u64, Ordering::Relaxed);
        Hold { permit }
    }

    /// The most bytes that were held at once.
    pub fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }
}

impl Hold {
    /// Gives back all but so many bytes. Never takes more.
    pub fn shrink_to(&mut self, bytes: usize) {
        let Some(permit) = &mut self.permit else { return };
        let more = permit.num_permits().saturating_sub(bytes.div_ceil(UNIT));
        drop(permit.split(more));
    }
}

#[cfg(test)]
mod tests;
