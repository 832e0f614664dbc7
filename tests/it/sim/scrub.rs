//! Rot on a simulated grid: the holder finds it, the owner counts it at once, and nobody can make
//! an owner count what others hold.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chunker::{PeerId, ShardId};
use gbak::care::Policy;
use gbak::flow::health::{Health, health};
use gbak::flow::{FlowError, lost};
use gbak::host::lost::{Ear, Told, tell};
use gbak::vault::index::PackRecord;
use p2p::sim::Weather;
use p2p::wire::MOVES_PAGE;
use p2p::{Grid, Refusal, Reply, Request};
use store::Catalog;

use super::stories::{assert_same, source, under};
use super::world::{Node, World};

struct Records(Catalog);

impl Ear for Records {
    fn lost(&self, holder: PeerId, shards: &[ShardId]) -> Result<u64, Refusal> {
        lost::note(&self.0, holder, shards, 7).map_err(|_| Refusal::DiskTrouble)
    }
}

/// A source that listens, and three holders.
async fn grid(world: &World) -> (Node, Vec<Node>) {
    let ada = world.node(1, 1);
    ada.host.listen_with(Arc::new(Records(ada.ctx.catalog.clone())));
    let others: Vec<Node> = (2..5).map(|owner| world.node(owner, 1)).collect();
    let all: Vec<&Node> = std::iter::once(&ada).chain(&others).collect();
    world.meet(&all).await;
    let source = source(world);
    ada.backup_with(&source, |plan| plan.code = Some("2+1".parse().unwrap())).await.unwrap();
    (ada, others)
}

fn healthy(node: &Node) -> Health {
    health(&node.ctx, Policy::default()).unwrap()
}

/// Every shard of every pack with its holder.
fn placed(node: &Node) -> BTreeSet<(PeerId, ShardId)> {
    let mut all = BTreeSet::new();
    let each = |row: &store::PackRow| {
        let record = PackRecord::decode_stored(&row.record)?;
        all.extend(record.shards.iter().filter_map(|one| Some((one.holder?, one.id))));
        Ok::<(), FlowError>(())
    };
    node.ctx.catalog.for_each_pack(each).unwrap();
    all
}

/// Lets a file of a shard that holder has rot. Returns which.
fn rot(holder: &Node) -> ShardId {
    let paths = holder.medium.paths();
    let path = paths.iter().find(|path| path.starts_with("shards/")).unwrap();
    assert!(holder.medium.rot(path, 3));
    path.rsplit('/').next().unwrap().parse().unwrap()
}

async fn scrub(holder: &Node) {
    while !holder.host.scrub(1 << 20, 0).await.unwrap().unwrap().ended {}
}

#[tokio::test(start_paused = true)]
async fn rot_that_a_holder_finds_counts_with_the_owner_at_once_and_until_the_shard_is_back() {
    let world = World::new(80, Weather::calm());
    let (ada, others) = grid(&world).await;
    let holder = &others[0];
    let before = healthy(&ada);
    assert_eq!(before.full, before.total);
    let rotten = rot(holder);
    scrub(holder).await;
    let mut told = Told::default();
    assert_eq!(tell(&holder.host, &holder.ctx.grid, &mut told).await.unwrap(), (1, false));
    assert_eq!(ada.ctx.catalog.gone().unwrap(), [(holder.peer(), rotten)]);
    let after = healthy(&ada);
    assert_eq!((after.full, after.due > 0), (before.full - 1, true));
    // Told once; nobody else hears of it.
    assert_eq!(tell(&holder.host, &holder.ctx.grid, &mut told).await.unwrap(), (0, false));
    let target = world.dir.path().join("restored");
    ada.restore("latest", &target).await.unwrap();
    let source = world.dir.path().join("source");
    assert_same(&source, &under(&target, &source));
    // An owner who was not there is told when it is: here by a holder that restarted.
    let (mut anew, busy) = (Told::default(), Duration::from_secs(11));
    assert_eq!(tell(&holder.host, &holder.ctx.grid, &mut anew).await.unwrap(), (0, false), "busy");
    tokio::time::advance(busy).await;
    assert_eq!(tell(&holder.host, &holder.ctx.grid, &mut anew).await.unwrap(), (1, false));
    assert_eq!(ada.ctx.catalog.gone().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_holder_cannot_make_an_owner_forget_what_others_hold_nor_keep_it_busy() {
    let world = World::new(81, Weather::calm());
    let (ada, others) = grid(&world).await;
    let liar = &others[1];
    let all = placed(&ada);
    let names: BTreeSet<ShardId> = all.iter().map(|(_, shard)| *shard).collect();
    let mut shards: Vec<ShardId> = names.into_iter().collect();
    shards.push(ShardId::from_bytes([9; 32]));
    let say = |shards: Vec<ShardId>| liar.ctx.grid.ask(ada.peer(), Request::Lost { shards });
    assert_eq!(say(shards.clone()).await.unwrap(), Reply::Noted);
    let own: Vec<_> = all.iter().filter(|(peer, _)| *peer == liar.peer()).copied().collect();
    assert!(!own.is_empty() && own.len() < all.len());
    assert_eq!(ada.ctx.catalog.gone().unwrap(), own, "its own, and nothing else");
    // The next one has to wait: longer after a notice of nothing.
    let nothing = vec![ShardId::from_bytes([9; 32])];
    assert_eq!(say(nothing.clone()).await.unwrap(), Reply::Refused(Refusal::Busy));
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(say(nothing).await.unwrap(), Reply::Noted);
    tokio::time::advance(Duration::from_secs(50)).await;
    assert_eq!(say(shards.clone()).await.unwrap(), Reply::Refused(Refusal::Busy));
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(say(shards).await.unwrap(), Reply::Noted);
    assert_eq!(ada.ctx.catalog.gone().unwrap(), own);
    // More than fits in a notice is not even looked at; others are heard meanwhile.
    let many = Request::Lost { shards: vec![ShardId::from_bytes([9; 32]); MOVES_PAGE + 1] };
    assert!(!matches!(others[2].ctx.grid.ask(ada.peer(), many).await, Ok(Reply::Noted)));
    let honest = others[2].ctx.grid.ask(ada.peer(), Request::Lost { shards: Vec::new() }).await;
    assert_eq!(honest.unwrap(), Reply::Noted);
}
