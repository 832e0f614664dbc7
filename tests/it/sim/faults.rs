//! Holders that stall, lie or have no room, and a source whose disk is full.

use std::collections::BTreeSet;
use std::sync::Arc;

use chunker::Code;
use gbak::flow::FlowError;
use gbak::flow::backup::catch_up;
use gbak::vault::index::PackRecord;
use p2p::sim::Weather;
use p2p::{Reply, Request};
use store::{PackState, Spool};

use super::full::Tmpfs;
use super::stories::{assert_same, grid, source, under};
use super::world::{Node, Twist, World};

/// Every pack's record, as the source has it.
fn records(node: &Node) -> Vec<PackRecord> {
    let states = [PackState::Queued, PackState::Placed, PackState::Indexed];
    let packs = states.into_iter().flat_map(|state| node.ctx.catalog.packs_in(state).unwrap());
    packs.map(|(_, stored)| PackRecord::decode_stored(&stored).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_holder_whose_disk_is_full_is_walked_past_and_nothing_is_missing() {
    let world = World::new(30, Weather::calm());
    let (ada, others) = grid(&world, 4).await;
    others[0].medium.set_capacity(Some(0));
    let source = source(&world);
    let code = Code::new(2, 1).unwrap();
    let report = ada.backup_with(&source, |plan| plan.code = Some(code)).await.unwrap();
    assert_eq!((report.queued_packs, report.kept.can_lose), (0, 1));
    assert_eq!(others[0].shelf.usage().unwrap().shards, 0);
    let data: Vec<_> = records(&ada).into_iter().filter(|record| record.code == code).collect();
    assert!(!data.is_empty());
    for record in data {
        let holders: BTreeSet<_> = record.holders().collect();
        assert!(holders.len() == 3 && !holders.contains(&others[0].peer()), "{record:?}");
    }
}

/// Takes what it is given, and never gives an answer to who wants it back.
struct Stalling;

impl Twist for Stalling {
    fn reply(&self, _: &Request, reply: Reply) -> Reply {
        reply
    }

    fn stalls(&self, request: &Request) -> bool {
        matches!(request, Request::Get { .. })
    }
}

#[tokio::test(start_paused = true)]
async fn holders_that_never_answer_delay_a_restore_by_less_than_one_deadline() {
    let world = World::new(31, Weather::calm());
    let ada = world.node(1, 1);
    let stalling: Vec<Node> = (0..2).map(|n| world.twisted(2 + n, 1, Arc::new(Stalling))).collect();
    let others: Vec<Node> = (0..3).map(|n| world.node(10 + n, 1)).collect();
    let all: Vec<&Node> = std::iter::once(&ada).chain(&stalling).chain(&others).collect();
    world.meet(&all).await;
    let source = source(&world);
    assert_eq!(ada.backup(&source).await.unwrap().code.to_string(), "3+2");
    let target = world.dir.path().join("restored");
    let began = tokio::time::Instant::now();
    assert_eq!(ada.restore("latest", &target).await.unwrap().problems, Vec::new());
    let deadline = Request::Get { shard: blake3::hash(b"any").into() }.deadline();
    assert!(began.elapsed() < deadline, "{:?} of {deadline:?}", began.elapsed());
    assert_same(&source, &under(&target, &source));
}

/// Claims to have everything it is asked about.
struct Braggart;

impl Twist for Braggart {
    fn reply(&self, _: &Request, reply: Reply) -> Reply {
        match reply {
            Reply::Have { held } => Reply::Have { held: vec![true; held.len()] },
            reply => reply,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_claims_to_have_everything_is_believed_for_one_shard_of_a_pack_at_most() {
    let world = World::new(32, Weather::calm());
    let ada = world.node(1, 1);
    let liar = world.twisted(2, 1, Arc::new(Braggart));
    let others: Vec<Node> = (0..3).map(|n| world.node(10 + n, 1)).collect();
    let rest: Vec<&Node> = std::iter::once(&liar).chain(&others).collect();
    let all: Vec<&Node> = std::iter::once(&ada).chain(rest.iter().copied()).collect();
    world.meet(&all).await;
    for peer in &rest {
        world.net.set_down(peer.peer(), true);
    }
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.spool = true).await.unwrap();
    let queued: BTreeSet<_> = ada.ctx.spool.list().into_iter().collect();
    for peer in &rest {
        world.net.set_down(peer.peer(), false);
    }
    world.meet(&all).await;
    assert!(!catch_up(&ada.ctx).await.unwrap());
    let resumed = records(&ada).into_iter().filter(|record| queued.contains(&record.meta.id));
    let claimed =
        resumed.map(|record| record.holders().filter(|peer| *peer == liar.peer()).count());
    let claimed: Vec<usize> = claimed.collect();
    assert!(!claimed.is_empty() && claimed.iter().all(|count| *count == 1), "{claimed:?}");
    let target = world.dir.path().join("restored");
    assert_eq!(ada.restore("latest", &target).await.unwrap().problems, Vec::new());
    assert_same(&source, &under(&target, &source));
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_at_the_source_fails_the_backup_and_costs_nothing_that_was_there() {
    let world = World::new(33, Weather::calm());
    let Some(small) = Tmpfs::mount(world.dir.path().join("spool"), 256 * 1024) else {
        println!("skipped: only root may mount the small file system this needs");
        return;
    };
    let (mut ada, _others) = grid(&world, 4).await;
    let source = source(&world);
    let first = ada.backup(&source).await.unwrap().snapshot.unwrap();
    let mut noise = vec![0; 3_000_000];
    blake3::Hasher::new().update(b"more").finalize_xof().fill(&mut noise);
    std::fs::write(source.join("more"), noise).unwrap();
    let roomy = ada.ctx.spool.clone();
    ada.ctx.spool = Arc::new(Spool::open(&world.dir.path().join("spool/packs")).unwrap());
    let error = ada.backup(&source).await.unwrap_err();
    assert!(matches!(&error, FlowError::Spool(error) if error.is_full()), "{error}");
    let known: Vec<_> = ada.ctx.catalog.snapshots().unwrap().into_iter().map(|row| row.0).collect();
    assert_eq!(known, [first]);
    ada.ctx.spool = roomy;
    drop(small);
    ada.backup(&source).await.unwrap();
    let target = world.dir.path().join("restored");
    assert_eq!(ada.restore("latest", &target).await.unwrap().problems, Vec::new());
    assert_same(&source, &under(&target, &source));
}
