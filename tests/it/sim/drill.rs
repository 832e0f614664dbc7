//! Restores rehearsed, simulated.

use std::fs;
use std::path::PathBuf;

use gbak::flow::FlowError;
use gbak::flow::drill::{DrillPlan, DrillReport, drill, drills};
use p2p::sim::Weather;
use tokio_util::sync::CancellationToken;

use super::stories::{grid, source};
use super::world::{Node, World};

/// Entries of the source that are files.
const FILES: u64 = 81;

fn plan(world: &World) -> DrillPlan {
    let place: PathBuf = world.dir.path().join("drill");
    DrillPlan { files: 1000, max_bytes: 1 << 30, without: 0, place }
}

async fn rehearse(node: &Node, plan: &DrillPlan) -> Result<DrillReport, FlowError> {
    drill(&node.ctx, plan, &CancellationToken::new()).await
}

#[tokio::test(start_paused = true)]
async fn a_drill_restores_from_nothing_but_keys_and_holders() {
    let world = World::new(60, Weather::calm());
    let (ada, _others) = grid(&world, 5).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    // Nothing of this may be of use to it.
    ada.ctx.catalog.clear().unwrap();
    let left = fs::read_dir(ada.dir()).unwrap().map(|entry| entry.unwrap().path());
    left.for_each(|dir| fs::remove_dir_all(dir).unwrap());
    let plan = plan(&world);
    // A killed drill left this.
    fs::create_dir_all(plan.place.join("files/old")).unwrap();
    let report = rehearse(&ada, &plan).await.unwrap();
    assert!(report.is_good(), "{:?}", report.problems);
    assert_eq!((report.files, report.identical), ((FILES, FILES), FILES));
    assert_eq!((report.bytes.0, report.found.snapshots), (report.bytes.1, 1));
    assert!(report.moved > 3_000_000 && report.full.is_some(), "{report:?}");
    assert!(!plan.place.exists(), "it tidies up");
    assert!(ada.ctx.catalog.snapshots().unwrap().is_empty(), "it changes nothing of the backup");
    let proved = drills(&ada.ctx).unwrap().proved.unwrap();
    assert_eq!((proved.files, proved.identical), (FILES, FILES));
}

#[tokio::test(start_paused = true)]
async fn a_drill_takes_a_bounded_random_part_and_passes_over_what_changed() {
    let world = World::new(61, Weather::calm());
    let (ada, _others) = grid(&world, 5).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    for entry in fs::read_dir(source.join("deep/er")).unwrap() {
        fs::write(entry.unwrap().path(), "rewritten").unwrap();
    }
    let part = DrillPlan { files: 9, max_bytes: 300_000, ..plan(&world) };
    let report = rehearse(&ada, &part).await.unwrap();
    assert!(report.is_good() && report.bytes.0 <= 300_000, "{report:?}");
    assert!(report.files.0 > 0 && report.files.0 <= 9, "{report:?}");
    let whole = rehearse(&ada, &plan(&world)).await.unwrap();
    assert_eq!((whole.identical, whole.changed, whole.differing), (41, 40, 0));
}

#[tokio::test(start_paused = true)]
async fn a_drill_without_as_many_machines_as_may_fail_works_and_without_more_it_says_so() {
    let world = World::new(62, Weather::calm());
    let (ada, _others) = grid(&world, 5).await;
    ada.backup(&source(&world)).await.unwrap();
    let two = rehearse(&ada, &DrillPlan { without: 2, ..plan(&world) }).await.unwrap();
    assert!(two.is_good() && two.aside.len() == 2, "{two:?}");
    let before = drills(&ada.ctx).unwrap();
    let three = DrillPlan { without: 3, ..plan(&world) };
    match rehearse(&ada, &three).await {
        Ok(report) => assert!(!report.is_good(), "{report:?}"),
        // Metadata may be out of reach as well.
        Err(FlowError::Spec(_) | FlowError::PackUnavailable { .. }) => {}
        Err(error) => panic!("{error}"),
    }
    let after = drills(&ada.ctx).unwrap();
    assert_eq!(after.proved, before.proved, "a proof outlives a drill that failed");
    assert_eq!(after.tried.map(|(_, good)| good), Some(false));
    let all = rehearse(&ada, &DrillPlan { without: 5, ..plan(&world) }).await;
    assert!(matches!(all, Err(FlowError::NoPeers)), "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_comes_back_different_is_no_proof() {
    let world = World::new(63, Weather::calm());
    let (ada, _others) = grid(&world, 5).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    let file = source.join("deep/file-3");
    let (mut bytes, time) = (fs::read(&file).unwrap(), fs::metadata(&file).unwrap());
    bytes[5] ^= 1;
    fs::write(&file, bytes).unwrap();
    fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(time.modified().unwrap())
        .unwrap();
    let report = rehearse(&ada, &plan(&world)).await.unwrap();
    assert_eq!((report.differing, report.identical, report.is_good()), (1, FILES - 1, false));
    assert!(report.problems[0].item_lossy().ends_with("deep/file-3"));
    assert_eq!(drills(&ada.ctx).unwrap().proved, None);
}
