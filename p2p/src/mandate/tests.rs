//! Tests of the promises of `mandate`.

use super::*;
use crate::testing::{NOW_SECS, World, key, peer_of};

fn mandate(since: u64, expires: u64) -> Mandate {
    let cert = World::new("grid").hello("ada", "laptop").device;
    Mandate::sign(&key("laptop"), cert, peer_of(&key("bob")), since, expires)
}

#[test]
fn a_mandate_is_good_for_its_guardian_and_its_time() {
    let good = mandate(NOW_SECS, NOW_SECS + LIFE_SECS);
    let bob = peer_of(&key("bob"));
    assert_eq!(good.verify(&bob, NOW_SECS), Ok(()));
    assert_eq!(good.verify(&bob, NOW_SECS + LIFE_SECS - 1), Ok(()));
    assert_eq!(good.verify(&bob, NOW_SECS + LIFE_SECS), Err(MandateError::Expired));
    assert_eq!(good.verify(&bob, NOW_SECS - SKEW_SECS - 1), Err(MandateError::Expired));
    let cleo = peer_of(&key("cleo"));
    assert_eq!(good.verify(&cleo, NOW_SECS), Err(MandateError::OtherGuardian));
    let endless = mandate(NOW_SECS, NOW_SECS + LIFE_SECS + 1);
    assert_eq!(endless.verify(&bob, NOW_SECS), Err(MandateError::Expired));
    assert_eq!(mandate(0, u64::MAX).verify(&bob, NOW_SECS), Err(MandateError::Expired));
}

#[test]
fn every_field_is_signed_by_a_device_that_its_owner_certified() {
    let good = mandate(NOW_SECS, NOW_SECS + 10);
    let (bob, cleo) = (peer_of(&key("bob")), peer_of(&key("cleo")));
    let other = World::new("grid").hello("eve", "laptop").device;
    let forged = [
        Mandate { guardian: cleo, ..good.clone() },
        Mandate { since_secs: NOW_SECS - 1, ..good.clone() },
        Mandate { expires_secs: NOW_SECS + 11, ..good.clone() },
        Mandate { cert: other, ..good.clone() },
        Mandate { signature: [7; 64], ..good.clone() },
    ];
    for forged in forged {
        let guardian = if forged.guardian == cleo { cleo } else { bob };
        let verdict = forged.verify(&guardian, NOW_SECS);
        assert!(matches!(verdict, Err(MandateError::Cert(_))), "{forged:?}: {verdict:?}");
    }
    let by_another = Mandate::sign(&key("eve"), good.cert, bob, NOW_SECS, NOW_SECS + 10);
    assert!(matches!(by_another.verify(&bob, NOW_SECS), Err(MandateError::Cert(_))));
}
