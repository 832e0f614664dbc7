//! The odds behind redundancy: who answers, and what is lost before it is repaired.
//!
//! | question | answer by | from |
//! |---|---|---|
//! | how many of n holders answer | Poisson-binomial: [`answering`] | Barlow 1984, Hong 2013 |
//! | the same, n drawn from many | its mean over all subsets: [`Subsets`] | the same recursion |
//! | who is seen within a time | a chain of two states: [`seen_within`] | |
//! | packs lost per year | a chain: [`chain_rate`]; closed form: [`closed_rate`] | Angus 1988 |
//! | lost within a time | the chain, uniformised: [`lost_within`] | Jensen 1953 |
//!
//! (Barlow and Heidtmann, and Angus: IEEE Trans. Reliability 33 and 37; Hong: Comput. Stat. Data
//! Anal. 59; Jensen: Skand. Aktuarietidskr. 36. docs/PLACEMENT.md has the formulas in full.)
//!
//! All sums have positive terms only, so that a chance of 1e-19 is right to many digits. Rates are
//! per year and holder; delays are what passes from a departure until the shard is elsewhere.
//! Everything is total: what is out of range gives the nearest answer in range, never a NaN.

use std::time::Duration;

use chunker::Code;

#[cfg(test)]
mod tests;

/// A year of 365.25 days.
pub const YEAR: Duration = Duration::from_secs(31_557_600);

/// No repair is reckoned as faster: finding out, fetching and sending take this long. It also
/// bounds the work of [`lost_within`].
const FASTEST_REPAIR: Duration = Duration::from_secs(3600);

/// Mean number of jumps for which the chain is followed at once: `exp(-64)` is far from underflow.
const JUMPS_AT_ONCE: f64 = 64.0;
/// Jumps after which the rest of a Poisson distribution of mean 64 is below 1e-30.
const MOST_JUMPS: u32 = 192;

/// The rate at which holders leave for good, when of a hundred in a year `fraction * 100` do.
pub fn rate_of(fraction: f64) -> f64 {
    // One in a million stays: a rate has to be finite.
    let fraction = unit(fraction).min(1.0 - 1e-6);
    -(-fraction).ln_1p()
}

/// How likely each number of answering holders is, of holders that answer with these chances:
/// entry `s` is the chance of exactly `s`.
pub fn answering(chances: &[f64]) -> Vec<f64> {
    let mut odds = vec![1.0];
    for chance in chances {
        let chance = unit(*chance);
        odds.push(0.0);
        for count in (0..odds.len()).rev() {
            let fewer = if count == 0 { 0.0 } else { odds[count - 1] };
            odds[count] = odds[count] * (1.0 - chance) + fewer * chance;
        }
    }
    odds
}

/// How likely each sum of two independent numbers is.
pub fn convolved(one: &[f64], other: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; (one.len() + other.len()).saturating_sub(1)];
    for (i, p) in one.iter().enumerate() {
        for (j, q) in other.iter().enumerate() {
            sum[i + j] += p * q;
        }
    }
    sum
}

/// The chance of `least` or more.
pub fn at_least(odds: &[f64], least: usize) -> f64 {
    unit(odds.iter().skip(least).sum())
}

/// [`answering`] for holders drawn from a larger set: the mean over all subsets of each size.
///
/// With `i` holders looked at, a subset of size `j` has the last of them with probability `j / i`;
/// that gives a recursion whose entries are probabilities throughout.
#[derive(Debug, Clone)]
pub struct Subsets {
    /// Entry `j` is for subsets of `j` holders.
    odds: Vec<Vec<f64>>,
}

impl Subsets {
    /// For subsets of up to `most` of the holders with these chances.
    pub fn new(chances: &[f64], most: usize) -> Self {
        let most = most.min(chances.len());
        let mut odds: Vec<Vec<f64>> = (0..=most).map(|size| vec![0.0; size + 1]).collect();
        odds[0][0] = 1.0;
        for (seen, chance) in (1..).zip(chances) {
            let chance = unit(*chance);
            for size in (1..=most.min(seen)).rev() {
                let with_last = size as f64 / seen as f64;
                let (smaller, larger) = odds.split_at_mut(size);
                let (without, with) = (&mut larger[0], &smaller[size - 1]);
                for count in (0..=size).rev() {
                    let up = if count == 0 { 0.0 } else { with[count - 1] * chance };
                    let down = with.get(count).map_or(0.0, |odds| odds * (1.0 - chance));
                    without[count] = without[count] * (1.0 - with_last) + (up + down) * with_last;
                }
            }
        }
        Self { odds }
    }

    /// The chance that of `n` drawn holders `least` or more answer; 0 when there are not so many.
    pub fn at_least(&self, n: usize, least: usize) -> f64 {
        self.odds.get(n).map_or(0.0, |odds| at_least(odds, least))
    }
}

/// The chance that a holder is seen within `wait` when it is there with chance `availability` and
/// its absences last `absence` on average: there now, or back before the time is over.
pub fn seen_within(availability: f64, absence: Duration, wait: Duration) -> f64 {
    let absent = 1.0 - unit(availability);
    if wait.is_zero() || absent >= 1.0 {
        return 1.0 - absent;
    }
    if absence.is_zero() {
        return 1.0;
    }
    1.0 - absent * (-wait.as_secs_f64() / absence.as_secs_f64()).exp()
}

/// The share of time a holder's place stands empty between a departure and its repair.
pub fn empty(rate: f64, delay: Duration) -> f64 {
    let load = positive(rate) * years(delay);
    load / (1.0 + load)
}

/// Losses per pack and year by the closed form of independent places:
///
/// ```text
/// u = rate * delay / (1 + rate * delay)
/// R = k * rate * C(n,m) u^m (1-u)^k / sum over i = 0..m of C(n,i) u^i (1-u)^(n-i)
/// ```
///
/// A pack is lost when one of the last k holders leaves while m places are empty. Only the mean of
/// the delay matters, whatever its distribution.
pub fn closed_rate(code: Code, rate: f64, delay: Duration) -> f64 {
    let (n, m) = (code.n(), usize::from(code.m()));
    let odds = answering(&vec![empty(rate, delay); n]);
    let alive: f64 = odds[..=m].iter().sum();
    f64::from(code.k()) * positive(rate) * odds[m] / alive.max(f64::MIN_POSITIVE)
}

/// Losses per pack and year by the birth-death chain of missing shards: one over the mean time
/// from a full pack to a lost one. From `i` missing, `(n - i) * rate` lead up and `i / delay` down.
pub fn chain_rate(code: Code, rate: f64, delay: Duration) -> f64 {
    let (rate, repair) = (positive(rate), 1.0 / repair_years(delay));
    let (mut step, mut total) = (0.0, 0.0);
    for missing in 0..=usize::from(code.m()) {
        let up = (code.n() - missing) as f64 * rate;
        step = (1.0 + missing as f64 * repair * step) / up;
        total += step;
    }
    if total > 0.0 { 1.0 / total } else { 0.0 }
}

/// The chance that a pack of `code` with `missing` shards is lost within `time`.
pub fn lost_within(code: Code, missing: usize, rate: f64, delay: Duration, time: Duration) -> f64 {
    let states = usize::from(code.m()) + 1;
    if missing >= states {
        return 1.0;
    }
    let chain = Chain::new(code, positive(rate), 1.0 / repair_years(delay));
    let jumps = chain.fastest * years(time);
    let spans = (jumps / JUMPS_AT_ONCE).ceil().max(1.0);
    let mut odds = vec![0.0; states + 1];
    odds[missing] = 1.0;
    for _ in 0..spans as u64 {
        odds = chain.after(odds, jumps / spans);
    }
    unit(odds[states])
}

/// The chain of missing shards, as one that jumps at a constant rate and may jump to where it is.
struct Chain {
    /// Per state: the chances that a jump leads up and down.
    moves: Vec<(f64, f64)>,
    /// Jumps per year.
    fastest: f64,
}

impl Chain {
    fn new(code: Code, rate: f64, repair: f64) -> Self {
        let (n, m) = (code.n(), usize::from(code.m()));
        let rates = (0..=m).map(|missing| ((n - missing) as f64 * rate, missing as f64 * repair));
        let rates: Vec<(f64, f64)> = rates.collect();
        let fastest = rates.iter().map(|(up, down)| up + down).fold(f64::MIN_POSITIVE, f64::max);
        let moves = rates.iter().map(|(up, down)| (up / fastest, down / fastest)).collect();
        Self { moves, fastest }
    }

    /// Where it is after a time in which it jumps `mean` times on average, at most
    /// [`JUMPS_AT_ONCE`].
    fn after(&self, odds: Vec<f64>, mean: f64) -> Vec<f64> {
        let mut weight = (-mean).exp();
        let mut sum: Vec<f64> = odds.iter().map(|odds| odds * weight).collect();
        let mut now = odds;
        for jump in 1..=MOST_JUMPS {
            now = self.jump(&now);
            weight *= mean / f64::from(jump);
            for (sum, now) in sum.iter_mut().zip(&now) {
                *sum += now * weight;
            }
        }
        sum
    }

    fn jump(&self, odds: &[f64]) -> Vec<f64> {
        let mut next = vec![0.0; odds.len()];
        for (state, (up, down)) in self.moves.iter().enumerate() {
            next[state] += odds[state] * (1.0 - up - down).max(0.0);
            next[state + 1] += odds[state] * up;
            if let Some(below) = state.checked_sub(1) {
                next[below] += odds[state] * down;
            }
        }
        let lost = odds.len() - 1;
        next[lost] += odds[lost];
        next
    }
}

/// The chance of at least one event within `time` at `rate` per year.
pub fn within(rate: f64, time: Duration) -> f64 {
    -(-positive(rate) * years(time)).exp_m1()
}

/// The chance that at least one of `count` independent events of chance `chance` happens.
pub fn any_of(chance: f64, count: f64) -> f64 {
    if count <= 0.0 {
        return 0.0;
    }
    -(count * (-unit(chance)).ln_1p()).exp_m1()
}

/// The mean time until `live` holders, none of which is replaced, are fewer than `k`; None when
/// nobody ever leaves.
pub fn unrepaired(live: usize, k: usize, rate: f64) -> Option<Duration> {
    if live < k.max(1) {
        return Some(Duration::ZERO);
    }
    let years: f64 = (k.max(1)..=live).map(|live| 1.0 / (live as f64 * positive(rate))).sum();
    Duration::try_from_secs_f64(years * YEAR.as_secs_f64()).ok()
}

fn years(time: Duration) -> f64 {
    time.as_secs_f64() / YEAR.as_secs_f64()
}

fn repair_years(delay: Duration) -> f64 {
    years(delay.max(FASTEST_REPAIR))
}

/// A chance: what is none counts as 0, what is beyond 1 as 1.
fn unit(chance: f64) -> f64 {
    if chance.is_nan() { 0.0 } else { chance.clamp(0.0, 1.0) }
}

/// A rate: what is none counts as 0.
fn positive(rate: f64) -> f64 {
    if rate.is_finite() { rate.max(0.0) } else { 0.0 }
}
