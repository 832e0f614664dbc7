//! What the swarm has counted since it started: for `gbak status`, logs and tests.

use std::sync::atomic::{AtomicU64, Ordering};

/// A reading of the counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Questions we asked that were answered, refusals included.
    pub asked: u64,
    /// Questions we asked that got no answer.
    pub unanswered: u64,
    /// Questions of admitted peers that we answered, refusals included.
    pub served: u64,
    /// Peers admitted, counted once per connection.
    pub admitted: u64,
    /// Introductions declined, by us or by the other side.
    pub refused: u64,
    /// Streams closed for what came over them: oversized, malformed, too slow.
    pub malformed: u64,
    /// Connections closed because nobody introduced themselves in time.
    pub strangers: u64,
    /// Bytes of questions and answers sent to admitted peers.
    pub sent_bytes: u64,
    /// Bytes of questions and answers received from admitted peers.
    pub received_bytes: u64,
}

/// The counters themselves.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) asked: Count,
    pub(super) unanswered: Count,
    pub(super) served: Count,
    pub(super) admitted: Count,
    pub(super) refused: Count,
    pub(super) malformed: Count,
    pub(super) strangers: Count,
}

/// One counter.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self) {
        // Nothing is ordered by a counter.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    pub(super) fn read(&self) -> Counters {
        Counters {
            asked: self.asked.read(),
            unanswered: self.unanswered.read(),
            served: self.served.read(),
            admitted: self.admitted.read(),
            refused: self.refused.read(),
            malformed: self.malformed.read(),
            strangers: self.strangers.read(),
            sent_bytes: 0,
            received_bytes: 0,
        }
    }
}
