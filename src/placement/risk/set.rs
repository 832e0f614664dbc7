//! Sets of holders: the packs that share one share their fate.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use chunker::{Code, PackId, PeerId};

use crate::placement::domains::matching::domains_to_lose;
use crate::placement::risk::{Held, Holder, Inputs, Without};
use crate::placement::{Domain, odds};

/// The holders of some packs.
pub(super) struct Set<'a> {
    pub(super) code: Code,
    /// Those that count.
    pub(super) holders: Vec<&'a Holder>,
    /// The same, and those that are imagined away.
    pub(super) all: Vec<&'a Holder>,
    pub(super) packs: u64,
    /// One of the packs.
    pub(super) first: PackId,
}

impl Set<'_> {
    pub(super) fn k(&self) -> usize {
        usize::from(self.code.k())
    }

    /// Holders above those that are needed; none when there are too few.
    pub(super) fn spare(&self) -> Option<usize> {
        self.holders.len().checked_sub(self.k())
    }

    pub(super) fn in_domains(&self) -> BTreeMap<Domain, usize> {
        in_domains(&self.holders)
    }

    /// How likely a loss within a year is. What is made again instead of shards that are imagined
    /// away is taken to lie as crowded as they did: nothing gets safer by somebody being gone.
    pub(super) fn loss(&self, inputs: &Inputs) -> f64 {
        let Some(spare) = self.spare() else { return 1.0 };
        let within_year = |code, missing| {
            odds::lost_within(code, missing, inputs.rate, inputs.repair, odds::YEAR)
        };
        let missing = self.code.n().saturating_sub(self.holders.len());
        let peers = within_year(self.code, missing);
        let counts: Vec<usize> = in_domains(&self.all).into_values().collect();
        if counts.len() == self.all.len() {
            return peers;
        }
        let gone = counts.len() - self.in_domains().len();
        let spare = spare + self.all.len() - self.holders.len();
        // As if each domain were one holder, and as many could be lost as can be of the largest.
        let parity = domains_to_lose(&counts, spare).min(counts.len().saturating_sub(1));
        match Code::new((counts.len() - parity) as u8, parity as u8) {
            Ok(domains) => 1.0 - (1.0 - peers) * (1.0 - within_year(domains, gone.min(parity))),
            Err(_) => 1.0,
        }
    }

    /// How likely enough holders answer within `wait`.
    pub(super) fn restore(&self, inputs: &Inputs, wait: Duration) -> f64 {
        let mut domains: BTreeMap<Domain, Vec<f64>> = BTreeMap::new();
        for holder in &self.holders {
            let seen = odds::seen_within(holder.availability, inputs.absence, wait);
            domains.entry(holder.domain).or_default().push(seen);
        }
        let mut all = vec![1.0];
        for chances in domains.into_values() {
            all = odds::convolved(&all, &together(chances));
        }
        odds::at_least(&all, self.k())
    }
}

fn in_domains(holders: &[&Holder]) -> BTreeMap<Domain, usize> {
    let mut counts = BTreeMap::new();
    for holder in holders {
        *counts.entry(holder.domain).or_default() += 1;
    }
    counts
}

/// How many of a domain's holders answer, when whoever answers less often than another does so only
/// when that one does, too.
fn together(mut chances: Vec<f64>) -> Vec<f64> {
    chances.sort_unstable_by(|one, other| other.total_cmp(one));
    let or_more = [1.0].into_iter().chain(chances.iter().copied());
    let more = chances.iter().copied().chain([0.0]);
    or_more.zip(more).map(|(least, more)| (least - more).max(0.0)).collect()
}

/// Packs by who holds them.
pub(super) fn sets<'a>(packs: &[Held], inputs: &'a Inputs, without: &Without) -> Vec<Set<'a>> {
    let mut sets: BTreeMap<(Code, Vec<PeerId>), (u64, PackId)> = BTreeMap::new();
    for pack in packs {
        let mut shards: BTreeMap<u8, PeerId> = BTreeMap::new();
        for (index, peer) in &pack.shards {
            let holder = inputs.holders.get(peer);
            if holder.is_some_and(|holder| !holder.probation) {
                shards.entry(*index).or_insert(*peer);
            }
        }
        let mut holders: Vec<PeerId> = shards.into_values().collect();
        holders.sort_unstable();
        sets.entry((pack.code, holders)).or_insert((0, pack.id)).0 += 1;
    }
    let set = |((code, peers), (packs, first)): ((Code, Vec<PeerId>), (u64, PackId))| {
        let known = || peers.iter().filter_map(|peer| Some((peer, inputs.holders.get(peer)?)));
        let left = known().filter(|(peer, holder)| !without.takes(peer, holder));
        let holders = left.map(|(_, holder)| holder).collect();
        Set { code, holders, all: known().map(|(_, holder)| holder).collect(), packs, first }
    };
    sets.into_iter().map(set).collect()
}

/// The domain without which most packs were lost; of several, the one with most shards.
pub(super) fn worst_domain(sets: &[Set<'_>]) -> Option<(Domain, u64)> {
    let mut costs: BTreeMap<Domain, (u64, u64)> = BTreeMap::new();
    for set in sets {
        for (domain, shards) in set.in_domains() {
            let cost = costs.entry(domain).or_default();
            let lost = set.spare().is_some_and(|spare| shards > spare);
            cost.0 += if lost { set.packs } else { 0 };
            cost.1 += shards as u64 * set.packs;
        }
    }
    let worst = costs.into_iter().max_by_key(|(domain, cost)| (*cost, Reverse(*domain)));
    worst.map(|(domain, (packs, _))| (domain, packs))
}
