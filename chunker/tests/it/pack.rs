//! Packs: they open to what was sealed or say what is wrong with them, and can be made again.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use chunker::{
    BLOCK_MAX, Block, ChunkId, Class, Codec, Error, PACK_FULL, PACK_MAX, PACK_SIZES, Pack,
    PackBuilder, PackId, PackMeta, PackReader, Part, VaultKeys, rebuild,
};
use proptest::prelude::*;

use super::{block, code, find, keys, noise, prose, sample};

const HEADER: usize = 69;

/// Opens every block.
fn read_all(keys: &VaultKeys, meta: &PackMeta, bytes: &Bytes) -> Result<Vec<Vec<u8>>, Error> {
    let reader = PackReader::open(keys, meta, bytes)?;
    (0..meta.blocks.len()).map(|no| reader.block(no)).collect()
}

fn is_damaged<T>(result: Result<T, Error>, wanted: Part) -> bool {
    matches!(result, Err(Error::Damaged { part }) if part == wanted)
}

/// Where the blocks' frames are, by the layout FORMAT.md gives.
fn frames(meta: &PackMeta) -> Vec<Range<usize>> {
    let entries: usize = meta.blocks.iter().map(|block| 15 + 36 * block.chunks.len()).sum();
    let mut end = HEADER + 4 + 16 + 4 + entries + 16;
    let frame = |block: &chunker::BlockMeta| {
        let start = end;
        end += block.stored_len as usize + 16;
        start..end
    };
    meta.blocks.iter().map(frame).collect()
}

fn changed(bytes: &Bytes, change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut copy = bytes.to_vec();
    change(&mut copy);
    Bytes::from(copy)
}

#[test]
fn a_pack_opens_to_what_was_sealed() {
    let (pack, plain) = sample(&keys(1), 1);
    assert_eq!(pack.bytes.len(), PACK_SIZES[0]);
    assert_eq!(pack.meta.id, PackId::from(blake3::hash(&pack.bytes)));
    let codecs: Vec<Codec> = pack.meta.blocks.iter().map(|block| block.codec).collect();
    assert_eq!(codecs, [Codec::Zstd, Codec::Raw, Codec::Zstd]);
    assert_eq!(read_all(&keys(1), &pack.meta, &pack.bytes).unwrap(), plain);
    let reader = PackReader::open(&keys(1), &pack.meta, &pack.bytes).unwrap();
    assert!(reader.verify().is_ok());
    assert!(matches!(reader.block(3), Err(Error::NoSuchBlock { no: 3, blocks: 3 })));
}

#[test]
fn a_scan_gives_the_recipe_back() {
    let (pack, _) = sample(&keys(1), 1);
    assert_eq!(PackReader::scan(&keys(1), pack.meta.id, &pack.bytes).unwrap(), pack.meta);
    let other = PackId::from_bytes([1; 32]);
    assert!(is_damaged(PackReader::scan(&keys(1), other, &pack.bytes), Part::Hash));
}

#[test]
fn another_vaults_keys_are_told_from_damage() {
    let (pack, _) = sample(&keys(1), 1);
    let opened = PackReader::open(&keys(2), &pack.meta, &pack.bytes);
    assert!(matches!(opened, Err(Error::WrongKey)));
    let scanned = PackReader::scan(&keys(2), pack.meta.id, &pack.bytes);
    assert!(matches!(scanned, Err(Error::WrongKey)));
    // A commitment that was hit is damage, not a wrong key.
    let hit = changed(&pack.bytes, |bytes| bytes[40] ^= 1);
    assert!(is_damaged(PackReader::open(&keys(1), &pack.meta, &hit), Part::Hash));
}

#[test]
fn every_truncation_is_refused() {
    let (pack, _) = sample(&keys(1), 1);
    for len in (0..HEADER * 2).chain((0..pack.bytes.len()).step_by(4093)) {
        let short = pack.bytes.slice(..len);
        assert!(is_damaged(PackReader::open(&keys(1), &pack.meta, &short), Part::Length));
        assert!(is_damaged(PackReader::scan(&keys(1), pack.meta.id, &short), Part::Length));
    }
    let long = changed(&pack.bytes, |bytes| bytes.push(0));
    assert!(is_damaged(PackReader::open(&keys(1), &pack.meta, &long), Part::Length));
}

#[test]
fn every_bit_of_a_frame_counts() {
    let (pack, plain) = sample(&keys(1), 1);
    let frames = frames(&pack.meta);
    for (no, frame) in frames.iter().enumerate() {
        for at in frame.clone().step_by(211).chain([frame.end - 1]) {
            let hit = changed(&pack.bytes, |bytes| bytes[at] ^= 1 << (at % 8));
            let reader = PackReader::open(&keys(1), &pack.meta, &hit).unwrap();
            assert!(is_damaged(reader.verify(), Part::Hash));
            for (other, raw) in plain.iter().enumerate() {
                if other == no {
                    assert!(is_damaged(reader.block(no), Part::Block(no)));
                } else {
                    assert_eq!(&reader.block(other).unwrap(), raw);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_flipped_bit_anywhere_never_passes(at in 0usize..(256 << 10), bit in 0u8..8) {
        let (pack, plain) = sample(&keys(1), 1);
        // Half of the cases in the part that is not padding.
        let used = frames(&pack.meta).last().unwrap().end;
        for at in [at, at % used] {
            let hit = changed(&pack.bytes, |bytes| bytes[at] ^= 1 << bit);
            prop_assert!(PackReader::scan(&keys(1), pack.meta.id, &hit).is_err());
            match read_all(&keys(1), &pack.meta, &hit) {
                // The directory is not needed when the recipe is known; nor is padding.
                Ok(read) => {
                    let blocks = frames(&pack.meta)[0].start..used;
                    prop_assert!(at >= HEADER && !blocks.contains(&at));
                    prop_assert_eq!(&read, &plain);
                }
                Err(_) => prop_assert!(at < used),
            }
        }
    }

    #[test]
    fn bytes_of_anybody_never_panic(
        head in proptest::collection::vec(any::<u8>(), 0..400),
        at in 0usize..400,
    ) {
        let (pack, _) = sample(&keys(1), 1);
        let hit = changed(&pack.bytes, |bytes| bytes[at..at + head.len()].copy_from_slice(&head));
        let id = PackId::from(blake3::hash(&hit));
        if let Ok(meta) = PackReader::scan(&keys(1), id, &hit) {
            prop_assert_eq!(&meta.blocks, &pack.meta.blocks);
        }
        drop(read_all(&keys(1), &pack.meta, &hit));
    }
}

#[test]
fn nothing_said_about_a_block_can_be_changed() {
    let (pack, _) = sample(&keys(1), 1);
    let edits: [fn(&mut PackMeta); 6] = [
        |meta| meta.blocks[0].class = Class::Tree,
        |meta| meta.blocks[0].level = 4,
        |meta| meta.blocks[0].chunks[0].id = ChunkId::from_bytes([0; 32]),
        |meta| meta.blocks[0].chunks.swap(0, 1),
        |meta| {
            meta.blocks[0].chunks[0].len -= 1;
            meta.blocks[0].chunks[1].len += 1;
        },
        |meta| {
            meta.blocks[0].raw_len += 1;
            meta.blocks[0].chunks[1].len += 1;
        },
    ];
    for (no, edit) in edits.into_iter().enumerate() {
        let mut meta = pack.meta.clone();
        edit(&mut meta);
        let reader = PackReader::open(&keys(1), &meta, &pack.bytes).unwrap();
        assert!(is_damaged(reader.block(0), Part::Block(0)), "edit {no}");
    }
    let mut raw = pack.meta.clone();
    (raw.blocks[1].codec, raw.blocks[1].level, raw.blocks[1].raw_len) = (Codec::Zstd, 3, 3001);
    raw.blocks[1].chunks[0].len = 3001;
    let reader = PackReader::open(&keys(1), &raw, &pack.bytes).unwrap();
    assert!(is_damaged(reader.block(1), Part::Block(1)));
}

#[test]
fn blocks_cannot_change_places() {
    let keys = keys(1);
    let mut builder = PackBuilder::new();
    for seed in 1..=3 {
        builder.push(block(&keys, Class::Data, &[&noise(seed, 1000)], 0));
    }
    let pack = builder.finish(&keys, code(1, 1), [1; 32]).unwrap();
    let frames = frames(&pack.meta);
    for (one, other) in [(0, 1), (1, 2), (0, 2)] {
        let swapped = changed(&pack.bytes, |bytes| {
            let first = bytes[frames[one].clone()].to_vec();
            bytes.copy_within(frames[other].clone(), frames[one].start);
            bytes[frames[other].clone()].copy_from_slice(&first);
        });
        let mut meta = pack.meta.clone();
        meta.blocks.swap(one, other);
        let reader = PackReader::open(&keys, &meta, &swapped).unwrap();
        assert!(is_damaged(reader.block(one), Part::Block(one)));
        assert!(is_damaged(reader.block(other), Part::Block(other)));
    }
    // Nor can the last one be left out.
    let mut meta = pack.meta.clone();
    meta.blocks.pop();
    // As the shorter recipe would have it: everything moves up by the missing entry.
    let entry = 15 + 36;
    let cut = changed(&pack.bytes, |bytes| {
        bytes.copy_within(frames[0].start..frames[2].start, frames[0].start - entry);
    });
    let reader = PackReader::open(&keys, &meta, &cut).unwrap();
    assert!(reader.block(0).is_ok());
    assert!(is_damaged(reader.block(1), Part::Block(1)));
}

#[test]
fn a_pack_is_made_again_byte_for_byte() {
    let (pack, plain) = sample(&keys(1), 1);
    let again = rebuild(&keys(1), &pack.meta, |id| find(&pack, &plain, id)).unwrap();
    assert!(again == pack);
}

#[test]
fn what_cannot_be_made_again_says_why() {
    let (pack, plain) = sample(&keys(1), 1);
    let lost = pack.meta.blocks[1].chunks[0].id;
    let missing = rebuild(&keys(1), &pack.meta, |id| {
        (*id != lost).then(|| find(&pack, &plain, id)).flatten()
    });
    assert!(matches!(missing, Err(Error::MissingChunk { chunk }) if chunk == lost));
    let other = rebuild(&keys(1), &pack.meta, |id| {
        if *id == lost { Some(Bytes::from(noise(77, 3000))) } else { find(&pack, &plain, id) }
    });
    assert!(is_damaged(other, Part::Chunk(lost)));
    // As if zstd had changed: another level gives other bytes.
    let mut meta = pack.meta.clone();
    meta.blocks[0].level = 19;
    let different = rebuild(&keys(1), &meta, |id| find(&pack, &plain, id));
    assert!(matches!(different, Err(Error::NotReproducible { pack: id }) if id == pack.meta.id));
    let mut salted = pack.meta.clone();
    salted.salt[0] ^= 1;
    let different = rebuild(&keys(1), &salted, |id| find(&pack, &plain, id));
    assert!(matches!(different, Err(Error::NotReproducible { .. })));
}

#[test]
fn one_random_number_never_gives_two_contents_one_key() {
    let keys = keys(1);
    let sealed = |plain: &[&[u8]], level| {
        let mut builder = PackBuilder::new();
        builder.push(block(&keys, Class::Data, plain, level));
        builder.finish(&keys, code(1, 1), [0; 32]).unwrap()
    };
    let text = prose(1, 20_000);
    let packs = [
        sealed(&[&text], 3),
        sealed(&[&text], 0),
        sealed(&[&text], 9),
        sealed(&[&text[..9999], &text[9999..]], 3),
        sealed(&[&prose(2, 20_000)], 3),
    ];
    for (no, pack) in packs.iter().enumerate() {
        assert!(packs[..no].iter().all(|other| other.meta.salt != pack.meta.salt));
    }
    // Then it is the same pack.
    assert!(sealed(&[&text], 3) == packs[0]);
}

#[test]
fn padding_and_frames_look_alike() {
    let (pack, _) = sample(&keys(1), 1);
    let used = frames(&pack.meta).last().unwrap().end;
    for part in [&pack.bytes[HEADER..used], &pack.bytes[used..]] {
        let mut counts = [0f64; 256];
        for byte in part {
            counts[usize::from(*byte)] += 1.0;
        }
        let expected = part.len() as f64 / 256.0;
        let chi: f64 = counts.iter().map(|count| (count - expected).powi(2) / expected).sum();
        // 255 degrees of freedom: 99.9999 % of random strings are between.
        assert!((160.0..380.0).contains(&chi), "{chi}");
    }
}

fn empty_block(len: usize) -> Block {
    block(&keys(1), Class::Data, &[&vec![0; len]], 0)
}

/// A pack whose blocks fill it up to the last `short` bytes, by the builder's own account.
fn filled(short: usize) -> (PackBuilder, bool) {
    let mut builder = PackBuilder::new();
    builder.push(empty_block(2 << 20));
    let fixed = HEADER + 4 + 16 + 4 + 16 + 2 * (15 + 36 + 16);
    let last = empty_block(PACK_FULL - (2 << 20) - fixed - short);
    let fits = builder.fits(&last);
    builder.push(last);
    (builder, fits)
}

#[test]
fn what_fits_is_sealed_and_what_does_not_is_not() {
    let (full, fits) = filled(0);
    assert!(fits);
    assert!(!full.fits(&empty_block(0)));
    let pack = full.finish(&keys(1), code(1, 1), [1; 32]).unwrap();
    assert_eq!(pack.bytes.len(), PACK_FULL);
    let large = empty_block(BLOCK_MAX);
    let mut alone = PackBuilder::new();
    assert!(alone.fits(&large) && !filled(0).0.fits(&large));
    alone.push(large);
    assert_eq!(alone.finish(&keys(1), code(1, 1), [1; 32]).unwrap().bytes.len(), 12 << 20);

    let room_for_nothing = 15 + 36 + 16;
    assert!(filled(room_for_nothing).0.fits(&empty_block(0)));
    assert!(!filled(room_for_nothing).0.fits(&empty_block(1)));
    assert!(!filled(room_for_nothing - 1).0.fits(&empty_block(0)));

    let mut over = PackBuilder::new();
    over.push(empty_block(8 << 20));
    over.push(empty_block(8 << 20));
    let refused = over.finish(&keys(1), code(1, 1), [1; 32]);
    assert!(matches!(refused, Err(Error::TooLarge { limit: PACK_MAX, .. })));
    let nothing = PackBuilder::new().finish(&keys(1), code(1, 1), [1; 32]);
    assert!(matches!(nothing, Err(Error::Empty)));
}

#[test]
fn a_pack_takes_the_smallest_size_that_holds_it() {
    let keys = keys(1);
    let overhead = HEADER + 4 + 16 + 4 + 16 + (15 + 36 + 16);
    let size = |len: usize| {
        let mut builder = PackBuilder::new();
        builder.push(block(&keys, Class::Data, &[&noise(1, len)], 0));
        let Pack { meta, bytes } = builder.finish(&keys, code(1, 1), [1; 32]).unwrap();
        assert_eq!(meta.len as usize, bytes.len());
        bytes.len()
    };
    assert_eq!(size(1), 256 << 10);
    for (no, limit) in PACK_SIZES[..9].iter().enumerate() {
        assert_eq!(size(limit - overhead), *limit);
        assert_eq!(size(limit - overhead + 1), PACK_SIZES[no + 1]);
    }
}

#[test]
fn a_pack_is_padded_by_half_at_most_and_old_sizes_stay_sizes() {
    assert!(PACK_SIZES.windows(2).all(|pair| pair[0] < pair[1] && 2 * pair[1] <= 3 * pair[0]));
    assert_eq!(PACK_SIZES.last(), Some(&PACK_MAX));
    assert!([256 << 10, 1 << 20, 4 << 20, 16 << 20].iter().all(|old| PACK_SIZES.contains(old)));
}

#[test]
fn an_oversized_block_is_refused() {
    let (keys, half) = (keys(1), vec![0; BLOCK_MAX / 2]);
    let id = keys.chunk_id(Class::Data, &half);
    assert!(Block::new(Class::Data, &[(id, &half), (id, &half)], 1).is_ok());
    let over = Block::new(Class::Data, &[(id, &half), (id, &half), (id, &half[..1])], 1);
    assert!(matches!(over, Err(Error::TooLarge { limit: BLOCK_MAX, .. })));
    // Little content, but a longer list of chunks than any pack has room for.
    let many = vec![(id, &half[..1]); 500_000];
    assert!(matches!(Block::new(Class::Data, &many, 1), Err(Error::TooLarge { .. })));
    assert!(matches!(Block::new(Class::Data, &[], 1), Err(Error::Empty)));
    for level in [-101, 23, i32::MAX] {
        let refused = Block::new(Class::Data, &[(id, &half)], level);
        assert!(matches!(refused, Err(Error::BadLevel { .. })));
    }
}

#[test]
fn no_secret_or_content_is_printed() {
    let (pack, _) = sample(&keys(1), 1);
    let reader = PackReader::open(&keys(1), &pack.meta, &pack.bytes).unwrap();
    let shards = chunker::encode(code(2, 1), &pack.bytes).unwrap();
    let cutter = super::small_cutter(1);
    let printed = format!("{:?} {pack:?} {reader:?} {shards:?} {cutter:?}", keys(1));
    assert!(printed.len() < 900, "{printed}");
}

#[test]
fn a_pack_of_very_many_chunks_is_like_any_other() {
    let (keys, mut builder, mut plain) = (keys(1), PackBuilder::new(), Vec::new());
    for no in 0..3u64 {
        let parts: Vec<Vec<u8>> = (0..1_500).map(|n| noise(no * 10_000 + n, 100)).collect();
        let named = |part: &'_ [u8]| keys.chunk_id(Class::Data, part);
        let chunks: Vec<(ChunkId, &[u8])> =
            parts.iter().map(|part| (named(part), part.as_slice())).collect();
        builder.push(Block::new(Class::Data, &chunks, 3).unwrap());
        plain.push(parts.concat());
    }
    let len = builder.sealed_len();
    let pack = builder.finish(&keys, code(3, 2), [7; 32]).unwrap();
    // Its list of chunks alone takes more than what a builder keeps free in front.
    assert_eq!((len, pack.bytes.len()), (768 << 10, 768 << 10));
    assert_eq!(read_all(&keys, &pack.meta, &pack.bytes).unwrap(), plain);
    assert_eq!(PackReader::scan(&keys, pack.meta.id, &pack.bytes).unwrap(), pack.meta);
    let parts = plain.iter().flat_map(|block| block.chunks(100));
    let named = parts.map(|part| (keys.chunk_id(Class::Data, part), Bytes::copy_from_slice(part)));
    let named: BTreeMap<ChunkId, Bytes> = named.collect();
    assert_eq!(rebuild(&keys, &pack.meta, |id| named.get(id).cloned()).unwrap(), pack);
}
