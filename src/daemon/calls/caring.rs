//! `check`: is what is stored still there?
//!
//! It only looks, so it runs beside a backup and may be cut off anywhere.

use std::collections::BTreeMap;

use futures::FutureExt;
use p2p::{Grid, PeerId};

use super::{Run, wait};
use crate::api::{CheckArgs, CheckProblemView, CheckView, Failure, HolderView, PathBytes, codes};
use crate::flow::check::{self, CheckProblem, CheckReport, Grade};

impl Run {
    pub(super) async fn check(&self, args: CheckArgs) -> Result<CheckView, Failure> {
        self.settle(wait(args.wait_peers_secs)).await?;
        let report = check::check(&self.ctx, args.read_data).boxed().await?;
        let peers = self.ctx.grid.peers();
        let names = peers.into_iter().map(|info| (info.peer, info.name)).collect();
        Ok(view(report, &names, args.read_data))
    }
}

fn view(report: CheckReport, names: &BTreeMap<PeerId, String>, read_data: bool) -> CheckView {
    CheckView {
        schema: "gbak.check/1".to_owned(),
        ok: report.problems.is_empty(),
        snapshots_checked: report.snapshots,
        packs_checked: report.packs,
        chunks_checked: report.chunks,
        shards_confirmed: report.confirmed,
        shards_missing: report.missing,
        shards_unconfirmed: report.unconfirmed,
        read_data,
        bytes_read: report.bytes_read,
        exit: report.worst().map_or(0, exit),
        problems: report.problems.into_iter().map(|found| problem(found, names)).collect(),
    }
}

fn problem(found: CheckProblem, names: &BTreeMap<PeerId, String>) -> CheckProblemView {
    let holder =
        |peer: &PeerId| HolderView { peer_id: peer.to_string(), name: names.get(peer).cloned() };
    CheckProblemView {
        kind: kind(found.grade).to_owned(),
        pack_id: found.pack.map(|pack| pack.to_string()),
        message: found.message,
        holders: found.holders.iter().map(holder).collect(),
        files: found.files.into_iter().map(PathBytes).collect(),
        files_total: found.files_total,
    }
}

const fn kind(grade: Grade) -> &'static str {
    match grade {
        Grade::Loss => "loss",
        Grade::Damage => "damage",
        Grade::OutOfReach => "out_of_reach",
    }
}

const fn exit(grade: Grade) -> u8 {
    match grade {
        Grade::Loss => codes::CHECK_LOSS.exit,
        Grade::Damage => codes::CHECK_DAMAGE.exit,
        Grade::OutOfReach => codes::PACK_UNAVAILABLE.exit,
    }
}
