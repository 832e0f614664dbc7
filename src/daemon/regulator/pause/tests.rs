//! Promises of pauses.

use super::*;

#[test]
fn a_pause_ends_by_itself_or_when_somebody_says_so() {
    let mut pauses = Pauses::default();
    pauses.pause(false, 1000, Some(60));
    assert_eq!(pauses.backups(1059), Some(Until::Time(1060)));
    assert_eq!((pauses.backups(1060), pauses.serving(1000)), (None, None));
    pauses.pause(true, 1000, None);
    assert_eq!(pauses.serving(u64::MAX - 1), Some(Until::Resumed));
}

#[test]
fn a_pause_survives_a_restart_and_damage_pauses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("paused");
    assert_eq!(Pauses::load(&file), Pauses::default());
    let mut pauses = Pauses::default();
    pauses.pause(false, 1000, Some(60));
    pauses.save(&file).unwrap();
    assert_eq!(Pauses::load(&file), pauses);
    std::fs::write(&file, b"what?").unwrap();
    assert_eq!(Pauses::load(&file), Pauses::default());
}
