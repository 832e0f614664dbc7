//! Shards made again elsewhere, simulated.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use chunker::Class;
use gbak::care::{Policy, Rules};
use gbak::flow::FlowError;
use gbak::flow::audit::audit;
use gbak::flow::health::{change, health, look_around};
use gbak::flow::recover::recover;
use gbak::flow::repair::{RepairPlan, RepairReport, repair};
use gbak::vault::index::PackRecord;
use p2p::sim::Weather;

use super::care::lose;
use super::health::{passes, rules};
use super::stories::{assert_same, grid, source, under};
use super::world::{Node, World};

async fn mend(ada: &Node) -> RepairReport {
    repair(&ada.ctx, RepairPlan::default()).await.unwrap()
}

/// Those that hold shards of the files, the others last.
pub(crate) fn by_use<'a>(ada: &Node, others: &'a [Node]) -> Vec<&'a Node> {
    let mut used = BTreeSet::new();
    let each = |row: &store::PackRow| {
        let record = PackRecord::decode_stored(&row.record)?;
        if record.class() == Class::Data as u8 {
            used.extend(record.holders());
        }
        Ok::<(), FlowError>(())
    };
    ada.ctx.catalog.for_each_pack(each).unwrap();
    let (with, without): (Vec<&Node>, Vec<&Node>) =
        others.iter().partition(|node| used.contains(&node.peer()));
    [with, without].concat()
}

/// A new machine of the same owner restores what was in `source` and is in `like` from these
/// holders alone.
async fn restores_as(world: &World, source: &Path, like: &Path, device: u64, holders: &[&Node]) {
    let new = world.node(1, device);
    let all: Vec<&Node> = std::iter::once(&new).chain(holders.iter().copied()).collect();
    world.meet(&all).await;
    recover(&new.ctx).await.unwrap();
    let target = world.dir.path().join(format!("restored-{device}"));
    assert_eq!(new.restore("latest", &target).await.unwrap().problems, Vec::new());
    assert_same(like, &under(&target, source));
}

async fn restores(world: &World, source: &Path, device: u64, holders: &[&Node]) {
    restores_as(world, source, source, device, holders).await;
}

#[tokio::test(start_paused = true)]
async fn what_two_dead_disks_and_a_departure_took_is_made_again_from_the_owners_own_files() {
    let world = World::new(70, Weather::calm());
    let (ada, others) = grid(&world, 8).await;
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.code = Some("4+2".parse().unwrap())).await.unwrap();
    assert_eq!(mend(&ada).await, RepairReport::default(), "nothing is due");
    passes(&world, &ada, &others, 1).await;
    let used = by_use(&ada, &others);
    lose(&ada, used[0]);
    audit(&ada.ctx, None, &rules()).await.unwrap();
    let first = mend(&ada).await;
    assert!(first.packs_repaired > 0 && first.shards_made > 0, "{first:?}");
    assert_eq!((first.bytes_from_peers, first.packs_still_degraded), (0, 0), "{first:?}");
    world.net.set_down(used[1].peer(), true);
    passes(&world, &ada, &others, 24 * 4).await;
    let second = mend(&ada).await;
    assert!(second.shards_made > 0 && second.bytes_from_source > 0, "{second:?}");
    assert_eq!((second.bytes_from_peers, second.packs_still_degraded), (0, 0), "{second:?}");
    assert_eq!(mend(&ada).await, RepairReport::default(), "and once is enough");
    // Of the new places everybody learns through the newest head: two more may go.
    for gone in [0, 2] {
        world.net.set_down(used[gone].peer(), true);
    }
    restores(&world, &source, 2, &used[3..]).await;
}

#[tokio::test(start_paused = true)]
async fn without_the_files_any_k_shards_do() {
    let world = World::new(71, Weather::calm());
    let (ada, others) = grid(&world, 7).await;
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.code = Some("3+2".parse().unwrap())).await.unwrap();
    let copy = world.dir.path().join("copy");
    assert!(Command::new("cp").arg("-a").args([&source, &copy]).status().unwrap().success());
    // One byte of a file is another than it was, and nothing tells so.
    let touched = source.join("deep/file-39");
    let (mut bytes, mtime) =
        (std::fs::read(&touched).unwrap(), touched.metadata().unwrap().modified().unwrap());
    bytes[0] ^= 1;
    std::fs::write(&touched, bytes).unwrap();
    std::fs::File::options().write(true).open(&touched).unwrap().set_modified(mtime).unwrap();
    let used = by_use(&ada, &others);
    used[..2].iter().for_each(|holder| lose(&ada, holder));
    audit(&ada.ctx, None, &rules()).await.unwrap();
    let report = mend(&ada).await;
    assert!(report.bytes_from_peers > 0, "{report:?}");
    assert_eq!(report.packs_still_degraded, 0, "{report:?}");
    for gone in [2, 3] {
        world.net.set_down(used[gone].peer(), true);
    }
    restores_as(&world, &source, &copy, 2, &used).await;
}

#[tokio::test(start_paused = true)]
async fn three_hours_without_two_in_five_cause_no_repair() {
    let world = World::new(72, Weather::calm());
    let (ada, others) = grid(&world, 10).await;
    ada.backup(&source(&world)).await.unwrap();
    passes(&world, &ada, &others, 1).await;
    others[..4].iter().for_each(|one| world.net.set_down(one.peer(), true));
    for _ in 0..3 {
        passes(&world, &ada, &others, 1).await;
        audit(&ada.ctx, None, &rules()).await.unwrap();
        assert_eq!(mend(&ada).await, RepairReport::default());
    }
}

#[tokio::test(start_paused = true)]
async fn a_repair_cut_off_at_any_moment_loses_nothing_and_is_gone_on_with() {
    let world = World::new(73, Weather::calm());
    let (ada, others) = grid(&world, 8).await;
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.code = Some("4+2".parse().unwrap())).await.unwrap();
    by_use(&ada, &others)[..2].iter().for_each(|one| lose(&ada, one));
    audit(&ada.ctx, None, &rules()).await.unwrap();
    let mut cuts = 0;
    for n in 1_u64.. {
        let cut = Duration::from_millis(n * 7);
        let repair = repair(&ada.ctx, RepairPlan::default());
        match tokio::time::timeout(cut, repair).await {
            Ok(done) => {
                let report = done.unwrap();
                assert_eq!(report.packs_still_degraded, 0, "{report:?}");
                break;
            }
            Err(_cut) => cuts += 1,
        }
        if n % 10 == 0 {
            let rest: Vec<&Node> = others.iter().collect();
            restores(&world, &source, 1000 + n, &rest).await;
        }
    }
    assert!(cuts > 5, "{cuts}");
    let rest: Vec<&Node> = others.iter().collect();
    restores(&world, &source, 2, &rest).await;
}

#[tokio::test(start_paused = true)]
async fn a_year_of_departures_loses_no_pack_when_what_is_due_is_repaired() {
    let world = World::new(74, Weather::calm());
    let (ada, mut others) = grid(&world, 12).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    let daily = Rules { look_gap: Duration::from_secs(24 * 3600), ..Rules::default() };
    for day in 0..365_u64 {
        tokio::time::advance(Duration::from_secs(24 * 3600)).await;
        if day % 30 == 29 {
            let old = others.remove(0);
            world.net.set_down(old.peer(), true);
            others.push(world.node(100 + day, 1));
        }
        let all: Vec<&Node> = std::iter::once(&ada).chain(&others).collect();
        world.meet(&all).await;
        if !look_around(&ada.ctx, &daily).unwrap().is_empty() {
            mend(&ada).await;
        }
        let now = health(&ada.ctx, Policy::default()).unwrap();
        assert_eq!(now.lost, 0, "on day {day}: {now:?}");
    }
    let rest: Vec<&Node> = others.iter().collect();
    restores(&world, &source, 2, &rest).await;
}

#[tokio::test(start_paused = true)]
async fn a_holder_given_up_is_made_good_at_once_and_counted_in_again_when_it_is_back() {
    let world = World::new(75, Weather::calm());
    let (ada, others) = grid(&world, 8).await;
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.code = Some("4+2".parse().unwrap())).await.unwrap();
    let gone = by_use(&ada, &others)[2];
    world.net.set_down(gone.peer(), true);
    let everything = RepairPlan { all: true, ..RepairPlan::default() };
    assert_eq!(repair(&ada.ctx, everything).await.unwrap(), RepairReport::default(), "only silent");
    let now = ada.ctx.clock.now_secs();
    change(&ada.ctx, gone.peer(), |known| known.standing.declare_lost(now)).unwrap();
    let made = repair(&ada.ctx, everything).await.unwrap();
    assert!(made.shards_made > 0 && made.bytes_sent > 0, "{made:?}");
    assert_eq!((made.bytes_from_peers, made.packs_still_degraded), (0, 0), "{made:?}");
    let after = health(&ada.ctx, Policy::default()).unwrap();
    assert_eq!((after.full, after.due), (after.total, 0), "{after:?}");
    world.net.set_down(gone.peer(), false);
    passes(&world, &ada, &others, 1).await;
    audit(&ada.ctx, None, &rules()).await.unwrap();
    assert_eq!(repair(&ada.ctx, everything).await.unwrap(), RepairReport::default());
    let rest: Vec<&Node> = others.iter().collect();
    restores(&world, &source, 2, &rest).await;
}

#[tokio::test(start_paused = true)]
async fn repair_sends_no_faster_than_it_may() {
    let world = World::new(76, Weather::calm());
    let (ada, others) = grid(&world, 8).await;
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.code = Some("4+2".parse().unwrap())).await.unwrap();
    lose(&ada, by_use(&ada, &others)[0]);
    audit(&ada.ctx, None, &rules()).await.unwrap();
    let (up, began) = (64 << 10, tokio::time::Instant::now());
    let report =
        repair(&ada.ctx, RepairPlan { up: Some(up), ..RepairPlan::default() }).await.unwrap();
    let least = Duration::from_secs_f64(report.bytes_sent as f64 / up as f64);
    assert!(report.bytes_sent > 10 * up && began.elapsed() >= least, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn an_announced_absence_is_waited_for_and_no_longer() {
    let world = World::new(77, Weather::calm());
    let (ada, others) = grid(&world, 8).await;
    ada.backup_with(&source(&world), |plan| plan.code = Some("4+2".parse().unwrap()))
        .await
        .unwrap();
    let used = by_use(&ada, &others);
    let until = ada.ctx.clock.now_secs() + 10 * 86_400;
    used[0].members.set_away(until);
    passes(&world, &ada, &others, 1).await;
    world.net.set_down(used[0].peer(), true);
    passes(&world, &ada, &others, 9 * 24).await;
    assert_eq!(mend(&ada).await, RepairReport::default(), "it said so");
    let seen = ada.members.infos().into_iter().find(|info| info.peer == used[0].peer()).unwrap();
    assert_eq!(seen.state, p2p::PeerState::Away);
    passes(&world, &ada, &others, 24 + 4 * 24).await;
    assert!(mend(&ada).await.shards_made > 0, "it should have been back");
}

#[tokio::test(start_paused = true)]
async fn while_only_one_is_here_nothing_is_hung_on_it_alone() {
    let world = World::new(79, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.code = Some("2+2".parse().unwrap())).await.unwrap();
    let used = by_use(&ada, &others);
    let spare = used[4].peer();
    lose(&ada, used[0]);
    audit(&ada.ctx, None, &rules()).await.unwrap();
    others.iter().filter(|one| one.peer() != spare).for_each(|one| {
        world.net.set_down(one.peer(), true);
    });
    let alone = repair(&ada.ctx, RepairPlan::default()).await.unwrap_err();
    assert!(matches!(alone, FlowError::TooFewPeers { .. }), "{alone}");
    others.iter().for_each(|one| world.net.set_down(one.peer(), false));
    let all: Vec<&Node> = std::iter::once(&ada).chain(&others).collect();
    world.meet(&all).await;
    mend(&ada).await;
    assert_eq!(mend(&ada).await, RepairReport::default(), "all is published");
    let each = |row: &store::PackRow| {
        let record = PackRecord::decode_stored(&row.record)?;
        assert!(record.code.m() > 0, "class {} is {}", record.class(), record.code);
        Ok::<(), FlowError>(())
    };
    ada.ctx.catalog.for_each_pack(each).unwrap();
}
