//! What audits found of one holder: counts a day, and its newest failures.
//!
//! Bounded: [`WINDOW_DAYS`] days, [`FAILURES`] failures.

use chunker::ShardId;
use serde::{Deserialize, Serialize};

/// How far back evidence counts, in days.
pub const WINDOW_DAYS: u64 = 30;
/// Failures kept of a holder.
pub const FAILURES: usize = 64;

const DAY_SECS: u64 = 24 * 3600;

/// What came of a challenge. The order is that of the evidence's counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It has the bytes.
    Proved = 0,
    /// It gave others.
    Wrong = 1,
    /// It answered that it does not have, or does not give, them.
    Refused = 2,
    /// It could not be asked.
    Unreachable = 3,
    /// It did not answer in time, again and again.
    Slow = 4,
}

impl Verdict {
    /// All of them, in the order of the evidence's counts.
    pub const ALL: [Self; 5] =
        [Self::Proved, Self::Wrong, Self::Refused, Self::Unreachable, Self::Slow];

    /// Whether it says that the shard is not there.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Wrong | Self::Refused)
    }

    /// In one word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Wrong => "wrong",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Slow => "slow",
        }
    }
}

/// What audits found of a holder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Oldest first.
    #[serde(rename = "d")]
    days: Vec<Day>,
    /// Oldest first.
    #[serde(rename = "f")]
    failures: Vec<Failure>,
}

/// Verdicts of one day, in the order of [`Verdict`]'s variants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Day {
    #[serde(rename = "d")]
    date: u64,
    #[serde(rename = "n")]
    counts: [u64; 5],
    /// Audits in which it answered, and in which it did not.
    #[serde(rename = "l", default)]
    looks: [u64; 2],
}

/// One challenge that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When, seconds since the Unix epoch.
    #[serde(rename = "t")]
    pub secs: u64,
    /// Which shard.
    #[serde(rename = "s")]
    pub shard: ShardId,
    #[serde(rename = "v")]
    verdict: u8,
}

impl Failure {
    /// What came of it.
    pub fn verdict(&self) -> Verdict {
        Verdict::ALL.get(usize::from(self.verdict)).copied().unwrap_or(Verdict::Refused)
    }
}

/// What a holder has to show for itself: the other of its two scores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Score {
    /// Challenges it proved.
    pub proved: u64,
    /// Challenges it answered with wrong bytes, or refused.
    pub failed: u64,
}

/// How often a holder was looked for by audits, and found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looks {
    /// Audits in which it answered.
    pub seen: u64,
    /// All audits of it.
    pub looks: u64,
}

impl Score {
    /// The share it proved, one failure and one proof taken for granted: 1/2 when nothing is known.
    pub fn correctness(&self) -> f64 {
        let (proved, failed) = (self.proved as f64 + 1.0, self.failed as f64 + 1.0);
        proved / (proved + failed)
    }

    /// At what yearly rate its shards are expected to go, when holders leave at the rate `base`:
    /// more, the more of them failed.
    pub fn rate(&self, base: f64) -> f64 {
        let (proved, failed) = (self.proved as f64, self.failed as f64);
        let bad = if failed > 0.0 { failed / (proved + failed) } else { 0.0 };
        base * 100.0_f64.mul_add(bad, 1.0)
    }
}

impl Evidence {
    /// Adds what came of one challenge.
    pub fn add(&mut self, shard: ShardId, verdict: Verdict, now_secs: u64) {
        let number = verdict as u8;
        let counts = self.today(now_secs).map(|day| &mut day.counts);
        if let Some(count) = counts.and_then(|counts| counts.get_mut(usize::from(number))) {
            *count = count.saturating_add(1);
        }
        if verdict.is_failure() {
            self.failures.push(Failure { secs: now_secs, shard, verdict: number });
        }
        drop_oldest(&mut self.failures, FAILURES);
    }

    /// An audit is over: it answered, or it did not.
    pub fn look(&mut self, answered: bool, now_secs: u64) {
        let Some(Day { looks: [seen, missed], .. }) = self.today(now_secs) else { return };
        let count = if answered { seen } else { missed };
        *count = count.saturating_add(1);
    }

    /// The day of `now_secs`, begun when it is a new one.
    fn today(&mut self, now_secs: u64) -> Option<&mut Day> {
        let date = now_secs / DAY_SECS;
        if self.days.last().is_none_or(|last| last.date != date) {
            self.days.push(Day { date, counts: [0; 5], looks: [0; 2] });
        }
        drop_oldest(&mut self.days, WINDOW_DAYS as usize);
        self.days.last_mut()
    }

    /// How often audits of the last [`WINDOW_DAYS`] found it.
    pub fn looks(&self, now_secs: u64) -> Looks {
        self.window(now_secs).fold(Looks::default(), |sum, day| {
            let [seen, missed] = day.looks;
            let looks = sum.looks.saturating_add(seen).saturating_add(missed);
            Looks { seen: sum.seen.saturating_add(seen), looks }
        })
    }

    fn window(&self, now_secs: u64) -> impl Iterator<Item = &Day> {
        let oldest = (now_secs / DAY_SECS).saturating_sub(WINDOW_DAYS);
        self.days.iter().filter(move |day| day.date > oldest)
    }

    /// The score over the last [`WINDOW_DAYS`]. Absence is no failure.
    pub fn score(&self, now_secs: u64) -> Score {
        let [proved, wrong, refused, ..] = self.counts(now_secs);
        Score { proved, failed: wrong.saturating_add(refused) }
    }

    /// Challenges over the last [`WINDOW_DAYS`], by what came of them.
    pub fn counts(&self, now_secs: u64) -> [u64; 5] {
        let mut sums = [0_u64; 5];
        for day in self.window(now_secs) {
            for (sum, count) in sums.iter_mut().zip(day.counts) {
                *sum = sum.saturating_add(count);
            }
        }
        sums
    }

    /// Each day's counts, oldest first: the day's beginning in seconds since the Unix epoch.
    pub fn days(&self) -> impl Iterator<Item = (u64, [u64; 5])> {
        self.days.iter().map(|day| (day.date.saturating_mul(DAY_SECS), day.counts))
    }

    /// Its newest failures, oldest first.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }
}

fn drop_oldest<T>(of: &mut Vec<T>, most: usize) {
    of.drain(..of.len().saturating_sub(most));
}

#[cfg(test)]
mod tests;
