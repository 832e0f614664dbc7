//! Whole grids with liars in them: what they say of themselves and of others, and how long they
//! wait before they answer, gets no limit violated and keeps nobody else out.
//!
//! Honest members live in towns, a few in each, and tell the truth. The liars are the devices of
//! one member. They cannot answer faster than light; all else they may: claim any coordinate, say
//! that they measured anything, and be slow. So one is never nearer to anybody than it was
//! measured, and as far as it appears to be to everybody alike, by being as slow to everybody
//! alike.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use p2p::coords::Coord;

use super::*;
use crate::placement::proximity::Distances;

const TOWNS: usize = 6;
const IN_TOWN: usize = 3;
const HONEST: usize = TOWNS * IN_TOWN;
const LIARS: usize = 5;
/// A town is so large, in milliseconds.
const TOWN: f64 = 2.0;
/// Coordinates are sent as floats of 32 bits.
const ROUNDED: f64 = 0.01;

/// A grid on a map, as the source knows it.
struct Town {
    source: (f64, f64),
    /// Honest ones first.
    points: Vec<(f64, f64)>,
    /// How long each waits before it answers anybody.
    waits: Vec<f64>,
    known: Distances,
    targets: Vec<Target>,
}

fn millis(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1e3)
}

fn way(one: (f64, f64), other: (f64, f64)) -> f64 {
    (one.0 - other.0).hypot(one.1 - other.1)
}

fn is_honest(at: usize) -> bool {
    at < HONEST
}

fn owner_of(at: usize) -> OwnerId {
    owner(at.min(HONEST))
}

impl Town {
    fn new(dice: &mut StdRng) -> Self {
        let mut below = |most: f64| dice.random::<f64>() * most;
        let towns: Vec<(f64, f64)> = (0..TOWNS).map(|_| (below(200.0), below(200.0))).collect();
        let mut in_town = |no: usize| {
            let town = towns[no];
            (town.0 + below(TOWN / 2.0), town.1 + below(TOWN / 2.0))
        };
        let source = in_town(0);
        let mut points: Vec<_> = (0..HONEST).map(|at| in_town(at / IN_TOWN)).collect();
        // Three liars have honest neighbours, two of them are neighbours of the source.
        points.extend([0, 0, 1].map(&mut in_town));
        points.extend((3..LIARS).map(|_| (below(200.0), below(200.0))));
        let waits = (0..points.len()).map(|at| {
            let slow = !is_honest(at) && below(1.0) < 0.5;
            if slow { below(150.0) } else { 0.0 }
        });
        let waits: Vec<f64> = waits.collect();
        let roster = (0..points.len()).map(|at| (peer(at), owner_of(at)));
        let me = (peer(9999), owner(9999));
        let known = Distances::new(me.0, roster.chain([me]).collect());
        let mut town = Self { source, points, waits, known, targets: Vec::new() };
        town.measure();
        town.lie(dice);
        town.targets = (0..town.points.len()).map(|at| town.target(at)).collect();
        town
    }

    /// What a measurement of `at` gives from there: never less than the way.
    fn appears(&self, from: (f64, f64), at: usize) -> f64 {
        way(from, self.points[at]) + self.waits[at]
    }

    fn measure(&mut self) {
        for at in 0..self.points.len() {
            let rtt = millis(self.appears(self.source, at));
            self.known.measured(peer(at), rtt);
            for witness in (0..HONEST).filter(|witness| *witness != at) {
                let rtt = millis(self.appears(self.points[witness], at));
                self.known.witnessed(peer(witness), peer(at), rtt);
            }
        }
        for (at, point) in self.points.iter().enumerate().take(HONEST) {
            self.known.placed(peer(at), coord(*point));
        }
    }

    /// Coordinates and sightings that suit the liars, each as the dice say.
    fn lie(&mut self, dice: &mut StdRng) {
        for liar in HONEST..self.points.len() {
            let claims = match (dice.random::<f64>() * 4.0) as usize {
                0 => self.source,
                1 => self.points[(dice.random::<f64>() * HONEST as f64) as usize % HONEST],
                2 => (4000.0 * dice.random::<f64>(), -3000.0),
                _ => self.points[liar],
            };
            self.known.placed(peer(liar), coord(claims));
            for other in (0..self.points.len()).filter(|other| *other != liar) {
                let told = [0.0, 1.0, 90.0, 9000.0][(dice.random::<f64>() * 4.0) as usize % 4];
                // It would not say that it is near somebody it wants to seem far from.
                if is_honest(other) || told > 1.0 {
                    self.known.witnessed(peer(liar), peer(other), millis(told));
                }
            }
        }
    }

    fn target(&self, at: usize) -> Target {
        let distance = self.known.between(peer(9999), peer(at));
        let domain = Domain::of_owner(owner_of(at));
        Target { owner: owner_of(at), domain, distance, ..target(at) }
    }

    fn choose(&self, count: usize, shards: usize, limits: &Limits) -> Option<Vec<usize>> {
        let between = |one, other| self.known.between(one, other);
        let placement = choose(&Question {
            candidates: &self.targets[..count],
            placed: &[],
            need: Need { shards, safe: 0, shard_bytes: 10 },
            limits,
            between: &between,
        });
        let at = |id: &PeerId| (0..self.points.len()).find(|at| peer(*at) == *id).unwrap();
        Some(placement.ok()?.targets.iter().map(at).collect())
    }

    /// Holds one that was chosen against the truth.
    fn check_latency(&self, at: usize, range: (f64, f64)) {
        let truth = way(self.source, self.points[at]);
        assert!(truth <= range.1, "{at} is {truth} ms away");
        // Neighbours of ours that see it near us give a bound of their own: a town and a way.
        let appears = truth + self.waits[at] + 2.0 * TOWN;
        assert!(appears >= range.0, "{at} is {truth} ms away and waits {}", self.waits[at]);
    }

    /// Holds two that were chosen together against the truth.
    fn check_spread(&self, one: usize, other: usize, range: (f64, f64)) {
        let truth = way(self.points[one], self.points[other]);
        let slack = ROUNDED + if is_honest(one) && is_honest(other) { 0.0 } else { 2.0 * TOWN };
        // Two liars that agree can be as slow to everybody as if they were one: nothing shows.
        if is_honest(one) || is_honest(other) {
            assert!(truth <= range.1 + slack, "{one} and {other}: {truth} ms");
        }
        let waits = self.waits[one] + self.waits[other];
        // Where no two honest members live beside one of them, the bound over witnesses is wider.
        if is_honest(one) || is_honest(other) || one < HONEST + 3 && other < HONEST + 3 {
            assert!(truth + waits + slack >= range.0, "{one} and {other}: {truth} ms, {waits}");
        }
    }
}

fn coord(point: (f64, f64)) -> Coord {
    Coord::try_from([point.0 as f32, point.1 as f32, 0.0, 0.0, 0.1]).unwrap()
}

#[test]
fn liars_get_no_limit_violated_and_keep_nobody_out() {
    let ranges = [("..", 0.0, f64::MAX), ("..120ms", 0.0, 120.0), ("15ms..", 15.0, f64::MAX)];
    let spreads =
        [("..150ms", 0.0, 150.0), ("10ms..", 10.0, f64::MAX), ("20ms..190ms", 20.0, 190.0)];
    let (mut placed, mut liars, mut turned_away) = (0, 0, 0);
    for seed in 0..400 {
        let mut dice = StdRng::seed_from_u64(seed);
        let town = Town::new(&mut dice);
        let latency = ranges[(dice.random::<f64>() * 3.0) as usize % 3];
        let spread = spreads[(dice.random::<f64>() * 3.0) as usize % 3];
        let limits = limits(latency.0, spread.0);
        let shards = 2 + (dice.random::<f64>() * 5.0) as usize;
        // The liars stand first on the walk.
        let mut all = town.targets.clone();
        all.rotate_left(HONEST);
        let among = Town { targets: all, ..town };
        let chosen = among.choose(HONEST + LIARS, shards, &limits);
        let honest: Vec<Target> = among.targets[LIARS..].to_vec();
        let alone = Town { targets: honest, ..among };
        let without = alone.choose(HONEST, shards, &limits);
        assert!(chosen.is_some() || without.is_none(), "seed {seed}: liars kept others out");
        let Some(chosen) = chosen else { continue };
        placed += 1;
        liars += chosen.iter().filter(|at| !is_honest(**at)).count();
        turned_away += (HONEST..HONEST + LIARS).filter(|at| !chosen.contains(at)).count();
        for (no, one) in chosen.iter().enumerate() {
            alone.check_latency(*one, (latency.1, latency.2));
            for other in &chosen[no + 1..] {
                alone.check_spread(*one, *other, (spread.1, spread.2));
            }
        }
    }
    assert!(placed > 150 && liars > 50 && turned_away > 300, "{placed} {liars} {turned_away}");
}
