//! Shards: any k of k + m give the pack, and nothing else does.

use bytes::Bytes;
use chunker::{Code, Error, Part, Pool, ShardId, assemble_in, decode, encode, shard_len};
use proptest::prelude::*;

use super::{code, noise};

fn any_code() -> impl Strategy<Value = Code> {
    (1u8..12, 0u8..10).prop_map(|(k, m)| code(k, m))
}

fn given(shards: &[chunker::Shard], which: impl IntoIterator<Item = usize>) -> Vec<(u8, Bytes)> {
    which.into_iter().map(|no| (shards[no].index, shards[no].bytes.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_k_shards_give_the_pack(
        code in any_code(),
        len in 1usize..9000,
        order in Just((0usize..21).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let pack = Bytes::from(noise(len as u64, len));
        let shards = encode(code, &pack).unwrap();
        prop_assert_eq!(shards.len(), code.n());
        let order: Vec<usize> = order.into_iter().filter(|no| *no < code.n()).collect();
        let k = usize::from(code.k());
        let some = given(&shards, order[..k].iter().copied());
        prop_assert_eq!(&decode(code, len, &some).unwrap(), &pack);
        prop_assert_eq!(&decode(code, len, &given(&shards, order.clone())).unwrap(), &pack);

        let mut few = given(&shards, order[..k - 1].iter().copied());
        few.extend_from_within(..);
        let too_few = decode(code, len, &few);
        let Err(Error::TooFewShards { found, .. }) = too_few else { panic!("{too_few:?}") };
        prop_assert_eq!(found, k - 1);
    }

    #[test]
    fn shards_are_equally_long_and_named_by_their_bytes(code in any_code(), len in 1usize..9000) {
        let pack = Bytes::from(noise(1, len));
        let shards = encode(code, &pack).unwrap();
        for (index, shard) in shards.iter().enumerate() {
            prop_assert_eq!(usize::from(shard.index), index);
            prop_assert_eq!(shard.bytes.len(), shard_len(code, len));
            prop_assert_eq!(shard.id, ShardId::from(blake3::hash(&shard.bytes)));
        }
        prop_assert_eq!(&encode(code, &pack).unwrap(), &shards);
    }

    #[test]
    fn whatever_is_given_decoding_never_panics(
        code in any_code(),
        len in 0usize..500,
        shards in proptest::collection::vec(
            (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..200)), 0..20),
    ) {
        let shards: Vec<(u8, Bytes)> =
            shards.into_iter().map(|(index, bytes)| (index, bytes.into())).collect();
        if let Ok(pack) = decode(code, len, &shards) {
            prop_assert_eq!(pack.len(), len);
        }
    }

    #[test]
    fn a_code_reads_as_it_prints(code in any_code()) {
        prop_assert_eq!(code.to_string().parse::<Code>().unwrap(), code);
    }
}

#[test]
fn the_widest_codes_work() {
    let pack = Bytes::from(noise(9, 300_000));
    for code in [code(255, 0), code(1, 254), code(128, 127), code(2, 253), code(254, 1)] {
        let shards = encode(code, &pack).unwrap();
        let k = usize::from(code.k());
        let last = given(&shards, code.n() - k..code.n());
        assert_eq!(decode(code, pack.len(), &last).unwrap(), pack, "{code}");
    }
}

#[test]
fn one_data_shard_means_copies() {
    let pack = Bytes::from(noise(3, 1000));
    let shards = encode(code(1, 3), &pack).unwrap();
    assert_eq!(shards.len(), 4);
    assert!(shards.iter().all(|shard| shard.bytes == pack && shard.id == shards[0].id));
    // The same memory, not four packs.
    assert!(shards.iter().all(|shard| shard.bytes.as_ptr() == pack.as_ptr()));
}

#[test]
fn data_shards_are_not_copied() {
    let pack = Bytes::from(noise(3, 1 << 20));
    let shards = encode(code(4, 2), &pack).unwrap();
    assert_eq!(shards[0].bytes.as_ptr(), pack.as_ptr());
    assert_eq!(shards[..4].iter().map(|shard| shard.bytes.len()).sum::<usize>(), pack.len());
}

#[test]
fn packs_are_put_together_in_the_same_memory_again_whatever_was_in_it() {
    let (pool, code, len) = (Pool::new(1), code(3, 2), 10_000);
    // Data shards only, and one made again from parity, by turns.
    for (seed, which) in [(1, [0, 1, 2]), (2, [0, 2, 4]), (3, [0, 1, 2]), (4, [1, 3, 4])] {
        let pack = Bytes::from(noise(seed, len));
        let shards = encode(code, &pack).unwrap();
        let made = assemble_in(&pool, code, len, given(&shards, which)).unwrap();
        assert_eq!(made, pack);
        assert_eq!(pool.idle(), 0);
        drop(made);
        assert_eq!(pool.idle(), 1);
    }
}

#[test]
fn the_tail_of_the_last_shard_looks_like_the_rest() {
    let pack = Bytes::from(noise(4, 64 * 5 + 1));
    let shards = encode(code(6, 2), &pack).unwrap();
    let tail = &shards[5].bytes[1..];
    assert_eq!(tail.len(), 63);
    let mut values = tail.to_vec();
    values.sort_unstable();
    values.dedup();
    assert!(values.len() > 40, "{tail:?}");
    let other = encode(code(6, 2), &Bytes::from(noise(5, 64 * 5 + 1))).unwrap();
    assert_ne!(tail, &other[5].bytes[1..]);
}

#[test]
fn a_shard_of_another_length_or_place_is_refused_by_index() {
    let pack = Bytes::from(noise(4, 1000));
    let shards = encode(code(2, 1), &pack).unwrap();
    let mut short = given(&shards, [0, 1]);
    short[1].1.truncate(10);
    let damaged = decode(code(2, 1), 1000, &short);
    assert!(matches!(damaged, Err(Error::Damaged { part: Part::Shard(1) })));
    let elsewhere = [(0, shards[0].bytes.clone()), (3, shards[1].bytes.clone())];
    let damaged = decode(code(2, 1), 1000, &elsewhere);
    assert!(matches!(damaged, Err(Error::Damaged { part: Part::Shard(3) })));
}

#[test]
fn impossible_codes_are_refused_in_every_spelling() {
    for (k, m) in [(0, 0), (0, 3), (255, 1), (128, 128)] {
        assert!(matches!(Code::new(k, m), Err(Error::BadCode { .. })));
        let mut cbor = Vec::new();
        let map = std::collections::BTreeMap::from([("k", k), ("m", m)]);
        ciborium::into_writer(&map, &mut cbor).unwrap();
        assert!(ciborium::from_reader::<Code, _>(cbor.as_slice()).is_err());
    }
    for text in ["", "+", "8", "8+", "+4", "8+4+1", "8 + 4", "+8+4", "8+-4", "8+256", "0+1", "8＋4"]
    {
        assert!(text.parse::<Code>().is_err(), "{text:?}");
    }
    assert_eq!("8+4".parse::<Code>().unwrap(), code(8, 4));
}

#[test]
fn nothing_and_too_much_are_not_coded() {
    assert!(matches!(encode(code(2, 1), &Bytes::new()), Err(Error::Empty)));
    let huge = Bytes::from(vec![0; chunker::PACK_MAX + 1]);
    assert!(matches!(encode(code(2, 1), &huge), Err(Error::TooLarge { .. })));
    assert!(matches!(decode(code(2, 1), usize::MAX, &[]), Err(Error::TooLarge { .. })));
}

/// The same shards without strips, straight from the coder.
fn coded_whole(code: Code, data: &[Bytes]) -> Vec<Vec<u8>> {
    let (k, m) = (usize::from(code.k()), usize::from(code.m()));
    let mut encoder = reed_solomon_simd::ReedSolomonEncoder::new(k, m, data[0].len()).unwrap();
    data.iter().for_each(|shard| encoder.add_original_shard(shard).unwrap());
    encoder.encode().unwrap().recovery_iter().map(<[u8]>::to_vec).collect()
}

#[test]
fn coding_in_strips_gives_the_shards_of_the_format() {
    for code in [code(3, 2), code(2, 5), code(8, 4), code(1, 2)] {
        for len in [1, 64, 32 << 10, (32 << 10) + 64, (64 << 10) * 3, 1_000_003] {
            let pack = Bytes::from(noise(len as u64, len));
            let shards = encode(code, &pack).unwrap();
            let k = usize::from(code.k());
            let data: Vec<Bytes> = shards[..k].iter().map(|shard| shard.bytes.clone()).collect();
            let parity: Vec<Vec<u8>> =
                shards[k..].iter().map(|shard| shard.bytes.to_vec()).collect();
            if k > 1 {
                assert!(parity == coded_whole(code, &data), "{code}, {len} bytes");
            }
            let last = given(&shards, code.n() - k..code.n());
            assert!(decode(code, len, &last).unwrap() == pack, "{code}, {len} bytes");
        }
    }
}
