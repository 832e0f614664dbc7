//! Room in memory for what the pipelines of one process hold: packs being sealed, sent, fetched or
//! written. However many backups, restores and checks run at once, together they hold no more.
//!
//! Invariants: who asks first is served first; whoever holds room must not wait for more, or two
//! could wait for each other for ever; what is larger than all the room takes all of it, so that
//! it goes through, alone. Taking room cannot fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room is counted in these units.
const UNIT: usize = 1024;

/// Bytes that may be held at once. Clones share the room.
#[derive(Debug, Clone)]
pub struct Budget {
    room: Arc<Semaphore>,
    units: u32,
    most: Arc<AtomicU64>,
}

/// Room taken; free again when dropped.
#[derive(Debug)]
pub struct Hold {
    permit: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// What an agent takes: three full packs of 4 MiB with the parity of 3+2 being sealed and sent,
    /// and some small ones, or four being fetched and written. Of those sealed before packs were
    /// smaller, one of 16 MiB.
    pub const AGENT: usize = 24 * 1024 * 1024;

    /// Room for so many bytes.
    pub fn new(bytes: usize) -> Self {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let room = Arc::new(Semaphore::new(units as usize));
        Self { room, units, most: Arc::default() }
    }

    /// Waits until there is room for so many bytes. Cancel-safe.
    pub async fn take(&self, bytes: usize) -> Hold {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.units);
        // None only when the semaphore is closed, which it never is.
        let permit = self.room.clone().acquire_many_owned(units).await.ok();
        let held = self.units as usize - self.room.available_permits();
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
