//! The codec alone: its bounds, its sameness, and when it declines to compress.

use super::{Codec, compress, decompress, try_compress};
use crate::error::Error;

fn noise(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

/// Half noise, half the same noise again: compresses two to one.
fn echo(len: usize) -> Vec<u8> {
    let half = noise(len / 2);
    [half.clone(), half].concat()
}

#[test]
fn what_is_compressed_comes_back() {
    for (raw, level) in [(echo(300_000), 3), (vec![7; 100_000], 1), (echo(3000), 19)] {
        let stored = compress(&raw, level).unwrap();
        let mut back = vec![0; raw.len()];
        assert_eq!(decompress(&stored, &mut back).unwrap(), raw.len());
        assert_eq!(back, raw);
    }
}

#[test]
fn a_bomb_fills_no_more_than_its_place() {
    let bomb = compress(&vec![0; 64 << 20], 3).unwrap();
    assert!(bomb.len() < 10_000);
    for room in [0, 1, 4096, (64 << 20) - 1] {
        let refused = decompress(&bomb, &mut vec![1; room]);
        assert!(matches!(refused, Err(Error::Compression { .. })));
    }
    // Many small frames are one too.
    let frames = compress(&[0; 5000], 3).unwrap().repeat(1000);
    assert!(decompress(&frames, &mut [1; 5000]).is_err());
}

#[test]
fn bytes_of_anybody_are_an_error() {
    let stored = compress(&echo(10_000), 3).unwrap();
    let mut room = vec![0; 10_000];
    for len in 0..stored.len() {
        let short = decompress(&stored[..len], &mut room);
        assert!(!matches!(short, Ok(10_000)), "{len}");
    }
    assert!(decompress(b"no frame at all", &mut room).is_err());
    // The thread's context still works.
    assert_eq!(decompress(&stored, &mut room).unwrap(), 10_000);
}

#[test]
fn the_same_bytes_compress_the_same_whatever_came_before() {
    let fresh = |raw: Vec<u8>, level| {
        std::thread::spawn(move || compress(&raw, level).unwrap()).join().unwrap()
    };
    for (len, level) in [(256 << 10, 3), (5000, 9), (300_000, -5), (256 << 10, 1), (100, 22)] {
        let raw = echo(len);
        let first = compress(&raw, level).unwrap();
        compress(&vec![3; 700_000], 6).unwrap();
        assert_eq!(compress(&raw, level).unwrap(), first);
        assert_eq!(fresh(raw, level), first);
    }
}

#[test]
fn what_gains_nothing_is_not_compressed() {
    for level in [-5, 1, 3, 6, 12] {
        assert!(try_compress(&noise(300_000), level).unwrap().is_none());
        assert!(try_compress(&noise(10), level).unwrap().is_none());
        assert!(try_compress(&[], level).unwrap().is_none());
    }
    for level in [1, 3, 6, 12] {
        assert!(try_compress(&echo(300_000), level).unwrap().is_some());
        assert!(try_compress(&[0; 300], level).unwrap().is_some());
    }
    assert!(try_compress(&echo(300_000), 0).unwrap().is_none());
}

#[test]
fn unknown_codecs_are_named() {
    assert!(matches!(Codec::try_from(9), Err(Error::Unknown { what: "codec", found: 9 })));
}
