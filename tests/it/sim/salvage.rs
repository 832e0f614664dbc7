//! Snapshots made again without what is lost, simulated.

use std::fs;

use gbak::flow::FlowError;
use gbak::flow::audit::audit;
use gbak::flow::look::{self, ls};
use gbak::flow::salvage::{SalvagePlan, SalvageReport, salvage};
use gbak::vault::view::SnapshotSpec;
use p2p::sim::Weather;
use tokio_util::sync::CancellationToken;

use super::care::lose;
use super::health::{passes, rules};
use super::repair::by_use;
use super::stories::{assert_same, grid, source, under};
use super::world::{Node, World};

async fn run(ada: &Node, plan: &SalvagePlan) -> Result<SalvageReport, FlowError> {
    salvage(&ada.ctx, plan, &CancellationToken::new()).await
}

async fn paths(ada: &Node, snapshot: &str) -> Vec<Vec<u8>> {
    let spec: SnapshotSpec = snapshot.parse().unwrap();
    let (_, entries) = ls(&ada.ctx, &spec).await.unwrap();
    entries.into_iter().map(|entry| entry.path).collect()
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_made_again_with_whole_files_only_and_the_original_goes_when_asked() {
    let world = World::new(90, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    let source = source(&world);
    let code = "2+2".parse().unwrap();
    ada.backup_with(&source, |plan| plan.code = Some(code)).await.unwrap();
    let before = paths(&ada, "latest").await;
    assert_eq!(run(&ada, &SalvagePlan::default()).await.unwrap().salvaged, Vec::new());
    // Three of the four that have the files lose everything.
    passes(&world, &ada, &others, 1).await;
    by_use(&ada, &others)[..3].iter().for_each(|one| lose(&ada, one));
    audit(&ada.ctx, None, &rules()).await.unwrap();
    let original = look::snapshots(&ada.ctx).unwrap().remove(0);
    let dry = SalvagePlan { dry_run: true, ..SalvagePlan::default() };
    let found = run(&ada, &dry).await.unwrap();
    let lost = &found.salvaged[0].left_out;
    assert!(lost.count > 0 && lost.whole > 0, "{found:?}");
    assert_eq!((look::snapshots(&ada.ctx).unwrap().len(), found.forgotten), (1, 0));
    let forget = SalvagePlan { forget: true, ..SalvagePlan::default() };
    let made = run(&ada, &forget).await.unwrap();
    let (one, all) = (&made.salvaged[0], look::snapshots(&ada.ctx).unwrap());
    let (was, is) = (&original.snapshot, &all[0].snapshot);
    assert_eq!((was.time, &was.paths, was.state), (is.time, &is.paths, is.state));
    assert_eq!((&was.hostname, &was.username, &was.tags), (&is.hostname, &is.username, &is.tags));
    assert_eq!((all.len(), Some(all[0].id), made.forgotten), (1, one.salvaged, 1));
    let after = paths(&ada, "latest").await;
    assert_eq!(after.len() as u64, before.len() as u64 - one.left_out.count);
    assert!(after.iter().all(|path| before.contains(path) && !one.left_out.paths.contains(path)));
    let target = world.dir.path().join("restored");
    assert_eq!(ada.restore("latest", &target).await.unwrap().problems, Vec::new());
    assert_eq!(run(&ada, &forget).await.unwrap().salvaged, Vec::new(), "once is enough");
    // The files are still here: a backup brings them back.
    ada.backup_with(&source, |plan| plan.code = Some(code)).await.unwrap();
    fs::remove_dir_all(&target).unwrap();
    assert_eq!(ada.restore("latest", &target).await.unwrap().problems, Vec::new());
    assert_same(&source, &under(&target, &source));
}

#[tokio::test(start_paused = true)]
async fn what_is_out_of_reach_is_not_lost() {
    let world = World::new(91, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    ada.backup(&source(&world)).await.unwrap();
    others.iter().for_each(|one| world.net.set_down(one.peer(), true));
    let found = run(&ada, &SalvagePlan::default()).await;
    assert!(found.is_ok_and(|report| report.salvaged.is_empty()), "listings are cached here");
    for dir in ["cache", "spool"] {
        let _gone = fs::remove_dir_all(ada.dir().join(dir));
    }
    let found = run(&ada, &SalvagePlan::default()).await;
    assert!(matches!(found, Err(FlowError::PackUnavailable { .. })), "{found:?}");
}
