//! Tests of the keys: golden values of what follows from a phrase, and of purposes kept apart.

use std::collections::BTreeSet;

use chunker::VaultKeys;

use super::*;
use crate::vault::{Phrase, Vault};

/// The phrase of 32 zero bytes: "abandon" 23 times, then "art".
fn root() -> RootSecret {
    Phrase::generate([0; 32]).root()
}

fn public(key: &SigningKey) -> String {
    hex::encode(key.verifying_key().to_bytes())
}

/// A change in any of these makes every backup of an earlier version unreachable.
#[test]
fn what_follows_from_a_phrase_never_changes() {
    let vault = Vault::from_secret(&root().vault_secret());
    println!("SEALED {}", hex::encode(vault.seal_local(b"gbak", [0; NONCE_LEN])));
    println!(
        "TURNS {:?}",
        (0..8)
            .map(|n| crate::placement::rotation(vault.placement_key(), &[n; 32], 1000))
            .collect::<Vec<_>>()
    );
    assert_eq!(
        public(&root().owner_key()),
        "319848366de413dd6be6c38acf50ed4ce4de2d502f35607a18d4e094901a5e2d"
    );
    assert_eq!(
        public(&root().charter_key()),
        "8fa63a006fd0365985f815809fb71d590696f8b5f1f4478e7a1e962bde85094a"
    );
    assert_eq!(
        hex::encode(root().vault_secret().expose()),
        "fb38f1223f4e1564a509ec781beb489535101ad89b7f631168319f52dbcda3b2"
    );
    assert_eq!(
        vault.id().to_string(),
        "edc03c1b9150b4b06dab5012dc5f738947048e8357358fbb713f130846c0cab2"
    );
    let turns: Vec<usize> =
        (0..8).map(|n| crate::placement::rotation(vault.placement_key(), &[n; 32], 1000)).collect();
    assert_eq!(turns, [414, 68, 682, 886, 62, 850, 320, 593]);
}

#[test]
fn what_was_sealed_by_the_first_version_still_opens() {
    let vault = Vault::from_secret(&root().vault_secret());
    let sealed = hex::decode(SEALED).unwrap();
    assert_eq!(vault.open_local(&sealed).unwrap(), b"gbak");
    assert_eq!(vault.seal_local(b"gbak", [0; NONCE_LEN]), sealed);
}

const SEALED: &str = "01000000000000000000000000000000000000000000000000\
    39f5ccbf2ae2c9fd49aefd6e678855ae40e51499";

#[test]
fn no_two_purposes_share_a_key() {
    let contexts = [OWNER, CHARTER, VAULT, PLACEMENT, "local", "head"];
    let mut seen = BTreeSet::new();
    for context in contexts {
        assert!(seen.insert(*derive(context, &[7; 32])));
    }
    let vault = VaultKeys::derive(&[7; 32]).vault();
    let one = SealKey::derive("one", "One", &[7; 32], &vault);
    let two = SealKey::derive("two", "Two", &[7; 32], &vault);
    assert!(two.open(&one.seal(b"x", [0; NONCE_LEN]), 10).is_err());
}

#[test]
fn what_is_sealed_for_a_vault_is_bound_to_its_name() {
    let (a, b) = (VaultKeys::derive(&[1; 32]).vault(), VaultKeys::derive(&[2; 32]).vault());
    let sealed = SealKey::derive("one", "One", &[7; 32], &a).seal(b"x", [0; NONCE_LEN]);
    let error = SealKey::derive("one", "One", &[7; 32], &b).open(&sealed, 10).unwrap_err();
    assert!(matches!(error, FormatError::NotOurs { what: "One" }), "{error}");
}

#[test]
fn opening_yields_no_more_than_its_limit() {
    let vault = VaultKeys::derive(&[1; 32]).vault();
    let key = SealKey::derive("one", "One", &[7; 32], &vault);
    let sealed = key.seal(&[5; 100], [0; NONCE_LEN]);
    assert_eq!(key.open(&sealed, 100).unwrap().len(), 100);
    let error = key.open(&sealed, 99).unwrap_err();
    assert!(matches!(error, FormatError::TooLarge { limit: 99, .. }), "{error}");
}

#[test]
fn a_secret_is_not_printed() {
    assert_eq!(format!("{:?}", Secret::new([0xab; 32])), "Secret(..)");
}
