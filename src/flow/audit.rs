//! Does every holder still have what it took? Random parts of random shards are asked for, and
//! each answer is proven against the shard's name alone.
//!
//! [`SAMPLES`] of a holder's shards are enough that one which lost 5 % of them is found with 95 %:
//! 1 - 0.95^59 > 0.95, and without repetition more. Whoever fails one is asked for all the others,
//! so that what is gone is known shard by shard. Five verdicts are never mixed: who stalls is asked
//! the very same again, so that stalling buys no easier question.
//!
//! Parts are cheap, but only a whole shard mends a pack: now and then one is asked for in full, as
//! a restore would. Who shows parts and does not give the whole is from then on believed only for
//! what it gives.
//!
//! It changes nothing but what is known of holders, and may be cut off anywhere before that is
//! noted.

use std::collections::{BTreeMap, BTreeSet};

use chunker::{PackId, PeerId, SLICE_MAX, ShardId, shard_len, verify_slice};
use p2p::wire::HAVE_LIMIT;
use p2p::{Grid, GridError, Refusal, Reply, Request};

pub use crate::care::Verdict;
use crate::care::{Rules, State};
use crate::entropy::{self, Entropy};
pub use crate::flow::health::Finding;
use crate::flow::health::{self, Holder};
use crate::flow::{Ctx, FlowError};
use crate::vault::index::PackRecord;

/// Shards asked for of each holder.
pub const SAMPLES: usize = 59;
/// Most shards asked for of a holder that failed one, in one audit.
const SWEEP: usize = 16 * 1024;
/// One shard is asked for in full in one of so many audits of a holder.
const WHOLE_ONE_IN: u64 = 4;
/// How often the same challenge is put before a holder counts as too slow.
const TRIES: usize = 3;
/// Challenges a holder may stall before it is left alone until the next audit.
const STALLS: usize = 3;
/// Bytes asked for of each shard: enough to be more than one leaf, little enough for any line.
const PART: u32 = 4 * 1024;

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
    /// Its holder did not have it when last asked.
    gone: bool,
}

/// What was found of one holder.
#[derive(Debug, Default)]
struct Found {
    findings: Vec<(Finding, usize)>,
    /// Whether it showed parts and did not give the whole; none when it was not tried.
    withholds: Option<bool>,
}

/// Audits every holder, or only this one, notes what was found, and draws the consequences. Of two
/// at once, one's evidence could be lost: the caller runs one at a time.
pub async fn audit<G: Grid>(
    ctx: &Ctx<G>,
    only: Option<PeerId>,
    rules: &Rules,
) -> Result<AuditReport, FlowError> {
    let mut held = holdings(ctx)?;
    held.retain(|peer, _| only.is_none_or(|only| only == *peer));
    let (online, holders) = (health::online(ctx), health::holders(ctx)?);
    // Collected, because the compiler cannot prove a future `Send` that keeps the closure.
    let audits: Vec<_> = held
        .into_iter()
        .filter_map(|(peer, shards)| {
            let known = holders.get(&peer).cloned().unwrap_or_default();
            let given_up = known.standing.state() == State::Lost && !online.contains(&peer);
            (!given_up).then(|| audit_holder(ctx, peer, online.contains(&peer), shards, known))
        })
        .collect();
    let all = futures::future::join_all(audits).await;
    let mut report = AuditReport::default();
    let mut failed: BTreeMap<PackId, (usize, usize)> = BTreeMap::new();
    for found in all {
        if let (Some(withholds), Some((first, _))) = (found.withholds, found.findings.first()) {
            health::change(ctx, first.peer, |holder| holder.withholds = withholds)?;
        }
        for (finding, spare) in found.findings {
            if finding.verdict.is_failure() {
                failed.entry(finding.pack).or_insert((0, spare)).0 += 1;
            }
            report.findings.push(finding);
        }
    }
    report.lost_packs = failed.values().filter(|(count, spare)| count > spare).count() as u64;
    health::note(ctx, &report.findings, rules)?;
    let (ctx, findings) = (ctx.clone(), report);
    let settled = ctx.clone();
    ctx.work(move || health::settle(&settled)).await??;
    Ok(findings)
}

/// What each holder should have.
fn holdings<G: Grid>(ctx: &Ctx<G>) -> Result<BTreeMap<PeerId, Vec<Held>>, FlowError> {
    let mut held: BTreeMap<PeerId, Vec<Held>> = BTreeMap::new();
    let gone: BTreeSet<(PeerId, ShardId)> = ctx.catalog.gone()?.into_iter().collect();
    ctx.catalog.for_each_pack(|row| {
        let record = PackRecord::decode_stored(&row.record)?;
        let len = shard_len(record.code, record.meta.len as usize) as u32;
        let spare = record.holders().count().saturating_sub(usize::from(record.code.k()));
        for placed in &record.shards {
            if let Some(holder) = placed.holder {
                let (shard, pack) = (placed.id, row.id);
                let gone = gone.contains(&(holder, shard));
                held.entry(holder).or_default().push(Held { shard, len, pack, spare, gone });
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
    known: Holder,
) -> Found {
    let mut round = Round { ctx, peer, whole: known.withholds, stalls: 0, found: Found::default() };
    if !online {
        let first = sample(&*ctx.entropy, shards, 1).pop();
        first.into_iter().for_each(|held| round.add(held, Verdict::Unreachable));
        return round.found;
    }
    let (mut claimed, denied) = round.ask_have(shards).await;
    denied.into_iter().for_each(|held| round.add(held, Verdict::Refused));
    // What it did not have before is asked for in any case: it may be back.
    let (back, rest): (Vec<Held>, Vec<Held>) = claimed.drain(..).partition(|held| held.gone);
    let mut open = back;
    let mut rest = sample(&*ctx.entropy, rest, SWEEP);
    open.extend(rest.drain(..rest.len().min(SAMPLES)));
    if round.ask(open).await {
        let failed = round.found.findings.iter().any(|(found, _)| found.verdict.is_failure());
        if failed || known.withholds {
            round.ask(rest).await;
        } else if draw(&*ctx.entropy, WHOLE_ONE_IN) == 0 {
            round.try_whole(rest).await;
        }
    }
    if known.withholds {
        let proved = |(found, _): &(Finding, usize)| found.verdict == Verdict::Proved;
        let honest = !round.found.findings.is_empty() && round.found.findings.iter().all(proved);
        round.found.withholds = Some(!honest);
    }
    round.found
}

/// One holder being audited.
struct Round<'a, G> {
    ctx: &'a Ctx<G>,
    peer: PeerId,
    /// Asks for whole shards.
    whole: bool,
    stalls: usize,
    found: Found,
}

impl<G: Grid> Round<'_, G> {
    fn add(&mut self, held: Held, verdict: Verdict) {
        let finding = Finding { peer: self.peer, shard: held.shard, pack: held.pack, verdict };
        self.found.findings.push((finding, held.spare));
    }

    /// Asks which of these it has by its own word, which is worth something only when it is no.
    async fn ask_have(&self, shards: Vec<Held>) -> (Vec<Held>, Vec<Held>) {
        let (mut claimed, mut denied) = (Vec::new(), Vec::new());
        for batch in shards.chunks(HAVE_LIMIT) {
            let names = batch.iter().map(|held| held.shard).collect();
            match self.ctx.grid.ask(self.peer, Request::Have { shards: names }).await {
                Ok(Reply::Have { held }) if held.len() == batch.len() => {
                    let answers = batch.iter().copied().zip(held);
                    let (yes, no): (Vec<_>, Vec<_>) = answers.partition(|(_, has)| *has);
                    claimed.extend(yes.into_iter().map(|(held, _)| held));
                    denied.extend(no.into_iter().map(|(held, _)| held));
                }
                // The challenges will tell.
                _ => claimed.extend_from_slice(batch),
            }
        }
        (claimed, denied)
    }

    /// Puts challenges until all are put. False when the holder is to be left alone.
    async fn ask(&mut self, shards: Vec<Held>) -> bool {
        for held in shards {
            let verdict = if self.whole {
                read(self.ctx, self.peer, held).await
            } else {
                prove(self.ctx, self.peer, held.shard, held.len).await
            };
            self.add(held, verdict);
            self.stalls += usize::from(verdict == Verdict::Slow);
            // Asking again would say the same of every other shard.
            if verdict == Verdict::Unreachable || self.stalls == STALLS {
                return false;
            }
        }
        true
    }

    /// Asks for one of the shards just proved in full. Who does not give it is asked for all of
    /// them in full.
    async fn try_whole(&mut self, rest: Vec<Held>) {
        let proved = self.found.findings.iter();
        let proved = proved.filter(|(found, _)| found.verdict == Verdict::Proved);
        let proved: Vec<(Finding, usize)> = proved.copied().collect();
        let Some((one, spare)) = sample(&*self.ctx.entropy, proved.clone(), 1).pop() else {
            return;
        };
        let again = |(found, spare): (Finding, usize)| Held {
            shard: found.shard,
            len: 0,
            pack: found.pack,
            spare,
            gone: false,
        };
        if !read(self.ctx, self.peer, again((one, spare))).await.is_failure() {
            return;
        }
        self.found = Found { findings: Vec::new(), withholds: Some(true) };
        self.whole = true;
        if self.ask(proved.into_iter().map(again).collect()).await {
            self.ask(rest).await;
        }
    }
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
                judged(ctx.work(move || verify_slice(shard, offset, len, &body)).await)
            }
            other => match of_failure(other) {
                Some(verdict) => verdict,
                None => continue,
            },
        };
    }
    Verdict::Slow
}

/// Asks for all of it, as a restore does.
async fn read<G: Grid>(ctx: &Ctx<G>, peer: PeerId, held: Held) -> Verdict {
    let shard = held.shard;
    for _ in 0..TRIES {
        return match ctx.grid.ask(peer, Request::Get { shard }).await {
            Ok(Reply::Shard { body }) => {
                judged(ctx.work(move || ShardId::from(blake3::hash(&body)) == shard).await)
            }
            other => match of_failure(other) {
                Some(verdict) => verdict,
                None => continue,
            },
        };
    }
    Verdict::Slow
}

fn judged(proven: Result<bool, FlowError>) -> Verdict {
    match proven {
        Ok(true) => Verdict::Proved,
        Ok(false) => Verdict::Wrong,
        // We are shutting down: it says nothing about the holder.
        Err(_) => Verdict::Unreachable,
    }
}

/// What an answer without bytes says; none when the same is to be asked again.
fn of_failure(answer: Result<Reply, GridError>) -> Option<Verdict> {
    match answer {
        Ok(Reply::Refused(Refusal::Busy)) | Err(GridError::Timeout { .. }) => None,
        Ok(Reply::Refused(refusal)) if is_away(refusal) => Some(Verdict::Unreachable),
        Ok(Reply::Refused(_)) => Some(Verdict::Refused),
        Ok(_) | Err(GridError::WrongReply { .. }) => Some(Verdict::Wrong),
        Err(_) => Some(Verdict::Unreachable),
    }
}

/// Whether this says nothing about the shard: the disk is not mounted, serving is paused, or the
/// peer is of an older version.
const fn is_away(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::DiskAway | Refusal::Paused | Refusal::Unsupported)
}

#[cfg(test)]
mod tests;
