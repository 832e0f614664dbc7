//! Handing shards over to other peers, when their owners have not moved them in time.
//!
//! Another peer confirms durably before anything is let go of here (I7). It is chosen by where most
//! is left; which other shards of the pack it has only the owner could know, who finds the shard
//! again by asking its peers, and can move it further.

use std::time::Duration;

use chunker::PeerId;
use p2p::{Grid, PeerInfo, PeerState, Reply, Request};

use super::{Host, Stuck};

/// Shards handed over in one go: a look at the disks comes in between.
const AT_ONCE: usize = 32;

/// Hands over what was asked for longer ago than `patience`. Returns how many shards.
pub async fn hand_over<G: Grid>(host: &Host, grid: &G, patience: Duration) -> usize {
    let mut handed = 0;
    for stuck in host.stuck(patience.as_secs(), AT_ONCE) {
        let Ok(body) = host.bytes_of(stuck).await else { continue };
        for peer in takers(grid, stuck) {
            let Stuck { owner, shard, .. } = stuck;
            let request = Request::HandOver { owner, shard, body: body.clone() };
            if !matches!(grid.ask(peer, request).await, Ok(Reply::Stored)) {
                continue;
            }
            match host.handed_over(stuck).await {
                Ok(()) => handed += 1,
                Err(error) => tracing::warn!(%error, "a shard is here and elsewhere"),
            }
            break;
        }
    }
    if handed > 0 {
        tracing::info!(shards = handed, "handed over to other peers");
    }
    handed
}

/// Peers that could take it, the one with most room first; none of its owner's own.
fn takers<G: Grid>(grid: &G, stuck: Stuck) -> Vec<PeerId> {
    let fits = |info: &PeerInfo| {
        info.state == PeerState::Online
            && info.owner != stuck.owner
            && info.offer.moving_bytes == 0
            && info.offer.free_bytes >= stuck.len
    };
    let mut takers: Vec<PeerInfo> = grid.peers().into_iter().filter(fits).collect();
    takers.sort_by_key(|info| std::cmp::Reverse(info.offer.free_bytes));
    takers.into_iter().map(|info| info.peer).collect()
}
