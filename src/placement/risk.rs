//! What an owner's data is exposed to: chances of loss and restore, the weakest pack, what-ifs.
//!
//! Packs with the same holders share their fate and are reckoned once; different sets of holders
//! are taken as independent. They are not quite (sets overlap), and in both cases the error is on
//! the safe side: less likely to be restored, more likely to be lost than in truth.
//!
//! * **Loss within a year**: the chain of missing shards ([`odds::lost_within`]), from as many as
//!   are missing now, repair going on. Where domains hold several shards, the chain of lost domains
//!   as well, each with the worst it can cost; of those imagined away, too, so that
//!   nothing gets safer by somebody being gone.
//! * **Restore within a time**: how many holders answer, peers of one domain being up and down
//!   together (each as often as measured). All packs have to be restorable.
//! * **Time to loss**: of the weakest pack, on average, when nobody repairs from now on.
//! * **Can lose**: so many peers, or whole domains, whichever they are, and no pack is lost.
//!
//! Shards with peers on probation, and with peers nothing is known of, do not count. Total; what no
//! measurement supports has to be left out by the caller, who says what it put in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chunker::{Code, OwnerId, PackId, PeerId};

use crate::placement::domains::matching::domains_to_lose;
use crate::placement::{Domain, odds};

mod set;

#[cfg(test)]
mod tests;

use set::Set;

/// The waits a restore is reckoned for: none, a day, a week, two weeks.
pub const WAITS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(86_400),
    Duration::from_secs(7 * 86_400),
    Duration::from_secs(14 * 86_400),
];

/// A pack, and who has its shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The pack.
    pub id: PackId,
    /// How many shards it needs and has.
    pub code: Code,
    /// Shards that are known to be there, by index. Of several holders of one shard the first
    /// counts.
    pub shards: Vec<(u8, PeerId)>,
}

/// What is known of a holder.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder {
    /// Whose it is.
    pub owner: OwnerId,
    /// The label of its site.
    pub site: Option<String>,
    /// What it fails together with.
    pub domain: Domain,
    /// The share of time it answers.
    pub availability: f64,
    /// It has not shown yet that it keeps what it takes.
    pub probation: bool,
}

/// What the reckoning rests on, besides the packs.
#[derive(Debug, Clone, PartialEq)]
pub struct Inputs {
    /// The holders.
    pub holders: BTreeMap<PeerId, Holder>,
    /// Departures per holder and year.
    pub rate: f64,
    /// From a departure until its shards are elsewhere.
    pub repair: Duration,
    /// How long an absence lasts on average.
    pub absence: Duration,
}

/// Whom to imagine away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Without {
    /// Devices.
    pub peers: BTreeSet<PeerId>,
    /// Members with all their devices.
    pub owners: BTreeSet<OwnerId>,
    /// Sites with everything there.
    pub sites: BTreeSet<String>,
    /// Whole domains.
    pub domains: BTreeSet<Domain>,
}

impl Without {
    /// Whether `peer` is one of them.
    pub fn takes(&self, peer: &PeerId, holder: &Holder) -> bool {
        self.peers.contains(peer)
            || self.owners.contains(&holder.owner)
            || holder.site.as_ref().is_some_and(|site| self.sites.contains(site))
            || self.domains.contains(&holder.domain)
    }
}

/// How it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Risk {
    /// Packs that were looked at.
    pub packs: u64,
    /// Packs with fewer shards than they need.
    pub lost: u64,
    /// Different sets of holders.
    pub sets: usize,
    /// The chance that any pack is lost within a year.
    pub p_loss_year: f64,
    /// The chance that everything can be restored, for each of [`WAITS`].
    pub p_restore: [f64; 4],
    /// How long the weakest pack lasts when nobody repairs; none when nobody ever leaves.
    pub time_to_loss: Option<Duration>,
    /// That pack.
    pub weakest: Option<PackId>,
    /// So many holders can be lost, whichever they are.
    pub can_lose: usize,
    /// So many domains can be lost, whichever they are.
    pub can_lose_domains: usize,
    /// The domain whose loss would cost most packs (then, most shards), and how many packs.
    pub worst_domain: Option<(Domain, u64)>,
}

/// Reckons the risk of `packs`, were `without` gone.
pub fn assess(packs: &[Held], inputs: &Inputs, without: &Without) -> Risk {
    let sets = set::sets(packs, inputs, without);
    let mut risk = Risk {
        packs: packs.len() as u64,
        lost: 0,
        sets: sets.len(),
        p_loss_year: 0.0,
        p_restore: [1.0; 4],
        time_to_loss: None,
        weakest: None,
        can_lose: usize::MAX,
        can_lose_domains: usize::MAX,
        worst_domain: set::worst_domain(&sets),
    };
    let mut kept = 1.0;
    for set in &sets {
        risk.bear(set, inputs);
        let loss = set.loss(inputs);
        // Summed up: in the complement, small chances would be rounded away.
        risk.p_loss_year += kept * loss;
        kept *= 1.0 - loss;
    }
    if sets.is_empty() {
        (risk.can_lose, risk.can_lose_domains) = (0, 0);
    }
    risk
}

impl Risk {
    /// Adds what one set contributes besides its chance of loss.
    fn bear(&mut self, set: &Set<'_>, inputs: &Inputs) {
        let spare = set.spare();
        let counts: Vec<usize> = set.in_domains().into_values().collect();
        let domains = spare.map_or(0, |spare| domains_to_lose(&counts, spare));
        self.lost += if spare.is_none() { set.packs } else { 0 };
        self.can_lose = self.can_lose.min(spare.unwrap_or(0));
        self.can_lose_domains = self.can_lose_domains.min(domains);
        for (chance, wait) in self.p_restore.iter_mut().zip(WAITS) {
            *chance *= set.restore(inputs, wait);
        }
        let time = odds::unrepaired(set.holders.len(), set.k(), inputs.rate);
        if time.is_some_and(|time| self.time_to_loss.is_none_or(|least| time < least)) {
            (self.time_to_loss, self.weakest) = (time, Some(set.first));
        }
    }
}
