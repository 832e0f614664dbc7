//! Room is never given twice, comes back, and nobody is stuck.

use std::time::Duration;

use futures::FutureExt;

use super::Budget;

const KIB: usize = 1024;

#[tokio::test]
async fn nobody_gets_room_that_others_hold() {
    let budget = Budget::new(10 * KIB);
    let first = budget.take(6 * KIB).await;
    assert!(budget.take(5 * KIB).now_or_never().is_none());
    let second = budget.take(4 * KIB).now_or_never().unwrap();
    assert!(budget.take(1).now_or_never().is_none());
    drop(first);
    assert!(budget.take(6 * KIB).now_or_never().is_some());
    drop(second);
    assert_eq!(budget.most(), 10 * KIB as u64);
}

#[tokio::test]
async fn what_is_too_large_goes_alone() {
    let budget = Budget::new(10 * KIB);
    let small = budget.take(1).await;
    assert!(budget.take(99 * KIB).now_or_never().is_none());
    drop(small);
    let large = budget.take(99 * KIB).now_or_never().unwrap();
    assert!(budget.take(1).now_or_never().is_none());
    drop(large);
    assert!(budget.take(1).now_or_never().is_some());
}

#[tokio::test]
async fn shrinking_gives_back_and_never_takes() {
    let budget = Budget::new(10 * KIB);
    let mut hold = budget.take(8 * KIB).await;
    hold.shrink_to(3 * KIB);
    let other = budget.take(7 * KIB).now_or_never().unwrap();
    hold.shrink_to(9 * KIB);
    drop((hold, other));
    assert!(budget.take(10 * KIB).now_or_never().is_some());
}

#[tokio::test]
async fn a_long_line_has_more_room_and_a_short_one_takes_it_away_again() {
    let (ms, mib) = (Duration::from_millis, 1024 * KIB);
    let budget = Budget::new(10 * mib);
    budget.reach(ms(74));
    let base = budget.take(10 * mib).await;
    let beside = budget.take(10 * mib).now_or_never().unwrap();
    let rest = budget.take(6 * mib).now_or_never().unwrap();
    assert!(budget.take(2 * mib).now_or_never().is_none());
    assert_eq!(budget.most(), 26 * mib as u64);
    // All of it is held: what comes back is taken away when it is asked for next.
    budget.reach(ms(0));
    drop((beside, rest));
    assert!(budget.take(10 * mib).now_or_never().is_some());
    budget.reach(ms(0));
    assert!(budget.take(KIB).now_or_never().is_none());
    drop(base);
    assert!(budget.take(10 * mib).now_or_never().is_some());
}

#[tokio::test]
async fn there_is_never_more_room_than_the_bound_however_often_it_is_asked_for() {
    let (hour, mib) = (Duration::from_hours(1), 1024 * KIB);
    let budget = Budget::new(4 * mib);
    (0..3).for_each(|_| budget.reach(hour));
    let mut held = Vec::new();
    while let Some(hold) = budget.take(mib).now_or_never() {
        held.push(hold);
    }
    assert_eq!(held.len(), 4 + 32);
    // Larger than what there always is: no more than that is waited for.
    drop(held.split_off(32));
    budget.reach(Duration::ZERO);
    assert!(budget.take(99 * mib).now_or_never().is_none());
    drop(held);
    assert!(budget.take(99 * mib).now_or_never().is_some());
}
