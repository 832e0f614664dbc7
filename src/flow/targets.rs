//! Who may take shards in a run, and who gets which: the walk, the failure domains, the distances
//! and the owner's limits put together.
//!
//! [`Targets::now`] looks at the grid once; a run keeps what it saw, but for peers that refuse or
//! do not answer, which it walks past from then on. Every choice goes through [`choose`]: it keeps
//! all limits that were not dropped, or there is none.
//!
//! Redundancy is counted in *places*: failure domains that can take a shard together under the
//! limits. Where all peers are in one domain (one house, one owner) there is nothing to tell them
//! apart by, and each counts as a place of its own; whoever reports says so ([`Kept::domains`]).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chunker::{Code, OwnerId, PeerId};
use p2p::{Grid, PeerInfo, PeerState};

use crate::flow::policy::Policy;
use crate::flow::presence::Presences;
use crate::flow::{Ctx, FlowError};
use crate::placement::choose::{
    Infeasible, Limit, Limits, Need, Placement, Question, Target, choose,
};
use crate::placement::domains::matching::{distinct, domains_to_lose};
use crate::placement::domains::{Domains, Facts};
use crate::placement::fill::{Fill, Room};
use crate::placement::proximity::{Distances, Verdict};
use crate::placement::solver::MAX_SHARDS;
use crate::placement::{Candidate, Domain, Lane, Walk, redundancy};
use crate::vault::index::PackRecord;

mod auto;
mod pooling;
mod seats;
mod turns;

#[cfg(test)]
mod tests;

pub use auto::By;
use seats::Seats;
use turns::Turns;

/// Peers of a walk that could take something and are looked at. The search considers half as many.
const ENOUGH: usize = 1024;
/// In larger grids nobody is compared with everybody for shared fate: that takes the square.
const FATES: usize = 256;
/// Coordinates count when they say they are off by less than this share of a distance.
const SURE: f64 = 0.5;
/// Fewest places there is a backup with.
const LEAST_PLACES: usize = 2;

/// Who may take shards in this run, and who turned out not to.
#[derive(Debug, Clone)]
pub(crate) struct Targets {
    seen: Arc<Seen>,
    shared: Arc<Mutex<Shared>>,
    /// Whose turn it is, whatever the policy.
    turns: Turns,
}

/// The grid as it was when the run began.
#[derive(Debug, Clone)]
struct Seen {
    online: BTreeMap<PeerId, Target>,
    domains: Domains,
    distances: Distances,
    policy: Policy,
    presences: Presences,
    /// How full the grid is: what walks are weighted by.
    fill: Fill,
    rooms: BTreeMap<PeerId, Room>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Each lane's sequence, computed once per run.
    orders: BTreeMap<Lane, Arc<Vec<PeerId>>>,
    /// What was chosen for whole packs, while nobody new is avoided and the turn is the same.
    choices: BTreeMap<(Lane, Code), (u64, Arc<Placement>)>,
    places: Option<usize>,
    auto: Option<(Code, By)>,
    /// Full, away or unreachable: walked past for the rest of the run.
    avoided: BTreeSet<PeerId>,
    /// Peers that took something.
    used: BTreeSet<PeerId>,
    /// Limits that had to be dropped.
    relaxed: BTreeSet<Limit>,
}

/// How well a pack, or the weakest of several, is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Holders beyond those that are needed.
    pub spare: usize,
    /// Shards that have no holder yet.
    pub missing: usize,
    /// Failure domains that count: shards matched to domains, each once.
    pub domains: usize,
    /// So many domains can be lost, whichever they are.
    pub can_lose: usize,
}

impl Kept {
    /// The worse of both in each respect.
    #[must_use]
    pub fn least(self, other: Self) -> Self {
        Self {
            spare: self.spare.min(other.spare),
            missing: self.missing.max(other.missing),
            domains: self.domains.min(other.domains),
            can_lose: self.can_lose.min(other.can_lose),
        }
    }

    /// Of a pack whose holders are in these domains.
    fn of(domains: &[Domain], code: Code) -> Self {
        let k = usize::from(code.k());
        let mut counts: BTreeMap<Domain, usize> = BTreeMap::new();
        for domain in domains {
            *counts.entry(*domain).or_default() += 1;
        }
        let spare = domains.len().saturating_sub(k);
        let shards: Vec<BTreeSet<Domain>> =
            domains.iter().map(|domain| BTreeSet::from([*domain])).collect();
        let counts: Vec<usize> = counts.into_values().collect();
        let can_lose = if domains.len() < k { 0 } else { domains_to_lose(&counts, spare) };
        let missing = code.n().saturating_sub(domains.len());
        Self { spare, missing, domains: distinct(&shards), can_lose }
    }
}

/// Where the shards of a pack go that have no holder yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// A peer for each of them; fewer when there are not enough that keep the limits.
    pub(crate) peers: Vec<PeerId>,
    /// In how many domains the pack is then, those that have shards already included.
    pub(crate) domains: usize,
}

impl Targets {
    /// The grid as it is now, under the owner's policy.
    pub(crate) fn now<G: Grid>(ctx: &Ctx<G>) -> Self {
        let peers = ctx.grid.peers();
        let presences = presences_of(ctx);
        let domains = domains_of(&peers, &presences);
        let distances = distances_of(ctx, &peers);
        let (now_secs, rooms) = (ctx.clock.now_secs(), rooms_of(&peers));
        let me = ctx.device.peer();
        let serves = |info: &PeerInfo| {
            info.state == PeerState::Online && !presences.is_declared_lost(&info.peer)
        };
        let online = peers.into_iter().filter(serves);
        let target = |info: PeerInfo| Target {
            peer: info.peer,
            owner: info.owner,
            site: info.site,
            domain: domains.domain(&info.peer).unwrap_or(Domain::of_group(info.peer)),
            free_bytes: info.offer.free_bytes,
            probation: presences.is_new(&info.peer, now_secs),
            distance: distances.between(me, info.peer),
        };
        let online: BTreeMap<PeerId, Target> =
            online.map(|info| (info.peer, target(info))).collect();
        let policy = ctx.policy.as_ref().clone();
        let fill = Fill::of(rooms.values().copied());
        let seen = Seen { online, domains, distances, policy, presences, fill, rooms };
        let seen = Arc::new(seen);
        Self { seen, shared: Arc::default(), turns: Turns::default() }
    }

    /// The same grid as seen by the same run, under another policy. What peers took and refused
    /// is the same; what was chosen is not.
    pub(crate) fn under(&self, policy: &Policy) -> Self {
        let mut seen = Seen::clone(&self.seen);
        seen.policy = policy.clone();
        let avoided = self.lock().avoided.clone();
        let shared = Shared { avoided, ..Shared::default() };
        let shared = Arc::new(Mutex::new(shared));
        Self { seen: Arc::new(seen), shared, turns: self.turns.clone() }
    }

    /// Peers that are online and have room.
    fn usable(&self) -> impl Iterator<Item = &Target> {
        self.seen.online.values().filter(|target| target.free_bytes > 0)
    }

    /// Those of them that nothing spoke against so far.
    pub(crate) fn open(&self) -> impl Iterator<Item = PeerId> {
        let avoided = self.lock().avoided.clone();
        self.usable().map(|target| target.peer).filter(move |peer| !avoided.contains(peer))
    }

    /// How many of these there are.
    pub(crate) fn len(&self) -> usize {
        self.usable().count()
    }

    /// All of them.
    pub(crate) fn peers(&self) -> Vec<PeerId> {
        self.usable().map(|target| target.peer).collect()
    }

    /// In how many domains all known devices are, whether they are here or not.
    pub(crate) fn known_domains(&self) -> usize {
        self.seen.domains.count()
    }

    /// What a peer fails together with.
    pub(crate) fn domain(&self, peer: PeerId) -> Domain {
        self.seen.domains.domain(&peer).unwrap_or(Domain::of_group(peer))
    }

    /// Whether the owner set any limit.
    pub(crate) fn has_limits(&self) -> bool {
        let limits = Limits { relax: Vec::new(), ..self.seen.policy.limits.clone() };
        limits != Limits::default()
    }

    /// The peers that took something so far.
    pub(crate) fn used(&self) -> BTreeSet<PeerId> {
        self.lock().used.clone()
    }

    /// The limits that were dropped so far.
    pub(crate) fn relaxed(&self) -> Vec<Limit> {
        self.lock().relaxed.iter().copied().collect()
    }

    /// Notes that `peer` took so many bytes. When that brings it ahead of the others, it is their
    /// turn from the next pack on.
    pub(crate) fn took(&self, peer: PeerId, bytes: u64) {
        self.lock().used.insert(peer);
        self.turns.took(peer, bytes, &self.seen.fill, self.seen.rooms.get(&peer));
    }

    /// Walks past `peer` for the rest of the run.
    pub(crate) fn avoid(&self, peer: PeerId) {
        let mut shared = self.lock();
        shared.avoided.insert(peer);
        shared.choices.clear();
    }

    /// How well a pack is kept by the holders its record names.
    pub(crate) fn kept(&self, record: &PackRecord) -> Kept {
        self.kept_by(record.code, record.holders())
    }

    /// Newcomers have what they have, and do not count.
    fn kept_by(&self, code: Code, holders: impl Iterator<Item = PeerId>) -> Kept {
        let (mut domains, mut held) = (Vec::new(), 0);
        for peer in holders {
            held += 1;
            if !self.seen.online.get(&peer).is_some_and(|target| target.probation) {
                domains.push(self.domain(peer));
            }
        }
        Kept { missing: code.n().saturating_sub(held), ..Kept::of(&domains, code) }
    }

    /// The peers in the order of a lane's walk. In a large grid, those that are hardly ever reached
    /// follow in no particular order, and whoever is full comes last.
    pub(crate) fn sequence<G: Grid>(&self, ctx: &Ctx<G>, lane: Lane) -> Arc<Vec<PeerId>> {
        let walked = || Arc::new(self.walk(ctx, lane));
        Arc::clone(self.lock().orders.entry(lane).or_insert_with(walked))
    }

    fn walk<G: Grid>(&self, ctx: &Ctx<G>, lane: Lane) -> Vec<PeerId> {
        let candidate = |target: &Target| Candidate {
            peer: target.peer,
            owner: target.owner,
            domain: target.domain,
            free_bytes: self.weight(target),
        };
        let candidates: Vec<Candidate> = self.usable().map(candidate).collect();
        let (mut order, mut near) = (Vec::new(), 0);
        for step in Walk::new(ctx.vault.placement_key(), lane).steps(&candidates) {
            order.push(step.peer);
            near += usize::from(self.is_near(&step.peer));
            if near >= ENOUGH {
                break;
            }
        }
        let walked: BTreeSet<PeerId> = order.iter().copied().collect();
        let rest = self.seen.online.values();
        let mut rest: Vec<&Target> = rest.filter(|target| !walked.contains(&target.peer)).collect();
        rest.sort_by_key(|target| target.free_bytes == 0);
        order.extend(rest.into_iter().map(|target| target.peer));
        order
    }

    /// What decides how often a peer is drawn: so much that the grid fills up evenly.
    fn weight(&self, target: &Target) -> u64 {
        self.seen.rooms.get(&target.peer).map_or(0, |room| self.seen.fill.weight(*room))
    }

    fn is_near(&self, peer: &PeerId) -> bool {
        let latency = self.seen.policy.limits.proximity.latency;
        self.seen
            .online
            .get(peer)
            .is_some_and(|target| latency.judge(target.distance.as_ref()) == Verdict::Inside)
    }

    /// Targets for the shards of a pack that have no holder; as many as there are, when they are
    /// fewer than shards.
    pub(crate) fn missing<G: Grid>(
        &self,
        ctx: &Ctx<G>,
        record: &PackRecord,
        shard_bytes: u64,
    ) -> Chosen {
        let (lane, code) = (Lane::from_number(record.lane), record.code);
        let placed: Vec<PeerId> = record.holders().collect();
        let unplaced = code.n().saturating_sub(placed.len());
        if placed.is_empty()
            && let Some(chosen) = self.chosen_before(lane, code, shard_bytes)
        {
            return chosen;
        }
        let need = Need { shards: code.n(), safe: safe(code), shard_bytes };
        let limits = &self.seen.policy.limits;
        let (seats, turn) = (self.seats(code), self.turns.no());
        let asked = self.ask(ctx, lane, (&placed, seats), need, limits);
        let placement = asked.or_else(|refused| {
            let shards = placed.len() + refused.found;
            let fewer = Need { shards, safe: need.safe.min(shards), ..need };
            self.ask(ctx, lane, (&placed, seats), fewer, limits)
        });
        let Ok(placement) = placement else { return Chosen::default() };
        let mut peers = placement.targets.clone();
        peers.truncate(unplaced);
        let chosen = Chosen { peers, domains: placement.domains };
        let mut shared = self.lock();
        shared.relaxed.extend(&placement.relaxed);
        if placed.is_empty() && chosen.peers.len() == code.n() {
            shared.choices.insert((lane, code), (turn, Arc::new(placement)));
        }
        chosen
    }

    /// The choice for another pack of the lane, if all have room for these shards, too.
    fn chosen_before(&self, lane: Lane, code: Code, shard_bytes: u64) -> Option<Chosen> {
        let (turn, placement) = self.lock().choices.get(&(lane, code)).cloned()?;
        if turn != self.turns.no() {
            return None;
        }
        let room = |peer: &PeerId| {
            self.seen.online.get(peer).is_some_and(|target| target.free_bytes >= shard_bytes)
        };
        let Placement { targets, domains, .. } = placement.as_ref();
        targets.iter().all(room).then(|| Chosen { peers: targets.clone(), domains: *domains })
    }

    /// How many shards of such a pack a peer may have: copies of one peer are worth one.
    fn seats(&self, code: Code) -> u8 {
        if code.k() == 1 { 1 } else { self.seen.policy.per_peer.max(1) }
    }

    /// One question, with the peers of the lane's walk as candidates.
    fn ask<G: Grid>(
        &self,
        ctx: &Ctx<G>,
        lane: Lane,
        (placed, per_peer): (&[PeerId], u8),
        need: Need,
        limits: &Limits,
    ) -> Result<Placement, Infeasible> {
        let order = self.sequence(ctx, lane);
        let candidates = self.in_turn(&order);
        let candidates = candidates.iter().filter_map(|peer| self.seen.online.get(peer).cloned());
        let placed = placed.iter().map(|peer| self.holder(*peer));
        let seats = Seats::new(candidates, placed, per_peer);
        let between = |one, other| self.seen.distances.between(seats.peer(one), seats.peer(other));
        let placement = choose(&Question {
            candidates: &seats.candidates,
            placed: &seats.placed,
            need,
            limits,
            between: &between,
        })?;
        let targets = placement.targets.iter().map(|seat| seats.peer(*seat)).collect();
        Ok(Placement { targets, ..placement })
    }

    /// Those of a sequence that nothing spoke against: first who is not ahead of the others.
    fn in_turn(&self, order: &[PeerId]) -> Vec<PeerId> {
        let avoided = self.lock().avoided.clone();
        let fresh: Vec<PeerId> =
            order.iter().copied().filter(|peer| !avoided.contains(peer)).collect();
        self.turns.sorted(fresh, &self.seen.fill, &self.seen.rooms)
    }

    /// A peer that has a shard, as far as it is known.
    fn holder(&self, peer: PeerId) -> Target {
        let online = self.seen.online.get(&peer).cloned();
        online.unwrap_or_else(|| Target {
            peer,
            // Of a device that is not known, an owner of its own.
            owner: self
                .seen
                .distances
                .owner(&peer)
                .unwrap_or(OwnerId::from_bytes(*peer.as_bytes())),
            site: None,
            domain: self.domain(peer),
            free_bytes: 0,
            probation: false,
            distance: None,
        })
    }

    /// How many shards can go to places of their own, at most as many as a pack ever has. Below
    /// two domains every peer counts as a place.
    pub(crate) fn places<G: Grid>(&self, ctx: &Ctx<G>) -> usize {
        if let Some(places) = self.lock().places {
            return places;
        }
        let mut limits = Limits { relax: Vec::new(), ..self.seen.policy.limits.clone() };
        let mut to_relax = self.seen.policy.limits.relax.iter();
        let places = loop {
            let places = self.count_places(ctx, &limits);
            if places >= LEAST_PLACES {
                break places;
            }
            match to_relax.next() {
                Some(limit) => limits = limits.without(*limit),
                None => break places,
            }
        };
        self.lock().places = Some(places);
        places
    }

    fn count_places<G: Grid>(&self, ctx: &Ctx<G>, limits: &Limits) -> usize {
        let domains: BTreeSet<Domain> = self.usable().map(|target| target.domain).collect();
        let apart = Limits { strict_domains: true, ..limits.clone() };
        let places = self.most(ctx, domains.len().min(MAX_SHARDS), &apart);
        if places >= LEAST_PLACES || limits.strict_domains {
            return places;
        }
        self.most(ctx, self.len().min(MAX_SHARDS), limits)
    }

    /// How many of `wanted` shards, however small, can be placed under these limits.
    fn most<G: Grid>(&self, ctx: &Ctx<G>, wanted: usize, limits: &Limits) -> usize {
        // A place is one only with somebody who counts.
        let need = Need { shards: wanted, safe: wanted, shard_bytes: 1 };
        match self.ask(ctx, Lane::META, (&[], 1), need, limits) {
            Ok(_) => wanted,
            Err(refused) => refused.found,
        }
    }

    /// The limits that were not dropped, and are not to be for the sake of one more copy.
    fn left_limits(&self) -> Limits {
        let limits = Limits { relax: Vec::new(), ..self.seen.policy.limits.clone() };
        self.relaxed().into_iter().fold(limits, Limits::without)
    }

    /// As many copies of a pack as limits allow, at most `most` and at least one.
    pub(crate) fn copies<G: Grid>(&self, ctx: &Ctx<G>, most: usize) -> usize {
        let wanted = self.len().min(most);
        let copies =
            if self.has_limits() { self.most(ctx, wanted, &self.left_limits()) } else { wanted };
        copies.max(1)
    }

    /// The code for metadata packs beside data packs of code `data`. Where places are shared, its
    /// shards share them, too, so that it is never kept worse than data.
    pub(crate) fn metadata<G: Grid>(&self, ctx: &Ctx<G>, data: Code) -> Code {
        let places = self.places(ctx);
        redundancy::metadata(places.max(data.n().min(self.len())), data)
    }

    /// The same for packs that may wait for peers who are not here: however few are, they are to be
    /// kept as well as data.
    pub(crate) fn metadata_later<G: Grid>(&self, ctx: &Ctx<G>, data: Code) -> Code {
        redundancy::metadata(self.places(ctx).max(data.n()), data)
    }

    /// The same for what the next head names. While nearly everybody is away there is none: what
    /// all snapshots hang on does not go to one peer alone beside data that may lose some.
    pub(crate) fn roots<G: Grid>(&self, ctx: &Ctx<G>, data: Code) -> Result<Code, FlowError> {
        let code = self.metadata(ctx, data);
        if code.m() == 0 && data.m() > 0 {
            return Err(FlowError::TooFewPeers { wanted: LEAST_PLACES, usable: code.n() });
        }
        Ok(code)
    }

    /// Whether packs of this code can be placed, before anything is sent; and how well they would
    /// be kept.
    pub(crate) fn check<G: Grid>(&self, ctx: &Ctx<G>, code: Code) -> Result<Kept, FlowError> {
        let need = Need { shards: code.n(), safe: safe(code), shard_bytes: 1 };
        let limits = &self.seen.policy.limits;
        let asked = self.ask(ctx, Lane::META, (&[], self.seats(code)), need, limits);
        let placement = asked.map_err(|refused| {
            if self.has_limits() {
                FlowError::Limits(Box::new(refused))
            } else {
                FlowError::TooFewPeers { wanted: code.n(), usable: refused.found }
            }
        })?;
        self.lock().relaxed.extend(&placement.relaxed);
        Ok(self.kept_by(code, placement.targets.into_iter()))
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many shards of a pack have to be with peers that count: enough, and one to spare.
fn safe(code: Code) -> usize {
    code.n().min(usize::from(code.k()) + 1)
}

/// What was seen of others; nothing, when that cannot be read.
pub(crate) fn presences_of<G: Grid>(ctx: &Ctx<G>) -> Presences {
    Presences::load(ctx).unwrap_or_else(|error| {
        tracing::warn!(%error, "placing without what was seen of others");
        Presences::default()
    })
}

fn rooms_of(peers: &[PeerInfo]) -> BTreeMap<PeerId, Room> {
    let room = |info: &PeerInfo| Room {
        used_bytes: info.offer.used_bytes,
        free_bytes: info.offer.free_bytes,
    };
    peers.iter().map(|info| (info.peer, room(info))).collect()
}

/// Which devices fail together, by all that is known of them. We ourselves tie nobody: that two
/// peers each share something with us does not make them share it.
pub(crate) fn domains_of(peers: &[PeerInfo], presences: &Presences) -> Domains {
    let fates = peers.len() <= FATES;
    let facts: Vec<Facts<'_>> = peers
        .iter()
        .map(|info| Facts {
            peer: info.peer,
            owner: info.owner,
            site: info.site.as_deref(),
            addresses: &info.reached,
            lan: info.reached.iter().any(is_local),
            presence: presences.of(&info.peer).filter(|_| fates),
        })
        .collect();
    Domains::of(&facts)
}

/// Whether only machines of our own network have such an address.
fn is_local(address: &IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    }
}

fn distances_of<G: Grid>(ctx: &Ctx<G>, peers: &[PeerInfo]) -> Distances {
    let me = (ctx.device.peer(), ctx.device.owner());
    let owners = peers.iter().map(|info| (info.peer, info.owner)).chain([me]).collect();
    let mut distances = Distances::new(me.0, owners);
    for info in peers {
        if let Some(rtt) = info.rtt {
            distances.measured(info.peer, rtt);
        }
    }
    let chart = ctx.grid.chart();
    for (peer, coord) in chart.coords {
        // One that does not know yet where it is would be taken to be near everybody else.
        if coord.error() <= SURE {
            distances.placed(peer, coord);
        }
    }
    for (witness, seen) in chart.seen {
        for (peer, rtt) in seen {
            distances.witnessed(witness, peer, rtt);
        }
    }
    distances
}
