//! Cuts: they lose nothing, follow the content, and are every vault's own.

use std::collections::BTreeSet;

use chunker::{CutParams, Cutter, Error};
use proptest::prelude::*;

use super::{cut_whole, keys, noise, prose, small_cutter};

/// Cuts a file that comes in pieces of these lengths, repeated.
fn cut_in_pieces(cutter: &Cutter, file: &[u8], pieces: &[usize]) -> Vec<usize> {
    let (mut lens, mut start, mut end) = (Vec::new(), 0, 0);
    for piece in pieces.iter().cycle() {
        end = file.len().min(end + piece);
        let last = end == file.len();
        while let Some(len) = cutter.cut(&file[start..end], last) {
            lens.push(len);
            start += len;
        }
        if last {
            break;
        }
    }
    lens
}

/// Files with long runs, repetitions and noise in them.
fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        (any::<u64>(), 0usize..5000).prop_map(|(seed, len)| noise(seed, len)),
        (any::<u64>(), 0usize..5000).prop_map(|(seed, len)| prose(seed, len)),
        (any::<u8>(), 0usize..5000).prop_map(|(byte, len)| vec![byte; len]),
    ];
    proptest::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn cutting_then_joining_changes_nothing(file in any_file()) {
        let chunks = cut_whole(&small_cutter(1), &file);
        prop_assert_eq!(&chunks.concat(), &file);
        if let Some((last, others)) = chunks.split_last() {
            prop_assert!(others.iter().all(|chunk| (64..=1024).contains(&chunk.len())));
            prop_assert!((1..=1024).contains(&last.len()));
        }
    }

    #[test]
    fn cuts_do_not_depend_on_how_the_file_is_read(
        file in any_file(),
        pieces in proptest::collection::vec(1usize..3000, 1..8),
    ) {
        let cutter = small_cutter(1);
        let whole: Vec<usize> = cut_whole(&cutter, &file).iter().map(|chunk| chunk.len()).collect();
        prop_assert_eq!(cut_in_pieces(&cutter, &file, &pieces), whole);
    }
}

#[test]
fn an_insertion_moves_few_cuts() {
    let params = CutParams::default();
    let (cutter, before) = (Cutter::new(&keys(1), params), noise(7, 4 << 20));
    let old: BTreeSet<&[u8]> = cut_whole(&cutter, &before).into_iter().collect();
    let rounds = 40;
    let mut changed = 0;
    for round in 0..rounds {
        let mut after = before.clone();
        let at = 300_000 + round * 50_021;
        after.splice(at..at, noise(round as u64, 1 + 3 * round));
        let new = cut_whole(&cutter, &after);
        changed += new
            .iter()
            .filter(|chunk| !old.contains(*chunk))
            .map(|chunk| chunk.len())
            .sum::<usize>();
    }
    // The chunk it falls into, and sometimes the one after: that one was cut by chance.
    let each = changed / rounds;
    assert!(each < 3 * params.avg() as usize / 2, "{each} bytes are new after an insertion");
}

#[test]
fn nothing_is_cut_before_a_largest_chunk_could_be() {
    let cutter = small_cutter(1);
    let file = noise(1, 1024);
    assert_eq!(cutter.cut(&[], false), None);
    assert_eq!(cutter.cut(&[], true), None);
    assert_eq!(cutter.cut(&file[..1023], false), None);
    assert!(cutter.cut(&file[..1023], true).is_some());
    assert!(cutter.cut(&file, false).is_some());
}

#[test]
fn chunks_are_near_the_average() {
    let (params, file) = (CutParams::default(), noise(2, 24 << 20));
    let chunks = cut_whole(&Cutter::new(&keys(1), params), &file);
    let average = file.len() / chunks.len();
    assert!((56 << 10..88 << 10).contains(&average), "{average}");
    let largest = chunks.iter().filter(|chunk| chunk.len() == params.max() as usize).count();
    assert!(largest <= 1, "{largest} chunks were cut only for their length");
}

#[test]
fn every_vault_cuts_elsewhere() {
    let file = noise(3, 200_000);
    let ends = |secret| {
        let mut at = 0;
        let cutter = small_cutter(secret);
        let chunks = cut_whole(&cutter, &file);
        chunks
            .iter()
            .map(|chunk| {
                at += chunk.len();
                at
            })
            .collect::<BTreeSet<usize>>()
    };
    let (one, other) = (ends(1), ends(2));
    // The end of the file, and what chance does: a cut in 256 positions on average.
    let same = one.intersection(&other).count();
    assert!(same < one.len() / 20, "{same} of {} cuts are the same", one.len());
}

#[test]
fn sizes_that_make_no_sense_are_refused_when_built_or_decoded() {
    let impossible = [
        (0, 0, 0),
        (63, 256, 1024),
        (64, 256, 1025),
        (256, 256, 1024),
        (64, 1024, 1024),
        (1024, 256, 64),
        (64, 128, 1024),
        (64, 256, 8 << 20),
        (u32::MAX - 1, u32::MAX - 1, u32::MAX - 1),
    ];
    for (min, avg, max) in impossible {
        assert!(matches!(CutParams::new(min, avg, max), Err(Error::BadCutParams { .. })));
        let map = std::collections::BTreeMap::from([("min", min), ("avg", avg), ("max", max)]);
        let mut cbor = Vec::new();
        ciborium::into_writer(&map, &mut cbor).unwrap();
        assert!(ciborium::from_reader::<CutParams, _>(cbor.as_slice()).is_err());
    }
    let (mut cbor, params) = (Vec::new(), CutParams::default());
    ciborium::into_writer(&params, &mut cbor).unwrap();
    assert_eq!(ciborium::from_reader::<CutParams, _>(cbor.as_slice()).unwrap(), params);
    let again = CutParams::new(params.min(), params.avg(), params.max()).unwrap();
    assert_eq!(again, params);
}
