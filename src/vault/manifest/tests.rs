//! Tests of manifest and head records, and of how records are cut.

use chunker::Code;
use proptest::prelude::*;

use super::*;
use crate::vault::tests::{body, bytes32, fingerprint, peer, placed, vault};

fn manifest() -> Manifest {
    let piece = |n: u32| Piece { len: 5, chunk: Some(chunker::ChunkId::from_bytes(bytes32(n))) };
    let entry = |n: u32| SnapshotEntry {
        witnessed_secs: None,
        mark: Mark::default(),
        id: SnapshotId::from_bytes(bytes32(n)),
        time: Stamp { secs: i64::from(n), nanos: n },
        chunks: vec![piece(n)],
    };
    Manifest {
        device: peer(1),
        roots: vec![placed(2, Code::new(4, 8).unwrap()), placed(3, Code::new(1, 2).unwrap())],
        segments: (0..3).map(|n| SegmentRef { chunks: vec![piece(n), piece(n + 1)] }).collect(),
        snapshots: (0..4).map(entry).collect(),
    }
}

/// Bytes that do not repeat.
fn noise(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(b"noise").finalize_xof().fill(&mut bytes);
    bytes
}

fn ids(bytes: &[u8]) -> std::collections::BTreeSet<chunker::ChunkId> {
    let pieces = split_record(vault().keys(), bytes, Class::Index);
    pieces.iter().filter_map(|(piece, _)| piece.chunk).collect()
}

#[test]
fn a_manifest_comes_back_as_it_was() {
    let manifest = manifest();
    assert_eq!(Manifest::decode(&manifest.encode()).unwrap(), manifest);
    let first = Manifest::first(peer(3));
    assert_eq!(Manifest::decode(&first.encode()).unwrap(), first);
    assert!(first.roots.is_empty() && first.segments.is_empty() && first.snapshots.is_empty());
}

/// The times of entries made then and witnessed then, in the order of the manifest.
fn times(entries: &[(i64, Option<u64>)]) -> Vec<i64> {
    let mut manifest = manifest();
    let one = manifest.snapshots[0].clone();
    let entry = |(no, (made, witnessed_secs)): (usize, &(i64, Option<u64>))| SnapshotEntry {
        id: SnapshotId::from_bytes(bytes32(no as u32)),
        time: Stamp { secs: *made, nanos: 0 },
        witnessed_secs: *witnessed_secs,
        ..one.clone()
    };
    manifest.snapshots = entries.iter().enumerate().map(entry).collect();
    let times = manifest.times();
    manifest.snapshots.iter().map(|entry| times[&entry.id].secs).collect()
}

#[test]
fn a_snapshot_is_no_older_than_the_one_before_and_no_newer_than_its_witnesses() {
    assert_eq!(times(&[(10, Some(11)), (20, Some(21))]), [10, 20], "honest ones as they are");
    assert_eq!(times(&[(10, Some(11)), (900, Some(21))]), [10, 21], "a clock set ahead");
    assert_eq!(times(&[(10, Some(11)), (1, Some(21))]), [10, 10], "a clock set back");
    // Old ones that were adopted stand behind new ones, and stay as old as they are.
    assert_eq!(times(&[(50, Some(51)), (10, Some(11)), (20, Some(21))]), [50, 10, 20]);
    assert_eq!(times(&[(50, Some(51)), (7, None), (60, Some(61))]), [50, 7, 60]);
}

#[test]
fn the_first_versions_bytes_are_still_written() {
    assert_eq!(fingerprint(&manifest().encode()), "2f4aaa72dcd9884b0e8fc5ba435a157b");
    assert_eq!(fingerprint(&body(3).encode()), "1e1db7c1d3c53e4d3cefd8011a8b93d3");
}

#[test]
fn a_snapshot_costs_a_manifest_little() {
    let mut manifest = manifest();
    let before = manifest.encode().len();
    for _ in 0..100 {
        manifest.snapshots.push(manifest.snapshots[3].clone());
    }
    let each = (manifest.encode().len() - before) / 100;
    assert!(each <= 110, "{each} bytes");
}

#[test]
fn the_pieces_of_a_record_are_all_of_it_in_order() {
    let vault = vault();
    for len in [0, 1, 1000, 100_000, 3_000_000] {
        let bytes = noise(len);
        let mut next = 0;
        for (piece, range) in split_record(vault.keys(), &bytes, Class::Index) {
            assert_eq!((range.start, range.len() as u64), (next, piece.len));
            let id = vault.keys().chunk_id(Class::Index, &bytes[range.clone()]);
            assert_eq!(piece.chunk, Some(id));
            next = range.end;
        }
        assert_eq!(next, len);
    }
}

#[test]
fn a_record_that_grew_is_mostly_the_same_chunks() {
    let bytes = noise(3_000_000);
    let (before, after) = (ids(&bytes), ids(&[b"one more".as_slice(), &bytes].concat()));
    assert!(before.len() > 20);
    let kept = before.intersection(&after).count();
    assert!(kept + 2 >= before.len(), "{kept} of {}", before.len());
}

#[test]
fn the_class_is_part_of_a_pieces_name() {
    let vault = vault();
    let named = |class| split_record(vault.keys(), b"the same bytes", class)[0].0.chunk;
    assert_ne!(named(Class::Index), named(Class::Snapshot));
}

proptest! {
    #[test]
    fn no_bytes_make_decoding_panic(mut bytes: Vec<u8>) {
        bytes.insert(0, 1);
        prop_assert!(Manifest::decode(&bytes).is_err());
        prop_assert!(HeadBody::decode(&bytes).is_err());
    }

    #[test]
    fn damage_never_makes_decoding_panic(flips: Vec<(usize, u8)>) {
        for mut bytes in [manifest().encode(), body(3).encode()] {
            for (at, mask) in &flips {
                let at = at % bytes.len();
                bytes[at] ^= mask;
            }
            let manifest = Manifest::decode(&bytes);
            let body = HeadBody::decode(&bytes);
            prop_assert!(manifest.is_err() || body.is_err());
        }
    }
}
