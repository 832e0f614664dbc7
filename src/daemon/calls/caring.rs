//! `check` and `audit`: is what is stored still there?
//!
//! They only look, so they run beside a backup and may be cut off anywhere. One audit at a time.

use std::collections::BTreeMap;

use futures::FutureExt;
use p2p::{Grid, PeerId, PeerInfo};

use super::{Run, wait};
use crate::api::{
    AuditArgs, AuditRunView, AuditSummary, CheckArgs, CheckProblemView, CheckView, Failure,
    HolderView, PathBytes, VerdictView, codes, is_called,
};
use crate::daemon::patience;
use crate::flow::audit::{self, AuditReport, Finding, Verdict};
use crate::flow::check::{self, CheckProblem, CheckReport, Grade, Sample};

impl Run {
    pub(super) async fn check(&self, args: CheckArgs) -> Result<CheckView, Failure> {
        self.settle(wait(args.wait_peers_secs)).await?;
        let part = args.read_subset.as_deref().map(str::parse::<Sample>);
        let wrong = |error| codes::USAGE.failure(format!("--read-data-subset is {error}"));
        let part = part.transpose().map_err(wrong)?;
        let sample = part.unwrap_or(Sample::from(args.read_data));
        let report = check::check(&self.ctx, sample).boxed().await?;
        let peers = self.ctx.grid.peers();
        let names = peers.into_iter().map(|info| (info.peer, info.name)).collect();
        Ok(view(report, &names, sample != Sample::Nothing))
    }

    pub(super) async fn audit(&self, args: AuditArgs) -> Result<AuditRunView, Failure> {
        let _auditing = self.engine.auditing.lock().await;
        self.settle(wait(args.wait_peers_secs)).await?;
        let peers = self.ctx.grid.peers();
        let only = args.peer.map(|wanted| named(&peers, &wanted)).transpose()?;
        let rules = patience::rules(&self.engine.config);
        let report = audit::audit(&self.ctx, only, &rules).boxed().await?;
        let names = peers.into_iter().map(|info| (info.peer, info.name)).collect();
        Ok(audited(&report, &names))
    }
}

/// The one device of that name, or whose id begins so.
pub(super) fn named(peers: &[PeerInfo], wanted: &str) -> Result<PeerId, Failure> {
    let meant = |info: &&PeerInfo| is_called(wanted, &info.name, &info.peer.to_string());
    let found = peers.iter().filter(meant);
    let found: Vec<PeerId> = found.map(|info| info.peer).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(codes::USAGE.failure(format!("No known machine is called {wanted}"))),
        _ => {
            let message = format!("Several machines are called {wanted}: give more of the id");
            Err(codes::USAGE.failure(message))
        }
    }
}

fn audited(report: &AuditReport, names: &BTreeMap<PeerId, String>) -> AuditRunView {
    let count = |wanted: Verdict| {
        report.findings.iter().filter(|finding| finding.verdict == wanted).count() as u64
    };
    let summary = AuditSummary {
        holders: report.findings.chunk_by(|one, next| one.peer == next.peer).count() as u64,
        proved: count(Verdict::Proved),
        wrong: count(Verdict::Wrong),
        refused: count(Verdict::Refused),
        unreachable: count(Verdict::Unreachable),
        slow: count(Verdict::Slow),
        packs_lost: report.lost_packs,
    };
    let verdict = |finding: &Finding| VerdictView {
        peer_id: finding.peer.to_string(),
        name: names.get(&finding.peer).cloned(),
        shard_id: finding.shard.to_string(),
        verdict: finding.verdict.word().to_owned(),
    };
    let answered = summary.proved + summary.wrong + summary.refused > 0;
    let exit = match () {
        () if report.lost_packs > 0 => codes::AUDIT_LOSS.exit,
        () if summary.wrong + summary.refused > 0 => codes::AUDIT_FAILED.exit,
        () if !answered && !report.findings.is_empty() => codes::NO_PEERS.exit,
        () => 0,
    };
    let verdicts = report.findings.iter().map(verdict).collect();
    AuditRunView { schema: "gbak.audit/1".to_owned(), verdicts, summary, exit }
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
