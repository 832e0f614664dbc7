//! What is known of distances: measured from here, claimed by coordinates, bounded by witnesses.
//!
//! Between two others the distance is what their coordinates say, corrected by witnesses. For each
//! third peer `w` that measured both,
//!
//! ```text
//! | d(w,a) - d(w,b) |  <=  d(a,b)  <=  d(w,a) + d(w,b)
//! ```
//!
//! Both near a third are near each other, whatever they claim, so the upper bound beats both the
//! lower one and the coordinates. The lower bound rests on a high round trip, which proves nothing:
//! it counts against a maximum, never for a minimum. Our own measurements count alone. What others
//! report are claims: a bound counts when witnesses of two owners, neither of them a's or b's, give
//! it, so that no single member can push two others together or apart. (Routes do not keep the
//! triangle inequality to the letter; light does. A bound here is about where machines are.)
//!
//! The two themselves are no witnesses of how near they are: they may be one liar. But one that
//! says it measured the other near is taken at its word against a minimum, as it loses by it.
//! (Coordinates do not separate what is close: in a young grid two machines of one rack are told to
//! be half a continent apart.)
//!
//! Total: what is not known is None. Memory is bounded by the roster, which is given: of each peer
//! the [`MAX_WITNESSES`] nearest sightings are kept.

use std::collections::BTreeMap;
use std::time::Duration;

use chunker::{OwnerId, PeerId};
use p2p::coords::Coord;

#[cfg(test)]
mod tests;

/// Witnesses remembered for each peer: the nearest, as they bound it best.
pub const MAX_WITNESSES: usize = 32;

/// What is known of the way between two peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distance {
    /// The nearest that anything shows: what a minimum is held against.
    pub near: Duration,
    /// What a message has to be reckoned with: what a maximum is held against.
    pub far: Duration,
    /// They are at most so far apart, by measurements nobody can fake downwards.
    pub proven: Option<Duration>,
}

impl Distance {
    /// A distance of which we know exactly this.
    pub const fn measured(rtt: Duration) -> Self {
        Self { near: rtt, far: rtt, proven: Some(rtt) }
    }
}

/// All that is known of distances on the grid, as one device sees it.
#[derive(Debug, Clone)]
pub struct Distances {
    me: PeerId,
    owners: BTreeMap<PeerId, OwnerId>,
    coords: BTreeMap<PeerId, Coord>,
    /// Our own round trips.
    measured: BTreeMap<PeerId, Duration>,
    /// By peer: what others say they measured to it.
    seen: BTreeMap<PeerId, BTreeMap<PeerId, Duration>>,
}

/// A lower and an upper bound.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    lower: Duration,
    upper: Option<Duration>,
}

impl Bounds {
    /// The distance, when there are no coordinates.
    fn alone(self, upper: Duration) -> Distance {
        Distance { near: self.lower.min(upper), far: upper, proven: Some(upper) }
    }
}

impl Distances {
    /// Nothing is known yet. `owners` is the roster; nobody else can be a witness or be seen.
    pub fn new(me: PeerId, owners: BTreeMap<PeerId, OwnerId>) -> Self {
        let (coords, measured, seen) = <_>::default();
        Self { me, owners, coords, measured, seen }
    }

    /// Whose device this is.
    pub fn owner(&self, peer: &PeerId) -> Option<OwnerId> {
        self.owners.get(peer).copied()
    }

    /// We measured `rtt` to `peer`; the smallest counts.
    pub fn measured(&mut self, peer: PeerId, rtt: Duration) {
        if peer == self.me {
            return;
        }
        let least = self.measured.entry(peer).or_insert(rtt);
        *least = rtt.min(*least);
    }

    /// `peer` says it is at `coord`.
    pub fn placed(&mut self, peer: PeerId, coord: Coord) {
        if self.owners.contains_key(&peer) {
            self.coords.insert(peer, coord);
        }
    }

    /// `witness` says it measured `rtt` to `peer`. What is said about oneself or by strangers is
    /// not kept, and of each peer only the [`MAX_WITNESSES`] nearest witnesses are.
    pub fn witnessed(&mut self, witness: PeerId, peer: PeerId, rtt: Duration) {
        let known = self.owners.contains_key(&witness) && self.owners.contains_key(&peer);
        if !known || witness == peer || witness == self.me {
            return;
        }
        let seen = self.seen.entry(peer).or_default();
        let least = seen.entry(witness).or_insert(rtt);
        *least = rtt.min(*least);
        if seen.len() > MAX_WITNESSES {
            let furthest = seen.iter().max_by_key(|(_, rtt)| **rtt).map(|(witness, _)| *witness);
            furthest.and_then(|witness| seen.remove(&witness));
        }
    }

    /// The distance between two peers, ourselves included; None when nothing is known.
    pub fn between(&self, a: PeerId, b: PeerId) -> Option<Distance> {
        if a == b {
            return Some(Distance::measured(Duration::ZERO));
        }
        if a == self.me || b == self.me {
            return self.to(if a == self.me { b } else { a });
        }
        let bounds = self.bounds(a, b);
        let most = bounds.upper.unwrap_or(Duration::MAX);
        let distance = match (self.coords.get(&a), self.coords.get(&b)) {
            (Some(one), Some(other)) => {
                let told = one.distance(other);
                let far = told.max(bounds.lower).min(most);
                Distance { near: told.min(most), far, proven: bounds.upper }
            }
            _ => bounds.alone(bounds.upper?),
        };
        let near = self.admitted(a, b).map_or(distance.near, |rtt| rtt.min(distance.near));
        Some(Distance { near, ..distance })
    }

    /// How near one of two says it measured the other.
    fn admitted(&self, a: PeerId, b: PeerId) -> Option<Duration> {
        self.sighting(a, b).into_iter().chain(self.sighting(b, a)).min()
    }

    /// From here to `peer`: as measured; nearer, if witnesses near us saw it near them.
    fn to(&self, peer: PeerId) -> Option<Distance> {
        let rtt = *self.measured.get(&peer)?;
        let near = self.bounds(self.me, peer).upper.map_or(rtt, |upper| upper.min(rtt));
        Some(Distance { near, far: rtt, proven: Some(near) })
    }

    /// What triangles over third peers say of two.
    fn bounds(&self, a: PeerId, b: PeerId) -> Bounds {
        let mut own = None;
        let mut others: BTreeMap<OwnerId, (Duration, Duration)> = BTreeMap::new();
        let parties = [a, b].map(|peer| self.owners.get(&peer));
        if let (Some(to_a), Some(to_b)) = (self.measured.get(&a), self.measured.get(&b)) {
            own = Some((to_a.abs_diff(*to_b), *to_a + *to_b));
        }
        for (witness, to_a) in self.witnesses(a) {
            let owner = self.owners.get(&witness);
            let Some(to_b) = self.sighting(witness, b) else { continue };
            let Some(owner) = owner.filter(|_| !parties.contains(&owner)) else { continue };
            let bound = others.entry(*owner).or_insert((Duration::ZERO, Duration::MAX));
            bound.0 = bound.0.max(to_a.abs_diff(to_b));
            bound.1 = bound.1.min(to_a + to_b);
        }
        let mut lower: Vec<Duration> = others.values().map(|bound| bound.0).collect();
        let mut upper: Vec<Duration> = others.values().map(|bound| bound.1).collect();
        lower.sort_unstable_by(|one, other| other.cmp(one));
        upper.sort_unstable();
        // The second: two owners say at least so much.
        let (lower, upper) = (lower.get(1).copied(), upper.get(1).copied());
        Bounds {
            lower: lower.max(own.map(|own| own.0)).unwrap_or_default(),
            upper: upper.into_iter().chain(own.map(|own| own.1)).min(),
        }
    }

    /// Who saw `peer`, other than us; when it is us, whom we measured.
    fn witnesses(&self, peer: PeerId) -> impl Iterator<Item = (PeerId, Duration)> {
        let known = if peer == self.me { Some(&self.measured) } else { self.seen.get(&peer) };
        known.into_iter().flatten().map(|(witness, rtt)| (*witness, *rtt))
    }

    fn sighting(&self, witness: PeerId, peer: PeerId) -> Option<Duration> {
        if peer == self.me {
            return self.measured.get(&witness).copied();
        }
        self.seen.get(&peer)?.get(&witness).copied()
    }
}
