//! The peers of the model: who is there, how far apart, how full, and who came in whose place.
//!
//! A slot is a place in the grid; whoever leaves for good is followed at once by a newcomer with
//! another id, another disk and another place on the map, so that the grid keeps its size. Slots
//! are assigned to sites; a site is one household: one owner, one failure domain.
//!
//! Whether a peer that holds nothing of ours is up is not followed through time; when somebody is
//! looked for, each of them is up with the chance of its availability.

use chunker::{OwnerId, PeerId};

use super::Plan;
use super::dice::Dice;
use crate::placement::fill::{Fill, Room};
use crate::placement::proximity::Distance;
use crate::placement::{Candidate, Domain};

/// Smallest and largest donation, in bytes; as many in each decade.
const SMALLEST: f64 = 1e10;
const LARGEST: f64 = 1e13;
/// Side of the map, in milliseconds of round trip, and how long the last mile takes.
const MAP_MS: f64 = 120.0;
const MILE_MS: f64 = 12.0;

/// One peer, for as long as it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Who {
    pub(super) slot: usize,
    /// How many were in the slot before it.
    pub(super) generation: u32,
}

/// What is at a slot now.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) generation: u32,
    pub(super) id: PeerId,
    pub(super) room: Room,
    x_ms: f64,
    y_ms: f64,
    mile_ms: f64,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) peers: Vec<Peer>,
    sites: usize,
    seed: u64,
    fill: f64,
    dice: Dice,
    source: (f64, f64, f64),
}

impl Grid {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut dice = Dice::new(plan.seed, "grid");
        let source = place(&mut dice);
        let (seed, fill) = (plan.seed, plan.fill);
        let sites = plan.sites.unwrap_or(plan.peers).clamp(1, plan.peers) as usize;
        let mut grid = Self { peers: Vec::new(), sites, seed, fill, dice, source };
        for slot in 0..plan.peers as usize {
            let peer = grid.newcomer(Who { slot, generation: 0 });
            grid.peers.push(peer);
        }
        grid
    }

    fn newcomer(&mut self, who: Who) -> Peer {
        let (slot, generation) = (who.slot as u64, who.generation);
        let mut name = blake3::Hasher::new();
        name.update(&self.seed.to_le_bytes()).update(&slot.to_le_bytes());
        let id = PeerId::from(name.update(&generation.to_le_bytes()).finalize());
        let capacity = SMALLEST * (LARGEST / SMALLEST).powf(self.dice.unit());
        // What others have there: as full as everybody, but for a newcomer, who is empty.
        let fill = if generation == 0 { self.fill } else { 0.0 };
        let used = capacity * fill;
        let room = Room { used_bytes: used as u64, free_bytes: (capacity - used) as u64 };
        let (x_ms, y_ms, mile_ms) = place(&mut self.dice);
        Peer { generation, id, room, x_ms, y_ms, mile_ms }
    }

    /// Somebody leaves for good.
    pub(super) fn leaves(&mut self, slot: usize) {
        let generation = self.peers[slot].generation + 1;
        self.peers[slot] = self.newcomer(Who { slot, generation });
    }

    pub(super) fn who(&self, slot: usize) -> Who {
        Who { slot, generation: self.peers[slot].generation }
    }

    /// Whether it never left.
    pub(super) fn stayed(&self, who: Who) -> bool {
        self.peers[who.slot].generation == who.generation
    }

    pub(super) const fn site(&self, slot: usize) -> usize {
        slot % self.sites
    }

    /// Everybody at a site.
    pub(super) fn at_site(&self, site: usize) -> impl Iterator<Item = usize> + use<> {
        (site..self.peers.len()).step_by(self.sites)
    }

    pub(super) const fn sites(&self) -> usize {
        self.sites
    }

    pub(super) fn owner(&self, slot: usize) -> OwnerId {
        OwnerId::from(blake3::hash(&(self.site(slot) as u64).to_le_bytes()))
    }

    /// Takes room of a peer, if it has so much.
    pub(super) fn take(&mut self, slot: usize, bytes: u64) {
        let room = &mut self.peers[slot].room;
        let bytes = bytes.min(room.free_bytes);
        room.used_bytes += bytes;
        room.free_bytes -= bytes;
    }

    /// How full it is.
    pub(super) fn filled(&self) -> Fill {
        Fill::of(self.peers.iter().map(|peer| peer.room))
    }

    /// Those in `slots` as the walk sees them, weighted so that the grid fills evenly.
    pub(super) fn candidates(&self, slots: &[usize], fill: &Fill) -> Vec<Candidate> {
        let candidate = |slot: &usize| {
            let (peer, owner) = (&self.peers[*slot], self.owner(*slot));
            let free_bytes = fill.weight(peer.room);
            Candidate { peer: peer.id, owner, domain: Domain::of_owner(owner), free_bytes }
        };
        slots.iter().map(candidate).collect()
    }

    /// From the source to a peer.
    pub(super) fn to_source(&self, slot: usize) -> Distance {
        let peer = &self.peers[slot];
        apart(self.source, (peer.x_ms, peer.y_ms, peer.mile_ms))
    }

    /// Between two peers.
    pub(super) fn between(&self, one: usize, other: usize) -> Distance {
        let at = |slot: usize| {
            let peer = &self.peers[slot];
            (peer.x_ms, peer.y_ms, peer.mile_ms)
        };
        apart(at(one), at(other))
    }
}

fn place(dice: &mut Dice) -> (f64, f64, f64) {
    (dice.unit() * MAP_MS, dice.unit() * MAP_MS, dice.wait(MILE_MS / 2.0).min(MILE_MS * 4.0))
}

fn apart(one: (f64, f64, f64), other: (f64, f64, f64)) -> Distance {
    let way = (one.0 - other.0).hypot(one.1 - other.1) + one.2 + other.2;
    Distance::measured(std::time::Duration::from_secs_f64(way / 1e3))
}
