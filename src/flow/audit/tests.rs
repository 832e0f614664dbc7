//! Promises of the draw.

use std::collections::BTreeSet;

use super::sample;
use crate::entropy::SeededEntropy;

#[test]
fn a_sample_repeats_nothing_and_takes_all_when_there_are_few() {
    let entropy = SeededEntropy::new(1);
    let drawn: BTreeSet<u32> = sample(&entropy, (0..1_000).collect(), 59).into_iter().collect();
    assert_eq!(drawn.len(), 59);
    let few: BTreeSet<u32> = sample(&entropy, (0..7).collect(), 59).into_iter().collect();
    assert_eq!(few, (0..7).collect());
    assert_eq!(sample(&entropy, Vec::<u32>::new(), 59), Vec::<u32>::new());
}

#[test]
fn every_shard_is_drawn_about_equally_often() {
    let mut counts = [0_u32; 100];
    for seed in 0..2_000 {
        for drawn in sample(&SeededEntropy::new(seed), (0..100_usize).collect(), 10) {
            counts[drawn] += 1;
        }
    }
    // 200 expected, with a deviation of 13.
    assert!(counts.iter().all(|count| (130..270).contains(count)), "{counts:?}");
}
