//! Shared fate: peers that go down together more often than chance and daily rhythm explain.
//!
//! Counted are falls (a window in which a peer went down), not the windows of downtime: an outage
//! of a night is one event, not fifty. Of two peers, take the windows in which both could fall: N
//! of them, the one fell in a, the other in b, both in c. If their falls had nothing to do with
//! each other, c would be hypergeometric (Fisher's exact test):
//!
//! ```text
//! P(c) = C(a,c) C(N-a, b-c) / C(N,b)
//! ```
//!
//! People switch off in the evening and on working days, all of them. So this is done for each
//! window of the day, on weekdays and weekends apart, and the 288 distributions are convolved (the
//! exact form of Mantel and Haenszel's test, 1959): what the rhythm explains is no evidence. Two
//! peers are tied when `P(c or more)` is below [`FALSE_ALARM`] divided by the number of pairs
//! (Bonferroni), and c is at least [`LEAST_JOINT`]. Three power cuts on weekdays in two months have
//! a chance of about 1 in 80,000: enough among ten peers, while a hundred need four.
//!
//! A window in which nobody at all answered tells about us, not about them, and is left out. What
//! is found errs to the side of caution: machines that are switched off by the same clock are tied
//! as well. What is not found proves nothing; rare outages need months to show.

use std::collections::BTreeMap;

use chunker::PeerId;

use crate::placement::domains::presence::{Presence, WINDOW};
use crate::placement::odds;

#[cfg(test)]
mod tests;

/// The chance that any two unrelated peers of a grid are tied.
pub const FALSE_ALARM: f64 = 0.001;
/// Fewer falls in common are no pattern.
pub const LEAST_JOINT: usize = 3;

/// Windows of a day.
const DAY: u64 = 86_400 / WINDOW.as_secs();
/// Windows of a weekday and of a day off.
const STRATA: usize = 2 * DAY as usize;

/// Two peers that go down together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fate {
    /// One of them.
    pub one: PeerId,
    /// The other.
    pub other: PeerId,
    /// In how many windows both fell.
    pub joint: usize,
    /// How likely as many or more would be by chance.
    pub chance: f64,
}

/// All pairs of `peers` that go down together, ordered. The work grows with the square of their
/// number: ask about those that hold something.
pub fn shared(peers: &[(PeerId, &Presence)]) -> Vec<Fate> {
    let pairs = peers.len() * peers.len().saturating_sub(1) / 2;
    let threshold = FALSE_ALARM / pairs.max(1) as f64;
    let falls = falls(peers);
    let mut joint: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for fallen in falls.values() {
        for (at, one) in fallen.iter().enumerate() {
            for other in &fallen[at + 1..] {
                *joint.entry((*one, *other)).or_default() += 1;
            }
        }
    }
    let known = |window: u64| falls.contains_key(&window);
    let tested = joint.into_iter().filter(|(_, joint)| *joint >= LEAST_JOINT);
    let fates = tested.map(|((a, b), joint)| {
        let ((one, first), (other, second)) = (peers[a], peers[b]);
        let chance = chance(&tables(first, second, &known), joint);
        Fate { one: one.min(other), other: one.max(other), joint, chance }
    });
    let mut found: Vec<Fate> = fates.filter(|fate| fate.chance < threshold).collect();
    found.sort_by_key(|fate| (fate.one, fate.other));
    found
}

/// Who fell in which window. Windows in which nobody answered are left out.
fn falls(peers: &[(PeerId, &Presence)]) -> BTreeMap<u64, Vec<usize>> {
    let mut falls: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (at, (_, presence)) in peers.iter().enumerate() {
        for window in presence.falls() {
            falls.entry(window).or_default().push(at);
        }
    }
    falls.retain(|window, _| peers.iter().any(|(_, presence)| presence.is_up(*window)));
    falls
}

/// Of the days in which both could fall in one window of the day.
#[derive(Debug, Clone, Copy, Default)]
struct Table {
    days: usize,
    first: usize,
    second: usize,
}

fn tables(one: &Presence, other: &Presence, counts: &dyn Fn(u64) -> bool) -> Vec<Table> {
    let mut tables = vec![Table::default(); STRATA];
    for window in one.windows() {
        if !one.could_fall(window) || !other.could_fall(window) {
            continue;
        }
        let (first, second) = (!one.is_up(window), !other.is_up(window));
        if (first || second) && !counts(window) {
            continue;
        }
        let table = &mut tables[stratum(window)];
        table.days += 1;
        table.first += usize::from(first);
        table.second += usize::from(second);
    }
    tables
}

/// The window of the day; those of Saturdays and Sundays follow those of the other days.
fn stratum(window: u64) -> usize {
    // The first of January 1970 was a Thursday.
    let weekday = (window / DAY + 3) % 7;
    (window % DAY + if weekday >= 5 { DAY } else { 0 }) as usize
}

/// How likely `joint` or more falls in common are, when they are put together blindly.
fn chance(tables: &[Table], joint: usize) -> f64 {
    let mut odds = vec![1.0];
    for table in tables.iter().filter(|table| table.first.min(table.second) > 0) {
        odds = odds::convolved(&odds, &hypergeometric(*table));
    }
    odds.iter().skip(joint).sum::<f64>().min(1.0)
}

/// The chance of each number of falls in common within one table.
fn hypergeometric(table: Table) -> Vec<f64> {
    let Table { days, first, second } = table;
    let all = ln_choose(days, second);
    let odds = (0..=first.min(second)).map(|both| {
        if second - both > days - first {
            return 0.0;
        }
        (ln_choose(first, both) + ln_choose(days - first, second - both) - all).exp()
    });
    odds.collect()
}

/// The logarithm of a binomial coefficient. Exact sums: the numbers are below ten thousand, and the
/// smaller half far below.
fn ln_choose(n: usize, k: usize) -> f64 {
    let k = k.min(n - k);
    (0..k).map(|i| ((n - i) as f64 / (i + 1) as f64).ln()).sum()
}
