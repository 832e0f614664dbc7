//! Promises of slices.

use std::io::Cursor;

use bao::encode::SliceExtractor;
use proptest::prelude::*;

use super::*;

fn shard(len: usize) -> (Vec<u8>, ShardId) {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(b"shard").finalize_xof().fill(&mut bytes);
    let id = ShardId::from(blake3::hash(&bytes));
    (bytes, id)
}

/// A shard, and a part of it: so much from there on, as far as it goes.
fn part(len: usize, at: prop::sample::Index, want: u32) -> (Vec<u8>, ShardId, u64, u32) {
    let (bytes, id) = shard(len);
    let offset = at.index(len) as u64;
    (bytes, id, offset, want.min((len as u64 - offset) as u32))
}

/// The part, with its proof, from the bytes that are needed for it.
fn slice(bytes: &[u8], id: ShardId, offset: u64, len: u32) -> Option<Vec<u8>> {
    let tree = ShardTree::of(id, bytes)?;
    let needed = tree.needed(offset, len)?;
    tree.slice(offset, len, &bytes[needed.start as usize..needed.end as usize])
}

/// The same as the library makes it.
fn reference(bytes: &[u8], offset: u64, len: u32) -> Vec<u8> {
    let (outboard, _hash) = bao::encode::outboard(bytes);
    let (bytes, outboard) = (Cursor::new(bytes), Cursor::new(outboard));
    let mut extractor = SliceExtractor::new_outboard(bytes, outboard, offset, u64::from(len));
    let mut encoded = Vec::new();
    extractor.read_to_end(&mut encoded).unwrap();
    encoded
}

proptest! {
    #[test]
    fn a_slice_is_accepted_for_its_shard_and_place_only(
        len in 1_usize..400_000,
        at: prop::sample::Index,
        want in 1_u32..=SLICE_MAX,
        damage: prop::sample::Index,
    ) {
        let (bytes, id, offset, want) = part(len, at, want);
        let mut encoded = slice(&bytes, id, offset, want).expect("within the shard");
        prop_assert!(encoded.len() <= SLICE_BODY_MAX);
        prop_assert!(encoded == reference(&bytes, offset, want), "another encoding");
        let plain = &bytes[offset as usize..offset as usize + want as usize];
        let opened = open_slice(id, offset, want, &encoded);
        prop_assert_eq!(opened.as_deref(), Some(plain));
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
    fn damaged_bytes_give_no_slice(
        len in 1_usize..400_000,
        at: prop::sample::Index,
        want in 1_u32..=SLICE_MAX,
        damage: prop::sample::Index,
    ) {
        let (bytes, id, offset, want) = part(len, at, want);
        let tree = ShardTree::of(id, &bytes).expect("it is that shard");
        let needed = tree.needed(offset, want).expect("within the shard");
        prop_assert!(needed.end - needed.start < u64::from(want) + 2 * GROUP);
        let mut part = bytes[needed.start as usize..needed.end as usize].to_vec();
        let at = damage.index(part.len());
        part[at] ^= 1;
        prop_assert_eq!(tree.slice(offset, want, &part), None);
        part[at] ^= 1;
        prop_assert!(tree.slice(offset, want, &part).is_some());
        part.pop();
        prop_assert_eq!(tree.slice(offset, want, &part), None);
        let mut other = bytes;
        let at = damage.index(len);
        other[at] ^= 1;
        prop_assert_eq!(ShardTree::of(id, &other), None);
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
    let offset = 8 * 1024 * 1024 - 300_001;
    let encoded = slice(&bytes, id, offset, SLICE_MAX).expect("within the shard");
    assert!(encoded.len() <= SLICE_BODY_MAX, "{}", encoded.len());
    assert!(verify_slice(id, offset, SLICE_MAX, &encoded));
}

#[test]
fn what_is_not_there_or_too_much_is_not_given() {
    let (bytes, id) = shard(700_000);
    for (offset, len) in [(0, 0), (699_999, 2), (700_000, 1), (u64::MAX, 2), (0, SLICE_MAX + 1)] {
        assert_eq!(slice(&bytes, id, offset, len), None, "{offset} {len}");
        assert!(!verify_slice(id, offset, len, &[]));
    }
}

#[test]
fn every_length_around_the_edges_of_groups_is_sliced_as_the_library_does() {
    for groups in 0..4 {
        for beyond in [1, 1023, 1024, 1025, 2048, 30_000, GROUP - 1, GROUP] {
            let len = groups * GROUP + beyond;
            let (bytes, id) = shard(len as usize);
            for offset in [0, len / 2, len - 1, len - beyond] {
                let want = (len - offset).min(2_000) as u32;
                let encoded = slice(&bytes, id, offset, want);
                assert_eq!(encoded, Some(reference(&bytes, offset, want)), "{len} {offset}");
            }
        }
    }
}
