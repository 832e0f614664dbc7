//! Frames and directories by themselves.

use std::collections::BTreeSet;

use super::frame::{Frame, PackKey};
use super::layout;
use super::meta::{BlockMeta, ChunkEntry};
use crate::codec::Codec;
use crate::id::ChunkId;
use crate::keys::{Class, VaultKeys};

fn key(secret: u8, salt: u8) -> PackKey {
    PackKey::derive(&VaultKeys::derive(&[secret; 32]), &[salt; 32])
}

fn frames() -> Vec<Frame> {
    let blocks = (0..300).flat_map(|no| [false, true].map(|last| Frame::Block { no, last }));
    [Frame::Prologue, Frame::Directory].into_iter().chain(blocks).collect()
}

fn seal(key: &PackKey, frame: Frame, about: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut sealed = [plain, &[0; super::TAG_LEN]].concat();
    key.seal(frame, about, &mut sealed).unwrap();
    sealed
}

#[test]
fn no_two_frames_of_a_pack_share_a_key_stream() {
    let mut padding = vec![0; 32];
    key(1, 1).pad(&mut padding).unwrap();
    let mut streams = BTreeSet::from([padding]);
    for frame in frames() {
        streams.insert(seal(&key(1, 1), frame, &[], &[0; 32])[..32].to_vec());
    }
    assert_eq!(streams.len(), frames().len() + 1);
}

#[test]
fn a_frame_opens_as_what_it_was_sealed_and_as_nothing_else() {
    let plain = b"content".as_slice();
    let sealed = seal(&key(1, 1), Frame::Block { no: 7, last: false }, b"about", plain);
    let mut opened = vec![9; 100];
    let mut open = |key: PackKey, frame, about: &[u8]| {
        key.open(frame, about, &sealed, &mut opened).is_some() && opened == plain
    };
    let right = Frame::Block { no: 7, last: false };
    assert!(open(key(1, 1), right, b"about"));
    assert!(!open(key(1, 2), right, b"about"));
    assert!(!open(key(2, 1), right, b"about"));
    assert!(!open(key(1, 1), right, b"abouT"));
    for other in frames().into_iter().filter(|frame| *frame != right) {
        assert!(!open(key(1, 1), other, b"about"), "{other:?}");
    }
    assert!(key(1, 1).open(right, b"about", &sealed[..15], &mut Vec::new()).is_none());
}

#[test]
fn salts_and_vaults_have_commitments_of_their_own() {
    let commitment = |key: PackKey| {
        let mut header = [0; layout::HEADER_LEN];
        key.write_header(&[0; 32], &mut header);
        *header.last_chunk::<32>().unwrap()
    };
    let one = commitment(key(1, 1));
    assert!(key(1, 1).made(&one));
    assert!(!key(1, 2).made(&one));
    assert!(!key(2, 1).made(&one));
}

fn blocks() -> Vec<BlockMeta> {
    let chunks = |n: u8| {
        (0..n).map(|n| ChunkEntry { id: ChunkId::from_bytes([n; 32]), len: u32::from(n) }).collect()
    };
    let block = |class, codec, level, n| BlockMeta {
        class,
        codec,
        level,
        raw_len: 77,
        stored_len: 33,
        chunks: chunks(n),
    };
    vec![
        block(Class::Data, Codec::Raw, 0, 1),
        block(Class::Index, Codec::Zstd, -7, 3),
        block(Class::Tree, Codec::Zstd, 22, 0),
    ]
}

#[test]
fn directories_read_as_they_are_written() {
    let written = layout::directory(blocks().iter());
    assert_eq!(layout::parse(&written).unwrap(), blocks());
    assert_eq!(layout::parse(&layout::directory([].iter())).unwrap(), []);
}

#[test]
fn no_part_of_a_directory_can_be_missing_or_left_over() {
    let written = layout::directory(blocks().iter());
    for len in 0..written.len() {
        assert!(layout::parse(&written[..len]).is_none(), "{len}");
    }
    assert!(layout::parse(&[written, vec![0]].concat()).is_none());
}

#[test]
fn counts_that_only_claim_allocate_nothing() {
    let mut written = layout::directory(blocks().iter());
    written[..4].fill(0xff);
    assert!(layout::parse(&written).is_none());
    let mut written = layout::directory(blocks().iter());
    // The number of chunks of the first block.
    written[4 + 11..4 + 15].fill(0xff);
    assert!(layout::parse(&written).is_none());
}
