//! Blocks that lie, sealed with the right key: what only the owner of the keys (or a fault) can
//! make.

use super::Block;
use crate::codec::{Codec, compress};
use crate::error::{Error, Part};
use crate::keys::{Class, VaultKeys};
use crate::pack::{BlockMeta, ChunkEntry, PackBuilder};
use crate::stripe::Code;

fn keys() -> VaultKeys {
    VaultKeys::derive(&[1; 32])
}

/// Seals a block that stores `stored` and says it has one chunk of `raw`.
fn seal_lie(stored: Vec<u8>, codec: Codec, raw: &[u8]) -> Error {
    let id = keys().chunk_id(Class::Data, raw);
    let meta = BlockMeta {
        class: Class::Data,
        codec,
        level: i8::from(codec == Codec::Zstd),
        raw_len: raw.len() as u32,
        stored_len: stored.len() as u32,
        chunks: vec![ChunkEntry { id, len: raw.len() as u32 }],
    };
    let mut builder = PackBuilder::new();
    builder.push(Block { meta, stored });
    match builder.finish(&keys(), Code::new(1, 1).unwrap(), [1; 32]) {
        Err(Error::ReadBack { source }) => *source,
        other => panic!("a lie was sealed: {other:?}"),
    }
}

#[test]
fn a_block_that_opens_to_more_than_it_says_is_refused() {
    let bomb = compress(&vec![0; 32 << 20], 3).unwrap();
    let refused = seal_lie(bomb, Codec::Zstd, &vec![0; 100_000]);
    assert!(matches!(refused, Error::Compression { .. }));
}

#[test]
fn a_block_that_opens_to_less_than_it_says_is_refused() {
    let refused = seal_lie(compress(&[0; 999], 3).unwrap(), Codec::Zstd, &[0; 1000]);
    assert!(matches!(refused, Error::Damaged { part: Part::Block(0) }));
}

#[test]
fn a_fault_in_the_codec_is_found_while_the_chunk_is_still_there() {
    let refused = seal_lie(compress(&[1; 1000], 3).unwrap(), Codec::Zstd, &[2; 1000]);
    assert!(matches!(refused, Error::Damaged { part: Part::Chunk(_) }));
    let refused = seal_lie(vec![1; 1000], Codec::Raw, &[2; 1000]);
    assert!(matches!(refused, Error::Damaged { part: Part::Chunk(_) }));
}
