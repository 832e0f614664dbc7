//! How safe a pack is, whether it is to be mended, and which one first.

use std::time::Duration;

use chunker::Code;

use crate::placement::odds;

/// What a shard counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShardState {
    /// Its holder answers, and nothing says that the shard is not there.
    Here,
    /// Its holder does not answer just now, or said that it would not.
    Silent,
    /// Its holder was given up, said or showed that the shard is gone, or there is none.
    Gone,
}

/// A pack's shards, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Shards needed.
    pub k: usize,
    /// Shards there should be.
    pub n: usize,
    /// Of them on holders that answer.
    pub here: usize,
    /// Of them on holders that are silent and not given up.
    pub silent: usize,
}

/// How safe a pack is, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Every shard counts.
    Full,
    /// More than k do.
    Degraded,
    /// Exactly k do: nothing may be lost any more.
    AtRisk,
    /// Fewer do.
    Lost,
}

impl Tally {
    /// Of a pack with this code, whose shards are like this.
    pub fn of(code: Code, shards: impl IntoIterator<Item = ShardState>) -> Self {
        let mut tally = Self { k: usize::from(code.k()), n: code.n(), here: 0, silent: 0 };
        for shard in shards {
            match shard {
                ShardState::Here => tally.here += 1,
                ShardState::Silent => tally.silent += 1,
                ShardState::Gone => {}
            }
        }
        tally
    }

    /// Shards that count as being there.
    pub const fn counted(&self) -> usize {
        self.here + self.silent
    }

    /// How many more may go; negative when that many are missing.
    pub const fn spare(&self) -> i64 {
        self.counted() as i64 - self.k as i64
    }

    /// Of whole copies no more are missed than there are machines to have one, given that enough
    /// are left.
    #[must_use]
    pub fn among(mut self, machines: usize) -> Self {
        if self.k == 1 {
            self.n = self.n.min(machines.max(COPIES).max(self.counted()));
        }
        self
    }

    /// How safe it is.
    pub const fn grade(&self) -> Grade {
        if self.counted() >= self.n {
            Grade::Full
        } else if self.counted() > self.k {
            Grade::Degraded
        } else if self.counted() == self.k {
            Grade::AtRisk
        } else {
            Grade::Lost
        }
    }
}

/// So few to spare that each of them is worth making again at once.
const FEW: usize = 4;
/// Whole copies of which none is missed: fewer are always too few.
const COPIES: usize = 3;

/// When a pack is mended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// When fewer shards than this count; none: at the first loss of whole copies and with up to
    /// four to spare, else when half of the parity is gone. Below `k + 1` and above `n` the nearest
    /// of them is meant.
    pub repair_at: Option<u8>,
}

impl Policy {
    /// A pack with fewer shards that count than this is mended, and then up to all `n`: with much
    /// to spare not at every loss, but long before it is urgent.
    pub fn threshold(&self, code: Code) -> usize {
        let (k, n) = (usize::from(code.k()), code.n());
        let wanted = match self.repair_at {
            Some(at) => usize::from(at),
            None if k == 1 || usize::from(code.m()) <= FEW => n,
            None => k + usize::from(code.m()) / 2 + 1,
        };
        wanted.clamp((k + 1).min(n), n)
    }

    /// Whether it is due. One that is lost is not: there is nothing to make it from, unless the
    /// owner still has the files.
    pub fn wants_repair(&self, code: Code, tally: &Tally) -> bool {
        tally.counted() < self.threshold(code).min(tally.n)
    }
}

/// How many days it takes on average until fewer than `k` are left, when nobody mends anything: of
/// those that count, each leaving at its own yearly rate ([`odds::rate_of`]). 0 when it is lost.
///
/// With `i` left of equal rate `r` the next one goes after `1 / (i * r)` on average; unequal rates
/// are taken by their mean, which orders packs well and is exact when they are equal.
pub fn days_to_loss(k: usize, rates: &[f64]) -> f64 {
    let counted = rates.len();
    if counted < k || k == 0 {
        return 0.0;
    }
    let sane = rates.iter().map(|rate| if rate.is_finite() { rate.max(1e-6) } else { 1e6 });
    let mean = sane.sum::<f64>() / counted as f64;
    let years: f64 = (k..=counted).map(|left| 1.0 / (left as f64 * mean)).sum();
    years * odds::YEAR.as_secs_f64() / DAY.as_secs_f64()
}

const DAY: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests;
