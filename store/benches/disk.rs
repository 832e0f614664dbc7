//! What this machine's disk and the catalog take: `cargo bench -p store`.
//!
//! Packs are written as a backup writes them, chunks are looked up in a catalog of a million.

#![expect(clippy::unwrap_used, reason = "in a benchmark a panic is the report")]

use std::hint::black_box;

use chunker::{ChunkId, PackId};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use store::{Catalog, PackState, Spool};

const PACK_LEN: usize = chunker::PACK_FULL;
/// Chunks of one pack.
const CHUNKS: u64 = 1_000;
/// Packs in the catalog.
const PACKS: u64 = 1_000;

fn name(kind: u8, pack: u64, no: u64) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[kind]).update(&pack.to_le_bytes()).update(&no.to_le_bytes());
    *hasher.finalize().as_bytes()
}

fn chunks(pack: u64) -> Vec<(ChunkId, u32, u32, u32)> {
    let one = |no| (ChunkId::from_bytes(name(1, pack, no)), no as u32 / 4, 0, 65_536);
    (0..CHUNKS).map(one).collect()
}

fn writes(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path()).unwrap();
    let bytes = vec![7; PACK_LEN];
    let id = PackId::from(blake3::hash(&bytes));
    let mut group = criterion.benchmark_group("pack");
    group.sample_size(10).throughput(Throughput::Bytes(PACK_LEN as u64));
    for (what, durable) in [("write", false), ("write, durable", true)] {
        group.bench_function(what, |b| b.iter(|| spool.put(&id, &bytes, durable).unwrap()));
    }
    group.bench_function("read and name", |b| b.iter(|| spool.get(&id).unwrap()));
    group.finish();
}

fn look_ups(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let catalog = Catalog::open(&dir.path().join("catalog.db")).unwrap();
    for pack in 0..PACKS {
        let id = PackId::from_bytes(name(0, pack, 0));
        catalog.add_pack(&id, PackState::Indexed, 0, b"record", &chunks(pack)).unwrap();
    }
    let known: Vec<ChunkId> =
        (0..CHUNKS).map(|no| ChunkId::from_bytes(name(1, no * 7 % PACKS, no))).collect();
    let unknown: Vec<ChunkId> = (0..CHUNKS).map(|no| ChunkId::from_bytes(name(2, 0, no))).collect();
    let mut group = criterion.benchmark_group("catalog");
    group.sample_size(10).throughput(Throughput::Elements(CHUNKS));
    for (what, ids) in [("find known", &known), ("find unknown", &unknown)] {
        group.bench_function(what, |b| {
            b.iter(|| {
                ids.iter().filter(|id| catalog.find_sound(black_box(id)).unwrap().is_some()).count()
            });
        });
    }
    let mut next = PACKS;
    group.bench_function("enter", |b| {
        b.iter(|| {
            next += 1;
            let id = PackId::from_bytes(name(0, next, 0));
            catalog.add_pack(&id, PackState::Placed, 0, b"record", &chunks(next)).unwrap();
        });
    });
    group.finish();
}

criterion_group!(benches, writes, look_ups);
criterion_main!(benches);
