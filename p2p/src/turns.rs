//! Who goes next when many want a share of something scarce: pure.
//!
//! There are so many units. Whoever wants some waits in a queue of its own kind (`K`, an owner),
//! and of those that wait the one goes first that holds least; among equals, the one that was
//! served longest ago. So nobody gets more by asking more often, and whoever asks little is served
//! at once.
//!
//! Invariants: never are more units held than there are; within one kind first come, first served;
//! nobody is passed over for want of room: what would fit waits behind what does not, so that large
//! wishes are not starved by small ones.

use std::collections::{BTreeMap, VecDeque};

/// The units, who holds them, and who waits. `T` is what a waiter is called by.
#[derive(Debug)]
pub struct Turns<K, T> {
    units: u64,
    free: u64,
    kinds: BTreeMap<K, Kind<T>>,
    served: u64,
}

#[derive(Debug)]
struct Kind<T> {
    held: u64,
    /// When it was served last, counted in servings.
    last: u64,
    waiting: VecDeque<(u64, T)>,
}

impl<K: Ord + Copy, T> Turns<K, T> {
    /// So many units, all free.
    pub const fn new(units: u64) -> Self {
        Self { units, free: units, kinds: BTreeMap::new(), served: 0 }
    }

    /// Queues a wish for `units`; more than there are count as all of them.
    pub fn wish(&mut self, who: K, units: u64, ticket: T) {
        let served = self.served;
        let kind = self.kinds.entry(who).or_insert_with(|| Kind {
            held: 0,
            last: served,
            waiting: VecDeque::new(),
        });
        kind.waiting.push_back((units.min(self.units), ticket));
    }

    /// Whose wish is granted now, how much, and its ticket. Tickets of those who have gone are
    /// thrown away.
    pub fn next(&mut self, gone: impl Fn(&T) -> bool) -> Option<(K, u64, T)> {
        for kind in self.kinds.values_mut() {
            while kind.waiting.front().is_some_and(|(_, ticket)| gone(ticket)) {
                kind.waiting.pop_front();
            }
        }
        self.kinds.retain(|_, kind| kind.held > 0 || !kind.waiting.is_empty());
        let waiting = self.kinds.iter_mut().filter(|(_, kind)| !kind.waiting.is_empty());
        let (who, kind) = waiting.min_by_key(|(_, kind)| (kind.held, kind.last))?;
        let units = kind.waiting.front().map(|(units, _)| *units)?;
        self.free = self.free.checked_sub(units)?;
        let (_, ticket) = kind.waiting.pop_front()?;
        self.served += 1;
        (kind.held, kind.last) = (kind.held + units, self.served);
        Some((*who, units, ticket))
    }

    /// What was granted is free again.
    pub fn give_back(&mut self, who: K, units: u64) {
        self.free = (self.free + units).min(self.units);
        if let Some(kind) = self.kinds.get_mut(&who) {
            kind.held = kind.held.saturating_sub(units);
        }
    }
}

#[cfg(test)]
mod tests;
