//! Limits and failure domains, through the whole of a backup: what every pack ends up with.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chunker::PeerId;
use gbak::flow::FlowError;
use gbak::flow::audit::audit;
use gbak::flow::moving;
use gbak::flow::policy::{Policy, RELAX_ORDER};
use gbak::flow::repair::{RepairPlan, repair};
use gbak::placement::choose::{Limit, Limits};
use gbak::placement::proximity::Proximity;
use gbak::vault::index::PackRecord;
use p2p::Grid;
use p2p::sim::Weather;

use super::care::lose;
use super::health::rules;
use super::stories::{assert_same, grid, source, under};
use super::world::{Node, World};

fn limited(node: &mut Node, limits: Limits) {
    node.ctx = node.ctx.under(Policy { limits, ..Policy::default() });
}

fn latency(range: &str) -> Limits {
    let proximity = Proximity { latency: range.parse().unwrap(), ..Proximity::default() };
    Limits { proximity, ..Limits::default() }
}

/// The holders of every pack there is, metadata and manifest included.
pub(crate) fn holders(node: &Node) -> Vec<Vec<PeerId>> {
    let mut all = Vec::new();
    node.ctx
        .catalog
        .for_each_pack(|row| {
            all.push(PackRecord::decode_stored(&row.record).unwrap().holders().collect());
            Ok::<(), FlowError>(())
        })
        .unwrap();
    assert!(all.len() >= 4, "data, listing, index and manifest");
    all
}

/// By the first node's measurements: the nearest first.
fn rtts(node: &Node) -> Vec<(Duration, PeerId)> {
    let peers = node.ctx.grid.peers().into_iter();
    let mut rtts: Vec<_> = peers.map(|info| (info.rtt.unwrap(), info.peer)).collect();
    rtts.sort_unstable();
    rtts
}

fn nothing_stored(others: &[Node]) {
    assert!(others.iter().all(|other| other.shelf.usage().unwrap().shards == 0));
}

#[tokio::test(start_paused = true)]
async fn no_shard_of_data_or_metadata_leaves_the_latency_limit() {
    let world = World::new(31, Weather::calm());
    let (mut ada, others) = grid(&world, 9).await;
    let source = source(&world);
    let rtts = rtts(&ada);
    let (least, most) = (rtts[2].0.as_micros(), rtts[6].0.as_micros());
    limited(&mut ada, latency(&format!("{least}us..{}us", most + 1)));
    let report = ada.backup(&source).await.unwrap();
    assert_eq!(report.code.to_string(), "3+2", "five are within, all with room");
    let within: BTreeSet<PeerId> = rtts[2..7].iter().map(|(_, peer)| *peer).collect();
    for holders in holders(&ada) {
        assert!(holders.iter().all(|peer| within.contains(peer)), "{holders:?}");
    }
    for other in &others {
        let shards = other.shelf.usage().unwrap().shards;
        assert_eq!(shards > 0, within.contains(&other.peer()), "the disks agree with the records");
    }
    let target = world.dir.path().join("restored");
    ada.restore("latest", &target).await.unwrap();
    assert_same(&source, &under(&target, &source));
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_cannot_be_met_is_refused_with_its_cost_and_nothing_is_sent() {
    let world = World::new(32, Weather::calm());
    let (mut ada, others) = grid(&world, 6).await;
    let source = source(&world);
    let far = rtts(&ada)[3].0.as_micros();
    limited(&mut ada, latency(&format!("{far}us..")));
    let error = ada.backup_with(&source, |plan| plan.code = "3+2".parse().ok()).await.unwrap_err();
    let FlowError::Limits(refused) = &error else { panic!("{error}") };
    assert_eq!((refused.wanted, refused.found, refused.cost.latency), (5, 3, 3));
    assert_eq!(refused.helps, [Limit::Latency]);
    let text = error.to_string();
    assert!(text.contains("3 outside the latency") && text.contains("without latency"), "{text}");
    nothing_stored(&others);
    assert_eq!(ada.ctx.catalog.snapshots().unwrap(), Vec::new());
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_dropped_where_the_owner_allows_it_and_it_is_said() {
    let world = World::new(33, Weather::calm());
    let (mut ada, _others) = grid(&world, 6).await;
    let source = source(&world);
    let near = rtts(&ada)[1].0.as_micros();
    let relax = RELAX_ORDER.to_vec();
    limited(&mut ada, Limits { relax, ..latency(&format!("..{}us", near + 1)) });
    let report = ada.backup_with(&source, |plan| plan.code = "3+2".parse().ok()).await.unwrap();
    assert_eq!((report.relaxed.as_slice(), report.kept.spare), (&[Limit::Latency][..], 2));
    let warned = ada.monitor.seen().warnings;
    assert!(warned.iter().any(|text| text.contains("dropped: latency")), "{warned:?}");
    let report = ada.backup_with(&source, |plan| plan.code = "1+1".parse().ok()).await.unwrap();
    assert_eq!(report.relaxed, Vec::new(), "two are within: nothing had to go");
}

#[tokio::test(start_paused = true)]
async fn any_two_holders_keep_the_spread() {
    let world = World::new(34, Weather::calm());
    let (mut ada, _others) = grid(&world, 12).await;
    let source = source(&world);
    let rtt: BTreeMap<PeerId, Duration> =
        rtts(&ada).into_iter().map(|(rtt, peer)| (peer, rtt)).collect();
    let most = Duration::from_millis(60);
    let proximity = Proximity { spread: "..60ms".parse().unwrap(), ..Proximity::default() };
    limited(&mut ada, Limits { proximity, ..Limits::default() });
    let report = ada.backup(&source).await.unwrap();
    assert!(report.code.n() >= 2 && report.relaxed.is_empty(), "{}", report.code);
    for holders in holders(&ada) {
        for (at, one) in holders.iter().enumerate() {
            for other in &holders[at + 1..] {
                // Nothing but our own measurements: they are at most so far apart.
                assert!(rtt[one] + rtt[other] <= most, "{:?} and {:?}", rtt[one], rtt[other]);
            }
        }
    }
}

/// Two devices at each of these sites, all of different owners.
async fn sites(world: &World, labels: &[&str]) -> (Node, Vec<Node>) {
    let ada = world.node(1, 1);
    let mut others = Vec::new();
    for (no, label) in (0..).zip(labels) {
        for device in 0..2 {
            let node = world.node(10 + 2 * no + device, 1);
            node.ctx.grid.members().set_site(Some((*label).to_owned()));
            others.push(node);
        }
    }
    let all: Vec<&Node> = std::iter::once(&ada).chain(&others).collect();
    world.meet(&all).await;
    (ada, others)
}

#[tokio::test(start_paused = true)]
async fn a_site_is_one_domain_and_no_pack_has_two_shards_there() {
    let world = World::new(35, Weather::calm());
    let (ada, others) = sites(&world, &["attic", "Office ", "office", "tower", "cellar"]).await;
    let source = source(&world);
    let report = ada.backup(&source).await.unwrap();
    assert_eq!(report.code.to_string(), "2+2", "four sites, however they are spelled");
    assert_eq!((report.kept.domains, report.kept.can_lose), (4, 2));
    let place: BTreeMap<PeerId, usize> = others
        .iter()
        .enumerate()
        .map(|(no, node)| (node.peer(), [0, 1, 1, 2, 3][no / 2]))
        .collect();
    let (meta, data): (Vec<_>, Vec<_>) =
        holders(&ada).into_iter().partition(|holders| holders.len() > 4);
    assert_eq!(meta.len(), 1, "the manifest goes to everybody");
    for holders in data {
        let places: BTreeSet<usize> = holders.iter().map(|peer| place[peer]).collect();
        assert_eq!(places.len(), holders.len(), "{holders:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn fewer_domains_than_shards_are_filled_evenly_and_it_is_said() {
    let world = World::new(36, Weather::calm());
    let (mut ada, others) = sites(&world, &["attic", "office", "tower"]).await;
    let source = source(&world);
    let six = |plan: &mut gbak::flow::backup::BackupPlan| plan.code = "2+4".parse().ok();
    let report = ada.backup_with(&source, six).await.unwrap();
    assert_eq!((report.kept.spare, report.kept.domains, report.kept.can_lose), (4, 3, 2));
    limited(&mut ada, Limits { strict_domains: true, ..Limits::default() });
    let error = ada.backup_with(&source, six).await.unwrap_err();
    let FlowError::Limits(refused) = &error else { panic!("{error}") };
    assert_eq!((refused.found, refused.cost.domains), (3, 3));
    limited(&mut ada, Limits { per_site: Some(1), ..Limits::default() });
    let error = ada.backup_with(&source, six).await.unwrap_err();
    let FlowError::Limits(refused) = &error else { panic!("{error}") };
    assert_eq!((refused.found, refused.cost.site), (3, 3));
    drop(others);
}

#[tokio::test(start_paused = true)]
async fn one_house_can_be_backed_up_to_and_it_is_said_what_that_means() {
    let world = World::new(37, Weather::calm());
    let ada = world.node(1, 1);
    // All devices of one other member.
    let others: Vec<Node> = (0..5).map(|no| world.node(2, no)).collect();
    let all: Vec<&Node> = std::iter::once(&ada).chain(&others).collect();
    world.meet(&all).await;
    let source = source(&world);
    let report = ada.backup(&source).await.unwrap();
    assert_eq!(report.code.to_string(), "3+2", "every machine is a place of its own");
    assert_eq!((report.kept.spare, report.kept.domains, report.kept.can_lose), (2, 1, 0));
    let standing = gbak::flow::standing::standing(&ada.ctx).unwrap();
    assert!(standing.one_loss >= 3 && standing.crowded >= 3, "{standing:?}");
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_fails_is_replaced_within_the_limits() {
    let world = World::new(38, Weather::calm());
    let (mut ada, others) = grid(&world, 8).await;
    let source = source(&world);
    let rtts = rtts(&ada);
    limited(&mut ada, latency(&format!("..{}us", rtts[5].0.as_micros() + 1)));
    // It looks online and does not answer.
    let dead = rtts[2].1;
    let failing = others.iter().find(|other| other.peer() == dead).unwrap();
    failing.shelf.set_donation(store::Donation::default());
    let report = ada.backup_with(&source, |plan| plan.code = "3+2".parse().ok()).await.unwrap();
    assert_eq!((report.kept.spare, report.queued_packs), (2, 0));
    let within: BTreeSet<PeerId> =
        rtts[..6].iter().map(|(_, peer)| *peer).filter(|peer| *peer != dead).collect();
    for holders in holders(&ada).into_iter().filter(|holders| holders.len() == 5) {
        assert_eq!(holders.into_iter().collect::<BTreeSet<_>>(), within);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_run_with_flags_leaves_in_the_spool_keeps_to_them_later() {
    let world = World::new(39, Weather::calm());
    let (mut ada, others) = grid(&world, 9).await;
    let source = source(&world);
    let most = rtts(&ada)[4].0;
    for other in &others {
        world.net.set_down(other.peer(), true);
    }
    // This run has flags; the agent that goes on later, and another run, have none.
    let plain = ada.ctx.clone();
    limited(&mut ada, latency(&format!("..{}us", most.as_micros())));
    let plan = |plan: &mut gbak::flow::backup::BackupPlan| {
        (plan.spool, plan.code) = (true, "2+2".parse().ok());
    };
    let queued = ada.backup_with(&source, plan).await.unwrap();
    ada.ctx = plain;
    assert!(queued.snapshot_queued && queued.queued_packs > 0);
    let theirs = ada.ctx.spool.list();
    for other in &others {
        world.net.set_down(other.peer(), false);
    }
    let all: Vec<&Node> = std::iter::once(&ada).chain(&others).collect();
    world.meet(&all).await;
    assert!(!gbak::flow::backup::catch_up(&ada.ctx).await.unwrap(), "nothing is queued any more");
    // Measured again since, and never longer than before.
    let near = rtts(&ada).into_iter().filter(|(rtt, _)| *rtt <= most);
    let within: BTreeSet<PeerId> = near.map(|(_, peer)| peer).collect();
    assert!(within.len() < 7, "two at least are too far");
    for id in theirs {
        let (_, stored) = ada.ctx.catalog.pack(&id).unwrap().unwrap();
        let record = PackRecord::decode_stored(&stored).unwrap();
        let holders: BTreeSet<PeerId> = record.holders().collect();
        assert_eq!(holders.len(), 4, "listings are kept as well as data: {}", record.code);
        assert!(holders.is_subset(&within), "{holders:?} {within:?}");
    }
    assert_eq!(ada.ctx.catalog.snapshots().unwrap().len(), 1);
}

/// What this device's packs of data are with, and how many of them there are.
fn homes_of_data(node: &Node) -> (usize, BTreeSet<PeerId>) {
    let (mut packs, mut homes) = (0, BTreeSet::new());
    let each = |row: &store::PackRow| {
        let record = PackRecord::decode_stored(&row.record)?;
        if record.class() == chunker::Class::Data as u8 {
            packs += 1;
            homes.extend(record.holders());
            assert_eq!(record.unplaced().count(), 0, "{}", row.id);
        }
        Ok::<(), FlowError>(())
    };
    node.ctx.catalog.for_each_pack(each).unwrap();
    (packs, homes)
}

#[tokio::test(start_paused = true)]
async fn what_a_run_with_flags_placed_is_repaired_and_moved_under_them() {
    let world = World::new(40, Weather::calm());
    let (mut ada, others) = grid(&world, 10).await;
    let source = source(&world);
    let most = rtts(&ada)[5].0;
    // Measured again since, and never longer than before.
    let within = |ada: &Node| -> BTreeSet<PeerId> {
        let near = rtts(ada).into_iter().filter(|(rtt, _)| *rtt <= most);
        near.map(|(_, peer)| peer).collect()
    };
    assert!(within(&ada).len() < 8, "some are too far");
    // This run has flags; the agent that repairs and moves has none.
    let plain = ada.ctx.clone();
    limited(&mut ada, latency(&format!("..{}us", most.as_micros())));
    ada.backup_with(&source, |plan| plan.code = "2+2".parse().ok()).await.unwrap();
    ada.ctx = plain;
    let (packs, first) = homes_of_data(&ada);
    assert!(packs > 0 && first.len() == 4 && first.is_subset(&within(&ada)), "{first:?}");
    let held = |peer: &PeerId| others.iter().find(|o| o.peer() == *peer).unwrap();
    let mut going = first.iter();
    lose(&ada, held(going.next().unwrap()));
    audit(&ada.ctx, None, &rules()).await.unwrap();
    let mended = repair(&ada.ctx, RepairPlan { all: true, ..RepairPlan::default() }).await.unwrap();
    assert!(mended.shards_made > 0 && mended.packs_still_degraded == 0, "{mended:?}");
    let (_, second) = homes_of_data(&ada);
    assert!(second != first && second.is_subset(&within(&ada)), "{second:?}");
    let leaver = going.find(|peer| second.contains(peer)).unwrap();
    let moved = moving::evacuate(&ada.ctx, *leaver).await.unwrap();
    assert!(moved.moved > 0, "{moved:?}");
    let (_, third) = homes_of_data(&ada);
    assert!(third != second && third.is_subset(&within(&ada)), "{third:?}");
}
