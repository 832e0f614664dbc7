//! The two networks the suite runs on, made alike.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use p2p::swarm::{Swarm, SwarmConfig, knock};
use p2p::{Grid, GridError, Members, Offer, PeerId, Reply, Request, SimGrid, SimNet, Weather};

use crate::host::Host;
use crate::testing::peer_of;

/// Longer than anything here takes, on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A network to put devices on.
pub(crate) trait Rig {
    type Grid: Grid;

    /// Puts a device on the network that has been told of `via`; returns once it has met those of
    /// them that let it in. The same device again is a restart.
    async fn start(
        &mut self,
        key: &SigningKey,
        members: Members,
        host: Arc<Host>,
        via: &[PeerId],
    ) -> Self::Grid;

    /// Takes a device off the network.
    async fn stop(&mut self, peer: PeerId);

    /// Asks as a device that is on no network.
    async fn knock(
        &self,
        key: &SigningKey,
        to: PeerId,
        request: Request,
    ) -> Result<Reply, GridError>;

    /// Leaves nothing running.
    async fn end(self);
}

/// In memory.
pub(crate) struct SimRig {
    net: SimNet,
}

impl SimRig {
    pub(crate) fn new() -> Self {
        Self { net: SimNet::new(1, Weather::calm()) }
    }
}

impl Rig for SimRig {
    type Grid = SimGrid;

    async fn start(
        &mut self,
        _: &SigningKey,
        members: Members,
        host: Arc<Host>,
        via: &[PeerId],
    ) -> SimGrid {
        self.net.set_down(members.me(), false);
        let grid = self.net.join(members, host);
        for peer in via {
            // Who does not let it in is the test's affair.
            drop(grid.ask(*peer, Request::Ping { nonce: 1, offer: Offer::default() }).await);
        }
        grid
    }

    async fn stop(&mut self, peer: PeerId) {
        self.net.set_down(peer, true);
    }

    async fn knock(
        &self,
        key: &SigningKey,
        to: PeerId,
        request: Request,
    ) -> Result<Reply, GridError> {
        self.net.knock(peer_of(key), to, request).await
    }

    async fn end(self) {}
}

/// On loopback.
pub(crate) struct SwarmRig {
    swarms: BTreeMap<PeerId, Swarm>,
}

impl SwarmRig {
    pub(crate) fn new() -> Self {
        Self { swarms: BTreeMap::new() }
    }

    fn addresses(&self, of: &[PeerId]) -> Vec<String> {
        of.iter().flat_map(|peer| self.swarms[peer].listen_addresses()).collect()
    }
}

impl Rig for SwarmRig {
    type Grid = Swarm;

    async fn start(
        &mut self,
        key: &SigningKey,
        members: Members,
        host: Arc<Host>,
        via: &[PeerId],
    ) -> Swarm {
        let config = SwarmConfig {
            key: key.to_bytes(),
            members,
            listen: vec!["/ip4/127.0.0.1/tcp/0".to_owned()],
            any_port: false,
            bootstrap: self.addresses(via),
            mdns: false,
        };
        let swarm = Swarm::start(config, host).await.expect("loopback");
        swarm.settle(PATIENCE).await;
        self.swarms.insert(swarm.me(), swarm.clone());
        swarm
    }

    async fn stop(&mut self, peer: PeerId) {
        if let Some(swarm) = self.swarms.remove(&peer) {
            swarm.shutdown().await;
        }
    }

    async fn knock(
        &self,
        key: &SigningKey,
        to: PeerId,
        request: Request,
    ) -> Result<Reply, GridError> {
        let addresses = self.addresses(&[to]);
        let (peer, reply) = knock(key.to_bytes(), &addresses, false, request, PATIENCE).await?;
        assert_eq!(peer, to);
        Ok(reply)
    }

    async fn end(self) {
        for swarm in self.swarms.into_values() {
            swarm.shutdown().await;
        }
    }
}
