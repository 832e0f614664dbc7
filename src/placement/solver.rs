//! Redundancy `auto` from measurements: the cheapest code that keeps the promises.
//!
//! Of all codes `k + m` with at most one shard per failure domain, the one that stores least
//! (`n/k`) while
//!
//! * a vault loses anything within a year with at most [`Goals::loss_per_year`] (the larger of
//!   chain and closed form of [`odds`], for as many sets of holders as there are lanes),
//! * any pack can be restored within [`Goals::wait`] with at least [`Goals::restore`]
//!   (Poisson-binomial over the measured availabilities, mean over the choices of n domains),
//! * the loss of the largest domain and one more peer costs nothing: `m >= 2`, as a domain has one
//!   shard, wherever three domains exist,
//! * a quarter more domains than shards are there, so that repair has somewhere to go; in grids
//!   below [`SPARE_FROM`] domains each one is needed, and this is waived.
//!
//! Where no code keeps all promises the one that misses them by least is given, with what it misses
//! ([`Solution::unmet`]). With nothing measured, [`auto`] falls back to the table of
//! [`redundancy`]. Fails only when built from measurements that are none ([`BadMeasure`]).

use std::time::Duration;

use chunker::Code;

use crate::placement::{odds, redundancy};

#[cfg(test)]
mod tests;

/// Most shards of a pack.
pub const MAX_SHARDS: usize = 30;
/// Most data shards. Wider codes would store a few percent less still; but a restore waits for the
/// slowest of k, a repair reads k, and the model knows only holders that leave on their own, not
/// those that leave together: parity must not be thin beside k.
pub const MAX_DATA: usize = 10;
/// Most bytes stored per byte of data: beyond that, more peers are the answer, not more copies.
pub const MAX_OVERHEAD: usize = 4;
/// From this many domains on, some are kept free of a pack's shards for repair. (In smaller grids
/// that would cost more storage than a larger code saves.)
pub const SPARE_FROM: usize = 10;

/// Longest delays that mean anything.
const LONGEST: Duration = Duration::from_secs(10 * 31_557_600);
/// A departure every few days: nothing could be kept in such a grid.
const HIGHEST_RATE: f64 = 100.0;

/// A measurement that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BadMeasure {
    /// Not a share of time.
    #[error("Availability {0} is not between 0 and 1")]
    Availability(f64),
    /// Negative, not a number, or beyond a hundred a year.
    #[error("{0} departures per peer and year are not between 0 and 100")]
    Rate(f64),
    /// A delay of more than ten years.
    #[error("Times to repair or to come back of more than ten years mean nothing")]
    Delay,
}

/// What was measured of the grid.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    availability: Vec<f64>,
    rate: f64,
    repair: Duration,
    absence: Duration,
    lanes: u8,
}

impl World {
    /// `availability` for each eligible domain, the share of time its peers answer; `rate`
    /// departures per peer and year ([`odds::rate_of`] makes it from a yearly fraction); `repair`
    /// from a departure until its shards are elsewhere; `absence`, how long one who is away stays
    /// away on average; and how many sets of holders the vault uses.
    pub fn new(
        availability: Vec<f64>,
        rate: f64,
        repair: Duration,
        absence: Duration,
        lanes: u8,
    ) -> Result<Self, BadMeasure> {
        if let Some(bad) = availability.iter().find(|share| !(0.0..=1.0).contains(*share)) {
            return Err(BadMeasure::Availability(*bad));
        }
        if !(0.0..=HIGHEST_RATE).contains(&rate) {
            return Err(BadMeasure::Rate(rate));
        }
        if repair.max(absence) > LONGEST {
            return Err(BadMeasure::Delay);
        }
        Ok(Self { availability, rate, repair, absence, lanes: lanes.max(1) })
    }

    /// How many eligible domains there are.
    pub fn domains(&self) -> usize {
        self.availability.len()
    }

    /// The chances that a holder in each domain gives its shard within `wait`: it was not lost
    /// since the last repair, and it is there or comes back in time.
    fn giving(&self, wait: Duration) -> Vec<f64> {
        let there = 1.0 - odds::empty(self.rate, self.repair);
        let seen = |share: &f64| there * odds::seen_within(*share, self.absence, wait);
        self.availability.iter().map(seen).collect()
    }

    /// The chance that a vault of this code loses something within a year.
    fn loss(&self, code: Code) -> f64 {
        let chain = odds::chain_rate(code, self.rate, self.repair);
        let closed = odds::closed_rate(code, self.rate, self.repair);
        odds::any_of(odds::within(chain.max(closed), odds::YEAR), f64::from(self.lanes))
    }
}

/// What redundancy has to achieve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goals {
    /// Most chance of losing anything within a year.
    pub loss_per_year: f64,
    /// Least chance of restoring within [`Goals::wait`].
    pub restore: f64,
    /// How long a restore may wait for holders to come back.
    pub wait: Duration,
}

impl Default for Goals {
    fn default() -> Self {
        Self { loss_per_year: 1e-6, restore: 0.999, wait: Duration::from_secs(7 * 86_400) }
    }
}

/// A promise that no code keeps in this grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Goal {
    /// The chance of loss within a year is higher than asked.
    Loss,
    /// The chance of a restore in time is lower than asked.
    Restore,
    /// Nobody is left over to repair onto.
    Spare,
}

/// The code to use, and what it gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// Data and parity shards.
    pub code: Code,
    /// The chance that the vault loses something within a year.
    pub p_loss_year: f64,
    /// The chance that a pack can be restored within the time asked for.
    pub p_restore: f64,
    /// What could not be achieved.
    pub unmet: Vec<Goal>,
}

/// The code for what was measured; for what was not, by the number of `domains` alone.
pub fn auto(measured: Option<&World>, domains: usize) -> Option<Code> {
    match measured {
        Some(world) => solve(world, &Goals::default()).map(|solution| solution.code),
        None => redundancy::auto(domains),
    }
}

/// The cheapest code that meets `goals`, else the one that misses them by least. None below two
/// domains: there is no backup without two others.
pub fn solve(world: &World, goals: &Goals) -> Option<Solution> {
    let most = world.domains().min(MAX_SHARDS);
    let giving = odds::Subsets::new(&world.giving(goals.wait), most);
    let all: Vec<Solution> = codes(world.domains())
        .map(|code| {
            let p_restore = giving.at_least(code.n(), usize::from(code.k()));
            let p_loss_year = world.loss(code);
            let unmet = unmet(world, goals, code, p_loss_year, p_restore);
            Solution { code, p_loss_year, p_restore, unmet }
        })
        .collect();
    let cheapest = |allowed: &[Goal]| {
        let kept = all.iter().filter(|one| one.unmet.iter().all(|goal| allowed.contains(goal)));
        kept.min_by(|one, other| cost(one.code, other.code))
    };
    let best = cheapest(&[]).or_else(|| cheapest(&[Goal::Spare])).or_else(|| {
        all.iter().min_by(|one, other| {
            let miss = miss(one, goals).total_cmp(&miss(other, goals));
            miss.then_with(|| cost(one.code, other.code))
        })
    });
    best.cloned()
}

/// All codes worth comparing: a domain for each shard, and two to lose where three exist.
fn codes(domains: usize) -> impl Iterator<Item = Code> {
    let parity = if domains >= 3 { 2 } else { 1 };
    (2..=domains.min(MAX_SHARDS)).flat_map(move |n| {
        let most_data = n.saturating_sub(parity).min(MAX_DATA);
        let codes = (n.div_ceil(MAX_OVERHEAD)..=most_data).filter(|k| *k >= 1);
        codes.filter_map(move |k| Code::new(k as u8, (n - k) as u8).ok())
    })
}

fn unmet(world: &World, goals: &Goals, code: Code, loss: f64, restore: f64) -> Vec<Goal> {
    let domains = world.domains();
    let spare = domains < SPARE_FROM || 4 * domains >= 5 * code.n();
    let mut unmet = Vec::new();
    if loss > goals.loss_per_year {
        unmet.push(Goal::Loss);
    }
    if restore < goals.restore {
        unmet.push(Goal::Restore);
    }
    if !spare {
        unmet.push(Goal::Spare);
    }
    unmet
}

/// Compares what is stored per byte; where that is equal, the number of holders.
fn cost(one: Code, other: Code) -> std::cmp::Ordering {
    let per_byte = |a: Code, b: Code| a.n() * usize::from(b.k());
    per_byte(one, other).cmp(&per_byte(other, one)).then_with(|| one.n().cmp(&other.n()))
}

/// By how many powers of e the goal that is missed most is missed.
fn miss(solution: &Solution, goals: &Goals) -> f64 {
    let over =
        |met: f64, asked: f64| (met.max(f64::MIN_POSITIVE) / asked.max(f64::MIN_POSITIVE)).ln();
    let loss = over(solution.p_loss_year, goals.loss_per_year);
    loss.max(over(1.0 - solution.p_restore, 1.0 - goals.restore)).max(0.0)
}
