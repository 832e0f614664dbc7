//! Whether what is stored is still there, simulated.

use std::collections::BTreeSet;

use gbak::flow::FlowError;
use gbak::flow::check::{CheckReport, Grade, check};
use gbak::vault::index::PackRecord;
use p2p::sim::Weather;

use super::stories::{grid, source};
use super::world::{Node, World};

/// Takes a holder's files away behind its back: it still believes that it has them.
fn wipe(holder: &Node) {
    for path in holder.medium.paths().into_iter().filter(|path| path.starts_with("shards/")) {
        store::Medium::remove(&*holder.medium, &path).unwrap();
    }
}

/// The same, and the holder has noticed.
fn lose(owner: &Node, holder: &Node) {
    wipe(holder);
    let each = |row: &store::PackRow| {
        let record = PackRecord::decode_stored(&row.record)?;
        for shard in record.shards.iter().filter(|shard| shard.holder == Some(holder.peer())) {
            assert!(holder.shelf.get(owner.ctx.device.owner(), shard.id).is_err());
        }
        Ok::<(), FlowError>(())
    };
    owner.ctx.catalog.for_each_pack(each).unwrap();
}

fn named(report: &CheckReport) -> BTreeSet<p2p::PeerId> {
    report.problems.iter().flat_map(|problem| problem.holders.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_healthy_grid_checks_without_a_problem_also_when_all_of_it_is_read() {
    let world = World::new(40, Weather::calm());
    let (ada, _others) = grid(&world, 5).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    std::fs::write(source.join("new"), "new").unwrap();
    ada.backup(&source).await.unwrap();
    let looked = check(&ada.ctx, false).await.unwrap();
    assert_eq!((looked.problems.len(), looked.snapshots), (0, 2), "{:?}", looked.problems);
    assert_eq!((looked.missing, looked.unconfirmed, looked.bytes_read), (0, 0, 0));
    assert!(looked.packs > 2 && looked.confirmed > looked.packs, "{looked:?}");
    let read = check(&ada.ctx, true).await.unwrap();
    assert_eq!(read.problems, Vec::new());
    assert_eq!((read.packs, read.chunks), (looked.packs, looked.chunks));
    assert!(read.bytes_read > 3_000_000, "{read:?}");
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_lost_its_shards_is_named_and_all_can_still_be_restored() {
    let world = World::new(41, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    ada.backup(&source(&world)).await.unwrap();
    lose(&ada, &others[2]);
    let report = check(&ada.ctx, false).await.unwrap();
    assert_eq!(report.worst(), Some(Grade::Damage), "{:?}", report.problems);
    assert!(report.problems.iter().all(|problem| problem.grade == Grade::Damage));
    assert_eq!(named(&report), BTreeSet::from([others[2].peer()]));
    assert!(report.missing > 0 && report.problems.iter().any(|problem| problem.files_total > 0));
}

#[tokio::test(start_paused = true)]
async fn too_many_lost_shards_are_data_loss_and_the_files_are_named() {
    let world = World::new(42, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    for other in &others[..3] {
        lose(&ada, other);
    }
    let report = check(&ada.ctx, false).await.unwrap();
    assert_eq!(report.worst(), Some(Grade::Loss), "{:?}", report.problems);
    assert_eq!(report.problems[0].grade, Grade::Loss, "the worst comes first");
    let lost: Vec<_> = report.problems.iter().filter(|found| found.grade == Grade::Loss).collect();
    let files: BTreeSet<_> = lost.iter().flat_map(|found| found.files.clone()).collect();
    let big = source.join("deep/file-39").into_os_string().into_encoded_bytes();
    assert!(files.contains(&big), "{files:?}");
    assert_eq!(named(&report), others[..3].iter().map(Node::peer).collect());
}

#[tokio::test(start_paused = true)]
async fn holders_that_are_away_have_lost_nothing() {
    let world = World::new(43, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    ada.backup(&source(&world)).await.unwrap();
    let meet = async || {
        let all: Vec<&Node> = std::iter::once(&ada).chain(&others).collect();
        world.meet(&all).await;
    };
    world.net.set_down(others[0].peer(), true);
    meet().await;
    let one = check(&ada.ctx, true).await.unwrap();
    assert_eq!(one.problems, Vec::new());
    assert!(one.unconfirmed > 0, "{one:?}");
    for other in &others[1..3] {
        world.net.set_down(other.peer(), true);
    }
    meet().await;
    for read_data in [false, true] {
        let three = check(&ada.ctx, read_data).await.unwrap();
        assert_eq!(three.worst(), Some(Grade::OutOfReach), "{:?}", three.problems);
        assert_eq!((three.missing, named(&three)), (0, BTreeSet::new()));
    }
}

#[tokio::test(start_paused = true)]
async fn only_reading_finds_what_holders_do_not_know_that_they_lost() {
    let world = World::new(44, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    ada.backup(&source(&world)).await.unwrap();
    others[..3].iter().for_each(wipe);
    let looked = check(&ada.ctx, false).await.unwrap();
    assert_eq!(looked.problems, Vec::new());
    let read = check(&ada.ctx, true).await.unwrap();
    assert_eq!(read.worst(), Some(Grade::Loss), "{:?}", read.problems);
}

#[tokio::test(start_paused = true)]
async fn packs_that_wait_here_for_holders_are_said_and_are_not_lost() {
    let world = World::new(45, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    for other in &others {
        world.net.set_down(other.peer(), true);
    }
    ada.backup_with(&source(&world), |plan| plan.spool = true).await.unwrap();
    let queued = check(&ada.ctx, true).await.unwrap();
    assert_eq!(queued.worst(), Some(Grade::Damage), "{:?}", queued.problems);
    assert!(queued.problems.iter().all(|found| found.message.contains("wait on this machine")));
    for pack in ada.ctx.spool.list() {
        ada.ctx.spool.remove(&pack).unwrap();
    }
    let gone = check(&ada.ctx, false).await.unwrap();
    assert_eq!(gone.worst(), Some(Grade::Loss), "{:?}", gone.problems);
}
