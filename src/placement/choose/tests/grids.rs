//! A thousand simulated grids on a map: what is chosen keeps every limit in truth, not only by what
//! is known, and what is refused cannot be done.
//!
//! A peer is a point on the map; the round trip of two is the way between them and both last miles.
//! The source measures all of them, and some of them each other; nobody lies. What cannot be known
//! of a pair stays unknown. Small grids are compared with all subsets.

use std::net::{IpAddr, Ipv4Addr};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::placement::domains::{Domains, Facts};
use crate::placement::proximity::Distances;
use crate::placement::{Candidate, Lane, PlacementKey, Walk};

/// Grids of up to so many peers are compared with all subsets.
const SMALL: usize = 11;

/// A grid, what is known of it, and what is asked.
struct Map {
    points: Vec<(f64, f64, f64)>,
    source: (f64, f64, f64),
    targets: Vec<Target>,
    known: Distances,
    need: Need,
    limits: Limits,
}

fn way(one: (f64, f64, f64), other: (f64, f64, f64)) -> Duration {
    let ms = (one.0 - other.0).hypot(one.1 - other.1) + one.2 + other.2;
    Duration::from_secs_f64(ms / 1e3)
}

fn one_of<'a>(dice: &mut StdRng, all: &[&'a str]) -> &'a str {
    all[(dice.random::<f64>() * all.len() as f64) as usize % all.len()]
}

impl Map {
    fn new(seed: u64) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let below = |dice: &mut StdRng, n: usize| (dice.random::<f64>() * n as f64) as usize;
        let large = below(&mut dice, 8) == 0;
        let count = if large { 20 + below(&mut dice, 60) } else { 3 + below(&mut dice, SMALL - 2) };
        let point = |dice: &mut StdRng| {
            let (x, y) = (dice.random::<f64>() * 150.0, dice.random::<f64>() * 150.0);
            (x, y, dice.random::<f64>() * 8.0)
        };
        let source = point(&mut dice);
        let points: Vec<_> = (0..count).map(|_| point(&mut dice)).collect();
        let me = peer(9999);
        let owners: Vec<usize> = (0..count).map(|_| below(&mut dice, count)).collect();
        let roster = (0..count).map(|at| (peer(at), owner(owners[at])));
        let mut known = Distances::new(me, roster.chain([(me, owner(9999))]).collect());
        for at in 0..count {
            known.measured(peer(at), way(source, points[at]));
            for other in 0..count {
                if below(&mut dice, 3) > 0 {
                    known.witnessed(peer(other), peer(at), way(points[other], points[at]));
                }
            }
        }
        let limits = Self::limits(&mut dice);
        let shards = 2 + below(&mut dice, if large { 14 } else { 5 });
        let need = Need { shards, safe: 0, shard_bytes: 10 };
        let mut map = Self { points, source, targets: Vec::new(), known, need, limits };
        map.people(&mut dice, &owners);
        map
    }

    fn limits(dice: &mut StdRng) -> Limits {
        let latency = one_of(dice, &["..", "..", "..130ms", "15ms..", "10ms..140ms"]);
        let spread = one_of(dice, &["..", "..160ms", "5ms..", "5ms..200ms", "20ms..170ms"]);
        let most = |dice: &mut StdRng| match (dice.random::<f64>() * 4.0) as usize {
            0 => Some(1),
            1 => Some(2),
            _ => None,
        };
        let (per_site, per_owner) = (most(dice), most(dice));
        let strict_domains = dice.random::<f64>() < 0.4;
        Limits { per_site, per_owner, strict_domains, ..limits(latency, spread) }
    }

    /// Makes candidates of the points, in the order of a walk.
    fn people(&mut self, dice: &mut StdRng, owners: &[usize]) {
        let count = self.points.len();
        let sites: Vec<Option<String>> = (0..count)
            .map(|_| {
                let site = (dice.random::<f64>() * 8.0) as usize;
                (site < 3).then(|| format!("site {site}"))
            })
            .collect();
        let addresses: Vec<[IpAddr; 1]> = (0..count)
            .map(|_| {
                let net = (dice.random::<f64>() * 3.0 * count as f64) as u32;
                [IpAddr::V4(Ipv4Addr::from_bits(0x5000_0000 + (net << 8) + 1))]
            })
            .collect();
        let fact = |at: usize| Facts {
            peer: peer(at),
            owner: owner(owners[at]),
            site: sites[at].as_deref(),
            addresses: &addresses[at],
            lan: false,
            presence: None,
        };
        let domains = Domains::of(&(0..count).map(fact).collect::<Vec<_>>());
        let target = |at: usize| Target {
            peer: peer(at),
            owner: owner(owners[at]),
            site: sites[at].clone(),
            domain: domains.domain(&peer(at)).unwrap(),
            free_bytes: if at % 9 == 8 { 9 } else { 1000 },
            probation: false,
            distance: self.known.between(peer(9999), peer(at)),
        };
        let targets: Vec<Target> = (0..count).map(target).collect();
        let candidate = |one: &Target| Candidate {
            peer: one.peer,
            owner: one.owner,
            domain: one.domain,
            free_bytes: one.free_bytes,
        };
        let candidates: Vec<Candidate> = targets.iter().map(candidate).collect();
        let key = PlacementKey::from_bytes([dice.random::<u64>() as u8; 32]);
        let walk = Walk::new(&key, Lane::from_number(1)).sequence(&candidates);
        let find = |id: PeerId| targets.iter().find(|one| one.peer == id).unwrap().clone();
        self.targets = walk.iter().map(|step| find(step.peer)).collect();
    }

    fn choose(&self, limits: &Limits) -> Result<Placement, Infeasible> {
        let between = |one, other| self.known.between(one, other);
        choose(&Question {
            candidates: &self.targets,
            placed: &[],
            need: self.need,
            limits,
            between: &between,
        })
    }

    fn point(&self, id: PeerId) -> (f64, f64, f64) {
        let at = (0..self.points.len()).find(|at| peer(*at) == id).unwrap();
        self.points[at]
    }

    /// Whether these keep all limits on the map itself.
    fn keeps_in_truth(&self, chosen: &[PeerId]) -> bool {
        let measured = |way: Duration| Some(Distance::measured(way));
        let proximity = &self.limits.proximity;
        chosen.iter().enumerate().all(|(at, one)| {
            let latency = measured(way(self.source, self.point(*one)));
            let spread = |other: &PeerId| measured(way(self.point(*one), self.point(*other)));
            proximity.latency.judge(latency.as_ref()) == Verdict::Inside
                && chosen[at + 1..]
                    .iter()
                    .all(|other| proximity.spread.judge(spread(other).as_ref()) == Verdict::Inside)
        })
    }

    /// Whether these may be chosen as far as anything is known, with so many to a domain.
    fn may(&self, chosen: &[&Target], limits: &Limits, per_domain: usize) -> bool {
        let few = |most: Option<usize>, same: &dyn Fn(&Target, &Target) -> bool| {
            most.is_none_or(|most| {
                chosen.iter().all(|one| chosen.iter().filter(|two| same(one, two)).count() <= most)
            })
        };
        let near = |one: &Target, two: &Target| {
            let distance = self.known.between(one.peer, two.peer);
            limits.proximity.spread.judge(distance.as_ref()) == Verdict::Inside
        };
        few(limits.per_owner, &|one, two| one.owner == two.owner)
            && few(limits.per_site, &|one, two| one.site.is_some() && one.site == two.site)
            && few(Some(per_domain), &|one, two| one.domain == two.domain)
            && chosen.iter().enumerate().all(|(at, one)| {
                one.free_bytes >= self.need.shard_bytes
                    && limits.proximity.latency.judge(one.distance.as_ref()) == Verdict::Inside
                    && chosen[at + 1..].iter().all(|two| near(one, two))
            })
    }

    /// The fewest shards in one domain with which it can be done, by trying all subsets.
    fn by_hand(&self, limits: &Limits) -> Option<usize> {
        let wanted = self.need.shards;
        let highest = if limits.strict_domains { 1 } else { wanted };
        let members = |set: u32| -> Vec<&Target> {
            let numbered = self.targets.iter().enumerate();
            numbered.filter(|(at, _)| set >> at & 1 == 1).map(|(_, target)| target).collect()
        };
        let sets: Vec<Vec<&Target>> = (0..1_u32 << self.targets.len())
            .filter(|set| set.count_ones() as usize == wanted)
            .map(members)
            .collect();
        (1..=highest).find(|most| sets.iter().any(|set| self.may(set, limits, *most)))
    }
}

#[test]
fn of_a_thousand_simulated_grids_none_violates_a_limit_or_is_refused_without_reason() {
    let (mut placed, mut refused, mut compared) = (0, 0, 0);
    for seed in 0..1000 {
        let map = Map::new(seed);
        let small = map.targets.len() <= SMALL;
        let expected = small.then(|| map.by_hand(&map.limits));
        compared += u32::from(small);
        match map.choose(&map.limits) {
            Ok(placement) => {
                placed += 1;
                let chosen = &placement.targets;
                assert_eq!(chosen.iter().collect::<BTreeSet<_>>().len(), map.need.shards);
                assert!(map.keeps_in_truth(chosen), "seed {seed}: {placement:?}");
                let find = |id: &PeerId| map.targets.iter().find(|one| one.peer == *id).unwrap();
                let targets: Vec<&Target> = chosen.iter().map(find).collect();
                assert!(map.may(&targets, &map.limits, placement.most_in_domain), "seed {seed}");
                assert!(!map.limits.strict_domains || placement.most_in_domain == 1);
                if let Some(least) = expected {
                    assert_eq!(least, Some(placement.most_in_domain), "seed {seed}");
                }
            }
            Err(reason) => {
                refused += 1;
                assert!(expected.is_none_or(|least| least.is_none()), "seed {seed}: {reason:?}");
                assert!(reason.found < reason.wanted && !reason.exhausted, "seed {seed}");
                for limit in Limit::ALL {
                    let without = map.limits.clone().without(limit);
                    let does = map.limits.has(limit)
                        && if small {
                            map.by_hand(&without).is_some()
                        } else {
                            map.choose(&without).is_ok()
                        };
                    assert_eq!(reason.helps.contains(&limit), does, "seed {seed}: {limit}");
                }
                let Cost { full, latency, probation, domains, site, owner, spread } = reason.cost;
                let lost = full + latency + probation + domains + site + owner + spread;
                assert_eq!(lost as usize + reason.found, map.targets.len(), "seed {seed}");
            }
        }
    }
    assert!(placed > 200 && refused > 200 && compared > 700, "{placed} {refused} {compared}");
}
