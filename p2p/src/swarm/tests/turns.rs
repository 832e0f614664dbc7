//! One agent, many who hammer it, and one who does not.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// Connections that hammer.
const GREEDY: u64 = 50;
/// Questions each of them always has under way.
const STREAMS: u8 = 8;

/// Asks without end over streams of its own.
async fn hammer(rogue: &Rogue, answered: &AtomicU64) {
    let asking = (0..STREAMS).map(|_| async {
        let mut stream = rogue.open().await.unwrap();
        loop {
            let get = Request::Get { shard: name(&some_bytes(10, 1)) };
            pool::exchange(&mut stream, get, None).await.unwrap();
            answered.fetch_add(1, Ordering::Relaxed);
        }
    });
    futures::future::join_all(asking).await;
}

/// The share that a peer with two questions at a time gets of everything, measured in fair shares,
/// while `GREEDY` connections of as many owners as `owner` tells apart hammer the agent.
async fn share(owner: impl Fn(u64) -> String, owners: u64) -> f64 {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    let modest = Device::start(&world, "bert", &one.addresses()).await;
    modest.until_online(one.me()).await;
    let mut rogues = Vec::new();
    for n in 0..GREEDY {
        let rogue = Rogue::connect(&format!("rogue{n}"), &one, rogue::grid_of(&world, "")).await;
        let hello = world.hello(&owner(n), &format!("rogue{n}"));
        let welcome = rogue.door(Request::Hello(Box::new(hello))).await;
        assert!(matches!(welcome, Ok(Reply::Welcome { .. })), "{welcome:?}");
        rogues.push(rogue);
    }
    // So slow that what is scarce is turns, not this machine.
    one.toy.slow_down(100);
    let (all, mine) = (AtomicU64::new(0), AtomicU64::new(0));
    // Two, so that one waits when the other is answered: with one alone, its share would also be a
    // matter of how soon this machine lets it ask again.
    let ask = || async {
        loop {
            drop(modest.get(one.me(), &some_bytes(10, 1)).await);
            mine.fetch_add(1, Ordering::Relaxed);
        }
    };
    let asking = async { tokio::join!(ask(), ask()) };
    let hammering = futures::future::join_all(rogues.iter().map(|rogue| hammer(rogue, &all)));
    let share = tokio::select! {
        biased;
        share = async {
            // Everybody has questions waiting by then.
            pass(Duration::from_secs(2)).await;
            let count = || all.load(Ordering::Relaxed) + mine.load(Ordering::Relaxed);
            let before = (count(), mine.load(Ordering::Relaxed));
            pass(Duration::from_secs(6)).await;
            let (total, mine) = (count() - before.0, mine.load(Ordering::Relaxed) - before.1);
            assert!(total > 500, "the agent is kept busy: {total}");
            mine as f64 * owners as f64 / total as f64
        } => share,
        _ = hammering => unreachable!("hammering has no end"),
        _ = asking => unreachable!("asking has no end"),
    };
    for rogue in rogues {
        rogue.end().await;
    }
    end([one, modest]).await;
    share
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_connections_that_hammer_leave_a_modest_peer_half_of_its_fair_share() {
    let share = share(|n| format!("owner{n}"), GREEDY + 1).await;
    assert!(share >= 0.5, "{share} fair shares");
}
