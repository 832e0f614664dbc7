//! Promises of the state's judgement.

use super::judge;
use crate::flow::look::Health;

#[test]
fn all_packs_with_all_holders_and_a_backup_is_ok() {
    let health = Health { total: 3, full: 3, ..Health::default() };
    assert_eq!(judge(&health, 4, 4, true), ("ok", Vec::new()));
}

#[test]
fn out_of_reach_comes_first_and_is_critical() {
    let health =
        Health { total: 9, full: 1, lost: 2, at_risk: 3, degraded: 3, ..Health::default() };
    let (level, reasons) = judge(&health, 1, 4, true);
    assert_eq!(level, "critical");
    assert!(reasons[0].starts_with("2 of 9 packs cannot be restored"), "{reasons:?}");
    assert!(reasons[1].starts_with("3 of 9 packs have just enough"), "{reasons:?}");
    assert_eq!(reasons.len(), 3);
}

#[test]
fn what_a_person_should_do_something_about_is_a_warning() {
    let whole = Health { total: 1, full: 1, ..Health::default() };
    for (health, online, known, backup, part) in [
        (Health::default(), 2, 2, false, "Nothing has been backed up"),
        (Health { queued: 4, ..whole.clone() }, 2, 2, true, "4 packs wait"),
        (Health { degraded: 1, full: 0, ..whole.clone() }, 2, 2, true, "not connected now"),
        (Health { min_held_above_k: Some(0), ..whole.clone() }, 2, 2, true, "no spare"),
        (whole.clone(), 0, 2, true, "None of 2 known devices"),
        (whole.clone(), 0, 0, true, "invite somebody"),
    ] {
        let (level, reasons) = judge(&health, online, known, backup);
        assert_eq!(level, "warning");
        assert!(reasons.iter().any(|reason| reason.contains(part)), "{part}: {reasons:?}");
    }
}
