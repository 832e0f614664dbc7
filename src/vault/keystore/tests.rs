//! Tests of the key file: who can open it, and how every other outcome is told apart.

use std::sync::OnceLock;

use chunker::{GridId, OwnerId, PeerId};
use proptest::prelude::*;

use super::*;

const SALT: [u8; SALT_LEN] = [3; SALT_LEN];
const NONCE: [u8; NONCE_LEN] = [4; NONCE_LEN];
const PASSPHRASE: &str = "correct horse battery staple";

fn keys() -> KeyFile {
    let (owner, peer) = (OwnerId::from_bytes([1; 32]), PeerId::from_bytes([2; 32]));
    KeyFile {
        device_secret: Secret::new([0xa1; 32]),
        device_cert: DeviceCert {
            owner,
            peer,
            name: "laptop".to_owned(),
            since_secs: 1,
            signature: [5; 64],
        },
        vault_secret: Secret::new([0xa2; 32]),
        charter: Charter { name: "friends".to_owned(), key: [6; 32], founded_secs: 1 },
        owner_cert: OwnerCert {
            grid: GridId::from_bytes([7; 32]),
            owner,
            name: "alice".to_owned(),
            since_secs: 1,
            signature: [8; 64],
        },
        charter_secret: Some(Secret::new([0xa3; 32])),
    }
}

fn plain() -> Vec<u8> {
    keys().seal(None, Cost::LEAST, SALT, NONCE).unwrap().to_vec()
}

/// A sealed file; made once, as that takes a while on purpose.
fn sealed() -> &'static [u8] {
    static SEALED_FILE: OnceLock<Vec<u8>> = OnceLock::new();
    SEALED_FILE
        .get_or_init(|| keys().seal(Some(PASSPHRASE), Cost::LEAST, SALT, NONCE).unwrap().to_vec())
}

/// The file as an attacker would change it: with a checksum that fits.
fn forged(bytes: &[u8], change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut file = bytes[..bytes.len() - CHECKSUM_LEN].to_vec();
    change(&mut file);
    let checksum = blake3::hash(&file);
    file.extend_from_slice(checksum.as_bytes());
    file
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

const COST_AT: usize = MAGIC.len() + 2;

fn with_cost(cost: Cost) -> Vec<u8> {
    forged(sealed(), |file| {
        let figures = [cost.memory_kib, cost.passes, cost.lanes];
        for (at, figure) in (COST_AT..).step_by(4).zip(figures) {
            file[at..at + 4].copy_from_slice(&figure.to_le_bytes());
        }
    })
}

#[test]
fn a_plain_file_opens_without_a_passphrase() {
    assert!(!needs_passphrase(&plain()).unwrap());
    assert_eq!(KeyFile::open(&plain(), None).unwrap(), keys());
    assert_eq!(KeyFile::open(&plain(), Some("not needed")).unwrap(), keys());
}

#[test]
fn a_sealed_file_opens_with_its_passphrase_only() {
    assert!(needs_passphrase(sealed()).unwrap());
    assert_eq!(KeyFile::open(sealed(), Some(PASSPHRASE)).unwrap(), keys());
    let error = KeyFile::open(sealed(), None).unwrap_err();
    assert!(matches!(error, KeyFileError::PassphraseNeeded), "{error}");
    for wrong in ["", "correct horse battery stapl", "Correct horse battery staple"] {
        let error = KeyFile::open(sealed(), Some(wrong)).unwrap_err();
        assert!(matches!(error, KeyFileError::WrongPassphrase), "{error}");
    }
}

#[test]
fn a_sealed_file_shows_nothing_of_what_is_in_it() {
    for secret in [[0xa1; 32], [0xa2; 32], [0xa3; 32]] {
        assert!(has(&plain(), &secret));
        assert!(!has(sealed(), &secret));
    }
    assert!(!has(sealed(), b"laptop") && !has(sealed(), b"alice") && !has(sealed(), b"friends"));
}

#[test]
fn the_first_versions_files_are_still_written() {
    let (plain, sealed) = (plain(), sealed());
    assert_eq!(crate::vault::tests::fingerprint(&plain), "4b1f112b3fcd0af7279211fe9ec8275f");
    assert_eq!(crate::vault::tests::fingerprint(sealed), "647b99ceaf7916c766da954a648b508f");
}

#[test]
fn keys_are_not_printed() {
    let text = format!("{:?}", keys());
    assert!(!text.contains("161") && !text.contains("a1a1"), "{text}");
}

#[test]
fn no_changed_bit_passes() {
    for file in [plain(), sealed().to_vec()] {
        for bit in 0..file.len() * 8 {
            let mut copy = file.clone();
            copy[bit / 8] ^= 1 << (bit % 8);
            let error = needs_passphrase(&copy).unwrap_err();
            let newer = matches!(error, KeyFileError::NewerVersion { .. });
            assert!(newer || matches!(error, KeyFileError::Damaged), "bit {bit}: {error}");
        }
        for len in 0..file.len() {
            let error = needs_passphrase(&file[..len]).unwrap_err();
            assert!(matches!(error, KeyFileError::Damaged), "{error}");
        }
    }
}

#[test]
fn damage_is_told_from_a_wrong_passphrase() {
    let last = sealed().len() - CHECKSUM_LEN - 1;
    let file = forged(sealed(), |file| file[last] ^= 1);
    let error = KeyFile::open(&file, Some(PASSPHRASE)).unwrap_err();
    assert!(matches!(error, KeyFileError::Damaged), "{error}");
}

#[test]
fn a_newer_version_is_told_from_damage() {
    let file = forged(sealed(), |file| file[MAGIC.len()] = 2);
    let error = KeyFile::open(&file, Some(PASSPHRASE)).unwrap_err();
    assert!(matches!(error, KeyFileError::NewerVersion { found: 2, known: 1 }), "{error}");
}

#[test]
fn a_file_that_makes_guessing_cheap_or_opening_dear_is_refused() {
    let (least, most) = (Cost::LEAST, Cost::MOST);
    let costs = [
        Cost { memory_kib: least.memory_kib - 1, ..least },
        Cost { memory_kib: 8, ..least },
        Cost { passes: 2, ..least },
        Cost { passes: 0, ..least },
        Cost { lanes: 0, ..least },
        Cost { memory_kib: most.memory_kib + 1, ..most },
        Cost { memory_kib: u32::MAX, passes: u32::MAX, lanes: u32::MAX },
        Cost { passes: most.passes + 1, ..least },
        Cost { lanes: most.lanes + 1, ..least },
    ];
    for cost in costs {
        let error = KeyFile::open(&with_cost(cost), Some(PASSPHRASE)).unwrap_err();
        assert!(matches!(error, KeyFileError::Cost { .. }), "{cost:?}: {error}");
        let error = keys().seal(Some(PASSPHRASE), cost, SALT, NONCE).unwrap_err();
        assert!(matches!(error, KeyFileError::Cost { .. }), "{cost:?}: {error}");
    }
    assert!(Cost::default().check().is_ok());
}

#[test]
fn a_cost_that_was_changed_within_bounds_opens_nothing() {
    let file = with_cost(Cost { passes: 4, ..Cost::LEAST });
    let error = KeyFile::open(&file, Some(PASSPHRASE)).unwrap_err();
    assert!(matches!(error, KeyFileError::WrongPassphrase), "{error}");
}

#[test]
fn the_default_is_dearer_than_the_least() {
    let default = Cost::default();
    assert_eq!((default.memory_kib, default.passes, default.lanes), (256 * 1024, 3, 4));
    assert!(default.memory_kib > Cost::LEAST.memory_kib);
}

#[test]
fn a_file_of_another_kind_is_no_key_file() {
    let huge = vec![0; FILE_LIMIT + 1];
    for bytes in [&b""[..], b"gbak-key", b"gbak-shelf", &[0; 100], &huge] {
        let error = KeyFile::open(bytes, Some(PASSPHRASE)).unwrap_err();
        assert!(matches!(error, KeyFileError::Damaged), "{error}");
    }
}

#[test]
fn a_device_without_the_charter_key_opens_too() {
    let keys = KeyFile { charter_secret: None, ..keys() };
    let file = keys.seal(None, Cost::LEAST, SALT, NONCE).unwrap();
    assert_eq!(KeyFile::open(&file, None).unwrap(), keys);
}

#[test]
fn a_plain_file_with_foreign_content_is_damaged() {
    let mut file = MAGIC.to_vec();
    file.extend_from_slice(&[VERSION, PLAIN, 1, 0xff]);
    let checksum = blake3::hash(&file);
    file.extend_from_slice(checksum.as_bytes());
    let error = KeyFile::open(&file, None).unwrap_err();
    assert!(matches!(error, KeyFileError::Content(_)), "{error}");
}

proptest! {
    #[test]
    fn no_bytes_make_opening_panic(lock in 0_u8..3, rest: Vec<u8>) {
        let mut file = MAGIC.to_vec();
        file.extend_from_slice(&[VERSION, lock]);
        file.extend_from_slice(&rest);
        let checksum = blake3::hash(&file);
        file.extend_from_slice(checksum.as_bytes());
        prop_assert!(KeyFile::open(&file, None).is_err());
        prop_assert!(KeyFile::open(&rest, None).is_err());
    }
}
