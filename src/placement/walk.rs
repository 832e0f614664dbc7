//! The walk: a lane's keyed, non-transparent sequence of targets.
//!
//! ```text
//! point_j = keyed_hash(key, lane | j), j = 0, 1, 2, ...
//! ```
//!
//! At each point the [`REGION`] eligible peers nearest to it (XOR of the point and the BLAKE3 of
//! the peer's id) are ranked by keyed weighted rendezvous on free space, and the first is taken.
//! Eligible is who was not taken before and whose failure domain is not used in this round; when
//! none is left, a new round begins. So the sequence has every candidate exactly once, each round
//! has every domain at most once, and whoever puts shards along it uses as many domains as there
//! are.
//!
//! Promises: the sequence depends on the key, the lane and the set of candidates, not on their
//! order nor on the machine (all arithmetic is on integers); a peer that comes or goes changes its
//! own place and few others; without the key, points and ranks are random, so no choice of a peer
//! id draws more than its weight as long as the region spans the grid, and little more beyond.

use std::cmp::Ordering;

use chunker::PeerId;

use crate::placement::{Candidate, Domain, Lane, PlacementKey, Step, Tag, number};

#[cfg(test)]
mod tests;

/// Peers compared at each point. Grids up to this size are ranked as a whole, which makes a peer's
/// share exactly proportional to its weight. In larger ones a peer whose neighbourhood in the key
/// space happens to be (or was made) sparse is in more regions: by about `1/sqrt(REGION)`, 4%; with
/// the 20 peers of one Kademlia look-up it would be 22%, and a peer much larger than its neighbours
/// could never fill up.
pub const REGION: usize = 512;

/// Bits after the point of [`exponential`].
const FRACTION_BITS: u32 = 40;

/// A lane's sequence, before it is known who takes part.
#[derive(Debug, Clone)]
pub struct Walk {
    key: PlacementKey,
    lane: Lane,
}

impl Walk {
    /// The walk of `lane`.
    pub fn new(key: &PlacementKey, lane: Lane) -> Self {
        Self { key: key.clone(), lane }
    }

    /// Every candidate exactly once, in order. Costs its square; take from [`Walk::steps`] what is
    /// needed when there are thousands.
    pub fn sequence(&self, candidates: &[Candidate]) -> Vec<Step> {
        self.steps(candidates).collect()
    }

    /// The same, one at a time. A peer listed twice counts once, with the larger free space.
    pub fn steps(&self, candidates: &[Candidate]) -> Steps {
        let mut eligible: Vec<Entry> = candidates.iter().map(Entry::new).collect();
        eligible.sort_unstable_by_key(|entry| (entry.peer, std::cmp::Reverse(entry.weight)));
        eligible.dedup_by_key(|entry| entry.peer);
        Steps { walk: self.clone(), j: 0, eligible, waiting: Vec::new() }
    }

    fn point(&self, j: u32) -> u128 {
        place(&self.key.hash(Tag::Point, &[&[self.lane.0], &j.to_le_bytes()]))
    }

    /// What decides how far from the front `entry` stands at point `j`: through [`exponential`], an
    /// exponentially distributed number, to be divided by its weight. The smallest quotient of
    /// several falls to each in proportion to its weight, and stays the smallest whoever else
    /// leaves.
    fn uniform(&self, j: u32, entry: &Entry) -> u64 {
        let parts: [&[u8]; 3] = [&[self.lane.0], &j.to_le_bytes(), entry.peer.as_bytes()];
        number(&self.key.hash(Tag::Rank, &parts))
    }
}

/// The steps of a walk over some candidates.
#[derive(Debug, Clone)]
pub struct Steps {
    walk: Walk,
    j: u32,
    /// Not taken, domain not used in this round; in no particular order.
    eligible: Vec<Entry>,
    /// Not taken, domain used in this round.
    waiting: Vec<Entry>,
}

impl Iterator for Steps {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.eligible.is_empty() {
            std::mem::swap(&mut self.eligible, &mut self.waiting);
        }
        let chosen = self.choose()?;
        let step = Step { peer: chosen.peer, j: self.j, domain: chosen.domain };
        self.take(&chosen);
        self.j += 1;
        Some(step)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.eligible.len() + self.waiting.len();
        (left, Some(left))
    }
}

impl Steps {
    fn choose(&mut self) -> Option<Entry> {
        let point = self.walk.point(self.j);
        if self.eligible.len() > REGION {
            let distance = |entry: &Entry| (entry.place ^ point, entry.peer);
            self.eligible.select_nth_unstable_by_key(REGION - 1, distance);
        }
        let mut first: Option<Ranked<'_>> = None;
        for entry in self.eligible.iter().take(REGION) {
            let uniform = self.walk.uniform(self.j, entry);
            // Logarithms are slow, and most are not needed to see who stands behind.
            let at_best = Ranked { entry, draw: least_exponential(uniform) };
            if first.as_ref().is_some_and(|first| first.order(&at_best).is_lt()) {
                continue;
            }
            let ranked = Ranked { entry, draw: exponential(uniform) };
            if first.as_ref().is_none_or(|first| ranked.order(first).is_lt()) {
                first = Some(ranked);
            }
        }
        Some(first?.entry.clone())
    }

    /// Takes `chosen` out for good and the rest of its domain until the next round.
    fn take(&mut self, chosen: &Entry) {
        let waiting = &mut self.waiting;
        self.eligible.retain(|entry| {
            if entry.domain != chosen.domain {
                return true;
            }
            if entry.peer != chosen.peer {
                waiting.push(entry.clone());
            }
            false
        });
    }
}

/// A candidate with its place among the points.
#[derive(Debug, Clone)]
struct Entry {
    peer: PeerId,
    domain: Domain,
    weight: u64,
    place: u128,
}

impl Entry {
    fn new(candidate: &Candidate) -> Self {
        Self {
            peer: candidate.peer,
            domain: candidate.domain,
            // Nobody weighs nothing: a full peer is at the end of the sequence, not outside it.
            weight: candidate.free_bytes.max(1),
            place: place(&blake3::hash(candidate.peer.as_bytes())),
        }
    }
}

/// An entry at one point.
struct Ranked<'a> {
    entry: &'a Entry,
    draw: u64,
}

impl Ranked<'_> {
    /// Compares `draw / weight`, multiplied out; equal ones by peer.
    fn order(&self, other: &Self) -> Ordering {
        let ours = u128::from(self.draw) * u128::from(other.entry.weight);
        let theirs = u128::from(other.draw) * u128::from(self.entry.weight);
        ours.cmp(&theirs).then_with(|| self.entry.peer.cmp(&other.entry.peer))
    }
}

/// Half a hash is enough to place a peer: two at one place would only be compared by their ids.
fn place(hash: &blake3::Hash) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    u128::from_be_bytes(half)
}

/// `-log2((uniform + 1) / 2^64)` in fixed point with [`FRACTION_BITS`] fractional bits: between 0
/// and 64. On integers, as the logarithms of different machines differ in the last digit.
fn exponential(uniform: u64) -> u64 {
    let value = u128::from(uniform) + 1;
    let whole = value.ilog2();
    // Mantissa in [1, 2) with 63 fractional bits; squaring it once per bit yields the bits of its
    // logarithm.
    let mut mantissa = if whole <= 63 { value << (63 - whole) } else { value >> (whole - 63) };
    let mut log = u64::from(whole) << FRACTION_BITS;
    for bit in (0..FRACTION_BITS).rev() {
        mantissa = (mantissa * mantissa) >> 63;
        if mantissa >> 64 != 0 {
            mantissa >>= 1;
            log |= 1 << bit;
        }
    }
    (64 << FRACTION_BITS) - log
}

/// A number that [`exponential`] is not below: its whole part.
fn least_exponential(uniform: u64) -> u64 {
    let whole = (u128::from(uniform) + 1).ilog2();
    u64::from(63_u32.saturating_sub(whole)) << FRACTION_BITS
}
