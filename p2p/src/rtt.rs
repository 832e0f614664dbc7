//! How far a peer is: the smallest of its recent round trips.
//!
//! The minimum, because queues and busy processors only ever add to a round trip; over a window,
//! because a peer may move.

use std::collections::VecDeque;
use std::time::Duration;

/// Measurements remembered: at one ping a minute, a move shows after a quarter of an hour.
pub const WINDOW: usize = 16;

/// The last [`WINDOW`] round trips to one peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RttBook {
    recent: VecDeque<Duration>,
}

impl RttBook {
    /// Notes a measurement, forgetting the oldest when there are too many.
    pub fn record(&mut self, rtt: Duration) {
        if self.recent.len() == WINDOW {
            self.recent.pop_front();
        }
        self.recent.push_back(rtt);
    }

    /// The smallest remembered; none before the first.
    pub fn min(&self) -> Option<Duration> {
        self.recent.iter().min().copied()
    }
}

#[cfg(test)]
mod tests;
