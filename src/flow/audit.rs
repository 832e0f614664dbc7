//! Does every holder still have what it took? Random parts of random shards are asked for, and
//! each answer is proven against the shard's name alone.
//!
//! [`SAMPLES`] of a holder's shards are enough that one which lost 5 % of them is found with 95 %:
//! 1 - 0.95^59 > 0.95, and without repetition more. Five verdicts are never mixed: who stalls is
//! asked the very same again, so that stalling buys no easier question.
//!
//! It changes nothing but the evidence, and may be cut off anywhere before that is noted.

use std::collections::BTreeMap;

use chunker::{PackId, PeerId, SLICE_MAX, ShardId, shard_len, verify_slice};
use p2p::{Grid, GridError, PeerState, Refusal, Reply, Request};

use crate::entropy::{self, Entropy};
use crate::flow::{Ctx, FlowError};
use crate::vault::index::PackRecord;

mod evidence;

pub use evidence::{Looks, Score, WINDOW_DAYS, looks, scores};

/// Shards asked for of each holder.
pub const SAMPLES: usize = 59;
/// How often the same challenge is put before a holder counts as too slow.
const TRIES: usize = 3;
/// Challenges a holder may stall before it is left alone until the next audit.
const STALLS: usize = 3;
/// Bytes asked for of each shard: enough to be more than one leaf, little enough for any line.
const PART: u32 = 4 * 1024;

/// What came of a challenge. The order is that of the evidence's counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It has the bytes.
    Proved = 0,
    /// It gave others.
    Wrong = 1,
    /// It answered that it does not have, or does not give, them.
    Refused = 2,
    /// It could not be asked.
    Unreachable = 3,
    /// It did not answer in time, again and again.
    Slow = 4,
}

/// One challenge and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// The holder.
    pub peer: PeerId,
    /// The shard asked for.
    pub shard: ShardId,
    /// Its pack.
    pub pack: PackId,
    /// What came of it.
    pub verdict: Verdict,
}

/// What an audit found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// Every challenge, by holder.
    pub findings: Vec<Finding>,
    /// Packs of which this audit found so many shards wrong or refused that fewer than k are left.
    pub lost_packs: u64,
}

/// A shard somebody should have.
#[derive(Debug, Clone, Copy)]
struct Held {
    shard: ShardId,
    len: u32,
    pack: PackId,
    /// How many placed shards of the pack may fail before it is lost.
    spare: usize,
}

/// Audits every holder, or only this one, and notes the evidence. Of two at once, one's evidence
/// could be lost: the caller runs one at a time.
pub async fn audit<G: Grid>(ctx: &Ctx<G>, only: Option<PeerId>) -> Result<AuditReport, FlowError> {
    let mut held = holdings(ctx)?;
    held.retain(|peer, _| only.is_none_or(|only| only == *peer));
    let peers = ctx.grid.peers().into_iter();
    let online: Vec<PeerId> =
        peers.filter(|peer| peer.state == PeerState::Online).map(|peer| peer.peer).collect();
    // Collected, because the compiler cannot prove a future `Send` that keeps the closure.
    let audits: Vec<_> = held
        .into_iter()
        .map(|(peer, shards)| audit_holder(ctx, peer, online.contains(&peer), shards))
        .collect();
    let all = futures::future::join_all(audits).await;
    let mut report = AuditReport::default();
    let mut failed: BTreeMap<PackId, (usize, usize)> = BTreeMap::new();
    for (finding, spare) in all.into_iter().flatten() {
        if matches!(finding.verdict, Verdict::Wrong | Verdict::Refused) {
            failed.entry(finding.pack).or_insert((0, spare)).0 += 1;
        }
        report.findings.push(finding);
    }
    report.lost_packs = failed.values().filter(|(count, spare)| count > spare).count() as u64;
    evidence::note(ctx, &report.findings)?;
    Ok(report)
}

/// What each holder should have.
fn holdings<G: Grid>(ctx: &Ctx<G>) -> Result<BTreeMap<PeerId, Vec<Held>>, FlowError> {
    let mut held: BTreeMap<PeerId, Vec<Held>> = BTreeMap::new();
    ctx.catalog.for_each_pack(|row| {
        let record = PackRecord::decode_stored(&row.record)?;
        let len = shard_len(record.code, record.meta.len as usize) as u32;
        let spare = record.holders().count().saturating_sub(usize::from(record.code.k()));
        for placed in &record.shards {
            if let Some(holder) = placed.holder {
                let (shard, pack) = (placed.id, row.id);
                held.entry(holder).or_default().push(Held { shard, len, pack, spare });
            }
        }
        Ok::<(), FlowError>(())
    })?;
    Ok(held)
}

/// One holder's challenges, one after another: an audit must not be what makes it slow.
async fn audit_holder<G: Grid>(
    ctx: &Ctx<G>,
    peer: PeerId,
    online: bool,
    shards: Vec<Held>,
) -> Vec<(Finding, usize)> {
    let mut findings = Vec::new();
    let mut stalls = 0;
    for held in sample(&*ctx.entropy, shards, SAMPLES) {
        let verdict = if online {
            prove(ctx, peer, held.shard, held.len).await
        } else {
            Verdict::Unreachable
        };
        let Held { shard, pack, spare, .. } = held;
        findings.push((Finding { peer, shard, pack, verdict }, spare));
        stalls += usize::from(verdict == Verdict::Slow);
        // Asking again would say the same of every other shard.
        if verdict == Verdict::Unreachable || stalls == STALLS {
            break;
        }
    }
    findings
}

/// So many of them, drawn without repetition.
fn sample<T>(entropy: &dyn Entropy, mut from: Vec<T>, most: usize) -> Vec<T> {
    for at in 0..most.min(from.len()) {
        let other = at + draw(entropy, (from.len() - at) as u64) as usize;
        from.swap(at, other);
    }
    from.truncate(most);
    from
}

/// Below `end`; what is uneven about it is below one in 2^40.
fn draw(entropy: &dyn Entropy, end: u64) -> u64 {
    u64::from_le_bytes(entropy::bytes(entropy)) % end.max(1)
}

/// Asks a holder for a random part of a shard of so many bytes.
pub(crate) async fn prove<G: Grid>(
    ctx: &Ctx<G>,
    peer: PeerId,
    shard: ShardId,
    shard_len: u32,
) -> Verdict {
    let len = PART.min(SLICE_MAX).min(shard_len);
    let offset = draw(&*ctx.entropy, u64::from(shard_len - len) + 1);
    for _ in 0..TRIES {
        return match ctx.grid.ask(peer, Request::Slice { shard, offset, len }).await {
            Ok(Reply::Slice { body }) => {
                let proven = ctx.work(move || verify_slice(shard, offset, len, &body)).await;
                match proven {
                    Ok(true) => Verdict::Proved,
                    Ok(false) => Verdict::Wrong,
                    // We are shutting down: it says nothing about the holder.
                    Err(_) => Verdict::Unreachable,
                }
            }
            Ok(Reply::Refused(Refusal::Busy)) | Err(GridError::Timeout { .. }) => continue,
            Ok(Reply::Refused(refusal)) if is_away(refusal) => Verdict::Unreachable,
            Ok(Reply::Refused(_)) => Verdict::Refused,
            Ok(_) | Err(GridError::WrongReply { .. }) => Verdict::Wrong,
            Err(_) => Verdict::Unreachable,
        };
    }
    Verdict::Slow
}

/// Whether this says nothing about the shard: the disk is not mounted, serving is paused, or the
/// peer is of an older version.
const fn is_away(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::DiskAway | Refusal::Paused | Refusal::Unsupported)
}

#[cfg(test)]
mod tests;
