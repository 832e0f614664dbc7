//! Choosing targets: the first along the walk that together keep all limits.
//!
//! Each candidate must have room and be within the latency of the source. Together, no two may be
//! outside the spread, and no site, owner or domain may have more shards than it may. Domains get
//! one shard each; where they are fewer than shards, as few as possible each (or the placement is
//! refused, with [`Limits::strict_domains`]). The search goes along the walk, domains before
//! seconds of domains, and turns back where a choice leaves too few others; see `search.rs`.
//!
//! Newcomers on probation come last and never count towards safety: at most as many places go to
//! them as a pack can have above [`Need::safe`].
//!
//! What cannot be met is refused ([`Infeasible`]) with what each limit cost and which single limit
//! would have to go, unless [`Limits::relax`] names limits to drop, in this order, until it can.
//! The result depends on its input alone, and never violates a limit that was not dropped. (The
//! search is bounded; where it gives up, [`Infeasible::exhausted`] says so.)

use std::collections::BTreeMap;
use std::fmt;

use chunker::{OwnerId, PeerId};

use crate::placement::Domain;
use crate::placement::proximity::{Distance, Verdict};

mod limits;
mod refusal;
mod search;

#[cfg(test)]
mod tests;

pub use limits::{Limit, Limits, UnknownLimit};
pub use refusal::{Cost, Infeasible};
use search::{Bounds, Search};

/// A peer that could take a shard, or has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The device.
    pub peer: PeerId,
    /// Whose it is.
    pub owner: OwnerId,
    /// The label of its site, if it has one.
    pub site: Option<String>,
    /// What it fails together with.
    pub domain: Domain,
    /// What it can still take.
    pub free_bytes: u64,
    /// It has not shown yet that it keeps what it takes.
    pub probation: bool,
    /// How far it is from the source.
    pub distance: Option<Distance>,
}

/// What a pack needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Shards in all, those included that are placed.
    pub shards: usize,
    /// How many of them have to be with peers that are not on probation.
    pub safe: usize,
    /// How large each is.
    pub shard_bytes: u64,
}

/// The distance between two peers.
pub type Between<'a> = &'a dyn Fn(PeerId, PeerId) -> Option<Distance>;

/// Everything a choice depends on.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// In the order of the walk. Those that are placed are not chosen again.
    pub candidates: &'a [Target],
    /// Who has a shard already.
    pub placed: &'a [Target],
    /// What the pack needs.
    pub need: Need,
    /// What the owner asked for.
    pub limits: &'a Limits,
    /// Distances between targets.
    pub between: Between<'a>,
}

impl Question<'_> {
    /// How many targets are missing. More than shards, when too many of these are with newcomers.
    fn wanted(&self) -> usize {
        let established = self.placed.iter().filter(|target| !target.probation).count();
        let unplaced = self.need.shards.saturating_sub(self.placed.len());
        unplaced.max(self.need.safe.min(self.need.shards).saturating_sub(established))
    }

    /// How many shards one domain may get at most.
    fn most_per_domain(&self, pool: &[&Target]) -> usize {
        let mut in_domain: BTreeMap<Domain, usize> = BTreeMap::new();
        for target in self.placed.iter().chain(pool.iter().copied()) {
            *in_domain.entry(target.domain).or_default() += 1;
        }
        let largest = in_domain.values().max().copied().unwrap_or(1);
        if self.limits.strict_domains { 1 } else { largest }
    }
}

impl fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Question");
        debug.field("candidates", &self.candidates).field("placed", &self.placed);
        debug.field("need", &self.need).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Where the missing shards go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// In the order of the walk, newcomers last. More than there are shards to place, when too many
    /// of those that are placed are with newcomers: the last ones are for copies of these.
    pub targets: Vec<PeerId>,
    /// How many shards count towards safety, those included that were placed.
    pub counted: usize,
    /// In how many domains the shards that count are.
    pub domains: usize,
    /// Most shards in one domain; 1 when all are in domains of their own.
    pub most_in_domain: usize,
    /// The limits that were dropped.
    pub relaxed: Vec<Limit>,
}

/// Chooses targets for the shards that are not placed.
pub fn choose(question: &Question<'_>) -> Result<Placement, Infeasible> {
    let mut limits = question.limits.clone();
    let mut relaxed = Vec::new();
    let mut to_relax = question.limits.relax.iter();
    loop {
        let asked = Question { limits: &limits, ..*question };
        let pool = pool(&asked);
        if let Some(chosen) = attempt(&asked, &pool.targets) {
            return Ok(Placement { relaxed, ..placement(&asked, &pool.targets, &chosen) });
        }
        let Some(next) = to_relax.find(|limit| limits.has(**limit)) else {
            let helps = |limit: &Limit| {
                let limits = limits.clone().without(*limit);
                let without = Question { limits: &limits, ..*question };
                asked.limits.has(*limit)
                    && attempt(&without, &self::pool(&without).targets).is_some()
            };
            let helps = Limit::ALL.into_iter().filter(helps).collect();
            return Err(Infeasible { helps, relaxed, ..refusal(&asked, pool) });
        };
        limits = limits.without(*next);
        relaxed.push(*next);
    }
}

/// One try with fixed limits; from one shard per domain upwards.
fn attempt(question: &Question<'_>, pool: &[&Target]) -> Option<Vec<usize>> {
    let wanted = question.wanted();
    (1..=question.most_per_domain(pool)).find_map(|per_domain| {
        let chosen = Search::new(question, pool, Bounds { wanted, per_domain }).run();
        (chosen.len() >= wanted).then_some(chosen)
    })
}

/// Why there is no placement: the largest that can be made, and what kept out everybody else.
fn refusal(question: &Question<'_>, pool: Pool<'_>) -> Infeasible {
    let Pool { targets, mut cost } = pool;
    let per_domain = question.most_per_domain(&targets);
    let search = |wanted| Search::new(question, &targets, Bounds { wanted, per_domain });
    let mut largest = search(question.wanted());
    let mut chosen = largest.run();
    let exhausted = largest.exhausted();
    for wanted in (chosen.len() + 1..question.wanted()).rev() {
        let found = search(wanted).run();
        if found.len() >= wanted {
            chosen = found;
            break;
        }
    }
    largest.count(&chosen, &mut cost);
    Infeasible {
        wanted: question.wanted(),
        found: chosen.len(),
        candidates: question.candidates.len(),
        cost,
        helps: Vec::new(),
        relaxed: Vec::new(),
        exhausted,
    }
}

/// Who qualifies on its own, and how many do not.
struct Pool<'a> {
    targets: Vec<&'a Target>,
    cost: Cost,
}

/// The candidates that qualify on their own: established ones first, then by how many of their
/// domain come before them, then in the order of the walk.
fn pool<'a>(question: &Question<'a>) -> Pool<'a> {
    let mut cost = Cost::default();
    let mut met: BTreeMap<Domain, usize> = BTreeMap::new();
    let mut known: Vec<PeerId> = question.placed.iter().map(|target| target.peer).collect();
    for target in question.placed {
        *met.entry(target.domain).or_default() += 1;
    }
    known.sort_unstable();
    let mut pool = Vec::new();
    for target in question.candidates {
        if known.binary_search(&target.peer).is_ok() {
            continue;
        }
        let latency = question.limits.proximity.latency.judge(target.distance.as_ref());
        if target.free_bytes < question.need.shard_bytes {
            cost.full += 1;
        } else if latency != Verdict::Inside {
            cost.latency += 1;
        } else {
            pool.push(target);
        }
    }
    pool.sort_by_key(|target| target.probation);
    let mut ranked: Vec<(bool, usize, &Target)> = Vec::new();
    for target in pool {
        let before = met.entry(target.domain).or_default();
        ranked.push((target.probation, *before, target));
        *before += 1;
    }
    ranked.sort_by_key(|(probation, before, _)| (*probation, *before));
    ranked.truncate(search::MOST_CONSIDERED);
    Pool { targets: ranked.into_iter().map(|(_, _, target)| target).collect(), cost }
}

fn placement(question: &Question<'_>, pool: &[&Target], chosen: &[usize]) -> Placement {
    let chosen = chosen.iter().map(|at| pool[*at]);
    let mut all: BTreeMap<Domain, usize> = BTreeMap::new();
    let mut counted: BTreeMap<Domain, usize> = BTreeMap::new();
    for target in question.placed.iter().chain(chosen.clone()) {
        *all.entry(target.domain).or_default() += 1;
        if !target.probation {
            *counted.entry(target.domain).or_default() += 1;
        }
    }
    Placement {
        targets: chosen.map(|target| target.peer).collect(),
        counted: counted.values().sum(),
        domains: counted.len(),
        most_in_domain: all.values().max().copied().unwrap_or(0),
        relaxed: Vec::new(),
    }
}
