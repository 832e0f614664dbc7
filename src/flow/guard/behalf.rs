//! A grid on which a guardian speaks for an owner.

use p2p::grid::Target;
use p2p::{Grid, GridError, Mandate, PeerId, PeerInfo, Reply, Request};

/// Everything that a mandate allows is asked under it; what it does not allow is asked as before.
#[derive(Debug, Clone)]
pub(super) struct Behalf<G> {
    grid: G,
    mandate: Mandate,
}

impl<G> Behalf<G> {
    pub(super) const fn new(grid: G, mandate: Mandate) -> Self {
        Self { grid, mandate }
    }
}

impl<G: Grid> Grid for Behalf<G> {
    fn me(&self) -> PeerId {
        self.grid.me()
    }

    fn peers(&self) -> Vec<PeerInfo> {
        self.grid.peers()
    }

    async fn closest(&self, target: Target, count: usize) -> Vec<PeerInfo> {
        self.grid.closest(target, count).await
    }

    async fn ask(&self, peer: PeerId, request: Request) -> Result<Reply, GridError> {
        if !request.is_for_guardians() {
            return self.grid.ask(peer, request).await;
        }
        let (mandate, request) = (Box::new(self.mandate.clone()), Box::new(request));
        self.grid.ask(peer, Request::Under { mandate, request }).await
    }
}
