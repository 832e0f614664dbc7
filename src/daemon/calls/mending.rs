//! `repair` and `peers lost`: make again what is missing, or go on without it. They write the
//! backup, and may be cut off anywhere.

use futures::FutureExt;
use p2p::Grid;

use super::caring::named;
use super::{Run, WAIT_PEERS, parse_spec, wait};
use crate::api::{
    Failure, PathBytes, RepairArgs, RepairView, SalvageArgs, SalvageView, SalvagedView, codes,
};
use crate::daemon::patience;
use crate::flow::health;
use crate::flow::repair::{self, RepairReport};
use crate::flow::salvage::{self, SalvagePlan, SalvageReport, Salvaged};

impl Run {
    pub(super) async fn repair(&self, args: RepairArgs) -> Result<RepairView, Failure> {
        self.settle(wait(args.wait_peers_secs)).await?;
        let _writing = self.write().await?;
        self.mended().await
    }

    /// Gives a holder up for good, and makes again what it had.
    pub(super) async fn peer_lost(&self, peer: &str) -> Result<RepairView, Failure> {
        self.settle(WAIT_PEERS).await?;
        let holder = named(&self.ctx.grid.peers(), peer)?;
        let _writing = self.write().await?;
        {
            let _caring = self.engine.auditing.lock().await;
            let (ctx, now) = (self.ctx.clone(), self.ctx.clock.now_secs());
            let declare = move || {
                health::change(&ctx, holder, |known| known.standing.declare_lost(now))?;
                health::settle(&ctx)
            };
            self.ctx.work(declare).await??;
        }
        self.mended().await
    }

    /// With the backup's lock held. Who came back since the agent last looked is counted in first.
    async fn mended(&self) -> Result<RepairView, Failure> {
        {
            let _caring = self.engine.auditing.lock().await;
            let (ctx, rules) = (self.ctx.clone(), patience::rules(&self.engine.config));
            self.ctx.work(move || health::look_around(&ctx, &rules)).await??;
        }
        let plan = patience::repair(&self.engine.config, true);
        Ok(view(&repair::repair(&self.ctx, plan).boxed().await?))
    }

    /// Makes snapshots again without what is lost.
    pub(super) async fn salvage(&self, args: SalvageArgs) -> Result<SalvageView, Failure> {
        let named = args.snapshots.iter().map(|text| parse_spec(text));
        let plan = SalvagePlan {
            named: named.collect::<Result<_, _>>()?,
            forget: args.forget,
            dry_run: args.dry_run,
        };
        self.settle(WAIT_PEERS).await?;
        let _writing = self.write().await?;
        let report = salvage::salvage(&self.ctx, &plan, &self.cancel).boxed().await?;
        Ok(salvaged(&report))
    }
}

const fn view_exit(report: &RepairReport) -> u8 {
    match report {
        RepairReport { packs_lost: 1.., .. } => codes::REPAIR_LOSS.exit,
        RepairReport { packs_still_degraded: 1.., .. } => codes::REPAIR_PARTIAL.exit,
        _ => 0,
    }
}

fn view(report: &RepairReport) -> RepairView {
    RepairView {
        schema: "gbak.repair/1".to_owned(),
        packs_repaired: report.packs_repaired,
        shards_made: report.shards_made,
        shards_found: report.shards_found,
        bytes_from_peers: report.bytes_from_peers,
        bytes_from_source: report.bytes_from_source,
        bytes_sent: report.bytes_sent,
        packs_still_degraded: report.packs_still_degraded,
        packs_lost: report.packs_lost,
        exit: view_exit(report),
    }
}

fn salvaged(report: &SalvageReport) -> SalvageView {
    let view = |one: &Salvaged| SalvagedView {
        snapshot_id: one.original.to_string(),
        salvaged_id: one.salvaged.map(|id| id.to_string()),
        left_out: one.left_out.paths.iter().map(|path| PathBytes(path.clone())).collect(),
        left_out_total: one.left_out.count,
        whole: one.left_out.whole,
    };
    let short = report.salvaged.iter().any(|one| one.salvaged.is_none());
    SalvageView {
        schema: "gbak.salvage/1".to_owned(),
        snapshots_checked: report.looked as u64,
        snapshots: report.salvaged.iter().map(view).collect(),
        forgotten: report.forgotten as u64,
        exit: if short { codes::SALVAGE_LOSS.exit } else { 0 },
    }
}
