//! `away`: says to everybody that this machine will not be here for a while.

use p2p::{Grid, PeerState, Reply, Request};

use super::{Run, WAIT_PEERS};
use crate::api::{AwayArgs, AwayView, Failure, codes};
use crate::daemon::{absence, views};
use crate::entropy;

impl Run {
    /// Kept here when this returns, and told to everybody who is connected.
    pub(super) async fn away(&self, args: AwayArgs) -> Result<AwayView, Failure> {
        let until_secs = match args.secs {
            None => 0,
            Some(secs) if secs <= absence::LONGEST => {
                self.ctx.clock.now_secs().saturating_add(secs)
            }
            Some(_) => {
                let message = "Nobody waits longer than 30 days for a machine";
                return Err(codes::USAGE.failure(message));
            }
        };
        let (home, members) =
            (self.engine.home.root().to_owned(), self.engine.swarm.members().clone());
        let announce = move || absence::announce(&home, &members, until_secs);
        let kept = self.ctx.work(announce).await?;
        kept.map_err(|error| codes::DISK.failure(format!("The absence cannot be kept: {error}")))?;
        self.settle(WAIT_PEERS).await?;
        let (asked, told) = self.tell().await;
        Ok(AwayView {
            schema: "gbak.away/1".to_owned(),
            until: (until_secs > 0).then(|| views::time_secs(until_secs)),
            told,
            asked,
        })
    }

    /// How many are connected, and how many of them heard it.
    async fn tell(&self) -> (u64, u64) {
        let online = self.ctx.grid.peers().into_iter();
        let online = online.filter(|info| info.state == PeerState::Online);
        let offer = self.engine.swarm.members().offer();
        let asks: Vec<_> = online
            .map(|info| {
                let nonce = u64::from_le_bytes(entropy::bytes(&*self.ctx.entropy));
                self.ctx.grid.ask(info.peer, Request::Ping { nonce, offer })
            })
            .collect();
        let replies = futures::future::join_all(asks).await;
        let told = replies.iter().filter(|reply| matches!(reply, Ok(Reply::Pong { .. })));
        (replies.len() as u64, told.count() as u64)
    }
}
