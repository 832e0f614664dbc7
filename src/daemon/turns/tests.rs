//! Promises about turns: nothing twice, nothing forgotten, nothing at a skipped time.

use super::*;

/// 2026-11-25 00:00 UTC.
const DAY: u64 = 1_795_564_800;
const HOUR: u64 = 3600;

fn set(schedule: &str) -> BackupSet {
    BackupSet {
        name: "documents".to_owned(),
        sources: vec!["/home".into()],
        tags: Vec::new(),
        exclude: Vec::new(),
        one_file_system: false,
        skip_if_unchanged: false,
        redundancy: None,
        latency: crate::config::Range::default(),
        spread: crate::config::Range::default(),
        schedule: Some(schedule.parse().unwrap()),
        max_age: None,
    }
}

fn habit() -> Habit {
    Habit { jitter_secs: 0, seed: [1; 32], run_missed: true, since_secs: 0 }
}

fn due(turn: Turn, habit: &Habit, now: u64) -> u64 {
    turn.due_secs(&set("daily at 03:00"), habit, (now, &TimeZone::UTC)).unwrap()
}

fn ran(started_secs: u64, exit: u8) -> Turn {
    Turn { started_secs, exit, ..Turn::default() }
}

#[test]
fn a_set_is_due_once_at_each_of_its_times() {
    let (habit, three) = (habit(), DAY + 3 * HOUR);
    assert!(due(Turn::default(), &habit, DAY) <= DAY, "never run: now");
    assert_eq!(due(ran(three, 0), &habit, three + 1), three + 24 * HOUR);
    // An agent that was off for days makes up for it once.
    let week = three + 7 * 24 * HOUR;
    assert!(due(ran(three, 0), &habit, week) <= week);
    assert_eq!(due(ran(week, 0), &habit, week), week + 24 * HOUR);
    let (none, zone) = (BackupSet { schedule: None, ..set("hourly") }, TimeZone::UTC);
    assert_eq!(Turn::default().due_secs(&none, &habit, (DAY, &zone)), None);
}

#[test]
fn what_was_missed_can_be_left() {
    let (three, since) = (DAY + 3 * HOUR, DAY + 100 * HOUR);
    let habit = Habit { run_missed: false, since_secs: since, ..habit() };
    assert_eq!(due(ran(three, 0), &habit, since), three + 120 * HOUR);
    assert_eq!(due(Turn::default(), &habit, since), three + 120 * HOUR);
}

#[test]
fn a_run_that_failed_is_tried_again_soon() {
    let three = DAY + 3 * HOUR;
    assert_eq!(due(ran(three, 22), &habit(), three), three + RETRY_SECS);
}

#[test]
fn a_run_that_is_skipped_is_left_out_and_the_next_is_not() {
    let three = DAY + 3 * HOUR;
    let next = three + 24 * HOUR;
    let skipped = Turn { skipped_secs: next, ..ran(three, 0) };
    assert_eq!(due(skipped, &habit(), three), next + 24 * HOUR);
}

#[test]
fn a_clock_that_was_ahead_stops_no_backup() {
    let far = DAY + 100 * 366 * 24 * HOUR;
    let wrong = Turn { skipped_secs: far, ..ran(far, 0) };
    assert!(due(wrong, &habit(), DAY) <= DAY + 24 * HOUR);
}

#[test]
fn sets_of_many_machines_do_not_begin_at_once() {
    let late = |seed: u8| {
        let habit = Habit { jitter_secs: 600, seed: [seed; 32], ..habit() };
        due(ran(DAY + 3 * HOUR, 0), &habit, DAY + 3 * HOUR) - (DAY + 27 * HOUR)
    };
    let all: std::collections::BTreeSet<u64> = (0..20).map(late).collect();
    assert!(all.len() > 15 && all.iter().all(|late| *late < 600), "{all:?}");
    assert_eq!(late(1), late(1));
}

#[test]
fn turns_are_kept_of_sets_that_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut turns = Turns::default();
    turns.ran("documents", DAY, 0);
    turns.ran("documents", DAY + 1, 22);
    turns.ran("gone", DAY, 0);
    turns.clone().save(dir.path(), &[set("hourly")]).unwrap();
    let kept = Turns::load(dir.path());
    let expected = Turn { exit: 22, good_secs: DAY, ..ran(DAY + 1, 22) };
    assert_eq!((kept.of("documents"), kept.of("gone")), (expected, Turn::default()));
    std::fs::write(dir.path().join("turns"), b"rubbish").unwrap();
    assert_eq!(Turns::load(dir.path()), Turns::default());
}
