//! Recorded placements that are out of date: what it costs to find the shards again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use chunker::{PeerId, ShardId};
use gbak::flow::{FlowError, recover};
use gbak::vault::index::PackRecord;
use p2p::sim::Weather;
use p2p::{Refusal, Reply, Request};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::stories::{assert_same, source, under};
use super::world::{Node, Twist, World};

/// A holder that gave shards away, and what was asked of it.
#[derive(Default)]
struct Mover {
    gone: Mutex<BTreeSet<ShardId>>,
    haves: AtomicU64,
    gets: AtomicU64,
}

impl Twist for Mover {
    fn reply(&self, request: &Request, reply: Reply) -> Reply {
        let gone = self.gone.lock().unwrap();
        match (request, reply) {
            (Request::Get { shard }, reply) => {
                self.gets.fetch_add(1, Ordering::SeqCst);
                if gone.contains(shard) { Reply::Refused(Refusal::UnknownShard) } else { reply }
            }
            (Request::Have { shards }, Reply::Have { held }) => {
                self.haves.fetch_add(1, Ordering::SeqCst);
                let here = shards.iter().zip(held);
                Reply::Have { held: here.map(|(id, held)| held && !gone.contains(id)).collect() }
            }
            (_, reply) => reply,
        }
    }
}

fn asked(movers: &[Arc<Mover>]) -> (u64, u64) {
    let sum = |count: fn(&Mover) -> &AtomicU64| {
        movers.iter().map(|mover| count(mover).swap(0, Ordering::SeqCst)).sum()
    };
    (sum(|mover| &mover.haves), sum(|mover| &mover.gets))
}

fn records(node: &Node) -> Vec<PackRecord> {
    let mut all = Vec::new();
    node.ctx
        .catalog
        .for_each_pack(|row| {
            all.push(PackRecord::decode_stored(&row.record).unwrap());
            Ok::<(), FlowError>(())
        })
        .unwrap();
    all
}

/// Gives every shard of packs that were coded to somebody else, at random.
fn move_all(ada: &Node, holders: &[Node], movers: &[Arc<Mover>], dice: &mut StdRng) {
    let (owner, now) = (ada.ctx.device.owner(), ada.ctx.clock.now_secs());
    let at = |peer: PeerId| holders.iter().position(|node| node.peer() == peer).unwrap();
    for record in records(ada).iter().filter(|record| record.code.k() > 1) {
        for placed in &record.shards {
            let from = at(placed.holder.unwrap());
            let to = (from + 1 + dice.random_range(0..holders.len() - 1)) % holders.len();
            let bytes = holders[from].shelf.get(owner, placed.id).unwrap();
            holders[to].shelf.put(owner, placed.id, &bytes, now).unwrap();
            movers[from].gone.lock().unwrap().insert(placed.id);
        }
    }
}

/// A new machine of the same owner brings everything back, with what is on the grid.
async fn bring_back(world: &World, source: &Path, device: u64, holders: &[Node]) {
    let new = world.node(1, device);
    let all: Vec<&Node> = std::iter::once(&new).chain(holders).collect();
    world.meet(&all).await;
    recover::recover(&new.ctx).await.unwrap();
    let target = world.dir.path().join(format!("back-{device}"));
    let report = new.restore("latest", &target).await.unwrap();
    assert_eq!(report.problems, Vec::new());
    assert_same(source, &under(&target, source));
}

#[tokio::test(start_paused = true)]
async fn shards_that_were_moved_at_random_are_found_again_and_the_search_is_bounded() {
    let world = World::new(41, Weather::calm());
    let ada = world.node(1, 1);
    let movers: Vec<Arc<Mover>> = (0..24).map(|_| Arc::default()).collect();
    let holders: Vec<Node> =
        (10..).zip(&movers).map(|(owner, mover)| world.twisted(owner, 1, mover.clone())).collect();
    let all: Vec<&Node> = std::iter::once(&ada).chain(&holders).collect();
    world.meet(&all).await;
    let source = source(&world);
    ada.backup(&source).await.unwrap();
    let coded: Vec<PackRecord> =
        records(&ada).into_iter().filter(|record| record.code.k() > 1).collect();
    assert!(coded.len() >= 3, "data, listing and index: {}", coded.len());
    asked(&movers);
    bring_back(&world, &source, 2, &holders).await;
    let (haves, gets) = asked(&movers);
    assert_eq!(haves, 0, "as long as records are true nobody is asked around");
    move_all(&ada, &holders, &movers, &mut StdRng::seed_from_u64(41));
    bring_back(&world, &source, 3, &holders).await;
    let (stale_haves, stale_gets) = asked(&movers);
    let (packs, all) = (coded.len() as u64, holders.len() as u64);
    println!("{packs} packs: {gets} gets; stale: {stale_haves} haves, {stale_gets} gets");
    assert!(stale_haves >= packs, "{stale_haves}");
    assert!(stale_haves <= packs * all, "each peer is asked once for a pack: {stale_haves}");
    let in_vain: u64 = coded.iter().map(|record| record.code.n() as u64).sum();
    assert!(stale_gets <= gets + in_vain, "each record is tried once: {stale_gets}, {gets}");
}
