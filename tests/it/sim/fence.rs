//! One writer of a drive, simulated: claims that cross, machines that are cut off, holders that say
//! nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gbak::flow::fence::{self, ClaimPlan, Claimed, TakeOver, Verdict};
use p2p::sim::Weather;
use p2p::{Reply, Request};
use tokio::time::Instant;

use super::stories::{grid, source};
use super::world::{Node, Twist, World};

/// For how long a writer must not have been heard of.
const LEASE: u64 = 60;
/// A silent holder takes a question's whole deadline: each of those asked here would take more.
const PROMPT: Duration = Duration::from_secs(20);

async fn claim(node: &Node, take_over: bool) -> Claimed {
    claim_by(node, if take_over { TakeOver::AfterLease } else { TakeOver::Never }).await
}

async fn claim_by(node: &Node, take_over: TakeOver) -> Claimed {
    let plan = ClaimPlan { drive: "work", lease_secs: LEASE, take_over, in_use: &[], floor: 0 };
    fence::claim(&node.ctx, &plan).await.unwrap()
}

async fn confirm(node: &Node) -> Verdict {
    fence::confirm(&node.ctx, "work").await.unwrap()
}

/// A grid of five holders and two devices of one owner.
async fn two(world: &World) -> (Node, Node, Vec<Node>) {
    let (ada, others) = grid(world, 5).await;
    let second = world.node(1, 2);
    let all: Vec<&Node> = [&ada, &second].into_iter().chain(&others).collect();
    world.meet(&all).await;
    (ada, second, others)
}

const fn epoch(claimed: &Claimed) -> Option<u64> {
    match claimed {
        Claimed::Yes { epoch, .. } => Some(*epoch),
        Claimed::Held { .. } | Claimed::Unsure(_) => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_was_silent_for_its_lease_is_overruled_and_learns_of_it() {
    let world = World::new(401, Weather::calm());
    let (ada, second, others) = two(&world).await;
    ada.backup(&source(&world)).await.unwrap();
    assert_eq!(claim(&ada, false).await, Claimed::Yes { epoch: 1, from: None });
    let me = ada.peer();
    assert_eq!(claim(&second, true).await, Claimed::Held { by: me, epoch: 1, ran_out: false });
    // Two of five are gone: what the others say is enough.
    for silent in &others[..2] {
        world.net.set_down(silent.peer(), true);
    }
    fence::renew(&ada.ctx, "work").await.unwrap();
    assert_eq!(confirm(&ada).await, Verdict::Confirmed);
    assert_eq!(claim(&second, true).await, Claimed::Held { by: me, epoch: 1, ran_out: false });
    tokio::time::advance(Duration::from_secs(LEASE + 1)).await;
    assert_eq!(claim(&second, false).await, Claimed::Held { by: me, epoch: 1, ran_out: true });
    assert_eq!(claim(&second, true).await, Claimed::Yes { epoch: 2, from: Some(me) });
    assert_eq!(confirm(&ada).await, Verdict::Overruled { by: second.peer(), epoch: 2 });
    assert_eq!(confirm(&second).await, Verdict::Confirmed);
    assert_eq!(fence::confirmed_epoch(&ada.ctx, "work").await.unwrap(), None, "not read yet");
    // With a third one silent too few of five are left to say anything.
    world.net.set_down(others[2].peer(), true);
    world.net.set_down(others[3].peer(), true);
    assert_eq!(confirm(&second).await, Verdict::Unsure);
}

/// A host that says nothing any more once it is told so, and stays connected.
#[derive(Default)]
struct Mute(AtomicBool);

impl Twist for Mute {
    fn reply(&self, _: &Request, reply: Reply) -> Reply {
        reply
    }

    fn stalls(&self, _: &Request) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn holders_that_look_connected_and_say_nothing_hold_nobody_up() {
    let world = World::new(404, Weather::calm());
    let (ada, second, others) = two(&world).await;
    let mute = Arc::new(Mute::default());
    let silent: Vec<Node> = (0..2).map(|n| world.twisted(30 + n, 1, Arc::clone(&mute))).collect();
    let all: Vec<&Node> = [&ada, &second].into_iter().chain(&others).chain(&silent).collect();
    world.meet(&all).await;
    assert_eq!(epoch(&claim(&ada, false).await), Some(1));
    mute.0.store(true, Ordering::Relaxed);
    let began = Instant::now();
    fence::renew(&ada.ctx, "work").await.unwrap();
    assert_eq!(confirm(&ada).await, Verdict::Confirmed);
    fence::give_back(&ada.ctx, "work").await.unwrap();
    assert_eq!(epoch(&claim(&second, false).await), Some(2));
    assert_eq!(confirm(&ada).await, Verdict::Unsure, "it has no claim");
    assert!(fence::confirmed_epoch(&second.ctx, "work").await.unwrap() == Some(2));
    assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn electors_that_are_gone_are_replaced_by_the_writer_while_a_majority_is_there() {
    let world = World::new(402, Weather::calm());
    let (ada, second, others) = two(&world).await;
    assert_eq!(epoch(&claim(&ada, false).await), Some(1));
    let more: Vec<Node> = (0..3).map(|n| world.node(30 + n, 1)).collect();
    let all: Vec<&Node> = [&ada, &second].into_iter().chain(&others).chain(&more).collect();
    world.meet(&all).await;
    for gone in &others[..2] {
        world.net.set_down(gone.peer(), true);
        // Noticed, as a broken connection is.
        ada.ctx.grid.members().offline(gone.peer());
    }
    // Once for the change, once for what it makes of those before.
    for _ in 0..2 {
        assert_eq!(confirm(&ada).await, Verdict::Confirmed);
        fence::move_on(&ada.ctx, "work").await.unwrap();
    }
    fence::give_back(&ada.ctx, "work").await.unwrap();
    let mine = fence::claim_of(&ada.ctx, "work").unwrap().unwrap();
    assert!(more.iter().all(|one| mine.electors.contains(&one.peer())), "{mine:?}");
    assert_eq!(mine.before, Vec::new());
    // Three of the first five are gone now, and the drive can be had all the same.
    world.net.set_down(others[2].peer(), true);
    assert_eq!(claim(&second, false).await, Claimed::Yes { epoch: 2, from: Some(ada.peer()) });
}

#[tokio::test(start_paused = true)]
async fn when_most_who_decide_are_gone_a_person_may_say_so_once_the_writer_is_silent() {
    let world = World::new(403, Weather::calm());
    let (ada, second, others) = two(&world).await;
    assert_eq!(epoch(&claim(&ada, false).await), Some(1));
    for gone in &others[..3] {
        world.net.set_down(gone.peer(), true);
        second.ctx.grid.members().offline(gone.peer());
        ada.ctx.grid.members().offline(gone.peer());
    }
    fence::renew(&ada.ctx, "work").await.unwrap();
    let me = ada.peer();
    let heard = Claimed::Held { by: me, epoch: 1, ran_out: false };
    assert_eq!(claim_by(&second, TakeOver::WithoutMajority).await, heard);
    tokio::time::advance(Duration::from_secs(LEASE + 1)).await;
    assert!(matches!(claim(&second, true).await, Claimed::Unsure(Some(_))));
    let taken = claim_by(&second, TakeOver::WithoutMajority).await;
    assert_eq!(taken, Claimed::Yes { epoch: 2, from: Some(me) });
    assert_eq!(confirm(&second).await, Verdict::Confirmed);
    assert_eq!(confirm(&ada).await, Verdict::Overruled { by: second.peer(), epoch: 2 });
    // From now on those who are left decide.
    fence::give_back(&second.ctx, "work").await.unwrap();
    let third = world.node(1, 3);
    let left: Vec<&Node> = std::iter::once(&third).chain(&others[3..]).collect();
    world.meet(&left).await;
    assert_eq!(claim(&third, false).await, Claimed::Yes { epoch: 3, from: Some(second.peer()) });
}

#[tokio::test(start_paused = true)]
async fn of_two_that_claim_at_once_at_most_one_writes_in_any_weather() {
    let mut had = 0;
    for seed in 410..440 {
        let weather = if seed % 2 == 0 { Weather::calm() } else { Weather::stormy() };
        let world = World::new(seed, weather);
        let (ada, second, _others) = two(&world).await;
        let (one, other) = tokio::join!(claim(&ada, true), claim(&second, true));
        let (one, other) = (epoch(&one), epoch(&other));
        assert!(one.is_none() || one != other, "seed {seed}: both write epoch {one:?}");
        world.net.set_weather(Weather::calm());
        let both = (confirm(&ada).await, confirm(&second).await);
        assert_ne!(both, (Verdict::Confirmed, Verdict::Confirmed), "seed {seed}");
        had += u32::from(one.is_some() || other.is_some());
    }
    assert!(had > 10, "only {had} of 30 claims came to anything");
}
