//! What a backup makes of what was seen of others for days: redundancy, domains, newcomers.

use std::collections::BTreeSet;
use std::time::Duration;

use chunker::PeerId;
use gbak::care::Rules;
use gbak::care::churn::REPAIR;
use gbak::flow::health::look_around;
use gbak::flow::presence::Presences;
use gbak::flow::repair::{RepairPlan, repair};
use gbak::flow::risk::exposure;
use gbak::flow::targets::By;
use p2p::Grid;
use p2p::sim::Weather;

use super::limits::holders;
use super::repair::by_use;
use super::stories::{grid, source};
use super::world::{Node, World};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(600);
const LOOKS_A_DAY: u64 = 144;

/// Lets days pass in which `ada` looks every ten minutes, and everybody is as `up` says.
async fn days(
    world: &World,
    ada: &Node,
    others: &[Node],
    days: u64,
    up: impl Fn(u64, usize) -> bool,
) {
    let mut was = vec![true; others.len()];
    for look in 0..days * LOOKS_A_DAY {
        for (no, other) in others.iter().enumerate() {
            let now = up(look, no);
            if now != was[no] {
                world.net.set_down(other.peer(), !now);
                was[no] = now;
            }
        }
        for other in others {
            let ping = p2p::Request::Ping { nonce: look, offer: p2p::Offer::default() };
            drop(ada.ctx.grid.ask(other.peer(), ping).await);
        }
        look_around(&ada.ctx, &Rules::default()).unwrap();
        tokio::time::advance(LOOK).await;
    }
    for other in others {
        world.net.set_down(other.peer(), false);
    }
    let all: Vec<&Node> = std::iter::once(ada).chain(others).collect();
    world.meet(&all).await;
}

#[tokio::test(start_paused = true)]
async fn redundancy_follows_measured_availability_and_a_young_grid_uses_the_table() {
    let world = World::new(51, Weather::calm());
    let (ada, others) = grid(&world, 12).await;
    let source = source(&world);
    let young = ada.backup(&source).await.unwrap();
    assert_eq!((young.code.to_string().as_str(), &young.by), ("3+5", &By::Table));
    days(&world, &ada, &others, 3, |_, _| true).await;
    let steady = ada.backup(&source).await.unwrap();
    assert!(matches!(steady.by, By::Solved(_)), "{:?}", steady.by);
    // Each is away for eight days of twelve.
    let up = |look: u64, no: usize| (look / (4 * LOOKS_A_DAY) + no as u64).is_multiple_of(3);
    days(&world, &ada, &others, 24, up).await;
    let shaky = ada.backup(&source).await.unwrap();
    let overhead = |code: chunker::Code| code.n() as f64 / f64::from(code.k());
    println!("always here {}, a third of the time {}", steady.code, shaky.code);
    assert!(overhead(shaky.code) > overhead(steady.code), "{} {}", shaky.code, steady.code);
    assert!(steady.code.m() >= 2 && shaky.code.m() >= 2);
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_does_not_count_and_is_chosen_last() {
    let world = World::new(52, Weather::calm());
    let (ada, mut others) = grid(&world, 6).await;
    let source = source(&world);
    days(&world, &ada, &others, 8, |_, _| true).await;
    let before = ada.backup(&source).await.unwrap();
    for owner in 90..94 {
        others.push(world.node(owner, 1));
    }
    let all: Vec<&Node> = std::iter::once(&ada).chain(&others).collect();
    world.meet(&all).await;
    let report = ada.backup_with(&source, |plan| plan.force = true).await.unwrap();
    assert_eq!(report.code, before.code, "four newcomers change nothing");
    let news: BTreeSet<PeerId> = others[6..].iter().map(Node::peer).collect();
    std::fs::write(source.join("fresh"), vec![5; 300_000]).unwrap();
    let with_all = |plan: &mut gbak::flow::backup::BackupPlan| plan.code = "3+5".parse().ok();
    let eight = ada.backup_with(&source, with_all).await.unwrap();
    assert_eq!(eight.kept.missing, 0, "two newcomers take what others cannot");
    assert!(eight.kept.spare <= 3, "and do not count: {:?}", eight.kept);
    for holders in holders(&ada).into_iter().filter(|holders| holders.len() == before.code.n()) {
        assert!(holders.iter().all(|peer| !news.contains(peer)), "{holders:?}");
    }
    let seen = Presences::load(&ada.ctx).unwrap();
    let now = ada.ctx.clock.now_secs();
    assert!(news.iter().all(|peer| seen.is_new(peer, now)));
    assert!(others[..6].iter().all(|other| !seen.is_new(&other.peer(), now)));
    assert!(!seen.is_new(&others[0].peer(), now + 90 * 86_400));
}

#[tokio::test(start_paused = true)]
async fn peers_that_go_down_together_are_one_domain() {
    let world = World::new(53, Weather::calm());
    let (ada, others) = grid(&world, 6).await;
    // The last two share a switch that is turned off at odd times; the others are always here.
    let odd = |look: u64| blake3::hash(&(look / 15).to_le_bytes()).as_bytes()[0] < 40;
    days(&world, &ada, &others, 20, |look, no| no < 4 || !odd(look)).await;
    let report = ada.backup(&source(&world)).await.unwrap();
    let pair = [others[4].peer(), others[5].peer()];
    let mut shared = 0;
    for holders in holders(&ada).into_iter().filter(|holders| holders.len() <= 5) {
        shared += usize::from(pair.iter().all(|peer| holders.contains(peer)));
    }
    assert_eq!(shared, 0, "no pack has both");
    assert!(report.code.n() <= 5, "five places: {}", report.code);
    assert_eq!(ada.ctx.grid.peers().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn who_is_fuller_than_the_grid_waits_for_the_others() {
    let world = World::new(54, Weather::calm());
    let (ada, others) = grid(&world, 12).await;
    let tib = 1 << 40;
    for (no, other) in (0_u64..).zip(&others) {
        let used_bytes = if no < 6 { tib * 9 / 10 } else { 0 };
        let free_bytes = tib - used_bytes;
        let offer = p2p::Offer { used_bytes, free_bytes, ..p2p::Offer::default() };
        other.ctx.grid.members().set_offer(offer);
        let ping = p2p::Request::Ping { nonce: no, offer: p2p::Offer::default() };
        ada.ctx.grid.ask(other.peer(), ping).await.unwrap();
    }
    let full: BTreeSet<PeerId> = others[..6].iter().map(Node::peer).collect();
    let four = |plan: &mut gbak::flow::backup::BackupPlan| plan.code = "2+2".parse().ok();
    ada.backup_with(&source(&world), four).await.unwrap();
    let mut packs = 0;
    for holders in holders(&ada).into_iter().filter(|holders| holders.len() == 4) {
        packs += 1;
        assert!(holders.iter().all(|peer| !full.contains(peer)), "{holders:?}");
    }
    assert!(packs > 0);
}

#[tokio::test(start_paused = true)]
async fn departures_and_the_time_until_repaired_are_measured() {
    let world = World::new(57, Weather::calm());
    let (ada, others) = grid(&world, 8).await;
    let two = |plan: &mut gbak::flow::backup::BackupPlan| plan.code = "4+2".parse().ok();
    ada.backup_with(&source(&world), two).await.unwrap();
    days(&world, &ada, &others, 30, |_, _| true).await;
    let calm = exposure(&ada.ctx).unwrap().churn;
    // Eight holders for a month, and nobody left: a little better than assumed.
    assert!((0.25..0.30).contains(&calm.departures()), "{calm:?}");
    assert_eq!(calm.repair(), REPAIR);
    let gone = by_use(&ada, &others)[0].peer();
    let gone = others.iter().position(|other| other.peer() == gone).unwrap();
    days(&world, &ada, &others, 5, |_, no| no != gone).await;
    let left = exposure(&ada.ctx).unwrap();
    assert!(left.churn.rate() > 1.5 * calm.rate(), "{calm:?} {left:?}");
    let report = repair(&ada.ctx, RepairPlan::default()).await.unwrap();
    assert!(report.shards_made > 0 && report.packs_still_degraded == 0, "{report:?}");
    let mended = exposure(&ada.ctx).unwrap();
    let days = mended.churn.repair().as_secs_f64() / 86_400.0;
    // The one that was mended after five days, and the assumption with the weight of two.
    assert!((days - (5.0 + 2.0 * 17.0) / 3.0).abs() < 0.1, "{days}");
    assert_eq!(mended.inputs.repair, mended.churn.repair());
    assert!((mended.inputs.rate - mended.churn.rate()).abs() < 1e-12);
}
