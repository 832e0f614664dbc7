//! One question to many peers at once, without waiting for the silent ones.
//!
//! A peer that is gone looks connected until its connection breaks, which takes a minute; until
//! then each question to it would take its whole deadline. So the asker says when what came is
//! enough, and from then on the others have only a little longer. What a question asks for may
//! still be done by a peer whose answer nobody waited for.

use std::time::Duration;

use chunker::PeerId;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use p2p::{Grid, GridError, PeerState, Reply, Request};
use tokio::time::Instant;

use super::Ctx;

/// The connected peers.
pub(crate) fn online<G: Grid>(ctx: &Ctx<G>) -> Vec<PeerId> {
    let peers = ctx.grid.peers().into_iter();
    peers.filter(|peer| peer.state == PeerState::Online).map(|peer| peer.peer).collect()
}

/// Asks all of these, and gives each answer to `heard` as it comes. Ends when all have answered, or
/// `linger` after `heard` first said that what came is enough. Cancel-safe as [`Grid::ask`] is.
pub(crate) async fn ask_all<G: Grid>(
    ctx: &Ctx<G>,
    peers: Vec<PeerId>,
    request: &Request,
    linger: Duration,
    mut heard: impl FnMut(PeerId, Result<Reply, GridError>) -> bool,
) {
    let ask = |peer| async move { (peer, ctx.grid.ask(peer, request.clone()).await) };
    let mut asks: FuturesUnordered<_> = peers.into_iter().map(ask).collect();
    let mut until = None;
    loop {
        let next = match until {
            None => asks.next().await,
            Some(until) => tokio::time::timeout_at(until, asks.next()).await.unwrap_or_default(),
        };
        let Some((peer, answer)) = next else { break };
        if heard(peer, answer) && until.is_none() {
            until = Some(Instant::now() + linger);
        }
    }
    if !asks.is_empty() {
        tracing::debug!(silent = asks.len(), asked = request.name(), "not waited for");
    }
}

/// Whether so many answers are more than half of those asked.
pub(crate) const fn is_most(answered: usize, asked: usize) -> bool {
    answered * 2 > asked
}
