//! How fast one core turns files into shards and back: `CHUNKER_SPEED=1 cargo test --release -p
//! chunker speed -- --nocapture`. Without the variable it only shows that the path works.

use std::time::Duration;

use bytes::Bytes;
use chunker::{
    BLOCK_TARGET, Block, ChunkId, Class, CutParams, Cutter, Pack, PackBuilder, PackReader, Shard,
    VaultKeys, decode, encode,
};

use super::{code, cut_whole, keys, noise, prose};

#[derive(Default)]
struct Times {
    cut: Duration,
    hash: Duration,
    compress: Duration,
    seal: Duration,
    code: Duration,
}

/// Adds the processor time that `work` takes: what else runs on the machine does not count.
fn timed<T>(sum: &mut Duration, work: impl FnOnce() -> T) -> T {
    let start = processor_time();
    let done = work();
    *sum += processor_time().saturating_sub(start);
    done
}

/// What this thread has used up to now; nothing where Linux does not say.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

/// One file through the whole pipeline; every pack is coded with 8+4.
fn ingest(keys: &VaultKeys, file: &[u8], level: i32, times: &mut Times) -> Vec<(Pack, Vec<Shard>)> {
    let cutter = Cutter::new(keys, CutParams::default());
    let plain = timed(&mut times.cut, || cut_whole(&cutter, file));
    let name = |plain: &'_ [u8]| keys.chunk_id(Class::Data, plain);
    let ids: Vec<ChunkId> =
        timed(&mut times.hash, || plain.iter().map(|plain| name(plain)).collect());
    let chunks: Vec<(ChunkId, &[u8])> = ids.into_iter().zip(plain).collect();
    let (mut builder, mut done) = (PackBuilder::new(), Vec::new());
    let mut raw = 0;
    let full = |(_, plain): &(ChunkId, &[u8])| {
        raw = if raw >= BLOCK_TARGET { 0 } else { raw } + plain.len();
        raw >= BLOCK_TARGET
    };
    for some in chunks.split_inclusive(full) {
        let block = timed(&mut times.compress, || Block::new(Class::Data, some, level)).unwrap();
        if !builder.fits(&block) {
            done.push(finish(keys, std::mem::take(&mut builder), times));
        }
        builder.push(block);
    }
    done.push(finish(keys, builder, times));
    done
}

fn finish(keys: &VaultKeys, builder: PackBuilder, times: &mut Times) -> (Pack, Vec<Shard>) {
    let pack = timed(&mut times.seal, || builder.finish(keys, code(8, 4), [7; 32])).unwrap();
    let shards = timed(&mut times.code, || encode(code(8, 4), &pack.bytes)).unwrap();
    (pack, shards)
}

fn outgest(keys: &VaultKeys, done: &[(Pack, Vec<Shard>)], lost: usize) -> Vec<u8> {
    let mut file = Vec::new();
    for (pack, shards) in done {
        let given: Vec<(u8, Bytes)> =
            shards[lost..lost + 8].iter().map(|shard| (shard.index, shard.bytes.clone())).collect();
        let bytes = decode(code(8, 4), pack.bytes.len(), &given).unwrap();
        let reader = PackReader::open(keys, &pack.meta, &bytes).unwrap();
        for no in 0..pack.meta.blocks.len() {
            file.extend_from_slice(&reader.block(no).unwrap());
        }
    }
    file
}

#[expect(clippy::print_stdout, reason = "the figures are what is asked for")]
fn round_trip(name: &str, file: &[u8], level: i32) {
    let (keys, mut times, mut back) = (keys(1), Times::default(), [Duration::ZERO; 2]);
    let done = ingest(&keys, file, level, &mut times);
    for (spent, lost) in back.iter_mut().zip([0, 4]) {
        assert!(timed(spent, || outgest(&keys, &done, lost)) == file);
    }
    let Times { cut, hash, compress, seal, code } = times;
    let rate = |spent: Duration| file.len() as f64 / 1e6 / spent.as_secs_f64();
    let stored: usize = done.iter().map(|(pack, _)| pack.bytes.len()).sum();
    println!(
        "{name}, level {level}: {:.0} MB/s a core, to {:.2} (cut {:.0}, hash {:.0}, \
         compress {:.0}, seal and read back {:.0}, code {:.0}); \
         back {:.0}, with 4 shards lost {:.0}",
        rate(cut + hash + compress + seal + code),
        stored as f64 / file.len() as f64,
        rate(cut),
        rate(hash),
        rate(compress),
        rate(seal),
        rate(code),
        rate(back[0]),
        rate(back[1]),
    );
}

#[test]
fn speed_of_the_whole_path() {
    let measure = std::env::var_os("CHUNKER_SPEED").is_some();
    let len = if measure { 128 << 20 } else { 3 << 20 };
    for level in [1, 3, 6] {
        round_trip("prose", &prose(1, len), level);
        round_trip("noise", &noise(1, len), level);
        if !measure {
            return;
        }
    }
}
