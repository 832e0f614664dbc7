//! Forgetting on a simulated grid: what is forgotten is gone for everybody, and nothing else is.

use std::fs;
use std::time::Duration;

use chunker::SnapshotId;
use gbak::flow::forget::{ForgetPlan, ForgetReport, forget};
use gbak::flow::{FlowError, backup, look, recover};
use gbak::vault::retention::Rules;
use p2p::sim::Weather;

use super::stories::{assert_same, grid, source, under};
use super::world::{Node, World};

fn last(count: u32, dry_run: bool) -> ForgetPlan {
    let rules = Rules { last: count, ..Rules::default() };
    ForgetPlan { rules, dry_run, ..ForgetPlan::default() }
}

async fn keep_last(node: &Node) -> Result<ForgetReport, FlowError> {
    forget(&node.ctx, &last(1, false)).await
}

fn listed(node: &Node) -> Vec<SnapshotId> {
    look::snapshots(&node.ctx).unwrap().into_iter().map(|listed| listed.id).collect()
}

/// Backs the source up, changed.
async fn change(node: &Node, source: &std::path::Path, round: u32) -> SnapshotId {
    fs::write(source.join("round"), round.to_string()).unwrap();
    node.backup(source).await.unwrap().snapshot.unwrap()
}

/// The device with this number of the first owner, which knows only what the grid knows.
async fn recovered(world: &World, device: u64, others: &[Node]) -> Node {
    let (new, warnings) = found(world, device, others).await;
    assert_eq!(warnings, Vec::<String>::new());
    new
}

/// The same, with what was odd.
async fn found(world: &World, device: u64, others: &[Node]) -> (Node, Vec<String>) {
    let new = world.node(1, device);
    let all: Vec<&Node> = std::iter::once(&new).chain(others).collect();
    world.meet(&all).await;
    let found = recover::recover(&new.ctx).await.unwrap();
    (new, found.warnings)
}

#[tokio::test(start_paused = true)]
async fn what_was_forgotten_is_gone_for_a_recovery_and_the_rest_restores() {
    let world = World::new(31, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    let first = change(&ada, &source, 1).await;
    let second = change(&ada, &source, 2).await;
    let third = change(&ada, &source, 3).await;
    let dry = forget(&ada.ctx, &last(1, true)).await.unwrap();
    assert_eq!(dry.groups[0].forgotten, [second, first]);
    assert_eq!(listed(&recovered(&world, 2, &others).await), [first, second, third]);
    let report = keep_last(&ada).await.unwrap();
    assert_eq!((report.witnesses, report.elsewhere), ((4, 4), 0));
    assert_eq!(listed(&ada), [third]);
    let again = keep_last(&ada).await.unwrap();
    assert_eq!((again.witnesses, again.groups[0].forgotten.len()), ((0, 0), 0));
    world.net.set_down(ada.peer(), true);
    let new = recovered(&world, 3, &others).await;
    assert_eq!(listed(&new), [third]);
    let target = world.dir.path().join("restored");
    let gone = new.restore(&first.to_string(), &target).await.unwrap_err();
    assert!(matches!(gone, FlowError::Spec(_)), "{gone}");
    new.restore("latest", &target).await.unwrap();
    assert_same(&source, &under(&target, &source));
    // Nothing was released: the next backup sends nothing that is there.
    assert_eq!(new.backup(&source).await.unwrap().counts.data_added, 0);
}

#[tokio::test(start_paused = true)]
async fn snapshots_of_other_devices_stay_and_other_devices_hear_of_it() {
    let world = World::new(32, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    let first = change(&ada, &source, 1).await;
    let second = recovered(&world, 2, &others).await;
    world.meet(&[&ada, &second]).await;
    let theirs = change(&second, &source, 2).await;
    let newest = change(&second, &source, 3).await;
    recover::recover(&ada.ctx).await.unwrap();
    assert_eq!(listed(&ada).len(), 3);
    let report = keep_last(&second).await.unwrap();
    assert_eq!((report.elsewhere, report.groups[0].forgotten.as_slice()), (1, &[theirs][..]));
    assert_eq!(listed(&second), [first, newest]);
    let last = change(&ada, &source, 4).await;
    assert_eq!(listed(&ada), [first, newest, last]);
    assert_eq!(listed(&recovered(&world, 3, &others).await).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_head_without_a_majority_forgets_nothing_here_and_is_sent_again() {
    let world = World::new(33, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    let first = change(&ada, &source, 1).await;
    let second = change(&ada, &source, 2).await;
    for other in &others[..2] {
        world.net.set_down(other.peer(), true);
    }
    let error = keep_last(&ada).await.unwrap_err();
    assert!(matches!(error, FlowError::NotWitnessed { confirmed: 2, asked: 4 }), "{error}");
    assert_eq!(listed(&ada), [first, second]);
    for other in &others[..2] {
        world.net.set_down(other.peer(), false);
    }
    let all: Vec<&Node> = std::iter::once(&ada).chain(&others).collect();
    world.meet(&all).await;
    backup::catch_up(&ada.ctx).await.unwrap();
    assert_eq!(listed(&ada), [second]);
    assert_eq!(listed(&recovered(&world, 2, &others).await), [second]);
}

#[tokio::test(start_paused = true)]
async fn cut_short_at_any_instant_it_leaves_the_old_head_or_the_new_one() {
    let world = World::new(34, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    change(&ada, &source, 0).await;
    let (mut old, mut new, mut finished) = (0, 0, false);
    for round in 1..60 {
        let before = listed(&ada);
        let newest = change(&ada, &source, round).await;
        let cut = Duration::from_millis(u64::from(round) * 4);
        finished = tokio::time::timeout(cut, keep_last(&ada)).await.is_ok();
        let (reader, warnings) = found(&world, 100 + u64::from(round), &others).await;
        // A head that only some have got yet is said to be one; nothing else may be odd.
        assert!(
            warnings.iter().all(|odd| odd.contains("peers gave the newest head")),
            "{warnings:?}"
        );
        let seen = listed(&reader);
        if seen == [newest] {
            new += 1;
        } else {
            // What an earlier round had sent already may have been completed by the backup.
            assert!(seen.ends_with(&[newest]), "round {round}: {seen:?} after {before:?}");
            old += 1;
        }
        if finished {
            break;
        }
    }
    println!("{old} times the old head was left, {new} times the new one");
    assert!(old > 0 && new > 0 && finished, "the cuts missed the run");
    assert_eq!(listed(&ada).len(), 1);
    let target = world.dir.path().join("restored");
    ada.restore("latest", &target).await.unwrap();
    assert_same(&source, &under(&target, &source));
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_is_behind_makes_no_snapshot_vanish() {
    let world = World::new(36, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    let first = change(&ada, &source, 1).await;
    world.net.set_down(others[3].peer(), true);
    let second = change(&ada, &source, 2).await;
    world.net.set_down(others[3].peer(), false);
    let (reader, _) = found(&world, 2, &others).await;
    assert_eq!(listed(&reader), [first, second]);
    world.net.set_down(ada.peer(), true);
    for other in &others[..3] {
        world.net.set_down(other.peer(), true);
    }
    let behind = recover::recover(&reader.ctx).await.unwrap();
    assert_eq!((behind.head_seq, behind.asked), (1, 1));
    assert_eq!(listed(&reader), [first, second]);
}

#[tokio::test(start_paused = true)]
async fn without_a_rule_or_without_peers_nothing_is_forgotten() {
    let world = World::new(35, Weather::calm());
    let (ada, others) = grid(&world, 3).await;
    let source = source(&world);
    change(&ada, &source, 1).await;
    let none = forget(&ada.ctx, &ForgetPlan::default()).await.unwrap_err();
    assert!(matches!(none, FlowError::NoRules), "{none}");
    let rules = Rules { tags: vec![vec!["no such".to_owned()]], ..Rules::default() };
    let all = forget(&ada.ctx, &ForgetPlan { rules, ..ForgetPlan::default() }).await.unwrap_err();
    assert!(matches!(all, FlowError::KeepsNothing { snapshots: 1 }), "{all}");
    change(&ada, &source, 2).await;
    for other in &others {
        world.net.set_down(other.peer(), true);
    }
    assert!(keep_last(&ada).await.is_err());
    assert_eq!(listed(&ada).len(), 2);
}
