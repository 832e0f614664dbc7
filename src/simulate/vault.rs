//! The source's packs: bytes that are only counted. Packs with the same holders are one batch.
//!
//! Placing is the engine's: a lane's [`Walk`] over the peers that are there gives the order, and
//! [`choose`] takes the first that keep all limits. A batch that no set of peers has room for is
//! halved until it fits.

use std::collections::{BTreeMap, BTreeSet};

use chunker::Code;

use super::Plan;
use super::dice::Dice;
use super::grid::{Grid, Who};
use super::holders::Holders;
use crate::care::{Rules, ShardState, State, Tally};
use crate::placement::choose::{Limits, Need, Placement, Question, Target, choose};
use crate::placement::fill::Fill;
use crate::placement::{Domain, Lane, PlacementKey, Walk};

/// Bytes of a pack.
const PACK: u64 = chunker::PACK_FULL as u64;
/// Peers of a walk that are looked at, as in the engine.
const ENOUGH: usize = 1024;
/// The same when nothing but room is asked of them, and so much for each shard besides.
const LEAST: usize = 32;

/// Packs that share their holders.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub(super) lane: u8,
    pub(super) packs: u64,
    /// By index: who has a copy of the shard. A shard that was made again may come back.
    pub(super) shards: Vec<BTreeSet<Who>>,
    /// Fewer than k shards exist.
    pub(super) lost: bool,
}

/// The packs, and how they are placed.
#[derive(Debug)]
pub(super) struct Vault {
    pub(super) code: Code,
    pub(super) batches: Vec<Batch>,
    key: PlacementKey,
    limits: Limits,
    availability: f64,
    dice: Dice,
    /// How full the grid was at the last refresh, if it was looked at since.
    fill: Option<Fill>,
    /// Sequences computed since the last refresh, by lane: one look-up each.
    sequences: BTreeMap<u8, Vec<usize>>,
    /// Sequences computed in all, and the lanes and refreshes that wanted one.
    pub(super) lookups: u64,
    pub(super) wanted: BTreeSet<(u64, u8)>,
    /// When the roster was last looked at.
    refresh: u64,
    /// Packs that found no place.
    pub(super) unplaced: u64,
}

impl Vault {
    pub(super) fn new(plan: &Plan, code: Code) -> Self {
        let seed = blake3::hash(&plan.seed.to_le_bytes());
        Self {
            code,
            batches: Vec::new(),
            key: PlacementKey::from_bytes(*seed.as_bytes()),
            limits: plan.limits.clone(),
            availability: plan.availability,
            dice: Dice::new(plan.seed, "vault"),
            fill: None,
            sequences: BTreeMap::new(),
            lookups: 0,
            wanted: BTreeSet::new(),
            refresh: 0,
            unplaced: 0,
        }
    }

    /// Bytes of a shard, padded to whole pairs as the code does.
    pub(super) fn shard_bytes(&self) -> u64 {
        PACK.div_ceil(u64::from(self.code.k()))
    }

    /// Looks at the roster anew: sequences of before are forgotten.
    pub(super) fn refresh(&mut self) {
        self.refresh += 1;
        self.fill = None;
        self.sequences.clear();
    }

    /// Puts all data on the grid. Bytes sent.
    pub(super) fn back_up(
        &mut self,
        bytes: u64,
        lanes: u8,
        grid: &mut Grid,
        holders: &mut Holders,
        rules: &Rules,
    ) -> u64 {
        self.refresh();
        let packs = bytes.div_ceil(PACK);
        let n = self.code.n();
        for lane in 1..=lanes {
            let lane_no = u64::from(lane);
            let count = u64::from(lanes);
            let mut waiting = vec![packs * lane_no / count - packs * (lane_no - 1) / count];
            while let Some(packs) = waiting.pop() {
                let mut batch =
                    Batch { lane, packs, shards: vec![BTreeSet::new(); n], lost: false };
                match self.targets(&batch, grid, holders, 0) {
                    _ if packs == 0 => {}
                    Some(chosen) => {
                        batch.packs = packs.min(self.turn(&chosen, grid));
                        waiting.push(packs - batch.packs);
                        self.put(batch, chosen, (grid, holders, rules));
                    }
                    None if packs > 1 => waiting.extend([packs / 2, packs - packs / 2]),
                    None => self.unplaced += 1,
                }
            }
        }
        (packs - self.unplaced) * self.shard_bytes() * n as u64
    }

    /// How many packs go to these before it is the turn of others, one at least. Who is ahead
    /// already was chosen for want of others.
    fn turn(&self, chosen: &[Who], grid: &Grid) -> u64 {
        let Some(fill) = self.fill else { return u64::MAX };
        let lacking = chosen.iter().map(|who| fill.lacks(grid.peers[who.slot].room));
        let least = lacking.filter(|lacks| *lacks > 0).min();
        least.map_or(u64::MAX, |lacks| lacks.div_ceil(self.shard_bytes()))
    }

    fn put(
        &mut self,
        mut batch: Batch,
        chosen: Vec<Who>,
        (grid, holders, rules): (&mut Grid, &mut Holders, &Rules),
    ) {
        for (shard, who) in batch.shards.iter_mut().zip(chosen) {
            shard.insert(who);
            grid.take(who.slot, batch.packs * self.shard_bytes());
            holders.meet(who, 0, rules);
        }
        self.batches.push(batch);
    }

    /// Peers for the shards of a batch that have no holder that counts: in the order of the walk,
    /// who is ahead of the others last,
    /// as many as are missing; none when the limits cannot be met.
    pub(super) fn targets(
        &mut self,
        batch: &Batch,
        grid: &Grid,
        holders: &Holders,
        now_secs: u64,
    ) -> Option<Vec<Who>> {
        let placed: Vec<Who> = batch
            .shards
            .iter()
            .filter_map(|shard| shard.iter().copied().find(|who| holders.state(*who).counts()))
            .collect();
        // Nobody gets a second shard of a pack: a holder that was given up may come back.
        let taken: BTreeSet<usize> = batch.shards.iter().flatten().map(|who| who.slot).collect();
        let mut order = self.sequence(batch.lane, grid, holders, now_secs);
        if let Some(fill) = self.fill {
            order.sort_by_key(|slot| fill.is_ahead(grid.peers[*slot].room));
        }
        let slots = order.iter().copied().filter(|slot| !taken.contains(slot));
        let candidates: Vec<Target> = slots.take(ENOUGH).map(|slot| target(grid, slot)).collect();
        let placed: Vec<Target> = placed.iter().map(|who| target(grid, who.slot)).collect();
        let slot_of: BTreeMap<_, usize> = order
            .iter()
            .copied()
            .chain(taken.iter().copied())
            .map(|slot| (grid.peers[slot].id, slot))
            .collect();
        let between = |one, other| Some(grid.between(*slot_of.get(&one)?, *slot_of.get(&other)?));
        let shard_bytes = batch.packs * self.shard_bytes();
        let need = Need { shards: self.code.n(), safe: 0, shard_bytes };
        let question = Question {
            candidates: &candidates,
            placed: &placed,
            need,
            limits: &self.limits,
            between: &between,
        };
        let Placement { targets, .. } = choose(&question).ok()?;
        targets.iter().map(|peer| Some(grid.who(*slot_of.get(peer)?))).collect()
    }

    /// The lane's walk over who is there, computed once for each look at the roster.
    fn sequence(&mut self, lane: u8, grid: &Grid, holders: &Holders, now_secs: u64) -> Vec<usize> {
        self.wanted.insert((self.refresh, lane));
        if let Some(known) = self.sequences.get(&lane) {
            return known.clone();
        }
        self.lookups += 1;
        let there = |slot: &usize| {
            let who = grid.who(*slot);
            if holders.knows(who) {
                holders.answers(who, grid, now_secs) && holders.state(who).counts()
            } else {
                self.dice.happens(self.availability)
            }
        };
        let slots: Vec<usize> = (0..grid.peers.len()).filter(there).collect();
        let by_id: BTreeMap<_, usize> =
            slots.iter().map(|slot| (grid.peers[*slot].id, *slot)).collect();
        let fill = *self.fill.get_or_insert_with(|| grid.filled());
        let candidates = grid.candidates(&slots, &fill);
        let walk = Walk::new(&self.key, Lane::from_number(lane));
        // Without limits most of a walk is never reached.
        let free = self.limits == Limits::default();
        let enough = if free { LEAST + 4 * self.code.n() } else { ENOUGH };
        let steps = walk.steps(&candidates).take(enough);
        let order: Vec<usize> = steps.filter_map(|step| by_id.get(&step.peer).copied()).collect();
        self.sequences.insert(lane, order.clone());
        order
    }

    /// How a batch stands, as far as the source knows.
    pub(super) fn tally(
        &self,
        batch: &Batch,
        grid: &Grid,
        holders: &Holders,
        now_secs: u64,
    ) -> Tally {
        let shard = |copies: &BTreeSet<Who>| {
            let counting = copies.iter().filter(|who| holders.state(**who).counts());
            counting
                .map(|who| {
                    let here = holders.state(*who) == State::Present
                        && holders.answers(*who, grid, now_secs);
                    if here { ShardState::Here } else { ShardState::Silent }
                })
                .min()
                .unwrap_or(ShardState::Gone)
        };
        Tally::of(self.code, batch.shards.iter().map(shard))
    }

    /// Shards that exist in truth.
    pub(super) fn alive(batch: &Batch, grid: &Grid) -> usize {
        let alive = |copies: &&BTreeSet<Who>| copies.iter().any(|who| grid.stayed(*who));
        batch.shards.iter().filter(alive).count()
    }
}

fn target(grid: &Grid, slot: usize) -> Target {
    let owner = grid.owner(slot);
    Target {
        peer: grid.peers[slot].id,
        owner,
        site: None,
        domain: Domain::of_owner(owner),
        free_bytes: grid.peers[slot].room.free_bytes,
        probation: false,
        distance: Some(grid.to_source(slot)),
    }
}
