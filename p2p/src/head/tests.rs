//! Tests of the promises of `head`.

use proptest::prelude::*;

use super::*;
use crate::testing::{NOW_SECS, key, owner_of, peer_of};

fn cert() -> DeviceCert {
    DeviceCert::sign(&key("ada"), peer_of(&key("laptop")), "laptop", NOW_SECS)
}

fn head(seq: u64, prev: Option<HeadHash>, sealed: Vec<u8>) -> SignedHead {
    SignedHead::sign(&key("laptop"), cert(), seq, prev, sealed)
}

#[test]
fn a_chain_of_heads_verifies_and_says_whose_it_is() {
    let first = head(1, None, vec![7; 100]);
    let second = head(2, Some(first.hash()), vec![8; 100]);
    for head in [&first, &second] {
        assert_eq!(head.verify(), Ok(()));
        assert_eq!(head.owner(), owner_of(&key("ada")));
        assert_eq!(head.device(), peer_of(&key("laptop")));
    }
    assert_eq!(second.prev, Some(first.hash()));
    assert_ne!(first.hash(), second.hash());
}

#[test]
fn another_devices_key_cannot_sign() {
    let forged = SignedHead::sign(&key("phone"), cert(), 1, None, vec![7]);
    assert_eq!(forged.verify(), Err(CertError::BadSignature));
}

#[test]
fn a_head_cannot_be_moved_to_another_device_or_place() {
    let good = head(3, None, vec![7; 10]);
    let phone = DeviceCert::sign(&key("ada"), peer_of(&key("phone")), "phone", NOW_SECS);
    let renamed = DeviceCert::sign(&key("ada"), peer_of(&key("laptop")), "other", NOW_SECS);
    let changed = [
        SignedHead { cert: phone, ..good.clone() },
        SignedHead { cert: renamed, ..good.clone() },
        SignedHead { seq: 4, ..good.clone() },
        SignedHead { prev: Some(good.hash()), ..good.clone() },
        SignedHead { sealed: vec![7; 11], ..good.clone() },
    ];
    for head in changed {
        assert_eq!(head.verify(), Err(CertError::BadSignature), "{head:?}");
    }
}

#[test]
fn a_head_beyond_the_limit_is_not_read() {
    let bytes = head(1, None, vec![0; HEAD_LIMIT]).encode();
    assert!(matches!(SignedHead::decode(&bytes), Err(chunker::RecordError::TooLarge { .. })));
    let bytes = head(1, None, vec![0; HEAD_LIMIT - 1024]).encode();
    assert!(SignedHead::decode(&bytes).is_ok());
}

#[test]
fn no_bit_of_a_head_can_be_flipped() {
    let bytes = head(5, None, vec![0xa5; 24]).encode();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        // Some flips give another form of the very same head: those must not pass for it either.
        if let Ok(head) = SignedHead::decode(&flipped) {
            assert!(head.verify().is_err() || head.encode() == bytes, "bit {bit}");
        }
        let genuine = SignedHead::open(&flipped).is_ok();
        assert!(!genuine, "bit {bit} of {} is not covered", bytes.len() * 8);
    }
}

#[test]
fn heads_of_version_1_verify_for_ever() {
    let head = head(2, Some(HeadHash::from_bytes([9; 32])), vec![7; 10]);
    assert_eq!(
        head.hash().to_string(),
        "fc96ee1b70eea8975e2d4c5a532e63b5eca34ada49322809fa4f2cd16a55ca0d"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn heads_survive_their_encoding(
        seq: u64,
        prev: Option<[u8; 32]>,
        sealed in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let head = head(seq, prev.map(HeadHash::from_bytes), sealed);
        let back = SignedHead::open(&head.encode()).expect("our own");
        prop_assert_eq!(back.hash(), head.hash());
        prop_assert_eq!(back, head);
    }

    #[test]
    fn no_bit_of_any_head_can_be_flipped(
        seq: u64,
        prev: Option<[u8; 32]>,
        sealed in prop::collection::vec(any::<u8>(), 0..300),
        at: prop::sample::Index,
        bit in 0u8..8,
    ) {
        let mut bytes = head(seq, prev.map(HeadHash::from_bytes), sealed).encode();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(SignedHead::open(&bytes).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_no_head(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(SignedHead::open(&bytes).is_err());
    }
}
