//! `bench`: how fast the link to holders is, measured with what they keep of ours.

use std::collections::BTreeMap;

use futures::FutureExt;
use p2p::{Grid, PeerId, PeerInfo, PeerState};

use super::{Run, WAIT_LOOK};
use crate::api::{Failure, GaugeView, GaugedView};
use crate::flow::gauge::{self, Flown, HolderSpeed};

impl Run {
    pub(super) async fn gauge(&self) -> Result<GaugeView, Failure> {
        self.settle(WAIT_LOOK).await?;
        let link = gauge::link(&self.ctx).boxed().await?;
        let peers: BTreeMap<PeerId, PeerInfo> =
            self.ctx.grid.peers().into_iter().map(|info| (info.peer, info)).collect();
        let online = peers.values().filter(|info| info.state == PeerState::Online).count();
        Ok(GaugeView {
            schema: "gbak.gauge/1".to_owned(),
            peers_online: online as u64,
            holders: link.holders.iter().map(|one| gauged(one, peers.get(&one.peer))).collect(),
            down_bytes_per_second: whole(link.down),
            up_bytes_per_second: whole(link.up),
        })
    }
}

fn gauged(one: &HolderSpeed, info: Option<&PeerInfo>) -> GaugedView {
    let view = info.map(crate::daemon::views::peer);
    GaugedView {
        peer_id: one.peer.to_string(),
        rtt_ms: view.as_ref().and_then(|view| view.rtt_ms),
        name: view.map(|view| view.name).unwrap_or_default(),
        down_bytes_per_second: whole(one.down),
        up_bytes_per_second: whole(one.up),
    }
}

fn whole(flown: Flown) -> Option<u64> {
    flown.rate().map(|rate| rate as u64)
}
