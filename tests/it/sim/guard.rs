//! Guardians look after what is stored while its owner is away, simulated.

use std::collections::BTreeSet;
use std::time::Duration;

use chunker::{Code, PeerId};
use gbak::flow::guard::{Round, collect, dismiss, entrust, guardians, round};
use gbak::flow::recover::recover;
use gbak::flow::{AskError, FlowError};
use gbak::vault::index::PackRecord;
use p2p::sim::Weather;
use p2p::{Grid, Refusal, Reply, Request};

use super::stories::{assert_same, grid, source, under};
use super::world::{Node, World};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The smallest number of live shards beyond k that any pack has, by what is really on the shelves.
fn least(owner: &Node, holders: &[Node], gone: &BTreeSet<PeerId>) -> i64 {
    let mut least = i64::MAX;
    let live: Vec<&Node> = holders.iter().filter(|node| !gone.contains(&node.peer())).collect();
    let each = |row: &store::PackRow| {
        let record = PackRecord::decode_stored(&row.record)?;
        let names: BTreeSet<_> = record.shards.iter().map(|shard| shard.id).collect();
        let identical = names.len() == 1;
        let names: Vec<_> = names.into_iter().collect();
        let mut found = BTreeSet::new();
        let mut copies = 0;
        for node in &live {
            let held = node.shelf.have(owner.ctx.device.owner(), &names).unwrap();
            copies += held.iter().filter(|held| **held).count() as i64;
            found.extend(names.iter().zip(held).filter(|(_, held)| *held).map(|(id, _)| *id));
        }
        let shards = if identical { copies } else { found.len() as i64 };
        least = least.min(shards - i64::from(record.code.k()));
        Ok::<(), FlowError>(())
    };
    owner.ctx.catalog.for_each_pack(each).unwrap();
    least
}

/// A day passes; then the guardian looks who is there.
async fn a_day(world: &World, guardian: &Node, others: &[&Node]) {
    tokio::time::advance(DAY).await;
    world.greet(guardian, others).await;
}

async fn watch(guardian: &Node, owner: &Node) -> Round {
    round(&guardian.ctx, &guardian.wards, owner.ctx.device.owner()).await.unwrap()
}

fn refs(nodes: &[Node]) -> Vec<&Node> {
    nodes.iter().collect()
}

/// 26 holders, of which one goes for good every 15 days: more than half of them in 200 days.
async fn absence(with_guardian: bool) -> i64 {
    let world = World::new(70, Weather::calm());
    let (ada, others) = grid(&world, 26).await;
    let source = source(&world);
    let code = Some(Code::new(4, 4).unwrap());
    ada.backup_with(&source, |plan| plan.code = code).await.unwrap();
    let (guardian, holders) = others.split_first().unwrap();
    entrust(&ada.ctx, guardian.peer()).await.unwrap();
    world.net.set_down(ada.peer(), true);
    let (mut gone, mut worst) = (BTreeSet::new(), i64::MAX);
    for day in 1..=200 {
        if day % 15 == 0 {
            let holder = &holders[day / 15];
            world.net.set_down(holder.peer(), true);
            gone.insert(holder.peer());
        }
        let everybody: Vec<&Node> = holders.iter().chain([&ada]).collect();
        a_day(&world, guardian, &everybody).await;
        if with_guardian {
            let round = watch(guardian, &ada).await;
            assert_eq!(round.owner_about, day < 3, "day {day}");
        }
        worst = worst.min(least(&ada, &others, &gone));
    }
    assert_eq!(gone.len(), 13);
    if with_guardian {
        restores_everything(&world, &others, &gone, &source).await;
    }
    worst
}

/// A new machine with the owner's words finds all of it, wherever it is by now.
async fn restores_everything(
    world: &World,
    others: &[Node],
    gone: &BTreeSet<PeerId>,
    source: &std::path::Path,
) {
    let new = world.node(1, 2);
    let there = others.iter().filter(|node| !gone.contains(&node.peer()));
    let there: Vec<&Node> = there.chain([&new]).collect();
    world.meet(&there).await;
    let found = recover(&new.ctx).await.unwrap();
    assert_eq!(found.snapshots, 1, "{:?}", found.warnings);
    let target = world.dir.path().join("restored");
    let report = new.restore("latest", &target).await.unwrap();
    assert_eq!(report.problems, Vec::new());
    assert_same(source, &under(&target, source));
}

#[tokio::test(start_paused = true)]
async fn with_the_source_gone_for_200_days_its_guardian_keeps_every_pack_above_k_plus_1() {
    let worst = absence(true).await;
    assert!(worst > 1, "a pack was down to k + {worst}");
}

#[tokio::test(start_paused = true)]
async fn without_a_guardian_the_same_departures_cost_data() {
    let worst = absence(false).await;
    assert!(worst < 0, "the test above shows nothing: k + {worst} were left anyway");
}

#[tokio::test(start_paused = true)]
async fn an_owner_who_is_about_and_a_short_outage_move_nothing() {
    let world = World::new(71, Weather::calm());
    let (ada, others) = grid(&world, 8).await;
    let code = Some(Code::new(3, 2).unwrap());
    ada.backup_with(&source(&world), |plan| plan.code = code).await.unwrap();
    let (guardian, holders) = others.split_first().unwrap();
    entrust(&ada.ctx, guardian.peer()).await.unwrap();
    world.net.set_down(holders[1].peer(), true);
    let mut everybody = refs(holders);
    everybody.push(&ada);
    for _ in 0..10 {
        a_day(&world, guardian, &everybody).await;
        assert!(watch(guardian, &ada).await.owner_about);
    }
    world.net.set_down(holders[1].peer(), false);
    world.net.set_down(ada.peer(), true);
    for _ in 0..4 {
        a_day(&world, guardian, &everybody).await;
        watch(guardian, &ada).await;
    }
    // Three of seven are away for two days.
    for holder in &holders[..3] {
        world.net.set_down(holder.peer(), true);
    }
    for _ in 0..2 {
        a_day(&world, guardian, &everybody).await;
        let round = watch(guardian, &ada).await;
        assert_eq!((round.owner_about, round.short, round.shards_made), (false, 0, 0), "{round:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_owner_takes_over_what_its_guardian_did_and_believes_only_the_holders() {
    let world = World::new(72, Weather::calm());
    let (ada, others) = grid(&world, 9).await;
    let code = Some(Code::new(3, 2).unwrap());
    ada.backup_with(&source(&world), |plan| plan.code = code).await.unwrap();
    let (guardian, holders) = others.split_first().unwrap();
    entrust(&ada.ctx, guardian.peer()).await.unwrap();
    world.net.set_down(ada.peer(), true);
    world.net.set_down(holders[2].peer(), true);
    let mut everybody = refs(holders);
    everybody.push(&ada);
    let mut made = 0;
    for _ in 0..8 {
        a_day(&world, guardian, &everybody).await;
        made += watch(guardian, &ada).await.shards_made;
    }
    assert!(made > 0, "the holder that left had nothing");
    world.net.set_down(ada.peer(), false);
    world.meet(&refs(&others).into_iter().chain([&ada]).collect::<Vec<_>>()).await;
    let changed = collect(&ada.ctx, guardian.peer()).await.unwrap();
    assert!(!changed.is_empty());
    let each = |row: &store::PackRow| {
        let record = PackRecord::decode_stored(&row.record)?;
        // Metadata has more shards to spare than one.
        let moved = record.holders().all(|peer| peer != holders[2].peer());
        assert!(moved || record.code.m() > 2, "{} {}", row.id.short(), record.code);
        let distinct: BTreeSet<PeerId> = record.holders().collect();
        assert_eq!(distinct.len(), record.holders().count());
        Ok::<(), FlowError>(())
    };
    ada.ctx.catalog.for_each_pack(each).unwrap();
    assert!(collect(&ada.ctx, guardian.peer()).await.unwrap().is_empty(), "nothing is new twice");
}

#[tokio::test(start_paused = true)]
async fn a_guardian_that_was_dismissed_has_no_rights_and_no_list() {
    let world = World::new(73, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    ada.backup(&source(&world)).await.unwrap();
    let guardian = &others[0];
    entrust(&ada.ctx, guardian.peer()).await.unwrap();
    let again = entrust(&ada.ctx, guardian.peer()).await.unwrap();
    assert!(again.packs > 0 && guardians(&ada.ctx).unwrap().all.len() == 1);
    let owner = ada.ctx.device.owner();
    let charge = gbak::ward::Kept::new(&guardian.wards, owner).charge().unwrap().unwrap();
    let ask = async |request: Request| {
        let (mandate, request) = (Box::new(charge.mandate.clone()), Box::new(request));
        guardian.ctx.grid.ask(others[1].peer(), Request::Under { mandate, request }).await.unwrap()
    };
    assert!(matches!(ask(Request::HeadGet).await, Reply::Heads { .. }), "the newest one is good");
    assert_eq!(dismiss(&ada.ctx, guardian.peer()).await.unwrap(), (5, 5));
    assert_eq!(ask(Request::HeadGet).await, Reply::Refused(Refusal::Revoked));
    assert!(
        guardian.wards.owners().unwrap().is_empty() && guardians(&ada.ctx).unwrap().all.is_empty()
    );
    assert!(watch(guardian, &ada).await.owner_about, "there is nothing to do any more");
}

#[tokio::test(start_paused = true)]
async fn nobody_uses_a_mandate_that_is_not_theirs_or_entrusts_another_owners_shards() {
    let world = World::new(74, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    ada.backup(&source(&world)).await.unwrap();
    let (guardian, thief) = (&others[0], &others[1]);
    entrust(&ada.ctx, guardian.peer()).await.unwrap();
    let owner = ada.ctx.device.owner();
    let charge = gbak::ward::Kept::new(&guardian.wards, owner).charge().unwrap().unwrap();
    let mandate = Box::new(charge.mandate.clone());
    let request = Box::new(Request::HeadGet);
    let stolen = Request::Under { mandate: mandate.clone(), request };
    let said = thief.ctx.grid.ask(others[2].peer(), stolen).await.unwrap();
    assert_eq!(said, Reply::Refused(Refusal::CertInvalid));
    let body = gbak::ward::Parts::default().finish().remove(0);
    let body = bytes::Bytes::from(chunker::Record::encode(&body));
    let replaced = Request::Entrust { mandate, part: 0, parts: 1, body };
    let said = thief.ctx.grid.ask(guardian.peer(), replaced).await.unwrap();
    assert_eq!(said, Reply::Refused(Refusal::CertInvalid));
    // Without a mandate it is nobody's guardian.
    let no_rights = collect(&thief.ctx, guardian.peer()).await;
    assert!(matches!(no_rights, Ok(changed) if changed.is_empty()));
    let nobody = entrust(&ada.ctx, ada.peer()).await;
    assert!(matches!(nobody, Err(FlowError::Ask(AskError::Grid(_)))), "{nobody:?}");
}
