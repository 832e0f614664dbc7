//! Giving back on a simulated grid: what is not needed goes, what anybody needs stays.

use std::fs;
use std::time::Duration;

use gbak::flow::retain::{RetainPlan, RetainReport, retain};
use gbak::flow::{FlowError, check, recover};
use p2p::sim::Weather;
use p2p::{Reply, Request};

use super::stories::{assert_same, grid, source, under};
use super::world::{Node, Twist, World};

const DAY: u64 = 24 * 3600;

/// As a caller does that knows of no backup beside it.
async fn tell(node: &Node) -> Result<RetainReport, FlowError> {
    retain(&node.ctx, &RetainPlan::default()).await
}

/// Lets days pass, on each of which the holders free what is over.
async fn days(count: u64, holders: &[Node]) {
    for _ in 0..count {
        tokio::time::advance(Duration::from_secs(DAY)).await;
        for holder in holders {
            let now = holder.ctx.clock.now_secs();
            while holder.shelf.sweep(1000, now).unwrap().more {}
        }
    }
}

fn shards(holders: &[Node]) -> u64 {
    holders.iter().map(|holder| holder.shelf.usage().unwrap().shards).sum()
}

async fn restores(node: &Node, source: &std::path::Path) {
    let target = node_dir().path().join("restored");
    node.restore("latest", &target).await.unwrap();
    assert_same(source, &under(&target, source));
}

fn node_dir() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn old_manifests_are_given_back_and_freed_after_the_quarantine_and_nothing_else_is() {
    let world = World::new(41, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    for round in 0..5 {
        fs::write(source.join("round"), round.to_string()).unwrap();
        ada.backup(&source).await.unwrap();
    }
    tokio::time::advance(Duration::from_secs(60)).await;
    let before = shards(&others);
    let told = tell(&ada).await.unwrap();
    assert_eq!((told.told.len(), told.missed.len()), (4, 0));
    assert_eq!(told.sum().left, 4 * 4, "four old manifests on four holders: {told:?}");
    assert_eq!(shards(&others), before, "in quarantine");
    assert_eq!(tell(&ada).await.unwrap().sum().left, 0, "told once");
    days(8, &others).await;
    assert_eq!(shards(&others), before - 16);
    assert_eq!(check::check(&ada.ctx, true).await.unwrap().problems, []);
    world.net.set_down(ada.peer(), true);
    let new = world.node(1, 2);
    let all: Vec<&Node> = std::iter::once(&new).chain(&others).collect();
    world.meet(&all).await;
    let found = recover::recover(&new.ctx).await.unwrap();
    assert_eq!((found.snapshots, found.warnings), (5, Vec::new()));
    restores(&new, &source).await;
}

#[tokio::test(start_paused = true)]
async fn what_one_device_does_not_know_of_yet_the_other_keeps() {
    let world = World::new(42, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    let second = world.node(1, 2);
    let mut all: Vec<&Node> = vec![&ada, &second];
    all.extend(&others);
    world.meet(&all).await;
    recover::recover(&second.ctx).await.unwrap();
    // The second one's run is cut off: its packs are on holders, and in no head.
    let mut noise = vec![0; 12_000_000];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    fs::write(source.join("new"), noise).unwrap();
    let before = shards(&others);
    for cut in (50..).step_by(25) {
        let run = second.backup(&source);
        tokio::time::timeout(Duration::from_millis(cut), run).await.expect_err("too late");
        if shards(&others) > before {
            break;
        }
    }
    tokio::time::advance(Duration::from_secs(60)).await;
    let before = shards(&others);
    let told = tell(&ada).await.unwrap();
    assert!(told.sum().released > 0, "ada knows nothing of them: {told:?}");
    assert_eq!(told.sum().left, 0, "{told:?}");
    days(9, &others).await;
    assert_eq!(shards(&others), before);
    let report = second.backup(&source).await.unwrap();
    assert_eq!(report.problems, []);
    tokio::time::advance(Duration::from_secs(60)).await;
    for node in [&ada, &second] {
        tell(node).await.unwrap();
    }
    days(9, &others).await;
    assert_eq!(check::check(&second.ctx, true).await.unwrap().problems, []);
    restores(&second, &source).await;
}

#[tokio::test(start_paused = true)]
async fn a_set_on_its_way_while_a_backup_runs_takes_nothing_from_it() {
    for round in 0..12_u64 {
        let world = World::new(43 + round, Weather::calm());
        let (ada, others) = grid(&world, 4).await;
        let source = source(&world);
        ada.backup(&source).await.unwrap();
        fs::write(source.join("new"), vec![round as u8; 2_000_000]).unwrap();
        let beside = async {
            let instant = Duration::from_millis(60 * round);
            tokio::time::timeout(instant, std::future::pending::<()>()).await.unwrap_err();
            let plan = RetainPlan { settle_secs: DAY, ..RetainPlan::default() };
            retain(&ada.ctx, &plan).await
        };
        let (backed_up, told) = tokio::join!(ada.backup(&source), beside);
        backed_up.unwrap();
        told.unwrap();
        days(9, &others).await;
        assert_eq!(check::check(&ada.ctx, true).await.unwrap().problems, [], "round {round}");
        restores(&ada, &source).await;
    }
}

/// Keeps everything and gives no bytes.
struct Mute;

impl Twist for Mute {
    fn reply(&self, request: &Request, reply: Reply) -> Reply {
        match request {
            Request::Get { .. } => Reply::Refused(p2p::Refusal::DiskAway),
            _ => reply,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_given_back_while_another_devices_index_cannot_be_read() {
    let world = World::new(60, Weather::calm());
    let ada = world.node(1, 1);
    let others: Vec<Node> =
        (0..4).map(|n| world.twisted(10 + n, 1, std::sync::Arc::new(Mute))).collect();
    let second = world.node(1, 2);
    let mut all: Vec<&Node> = vec![&ada, &second];
    all.extend(&others);
    world.meet(&all).await;
    let source = source(&world);
    for node in [&ada, &second, &second] {
        fs::write(source.join("round"), node.peer().to_string()).unwrap();
        drop(node.backup(&source).await);
    }
    tokio::time::advance(Duration::from_secs(60)).await;
    let error = tell(&ada).await.unwrap_err();
    assert!(
        matches!(error, FlowError::PackUnavailable { .. } | FlowError::IndexIncomplete { .. }),
        "{error}"
    );
    assert!(others.iter().all(|other| other.shelf.quarantined().unwrap().shards == 0));
}
