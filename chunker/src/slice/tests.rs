//! Promises of slices.

use proptest::prelude::*;

use super::*;

fn shard(len: usize) -> (Vec<u8>, ShardId) {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(b"shard").finalize_xof().fill(&mut bytes);
    let id = ShardId::from(blake3::hash(&bytes));
    (bytes, id)
}

proptest! {
    #[test]
    fn a_slice_is_accepted_for_its_shard_and_place_only(
        len in 1_usize..400_000,
        at: prop::sample::Index,
        want in 1_u32..=SLICE_MAX,
        damage: prop::sample::Index,
    ) {
        let (bytes, id) = shard(len);
        let offset = at.index(len) as u64;
        let want = want.min((len as u64 - offset) as u32);
        let mut encoded = slice(&bytes, offset, want).expect("within the shard");
        prop_assert!(encoded.len() <= SLICE_BODY_MAX);
        let part = &bytes[offset as usize..offset as usize + want as usize];
        let opened = open_slice(id, offset, want, &encoded);
        prop_assert_eq!(opened.as_deref(), Some(part));
        let other = ShardId::from(blake3::hash(b"other"));
        prop_assert!(!verify_slice(other, offset, want, &encoded));
        let longer = [encoded.as_slice(), b"x"].concat();
        prop_assert!(!verify_slice(id, offset, want, &longer));
        prop_assert!(!verify_slice(id, offset, want, &encoded[..encoded.len() - 1]));
        // The length in front is proven only by the last bytes of the shard.
        let at = 8 + damage.index(encoded.len() - 8);
        encoded[at] ^= 1;
        prop_assert!(!verify_slice(id, offset, want, &encoded));
    }

    #[test]
    fn arbitrary_bytes_prove_nothing(
        bytes in prop::collection::vec(any::<u8>(), 0..3_000),
        offset: u64,
        len: u32,
    ) {
        let (_, id) = shard(5_000);
        prop_assert!(!verify_slice(id, offset, len, &bytes));
    }
}

#[test]
fn the_largest_slice_of_the_largest_shard_fits() {
    let (bytes, id) = shard(16 * 1024 * 1024);
    // Across the middle of the tree, and not on a boundary: the longest paths.
    let offset = 8 * 1024 * 1024 - 30_001;
    let encoded = slice(&bytes, offset, SLICE_MAX).expect("within the shard");
    assert!(encoded.len() <= SLICE_BODY_MAX, "{}", encoded.len());
    assert!(verify_slice(id, offset, SLICE_MAX, &encoded));
}

#[test]
fn what_is_not_there_or_too_much_is_not_given() {
    let (bytes, id) = shard(5_000);
    for (offset, len) in [(0, 0), (0, 5_001), (5_000, 1), (u64::MAX, 2), (0, SLICE_MAX + 1)] {
        assert_eq!(slice(&bytes, offset, len), None, "{offset} {len}");
        assert!(!verify_slice(id, offset, len, &[]));
    }
}
