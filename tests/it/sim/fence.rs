//! One writer of a drive, simulated: claims that cross, machines that are cut off, holders that say
//! nothing.

use std::time::Duration;

use gbak::flow::fence::{self, ClaimPlan, Claimed, Verdict};
use p2p::sim::Weather;
use tokio::time::Instant;

use super::stories::{grid, source};
use super::world::{Node, World};

/// For how long a writer must not have been heard of.
const LEASE: u64 = 60;
/// Silent holders take a question's whole deadline, which is more.
const PROMPT: Duration = Duration::from_secs(10);

async fn claim(node: &Node, take_over: bool) -> Claimed {
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
async fn a_writer_that_was_silent_for_its_lease_is_overruled_and_silent_holders_hold_nobody_up() {
    let world = World::new(401, Weather::calm());
    let (ada, second, others) = two(&world).await;
    ada.backup(&source(&world)).await.unwrap();
    assert_eq!(claim(&ada, false).await, Claimed::Yes { epoch: 1, from: None });
    let me = ada.peer();
    assert_eq!(claim(&second, true).await, Claimed::Held { by: me, epoch: 1, ran_out: false });
    // Two of five say nothing, and look connected: what the others say is enough, and soon.
    for silent in &others[..2] {
        world.net.set_down(silent.peer(), true);
    }
    let began = Instant::now();
    fence::renew(&ada.ctx, "work").await.unwrap();
    assert_eq!(confirm(&ada).await, Verdict::Confirmed);
    assert_eq!(claim(&second, true).await, Claimed::Held { by: me, epoch: 1, ran_out: false });
    assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
    tokio::time::advance(Duration::from_secs(LEASE + 1)).await;
    let began = Instant::now();
    assert_eq!(claim(&second, false).await, Claimed::Held { by: me, epoch: 1, ran_out: true });
    assert_eq!(claim(&second, true).await, Claimed::Yes { epoch: 2, from: Some(me) });
    assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
    assert_eq!(confirm(&ada).await, Verdict::Overruled { by: second.peer(), epoch: 2 });
    assert_eq!(confirm(&second).await, Verdict::Confirmed);
    assert_eq!(fence::confirmed_epoch(&ada.ctx, "work").await.unwrap(), None, "not read yet");
    // With a third one silent too few of five are left to say anything.
    world.net.set_down(others[2].peer(), true);
    world.net.set_down(others[3].peer(), true);
    assert_eq!(confirm(&second).await, Verdict::Unsure);
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
