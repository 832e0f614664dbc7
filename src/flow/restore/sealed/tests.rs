//! When single blocks are fetched, and that they come apart and open again.

use chunker::{Block, Class, Code, PackBuilder};

use super::*;
use crate::vault::index::Placed;

fn noise(no: usize, len: usize) -> Vec<u8> {
    let mut plain = vec![0; len];
    blake3::Hasher::new().update(&no.to_le_bytes()).finalize_xof().fill(&mut plain);
    plain
}

/// A pack of so many blocks of `len` bytes each.
fn pack(blocks: usize, len: usize) -> (VaultKeys, PackRecord, Bytes) {
    let (keys, code) = (VaultKeys::derive(&[7; 32]), Code::new(3, 2).unwrap());
    let mut builder = PackBuilder::new();
    for no in 0..blocks {
        let plain = noise(no, len);
        let id = keys.chunk_id(Class::Data, &plain);
        builder.push(Block::new(Class::Data, &[(id, &plain)], 3).unwrap());
    }
    let pack = builder.finish(&keys, code, [1; 32]).unwrap();
    let shards = chunker::encode(code, &pack.bytes).unwrap();
    let shards = shards.iter().map(|shard| Placed { id: shard.id, holder: None }).collect();
    (keys, PackRecord { meta: pack.meta, code, lane: 0, shards }, pack.bytes)
}

#[test]
fn few_blocks_of_a_pack_are_fetched_alone_and_many_with_it() {
    let (_, record, _) = pack(64, 40_000);
    // A gap of one block is fetched too; two of them cost more than to ask once more.
    let runs = few(&record, [9, 3, 2, 9, 3, 6, 11], 1).unwrap();
    let numbers = |run: &Run| run.blocks.iter().map(|(no, _)| *no).collect();
    let shape: Vec<Vec<u32>> = runs.iter().map(numbers).collect();
    assert_eq!(shape, [vec![2, 3], vec![6], vec![9, 11]]);
    assert_eq!(runs[2].range.len(), 3 * runs[1].range.len());
    // One run of much of it costs little more than its bytes; as many blocks apart cost too much.
    assert!(few(&record, 0..44, 1).is_some());
    assert!(few(&record, 0..58, 1).is_none());
    assert!(few(&record, (0..64).step_by(3), 1).is_some());
    assert!(few(&record, (0..64).step_by(2), 1).is_none());
    assert!(few(&record, 0..64, 1).is_none());
    // Made from others' shards, each byte comes three times.
    assert!(few(&record, 0..20, 1).is_some() && few(&record, 0..20, 3).is_none());
    assert!(few(&record, [64], 1).is_none(), "there is no such block");
}

#[test]
fn blocks_of_runs_come_apart_and_open() {
    let (keys, record, bytes) = pack(20, 9_000);
    let wanted = [4, 5, 16];
    let runs = few(&record, wanted, 1).unwrap();
    let parts: Vec<Bytes> = runs.iter().map(|run| bytes.slice(run.range.clone())).collect();
    let what = What::Blocks(apart(&runs, &parts).unwrap());
    let budget = crate::budget::Budget::new(1);
    let room = futures::executor::block_on(budget.take(1));
    let sealed = Sealed { what, _room: room };
    let (opened, mut scratch) = (sealed.open(&keys, &record).unwrap(), Scratch::default());
    for no in wanted {
        assert_eq!(opened.block(no, &mut scratch).unwrap(), noise(no as usize, 9_000));
    }
    assert!(opened.block(6, &mut scratch).is_err(), "it was not fetched");
    assert!(apart(&runs, &[parts[0].slice(1..), parts[1].clone()]).is_err(), "too few bytes");
}
