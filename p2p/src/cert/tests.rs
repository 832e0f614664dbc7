//! Tests of the promises of `cert`.

use proptest::prelude::*;

use super::*;
use crate::testing::{NOW_SECS, World, key, owner_of, peer_of};

fn device() -> DeviceCert {
    DeviceCert::sign(&key("ada"), peer_of(&key("laptop")), "laptop", NOW_SECS)
}

#[test]
fn a_chain_signed_by_the_right_keys_verifies() {
    let world = World::new("grid");
    let identity = world.identity("ada", "laptop");
    assert_eq!(identity.owner.verify(&world.charter), Ok(()));
    assert_eq!(identity.device.verify(), Ok(()));
    assert_eq!(identity.device.owner, identity.owner.owner);
}

#[test]
fn a_certificate_of_another_grid_is_told_from_a_forged_one() {
    let (world, other) = (World::new("grid"), World::new("other"));
    assert_eq!(other.owner("ada").verify(&world.charter), Err(CertError::WrongGrid));
    let claimed = OwnerCert { grid: world.charter.id(), ..other.owner("ada") };
    assert_eq!(claimed.verify(&world.charter), Err(CertError::BadSignature));
}

#[test]
fn no_field_of_a_certificate_can_be_changed() {
    let world = World::new("grid");
    let good = world.owner("ada");
    let changed = [
        OwnerCert { owner: owner_of(&key("eve")), ..good.clone() },
        OwnerCert { name: "eve".to_owned(), ..good.clone() },
        OwnerCert { since_secs: NOW_SECS + 1, ..good.clone() },
    ];
    for cert in changed {
        assert_eq!(cert.verify(&world.charter), Err(CertError::BadSignature), "{cert:?}");
    }
    let changed = [
        DeviceCert { owner: owner_of(&key("eve")), ..device() },
        DeviceCert { peer: peer_of(&key("phone")), ..device() },
        DeviceCert { name: "phone".to_owned(), ..device() },
        DeviceCert { since_secs: NOW_SECS + 1, ..device() },
    ];
    for cert in changed {
        assert_eq!(cert.verify(), Err(CertError::BadSignature), "{cert:?}");
    }
}

#[test]
fn a_signature_for_one_purpose_is_none_for_another() {
    let DeviceCert { owner, peer, name, since_secs, .. } = device();
    let body = DeviceBody { owner, peer, name, since_secs };
    let signature = sign(&key("ada"), OWNER_CONTEXT, &body);
    assert_eq!(DeviceCert { signature, ..device() }.verify(), Err(CertError::BadSignature));
}

#[test]
fn names_are_short_and_plain_or_refused_though_signed() {
    let world = World::new("grid");
    let long = "x".repeat(NAME_LIMIT + 1);
    for name in ["red \u{1b}[31m", "two\nlines", "nul\0", "c1 \u{9b}", &long] {
        let cert = DeviceCert::sign(&key("ada"), peer_of(&key("laptop")), name, NOW_SECS);
        assert_eq!(cert.verify(), Err(CertError::BadName), "{name:?}");
        let grid = world.charter.id();
        let owner = owner_of(&key("ada"));
        let cert = OwnerCert::sign(&world.charter_key, grid, owner, name, NOW_SECS);
        assert_eq!(cert.verify(&world.charter), Err(CertError::BadName), "{name:?}");
    }
    let name = "é".repeat(NAME_LIMIT / 2);
    let cert = DeviceCert::sign(&key("ada"), peer_of(&key("laptop")), name, NOW_SECS);
    assert_eq!(cert.verify(), Ok(()));
}

#[test]
fn a_key_that_signs_for_everybody_is_no_key() {
    // The neutral point: with it as a key, one signature verifies for any message.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let cert = DeviceCert { owner: OwnerId::from_bytes(neutral), ..device() };
    let mut signature = [0; 64];
    signature[0] = 1;
    assert!(DeviceCert { signature, ..cert }.verify().is_err());
    let cert = DeviceCert::sign(&key("ada"), PeerId::from_bytes(neutral), "weak", NOW_SECS);
    assert_eq!(cert.verify(), Err(CertError::BadKey));
}

#[test]
fn a_grids_id_is_that_of_its_charter_alone() {
    let charter = World::new("grid").charter;
    let renamed = Charter { name: "grip".to_owned(), ..charter.clone() };
    let rekeyed = Charter { key: key("eve").verifying_key().to_bytes(), ..charter.clone() };
    let later = Charter { founded_secs: charter.founded_secs + 1, ..charter.clone() };
    for other in [renamed, rekeyed, later] {
        assert_ne!(other.id(), charter.id());
    }
    assert_eq!(Charter::decode(&charter.encode()).expect("our own").id(), charter.id());
}

#[test]
fn certificates_of_version_1_verify_for_ever() {
    // Were one of these to change, every grid in existence would fall apart.
    let world = World::new("grid");
    assert_eq!(
        world.charter.id().to_string(),
        "bcd0e566f979e7867e0e0f6290a8b3cb73ed787ecda664a34e4eb2f761cd9020"
    );
    assert_eq!(
        hex_of(&world.owner("ada").signature),
        "2f58d78c9abd0dcb0da29839e4ea3eaa983c9326f3cea7728644544c8e1812b1"
    );
    assert_eq!(
        hex_of(&device().signature),
        "3bdd1013e40355f697481e578031dc1e09a86e8c3bedffed3c9a9e6cbb9ac56f"
    );
}

fn hex_of(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bit_of_a_signature_can_be_flipped(bit in 0usize..512) {
        let mut cert = device();
        cert.signature[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(cert.verify(), Err(CertError::BadSignature));
    }

    #[test]
    fn a_charter_is_read_from_nothing_but_a_charter(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        if let Ok(charter) = Charter::decode(&bytes) {
            prop_assert_eq!(Charter::decode(&charter.encode()).expect("our own"), charter);
        }
    }
}
