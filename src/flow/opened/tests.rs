//! What stays open, and that a damaged copy is not believed.

use chunker::{Block, Class, Code, PackBuilder};

use super::*;
use crate::vault::index::Placed;

fn id(no: u8) -> PackId {
    PackId::from(blake3::hash(&[no]))
}

fn raw(len: usize) -> Bytes {
    vec![7; len].into()
}

#[test]
fn what_was_used_lately_stays_open_within_its_bytes() {
    let mut opened = OpenBlocks::default();
    let quarter = KEPT_BYTES / 4;
    for no in 0..4 {
        opened.keep(id(1), no, raw(quarter));
    }
    assert!(opened.block(&id(1), 0).is_some());
    opened.keep(id(2), 0, raw(quarter));
    assert!(opened.block(&id(1), 1).is_none(), "nobody has asked for it for longest");
    assert!(opened.block(&id(1), 0).is_some() && opened.block(&id(2), 0).is_some());
    // The newest is kept whatever its size, and goes like any other.
    opened.keep(id(3), 0, raw(2 * KEPT_BYTES));
    assert_eq!(opened.blocks.len(), 1);
    assert_eq!(opened.block(&id(3), 0).map(|raw| raw.len()), Some(2 * KEPT_BYTES));
    opened.keep(id(4), 0, raw(1));
    assert!(opened.block(&id(3), 0).is_none() && opened.block(&id(4), 0).is_some());
    assert_eq!(opened.bytes, 1);
}

/// A pack of so many blocks of noise, sealed for `vault`.
fn pack(vault: &Vault, blocks: u8) -> (PackRecord, Bytes) {
    let code = Code::new(1, 0).unwrap();
    let mut builder = PackBuilder::new();
    for no in 0..blocks {
        let mut plain = vec![0; 9_000];
        blake3::Hasher::new().update(&[no]).finalize_xof().fill(&mut plain);
        let id = vault.keys().chunk_id(Class::Tree, &plain);
        builder.push(Block::new(Class::Tree, &[(id, &plain)], 3).unwrap());
    }
    let pack = builder.finish(vault.keys(), code, [1; 32]).unwrap();
    let shards = chunker::encode(code, &pack.bytes).unwrap();
    let shards = shards.iter().map(|shard| Placed { id: shard.id, holder: None }).collect();
    (PackRecord { meta: pack.meta, code, lane: 0, shards }, pack.bytes)
}

#[test]
fn records_are_looked_up_once_while_their_chunks_are_few() {
    let vault = Vault::from_secret(&[1; 32]);
    let (record, _) = pack(&vault, 1);
    let (mut opened, mut lookups) = (OpenBlocks::default(), 0);
    // A quarter of the chunks each.
    let mut ask = |no: u8| {
        let mut record = record.clone();
        record.meta.id = id(no);
        let chunk = record.meta.blocks[0].chunks[0];
        record.meta.blocks[0].chunks = vec![chunk; KEPT_CHUNKS / 4];
        let look_up = || {
            lookups += 1;
            Ok::<_, ()>(record)
        };
        assert_eq!(opened.record(&id(no), look_up).unwrap().meta.id, id(no));
        lookups
    };
    assert_eq!((0..4).map(&mut ask).last(), Some(4));
    assert_eq!((ask(0), ask(0), ask(4)), (4, 4, 5));
    // The first one was used since, the second one was not.
    assert_eq!((ask(0), ask(1)), (5, 6));
    assert_eq!((opened.chunks, opened.records.len()), (KEPT_CHUNKS, 4));
}

#[test]
fn a_block_is_read_alone_and_a_damaged_copy_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Arc::new(Spool::open(&dir.path().join("spool")).unwrap());
    let cache = Arc::new(PackCache::open(&dir.path().join("cache"), 1 << 30).unwrap());
    let vault = Arc::new(Vault::from_secret(&[1; 32]));
    let here = LocalPacks { spool, cache, vault };
    let (record, bytes) = pack(&here.vault, 3);
    let id = record.meta.id;
    assert_eq!(here.open(&record, 0), None);
    // One block is damaged: the others are as good as ever.
    let mut rotten = bytes.to_vec();
    rotten[record.meta.block_range(1).unwrap().start + 5] ^= 1;
    here.cache.put(&id, &rotten).unwrap();
    assert_eq!(here.open(&record, 2).map(|raw| raw.len()), Some(9_000));
    assert_eq!(here.open(&record, 1), None);
    assert!(!here.cache.contains(&id), "a damaged copy stays");
    // Neither is one kept that a power cut left empty.
    here.cache.put(&id, &bytes).unwrap();
    std::fs::write(dir.path().join("cache").join(id.to_string()), b"").unwrap();
    assert_eq!(here.open(&record, 0), None);
    assert!(!here.cache.contains(&id), "an empty copy stays");
    // The cache stands in for a damaged pack in the spool, which is not taken for whole any more.
    here.spool.put(&id, &bytes, true).unwrap();
    std::fs::write(dir.path().join("spool").join(id.to_string()), &rotten).unwrap();
    assert!(here.spool.was_whole(&id));
    assert_eq!(here.open(&record, 1), None);
    assert!(!here.spool.was_whole(&id), "a damaged pack counts as whole");
    here.cache.put(&id, &bytes).unwrap();
    assert_eq!(here.open(&record, 1).map(|raw| raw.len()), Some(9_000));
    assert_eq!(here.open(&record, 3), None, "there is no such block");
    assert!(here.cache.contains(&id), "nothing is wrong with it");
}
