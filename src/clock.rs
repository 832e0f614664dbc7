//! Wall-clock time. [`SystemClock`] is the only caller of `SystemTime::now`.

use std::time::{SystemTime, UNIX_EPOCH};

pub use p2p::Clock;

/// The computer's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// The time to the nanosecond: what files are stamped with.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    pub fn stamp(&self) -> (i64, u32) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos())
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system")]
    fn now_secs(&self) -> u64 {
        // A clock before 1970 is as wrong as one at 1970; certificates will say so.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}
