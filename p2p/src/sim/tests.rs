//! Tests of the promises of `sim`; those it shares with the real network are in `tests/it.rs`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chunker::ShardId;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::peer::Offer;
use crate::testing::World;

/// Stores nothing, counts everything.
#[derive(Debug, Default)]
struct Counter {
    begun: AtomicU64,
    finished: AtomicU64,
}

impl Counter {
    fn finished(&self) -> u64 {
        self.finished.load(Ordering::Relaxed)
    }
}

impl Service for Counter {
    async fn answer(&self, _: PeerId, request: Request) -> Reply {
        self.begun.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(3)).await;
        self.finished.fetch_add(1, Ordering::Relaxed);
        match request {
            Request::Put { .. } => Reply::Stored,
            Request::Get { .. } => Reply::Shard { body: Bytes::from_static(b"shard") },
            _ => Reply::Refused(Refusal::Unsupported),
        }
    }
}

fn put(len: usize) -> Request {
    Request::Put { shard: ShardId::from_bytes([1; 32]), body: vec![0; len].into() }
}

fn get() -> Request {
    Request::Get { shard: ShardId::from_bytes([1; 32]) }
}

/// A network of so many devices, each with an owner of its own.
fn network(seed: u64, weather: Weather, count: usize) -> (SimNet, Vec<(SimGrid, Arc<Counter>)>) {
    let world = World::new("grid");
    let net = SimNet::new(seed, weather);
    let join = |no: usize| {
        let members = world.members(&format!("owner {no}"), &format!("device {no}"));
        let service = Arc::new(Counter::default());
        (net.join(members, service.clone()), service)
    };
    let nodes = (0..count).map(join).collect();
    (net, nodes)
}

/// A pair that has met in calm weather.
async fn pair(weather: Weather) -> (SimNet, SimGrid, SimGrid, Arc<Counter>) {
    let (net, nodes) = network(7, Weather::calm(), 2);
    let [(one, _), (two, service)] = nodes.try_into().expect("two");
    assert_eq!(one.ask(two.me(), put(1)).await, Ok(Reply::Stored));
    net.set_weather(weather);
    (net, one, two, service)
}

/// What one device of the history does: asks at random, at random times.
async fn live(grid: SimGrid, all: Vec<PeerId>, seed: u64) -> (u64, u64) {
    let mut dice = StdRng::seed_from_u64(seed);
    let (mut answered, mut failed) = (0, 0);
    for _ in 0..40 {
        sleep(Duration::from_millis(dice.random_range(0..5000))).await;
        let peer = all[dice.random_range(0..all.len())];
        let request = match dice.random_range(0..5) {
            0 => Request::Ping { nonce: dice.random(), offer: Offer::default() },
            1 => Request::Roster { skip: 0 },
            2 => get(),
            _ => put(dice.random_range(1..200_000)),
        };
        // Some give up early, which leaves hosts at work alone.
        let patience = Duration::from_millis(dice.random_range(100..60_000));
        match timeout(patience, grid.ask(peer, request)).await {
            Ok(Ok(_)) => answered += 1,
            _ => failed += 1,
        }
    }
    (answered, failed)
}

/// A stormy day of 50 devices, with one taken down and a split in between.
async fn history(seed: u64) -> ([u8; 32], Counts, Vec<(u64, u64)>) {
    let (net, nodes) = network(seed, Weather::stormy(), 50);
    let all: Vec<PeerId> = nodes.iter().map(|(grid, _)| grid.me()).collect();
    let lives: Vec<_> = nodes
        .iter()
        .enumerate()
        .map(|(no, (grid, _))| tokio::spawn(live(grid.clone(), all.clone(), seed ^ no as u64)))
        .collect();
    sleep(Duration::from_secs(20)).await;
    net.set_down(all[3], true);
    net.split(all[10..20].iter().copied());
    sleep(Duration::from_secs(20)).await;
    net.set_down(all[3], false);
    net.split([]);
    let mut outcomes = Vec::new();
    for life in lives {
        outcomes.push(life.await.expect("no panic"));
    }
    (net.trace_hash(), net.counts(), outcomes)
}

fn run(seed: u64) -> ([u8; 32], Counts, Vec<(u64, u64)>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(history(seed))
}

#[test]
fn one_seed_is_one_history_and_another_is_another() {
    let first = run(1);
    assert_eq!(run(1), first);
    let (hash, counts, outcomes) = run(2);
    assert_ne!(hash, first.0);
    assert!(counts.sent > 3000, "{counts:?}");
    assert!(counts.lost > 0 && counts.doubled > 0 && counts.unreachable > 0, "{counts:?}");
    let answered: u64 = outcomes.iter().map(|(answered, _)| answered).sum();
    let failed: u64 = outcomes.iter().map(|(_, failed)| failed).sum();
    assert!(answered > failed, "{answered} answered, {failed} failed");
}

#[tokio::test(start_paused = true)]
async fn a_lost_question_never_reaches_the_host_and_ends_at_the_deadline() {
    let (_, one, two, service) = pair(Weather { loss: 1.0, ..Weather::calm() }).await;
    let (before, began) = (service.finished(), Instant::now());
    let request = get();
    let deadline = request.deadline();
    let timeout = GridError::Timeout { peer: two.me(), seconds: deadline.as_secs() };
    assert_eq!(one.ask(two.me(), request).await, Err(timeout));
    assert_eq!(began.elapsed(), deadline);
    assert_eq!(service.finished(), before);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_was_worked_on() {
    let (net, one, two, service) = pair(Weather::calm()).await;
    let before = service.finished();
    let asking = one.ask(two.me(), put(1));
    let losing = async {
        while service.begun.load(Ordering::Relaxed) == before {
            sleep(Duration::from_micros(100)).await;
        }
        net.set_weather(Weather { loss: 1.0, ..Weather::calm() });
    };
    let (answer, ()) = tokio::join!(asking, losing);
    assert!(matches!(answer, Err(GridError::Timeout { .. })), "{answer:?}");
    assert_eq!(service.finished(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_question_is_worked_on_twice_and_answered_once() {
    let (net, one, two, service) = pair(Weather { duplication: 1.0, ..Weather::calm() }).await;
    let before = service.finished();
    assert_eq!(one.ask(two.me(), put(1)).await, Ok(Reply::Stored));
    assert_eq!(service.finished(), before + 2);
    assert!(net.counts().doubled > 0);
}

#[tokio::test(start_paused = true)]
async fn bodies_take_the_time_that_bandwidth_gives_them_and_queue() {
    let weather = Weather { bandwidth: Some(1_000_000), ..Weather::calm() };
    let (_, one, two, _) = pair(weather).await;
    let began = Instant::now();
    let asks = (0..4).map(|_| one.ask(two.me(), put(500_000)));
    for answer in futures::future::join_all(asks).await {
        assert_eq!(answer, Ok(Reply::Stored));
    }
    let took = began.elapsed();
    assert!(took > Duration::from_secs(2) && took < Duration::from_millis(2200), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_clogged_link_delays_what_follows() {
    let clog_for = Duration::from_secs(5);
    let (net, one, two, _) = pair(Weather { clog: 1.0, clog_for, ..Weather::calm() }).await;
    let first = one.ask(two.me(), put(1));
    let second = async {
        // The first found the clog; the second only waits behind it.
        sleep(Duration::from_millis(500)).await;
        net.set_weather(Weather::calm());
        let began = Instant::now();
        assert_eq!(one.ask(two.me(), put(1)).await, Ok(Reply::Stored));
        began.elapsed()
    };
    let (answer, took) = tokio::join!(first, second);
    assert_eq!(answer, Ok(Reply::Stored));
    assert!(took > Duration::from_secs(4) && took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_two_sides_of_a_split_cannot_reach_each_other_until_it_heals() {
    let (net, nodes) = network(9, Weather::calm(), 4);
    let grids: Vec<SimGrid> = nodes.into_iter().map(|(grid, _)| grid).collect();
    let ids: Vec<PeerId> = grids.iter().map(Grid::me).collect();
    assert_eq!(grids[0].ask(ids[2], put(1)).await, Ok(Reply::Stored));
    net.split([ids[0], ids[1]]);
    assert!(!grids[0].members().is_admitted(&ids[2]));
    assert!(!grids[2].members().is_admitted(&ids[0]));
    let across = grids[0].ask(ids[2], put(1)).await;
    assert_eq!(across, Err(GridError::Unreachable { peer: ids[2] }));
    assert_eq!(grids[0].ask(ids[1], put(1)).await, Ok(Reply::Stored));
    assert_eq!(grids[3].ask(ids[2], put(1)).await, Ok(Reply::Stored));
    net.split([]);
    assert_eq!(grids[0].ask(ids[2], put(1)).await, Ok(Reply::Stored));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_goes_down_amid_its_work_breaks_the_answer() {
    let (net, one, two, service) = pair(Weather::calm()).await;
    let before = service.begun.load(Ordering::Relaxed);
    let crash = async {
        while service.begun.load(Ordering::Relaxed) == before {
            sleep(Duration::from_micros(100)).await;
        }
        net.set_down(two.me(), true);
    };
    let (answer, ()) = tokio::join!(one.ask(two.me(), put(1)), crash);
    assert_eq!(answer, Err(GridError::Broken { peer: two.me() }));
    let from_the_dead = two.ask(one.me(), put(1)).await;
    assert_eq!(from_the_dead, Err(GridError::Unreachable { peer: one.me() }));
}

#[tokio::test(start_paused = true)]
async fn hosts_of_impatient_askers_are_sometimes_interrupted_and_sometimes_not() {
    let (_, one, two, service) = pair(Weather::calm()).await;
    let before = service.finished();
    for _ in 0..64 {
        let begun = service.begun.load(Ordering::Relaxed);
        let asking = one.ask(two.me(), put(1));
        let begins = async {
            while service.begun.load(Ordering::Relaxed) == begun {
                sleep(Duration::from_micros(100)).await;
            }
        };
        tokio::select! {
            biased;
            () = begins => {}
            answer = asking => panic!("answered: {answer:?}"),
        }
    }
    sleep(Duration::from_secs(1)).await;
    let carried_on = service.finished() - before;
    assert!(carried_on > 8 && carried_on < 56, "{carried_on} of 64");
}

#[tokio::test(start_paused = true)]
async fn each_pair_has_its_own_distance_which_pings_measure() {
    let (_, nodes) = network(11, Weather::calm(), 12);
    let (one, _) = &nodes[0];
    for (other, _) in &nodes[1..] {
        for nonce in 0..8 {
            let ping = Request::Ping { nonce, offer: Offer::default() };
            one.ask(other.me(), ping).await.expect("calm weather");
        }
    }
    let mut rtts: Vec<Duration> = one.peers().iter().map(|info| info.rtt.expect("known")).collect();
    assert_eq!(rtts.len(), 11);
    rtts.sort();
    let Weather { delay_min, delay_max, .. } = Weather::calm();
    assert!(rtts[0] >= delay_min * 2 && rtts[10] <= delay_max * 2, "{rtts:?}");
    assert!(rtts[10] > rtts[0] * 2, "{rtts:?}");
}
