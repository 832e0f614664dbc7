//! Tests of choosing: against all subsets where there are few, and never a limit violated.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::placement::proximity::Proximity;

mod grids;
mod hostile;

fn peer(number: usize) -> PeerId {
    PeerId::from(blake3::hash(format!("peer {number}").as_bytes()))
}

fn owner(number: usize) -> OwnerId {
    OwnerId::from(blake3::hash(format!("owner {number}").as_bytes()))
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A peer with room, of an owner of its own, in a domain of its own.
fn target(number: usize) -> Target {
    Target {
        peer: peer(number),
        owner: owner(number),
        site: None,
        domain: Domain::of_group(peer(number)),
        free_bytes: 100,
        probation: false,
        distance: Some(Distance::measured(ms(20))),
    }
}

fn targets(count: usize) -> Vec<Target> {
    (0..count).map(target).collect()
}

fn need(shards: usize) -> Need {
    Need { shards, safe: shards, shard_bytes: 10 }
}

fn ask(candidates: &[Target], need: Need, limits: &Limits) -> Result<Placement, Infeasible> {
    choose(&Question {
        candidates,
        placed: &[],
        need,
        limits,
        between: &|_, _| Some(Distance::measured(ms(20))),
    })
}

fn limits(latency: &str, spread: &str) -> Limits {
    let proximity =
        Proximity { latency: latency.parse().unwrap(), spread: spread.parse().unwrap() };
    Limits { proximity, ..Limits::default() }
}

#[test]
fn without_limits_the_first_of_the_walk_are_taken() {
    let placement = ask(&targets(9), need(5), &Limits::default()).unwrap();
    assert_eq!(placement.targets, (0..5).map(peer).collect::<Vec<_>>());
    assert_eq!((placement.counted, placement.domains, placement.most_in_domain), (5, 5, 1));
}

#[test]
fn full_and_far_ones_are_walked_past() {
    let mut all = targets(9);
    all[1].free_bytes = 9;
    all[3].distance = Some(Distance::measured(ms(151)));
    all[4].distance = None;
    let placement = ask(&all, need(5), &limits("2ms..150ms", "..")).unwrap();
    assert_eq!(placement.targets, [0, 2, 5, 6, 7].map(peer));
    let refused = ask(&all, need(7), &limits("2ms..150ms", "..")).unwrap_err();
    assert_eq!((refused.wanted, refused.found, refused.candidates), (7, 6, 9));
    assert_eq!(refused.cost, Cost { full: 1, latency: 2, ..Cost::default() });
    assert_eq!(refused.helps, [Limit::Latency]);
    let text = "Only 6 of 7 shards can be placed; of 9 candidates 1 full, 2 outside the latency; \
                it could be done without latency";
    assert_eq!(refused.to_string(), text);
}

#[test]
fn sites_and_owners_have_no_more_than_they_may() {
    let mut all = targets(6);
    all.iter_mut().take(4).for_each(|one| one.site = Some("Home".into()));
    all[1].site = Some(" home".into());
    all[4].owner = owner(5);
    let asked = Limits { per_site: Some(2), per_owner: Some(1), ..Limits::default() };
    assert_eq!(ask(&all, need(3), &asked).unwrap().targets, [0, 1, 4].map(peer));
    let refused = ask(&all, need(4), &asked).unwrap_err();
    assert_eq!(refused.cost, Cost { site: 2, owner: 1, ..Cost::default() });
    assert_eq!(refused.helps, [Limit::Site, Limit::Owner]);
}

#[test]
fn one_house_gets_all_shards_and_says_so() {
    let mut all = targets(6);
    all.iter_mut().for_each(|one| one.domain = Domain::of_group(peer(0)));
    let placement = ask(&all, need(5), &Limits::default()).unwrap();
    assert_eq!((placement.domains, placement.most_in_domain), (1, 5));
    let strict = Limits { strict_domains: true, ..Limits::default() };
    let refused = ask(&all, need(5), &strict).unwrap_err();
    assert_eq!((refused.found, refused.cost.domains), (1, 5));
    assert_eq!(refused.helps, [Limit::Domains]);
}

#[test]
fn few_domains_are_used_evenly() {
    // Domain 0 has the first six of the walk, domains 1 and 2 two each.
    let mut all = targets(10);
    for (at, domain) in [0, 0, 0, 0, 0, 0, 1, 1, 2, 2].into_iter().enumerate() {
        all[at].domain = Domain::of_group(peer(domain));
    }
    for (shards, most) in [(3, 1), (4, 2), (5, 2), (6, 2), (7, 3), (8, 4), (10, 6)] {
        let placement = ask(&all, need(shards), &Limits::default()).unwrap();
        assert_eq!((placement.domains, placement.most_in_domain), (3, most), "{shards} shards");
    }
}

#[test]
fn a_spread_that_needs_turning_back_is_found() {
    // The first goes with nobody but the second; 2, 3 and 4 go together.
    let together = |one: PeerId, other: PeerId| {
        let number = |id: PeerId| (0..5).find(|n| peer(*n) == id).unwrap();
        let (one, other) = (number(one).min(number(other)), number(one).max(number(other)));
        let near = one >= 2 || (one, other) == (0, 1);
        Some(Distance::measured(ms(if near { 5 } else { 500 })))
    };
    let (limits, candidates) = (limits("..", "..100ms"), targets(5));
    let question = |shards, placed| {
        choose(&Question {
            candidates: &candidates,
            placed,
            need: need(shards),
            limits: &limits,
            between: &together,
        })
    };
    assert_eq!(question(2, &[]).unwrap().targets, [0, 1].map(peer));
    assert_eq!(question(3, &[]).unwrap().targets, [2, 3, 4].map(peer));
    let refused = question(4, &[]).unwrap_err();
    assert_eq!((refused.found, refused.cost.spread), (3, 2));
    // With one at 0 there is only 1 left.
    let placed = [target(0)];
    assert_eq!(question(2, &placed).unwrap().targets, [peer(1)]);
    assert_eq!(question(3, &placed).unwrap_err().helps, [Limit::Spread]);
}

#[test]
fn limits_are_dropped_in_the_order_that_was_said() {
    let mut all = targets(6);
    all.iter_mut().for_each(|one| one.site = Some("home".into()));
    all.iter_mut().skip(3).for_each(|one| one.distance = None);
    let mut asked = limits("..150ms", "..");
    asked.per_site = Some(2);
    asked.relax = vec![Limit::Spread, Limit::Site, Limit::Latency];
    assert_eq!(ask(&all, need(2), &asked).unwrap().relaxed, []);
    assert_eq!(ask(&all, need(3), &asked).unwrap().relaxed, [Limit::Site]);
    assert_eq!(ask(&all, need(6), &asked).unwrap().relaxed, [Limit::Site, Limit::Latency]);
    let refused = ask(&all, need(7), &asked).unwrap_err();
    assert_eq!(refused.relaxed, [Limit::Site, Limit::Latency]);
    assert_eq!((refused.found, refused.helps), (6, vec![]));
}

#[test]
fn newcomers_come_last_and_never_count_towards_safety() {
    let mut all = targets(7);
    all.iter_mut().take(3).for_each(|one| one.probation = true);
    let three_safe = |shards| Need { shards, safe: 3, shard_bytes: 10 };
    let placement = ask(&all, three_safe(5), &Limits::default()).unwrap();
    assert_eq!(placement.targets, [3, 4, 5, 6, 0].map(peer));
    assert_eq!((placement.counted, placement.domains), (4, 4));
    // Four established ones, five have to be.
    let refused = ask(&all, need(5), &Limits::default()).unwrap_err();
    assert_eq!((refused.found, refused.cost.probation), (4, 3));
    // Two newcomers have shards; so four more have to go to others.
    let placed = &all[..2];
    let need = Need { shards: 4, safe: 4, shard_bytes: 10 };
    let limits = Limits::default();
    let question = Question {
        candidates: &all,
        placed,
        need,
        limits: &limits,
        between: &|_, _| Some(Distance::measured(ms(20))),
    };
    assert_eq!(choose(&question).unwrap().targets, [3, 4, 5, 6].map(peer));
}

#[test]
fn a_thousand_peers_are_one_pass_without_need_to_turn_back() {
    let placement = ask(&targets(1000), need(30), &limits("2ms..150ms", "5ms..300ms")).unwrap();
    assert_eq!(placement.targets.len(), 30);
}

#[test]
fn a_hopeless_search_is_given_up_and_says_so() {
    // Pairs go together at random; thirty that all do are not to be had.
    let half = |one: PeerId, other: PeerId| {
        let (low, high) = (one.min(other), one.max(other));
        let bytes = [*low.as_bytes(), *high.as_bytes()].concat();
        let near = blake3::hash(&bytes).as_bytes()[0] < 128;
        Some(Distance::measured(ms(if near { 5 } else { 500 })))
    };
    let (candidates, limits) = (targets(400), limits("..", "..100ms"));
    let question = Question {
        candidates: &candidates,
        placed: &[],
        need: need(30),
        limits: &limits,
        between: &half,
    };
    let refused = choose(&question).unwrap_err();
    assert!(refused.exhausted && refused.found > 5, "{refused:?}");
}

#[test]
fn limits_have_names() {
    for limit in Limit::ALL {
        assert_eq!(limit.to_string().parse(), Ok(limit));
    }
    assert_eq!("speed".parse::<Limit>(), Err(UnknownLimit));
}

/// A small grid, with distances between its peers in milliseconds.
#[derive(Debug, Clone)]
struct World {
    targets: Vec<Target>,
    apart: Vec<u64>,
    placed: usize,
    need: Need,
    limits: Limits,
}

impl World {
    fn between(&self, one: PeerId, other: PeerId) -> Option<Distance> {
        let at = |id| self.targets.iter().position(|target| target.peer == id).unwrap();
        let (low, high) = (at(one).min(at(other)), at(one).max(at(other)));
        let apart = self.apart[low * self.targets.len() + high];
        (apart > 0).then(|| Distance::measured(ms(apart)))
    }

    fn choose(&self) -> Result<Placement, Infeasible> {
        let (placed, candidates) = self.targets.split_at(self.placed);
        let between = |one, other| self.between(one, other);
        let (need, limits) = (self.need, &self.limits);
        choose(&Question { candidates, placed, need, limits, between: &between })
    }

    /// Whether these may be chosen, by the rules in plain words.
    fn keeps(&self, chosen: &[usize], limits: &Limits, per_domain: usize) -> bool {
        let with: Vec<&Target> =
            (0..self.placed).chain(chosen.iter().copied()).map(|at| &self.targets[at]).collect();
        let alone = chosen.iter().map(|at| &self.targets[*at]).all(|one| {
            one.free_bytes >= self.need.shard_bytes
                && limits.proximity.latency.judge(one.distance.as_ref()) == Verdict::Inside
        });
        let pairs = chosen.iter().enumerate().all(|(i, at)| {
            (0..self.placed).chain(chosen[..i].iter().copied()).all(|other| {
                let distance = self.between(self.targets[*at].peer, self.targets[other].peer);
                limits.proximity.spread.judge(distance.as_ref()) == Verdict::Inside
            })
        });
        // What is placed may be too much already; nothing is added to that.
        let within = |most: Option<usize>, same: &dyn Fn(&Target, &Target) -> bool| {
            chosen.iter().all(|at| {
                let count = with.iter().filter(|one| same(one, &self.targets[*at])).count();
                most.is_none_or(|most| count <= most)
            })
        };
        let established = with.iter().filter(|one| !one.probation).count();
        alone
            && pairs
            && within(limits.per_owner, &|one, other| one.owner == other.owner)
            && within(limits.per_site, &|one, other| one.site.is_some() && one.site == other.site)
            && within(Some(per_domain), &|one, other| one.domain == other.domain)
            && established >= self.need.safe
    }

    /// The least number of shards in one domain with which it can be done, by trying all subsets.
    fn by_hand(&self, limits: &Limits) -> Option<usize> {
        let (placed, established) = (&self.targets[..self.placed], |one: &&Target| !one.probation);
        let wanted = (self.need.shards.saturating_sub(self.placed))
            .max(self.need.safe.saturating_sub(placed.iter().filter(established).count()));
        let all = self.targets.len() - self.placed;
        let highest = if limits.strict_domains { 1 } else { self.targets.len() };
        (1..=highest).find(|per_domain| {
            (0..1_u32 << all).filter(|set| set.count_ones() as usize == wanted).any(|set| {
                let chosen: Vec<usize> =
                    (0..all).filter(|at| set >> at & 1 == 1).map(|at| at + self.placed).collect();
                self.keeps(&chosen, limits, *per_domain)
            })
        })
    }
}

fn any_target() -> impl Strategy<Value = (usize, usize, usize, bool, bool, u64)> {
    let often = |share| prop::bool::weighted(share);
    (0_usize..6, 0_usize..4, 0_usize..6, often(0.9), often(0.2), 0_u64..200)
}

fn any_limits() -> impl Strategy<Value = Limits> {
    let range = prop_oneof![
        2 => Just(".."), 1 => Just("20ms.."), 1 => Just("..120ms"), 1 => Just("10ms..150ms"),
    ];
    let most = prop_oneof![Just(None), Just(Some(1)), Just(Some(2))];
    (range.clone(), range, most.clone(), most, any::<bool>()).prop_map(
        |(latency, spread, per_site, per_owner, strict_domains)| Limits {
            per_site,
            per_owner,
            strict_domains,
            ..limits(latency, spread)
        },
    )
}

fn any_world() -> impl Strategy<Value = World> {
    (prop::collection::vec(any_target(), 2..10), 0_usize..3, 1_usize..6, 0_usize..6, any_limits())
        .prop_flat_map(|(all, placed, shards, safe, limits)| {
            let apart = prop::collection::vec(prop_oneof![1 => Just(0_u64), 9 => 1_u64..200], 100);
            apart.prop_map(move |apart| {
                let made =
                    (0..).zip(&all).map(|(at, (own, site, domain, room, probation, rtt))| Target {
                        owner: owner(*own),
                        site: (*site > 0).then(|| site.to_string()),
                        domain: Domain::of_group(peer(*domain)),
                        free_bytes: if *room { 100 } else { 5 },
                        probation: *probation,
                        distance: (*rtt > 0).then(|| Distance::measured(ms(*rtt))),
                        ..target(at)
                    });
                World {
                    targets: made.collect(),
                    apart,
                    placed: placed.min(all.len()),
                    need: Need { shards, safe: safe.min(shards), shard_bytes: 10 },
                    limits: limits.clone(),
                }
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_can_be_met_is_met_and_what_cannot_is_refused_for_its_reason(world in any_world()) {
        let expected = world.by_hand(&world.limits);
        match world.choose() {
            Ok(placement) => {
                let at = |id| world.targets.iter().position(|one| one.peer == id).unwrap();
                let chosen: Vec<usize> = placement.targets.iter().map(|id| at(*id)).collect();
                prop_assert_eq!(chosen.iter().collect::<BTreeSet<_>>().len(), chosen.len());
                prop_assert!(chosen.iter().all(|at| *at >= world.placed));
                let least = expected.unwrap();
                prop_assert!(world.keeps(&chosen, &world.limits, least), "{placement:?}");
            }
            Err(refused) => {
                prop_assert_eq!(expected, None, "{:?}", &refused);
                prop_assert!(!refused.exhausted);
                for limit in Limit::ALL {
                    let without = world.limits.clone().without(limit);
                    let does = world.limits.has(limit) && world.by_hand(&without).is_some();
                    prop_assert_eq!(refused.helps.contains(&limit), does, "{}", limit);
                }
                let Cost { full, latency, probation, domains, site, owner, spread } = refused.cost;
                let lost = full + latency + probation + domains + site + owner + spread;
                let counted = lost as usize + refused.found;
                prop_assert_eq!(counted, refused.candidates, "everybody once");
            }
        }
    }

    #[test]
    fn relaxing_drops_no_more_than_it_must(world in any_world()) {
        let mut world = world;
        world.limits.relax = Limit::ALL.to_vec();
        let Ok(placement) = world.choose() else { return Ok(()) };
        let mut limits = world.limits.clone();
        for limit in &placement.relaxed {
            prop_assert_eq!(world.by_hand(&limits), None, "{} need not have gone", limit);
            limits = limits.without(*limit);
        }
        prop_assert!(world.by_hand(&limits).is_some());
    }
}
