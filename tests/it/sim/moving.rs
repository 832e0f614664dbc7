//! Giving disk back on a simulated grid: what moves, in which order, and that nothing is ever
//! missing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chunker::{OwnerId, PackId, ShardId};
use gbak::flow::{FlowError, moving, recover};
use gbak::host::handover;
use gbak::vault::index::PackRecord;
use p2p::sim::Weather;
use p2p::{Reply, Request};
use store::{DiskNo, DiskSpace, Donation, Shelf};

use super::stories::{assert_same, source, under};
use super::world::{Node, Twist, World};

/// A holder that sees, whenever it is told to let go, that the shard is with somebody else.
#[derive(Default)]
struct Suspicious {
    others: Mutex<Vec<(OwnerId, Shelf)>>,
    let_go: Mutex<usize>,
}

impl Twist for Suspicious {
    fn reply(&self, request: &Request, reply: Reply) -> Reply {
        if let (Request::Moved { shards }, Reply::LetGo { gone }) = (request, &reply) {
            let others = self.others.lock().unwrap();
            for (shard, _) in shards.iter().zip(gone).filter(|(_, gone)| **gone) {
                let has = |(owner, shelf): &(OwnerId, Shelf)| shelf.get(*owner, *shard).is_ok();
                assert!(others.iter().any(has), "let go of before it is elsewhere");
            }
            *self.let_go.lock().unwrap() += gone.iter().filter(|gone| **gone).count();
        }
        reply
    }
}

/// A source, a suspicious holder and four more.
async fn grid(world: &World) -> (Node, Node, Vec<Node>, Arc<Suspicious>) {
    let twist = Arc::new(Suspicious::default());
    let (ada, leaver) = (world.node(1, 1), world.twisted(2, 1, twist.clone()));
    let others: Vec<Node> = (3..7).map(|owner| world.node(owner, 1)).collect();
    let shelves = others.iter().map(|other| (ada.ctx.device.owner(), other.shelf.clone()));
    *twist.others.lock().unwrap() = shelves.collect();
    meet(world, &ada, &leaver, &others).await;
    (ada, leaver, others, twist)
}

async fn meet(world: &World, ada: &Node, leaver: &Node, others: &[Node]) {
    let all: Vec<&Node> = [ada, leaver].into_iter().chain(others).collect();
    world.meet(&all).await;
}

fn lend(node: &Node, size_bytes: u64) {
    let donation = Donation { size_bytes, ..node.shelf.donation() };
    node.shelf.set_donation(donation);
}

/// How many of each pack's shards somebody really has: of whole copies, on how many nodes.
fn live(ada: &Node, holders: &[&Node]) -> BTreeMap<PackId, usize> {
    let owner = ada.ctx.device.owner();
    let mut live = BTreeMap::new();
    let each = |row: &store::PackRow| {
        let record = PackRecord::decode_stored(&row.record)?;
        if record.code.k() > 1 {
            let has = |id: ShardId| holders.iter().any(|node| node.shelf.get(owner, id).is_ok());
            let count = record.shards.iter().filter(|placed| has(placed.id)).count();
            live.insert(row.id, count);
        }
        Ok::<(), FlowError>(())
    };
    ada.ctx.catalog.for_each_pack(each).unwrap();
    live
}

async fn restores(node: &Node, world: &World, source: &std::path::Path, name: &str) {
    let target = world.dir.path().join(name);
    let report = node.restore("latest", &target).await.unwrap();
    assert_eq!(report.problems.len(), 0);
    assert_same(source, &under(&target, source));
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_lends_nothing_any_more_is_drained_and_no_shard_is_ever_missing() {
    let world = World::new(70, Weather::calm());
    let (ada, leaver, others, twist) = grid(&world).await;
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.code = Some("3+2".parse().unwrap())).await.unwrap();
    let all: Vec<&Node> = std::iter::once(&leaver).chain(&others).collect();
    let before = live(&ada, &all);
    assert!(before.values().all(|count| *count == 5) && !before.is_empty(), "{before:?}");
    assert!(leaver.shelf.usage().unwrap().shards > 0);
    lend(&leaver, 0);
    let mut rounds = 0;
    while leaver.shelf.usage().unwrap().shards > 0 {
        rounds += 1;
        assert!(rounds < 10, "{:?} left", leaver.shelf.usage());
        leaver.give_back().await;
        meet(&world, &ada, &leaver, &others).await;
        for holder in moving::asking(&ada.ctx) {
            moving::oblige(&ada.ctx, holder).await.unwrap();
        }
        let now = live(&ada, &all);
        assert!(before.iter().all(|(pack, count)| now.get(pack) >= Some(count)), "{now:?}");
    }
    assert!(*twist.let_go.lock().unwrap() > 0);
    assert_eq!(leaver.give_back().await.moving_bytes, 0);
    // Without it: everything is there, also for a device that only has the words.
    world.net.set_down(leaver.peer(), true);
    restores(&ada, &world, &source, "after").await;
    let new = world.node(1, 2);
    let rest: Vec<&Node> = std::iter::once(&new).chain(&others).collect();
    world.meet(&rest).await;
    recover::recover(&new.ctx).await.unwrap();
    restores(&new, &world, &source, "recovered").await;
    let holders = |record: &PackRecord| record.holders().any(|peer| peer == leaver.peer());
    let each = |row: &store::PackRow| {
        assert!(!holders(&PackRecord::decode_stored(&row.record)?), "still said to be there");
        Ok::<(), FlowError>(())
    };
    new.ctx.catalog.for_each_pack(each).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_violated_floor_moves_no_more_than_it_takes_and_what_can_be_spared_first() {
    let world = World::new(71, Weather::calm());
    let (ada, holder, others, _) = grid(&world).await;
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.code = Some("2+1".parse().unwrap())).await.unwrap();
    let stored = holder.shelf.usage().unwrap();
    assert!(stored.shards > 1, "{stored:?}");
    let donation = holder.shelf.donation();
    let lacks = 1000;
    let space = |free_bytes| DiskSpace { total_bytes: 256 << 30, free_bytes };
    holder.gauge.set(space(donation.min_free_bytes - lacks));
    assert_eq!(holder.give_back().await.moving_bytes, lacks);
    assert_eq!(holder.host.offer().await.unwrap().free_bytes, 0);
    meet(&world, &ada, &holder, &others).await;
    let told = moving::oblige(&ada.ctx, holder.peer()).await.unwrap();
    assert_eq!(told.moved, 0, "first it hears what can be spared");
    holder.give_back().await;
    let movable = holder.shelf.movable(DiskNo::HOME, 100).unwrap();
    assert!(movable[0].others.is_some(), "{movable:?}");
    let moved = moving::oblige(&ada.ctx, holder.peer()).await.unwrap();
    assert_eq!((moved.moved, moved.let_go, moved.left), (1, 1, 0), "one is enough: {moved:?}");
    let gave = holder.give_back().await;
    assert_eq!((gave.freed_bytes, gave.moving_bytes), (movable[0].len, 0));
    assert_eq!(holder.shelf.usage().unwrap().shards, stored.shards - 1);
    // The disk that was taken is free again: nothing more moves.
    holder.gauge.set(space(128 << 30));
    assert_eq!(holder.give_back().await.moving_bytes, 0);
    assert_eq!(moving::oblige(&ada.ctx, holder.peer()).await.unwrap().moved, 0);
}

#[tokio::test(start_paused = true)]
async fn what_an_owner_does_not_move_is_handed_over_and_found_again() {
    let world = World::new(72, Weather::calm());
    let (ada, leaver, others, _) = grid(&world).await;
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.code = Some("3+2".parse().unwrap())).await.unwrap();
    let all: Vec<&Node> = std::iter::once(&leaver).chain(&others).collect();
    let before = live(&ada, &all);
    world.net.set_down(ada.peer(), true);
    lend(&leaver, 0);
    for _ in 0..2 {
        leaver.give_back().await;
    }
    let patience = Duration::from_secs(3600);
    assert_eq!(handover::hand_over(&leaver.host, &leaver.ctx.grid, patience).await, 0);
    tokio::time::advance(patience).await;
    let mut rounds = 0;
    while leaver.shelf.usage().unwrap().shards > 0 {
        rounds += 1;
        assert!(rounds < 10, "{:?} left", leaver.shelf.usage());
        handover::hand_over(&leaver.host, &leaver.ctx.grid, patience).await;
        let now = live(&ada, &all);
        assert!(before.iter().all(|(pack, count)| now.get(pack) >= Some(count)), "{now:?}");
        leaver.give_back().await;
    }
    world.net.set_down(ada.peer(), false);
    world.net.set_down(leaver.peer(), true);
    meet(&world, &ada, &leaver, &others).await;
    restores(&ada, &world, &source, "handed").await;
}

#[tokio::test(start_paused = true)]
async fn nobody_can_make_a_holder_drop_what_it_has_room_for() {
    let world = World::new(73, Weather::calm());
    let (ada, holder, others, _) = grid(&world).await;
    ada.backup(&source(&world)).await.unwrap();
    let owner = ada.ctx.device.owner();
    let stored = holder.shelf.usage_of(owner).unwrap();
    let held = holder.shelf.movable(DiskNo::HOME, 100).unwrap();
    let shards: Vec<ShardId> = held.iter().map(|one| one.shard).collect();
    let gone = |reply: Result<Reply, _>| match reply {
        Ok(Reply::LetGo { gone }) => gone.into_iter().filter(|gone| *gone).count(),
        other => panic!("{other:?}"),
    };
    let moved = Request::Moved { shards: shards.clone() };
    assert_eq!(gone(p2p::Grid::ask(&ada.ctx.grid, holder.peer(), moved.clone()).await), 0);
    // Asked for, but another owner says so.
    lend(&holder, 0);
    holder.give_back().await;
    holder.give_back().await;
    assert_eq!(gone(p2p::Grid::ask(&others[0].ctx.grid, holder.peer(), moved).await), 0);
    assert_eq!(holder.shelf.usage_of(owner).unwrap(), stored);
    // Nor keep something for somebody who is no member.
    let (body, stranger) = (bytes::Bytes::from_static(b"bytes"), OwnerId::from_bytes([9; 32]));
    let shard = ShardId::from(blake3::hash(&body));
    let hand = Request::HandOver { owner: stranger, shard, body };
    let answer = p2p::Grid::ask(&holder.ctx.grid, others[0].peer(), hand).await;
    assert_eq!(answer, Ok(Reply::Refused(p2p::Refusal::UnknownOwner)));
}

#[tokio::test(start_paused = true)]
async fn an_evacuated_holder_keeps_its_copies_until_it_hears_otherwise_and_nothing_needs_them() {
    let world = World::new(74, Weather::calm());
    let (ada, leaver, others, _) = grid(&world).await;
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.code = Some("2+1".parse().unwrap())).await.unwrap();
    // It does not even answer.
    world.net.set_down(leaver.peer(), true);
    meet(&world, &ada, &leaver, &others).await;
    let report = moving::evacuate(&ada.ctx, leaver.peer()).await.unwrap();
    assert!(report.moved > 0 && report.left == 0, "{report:?}");
    let all: Vec<&Node> = others.iter().collect();
    assert!(live(&ada, &all).values().all(|count| *count == 3));
    restores(&ada, &world, &source, "evacuated").await;
}
