//! Promises of the state's judgement.

use super::judge;
use crate::flow::health::Health;

#[test]
fn all_packs_with_all_holders_and_a_backup_is_ok() {
    let health = Health { total: 3, full: 3, ..Health::default() };
    assert_eq!(judge(&health, 4, 4, true, Vec::new()), ("ok", Vec::new()));
}

#[test]
fn out_of_reach_comes_first_and_is_critical() {
    let health = Health {
        total: 9,
        full: 1,
        lost: 2,
        at_risk: 3,
        degraded: 3,
        out_of_reach: 1,
        ..Health::default()
    };
    let absent = vec!["otto is lost".to_owned()];
    let (level, reasons) = judge(&health, 1, 4, true, absent);
    assert_eq!(level, "critical");
    assert!(reasons[0].starts_with("2 of 9 packs have too few shards left"), "{reasons:?}");
    assert!(reasons[1].starts_with("3 of 9 packs have just enough"), "{reasons:?}");
    assert!(reasons[2].starts_with("1 of 9 packs cannot be restored"), "{reasons:?}");
    assert_eq!(reasons.len(), 5);
}

#[test]
fn what_a_person_should_do_something_about_is_a_warning() {
    let whole = Health { total: 1, full: 1, ..Health::default() };
    for (health, online, known, backup, part) in [
        (Health::default(), 2, 2, false, "Nothing has been backed up"),
        (Health { queued: 4, ..whole.clone() }, 2, 2, true, "4 packs wait"),
        (Health { degraded: 1, full: 0, ..whole.clone() }, 2, 2, true, "shards missing"),
        (Health { due: 1, ..whole.clone() }, 2, 2, true, "to be repaired"),
        (Health { min_held_above_k: Some(0), ..whole.clone() }, 2, 2, true, "no spare"),
        (whole.clone(), 0, 2, true, "None of 2 known devices"),
        (whole.clone(), 0, 0, true, "invite somebody"),
    ] {
        let (level, reasons) = judge(&health, online, known, backup, Vec::new());
        assert_eq!(level, "warning");
        assert!(reasons.iter().any(|reason| reason.contains(part)), "{part}: {reasons:?}");
    }
}
