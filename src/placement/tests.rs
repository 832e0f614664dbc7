//! Tests of lanes and rotations.

use std::collections::BTreeMap;

use super::*;

fn key(number: u8) -> PlacementKey {
    PlacementKey::from_bytes([number; 32])
}

#[test]
fn lanes_are_few_and_grow_with_the_grid() {
    assert_eq!(lane_count(0, 12), 1);
    assert_eq!(lane_count(20, 20), 1);
    assert_eq!(lane_count(23, 12), 1);
    assert_eq!(lane_count(24, 12), 2);
    assert_eq!(lane_count(100, 20), 5);
    assert_eq!(lane_count(10_000, 30), MAX_LANES);
    assert_eq!(lane_count(usize::MAX, 0), MAX_LANES);
}

#[test]
fn packs_spread_evenly_over_data_lanes() {
    let mut counts = BTreeMap::new();
    for number in 0..4000_u32 {
        let seed = *blake3::hash(&number.to_le_bytes()).as_bytes();
        *counts.entry(lane_of(&key(1), &seed, 4)).or_insert(0) += 1;
    }
    assert_eq!(counts.keys().map(|lane| lane.number()).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(counts.values().all(|count| (850..1150).contains(count)), "{counts:?}");
}

#[test]
fn no_data_pack_goes_to_the_lane_of_metadata() {
    for lanes in 0..=u8::MAX {
        for seed in 0..8 {
            assert_ne!(lane_of(&key(7), &[seed; 32], lanes), Lane::META);
        }
    }
}

#[test]
fn a_rotation_is_below_n_and_follows_from_key_and_salt() {
    for n in 1..40 {
        let turns: Vec<usize> = (0..200).map(|salt| rotation(&key(1), &[salt; 32], n)).collect();
        assert!(turns.iter().all(|turn| *turn < n));
        let again: Vec<usize> = (0..200).map(|salt| rotation(&key(1), &[salt; 32], n)).collect();
        assert_eq!(turns, again);
        let other: Vec<usize> = (0..200).map(|salt| rotation(&key(2), &[salt; 32], n)).collect();
        assert!(n == 1 || turns != other);
    }
    assert_eq!(rotation(&key(1), &[0; 32], 0), 0);
}

#[test]
fn a_placement_key_is_not_printed() {
    assert_eq!(format!("{:?}", key(0xab)), "PlacementKey(..)");
}

#[test]
fn few_lanes_lose_something_less_often() {
    // The table in docs/PLACEMENT.md: 20 peers, 8+4, five of them lost.
    let choose = |n: u64, k: u64| (0..k).fold(1, |all, i| all * (n - i) / (i + 1)) as f64;
    let lane = choose(12, 5) / choose(20, 5);
    let some = |lanes: i32| 1.0 - (1.0 - lane).powi(lanes);
    let percent = [1, 2, 4, 8, 16, 6400].map(|lanes| (some(lanes) * 100.0).round() as u32);
    assert_eq!(percent, [5, 10, 19, 34, 57, 100]);
    assert_eq!(lane_count(20, 12), 1);
}
