//! Promises of the roster's file.

use std::sync::Arc;

use chunker::PeerId;
use ed25519_dalek::SigningKey;
use p2p::cert::{Charter, DeviceCert, OwnerCert};
use p2p::wire::Hello;
use p2p::{Identity, Members, Offer};

use super::RosterKeeper;
use crate::clock::SystemClock;

fn identity(seed: u8) -> Identity {
    let charter_key = SigningKey::from_bytes(&[200; 32]);
    let charter = Charter::found("family", &charter_key, 1);
    let owner_key = SigningKey::from_bytes(&[seed; 32]);
    let device_key = SigningKey::from_bytes(&[seed + 100; 32]);
    let peer = PeerId::from_bytes(device_key.verifying_key().to_bytes());
    let device = DeviceCert::sign(&owner_key, peer, "laptop", 1);
    let owner = OwnerCert::sign(&charter_key, charter.id(), device.owner, "ada", 1);
    Identity { charter, owner, device }
}

pub(in crate::daemon) fn members(seed: u8, known: Vec<Hello>) -> Members {
    Members::new(identity(seed), known, Arc::new(SystemClock))
}

#[test]
fn who_is_known_is_known_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("roster");
    let (ada, bob) = (members(1, Vec::new()), members(2, Vec::new()));
    bob.set_addresses(vec!["/ip4/127.0.0.1/tcp/4711".to_owned()]);
    ada.learn(vec![bob.hello()]);
    RosterKeeper::new(path.clone()).save(&ada).unwrap();
    let known = RosterKeeper::new(path).load();
    assert_eq!(known, vec![bob.hello()]);
    assert_eq!(members(1, known).owner_of(&bob.me()), Some(identity(2).owner.owner));
}

#[test]
fn only_what_helps_to_find_peers_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("roster");
    let (ada, bob) = (members(1, Vec::new()), members(2, Vec::new()));
    ada.learn(vec![bob.hello()]);
    let mut keeper = RosterKeeper::new(path.clone());
    keeper.save(&ada).unwrap();
    std::fs::remove_file(&path).unwrap();
    bob.set_offer(Offer { free_bytes: 7, ..Offer::default() });
    ada.learn(vec![bob.hello()]);
    keeper.save(&ada).unwrap();
    assert!(!path.exists(), "an offer is no news");
    bob.set_addresses(vec!["/ip4/127.0.0.1/tcp/4712".to_owned()]);
    ada.learn(vec![bob.hello()]);
    keeper.save(&ada).unwrap();
    assert!(path.exists(), "an address is");
}

#[test]
fn a_damaged_roster_is_put_aside_and_does_not_stop_anything() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("roster");
    for damage in [&b""[..], b"\x01", b"\xff\xff\xff\xff", b"\x02abc"] {
        std::fs::write(&path, damage).unwrap();
        assert!(RosterKeeper::new(path.clone()).load().is_empty());
        assert!(!path.exists());
        assert_eq!(std::fs::read(path.with_extension("damaged")).unwrap(), damage);
    }
}
