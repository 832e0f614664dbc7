//! Rates over real sockets: what is measured at the other end, and what a change does to transfers
//! under way.

use std::num::NonZeroU64;

use tokio::time::Instant;

use super::*;
use crate::Rates;

const MIB: u64 = 1 << 20;

fn limited(up: u64, down: u64) -> Rates {
    let (up, down) = (NonZeroU64::new(up), NonZeroU64::new(down));
    Rates { up, down, limit_lan: true, ..Rates::default() }
}

/// Puts without end over so many streams, until dropped.
async fn keep_putting(from: &Device, to: PeerId, streams: u8) {
    let lanes = (0..streams).map(|seed| async move {
        let bytes = some_bytes(400_000, seed);
        loop {
            assert_eq!(from.put(to, &bytes).await, Ok(Reply::Stored));
        }
    });
    futures::future::join_all(lanes).await;
}

/// Mebibytes a second that `at` receives while `from` sends, over so many seconds.
async fn arriving(from: &Device, at: &Device, seconds: u64) -> f64 {
    let measuring = async {
        // Past what was let through at once.
        pass(Duration::from_millis(500)).await;
        let (before, began) = (at.swarm.counters().received_bytes, Instant::now());
        pass(Duration::from_secs(seconds)).await;
        let bytes = at.swarm.counters().received_bytes - before;
        bytes as f64 / MIB as f64 / began.elapsed().as_secs_f64()
    };
    tokio::select! {
        biased;
        rate = measuring => rate,
        () = keep_putting(from, at.me(), 8) => unreachable!("puts have no end"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_limit_holds_at_the_other_end_and_changes_under_way() {
    let (one, two) = pair().await;
    one.swarm.set_rates(limited(MIB, 0));
    let rate = arriving(&one, &two, 10).await;
    assert!((0.95..=1.05).contains(&rate), "{rate} MiB/s");
    let changing = async {
        pass(Duration::from_millis(700)).await;
        one.swarm.set_rates(limited(4 * MIB, 0));
    };
    // Begun while the old rate held: the transfers under way go on at the new one.
    let (rate, ()) = tokio::join!(arriving(&one, &two, 3), changing);
    assert!(rate > 2.5, "{rate} MiB/s");
    one.swarm.set_rates(Rates { limit_lan: false, ..limited(MIB, 0) });
    let rate = arriving(&one, &two, 1).await;
    assert!(rate > 4.0, "near peers are not limited: {rate} MiB/s");
    end([one, two]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_limit_holds_back_whoever_sends() {
    let (one, two) = pair().await;
    two.swarm.set_rates(limited(0, MIB));
    let rate = arriving(&one, &two, 5).await;
    assert!((0.92..=1.08).contains(&rate), "{rate} MiB/s");
    let before = Instant::now();
    let ping = Request::Ping { nonce: 1, offer: crate::Offer::default() };
    assert!(one.swarm.ask(two.me(), ping).await.is_ok());
    assert!(before.elapsed() < Duration::from_secs(5), "small questions do not wait");
    end([one, two]).await;
}
