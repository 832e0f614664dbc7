//! Pruning on a simulated grid: space comes back, nothing that any snapshot needs goes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use gbak::flow::forget::{ForgetPlan, forget};
use gbak::flow::prune::{PrunePlan, PruneReport, prune};
use gbak::flow::{FlowError, check, recover};
use gbak::vault::retention::Rules;
use p2p::sim::Weather;

use super::leases::{days, shards, tell};
use super::stories::{assert_same, grid, source, under};
use super::world::{Node, World};

fn plan(dry_run: bool) -> PrunePlan {
    PrunePlan { max_unused: 0.0, keep_delete_secs: 0, dry_run }
}

async fn pruned(node: &Node) -> PruneReport {
    prune(&node.ctx, &plan(false)).await.unwrap()
}

async fn keep_last(node: &Node) -> Result<(), FlowError> {
    let rules = Rules { last: 1, ..Rules::default() };
    forget(&node.ctx, &ForgetPlan { rules, ..ForgetPlan::default() }).await.map(drop)
}

/// Fresh content that does not compress, a part of it the same in every round.
fn change(source: &Path, round: u64) {
    for n in 0..6 {
        let mut noise = vec![0; 700_000];
        let name = if n == 0 { "the same".to_owned() } else { format!("{round} {n}") };
        blake3::Hasher::new().update(name.as_bytes()).finalize_xof().fill(&mut noise);
        fs::write(source.join(format!("noise-{n}")), noise).unwrap();
    }
}

async fn is_whole(node: &Node, source: &Path) {
    assert_eq!(check::check(&node.ctx, true).await.unwrap().problems, []);
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    node.restore("latest", dir.path()).await.unwrap();
    assert_same(source, &under(dir.path(), source));
}

async fn recovered(world: &World, device: u64, others: &[Node]) -> Node {
    let new = world.node(1, device);
    let all: Vec<&Node> = std::iter::once(&new).chain(others).collect();
    world.meet(&all).await;
    assert_eq!(recover::recover(&new.ctx).await.unwrap().warnings, Vec::<String>::new());
    new
}

fn minute() -> impl Future<Output = ()> {
    tokio::time::advance(Duration::from_secs(60))
}

#[tokio::test(start_paused = true)]
async fn what_only_forgotten_snapshots_needed_is_freed_and_the_rest_restores_from_the_words() {
    let world = World::new(71, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    minute().await;
    tell(&ada).await.unwrap();
    let once = shards(&others);
    for round in 0..4 {
        change(&source, round);
        ada.backup(&source).await.unwrap();
    }
    keep_last(&ada).await.unwrap();
    minute().await;
    let dry = prune(&ada.ctx, &plan(true)).await.unwrap();
    let report = pruned(&ada).await;
    assert_eq!((dry.unused, dry.repacked), (report.unused, report.repacked));
    assert!(report.unused > 0 && report.repacked > 0, "{report:?}");
    assert!(report.copied_bytes < report.dropped_bytes, "{report:?}");
    assert_eq!((report.unneeded_bytes, report.told.told.len()), (0, 4));
    is_whole(&ada, &source).await;
    days(9, &others).await;
    let left = shards(&others);
    assert!(left <= once + 60, "{left} of what was {once} before four rounds");
    let again = pruned(&ada).await;
    assert_eq!((again.unused, again.repacked, again.witnesses), (0, 0, (0, 0)), "{again:?}");
    is_whole(&ada, &source).await;
    world.net.set_down(ada.peer(), true);
    is_whole(&recovered(&world, 2, &others).await, &source).await;
}

#[tokio::test(start_paused = true)]
async fn given_up_packs_stay_wanted_for_as_long_as_was_asked() {
    let world = World::new(72, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    for round in 0..2 {
        change(&source, round);
        ada.backup(&source).await.unwrap();
    }
    keep_last(&ada).await.unwrap();
    minute().await;
    let day = 24 * 3600;
    let plan = PrunePlan { keep_delete_secs: day, ..plan(false) };
    let report = prune(&ada.ctx, &plan).await.unwrap();
    assert!(report.unused + report.repacked > 0);
    let before = tell(&ada).await.unwrap().sum();
    assert_eq!(before.left, 0, "{before:?}");
    tokio::time::advance(Duration::from_secs(day)).await;
    assert!(tell(&ada).await.unwrap().sum().left > 0);
    is_whole(&ada, &source).await;
    drop(others);
}

#[tokio::test(start_paused = true)]
async fn two_devices_that_prune_in_turn_leave_each_other_whole() {
    let world = World::new(73, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    change(&source, 0);
    ada.backup(&source).await.unwrap();
    let second = recovered(&world, 2, &others).await;
    let mut all: Vec<&Node> = vec![&ada, &second];
    all.extend(&others);
    world.meet(&all).await;
    // All of it is found in ada's packs.
    assert_eq!(second.backup(&source).await.unwrap().counts.data_added, 0);
    change(&source, 1);
    ada.backup(&source).await.unwrap();
    keep_last(&ada).await.unwrap();
    for node in [&ada, &second, &ada, &second] {
        minute().await;
        pruned(node).await;
        days(9, &others).await;
    }
    for (node, round) in [(&ada, 1), (&second, 0)] {
        assert_eq!(check::check(&node.ctx, true).await.unwrap().problems, [], "round {round}");
    }
    world.net.set_down(ada.peer(), true);
    world.net.set_down(second.peer(), true);
    let new = recovered(&world, 3, &others).await;
    assert_eq!(check::check(&new.ctx, true).await.unwrap().problems, []);
    is_whole(&new, &source).await;
}

#[tokio::test(start_paused = true)]
async fn cut_short_at_any_instant_nothing_is_lost_and_garbage_goes_in_the_end() {
    let world = World::new(74, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    let (mut cut, mut finished) = (0, 0);
    for round in 0..40 {
        change(&source, round);
        ada.backup(&source).await.unwrap();
        let work = async {
            keep_last(&ada).await?;
            prune(&ada.ctx, &plan(false)).await.map(drop)
        };
        match tokio::time::timeout(Duration::from_millis(round * 40), work).await {
            Ok(done) => {
                done.unwrap();
                finished += 1;
            }
            Err(_elapsed) => cut += 1,
        }
        days(1, &others).await;
        if round % 5 == 0 {
            is_whole(&ada, &source).await;
        }
    }
    println!("{cut} runs were cut, {finished} were not");
    assert!(cut > 5 && finished > 5, "{cut} {finished}");
    for _ in 0..2 {
        keep_last(&ada).await.unwrap();
        minute().await;
        pruned(&ada).await;
    }
    days(9, &others).await;
    is_whole(&ada, &source).await;
    world.net.set_down(ada.peer(), true);
    let new = recovered(&world, 2, &others).await;
    is_whole(&new, &source).await;
    // What is left is what one who knows only the newest head would keep.
    let left = shards(&others);
    let told = tell(&new).await.unwrap().sum();
    assert_eq!((told.shards, told.released + told.left), (left, 0), "{told:?}");
}
