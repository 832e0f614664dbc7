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
    let rogues = rogues(&world, &one, owner).await;
    // So slow that what is scarce is turns, not this machine.
    one.toy.slow_down(250);
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
        share = measured((&all, &mine), Duration::from_secs(8)) => share,
        _ = hammering => unreachable!("hammering has no end"),
        _ = asking => unreachable!("asking has no end"),
    };
    let (total, mine) = share;
    assert!(total > 500, "the agent is kept busy: {total}");
    for rogue in rogues {
        rogue.end().await;
    }
    end([one, modest]).await;
    mine as f64 * owners as f64 / total as f64
}

/// `GREEDY` connections, each of a device of its own, of these owners.
async fn rogues(world: &World, one: &Device, owner: impl Fn(u64) -> String) -> Vec<Rogue> {
    let mut rogues = Vec::new();
    for n in 0..GREEDY {
        let rogue = Rogue::connect(&format!("rogue{n}"), one, rogue::grid_of(world, "")).await;
        let hello = world.hello(&owner(n), &format!("rogue{n}"));
        let welcome = rogue.door(Request::Hello(Box::new(hello))).await;
        assert!(matches!(welcome, Ok(Reply::Welcome { .. })), "{welcome:?}");
        rogues.push(rogue);
    }
    rogues
}

/// What is counted during `span` by both, and by the second alone.
async fn measured((all, mine): (&AtomicU64, &AtomicU64), span: Duration) -> (u64, u64) {
    // Everybody has questions waiting by then.
    pass(Duration::from_secs(2)).await;
    let count = || all.load(Ordering::Relaxed) + mine.load(Ordering::Relaxed);
    let before = (count(), mine.load(Ordering::Relaxed));
    pass(span).await;
    (count() - before.0, mine.load(Ordering::Relaxed) - before.1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_connections_that_hammer_leave_a_modest_peer_half_of_its_fair_share() {
    let share = share(|n| format!("owner{n}"), GREEDY + 1).await;
    assert!(share >= 0.5, "{share} fair shares");
}

/// Bytes of a shard that is asked for again and again.
const BODY: usize = 32 * 1024;

/// Gets the same shard without end, over streams of its own; counts the bytes that arrive.
async fn fetch(rogue: &Rogue, arrived: &AtomicU64) {
    let fetching = (0..STREAMS).map(|_| async {
        let mut stream = rogue.open().await.unwrap();
        loop {
            let get = Request::Get { shard: name(&some_bytes(BODY, 7)) };
            let reply = pool::exchange(&mut stream, get, None).await.unwrap();
            assert!(matches!(reply, Reply::Shard { .. }), "{reply:?}");
            arrived.fetch_add(BODY as u64, Ordering::Relaxed);
        }
    });
    futures::future::join_all(fetching).await;
}

/// Of the bytes that an agent with an upload limit sends in ten seconds, the share that a peer with
/// two transfers at a time gets, measured in fair shares, while `GREEDY` connections of as many
/// owners as `owner` tells apart fetch all they can.
async fn share_of_bytes(owner: impl Fn(u64) -> String, owners: u64) -> f64 {
    let world = World::new("grid");
    let one = Device::start(&world, "anna", &[]).await;
    let modest = Device::start(&world, "bert", &one.addresses()).await;
    modest.until_online(one.me()).await;
    let body = some_bytes(BODY, 7);
    assert_eq!(modest.put(one.me(), &body).await, Ok(Reply::Stored));
    let up = std::num::NonZeroU64::new(8 << 20);
    one.swarm.set_rates(crate::Rates { up, limit_lan: true, ..crate::Rates::default() });
    let rogues = rogues(&world, &one, owner).await;
    let (all, mine) = (AtomicU64::new(0), AtomicU64::new(0));
    let ask = || async {
        loop {
            assert!(matches!(modest.get(one.me(), &body).await, Ok(Reply::Shard { .. })));
            mine.fetch_add(BODY as u64, Ordering::Relaxed);
        }
    };
    let asking = async { tokio::join!(ask(), ask()) };
    let hammering = futures::future::join_all(rogues.iter().map(|rogue| fetch(rogue, &all)));
    let share = tokio::select! {
        biased;
        share = measured((&all, &mine), Duration::from_secs(10)) => share,
        _ = hammering => unreachable!("hammering has no end"),
        _ = asking => unreachable!("asking has no end"),
    };
    let (total, mine) = share;
    assert!(total > 40 << 20, "the line is kept busy: {total} bytes");
    for rogue in rogues {
        rogue.end().await;
    }
    end([one, modest]).await;
    mine as f64 * owners as f64 / total as f64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_owners_that_fetch_without_end_leave_a_modest_peer_half_of_its_fair_bytes() {
    let share = share_of_bytes(|n| format!("owner{n}"), GREEDY + 1).await;
    assert!(share >= 0.5, "{share} fair shares");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_connections_of_one_owner_count_as_one() {
    let share = share_of_bytes(|_| "greedy".to_owned(), 2).await;
    assert!(share >= 0.5, "{share} fair shares");
}
