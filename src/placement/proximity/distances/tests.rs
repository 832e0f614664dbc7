//! Tests of distances: who lies gains nothing, and honest measurements enclose the truth.

use proptest::prelude::*;

use super::*;
use crate::placement::proximity::{Range, Verdict};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn range(text: &str) -> Range {
    text.parse().unwrap()
}

fn peer(number: u64) -> PeerId {
    PeerId::from(blake3::hash(format!("peer {number}").as_bytes()))
}

fn owner(number: u64) -> OwnerId {
    OwnerId::from(blake3::hash(format!("owner {number}").as_bytes()))
}

/// Peers 0 to 19, each of an owner of its own, seen from peer 0.
fn grid() -> Distances {
    Distances::new(peer(0), (0..20).map(|n| (peer(n), owner(n))).collect())
}

fn at(x: f32) -> Coord {
    Coord::try_from([x, 0.0, 0.0, 0.0, 0.1]).unwrap()
}

proptest! {
    #[test]
    fn honest_measurements_enclose_the_truth(
        places in prop::collection::vec((0_i32..100, 0_i32..100), 20),
    ) {
        let apart = |a: usize, b: usize| {
            let ((ax, ay), (bx, by)) = (places[a], places[b]);
            let ms = f64::from(ax - bx).hypot(f64::from(ay - by));
            // Never shorter than the straight line.
            Duration::from_secs_f64(ms / 1000.0)
        };
        let mut grid = grid();
        for n in 1..20 {
            grid.measured(peer(n as u64), apart(0, n));
            for witness in (1..20).filter(|witness| *witness != n) {
                grid.witnessed(peer(witness as u64), peer(n as u64), apart(witness, n));
            }
        }
        for (a, b) in [(1, 2), (3, 17), (9, 4), (0, 5)] {
            let distance = grid.between(peer(a as u64), peer(b as u64)).unwrap();
            let (slack, true_rtt) = (Duration::from_nanos(10), apart(a, b));
            prop_assert!(distance.near <= true_rtt + slack, "{distance:?} {true_rtt:?}");
            prop_assert!(distance.far + slack >= true_rtt, "{distance:?} {true_rtt:?}");
            prop_assert!(distance.proven.unwrap() + slack >= true_rtt);
        }
    }
}

#[test]
fn what_nobody_measured_or_claimed_is_unknown() {
    assert_eq!(grid().between(peer(1), peer(2)), None);
    assert_eq!(grid().between(peer(0), peer(2)), None);
}

#[test]
fn both_near_us_are_near_each_other_whatever_they_claim() {
    let mut grid = grid();
    grid.placed(peer(1), at(0.0));
    grid.placed(peer(2), at(900.0));
    assert_eq!(grid.between(peer(1), peer(2)).unwrap().near, ms(900));
    grid.measured(peer(1), ms(3));
    grid.measured(peer(2), ms(4));
    let distance = grid.between(peer(1), peer(2)).unwrap();
    assert_eq!((distance.near, distance.proven), (ms(7), Some(ms(7))));
    assert_eq!(range("10ms..").judge(Some(&distance)), Verdict::TooNear);
}

#[test]
fn a_high_round_trip_counts_against_a_maximum_only() {
    let mut grid = grid();
    grid.placed(peer(1), at(0.0));
    grid.placed(peer(2), at(1.0));
    grid.measured(peer(1), ms(5));
    grid.measured(peer(2), ms(95));
    // One answers after 5 ms, the other after 95: 90 ms apart, or the other one waited.
    let distance = grid.between(peer(1), peer(2)).unwrap();
    assert_eq!((distance.near, distance.far), (ms(1), ms(90)));
    assert_eq!(range("..50ms").judge(Some(&distance)), Verdict::TooFar);
    assert_eq!(range("50ms..").judge(Some(&distance)), Verdict::TooNear);
}

#[test]
fn two_witnesses_prove_nearness_and_one_does_not() {
    let mut grid = grid();
    grid.placed(peer(1), at(0.0));
    grid.placed(peer(2), at(300.0));
    for target in [1, 2] {
        grid.witnessed(peer(3), peer(target), ms(2));
    }
    assert_eq!(grid.between(peer(1), peer(2)).unwrap().near, ms(300), "one member's word");
    for target in [1, 2] {
        grid.witnessed(peer(4), peer(target), ms(3));
    }
    let distance = grid.between(peer(1), peer(2)).unwrap();
    assert_eq!((distance.near, distance.proven), (ms(6), Some(ms(6))), "the weaker of the two");
}

#[test]
fn devices_of_one_owner_are_one_witness_and_parties_are_none() {
    let mut owners: BTreeMap<_, _> = (0..20).map(|n| (peer(n), owner(n))).collect();
    // Peers 3 to 6 are one member's; 7 and 8 belong to the owners of 1 and 2.
    owners.extend((3..7).map(|n| (peer(n), owner(3))));
    owners.extend([(peer(7), owner(1)), (peer(8), owner(2))]);
    let mut grid = Distances::new(peer(0), owners);
    grid.placed(peer(1), at(0.0));
    grid.placed(peer(2), at(300.0));
    for witness in 3..9 {
        grid.witnessed(peer(witness), peer(1), ms(1));
        grid.witnessed(peer(witness), peer(2), ms(1));
    }
    let distance = grid.between(peer(1), peer(2)).unwrap();
    assert_eq!((distance.near, distance.proven), (ms(300), None));
}

#[test]
fn who_waits_before_answering_us_is_found_near_by_our_neighbours() {
    let mut grid = grid();
    grid.measured(peer(1), ms(80));
    for neighbour in [2, 3] {
        grid.measured(peer(neighbour), ms(1));
        grid.witnessed(peer(neighbour), peer(1), ms(1));
    }
    let distance = grid.between(peer(0), peer(1)).unwrap();
    assert_eq!((distance.near, distance.far), (ms(2), ms(80)));
    assert_eq!(range("5ms..").judge(Some(&distance)), Verdict::TooNear);
    assert_eq!(range("..50ms").judge(Some(&distance)), Verdict::TooFar, "and it is slow to us");
}

#[test]
fn what_two_say_of_each_other_counts_against_a_minimum_and_never_for_a_maximum() {
    let mut grid = grid();
    grid.placed(peer(1), at(0.0));
    grid.placed(peer(2), at(300.0));
    grid.witnessed(peer(2), peer(1), ms(4));
    for distance in [grid.between(peer(1), peer(2)), grid.between(peer(2), peer(1))] {
        let Distance { near, far, proven } = distance.unwrap();
        assert_eq!((near, far, proven), (ms(4), ms(300), None), "its word is no proof");
        assert_eq!(range("50ms..").judge(distance.as_ref()), Verdict::TooNear);
        assert_eq!(range("..50ms").judge(distance.as_ref()), Verdict::TooFar);
    }
    // One that says so of everybody keeps nobody else apart.
    grid.placed(peer(3), at(600.0));
    grid.witnessed(peer(2), peer(3), ms(4));
    assert_eq!(grid.between(peer(1), peer(3)).unwrap().near, ms(600));
}

#[test]
fn strangers_are_no_witnesses_and_take_no_memory() {
    let mut grid = grid();
    for n in 0..100 {
        grid.witnessed(peer(1000 + n), peer(1), ms(1));
        grid.witnessed(peer(1), peer(1000 + n), ms(1));
        grid.placed(peer(1000 + n), at(0.0));
    }
    assert!(grid.seen.is_empty() && grid.coords.is_empty());
    let owners = (0..100).map(|n| (peer(n), owner(n))).collect();
    let mut grid = Distances::new(peer(0), owners);
    for n in 2..100 {
        grid.witnessed(peer(n), peer(1), ms(200 - n));
    }
    let kept = &grid.seen[&peer(1)];
    assert_eq!(kept.len(), MAX_WITNESSES);
    assert!(kept.values().all(|rtt| *rtt < ms(101 + MAX_WITNESSES as u64)), "the nearest stay");
}
