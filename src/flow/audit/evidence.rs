//! What audits found so far: counts a day for each holder, and its newest failures.
//!
//! Bounded: [`WINDOW_DAYS`] days, [`FAILURES`] failures, [`HOLDERS`] holders. It is kept in the
//! catalog and so is gone when that is rebuilt; a record that cannot be read counts as none.

use std::collections::BTreeMap;

use chunker::{PeerId, Record, ShardId};
use p2p::Grid;
use serde::{Deserialize, Serialize};

use super::{Finding, Verdict};
use crate::flow::{Ctx, FlowError};

/// How far back evidence counts, in days.
pub const WINDOW_DAYS: u64 = 30;
/// Failures kept of each holder.
const FAILURES: usize = 64;
/// Holders kept; when there are more, those not audited for longest are forgotten.
const HOLDERS: usize = 4096;
/// Catalog key.
const AUDITS: &str = "audits";
const DAY_SECS: u64 = 24 * 3600;

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Evidence {
    #[serde(rename = "h")]
    holders: BTreeMap<PeerId, Holder>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    /// Oldest first.
    #[serde(rename = "d")]
    days: Vec<Day>,
    /// Oldest first.
    #[serde(rename = "f")]
    failures: Vec<Failure>,
}

/// Verdicts of one day, in the order of [`Verdict`]'s variants.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Day {
    #[serde(rename = "d")]
    date: u64,
    #[serde(rename = "n")]
    counts: [u64; 5],
    /// Audits in which it answered, and in which it did not.
    #[serde(rename = "l", default)]
    looks: [u64; 2],
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Failure {
    #[serde(rename = "t")]
    secs: u64,
    #[serde(rename = "s")]
    shard: ShardId,
    #[serde(rename = "v")]
    verdict: u8,
}

impl Record for Evidence {
    const NAME: &'static str = "audit evidence";
    const VERSION: u8 = 1;
    const LIMIT: usize = 64 * 1024 * 1024;
}

/// What a holder has to show for itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Score {
    /// Challenges it proved.
    pub proved: u64,
    /// Challenges it answered with wrong bytes, or refused.
    pub failed: u64,
}

/// How often a holder was looked for, and found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looks {
    /// Audits in which it answered.
    pub seen: u64,
    /// All audits of it.
    pub looks: u64,
}

/// Every holder's score over the last [`WINDOW_DAYS`]. Absence is no failure.
pub fn scores<G: Grid>(ctx: &Ctx<G>) -> Result<BTreeMap<PeerId, Score>, FlowError> {
    over_window(ctx, |sum: Score, day| {
        let [proved, wrong, refused, ..] = day.counts;
        Score { proved: sum.proved + proved, failed: sum.failed + wrong + refused }
    })
}

/// How often every holder was found over the last [`WINDOW_DAYS`].
pub fn looks<G: Grid>(ctx: &Ctx<G>) -> Result<BTreeMap<PeerId, Looks>, FlowError> {
    over_window(ctx, |sum: Looks, day| {
        let [seen, missed] = day.looks;
        Looks { seen: sum.seen + seen, looks: sum.looks + seen + missed }
    })
}

fn over_window<G: Grid, T: Default>(
    ctx: &Ctx<G>,
    add: impl Fn(T, &Day) -> T,
) -> Result<BTreeMap<PeerId, T>, FlowError> {
    let oldest = (ctx.clock.now_secs() / DAY_SECS).saturating_sub(WINDOW_DAYS);
    let sum = |holder: &Holder| {
        let days = holder.days.iter().filter(|day| day.date > oldest);
        days.fold(T::default(), &add)
    };
    let all = load(ctx)?.holders;
    Ok(all.iter().map(|(peer, holder)| (*peer, sum(holder))).collect())
}

/// Adds the findings of one audit. Two at once would lose one's: the caller sees to that.
pub(super) fn note<G: Grid>(ctx: &Ctx<G>, findings: &[Finding]) -> Result<(), FlowError> {
    let now = ctx.clock.now_secs();
    let mut evidence = load(ctx)?;
    let mut answered: BTreeMap<PeerId, bool> = BTreeMap::new();
    for finding in findings {
        evidence.holders.entry(finding.peer).or_default().add(finding, now);
        *answered.entry(finding.peer).or_default() |= finding.verdict != Verdict::Unreachable;
    }
    for (peer, answered) in answered {
        evidence.holders.entry(peer).or_default().look(answered, now);
    }
    while evidence.holders.len() > HOLDERS {
        let last = |holder: &Holder| holder.days.last().map(|day| day.date);
        let stalest = evidence.holders.iter().min_by_key(|(_, holder)| last(holder));
        let Some(stalest) = stalest.map(|(peer, _)| *peer) else { break };
        evidence.holders.remove(&stalest);
    }
    Ok(ctx.catalog.set(AUDITS, &evidence.encode())?)
}

fn load<G: Grid>(ctx: &Ctx<G>) -> Result<Evidence, FlowError> {
    let bytes = ctx.catalog.get(AUDITS)?;
    Ok(bytes.and_then(|bytes| Evidence::decode(&bytes).ok()).unwrap_or_default())
}

impl Holder {
    /// The day of `now`, begun when it is a new one.
    fn today(&mut self, now: u64) -> Option<&mut Day> {
        let date = now / DAY_SECS;
        if self.days.last().is_none_or(|last| last.date != date) {
            self.days.push(Day { date, counts: [0; 5], looks: [0; 2] });
        }
        drop_oldest(&mut self.days, WINDOW_DAYS as usize);
        self.days.last_mut()
    }

    fn look(&mut self, answered: bool, now: u64) {
        let Some(Day { looks: [seen, missed], .. }) = self.today(now) else { return };
        let count = if answered { seen } else { missed };
        *count = count.saturating_add(1);
    }

    fn add(&mut self, finding: &Finding, now: u64) {
        let verdict = finding.verdict as u8;
        let counts = self.today(now).map(|day| &mut day.counts);
        if let Some(count) = counts.and_then(|counts| counts.get_mut(usize::from(verdict))) {
            *count = count.saturating_add(1);
        }
        if matches!(finding.verdict, Verdict::Wrong | Verdict::Refused) {
            self.failures.push(Failure { secs: now, shard: finding.shard, verdict });
        }
        drop_oldest(&mut self.failures, FAILURES);
    }
}

fn drop_oldest<T>(of: &mut Vec<T>, most: usize) {
    of.drain(..of.len().saturating_sub(most));
}

#[cfg(test)]
mod tests;
