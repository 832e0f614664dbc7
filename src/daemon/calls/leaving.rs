//! `leave` and `peers evacuate`: two ends of moving shards away.
//!
//! `leave` lends nothing any more, asks all owners to move what is here, hands over what they do
//! not, and returns when nothing is left. Cut off, it goes on in the background as long as the
//! agent runs, since what is stored is more than what is lent.

use std::time::Duration;

use futures::FutureExt;
use p2p::PeerId;
use store::Usage;
use tokio::time::Instant;

use super::caring::named;
use super::{Run, WAIT_PEERS};
use crate::api::{
    DonateAct, DonateArgs, EvacuateView, Failure, LeaveView, codes, setup::Amount, setup::Lend,
};
use crate::daemon::engine::EngineError;
use crate::flow::moving::{self, MoveReport};
use p2p::Grid;

/// Between two looks at how far it is.
const STEP: Duration = Duration::from_secs(1);
/// Between two words about it.
const WORD: Duration = Duration::from_secs(10);
/// How long owners have before what is theirs is handed over: whoever leaves waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

impl Run {
    pub(super) async fn leave(&self) -> Result<LeaveView, Failure> {
        let lend = Lend { donate: Some(Amount::Bytes(0)), ..Lend::default() };
        self.donate(DonateArgs { act: DonateAct::Stop, disks: Vec::new(), lend }).await?;
        self.settle(WAIT_PEERS).await?;
        let before = self.stored().await?;
        let mut told = Instant::now();
        loop {
            self.engine.watch.look(PATIENCE).await;
            let left = self.stored().await?;
            if left.shards == 0 {
                break;
            }
            if told.elapsed() >= WORD {
                told = Instant::now();
                let size = bytesize::ByteSize::b(left.bytes).display().iec();
                let words = format!("{} shards ({size}) are still here", left.shards);
                self.ctx.monitor.warn(&words);
            }
            tokio::time::sleep(STEP).await;
        }
        Ok(LeaveView {
            schema: "gbak.leave/1".to_owned(),
            shards_moved: before.shards,
            bytes_moved: before.bytes,
            drained: true,
            seconds_elapsed: self.started.elapsed().as_secs_f64(),
        })
    }

    async fn stored(&self) -> Result<Usage, Failure> {
        let shelf = self.engine.host.shelf().clone();
        let usage = self.ctx.work(move || shelf.usage()).await?;
        Ok(usage.map_err(EngineError::from)?)
    }

    pub(super) async fn evacuate(&self, peer: &str) -> Result<EvacuateView, Failure> {
        self.settle(WAIT_PEERS).await?;
        let peers = self.ctx.grid.peers();
        let holder = named(&peers, peer)?;
        let _writing = self.write().await?;
        let report = self.evacuate_all(holder).await?;
        Ok(EvacuateView {
            schema: "gbak.evacuate/1".to_owned(),
            peer_id: holder.to_string(),
            shards_moved: report.moved,
            bytes_sent: report.moved_bytes,
            shards_left: report.left,
            exit: if report.left > 0 { codes::EVACUATED_PARTLY.exit } else { 0 },
        })
    }

    /// Again while it gets further: what moved makes new manifests, of which old ones stay behind.
    async fn evacuate_all(&self, holder: PeerId) -> Result<MoveReport, Failure> {
        let mut sum = MoveReport::default();
        loop {
            let report = moving::evacuate(&self.ctx, holder).boxed().await?;
            sum.moved += report.moved;
            sum.moved_bytes += report.moved_bytes;
            sum.let_go += report.let_go;
            sum.left = report.left;
            if report.moved == 0 {
                return Ok(sum);
            }
        }
    }
}
