//! A thief with a device key deletes all it can; the words bring everything back, simulated.

use std::fs;

use chunker::{Record, ShardId, SnapshotId};
use gbak::flow::forget::{ForgetPlan, forget};
use gbak::flow::recover::recover;
use gbak::flow::rewind::rewind;
use gbak::flow::{FlowError, look};
use gbak::vault::manifest::HeadBody;
use gbak::vault::retention::Rules;
use gbak::vault::tree::Stamp;
use p2p::head::SignedHead;
use p2p::sim::Weather;
use p2p::wire::RetainRange;
use p2p::{Grid, Request};

use super::leases::{days, shards, tell};
use super::stories::{assert_same, grid, source, under};
use super::world::{Node, World};

fn snapshots(node: &Node) -> Vec<SnapshotId> {
    look::snapshots(&node.ctx).unwrap().iter().map(|listed| listed.id).collect()
}

/// Forgets every snapshot, and tells every holder in every way there is that nothing is wanted.
async fn plunder(ada: &Node, others: &[Node]) {
    let named = snapshots(ada).iter().map(|id| id.to_string().parse().unwrap()).collect();
    forget(&ada.ctx, &ForgetPlan { named, ..ForgetPlan::default() }).await.unwrap();
    tell(ada).await.unwrap();
    let clock = || ada.ctx.clock.now_secs();
    for other in others {
        let from = ShardId::from_bytes([0; 32]);
        for (made_secs, at_secs) in [(clock(), clock()), (u64::MAX, u64::MAX), (clock() + 1, 0)] {
            let range = RetainRange { made_secs, at_secs, from, to: None, shards: Vec::new() };
            let _maybe = ada.ctx.grid.ask(other.peer(), Request::Retain(Box::new(range))).await;
        }
    }
    flood(ada, others).await;
}

/// Heads in their hundreds, one after another, that name nothing.
async fn flood(ada: &Node, others: &[Node]) {
    let (mut seq, mut prev) = (100, None);
    for _ in 0..300 {
        let time = Stamp { secs: 4_000_000_000, nanos: 0 };
        let (manifest, chunks, drives) = (Vec::new(), Vec::new(), Vec::new());
        let body = HeadBody { manifest, chunks, seq, snapshots: 0, time, drives };
        let sealed = ada.ctx.vault.seal_head(&body, gbak::entropy::bytes(&*ada.ctx.entropy));
        let (key, cert) = (&ada.ctx.device.key, ada.ctx.device.cert.clone());
        let head = SignedHead::sign(key, cert, seq, prev, sealed);
        (seq, prev) = (seq + 1, Some(head.hash()));
        for other in others {
            let request = Request::HeadPut { head: head.encode() };
            let _maybe = ada.ctx.grid.ask(other.peer(), request).await;
        }
    }
}

/// Everything the words bring back now, compared with what was backed up.
async fn all_is_there(world: &World, node: &Node, source: &std::path::Path, name: &str) {
    assert_eq!(snapshots(node).len(), 3);
    for (round, id) in snapshots(node).iter().enumerate() {
        let target = world.dir.path().join(format!("{name}-{round}"));
        let done = node.restore(&id.to_string(), &target).await.unwrap();
        assert_eq!(done.problems, Vec::new());
        let like = source.with_file_name(format!("like-{round}"));
        assert_same(&like, &under(&target, source));
    }
}

async fn backed_up(world: &World, ada: &Node) -> std::path::PathBuf {
    let source = source(world);
    for round in 0..3 {
        fs::write(source.join("round"), round.to_string()).unwrap();
        ada.backup(&source).await.unwrap();
        let like = source.with_file_name(format!("like-{round}"));
        let copied = std::process::Command::new("cp").arg("-a").args([&source, &like]).status();
        assert!(copied.unwrap().success());
    }
    source
}

#[tokio::test(start_paused = true)]
async fn what_a_stolen_device_key_deletes_comes_back_whole_within_the_quarantine_and_stays() {
    let world = World::new(95, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    let source = backed_up(&world, &ada).await;
    days(2, &others).await;
    let before = ada.ctx.clock.now_secs();
    let stored = shards(&others);
    days(1, &others).await;
    plunder(&ada, &others).await;
    days(5, &others).await;
    assert!(shards(&others) >= stored, "all of it rests in quarantine");
    let new = world.node(1, 2);
    let met: Vec<&Node> = others.iter().chain([&new]).collect();
    world.meet(&met).await;
    let _whatever = recover(&new.ctx).await;
    assert_eq!(snapshots(&new).len(), 0, "the newest heads name nothing");
    let report = rewind(&new.ctx, before).await.unwrap();
    assert_eq!((report.snapshots, report.shards_missing, report.shards_silent), (3, 0, 0));
    all_is_there(&world, &new, &source, "back").await;
    // The thief goes on; what the new device names stays.
    for _ in 0..4 {
        plunder_on(&ada, &others).await;
        tell(&new).await.unwrap_or_default();
        days(5, &others).await;
    }
    all_is_there(&world, &new, &source, "later").await;
    let again = rewind(&new.ctx, before).await.unwrap();
    assert_eq!(again.snapshots, 0, "once is enough");
    // And it is this device's to forget.
    let first = snapshots(&new)[0].to_string().parse().unwrap();
    let plan = ForgetPlan { named: vec![first], ..ForgetPlan::default() };
    forget(&new.ctx, &plan).await.unwrap();
    assert_eq!(snapshots(&new).len(), 2);
}

async fn plunder_on(ada: &Node, others: &[Node]) {
    tell(ada).await.unwrap_or_default();
    flood(ada, others).await;
}

#[tokio::test(start_paused = true)]
async fn a_moment_before_the_first_backup_brings_nothing_and_nobody_at_all_is_an_error() {
    let world = World::new(96, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    backed_up(&world, &ada).await;
    let report = rewind(&ada.ctx, 0).await.unwrap();
    assert_eq!((report.snapshots, report.heads.len()), (0, 0));
    assert_eq!(snapshots(&ada).len(), 3, "and takes nothing away");
    others.iter().for_each(|one| world.net.set_down(one.peer(), true));
    let alone = rewind(&ada.ctx, 0).await;
    assert!(matches!(alone, Err(FlowError::NoPeers)), "{alone:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_home_brings_back_is_as_old_as_it_was() {
    let world = World::new(97, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    let (mut old, mut before) = (Vec::new(), 0);
    for round in 0..6 {
        fs::write(source.join("round"), round.to_string()).unwrap();
        ada.backup(&source).await.unwrap();
        if round < 3 {
            old.push(*snapshots(&ada).last().unwrap());
            before = ada.ctx.clock.now_secs();
        }
        days(1, &others).await;
    }
    let named = old.iter().map(|id| id.to_string().parse().unwrap()).collect();
    forget(&ada.ctx, &ForgetPlan { named, ..ForgetPlan::default() }).await.unwrap();
    assert_eq!(rewind(&ada.ctx, before).await.unwrap().snapshots, 3);
    // A day each: rules keep them apart.
    let rules = Rules { daily: 6, ..Rules::default() };
    let report = forget(&ada.ctx, &ForgetPlan { rules, ..ForgetPlan::default() }).await.unwrap();
    assert_eq!(report.groups[0].forgotten, []);
    assert_eq!(snapshots(&ada).len(), 6);
}
