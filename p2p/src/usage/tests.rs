//! Tests of the promises of `usage`.

use super::*;
use crate::testing::{NOW_SECS, World, key, owner_of, peer_of};

const HELD: Kept = Kept { shards: 3, bytes: 3000 };
const LEFT: Kept = Kept { shards: 1, bytes: 500 };

fn cert(owner: &str, device: &str) -> DeviceCert {
    World::new("grid").hello(owner, device).device
}

/// What `tower`, bob's, says to ada.
fn said(nonce: u64, at_secs: u64) -> UsageStatement {
    let to = (owner_of(&key("ada")), nonce);
    UsageStatement::sign(&key("tower"), cert("bob", "tower"), to, at_secs, (HELD, LEFT))
}

fn asked(nonce: u64) -> Question {
    Question { holder: peer_of(&key("tower")), owner: owner_of(&key("ada")), nonce }
}

#[test]
fn a_statement_answers_one_question_of_one_time() {
    let good = said(7, NOW_SECS);
    assert_eq!(good.verify(&asked(7), NOW_SECS), Ok(()));
    assert_eq!(good.verify(&asked(7), NOW_SECS + SKEW_SECS), Ok(()));
    // Replayed: to the next question, by another holder, to another owner.
    let eve = Question { holder: peer_of(&key("eve")), ..asked(7) };
    let cleo = Question { owner: owner_of(&key("cleo")), ..asked(7) };
    for other in [asked(8), eve, cleo] {
        let verdict = good.verify(&other, NOW_SECS);
        assert_eq!(verdict, Err(StatementError::OtherQuestion), "{other:?}");
    }
    for now in [NOW_SECS + SKEW_SECS + 1, NOW_SECS - SKEW_SECS - 1] {
        assert_eq!(good.verify(&asked(7), now), Err(StatementError::OtherTime));
    }
}

#[test]
fn every_field_of_a_statement_is_signed_by_the_holder_alone() {
    let good = said(7, NOW_SECS);
    let more = Kept { bytes: HELD.bytes + 1, ..HELD };
    let forged = [
        UsageStatement { at_secs: NOW_SECS + 1, ..good.clone() },
        UsageStatement { held: more, ..good.clone() },
        UsageStatement { held: LEFT, left: HELD, ..good.clone() },
        UsageStatement { left: Kept::default(), ..good.clone() },
        UsageStatement { signature: [7; 64], ..good.clone() },
        // Said to another question, its number changed.
        UsageStatement { nonce: 7, ..said(6, NOW_SECS) },
        // By another device of the same owner.
        UsageStatement { cert: cert("bob", "tower"), ..by("bob", "laptop") },
        // By a device that certifies itself.
        UsageStatement {
            cert: DeviceCert { owner: owner_of(&key("eve")), ..good.cert.clone() },
            ..good
        },
    ];
    for forged in forged {
        let verdict = forged.verify(&asked(7), NOW_SECS);
        assert!(matches!(verdict, Err(StatementError::Cert(_))), "{forged:?}: {verdict:?}");
    }
}

fn by(owner: &str, device: &str) -> UsageStatement {
    let to = (owner_of(&key("ada")), 7);
    UsageStatement::sign(&key(device), cert(owner, device), to, NOW_SECS, (HELD, LEFT))
}

/// A signature of the same fields for another purpose does not pass for a statement.
#[test]
fn what_is_signed_for_another_purpose_is_no_statement() {
    let UsageStatement { cert, owner, nonce, at_secs, held, left, .. } = said(7, NOW_SECS);
    let body = UsageBody { cert: cert.clone(), owner, nonce, at_secs, held, left };
    let signature = cert::sign(&key("tower"), "gbak 2026 v1 head", &body);
    let crossed = UsageStatement { cert, owner, nonce, at_secs, held, left, signature };
    let verdict = crossed.verify(&asked(7), NOW_SECS);
    assert_eq!(verdict, Err(StatementError::Cert(CertError::BadSignature)));
}

/// Version 1 as it is kept, for ever.
#[test]
fn statements_of_version_1_are_read_for_ever() {
    let bytes = said(7, NOW_SECS).encode();
    assert_eq!(UsageStatement::decode(&bytes).unwrap(), said(7, NOW_SECS));
    assert_eq!(blake3::hash(&bytes).to_hex().as_str(), GOLDEN);
}

const GOLDEN: &str = "2e11d2bf7644727b214b931ec0aa512f82530d9c0f5711ae31ad17a2726dc7ff";
