//! Recipes as CBOR: what is decoded is a recipe a pack can have, and costs no more than it has.

use chunker::{Block, ChunkId, Class, Codec, PackMeta, PackReader};
use proptest::prelude::*;

use super::{keys, sample};

fn cbor(meta: &PackMeta) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(meta, &mut bytes).unwrap();
    bytes
}

fn decoded(bytes: &[u8]) -> Result<PackMeta, ciborium::de::Error<std::io::Error>> {
    ciborium::from_reader(bytes)
}

#[test]
fn a_recipe_survives_cbor_and_is_small() {
    let (pack, _) = sample(&keys(1), 1);
    let bytes = cbor(&pack.meta);
    assert_eq!(decoded(&bytes).unwrap(), pack.meta);
    let chunks: usize = pack.meta.blocks.iter().map(|block| block.chunks.len()).sum();
    assert!(bytes.len() < 90 + 32 * pack.meta.blocks.len() + 36 * chunks, "{}", bytes.len());
}

#[test]
fn recipes_no_pack_can_have_are_refused() {
    let (pack, _) = sample(&keys(1), 1);
    let edits: [fn(&mut PackMeta); 14] = [
        |meta| meta.len += 1,
        |meta| meta.len = 0,
        |meta| meta.len = 1 << 20,
        |meta| meta.blocks.clear(),
        |meta| meta.blocks[0].chunks.clear(),
        |meta| meta.blocks[0].raw_len += 1,
        |meta| meta.blocks[0].chunks[0].len = u32::MAX,
        |meta| (meta.blocks[0].raw_len, meta.blocks[0].chunks[0].len) = (u32::MAX, u32::MAX - 5000),
        |meta| meta.blocks[0].stored_len = u32::MAX,
        |meta| meta.blocks[0].stored_len = meta.blocks[0].raw_len,
        |meta| meta.blocks[0].codec = Codec::Raw,
        |meta| meta.blocks[0].level = 0,
        |meta| meta.blocks[0].level = i8::MIN,
        |meta| meta.blocks[1].stored_len -= 1,
    ];
    for (no, edit) in edits.into_iter().enumerate() {
        let mut meta = pack.meta.clone();
        edit(&mut meta);
        assert!(decoded(&cbor(&meta)).is_err(), "edit {no}");
        assert!(PackReader::open(&keys(1), &meta, &pack.bytes).is_err(), "edit {no}");
        assert!(chunker::rebuild(&keys(1), &meta, |_| None).is_err(), "edit {no}");
    }
}

#[test]
fn lengths_that_only_claim_cost_nothing() {
    let (pack, _) = sample(&keys(1), 1);
    let bytes = cbor(&pack.meta);
    // Every length header in turn claims 2^40 elements or bytes.
    for at in 0..bytes.len() {
        let major = bytes[at] >> 5;
        let mut claim = bytes[..at].to_vec();
        claim.push((major << 5) | 0x1b);
        claim.extend_from_slice(&(1u64 << 40).to_be_bytes());
        claim.extend_from_slice(&bytes[at + 1..]);
        // Inside an id or a salt it is no length at all.
        if let Ok(meta) = decoded(&claim) {
            assert_eq!(meta.blocks.len(), pack.meta.blocks.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn changed_recipes_never_panic(
        at in 0usize..600,
        with in proptest::collection::vec(any::<u8>(), 0..12),
        cut in 0usize..700,
    ) {
        let (pack, _) = sample(&keys(1), 1);
        let mut bytes = cbor(&pack.meta);
        let at = at % bytes.len();
        let end = bytes.len().min(at + with.len());
        bytes.splice(at..end, with);
        bytes.truncate(cut.max(at));
        if let Ok(meta) = decoded(&bytes)
            && let Ok(reader) = PackReader::open(&keys(1), &meta, &pack.bytes)
        {
            for no in 0..meta.blocks.len() {
                drop(reader.block(no));
            }
        }
    }
}

#[test]
fn classes_and_codecs_are_numbers_and_closed() {
    for (number, class) in
        [Class::Data, Class::Tree, Class::Snapshot, Class::Index].into_iter().enumerate()
    {
        assert_eq!(u8::from(class), number as u8);
        assert_eq!(Class::try_from(number as u8).unwrap(), class);
    }
    assert!(Class::try_from(4).is_err());
    assert!(Codec::try_from(2).is_err());
    assert_eq!(ciborium::from_reader::<Class, _>([3u8].as_slice()).unwrap(), Class::Index);
    assert!(ciborium::from_reader::<Class, _>([4u8].as_slice()).is_err());
}

#[test]
fn ids_differ_by_class_and_vault() {
    let classes = [Class::Data, Class::Tree, Class::Snapshot, Class::Index];
    let mut ids: Vec<ChunkId> = [1, 2]
        .into_iter()
        .flat_map(|secret| classes.map(|class| keys(secret).chunk_id(class, b"the same bytes")))
        .collect();
    ids.push(blake3::hash(b"the same bytes").into());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 9);
    assert_ne!(keys(1).vault(), keys(2).vault());
}

#[test]
fn a_chunk_under_the_name_of_another_class_is_refused_when_sealed() {
    let keys = keys(1);
    let id = keys.chunk_id(Class::Tree, b"listing");
    let mut builder = chunker::PackBuilder::new();
    builder.push(Block::new(Class::Data, &[(id, b"listing")], 0).unwrap());
    let refused = builder.finish(&keys, super::code(1, 1), [1; 32]);
    assert!(matches!(refused, Err(chunker::Error::ReadBack { .. })));
}
