//! Tests of what the walk promises: completeness, fairness, stability, the same everywhere.

use std::collections::{BTreeMap, BTreeSet};

use chunker::OwnerId;
use proptest::prelude::*;

use super::*;

fn key(number: u64) -> PlacementKey {
    PlacementKey::from_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

fn candidate(number: u64, owner: u64, free_bytes: u64) -> Candidate {
    let peer = PeerId::from(blake3::hash(format!("peer {number}").as_bytes()));
    let owner = OwnerId::from(blake3::hash(format!("owner {owner}").as_bytes()));
    Candidate { peer, owner, domain: Domain::of_owner(owner), free_bytes }
}

/// `n` peers of as many owners with the same room.
fn grid(n: u64) -> Vec<Candidate> {
    (0..n).map(|number| candidate(number, number, 1 << 40)).collect()
}

fn peers(walk: &Walk, candidates: &[Candidate], n: usize) -> Vec<PeerId> {
    walk.steps(candidates).take(n).map(|step| step.peer).collect()
}

fn any_grid() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0_u64..12, prop_oneof![Just(0), Just(u64::MAX), 1_u64..1 << 44]);
    prop::collection::vec(one, 0..40).prop_map(|all| {
        let numbered = (0..).zip(all);
        numbered.map(|(number, (owner, free))| candidate(number, owner, free)).collect()
    })
}

proptest! {
    #[test]
    fn every_candidate_has_one_place(grid in any_grid(), seed: u64, lane: u8) {
        let walk = Walk::new(&key(seed), Lane::from_number(lane));
        let sequence = walk.sequence(&grid);
        let met: BTreeSet<PeerId> = sequence.iter().map(|step| step.peer).collect();
        prop_assert_eq!(sequence.len(), grid.len());
        prop_assert_eq!(met.len(), grid.len());
        prop_assert!((0..).zip(&sequence).all(|(position, step)| step.j == position));
    }

    #[test]
    fn the_order_of_the_roster_does_not_matter(
        (grid, shuffled) in any_grid().prop_flat_map(|g| (Just(g.clone()), Just(g).prop_shuffle())),
        seed: u64,
    ) {
        let walk = Walk::new(&key(seed), Lane::META);
        prop_assert_eq!(walk.sequence(&grid), walk.sequence(&shuffled));
    }

    #[test]
    fn a_domain_comes_again_only_when_all_others_came(grid in any_grid(), seed: u64) {
        let sequence = Walk::new(&key(seed), Lane::META).sequence(&grid);
        let mut left: BTreeMap<Domain, usize> = BTreeMap::new();
        for candidate in &grid {
            *left.entry(candidate.domain).or_default() += 1;
        }
        let mut used = BTreeSet::new();
        for step in sequence {
            if !used.insert(step.domain) {
                // A new round: nobody of an unused domain may be left.
                prop_assert!(left.iter().all(|(domain, n)| *n == 0 || used.contains(domain)));
                used = BTreeSet::from([step.domain]);
            }
            *left.get_mut(&step.domain).unwrap() -= 1;
        }
    }

    #[test]
    fn who_leaves_moves_only_who_stood_behind(grid in any_grid(), seed: u64, gone: usize) {
        prop_assume!(!grid.is_empty());
        let walk = Walk::new(&key(seed), Lane::META);
        let before = walk.sequence(&grid);
        let gone = before[gone % before.len()];
        let rest: Vec<_> = grid.iter().copied().filter(|one| one.peer != gone.peer).collect();
        let after = walk.sequence(&rest);
        let behind = gone.j as usize;
        prop_assert_eq!(&before[..behind], &after[..behind]);
    }

    #[test]
    fn the_logarithm_is_right_to_nine_digits(uniform: u64) {
        let exact = 64.0 - (uniform as f64 + 1.0).log2();
        let ours = exponential(uniform) as f64 / f64::from(2).powi(FRACTION_BITS as i32);
        prop_assert!((exact - ours).abs() < 1e-9, "{exact} {ours}");
        prop_assert!(least_exponential(uniform) <= exponential(uniform));
        prop_assert!(exponential(uniform) - least_exponential(uniform) <= 1 << FRACTION_BITS);
    }

    #[test]
    fn skipped_logarithms_change_nothing(grid in any_grid(), seed: u64) {
        let walk = Walk::new(&key(seed), Lane::META);
        let Some(first) = walk.steps(&grid).next() else { return Ok(()) };
        let entries: Vec<Entry> = grid.iter().map(Entry::new).collect();
        let ranked = entries.iter().map(|entry| {
            Ranked { entry, draw: exponential(walk.uniform(0, entry)) }
        });
        prop_assert_eq!(ranked.min_by(Ranked::order).unwrap().entry.peer, first.peer);
    }
}

#[test]
fn the_logarithm_is_exact_at_powers_of_two() {
    for bits in 0..=64_u32 {
        let uniform = ((1_u128 << bits) - 1) as u64;
        assert_eq!(exponential(uniform), u64::from(64 - bits) << FRACTION_BITS);
        assert!(least_exponential(uniform) <= exponential(uniform));
    }
}

#[test]
fn the_sequence_is_the_same_on_every_machine_and_in_every_version() {
    let walk = Walk::new(&key(1), Lane::from_number(3));
    let candidates: Vec<_> = (0..8).map(|n| candidate(n, n / 2, (n + 1) << 30)).collect();
    let names: Vec<String> =
        walk.sequence(&candidates).iter().map(|step| step.peer.short()).collect();
    assert_eq!(names, GOLDEN);
}

/// Made with the first version. A change here means that no device finds what another one placed.
const GOLDEN: [&str; 8] = [
    "94521e5c", "ca04b549", "67e38eb9", "695ddec5", "c8403953", "09672ab4", "123260ba", "60e6c401",
];

#[test]
fn keys_and_lanes_have_sequences_of_their_own() {
    let grid = grid(40);
    let mut seen = BTreeSet::new();
    for seed in 0..10 {
        for lane in 0..10 {
            let walk = Walk::new(&key(seed), Lane::from_number(lane));
            assert!(seen.insert(peers(&walk, &grid, 6)));
        }
    }
}

#[test]
fn a_peer_listed_twice_counts_once() {
    let mut twice = grid(10);
    twice.extend(twice.clone());
    twice[3].free_bytes = 0;
    let walk = Walk::new(&key(1), Lane::META);
    assert_eq!(walk.sequence(&twice), walk.sequence(&grid(10)));
}

#[test]
fn a_full_peer_comes_last() {
    let mut grid = grid(12);
    grid[5].free_bytes = 0;
    for seed in 0..50 {
        let sequence = Walk::new(&key(seed), Lane::META).sequence(&grid);
        assert_eq!(sequence[11].peer, grid[5].peer);
    }
}

#[test]
fn shares_are_proportional_to_free_space() {
    let grid: Vec<_> = (0..8).map(|n| candidate(n, n, (n + 1) * (1 << 40))).collect();
    let draws = 20_000;
    let mut first: BTreeMap<PeerId, u32> = BTreeMap::new();
    for seed in 0..draws {
        *first.entry(peers(&Walk::new(&key(seed), Lane::META), &grid, 1)[0]).or_default() += 1;
    }
    for (n, candidate) in (1_u32..).zip(&grid) {
        let expected = f64::from(n) / 36.0 * draws as f64;
        let met = f64::from(first[&candidate.peer]);
        let sigma = (expected * (1.0 - f64::from(n) / 36.0)).sqrt();
        assert!((met - expected).abs() < 4.0 * sigma, "weight {n}: {met} of {expected}");
    }
}

#[test]
fn an_owner_with_many_devices_draws_no_second_shard() {
    // Nine peers of nine owners, and one owner with fifty.
    let mut grid: Vec<_> = (0..9).map(|n| candidate(n, n, 1 << 40)).collect();
    grid.extend((100..150).map(|n| candidate(n, 99, 1 << 40)));
    let sybil = Domain::of_owner(OwnerId::from(blake3::hash(b"owner 99")));
    for seed in 0..50 {
        let steps = Walk::new(&key(seed), Lane::META).steps(&grid).take(10);
        assert_eq!(steps.filter(|step| step.domain == sybil).count(), 1);
    }
}

#[test]
fn a_chosen_peer_id_draws_no_more_than_its_weight() {
    // The id among a thousand whose place is nearest to the places of the peers there are.
    let mut grid = grid(19);
    let places: Vec<u128> = grid.iter().map(|one| Entry::new(one).place).collect();
    let nearness = |one: &Candidate| {
        let own = Entry::new(one).place;
        places.iter().map(|place| place ^ own).min()
    };
    let ground = (1000..2000).map(|n| candidate(n, n, 1 << 40)).min_by_key(nearness).unwrap();
    grid.push(ground);
    let (draws, n) = (4000, 5);
    let met = (0..draws)
        .filter(|seed| peers(&Walk::new(&key(*seed), Lane::META), &grid, n).contains(&ground.peer))
        .count() as f64;
    let expected = draws as f64 * n as f64 / 20.0;
    let sigma = (expected * 0.75).sqrt();
    assert!((met - expected).abs() < 4.0 * sigma, "{met} of {expected}");
}

/// Of `n` holders in each of many walks over `count` peers: how many positions get another holder
/// when one peer leaves, and how many have to, because it stood there itself.
fn moved_and_ideal(count: u64, n: usize) -> (usize, usize) {
    let grid = grid(count);
    let (mut moved, mut ideal) = (0, 0);
    for seed in 0..30 {
        let walk = Walk::new(&key(seed), Lane::META);
        let before = peers(&walk, &grid, n);
        for gone in before.iter().step_by(3) {
            let rest: Vec<_> = grid.iter().copied().filter(|one| one.peer != *gone).collect();
            let after = peers(&walk, &rest, n);
            moved += before.iter().zip(&after).filter(|(old, new)| old != new).count();
            ideal += 1;
            let kept: BTreeSet<_> = after.iter().collect();
            let lost = before.iter().filter(|peer| *peer != gone && !kept.contains(peer)).count();
            assert_eq!(lost, 0, "nobody else falls out of the first {n}");
        }
    }
    (moved, ideal)
}

#[test]
fn a_peer_that_leaves_or_joins_moves_little_else() {
    // Leaving and joining are each other's reverse, so one test shows both.
    for (count, n) in [(25, 12), (60, 12), (200, 30)] {
        let (moved, ideal) = moved_and_ideal(count, n);
        assert!(moved <= 2 * ideal, "{count} peers, {n} holders: {moved} moved for {ideal}");
    }
}

#[test]
fn ten_thousand_candidates_cost_what_is_taken() {
    let grid = grid(10_000);
    let walk = Walk::new(&key(1), Lane::from_number(1));
    let first: Vec<Step> = walk.steps(&grid).take(40).collect();
    let met: BTreeSet<PeerId> = first.iter().map(|step| step.peer).collect();
    assert_eq!(met.len(), 40);
    let steps = walk.steps(&grid);
    assert_eq!(steps.size_hint(), (10_000, Some(10_000)));
}

#[test]
fn beyond_one_region_everybody_still_has_one_place() {
    let grid = grid(REGION as u64 + 60);
    let sequence = Walk::new(&key(4), Lane::META).sequence(&grid);
    let met: BTreeSet<PeerId> = sequence.iter().map(|step| step.peer).collect();
    assert_eq!((sequence.len(), met.len()), (grid.len(), grid.len()));
    let mut reversed = grid;
    reversed.reverse();
    assert_eq!(Walk::new(&key(4), Lane::META).sequence(&reversed), sequence);
}

#[test]
fn in_a_large_grid_each_point_chooses_from_its_own_region() {
    let grid = grid(3000);
    let walk = Walk::new(&key(9), Lane::META);
    let entries: Vec<Entry> = grid.iter().map(Entry::new).collect();
    let mut taken = BTreeSet::new();
    for step in walk.steps(&grid).take(20) {
        let point = walk.point(step.j);
        let distance = |entry: &Entry| entry.place ^ point;
        let chosen = entries.iter().find(|entry| entry.peer == step.peer).map(distance).unwrap();
        let nearer = entries
            .iter()
            .filter(|entry| !taken.contains(&entry.peer) && distance(entry) < chosen)
            .count();
        assert!(nearer < REGION, "{nearer} peers are nearer to point {}", step.j);
        taken.insert(step.peer);
    }
}

/// How far counts are from what was expected of each, in units of chance: about one per count when
/// nothing but chance is in them.
fn surprise(counts: &BTreeMap<(PeerId, PeerId), f64>, expected: f64, draws: f64) -> f64 {
    let variance = expected * (1.0 - expected / draws);
    counts.values().map(|count| (count - expected).powi(2) / variance).sum()
}

#[test]
fn without_the_key_nothing_public_tells_who_holds_what() {
    // Whatever a distinguisher sees, ids, places and the roster, is the same under each key. So it
    // can do better than chance only where some peers, or some pairs, are chosen more often.
    let (grid, n, draws) = (grid(24), 6, 3000);
    let (mut single, mut pairs) = (BTreeMap::new(), BTreeMap::new());
    for seed in 0..draws {
        let mut chosen = peers(&Walk::new(&key(seed), Lane::from_number(1)), &grid, n);
        chosen.sort_unstable();
        for (at, one) in chosen.iter().enumerate() {
            *single.entry((*one, *one)).or_insert(0.0) += 1.0;
            for other in &chosen[at + 1..] {
                *pairs.entry((*one, *other)).or_insert(0.0) += 1.0;
            }
        }
    }
    let draws = draws as f64;
    assert_eq!((single.len(), pairs.len()), (24, 276));
    let singles = surprise(&single, draws * 6.0 / 24.0, draws);
    let couples = surprise(&pairs, draws * 30.0 / (24.0 * 23.0), draws);
    // Five standard deviations of a sum of so many squares.
    assert!(singles < 24.0 + 5.0 * 48_f64.sqrt(), "{singles}");
    assert!(couples < 276.0 + 5.0 * 552_f64.sqrt(), "{couples}");
}

/// How many of `n` holders somebody guesses who knows three of them and, from many placements of
/// other keys, which peers are used together.
fn guessed(placements: &[Vec<PeerId>], known: usize) -> (f64, f64) {
    let (learnt, tried) = placements.split_at(placements.len() / 2);
    let mut together: BTreeMap<(PeerId, PeerId), f64> = BTreeMap::new();
    for chosen in learnt {
        for one in chosen {
            for other in chosen {
                *together.entry((*one, *other)).or_default() += 1.0;
            }
        }
    }
    let everybody: BTreeSet<PeerId> = placements.iter().flatten().copied().collect();
    let (mut hits, mut chance) = (0.0, 0.0);
    for chosen in tried {
        let (seen, hidden) = chosen.split_at(known);
        let mut rest: Vec<PeerId> =
            everybody.iter().copied().filter(|peer| !seen.contains(peer)).collect();
        let likely = |peer: &PeerId| -> f64 {
            seen.iter().map(|one| together.get(&(*one, *peer)).copied().unwrap_or_default()).sum()
        };
        rest.sort_by(|one, other| likely(other).total_cmp(&likely(one)));
        chance += (hidden.len() * hidden.len()) as f64 / rest.len() as f64;
        rest.truncate(hidden.len());
        hits += rest.iter().filter(|peer| hidden.contains(peer)).count() as f64;
    }
    (hits, chance)
}

#[test]
fn who_knows_all_but_the_key_guesses_no_better_than_chance() {
    let grid = grid(24);
    let placed = |seed, lane| {
        let mut chosen = peers(&Walk::new(&key(seed), Lane::from_number(lane)), &grid, 6);
        // What a distinguisher is shown must not depend on the order of the walk.
        chosen.sort_unstable_by_key(|peer| blake3::hash(peer.as_bytes()).to_hex());
        chosen
    };
    // From other sources' placements, and three holders of this one.
    let placements: Vec<Vec<PeerId>> = (0..4000).map(|seed| placed(seed, 1)).collect();
    let (hits, chance) = guessed(&placements, 3);
    assert!((hits - chance).abs() < 4.0 * chance.sqrt(), "{hits} of {chance} by chance");
    // From another lane of the very same key: as many in common as two draws have.
    let common = |seed| {
        let (one, other) = (placed(seed, 1), placed(seed, 2));
        one.iter().filter(|peer| other.contains(peer)).count() as f64
    };
    let (met, chance) = ((0..2000).map(common).sum::<f64>(), 2000.0 * 36.0 / 24.0);
    assert!((met - chance).abs() < 4.0 * chance.sqrt(), "{met} of {chance} by chance");
}
