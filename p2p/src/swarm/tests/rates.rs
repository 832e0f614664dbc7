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
    let rate = arriving(&one, &two, 20).await;
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

#[tokio::test]
async fn shards_that_are_held_wait_and_everything_else_goes_on() {
    let (one, two) = pair().await;
    let bytes = some_bytes(1000, 1);
    assert_eq!(one.put(two.me(), &bytes).await, Ok(Reply::Stored));
    one.swarm.hold_puts(true);
    let other = some_bytes(1000, 2);
    let mut putting = Box::pin(one.put(two.me(), &other));
    assert!(timeout(Duration::from_millis(300), putting.as_mut()).await.is_err());
    assert!(matches!(one.get(two.me(), &bytes).await, Ok(Reply::Shard { .. })));
    assert_eq!(two.put(one.me(), &bytes).await, Ok(Reply::Stored), "the other side is not held");
    one.swarm.hold_puts(false);
    assert_eq!(timeout(PATIENCE, putting).await.unwrap(), Ok(Reply::Stored));
    one.swarm.hold_puts(true);
    let held = one.swarm.clone();
    let (asked, ()) = tokio::join!(one.put(two.me(), &other), async {
        tokio::task::yield_now().await;
        held.shutdown().await;
    });
    assert_eq!(asked, Err(GridError::Closed), "nothing is held for ever");
    end([one, two]).await;
}

#[tokio::test]
async fn no_more_connections_than_the_settings_allow() {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    one.swarm.set_connections(Connections { total: Some(2), per_peer: None });
    let mut rogues = Vec::new();
    // Until the limit has come into force, more may be let in.
    let declined = async {
        for n in 0_u32.. {
            let rogue = Rogue::dial(&format!("rogue{n}"), &one, rogue::grid_of(&world, "")).await;
            match rogue {
                Some(rogue) => rogues.push(rogue),
                None => return,
            }
        }
    };
    timeout(PATIENCE, declined).await.unwrap();
    for rogue in rogues {
        rogue.end().await;
    }
    one.swarm.set_connections(Connections::default());
    let two = Device::start(&world, "bert", &one.addresses()).await;
    two.until_online(one.me()).await;
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
