//! `drill`: can it be restored? It changes nothing of the backup, so it runs beside one.

use std::collections::BTreeMap;

use p2p::{Grid, PeerId};

use super::{Run, wait};
use crate::api::{DrillArgs, DrillView, Failure, HolderView, ProofView, WitnessView, codes};
use crate::daemon::engine::Engine;
use crate::daemon::events::problem_view;
use crate::flow::drill::{DrillPlan, DrillReport, Proof, drill};

impl Run {
    pub(super) async fn drill(&self, args: DrillArgs) -> Result<DrillView, Failure> {
        let _drilling = tokio::select! { biased;
            () = self.cancel.cancelled() => {
                return Err(codes::INTERRUPTED.failure("Stopped on request"));
            }
            guard = self.engine.drilling.lock() => guard,
        };
        self.settle(wait(args.wait_peers_secs)).await?;
        let plan = plan(&self.engine, &args);
        let report = drill(&self.ctx, &plan, &self.cancel).await?;
        if report.files.0 == 0 && report.files.1 > 0 {
            let message = format!("No file of the snapshot is within {} bytes", args.max_bytes);
            return Err(codes::USAGE.failure(message));
        }
        let peers = self.ctx.grid.peers();
        let names = peers.into_iter().map(|info| (info.peer, info.name)).collect();
        Ok(view(&report, &names))
    }
}

/// A drill in a directory of its own below the home.
pub(in crate::daemon) fn plan(engine: &Engine, args: &DrillArgs) -> DrillPlan {
    DrillPlan {
        files: args.files as usize,
        max_bytes: args.max_bytes,
        without: args.without_peers as usize,
        place: engine.home.root().join("drill"),
    }
}

pub(super) fn proof(proof: Proof) -> ProofView {
    let Proof { files, bytes, identical, full_seconds, secs: _ } = proof;
    ProofView { files, bytes, identical, full_restore_seconds: full_seconds }
}

fn view(report: &DrillReport, names: &BTreeMap<PeerId, String>) -> DrillView {
    let holder =
        |peer: &PeerId| HolderView { peer_id: peer.to_string(), name: names.get(peer).cloned() };
    let seconds = report.took.1.as_secs_f64();
    DrillView {
        schema: "gbak.drill/1".to_owned(),
        ok: report.is_good(),
        snapshot_id: report.snapshot.to_string(),
        snapshots: report.found.snapshots,
        head_seq: report.found.head_seq,
        witnesses: WitnessView {
            asked: report.found.asked as u64,
            confirmed: report.found.confirmed as u64,
        },
        aside: report.aside.iter().map(holder).collect(),
        files: report.files.0,
        files_total: report.files.1,
        bytes: report.bytes.0,
        bytes_total: report.bytes.1,
        identical: report.identical,
        changed: report.changed,
        differing: report.differing,
        packs_lost: report.lost_packs,
        seconds_index: report.took.0.as_secs_f64(),
        seconds_restore: seconds,
        bytes_per_second: (seconds > 0.0 && report.moved > 0)
            .then(|| report.moved as f64 / seconds),
        full_restore_seconds: report.full.map(|full| full.as_secs_f64()),
        problems: report.problems.iter().map(problem_view).collect(),
        exit: match () {
            () if report.lost_packs > 0 || report.differing > 0 => codes::DRILL_LOSS.exit,
            () if !report.problems.is_empty() => codes::DRILL_FAILED.exit,
            () => 0,
        },
    }
}
