//! Where work runs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Offload, PoolOffload, WorkLost, compute};

fn pool() -> (Arc<dyn Offload>, usize) {
    let pool = PoolOffload::new(tokio::runtime::Handle::current());
    let width = pool.width();
    (Arc::new(pool), width)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_computed_at_once_than_there_are_processors() {
    let (pool, width) = pool();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let jobs = (0..50 * width).map(|no| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        compute(&pool, move || {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            now.fetch_sub(1, Ordering::SeqCst);
            no
        })
    });
    let done = futures::future::join_all(jobs).await;
    let done: Result<Vec<usize>, WorkLost> = done.into_iter().collect();
    assert_eq!(done, Ok((0..50 * width).collect()));
    assert!(most.load(Ordering::SeqCst) <= width);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computation_that_panics_takes_no_thread_from_the_others() {
    let (pool, width) = pool();
    for _ in 0..2 * width {
        let lost = compute(&pool, || assert_eq!(1, 2, "as a test wants it")).await;
        assert_eq!(lost, Err(WorkLost));
    }
    assert_eq!(compute(&pool, || 7).await, Ok(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn computing_is_done_by_the_same_few_threads_again_and_again() {
    let (pool, width) = pool();
    let mut names = BTreeSet::new();
    for _ in 0..100 * width {
        let name = compute(&pool, || format!("{:?}", std::thread::current().id())).await;
        names.insert(name.unwrap());
    }
    assert!(names.len() <= width, "{names:?}");
}
