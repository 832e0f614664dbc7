//! Which parts of which shards a range of a pack is, and that columns give it as well.

use super::*;

fn noise(len: usize) -> Bytes {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(b"pack").finalize_xof().fill(&mut bytes);
    bytes.into()
}

#[test]
fn a_range_of_a_pack_is_in_these_parts_of_its_data_shards() {
    let len = 10_000;
    let pack = noise(len);
    for (k, m) in [(1, 2), (2, 1), (3, 2), (7, 3)] {
        let code = Code::new(k, m).unwrap();
        let shards = chunker::encode(code, &pack).unwrap();
        for (from, to) in [(0, 1), (0, len), (9_999, len), (3_300, 3_400), (4_999, 5_001)] {
            let pieces = pieces(code, len, from..to);
            let parts = pieces.iter().map(|piece| &shards[piece.index].bytes[piece.range.clone()]);
            assert_eq!(parts.collect::<Vec<_>>().concat(), pack[from..to], "{code} {from}..{to}");
        }
    }
}

#[test]
fn the_same_place_of_any_k_shards_gives_it_back() {
    let (len, code) = (10_000, Code::new(3, 2).unwrap());
    let shards = chunker::encode(code, &noise(len)).unwrap();
    let wide = widened(&(100..700));
    assert_eq!(wide, 64..704);
    let column = |index: usize| (index as u8, shards[index].bytes.slice(wide.clone()));
    for others in [[0, 2, 4], [2, 3, 4], [0, 3, 4]] {
        let given = others.map(column).to_vec();
        let made = chunker::assemble(code, 3 * wide.len(), given).unwrap();
        assert_eq!(made.slice(wide.len()..2 * wide.len()), column(1).1, "{others:?}");
    }
}
