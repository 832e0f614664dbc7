//! Tests of matching: as many domains as can be, and shards as even as room allows.

use proptest::prelude::*;

use super::*;

fn domain(number: u8) -> Domain {
    Domain::of_group(chunker::PeerId::from_bytes([number; 32]))
}

fn sets(numbers: &[&[u8]]) -> Vec<BTreeSet<Domain>> {
    numbers.iter().map(|set| set.iter().map(|number| domain(*number)).collect()).collect()
}

/// The largest matching, by trying everything.
fn by_hand(shards: &[BTreeSet<Domain>], used: &mut BTreeSet<Domain>) -> usize {
    let Some((first, rest)) = shards.split_first() else { return 0 };
    let mut most = by_hand(rest, used);
    for domain in first {
        if used.insert(*domain) {
            most = most.max(1 + by_hand(rest, used));
            used.remove(domain);
        }
    }
    most
}

#[test]
fn a_domain_with_three_shards_counts_once() {
    assert_eq!(distinct(&sets(&[&[1], &[1], &[1], &[2]])), 2);
    assert_eq!(distinct(&sets(&[&[], &[3]])), 1);
    assert_eq!(distinct(&[]), 0);
}

#[test]
fn a_copy_elsewhere_makes_room() {
    // The first shard is on 1 and 2, the second only on 1: both count.
    assert_eq!(distinct(&sets(&[&[1, 2], &[1]])), 2);
    assert_eq!(distinct(&sets(&[&[1, 2], &[1, 3], &[1]])), 3);
}

#[test]
fn as_many_shards_as_a_pack_can_have() {
    // Each shard on two domains, so that one wrong choice moves all others.
    let shards: Vec<_> = (0..255).map(|n| [domain(n), domain(n + 1)].into()).collect();
    assert_eq!(distinct(&shards), 255);
}

proptest! {
    #[test]
    fn no_matching_is_larger(
        shards in prop::collection::vec(prop::collection::btree_set(0_u8..6, 0..4), 0..7),
    ) {
        let shards: Vec<BTreeSet<Domain>> =
            shards.iter().map(|set| set.iter().map(|n| domain(*n)).collect()).collect();
        let matched = matched(&shards);
        let used: BTreeSet<_> = matched.iter().flatten().collect();
        prop_assert_eq!(used.len(), matched.iter().flatten().count(), "each domain once");
        for (shard, domain) in shards.iter().zip(&matched) {
            prop_assert!(domain.is_none_or(|domain| shard.contains(&domain)));
        }
        prop_assert_eq!(used.len(), by_hand(&shards, &mut BTreeSet::new()));
    }

    #[test]
    fn shards_lie_as_evenly_as_there_is_room(
        shards in 0_usize..60, room in prop::collection::vec(0_usize..20, 0..9),
    ) {
        let counts = even(shards, &room);
        prop_assert_eq!(counts.iter().sum::<usize>(), shards.min(room.iter().sum()));
        let most = counts.iter().max().copied().unwrap_or(0);
        for (count, room) in counts.iter().zip(&room) {
            // Who has fewer has no room for more.
            prop_assert!(count <= room && (*count + 1 >= most || count == room));
        }
    }

    #[test]
    fn losing_the_largest_domains_is_the_worst(
        counts in prop::collection::vec(0_usize..6, 0..8), spare in 0_usize..20,
    ) {
        let lost = domains_to_lose(&counts, spare);
        for set in 0..1_u32 << counts.len() {
            let gone = (0..counts.len()).filter(|at| set >> at & 1 == 1 && counts[*at] > 0);
            let gone: Vec<usize> = gone.collect();
            let shards: usize = gone.iter().map(|at| counts[*at]).sum();
            prop_assert!(gone.len() > lost || shards <= spare);
        }
    }
}
