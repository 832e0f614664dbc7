//! How fast: `P2P_SPEED=1 cargo test --release -p p2p speed -- --nocapture`.

use tokio::time::Instant;

use super::*;

/// Bytes moved in each measurement.
const TOTAL: usize = 2 << 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn speed_over_loopback() {
    if std::env::var_os("P2P_SPEED").is_none() {
        return;
    }
    let (one, two) = pair().await;
    for len in [16 << 20, 4 << 20, 1 << 20] {
        let bytes = some_bytes(len, 1);
        for width in [1, 4, 8] {
            let started = Instant::now();
            run(width, TOTAL / len, || async {
                assert_eq!(one.put(two.me(), &bytes).await, Ok(Reply::Stored));
            })
            .await;
            let put = rate(started);
            let started = Instant::now();
            run(width, TOTAL / len, || async {
                assert!(matches!(one.get(two.me(), &bytes).await, Ok(Reply::Shard { .. })));
            })
            .await;
            let get = rate(started);
            println!("{:>2} MiB x {width}: put {put:.0} MB/s, get {get:.0} MB/s", len >> 20);
        }
    }
    end([one, two]).await;
}

async fn run<F: Future<Output = ()>>(width: usize, times: usize, ask: impl Fn() -> F) {
    let lanes = (0..width).map(|_| async {
        for _ in 0..times / width {
            ask().await;
        }
    });
    futures::future::join_all(lanes).await;
}

fn rate(started: Instant) -> f64 {
    TOTAL as f64 / 1e6 / started.elapsed().as_secs_f64()
}
