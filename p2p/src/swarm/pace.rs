//! Keeps what travels to and from peers within the rates.
//!
//! ```text
//! Lane       one peer's: its own buckets, its owner's line, what it moved
//!   Line     one owner's: of all its devices' streams, one piece at a time asks for a share of the
//!            total. So owners take turns at the total, however many streams they have.
//! Pace       the swarm's: the rates in force, the buckets of the total
//! ```
//!
//! Only bodies wait. Headers are small, and a ping that waited would measure our own limit; they
//! are charged all the same, and the next body waits for them. Peers on the local network are
//! exempt unless the rates say otherwise.
//!
//! Invariants: no lock is held while waiting; nobody polls; when the rates change, everybody who
//! waits asks again. Dropping a wait loses the share it had, at most one piece.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use chunker::{Buffer, OwnerId, PeerId, Pool};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep};

use super::codec::PIECE;
use super::lock;
use crate::Members;
use crate::rate::{Bucket, Rate, Rates};

/// Bytes that wait together while a rate is in force: small, so that owners change quickly.
const SHARE: usize = 16 * 1024;

/// Bodies of these lengths are received in memory that is used again: smaller ones the allocator
/// has at hand, and larger ones are rare.
const POOLED: RangeInclusive<usize> = 1 << 20..=4 << 20;
/// How many such buffers are kept while bodies come in.
const BODIES: usize = 4;

/// Which way bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

/// Two of a kind: one for each way.
#[derive(Debug, Default)]
struct Both<T> {
    up: T,
    down: T,
}

impl<T> Both<T> {
    const fn of(&self, way: Way) -> &T {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }
}

/// The swarm's.
#[derive(Debug)]
pub(super) struct Pace {
    rates: watch::Sender<Rates>,
    totals: Both<Mutex<Bucket>>,
    lines: Mutex<BTreeMap<OwnerId, Weak<Line>>>,
    moved: Both<AtomicU64>,
    started: Instant,
    bodies: Pool,
}

/// One owner's place in the queue for the total.
#[derive(Debug)]
struct Line(Both<Semaphore>);

/// One peer's, while it is online.
#[derive(Debug)]
pub(super) struct Lane {
    pace: Arc<Pace>,
    peer: PeerId,
    owner: OwnerId,
    members: Members,
    line: Arc<Line>,
    buckets: Both<Mutex<Bucket>>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            rates: watch::Sender::new(Rates::default()),
            totals: Both::default(),
            lines: Mutex::default(),
            moved: Both::default(),
            started: Instant::now(),
            bodies: Pool::while_used(BODIES),
        }
    }

    /// Puts other rates in force, at once and for those who wait already.
    pub(super) fn set(&self, rates: Rates) {
        self.rates.send_if_modified(|old| std::mem::replace(old, rates) != rates);
    }

    pub(super) fn rates(&self) -> Rates {
        *self.rates.borrow()
    }

    /// Bytes of frames sent and received, the local network's too.
    pub(super) fn moved(&self) -> (u64, u64) {
        let read = |way| self.moved.of(way).load(Ordering::Relaxed);
        (read(Way::Up), read(Way::Down))
    }

    /// A lane for a peer that came online.
    pub(super) fn lane(self: &Arc<Self>, peer: PeerId, members: Members) -> Lane {
        // A device without a proven owner is not admitted; if it were, it would queue alone.
        let owner =
            members.owner_of(&peer).unwrap_or_else(|| OwnerId::from_bytes(*peer.as_bytes()));
        let (line, buckets) = (self.line(owner), Both::default());
        Lane { pace: self.clone(), peer, owner, members, line, buckets }
    }

    fn line(&self, owner: OwnerId) -> Arc<Line> {
        let mut lines = lock(&self.lines);
        lines.retain(|_, line| line.strong_count() > 0);
        if let Some(line) = lines.get(&owner).and_then(Weak::upgrade) {
            return line;
        }
        let line = Arc::new(Line(Both { up: Semaphore::new(1), down: Semaphore::new(1) }));
        lines.insert(owner, Arc::downgrade(&line));
        line
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Waits until `bytes` may pass `bucket`.
    async fn pay(&self, bucket: &Mutex<Bucket>, rate: impl Fn(&Rates) -> Rate, bytes: u64) {
        let mut changes = self.rates.subscribe();
        loop {
            let rate = rate(&changes.borrow_and_update());
            let wait = lock(bucket).take(rate, bytes, self.now());
            if wait.is_zero() {
                return;
            }
            tokio::select! {
                biased;
                () = sleep(wait) => return,
                // Never an error: we hold the sender.
                _ = changes.changed() => {}
            }
        }
    }
}

impl Lane {
    /// Whose device it is.
    pub(super) const fn owner(&self) -> OwnerId {
        self.owner
    }

    /// How many bytes of a body may be moved after one wait.
    pub(super) fn share(&self) -> usize {
        if self.is_exempt() { PIECE } else { SHARE }
    }

    /// Memory for a body of so many bytes; none when it is not one that is used again.
    pub(super) fn body(&self, len: usize) -> Option<Buffer> {
        POOLED.contains(&len).then(|| self.pace.bodies.zeroed(len))
    }

    /// Counts what moves without waiting, so that what waits afterwards waits for it as well.
    pub(super) fn charge(&self, way: Way, bytes: usize) {
        self.count(way, bytes);
        if self.is_exempt() {
            return;
        }
        let (rates, now) = (self.pace.rates(), self.pace.now());
        let _waits = lock(self.buckets.of(way)).take(of_peer(way)(&rates), bytes as u64, now);
        let _waits = lock(self.pace.totals.of(way)).take(of_all(way)(&rates), bytes as u64, now);
    }

    /// Waits until so many bytes of a body may move. Cancel-safe.
    pub(super) async fn wait(&self, way: Way, bytes: usize) {
        self.count(way, bytes);
        if self.is_exempt() {
            return;
        }
        let (pace, bytes) = (&self.pace, bytes as u64);
        pace.pay(self.buckets.of(way), of_peer(way), bytes).await;
        // Never an error: lines are not closed.
        let _turn = self.line.0.of(way).acquire().await;
        pace.pay(pace.totals.of(way), of_all(way), bytes).await;
    }

    fn count(&self, way: Way, bytes: usize) {
        // Nothing is ordered by a counter.
        self.pace.moved.of(way).fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn is_exempt(&self) -> bool {
        let rates = self.pace.rates.borrow();
        rates.is_unlimited() || (!rates.limit_lan && self.members.is_near(&self.peer))
    }
}

fn of_peer(way: Way) -> impl Fn(&Rates) -> Rate {
    move |rates| match way {
        Way::Up => rates.peer_up,
        Way::Down => rates.peer_down,
    }
}

fn of_all(way: Way) -> impl Fn(&Rates) -> Rate {
    move |rates| match way {
        Way::Up => rates.up,
        Way::Down => rates.down,
    }
}

#[cfg(test)]
mod tests;
