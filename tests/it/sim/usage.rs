//! What holders say under their signature that they keep, on a simulated grid.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gbak::flow::usage::{self, Match};
use p2p::sim::Weather;
use p2p::usage::{Kept, UsageStatement};
use p2p::{PeerId, Reply, Request};

use super::leases::tell;
use super::stories::source;
use super::world::{Node, Twist, World};

const WAIT: Duration = Duration::from_secs(10);

/// How a holder answers.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Honest,
    /// Nothing at all.
    Silent,
    /// The first word it gave, to every question; its number changed to fit.
    Replaying,
    /// The same, as it was signed.
    Repeating,
    /// Says more than it signed.
    Boasting,
}

struct Holder {
    manner: Mutex<Manner>,
    first: Mutex<Option<UsageStatement>>,
}

impl Twist for Holder {
    fn stalls(&self, request: &Request) -> bool {
        matches!(request, Request::Usage { .. }) && *self.manner.lock().unwrap() == Manner::Silent
    }

    fn reply(&self, request: &Request, reply: Reply) -> Reply {
        let (Request::Usage { nonce }, Reply::Usage(said)) = (request, reply.clone()) else {
            return reply;
        };
        let first = self.first.lock().unwrap().get_or_insert_with(|| (*said).clone()).clone();
        let said = match *self.manner.lock().unwrap() {
            Manner::Honest | Manner::Silent => *said,
            Manner::Repeating => first,
            Manner::Replaying => UsageStatement { nonce: *nonce, ..first },
            Manner::Boasting => {
                let held = Kept { bytes: said.held.bytes + 1, ..said.held };
                UsageStatement { held, ..*said }
            }
        };
        Reply::Usage(Box::new(said))
    }
}

async fn grid(world: &World) -> (Node, Node, Vec<Node>, Arc<Holder>) {
    let twist = Arc::new(Holder { manner: Mutex::new(Manner::Honest), first: Mutex::new(None) });
    let (ada, odd) = (world.node(1, 1), world.twisted(2, 1, twist.clone()));
    let others: Vec<Node> = (3..6).map(|owner| world.node(owner, 1)).collect();
    let all: Vec<&Node> = [&ada, &odd].into_iter().chain(&others).collect();
    world.meet(&all).await;
    (ada, odd, others, twist)
}

async fn heard(ada: &Node) -> BTreeMap<PeerId, usage::Stated> {
    usage::ask(&ada.ctx, WAIT).await.unwrap();
    let peers = p2p::Grid::peers(&ada.ctx.grid).into_iter().map(|info| info.peer);
    usage::known(&ada.ctx, peers).unwrap()
}

#[tokio::test(start_paused = true)]
async fn owner_and_holders_see_one_signed_figure() {
    let world = World::new(81, Weather::calm());
    let (ada, odd, others, _) = grid(&world).await;
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.code = Some("2+2".parse().unwrap())).await.unwrap();
    let said = heard(&ada).await;
    let owner = ada.ctx.device.owner();
    for holder in std::iter::once(&odd).chain(&others) {
        let (stated, own) = (&said[&holder.peer()], holder.shelf.usage_of(owner).unwrap());
        assert!(own.bytes > 0 && stated.said.verify_signature().is_ok());
        assert_eq!((stated.said.held.shards, stated.said.held.bytes), (own.shards, own.bytes));
        assert_eq!(stated.compared(), Match::Same, "{stated:?}");
        // Nobody else's.
        let (bob, cleo) = (odd.ctx.device.owner(), others[0].ctx.device.owner());
        assert!(stated.said.owner == owner && ![bob, cleo].contains(&stated.said.owner));
    }
    // An old manifest is more than the records need, until it was released.
    std::fs::write(source.join("more"), b"more").unwrap();
    ada.backup_with(&source, |plan| plan.code = Some("2+2".parse().unwrap())).await.unwrap();
    let said = heard(&ada).await;
    assert!(said.values().any(|stated| stated.compared() == Match::More));
    tokio::time::advance(Duration::from_secs(60)).await;
    tell(&ada).await.unwrap();
    let said = heard(&ada).await;
    assert!(said.values().all(|stated| stated.compared() == Match::Same), "{said:?}");
    assert!(said.values().any(|stated| stated.said.left.bytes > 0), "in quarantine, said apart");
}

#[tokio::test(start_paused = true)]
async fn a_word_that_is_forged_replayed_or_missing_changes_nothing_of_what_is_known() {
    let world = World::new(82, Weather::calm());
    let (ada, odd, _others, twist) = grid(&world).await;
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.code = Some("2+2".parse().unwrap())).await.unwrap();
    let first = heard(&ada).await[&odd.peer()].clone();
    std::fs::write(source.join("more"), vec![9; 100_000]).unwrap();
    ada.backup_with(&source, |plan| plan.code = Some("2+2".parse().unwrap())).await.unwrap();
    for manner in [Manner::Silent, Manner::Replaying, Manner::Repeating, Manner::Boasting] {
        *twist.manner.lock().unwrap() = manner;
        let said = heard(&ada).await;
        assert_eq!(said[&odd.peer()], first, "the last good word");
        assert!(said.len() == 4 && said.values().filter(|it| **it == first).count() == 1);
    }
    *twist.manner.lock().unwrap() = Manner::Honest;
    assert!(heard(&ada).await[&odd.peer()].said.held.bytes > first.said.held.bytes);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_keeps_less_than_it_took_says_so_itself() {
    let world = World::new(83, Weather::calm());
    let (ada, odd, _others, _) = grid(&world).await;
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.code = Some("2+2".parse().unwrap())).await.unwrap();
    let owner = ada.ctx.device.owner();
    let (now, all) = (ada.ctx.clock.now_secs() + 60, chunker::ShardId::from_bytes([0; 32]));
    // As if somebody with another device's key had let go of everything.
    let range =
        store::RetainRange { made_secs: now, at_secs: now, from: all, to: None, shards: &[] };
    odd.shelf.retain(owner, ada.peer(), range, now).unwrap();
    let said = &heard(&ada).await[&odd.peer()];
    assert_eq!(said.compared(), Match::Less, "{said:?}");
    assert!(said.said.held.shards == 0 && said.said.left.shards > 0);
}
