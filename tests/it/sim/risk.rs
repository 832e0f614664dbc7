//! What the data is exposed to, reckoned from a simulated grid's real placements.

use chunker::PeerId;
use gbak::care::{Looks, Rules};
use gbak::flow::audit::audit;
use gbak::flow::risk::{AVAILABILITY, exposure};
use gbak::placement::odds;
use gbak::placement::risk::Without;
use p2p::sim::Weather;

use super::stories::{grid, source};
use super::world::{Node, World};

fn without(peers: &[&Node]) -> Without {
    let peers = peers.iter().map(|node| node.peer()).collect();
    Without { peers, ..Without::default() }
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
}

#[tokio::test(start_paused = true)]
async fn risk_is_reckoned_from_where_the_shards_are_and_says_who_is_gone() {
    let world = World::new(60, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    let nothing = exposure(&ada.ctx).unwrap();
    assert_eq!((nothing.packs.len(), nothing.holders.len()), (0, 0));
    ada.backup(&source(&world)).await.unwrap();
    let found = exposure(&ada.ctx).unwrap();
    let holders: Vec<PeerId> = found.holders.keys().copied().collect();
    let mut expected: Vec<PeerId> = others.iter().map(Node::peer).collect();
    expected.sort_unstable();
    assert_eq!((holders, found.strangers.len(), found.queued), (expected, 0, 0));
    assert!(found.packs.len() > 2 && found.holders.values().all(|known| known.looks.is_none()));
    // Data is 3+2 on all five, metadata whole copies on all five.
    let now = found.outlook(&Without::default()).risk;
    assert_eq!((now.lost, now.sets, now.can_lose), (0, 2, 2));
    let answering = odds::answering(&[AVAILABILITY; 5]);
    let all = odds::at_least(&answering, 3) * odds::at_least(&answering, 1);
    assert!(close(now.p_restore[0], all), "{now:?} {all}");
    let one_gone = found.outlook(&without(&[&others[0]])).risk;
    assert_eq!((one_gone.lost, one_gone.can_lose), (0, 1));
    assert!(one_gone.p_loss_year > now.p_loss_year && one_gone.p_restore[3] < now.p_restore[3]);
    let three_gone = found.outlook(&without(&[&others[0], &others[1], &others[2]])).risk;
    assert!(three_gone.lost > 0 && three_gone.can_lose == 0);
    assert!(three_gone.p_loss_year >= 1.0 && three_gone.p_restore[3] <= 0.0);
}

#[tokio::test(start_paused = true)]
async fn what_audits_saw_of_a_holder_replaces_what_was_assumed_of_it() {
    let world = World::new(61, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    ada.backup(&source(&world)).await.unwrap();
    let assumed = exposure(&ada.ctx).unwrap();
    world.net.set_down(others[0].peer(), true);
    for _ in 0..12 {
        audit(&ada.ctx, None, &Rules::default()).await.unwrap();
    }
    let measured = exposure(&ada.ctx).unwrap();
    for (node, seen) in [(&others[0], 0), (&others[1], 12)] {
        let known = &measured.holders[&node.peer()];
        assert_eq!(known.looks, Some(Looks { seen, looks: 12 }), "{known:?}");
    }
    let share = |node: &Node| measured.inputs.holders[&node.peer()].availability;
    assert!(share(&others[0]) < 0.25 && share(&others[1]) > 0.9);
    // Four that are always there are worth more than five of which nothing is known.
    let risk = |of: &gbak::flow::risk::Exposure| of.outlook(&Without::default()).risk;
    assert!(risk(&measured).p_restore[0] > risk(&assumed).p_restore[0]);
    let fewer = measured.outlook(&without(&[&others[1]])).risk;
    assert!(fewer.p_restore[0] < risk(&assumed).p_restore[0]);
}

#[tokio::test(start_paused = true)]
async fn packs_that_wait_are_not_in_the_figures() {
    let world = World::new(62, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    for other in &others {
        world.net.set_down(other.peer(), true);
    }
    let report = ada.backup_with(&source(&world), |plan| plan.spool = true).await.unwrap();
    assert!(report.queued_packs > 0);
    let found = exposure(&ada.ctx).unwrap();
    assert_eq!((found.packs.len(), found.queued > 0), (0, true));
    assert_eq!(found.outlook(&Without::default()).risk.lost, 0);
}
