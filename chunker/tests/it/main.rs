//! What this crate promises, tried through its public interface alone.

#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod cut;
mod golden;
mod meta;
mod pack;
mod speed;
mod stripe;

use bytes::Bytes;
use chunker::{Block, ChunkId, Class, Code, CutParams, Cutter, Pack, PackBuilder, VaultKeys};

/// The keys of a vault with this secret.
fn keys(secret: u8) -> VaultKeys {
    VaultKeys::derive(&[secret; 32])
}

fn code(k: u8, m: u8) -> Code {
    Code::new(k, m).unwrap()
}

/// `len` bytes nothing compresses, the same for the same seed.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

/// `len` bytes of made-up prose, the same for the same seed: compresses about four to one.
fn prose(seed: u64, len: usize) -> Vec<u8> {
    let words: Vec<String> = (0..4096u64)
        .map(|n| {
            let letters = noise(n, 2 + (n % 9) as usize);
            letters.iter().map(|byte| char::from(b'a' + byte % 26)).collect()
        })
        .collect();
    let mut text = Vec::with_capacity(len + 16);
    for pair in noise(seed, len).as_chunks::<2>().0 {
        // The smaller of two numbers: some words come much more often than others.
        let rank = usize::from(pair[0]) * usize::from(pair[1]) / 16;
        text.extend_from_slice(words[rank].as_bytes());
        text.push(if pair[0].is_multiple_of(16) { b'\n' } else { b' ' });
        if text.len() >= len {
            break;
        }
    }
    text.truncate(len);
    text
}

/// All chunks of a file, cut in one window.
fn cut_whole<'a>(cutter: &Cutter, mut file: &'a [u8]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    while let Some(len) = cutter.cut(file, true) {
        let (chunk, rest) = file.split_at(len);
        chunks.push(chunk);
        file = rest;
    }
    chunks
}

fn small_cutter(secret: u8) -> Cutter {
    Cutter::new(&keys(secret), CutParams::new(64, 256, 1024).unwrap())
}

fn block(keys: &VaultKeys, class: Class, chunks: &[&[u8]], level: i32) -> Block {
    let named: Vec<(ChunkId, &[u8])> =
        chunks.iter().map(|plain| (keys.chunk_id(class, plain), *plain)).collect();
    Block::new(class, &named, level).unwrap()
}

/// A pack of a few blocks of both codecs and several classes, and its plaintext block by block.
fn sample(keys: &VaultKeys, random: u8) -> (Pack, Vec<Vec<u8>>) {
    let (text, random_bytes, listing) = (prose(1, 9000), noise(2, 3000), prose(3, 500));
    let plain: [(Class, Vec<&[u8]>); 3] = [
        (Class::Data, vec![&text[..4000], &text[4000..]]),
        (Class::Data, vec![&random_bytes]),
        (Class::Tree, vec![&listing, b"x"]),
    ];
    let mut builder = PackBuilder::new();
    for (class, chunks) in &plain {
        builder.push(block(keys, *class, chunks, 3));
    }
    let pack = builder.finish(keys, code(2, 1), [random; 32]).unwrap();
    (pack, plain.iter().map(|(_, chunks)| chunks.concat()).collect())
}

/// Finds chunks by name in the plaintext of [`sample`].
fn find(pack: &Pack, plain: &[Vec<u8>], id: &ChunkId) -> Option<Bytes> {
    for (meta, raw) in pack.meta.blocks.iter().zip(plain) {
        let mut start = 0;
        for entry in &meta.chunks {
            let end = start + entry.len as usize;
            if entry.id == *id {
                return Some(Bytes::copy_from_slice(&raw[start..end]));
            }
            start = end;
        }
    }
    None
}
