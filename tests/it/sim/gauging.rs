//! What is found of the link on a simulated grid, and that measuring leaves nothing behind.

use std::sync::Arc;

use gbak::flow::gauge;
use p2p::sim::Weather;
use p2p::{Refusal, Reply, Request};

use super::stories::{grid, source};
use super::world::{Node, Twist, World};

/// Gives nothing back.
struct Miser;

impl Twist for Miser {
    fn reply(&self, request: &Request, reply: Reply) -> Reply {
        match request {
            Request::Get { .. } => Reply::Refused(Refusal::Busy),
            _ => reply,
        }
    }
}

fn kept(nodes: &[Node]) -> Vec<(u64, u64)> {
    let of = |node: &Node| {
        let usage = node.shelf.usage_by_owner().unwrap();
        usage.iter().fold((0, 0), |(n, b), (_, usage)| (n + usage.shards, b + usage.bytes))
    };
    nodes.iter().map(of).collect()
}

#[tokio::test(start_paused = true)]
async fn a_link_is_measured_with_what_is_there_and_nothing_more_is_stored() {
    let world = World::new(91, Weather::calm());
    let (ada, others) = grid(&world, 5).await;
    let nothing = gauge::link(&ada.ctx).await.unwrap();
    assert_eq!(nothing, gauge::LinkSpeed::default());
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.code = Some("3+2".parse().unwrap())).await.unwrap();
    let before = kept(&others);
    let link = gauge::link(&ada.ctx).await.unwrap();
    assert_eq!(link.holders.len(), 5, "{link:?}");
    for holder in &link.holders {
        assert!(holder.down.rate() > Some(0.0) && holder.up.rate() > Some(0.0), "{holder:?}");
        assert!(holder.down.bytes <= 8 << 20 && holder.up.bytes <= 8 << 20, "{holder:?}");
    }
    let sum = link.holders.iter().map(|holder| holder.up.bytes).sum::<u64>();
    assert_eq!((link.up.bytes, kept(&others)), (sum, before));
    // Not what is asked of everybody else while it is done.
    assert!(link.down.took <= std::time::Duration::from_secs(15), "{link:?}");
}

#[tokio::test(start_paused = true)]
async fn who_gives_nothing_back_is_not_given_anything_and_has_no_figure() {
    let world = World::new(92, Weather::calm());
    let (ada, miser) = (world.node(1, 1), world.twisted(2, 1, Arc::new(Miser)));
    let others = [world.node(3, 1), world.node(4, 1)];
    world.meet(&[&ada, &miser, &others[0], &others[1]]).await;
    let source = source(&world);
    ada.backup_with(&source, |plan| plan.code = Some("2+1".parse().unwrap())).await.unwrap();
    let link = gauge::link(&ada.ctx).await.unwrap();
    for holder in &link.holders {
        let speaks = holder.peer != miser.peer();
        assert_eq!(holder.down.rate().is_some(), speaks, "{holder:?}");
        assert_eq!(holder.up.rate().is_some(), speaks, "{holder:?}");
    }
    assert_eq!(link.holders.len(), 3);
    // Who is away is not asked.
    world.net.set_down(others[0].peer(), true);
    let ping = Request::Ping { nonce: 1, offer: p2p::Offer::default() };
    drop(p2p::Grid::ask(&ada.ctx.grid, others[0].peer(), ping).await);
    let link = gauge::link(&ada.ctx).await.unwrap();
    assert_eq!(link.holders.len(), 2, "{link:?}");
}
