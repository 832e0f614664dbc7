//! `audit --history`: what is kept of audits, for people and for whoever wants to keep it longer.

use std::collections::BTreeMap;

use p2p::{Grid, PeerId};

use super::Run;
use super::caring::named;
use crate::api::{
    EvidenceArgs, EvidenceDay, EvidenceFailure, EvidenceView, Failure, HolderEvidence,
};
use crate::care::evidence::{self, WINDOW_DAYS};
use crate::daemon::views;
use crate::flow::health::{self, Holder};

impl Run {
    pub(super) async fn evidence(&self, args: &EvidenceArgs) -> Result<EvidenceView, Failure> {
        let peers = self.ctx.grid.peers();
        let only = args.peer.as_deref().map(|wanted| named(&peers, wanted)).transpose()?;
        let (ctx, now) = (self.ctx.clone(), self.ctx.clock.now_secs());
        let holders = self.ctx.work(move || health::holders(&ctx)).await??;
        let names: BTreeMap<PeerId, String> =
            peers.into_iter().map(|info| (info.peer, info.name)).collect();
        let asked = holders.into_iter().filter(|(peer, _)| only.is_none_or(|only| only == *peer));
        let view = |(peer, known): (PeerId, Holder)| of(peer, &known, names.get(&peer), now);
        Ok(EvidenceView {
            schema: "gbak.evidence/1".to_owned(),
            window_days: WINDOW_DAYS,
            holders: asked.map(view).collect(),
        })
    }
}

fn of(peer: PeerId, known: &Holder, name: Option<&String>, now_secs: u64) -> HolderEvidence {
    let (score, looks) = (known.evidence.score(now_secs), known.evidence.looks(now_secs));
    let audited = score.proved + score.failed > 0;
    HolderEvidence {
        peer_id: peer.to_string(),
        name: name.cloned(),
        standing: known.standing.state().word().to_owned(),
        correctness: audited.then(|| score.correctness()),
        presence: (looks.looks > 0).then(|| looks.seen as f64 / looks.looks as f64),
        days: known.evidence.days().map(day).collect(),
        failures: known.evidence.failures().iter().map(failure).collect(),
    }
}

fn day((began_secs, counts): (u64, [u64; 5])) -> EvidenceDay {
    let [proved, wrong, refused, unreachable, slow] = counts;
    EvidenceDay { day: views::time_secs(began_secs), proved, wrong, refused, unreachable, slow }
}

fn failure(failed: &evidence::Failure) -> EvidenceFailure {
    EvidenceFailure {
        time: views::time_secs(failed.secs),
        shard_id: failed.shard.to_string(),
        verdict: failed.verdict().word().to_owned(),
    }
}
