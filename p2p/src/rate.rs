//! How fast bytes may travel: rates, and the buckets that hold them. Pure: the caller tells time.
//!
//! A bucket does not count tokens but time: until when what was taken is paid for. Who takes bytes
//! is told how long to wait before moving them; whoever takes next is told to wait after that. So
//! takers are served in the order in which they came, and nobody has to come back and try again.
//!
//! Invariants: over any span, what was let through is at most the rate times (span + [`BURST`])
//! and the one piece under way; whoever always has more to move gets all of the rate.

use std::num::NonZeroU64;
use std::time::Duration;

/// Unused time that is made up for: late timers and a busy processor must not slow a transfer down.
pub const BURST: Duration = Duration::from_millis(100);
/// Lowest rate that can be set, in bytes per second: below it, transfers that share the line would
/// run into the wire's deadlines instead of arriving late.
pub const LOWEST: u64 = 32 * 1024;

/// Bytes per second; `None` is as fast as it goes.
pub type Rate = Option<NonZeroU64>;

/// How fast this device may send and receive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// To all peers together.
    pub up: Rate,
    /// From all peers together.
    pub down: Rate,
    /// To each peer.
    pub peer_up: Rate,
    /// From each peer.
    pub peer_down: Rate,
    /// Whether peers on the local network are limited as well.
    pub limit_lan: bool,
}

impl Rates {
    /// Whether nothing has to wait.
    pub fn is_unlimited(&self) -> bool {
        [self.up, self.down, self.peer_up, self.peer_down].iter().all(Option::is_none)
    }
}

/// Makes the bytes that pass keep to a rate.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bucket {
    rate: Rate,
    /// When everything taken so far is paid for, on the caller's clock.
    paid: Duration,
}

impl Bucket {
    /// Takes `bytes` at this rate, and says how long to wait before they may move. Debts made at
    /// another rate are forgiven: those who were told to wait for them ask again.
    pub fn take(&mut self, rate: Rate, bytes: u64, now: Duration) -> Duration {
        if self.rate != rate {
            self.rate = rate;
            self.paid = self.paid.min(now);
        }
        let Some(rate) = rate else { return Duration::ZERO };
        let start = self.paid.max(now.saturating_sub(BURST));
        self.paid = start.saturating_add(cost(bytes, rate));
        start.saturating_sub(now)
    }
}

/// How long so many bytes take at this rate.
fn cost(bytes: u64, rate: NonZeroU64) -> Duration {
    // Rounded up: a rate is never exceeded by rounding.
    let nanos = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(rate.get()));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
