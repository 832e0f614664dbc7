//! Whose turn it is to take shards: what a run itself puts on peers counts from its next pack on.
//!
//! A lane's sequence is computed once in a run, by how full everybody was when it began. A small
//! peer that was drawn would then take as much as a large one for as long as the run goes on. So
//! whoever is ahead of the grid by now ([`Fill::is_ahead`]) comes after all others, who keep their
//! order; and is taken nevertheless where nobody else keeps the limits. Each peer gets ahead once
//! in a run, so a lane has few more sets of holders for it. Total; no lock is held across a call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chunker::PeerId;

use crate::placement::fill::{Fill, Room};

/// What a run put where, under whatever policy.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    bytes: BTreeMap<PeerId, u64>,
    /// How many peers got ahead so far.
    no: u64,
}

impl Turns {
    /// The number of this turn: another one since somebody got ahead.
    pub(super) fn no(&self) -> u64 {
        self.lock().no
    }

    /// Notes that a peer with such a room when the run began took something.
    pub(super) fn took(&self, peer: PeerId, bytes: u64, fill: &Fill, room: Option<&Room>) {
        let mut taken = self.lock();
        let sum = taken.bytes.entry(peer).or_default();
        let before = *sum;
        *sum = sum.saturating_add(bytes);
        let after = *sum;
        let Some(room) = room else { return };
        if !fill.is_ahead(room.with(before)) && fill.is_ahead(room.with(after)) {
            taken.no += 1;
        }
    }

    /// `peers` in turn: those that are ahead come last, in their order.
    pub(super) fn sorted(
        &self,
        mut peers: Vec<PeerId>,
        fill: &Fill,
        rooms: &BTreeMap<PeerId, Room>,
    ) -> Vec<PeerId> {
        let taken = self.lock();
        // Whose room is not known is not known to be ahead.
        peers.sort_by_cached_key(|peer| {
            let bytes = taken.bytes.get(peer).copied().unwrap_or_default();
            rooms.get(peer).is_some_and(|room| fill.is_ahead(room.with(bytes)))
        });
        peers
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // Nothing that runs under the lock leaves it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
