//! Promises of lanes, in paused time: rates hold, owners share, changes take effect at once.

use std::num::NonZeroU64;

use super::*;
use crate::testing::{World, key, peer_of};

const MIB: u64 = 1 << 20;

fn rates(up: u64) -> Rates {
    Rates { up: NonZeroU64::new(up), limit_lan: true, ..Rates::default() }
}

/// A lane to a device of this owner, both known to `members`.
fn lane(pace: &Arc<Pace>, members: &Members, world: &World, owner: &str, device: &str) -> Lane {
    members.learn(vec![world.members(owner, device).hello()]);
    pace.lane(peer_of(&key(device)), members.clone())
}

/// Sends without end; the counter is what passed.
fn sending(lane: Lane, passed: Arc<AtomicU64>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            lane.wait(Way::Up, SHARE).await;
            passed.fetch_add(SHARE as u64, Ordering::Relaxed);
        }
    })
}

fn read(passed: &AtomicU64) -> f64 {
    passed.swap(0, Ordering::Relaxed) as f64
}

#[tokio::test(start_paused = true)]
async fn a_total_holds_over_many_streams_and_changes_at_once() {
    let world = World::new("grid");
    let (pace, members) = (Arc::new(Pace::new()), world.members("me", "me"));
    pace.set(rates(MIB));
    let passed = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..20)
        .map(|n| lane(&pace, &members, &world, &format!("o{}", n % 3), &format!("d{n}")))
        .map(|lane| sending(lane, passed.clone()))
        .collect();
    sleep(Duration::from_secs(20)).await;
    let average = read(&passed) / 20.0 / MIB as f64;
    assert!((0.95..=1.05).contains(&average), "{average}");
    // As slow as it gets, then fast: nobody waits out what the slow rate had promised.
    pace.set(rates(crate::rate::LOWEST));
    sleep(Duration::from_secs(20)).await;
    assert!(read(&passed) < 21.0 * crate::rate::LOWEST as f64);
    pace.set(rates(4 * MIB));
    sleep(Duration::from_secs(10)).await;
    let average = read(&passed) / 10.0 / MIB as f64;
    assert!((3.8..=4.2).contains(&average), "{average}");
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn owners_share_the_total_however_many_streams_they_have() {
    let world = World::new("grid");
    let (pace, members) = (Arc::new(Pace::new()), world.members("me", "me"));
    pace.set(rates(MIB));
    let (greedy, modest) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut tasks: Vec<_> = (0..50)
        .map(|n| lane(&pace, &members, &world, "greedy", &format!("d{n}")))
        .map(|lane| sending(lane, greedy.clone()))
        .collect();
    tasks.push(sending(lane(&pace, &members, &world, "modest", "one"), modest.clone()));
    sleep(Duration::from_secs(20)).await;
    let (greedy, modest) = (read(&greedy), read(&modest));
    assert!(modest / (greedy + modest) > 0.45, "{modest} beside {greedy}");
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn one_peer_has_its_own_limit_beside_the_total() {
    let world = World::new("grid");
    let (pace, members) = (Arc::new(Pace::new()), world.members("me", "me"));
    pace.set(Rates { peer_up: NonZeroU64::new(MIB), ..rates(8 * MIB) });
    let counts = [(), ()].map(|()| Arc::new(AtomicU64::new(0)));
    let lanes = ["one", "two"].map(|name| lane(&pace, &members, &world, name, name));
    let tasks: Vec<_> = lanes
        .into_iter()
        .zip(&counts)
        .map(|(lane, passed)| sending(lane, passed.clone()))
        .collect();
    sleep(Duration::from_secs(10)).await;
    for passed in &counts {
        let average = read(passed) / 10.0 / MIB as f64;
        assert!((0.95..=1.05).contains(&average), "{average}");
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn the_local_network_is_exempt_once_it_was_measured_to_be_near() {
    let world = World::new("grid");
    let (pace, members) = (Arc::new(Pace::new()), world.members("me", "me"));
    let lane = lane(&pace, &members, &world, "anna", "anna");
    let limited = Rates { limit_lan: false, ..rates(MIB) };
    pace.set(limited);
    let slow = |now: Instant| now.elapsed() > Duration::from_secs(5);
    let send = async || {
        for _ in 0..640 {
            lane.wait(Way::Up, SHARE).await;
        }
    };
    let peer = peer_of(&key("anna"));
    members.admit(peer, &world.members("anna", "anna").hello()).unwrap();
    members.online_at(peer, "/ip4/192.168.1.7/tcp/4711");
    let now = Instant::now();
    send().await;
    assert!(slow(now), "not measured yet");
    members.measured(peer, Duration::from_millis(80), crate::Offer::default());
    let now = Instant::now();
    send().await;
    assert!(slow(now), "a private address far away");
    members.measured(peer, Duration::from_millis(1), crate::Offer::default());
    let now = Instant::now();
    send().await;
    assert!(!slow(now), "on the local network");
    pace.set(rates(MIB));
    let now = Instant::now();
    send().await;
    assert!(slow(now), "the rates include the local network");
    members.offline(peer);
    members.online_at(peer, "/ip4/203.0.113.9/tcp/4711");
    pace.set(limited);
    let now = Instant::now();
    send().await;
    assert!(slow(now), "a public address");
}

#[tokio::test(start_paused = true)]
async fn headers_do_not_wait_but_bodies_wait_for_them() {
    let world = World::new("grid");
    let (pace, members) = (Arc::new(Pace::new()), world.members("me", "me"));
    pace.set(rates(MIB));
    let lane = lane(&pace, &members, &world, "anna", "anna");
    let now = Instant::now();
    for _ in 0..1024 {
        lane.charge(Way::Up, 10 * 1024);
    }
    assert_eq!(now.elapsed(), Duration::ZERO);
    lane.wait(Way::Up, 1).await;
    assert!((9.5..10.5).contains(&now.elapsed().as_secs_f64()), "{:?}", now.elapsed());
    lane.wait(Way::Down, 1 << 20).await;
    assert!(now.elapsed().as_secs_f64() < 10.5, "each way has its own");
    assert_eq!(pace.moved(), (10 * MIB + 1, MIB));
}
