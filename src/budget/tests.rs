//! Room is never given twice, comes back, and nobody is stuck.

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
