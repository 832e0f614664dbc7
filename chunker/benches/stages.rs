//! Each stage between a file's bytes and its shards, on one thread: `cargo bench -p chunker`.
//!
//! Every stage works on what the one before it made of the same megabytes, half prose and half
//! noise, so that rates in bytes of source a second can be set side by side and added up.

#![expect(clippy::unwrap_used, reason = "in a benchmark a panic is the report")]

use std::hint::black_box;

use bytes::Bytes;
use chunker::{
    BLOCK_TARGET, Block, ChunkId, Class, Code, CutParams, Cutter, Pack, PackBuilder, PackReader,
    VaultKeys, decode, encode,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// One pack's worth.
const LEN: usize = 12 << 20;
/// Prose and noise take turns at this length.
const TURN: usize = 512 << 10;

/// `len` bytes nothing compresses.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// Made-up words, some much more often than others.
fn prose(seed: u64, len: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(len + 16);
    for pair in noise(seed, len).as_chunks::<2>().0 {
        let rank = u32::from(pair[0]) * u32::from(pair[1]) / 16;
        let word = rank.wrapping_mul(2_654_435_761).to_le_bytes();
        text.extend(word.iter().map(|byte| b'a' + byte % 26));
        text.push(b' ');
        if text.len() >= len {
            break;
        }
    }
    text.truncate(len);
    text
}

fn cut<'a>(cutter: &Cutter, mut rest: &'a [u8]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    while let Some(len) = cutter.cut(rest, true) {
        let (chunk, after) = rest.split_at(len);
        chunks.push(chunk);
        rest = after;
    }
    chunks
}

/// Runs of chunks as they become blocks.
fn runs<'a, 'b>(chunks: &'b [(ChunkId, &'a [u8])]) -> Vec<&'b [(ChunkId, &'a [u8])]> {
    let mut raw = 0;
    let full = |(_, plain): &(ChunkId, &[u8])| {
        raw = if raw >= BLOCK_TARGET { 0 } else { raw } + plain.len();
        raw >= BLOCK_TARGET
    };
    chunks.split_inclusive(full).collect()
}

fn filled(chunks: &[(ChunkId, &[u8])]) -> PackBuilder {
    let mut builder = PackBuilder::new();
    for some in runs(chunks) {
        builder.push(Block::new(Class::Data, some, 3).unwrap());
    }
    builder
}

fn open(keys: &VaultKeys, pack: &Pack) -> usize {
    let reader = PackReader::open(keys, &pack.meta, &pack.bytes).unwrap();
    (0..pack.meta.blocks.len()).map(|no| reader.block(no).unwrap().len()).sum()
}

fn stages(criterion: &mut Criterion) {
    let keys = VaultKeys::derive(&[1; 32]);
    let turns = (0..(LEN / TURN) as u64)
        .flat_map(|n| if n.is_multiple_of(2) { prose(n, TURN) } else { noise(n, TURN) });
    let source: Vec<u8> = turns.collect();
    let cutter = Cutter::new(&keys, CutParams::default());
    let plain = cut(&cutter, &source);
    let chunks: Vec<(ChunkId, &[u8])> =
        plain.iter().map(|plain| (keys.chunk_id(Class::Data, plain), *plain)).collect();
    let code = Code::new(3, 2).unwrap();
    let pack = filled(&chunks).finish(&keys, code, [7; 32]).unwrap();
    let shards = encode(code, &pack.bytes).unwrap();
    let last: Vec<(u8, Bytes)> =
        shards[2..].iter().map(|shard| (shard.index, shard.bytes.clone())).collect();

    let mut group = criterion.benchmark_group("stage");
    group.sample_size(10).throughput(Throughput::Bytes(source.len() as u64));
    group.bench_function("cut", |b| b.iter(|| cut(&cutter, black_box(&source)).len()));
    group.bench_function("name", |b| {
        b.iter(|| {
            for plain in &plain {
                black_box(keys.chunk_id(Class::Data, plain));
            }
        });
    });
    for level in [1, 3, 6] {
        group.bench_function(format!("compress, level {level}"), |b| {
            b.iter(|| {
                let blocks = runs(&chunks).into_iter();
                blocks
                    .map(|some| Block::new(Class::Data, some, level).unwrap().stored_len())
                    .sum::<usize>()
            });
        });
    }
    group.bench_function("seal and read back", |b| {
        b.iter_batched(
            || filled(&chunks),
            |builder| builder.finish(&keys, code, [7; 32]).unwrap(),
            criterion::BatchSize::PerIteration,
        );
    });
    group.bench_function("code 3+2 and name shards", |b| {
        b.iter(|| encode(code, &pack.bytes).unwrap());
    });
    group.bench_function("join, two of five lost", |b| {
        b.iter(|| decode(code, pack.bytes.len(), black_box(&last)).unwrap());
    });
    group.bench_function("open", |b| b.iter(|| open(&keys, black_box(&pack))));
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
