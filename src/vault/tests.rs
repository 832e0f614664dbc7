//! Tests of the vault's seals, and samples for the tests of its formats.

use bytes::Bytes;
use chunker::{Block, Class, Code, PackBuilder, PeerId};
use proptest::prelude::*;

use super::index::{PackRecord, Placed};
use super::tree::{Piece, Stamp};
use super::*;

/// The same bytes for the same number, and no other.
pub(super) fn bytes32(number: u32) -> [u8; 32] {
    *blake3::hash(&number.to_le_bytes()).as_bytes()
}

pub(super) fn peer(number: u32) -> PeerId {
    PeerId::from_bytes(bytes32(number))
}

/// Stands for bytes too many to write down: what is the same for the same bytes only.
pub(super) fn fingerprint(bytes: &[u8]) -> String {
    hex::encode(&blake3::hash(bytes).as_bytes()[..16])
}

pub(super) fn vault() -> Vault {
    Vault::from_secret(&bytes32(0))
}

/// A pack of `chunks` chunks, really sealed and coded, without holders.
pub(super) fn record(chunks: u32, code: Code) -> PackRecord {
    let vault = vault();
    let plains: Vec<Vec<u8>> = (0..chunks).map(|n| bytes32(n).repeat(2)).collect();
    let named: Vec<_> = plains
        .iter()
        .map(|plain| (vault.keys().chunk_id(Class::Data, plain), plain.as_slice()))
        .collect();
    let mut builder = PackBuilder::new();
    for some in named.chunks(4096) {
        builder.push(Block::new(Class::Data, some, 0).unwrap());
    }
    let pack = builder.finish(vault.keys(), code, bytes32(chunks)).unwrap();
    let shards = chunker::encode(code, &Bytes::clone(&pack.bytes)).unwrap();
    let shards = shards.iter().map(|shard| Placed { id: shard.id, holder: None }).collect();
    PackRecord { meta: pack.meta, code, lane: 1, shards }
}

/// The same, every shard with a holder of its own.
pub(super) fn placed(chunks: u32, code: Code) -> PackRecord {
    let mut record = record(chunks, code);
    for index in 0..code.n() as u8 {
        record.set_holder(index, peer(u32::from(index)));
    }
    record
}

pub(super) fn body(copies: u8) -> HeadBody {
    let manifest = vec![placed(16, Code::new(1, copies - 1).unwrap())];
    let chunks = manifest[0].meta.blocks[0].chunks.iter();
    let chunks = chunks.map(|chunk| Piece { len: u64::from(chunk.len), chunk: Some(chunk.id) });
    let time = Stamp { secs: 1_764_000_000, nanos: 0 };
    HeadBody { chunks: chunks.collect(), manifest, seq: 7, snapshots: 3, time, drives: Vec::new() }
}

/// Every way to change one bit, cut short or lengthen `bytes`.
fn damaged(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let flipped = (0..bytes.len() * 8).map(|bit| {
        let mut copy = bytes.to_vec();
        copy[bit / 8] ^= 1 << (bit % 8);
        copy
    });
    let cut = (0..bytes.len()).map(|len| bytes[..len].to_vec());
    flipped.chain(cut).chain([[bytes, &[0]].concat()])
}

#[test]
fn what_is_sealed_here_opens_here_and_nowhere_else() {
    let vault = vault();
    let sealed = vault.seal_local(b"where I was", [1; NONCE_LEN]);
    assert_eq!(vault.open_local(&sealed).unwrap(), b"where I was");
    assert!(!sealed.windows(5).any(|window| window == b"where"));
    let other = Vault::from_secret(&bytes32(1));
    let error = other.open_local(&sealed).unwrap_err();
    assert!(matches!(error, FormatError::NotOurs { .. }), "{error}");
    assert_eq!(vault.open_local(&vault.seal_local(b"", [2; NONCE_LEN])).unwrap(), b"");
}

#[test]
fn no_changed_bit_passes() {
    let vault = vault();
    let sealed = vault.seal_local(b"a small secret", [1; NONCE_LEN]);
    for bytes in damaged(&sealed) {
        assert!(vault.open_local(&bytes).is_err());
    }
}

#[test]
fn a_head_is_no_local_state_and_local_state_is_no_head() {
    let vault = vault();
    let body = body(3);
    let head = vault.seal_head(&body, [3; NONCE_LEN]);
    assert_eq!(vault.open_head(&head).unwrap(), body);
    assert!(matches!(vault.open_local(&head), Err(FormatError::NotOurs { .. })));
    let local = vault.seal_local(&body.encode(), [3; NONCE_LEN]);
    assert!(matches!(vault.open_head(&local), Err(FormatError::NotOurs { .. })));
}

#[test]
fn a_sealed_thing_of_a_later_version_is_told_from_damage() {
    let vault = vault();
    let mut sealed = vault.seal_local(b"x", [1; NONCE_LEN]);
    sealed[0] = 2;
    let error = vault.open_local(&sealed).unwrap_err();
    assert!(matches!(error, FormatError::Version { found: 2, known: 1, .. }), "{error}");
}

#[test]
fn what_is_too_large_is_refused_unopened() {
    let error = vault().open_head(&vec![1; 2 * HeadBody::LIMIT]).unwrap_err();
    assert!(matches!(error, FormatError::TooLarge { .. }), "{error}");
}

#[test]
fn a_head_that_names_a_copy_on_each_of_128_peers_fits() {
    let sealed = vault().seal_head(&body(128), [0; NONCE_LEN]);
    // The rest is the signature and the device's certificate.
    assert!(sealed.len() < p2p::wire::HEAD_LIMIT / 2, "{} bytes", sealed.len());
}

#[test]
fn a_vault_prints_no_key() {
    let secret = [0xab_u8; 32];
    let text = format!("{:?}", Vault::from_secret(&secret));
    assert!(!text.contains("ab, ") && !text.contains("171"), "{text}");
}

proptest! {
    #[test]
    fn no_bytes_make_opening_panic(bytes: Vec<u8>) {
        prop_assert!(vault().open_local(&bytes).is_err());
        prop_assert!(vault().open_head(&bytes).is_err());
    }

    #[test]
    fn anything_sealed_comes_back(plain: Vec<u8>, nonce: [u8; NONCE_LEN]) {
        let vault = vault();
        prop_assert_eq!(vault.open_local(&vault.seal_local(&plain, nonce)).unwrap(), plain);
    }
}
