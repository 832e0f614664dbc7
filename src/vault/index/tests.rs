//! Tests of the index records: they come back, they are small, they are checked.

use chunker::{Class, PACK_MAX};
use proptest::prelude::*;

use super::wire::PackRecordWire;
use super::*;
use crate::vault::tests::{fingerprint, peer, placed, record};

fn code(k: u8, m: u8) -> Code {
    Code::new(k, m).unwrap()
}

/// Whether a record that was written like `wire` is believed.
fn believed(change: impl FnOnce(&mut PackRecordWire)) -> bool {
    let mut wire = PackRecordWire::from(placed(3, code(2, 2)));
    change(&mut wire);
    PackRecord::try_from(wire).is_ok()
}

#[test]
fn a_record_comes_back_as_it_was() {
    for (k, m) in [(1, 0), (1, 1), (1, 2), (2, 2), (8, 12)] {
        let mut record = record(5, code(k, m));
        assert_eq!(PackRecord::decode_stored(&record.encode_stored()).unwrap(), record);
        record.set_holder(0, peer(1));
        record.set_holder(k + m - 1, peer(2));
        assert_eq!(PackRecord::decode_stored(&record.encode_stored()).unwrap(), record);
        let full = placed(5, code(k, m));
        assert_eq!(PackRecord::decode_stored(&full.encode_stored()).unwrap(), full);
    }
}

#[test]
fn holders_are_noted_by_index() {
    let mut record = record(1, code(2, 2));
    assert_eq!(record.holders().count(), 0);
    assert_eq!(record.unplaced().map(|(index, _)| index).collect::<Vec<_>>(), [0, 1, 2, 3]);
    record.set_holder(2, peer(9));
    record.set_holder(4, peer(8));
    assert_eq!(record.holder(2), Some(peer(9)));
    assert_eq!(record.holder(4), None);
    assert_eq!(record.holders().collect::<Vec<_>>(), [peer(9)]);
    let names: Vec<_> = record.shards.iter().map(|shard| shard.id).collect();
    let left: Vec<_> = record.unplaced().collect();
    assert_eq!(left, [(0, names[0]), (1, names[1]), (3, names[3])]);
}

#[test]
fn of_identical_shards_each_holder_takes_one() {
    let mut record = record(1, code(1, 2));
    let name = record.shards[0].id;
    for number in 1..=3 {
        record.set_holder_of(name, peer(number));
    }
    record.set_holder_of(name, peer(4));
    assert_eq!(record.holders().collect::<Vec<_>>(), [peer(1), peer(2), peer(3)]);
    record.set_holder_of(ShardId::from_bytes([0; 32]), peer(5));
    assert_eq!(record.unplaced().count(), 0);
}

#[test]
fn every_chunk_has_its_place_in_its_block() {
    let record = record(5000, code(1, 1));
    assert_eq!(record.meta.blocks.len(), 2);
    let places = record.chunk_places();
    assert_eq!(places.len(), 5000);
    assert_eq!((places[1].1, places[1].2, places[1].3), (0, 64, 64));
    assert_eq!((places[4096].1, places[4096].2), (1, 0));
    assert_eq!((places[4999].1, places[4999].2), (1, 903 * 64));
    let ids = record.meta.blocks.iter().flat_map(|block| &block.chunks).map(|chunk| chunk.id);
    assert!(ids.eq(places.iter().map(|place| place.0)));
    assert_eq!(record.class(), Class::Data as u8);
}

#[test]
fn a_record_that_contradicts_itself_is_not_believed() {
    assert!(believed(|_| {}));
    assert!(!believed(|wire| wire.code = code(2, 3)));
    assert!(!believed(|wire| wire.names.truncate(96)));
    assert!(!believed(|wire| wire.names.truncate(31)));
    assert!(!believed(|wire| wire.names.clear()));
    assert!(!believed(|wire| wire.names.push(0)));
    assert!(!believed(|wire| wire.holders.truncate(32)));
    // An index that does not exist, one twice, and two in the wrong order.
    assert!(!believed(|wire| wire.holders[99] = 4));
    assert!(!believed(|wire| wire.holders[33] = 0));
    assert!(!believed(|wire| wire.holders.rotate_left(33)));
    assert!(believed(|wire| wire.holders.truncate(33)));
}

#[test]
fn a_pack_that_contradicts_itself_is_not_believed() {
    let stored = |change: fn(&mut PackMeta)| {
        let mut record = placed(3, code(2, 2));
        change(&mut record.meta);
        PackRecord::decode_stored(&record.encode_stored())
    };
    assert!(stored(|_| {}).is_ok());
    assert!(stored(|meta| meta.blocks[0].raw_len += 1).is_err());
    assert!(stored(|meta| meta.blocks[0].chunks[0].len += 1).is_err());
    assert!(stored(|meta| meta.blocks[0].stored_len = u32::MAX).is_err());
    assert!(stored(|meta| meta.len = u32::MAX).is_err());
    assert!(stored(|meta| meta.blocks.clear()).is_err());
}

#[test]
fn the_first_versions_bytes_are_still_written() {
    let segment = Segment { packs: vec![placed(3, code(2, 2)), record(2, code(1, 2))] };
    assert_eq!(fingerprint(&segment.encode()), "94bfd5df25e24ddfa037667fe9819dfe");
}

#[test]
fn a_chunk_costs_about_its_id_and_a_copy_its_holder() {
    let bare = record(1, code(1, 1)).encode().len();
    let chunks = record(1001, code(1, 1)).encode().len();
    assert!((chunks - bare) / 1000 <= 40, "{} bytes a chunk", (chunks - bare) / 1000);
    let copies = placed(1, code(1, 99)).encode().len();
    assert!((copies - bare) / 100 <= 34, "{} bytes a copy", (copies - bare) / 100);
}

#[test]
fn segments_stay_near_their_target_and_keep_the_order() {
    let packs: Vec<_> = (0..7).map(|n| placed(20_000 + n, code(1, 1))).collect();
    let segments = Segment::split(packs.clone());
    assert!(segments.len() > 1);
    for segment in &segments {
        let bytes = segment.encode();
        assert!(bytes.len() <= SEGMENT_TARGET + 100, "{} bytes", bytes.len());
        assert_eq!(&Segment::decode(&bytes).unwrap(), segment);
    }
    assert!(segments.into_iter().flat_map(|segment| segment.packs).eq(packs));
    assert_eq!(Segment::split(Vec::new()), []);
}

#[test]
fn the_largest_record_there_can_be_is_accepted() {
    // Nothing but the smallest chunks: the pack is then all directory.
    let chunks = (PACK_MAX / 100 - 1000) as u32;
    let record = placed(chunks, code(1, 1));
    assert_eq!(record.meta.len as usize, PACK_MAX);
    let segments = Segment::split(vec![record.clone(), record]);
    assert_eq!(segments.len(), 2);
    for segment in segments {
        assert_eq!(Segment::decode(&segment.encode()).unwrap(), segment);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_decoding_panic(mut bytes: Vec<u8>) {
        bytes.insert(0, 1);
        prop_assert!(PackRecord::decode_stored(&bytes).is_err());
        if let Ok(read) = Segment::decode(&bytes) {
            prop_assert_eq!(Segment::decode(&read.encode()).unwrap(), read);
        }
    }

    #[test]
    fn damage_makes_an_error_or_a_record_that_makes_sense(flips: Vec<(usize, u8)>) {
        let mut bytes = placed(3, code(2, 2)).encode_stored();
        for (at, mask) in flips {
            let at = at % bytes.len();
            bytes[at] ^= mask;
        }
        if let Ok(read) = PackRecord::decode_stored(&bytes) {
            prop_assert_eq!(read.shards.len(), read.code.n());
            prop_assert_eq!(PackRecord::decode_stored(&read.encode_stored()).unwrap(), read);
        }
    }
}
