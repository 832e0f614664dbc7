//! `peers ping`: whether a machine answers, and how fast, right now.

use std::time::Duration;

use p2p::{Grid, Reply, Request};
use tokio::time::Instant;

use super::caring::named;
use super::{Run, WAIT_LOOK};
use crate::api::{Failure, PingArgs, PingView, codes};
use crate::daemon::views;
use crate::entropy;

/// Most questions in one go.
const MOST: u32 = 100;
/// Between two of them.
const PAUSE: Duration = Duration::from_millis(200);

impl Run {
    pub(super) async fn ping(&self, args: PingArgs) -> Result<PingView, Failure> {
        self.settle(WAIT_LOOK).await?;
        let peers = self.ctx.grid.peers();
        let peer = named(&peers, &args.peer)?;
        let count = args.count.clamp(1, MOST);
        let mut rtts_ms = Vec::new();
        for nth in 0..count {
            if nth > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let nonce = u64::from_le_bytes(entropy::bytes(&*self.ctx.entropy));
            let offer = self.engine.swarm.members().offer();
            let asked = Instant::now();
            let reply = self.ctx.grid.ask(peer, Request::Ping { nonce, offer }).await;
            if matches!(reply, Ok(Reply::Pong { .. })) {
                rtts_ms.push(asked.elapsed().as_secs_f64() * 1e3);
            }
        }
        let info = self.ctx.grid.peers().into_iter().find(|info| info.peer == peer);
        let view = info.as_ref().map(views::peer);
        Ok(PingView {
            schema: "gbak.ping/1".to_owned(),
            peer_id: peer.to_string(),
            name: view.as_ref().map(|view| view.name.clone()).unwrap_or_default(),
            path: view.map(|view| view.path).unwrap_or_default(),
            asked: count,
            exit: if rtts_ms.is_empty() { codes::NO_PEERS.exit } else { 0 },
            rtts_ms,
        })
    }
}
