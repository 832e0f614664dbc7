//! A grid with some machines set aside, as if they were gone.

use std::collections::BTreeSet;
use std::sync::Arc;

use p2p::grid::Target;
use p2p::{Grid, GridError, PeerId, PeerInfo, Reply, Request};

/// Everybody but those set aside.
#[derive(Debug, Clone)]
pub(super) struct Without<G> {
    grid: G,
    aside: Arc<BTreeSet<PeerId>>,
}

impl<G: Grid> Without<G> {
    pub(super) fn new(grid: G, aside: BTreeSet<PeerId>) -> Self {
        Self { grid, aside: Arc::new(aside) }
    }
}

impl<G: Grid> Grid for Without<G> {
    fn me(&self) -> PeerId {
        self.grid.me()
    }

    fn peers(&self) -> Vec<PeerInfo> {
        let mut peers = self.grid.peers();
        peers.retain(|info| !self.aside.contains(&info.peer));
        peers
    }

    fn chart(&self) -> p2p::Chart {
        self.grid.chart()
    }

    async fn closest(&self, target: Target, count: usize) -> Vec<PeerInfo> {
        let mut peers = self.grid.closest(target, count.saturating_add(self.aside.len())).await;
        peers.retain(|info| !self.aside.contains(&info.peer));
        peers.truncate(count);
        peers
    }

    async fn ask(&self, peer: PeerId, request: Request) -> Result<Reply, GridError> {
        if self.aside.contains(&peer) {
            return Err(GridError::Unreachable { peer });
        }
        self.grid.ask(peer, request).await
    }
}
