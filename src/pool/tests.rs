//! The figure against a grid that is really filled, pack by pack.

use proptest::prelude::*;

use super::*;

fn rooms(free: &[u64]) -> Vec<Room<usize>> {
    free.iter().enumerate().map(|(domain, free)| Room { domain, free_bytes: *free }).collect()
}

/// Fills the largest first, one byte a shard: what no placement can do better.
fn filled(free: &[u64], k: u8, n: usize) -> u64 {
    let (mut free, mut packs) = (free.to_vec(), 0);
    loop {
        free.sort_unstable_by(|a, b| b.cmp(a));
        match free.get_mut(..n) {
            Some(largest) if largest.iter().all(|one| *one > 0) => {
                largest.iter_mut().for_each(|one| *one -= 1);
                packs += 1;
            }
            _ => return packs * u64::from(k),
        }
    }
}

proptest! {
    #[test]
    fn it_is_what_fits_when_the_largest_are_filled_first(
        free in prop::collection::vec(0_u64..60, 0..8), k in 1_u8..4, m in 0_u8..3,
    ) {
        let fits = filled(&free, k, usize::from(k + m));
        prop_assert_eq!(capacity(rooms(&free), k, m), fits - fits / OVERHEAD);
    }
}

#[test]
fn one_large_donor_among_small_ones_does_not_count_for_more_than_can_be_used() {
    let tib = 1 << 40;
    let unequal = capacity(rooms(&[tib, 1 << 30, 1 << 30]), 1, 1);
    assert!(unequal <= 2 << 30, "{unequal}");
    assert!(unequal >= (2 << 30) - (2 << 30) / 16, "{unequal}");
    assert_eq!(capacity(rooms(&[tib]), 1, 1), 0);
    let shared = [Room { domain: 1, free_bytes: tib }, Room { domain: 1, free_bytes: tib }];
    assert_eq!(capacity(shared, 1, 1), 0);
}
