//! The search for targets that go together: depth first along the walk, bounded.
//!
//! A node is a set of chosen targets and the list of those after the last that still go with all of
//! them. A branch is left as soon as its list cannot fill the places that are open, counted by
//! domains, sites, owners and newcomers. What is found first is the first in the order of the pool.
//!
//! Finding targets that pairwise keep a spread is finding a clique, which has no fast solution;
//! after [`MOST_NODES`] nodes the search is given up. Where nothing but greed is needed it costs
//! one pass for each target.

use std::collections::BTreeMap;

use chunker::PeerId;

use crate::placement::choose::{Cost, Question, Target};
use crate::placement::proximity::Verdict;

/// Candidates that are looked at: the first of the walk that qualify on their own. With more, the
/// memory for pairs would grow for targets that are hardly ever reached.
pub(super) const MOST_CONSIDERED: usize = 512;
/// Nodes after which a search is given up: a fraction of a second of work.
const MOST_NODES: usize = 4096;

/// What a try aims at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Targets to be found.
    pub(super) wanted: usize,
    /// Most shards in one domain.
    pub(super) per_domain: usize,
}

/// What may be shared by only so many targets.
const DOMAIN: usize = 0;
const SITE: usize = 1;
const OWNER: usize = 2;

/// Groups of targets with something in common, and how many more of each may be chosen.
#[derive(Debug, Clone, Default)]
struct Groups {
    /// Of each target of the pool; none when it is in no group.
    of: Vec<Option<usize>>,
    open: Vec<usize>,
}

impl Groups {
    /// `most` of each group, of which those of `placed` are taken.
    fn new<K: Ord>(
        pool: &[&Target],
        placed: &[Target],
        most: usize,
        key: impl Fn(&Target) -> Option<K>,
    ) -> Self {
        let mut numbers = BTreeMap::new();
        let mut open = Vec::new();
        let mut number = |target: &Target, open: &mut Vec<usize>| {
            key(target).map(|key| {
                *numbers.entry(key).or_insert_with(|| {
                    open.push(most);
                    open.len() - 1
                })
            })
        };
        for target in placed {
            if let Some(group) = number(target, &mut open) {
                open[group] = open[group].saturating_sub(1);
            }
        }
        let of = pool.iter().map(|target| number(target, &mut open)).collect();
        Self { of, open }
    }

    fn is_open(&self, at: usize) -> bool {
        self.of[at].is_none_or(|group| self.open[group] > 0)
    }

    fn take(&mut self, at: usize) {
        if let Some(group) = self.of[at] {
            self.open[group] = self.open[group].saturating_sub(1);
        }
    }

    fn give_back(&mut self, at: usize) {
        if let Some(group) = self.of[at] {
            self.open[group] += 1;
        }
    }

    /// How many of `list` can be chosen at most.
    fn room(&self, list: &[usize]) -> usize {
        let mut open = self.open.clone();
        let takes = |at: &&usize| match self.of[**at] {
            Some(group) if open[group] == 0 => false,
            Some(group) => {
                open[group] -= 1;
                true
            }
            None => true,
        };
        list.iter().filter(takes).count()
    }
}

/// A node's choices that are left.
#[derive(Debug)]
struct Frame {
    list: Vec<usize>,
    next: usize,
}

/// One search.
pub(super) struct Search<'a> {
    question: &'a Question<'a>,
    pool: &'a [&'a Target],
    bounds: Bounds,
    groups: [Groups; 3],
    newcomers_open: usize,
    /// What is known of pairs; nothing when any spread will do.
    pairs: Vec<Option<bool>>,
    nodes: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(question: &'a Question<'a>, pool: &'a [&'a Target], bounds: Bounds) -> Self {
        let (limits, placed) = (question.limits, question.placed);
        let any = usize::MAX;
        let groups = [
            Groups::new(pool, placed, bounds.per_domain, |target| Some(target.domain)),
            Groups::new(pool, placed, limits.per_site.unwrap_or(any), |target| {
                let site = target.site.as_ref().map(|site| site.trim().to_lowercase());
                site.filter(|site| !site.is_empty())
            }),
            Groups::new(pool, placed, limits.per_owner.unwrap_or(any), |target| Some(target.owner)),
        ];
        let newcomers = placed.iter().filter(|target| target.probation).count();
        let most = question.need.shards.saturating_sub(question.need.safe);
        let newcomers_open = most.saturating_sub(newcomers);
        let pairs = if limits.proximity.spread.is_any() { 0 } else { pool.len() * pool.len() };
        let pairs = vec![None; pairs];
        Self { question, pool, bounds, groups, newcomers_open, pairs, nodes: 0 }
    }

    /// The first targets that go together, or as many as were found.
    pub(super) fn run(&mut self) -> Vec<usize> {
        let fits = |at: &usize| self.is_open(*at) && self.goes_with_placed(*at);
        let list: Vec<usize> = (0..self.pool.len()).filter(fits).collect();
        let (mut chosen, mut best) = (Vec::new(), Vec::new());
        let mut stack = vec![Frame { list, next: 0 }];
        while let Some(frame) = stack.last_mut() {
            if chosen.len() > best.len() {
                best.clone_from(&chosen);
            }
            let missing = self.bounds.wanted - chosen.len();
            let left = &frame.list[frame.next..];
            if missing == 0 || self.exhausted() {
                break;
            }
            if left.is_empty() || self.room(left) < missing {
                stack.pop();
                chosen.pop().into_iter().for_each(|at| self.give_back(at));
                continue;
            }
            let (at, rest) = (left[0], left[1..].to_vec());
            frame.next += 1;
            self.nodes += 1;
            self.take(at);
            chosen.push(at);
            let list = rest.into_iter().filter(|other| self.is_open(*other));
            let list: Vec<usize> = list.collect();
            let list = list.into_iter().filter(|other| self.go_together(at, *other)).collect();
            stack.push(Frame { list, next: 0 });
        }
        chosen.into_iter().for_each(|at| self.give_back(at));
        self.extend(best)
    }

    /// Whether the search was given up.
    pub(super) const fn exhausted(&self) -> bool {
        self.nodes >= MOST_NODES
    }

    /// Counts for which limit each target of the pool was not chosen.
    pub(super) fn count(&mut self, chosen: &[usize], cost: &mut Cost) {
        chosen.iter().for_each(|at| self.take(*at));
        for at in (0..self.pool.len()).filter(|at| !chosen.contains(at)) {
            if self.pool[at].probation && self.newcomers_open == 0 {
                cost.probation += 1;
            } else if !self.groups[DOMAIN].is_open(at) {
                cost.domains += 1;
            } else if !self.groups[SITE].is_open(at) {
                cost.site += 1;
            } else if !self.groups[OWNER].is_open(at) {
                cost.owner += 1;
            } else {
                cost.spread += 1;
            }
        }
        chosen.iter().for_each(|at| self.give_back(*at));
    }

    /// Adds what still fits, so that whoever is left out was kept out by a limit.
    fn extend(&mut self, mut chosen: Vec<usize>) -> Vec<usize> {
        chosen.iter().for_each(|at| self.take(*at));
        for at in 0..self.pool.len() {
            let new = chosen.len() < self.bounds.wanted && !chosen.contains(&at);
            let fits = new && self.is_open(at) && self.goes_with_placed(at);
            if fits && chosen.iter().all(|other| self.go_together(at, *other)) {
                self.take(at);
                chosen.push(at);
            }
        }
        chosen.iter().for_each(|at| self.give_back(*at));
        chosen
    }

    fn goes_with_placed(&self, at: usize) -> bool {
        let placed = self.question.placed.iter();
        placed.map(|target| target.peer).all(|peer| self.within(self.pool[at].peer, peer))
    }

    fn go_together(&mut self, one: usize, other: usize) -> bool {
        if self.pairs.is_empty() {
            return true;
        }
        let at = one.min(other) * self.pool.len() + one.max(other);
        let known = self.pairs[at];
        let together =
            known.unwrap_or_else(|| self.within(self.pool[one].peer, self.pool[other].peer));
        self.pairs[at] = Some(together);
        together
    }

    fn within(&self, one: PeerId, other: PeerId) -> bool {
        let spread = self.question.limits.proximity.spread;
        spread.is_any()
            || spread.judge((self.question.between)(one, other).as_ref()) == Verdict::Inside
    }

    fn is_open(&self, at: usize) -> bool {
        self.groups.iter().all(|groups| groups.is_open(at))
            && (!self.pool[at].probation || self.newcomers_open > 0)
    }

    /// How many of `list` can be chosen at most.
    fn room(&self, list: &[usize]) -> usize {
        let newcomers = list.iter().filter(|at| self.pool[**at].probation).count();
        let established = list.len() - newcomers;
        let grouped = self.groups.iter().map(|groups| groups.room(list)).min();
        grouped.unwrap_or(0).min(established + newcomers.min(self.newcomers_open))
    }

    fn take(&mut self, at: usize) {
        self.groups.iter_mut().for_each(|groups| groups.take(at));
        self.newcomers_open -= usize::from(self.pool[at].probation);
    }

    fn give_back(&mut self, at: usize) {
        self.groups.iter_mut().for_each(|groups| groups.give_back(at));
        self.newcomers_open += usize::from(self.pool[at].probation);
    }
}
