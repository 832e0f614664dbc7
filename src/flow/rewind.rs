//! Going back to what was there before somebody deleted it: a stolen device key, or a mistake.
//!
//! Holders keep every head that was a device's newest within the last days, with the time at which
//! it came to them, and what no device retains any more rests in quarantine for as long. So the
//! newest head of each device that holders had by a moment leads to everything that was there then:
//! its shards are called back, its snapshots are entered here, and this device names them in a head
//! of its own, so that they stay. No history is rewritten; what was published since stays as well.
//!
//! Which head counts is decided by the holders' clocks, not by what heads say of themselves: of the
//! times at which the holders got it, the one in the middle. So neither a forged clock of the
//! source nor a minority of lying holders moves it. Nothing is believed that its device did not
//! sign.
//!
//! May be cut off anywhere and done again: shards that were called back stay, snapshots that were
//! entered are found again.

use std::collections::{BTreeMap, BTreeSet};

use chunker::{HeadHash, PeerId, ShardId, SnapshotId};
use futures::StreamExt;
use p2p::head::SignedHead;
use p2p::wire::{HISTORY_PAGE, KeptHead, LEASE_PAGE};
use p2p::{Grid, PeerState, Reply, Request};

use crate::flow::backup::is_shortage;
use crate::flow::recover::{bring_in, genuine};
use crate::flow::targets::Targets;
use crate::flow::{Ctx, FlowError, publish};
use crate::vault::index::PackRecord;

/// Heads read from one holder at most: one a minute for a month.
const HEADS: usize = 45_000;
/// Holders asked at once.
const HOLDERS: usize = 8;

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RewindReport {
    /// The head gone back to, of each device that had one by then.
    pub heads: BTreeMap<PeerId, u64>,
    /// Snapshots that are known now and were not before.
    pub snapshots: u64,
    /// Shards their holders have and keep.
    pub shards_kept: u64,
    /// Shards their holders do not have any more.
    pub shards_missing: u64,
    /// Shards whose holders did not answer: to be called back when they are here, within days.
    pub shards_silent: u64,
    /// What was odd, one sentence each.
    pub warnings: Vec<String>,
}

/// One device's heads, by number and hash, each with the times at which holders got it.
type History = BTreeMap<(u64, HeadHash), (SignedHead, Vec<u64>)>;

/// Brings back what was there at `at_secs`, by the holders' clocks. The caller writes the owner's
/// backup.
pub async fn rewind<G: Grid>(ctx: &Ctx<G>, at_secs: u64) -> Result<RewindReport, FlowError> {
    let histories = histories(ctx).await?;
    let mut report = RewindReport::default();
    let known: BTreeSet<SnapshotId> =
        ctx.catalog.snapshots()?.into_iter().map(|(id, ..)| id).collect();
    let mut manifests = Vec::new();
    for (device, history) in &histories {
        let Some((head, since)) = newest_by(history, at_secs) else { continue };
        match bring_in(ctx, head).await {
            Ok((mut manifest, missing)) => {
                report.heads.insert(*device, head.seq);
                report.warnings.extend(missing);
                manifest.witnessed(middle(since));
                // What its device still names is that one's to keep or to forget.
                manifest.snapshots.retain(|entry| !known.contains(&entry.id));
                if !manifest.snapshots.is_empty() {
                    manifests.push(manifest);
                }
            }
            Err(error) => {
                let (device, seq) = (device.short(), head.seq);
                let warning = format!("head {seq} of device {device} is unusable: {error}");
                report.warnings.push(warning);
            }
        }
    }
    let before = known.len() as u64;
    report.snapshots = (ctx.catalog.snapshots()?.len() as u64).saturating_sub(before);
    call_back(ctx, &mut report).await?;
    match publish::adopt(ctx, &Targets::now(ctx), &manifests).await {
        Err(error) if is_shortage(&error) => {
            let warning = "too few machines are here to name it in a head of this device: run it \
                           again within days";
            report.warnings.push(warning.to_owned());
        }
        adopted => drop(adopted?),
    }
    Ok(report)
}

/// The newest head that holders had at that moment; of a fork the one that more of them have.
fn newest_by(history: &History, at_secs: u64) -> Option<&(SignedHead, Vec<u64>)> {
    let had = history.values().filter(|(_, since)| middle(since) <= at_secs);
    had.max_by_key(|(head, since)| (head.seq, since.len()))
}

/// The later of the two in the middle when there is no middle one: rather too late than too early,
/// since what came later was published after it.
pub(crate) fn middle(times: &[u64]) -> u64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(u64::MAX)
}

/// Asks every connected holder for all heads it keeps of this owner.
async fn histories<G: Grid>(ctx: &Ctx<G>) -> Result<BTreeMap<PeerId, History>, FlowError> {
    let online = ctx.grid.peers().into_iter().filter(|info| info.state == PeerState::Online);
    let asks: Vec<_> = online.map(|info| history(ctx, info.peer)).collect();
    let answers: Vec<_> = futures::stream::iter(asks).buffer_unordered(HOLDERS).collect().await;
    let mut histories: BTreeMap<PeerId, History> = BTreeMap::new();
    let mut answered = 0;
    for kept in answers.into_iter().flatten() {
        answered += 1;
        for (head, since) in kept {
            let history = histories.entry(head.device()).or_default();
            let entry = history.entry((head.seq, head.hash()));
            entry.or_insert_with(|| (head, Vec::new())).1.push(since);
        }
    }
    if answered == 0 { Err(FlowError::NoPeers) } else { Ok(histories) }
}

/// What one holder keeps, each head once; none when it did not answer.
async fn history<G: Grid>(ctx: &Ctx<G>, peer: PeerId) -> Option<Vec<(SignedHead, u64)>> {
    let mut kept: BTreeMap<HeadHash, (SignedHead, u64)> = BTreeMap::new();
    let mut skip = 0_usize;
    while skip < HEADS {
        let request = Request::HeadHistory { skip: u32::try_from(skip).ok()? };
        let Ok(Reply::HeadHistory { heads, total }) = ctx.grid.ask(peer, request).await else {
            return if skip == 0 { None } else { Some(kept.into_values().collect()) };
        };
        let came = heads.len().min(HISTORY_PAGE);
        for KeptHead { head, since_secs } in heads.into_iter().take(HISTORY_PAGE) {
            if let Some(head) = genuine(ctx, &head) {
                kept.insert(head.hash(), (head, since_secs));
            } else {
                tracing::warn!(peer = %peer.short(), "a kept head is not genuine");
            }
        }
        skip += came;
        if came == 0 || skip >= total as usize {
            break;
        }
    }
    Some(kept.into_values().collect())
}

/// Tells every holder to keep what it is known to have: what rests in quarantine leaves it.
async fn call_back<G: Grid>(ctx: &Ctx<G>, report: &mut RewindReport) -> Result<(), FlowError> {
    let mut wanted: BTreeMap<PeerId, BTreeSet<ShardId>> = BTreeMap::new();
    ctx.catalog.for_each_pack(|row| {
        let record = PackRecord::decode_stored(&row.record)?;
        for shard in &record.shards {
            if let Some(holder) = shard.holder {
                wanted.entry(holder).or_default().insert(shard.id);
            }
        }
        Ok::<(), FlowError>(())
    })?;
    let asks: Vec<_> =
        wanted.into_iter().map(|(peer, shards)| call_back_from(ctx, peer, shards)).collect();
    let mut asks = futures::stream::iter(asks).buffer_unordered(HOLDERS);
    while let Some((held, missing, silent)) = asks.next().await {
        report.shards_kept += held;
        report.shards_missing += missing;
        report.shards_silent += silent;
    }
    Ok(())
}

/// How many it keeps, has not, and did not answer for.
async fn call_back_from<G: Grid>(
    ctx: &Ctx<G>,
    peer: PeerId,
    shards: BTreeSet<ShardId>,
) -> (u64, u64, u64) {
    let shards: Vec<ShardId> = shards.into_iter().collect();
    let (mut held, mut missing) = (0, 0);
    for page in shards.chunks(LEASE_PAGE) {
        match ctx.grid.ask(peer, Request::CallBack { shards: page.to_vec() }).await {
            Ok(Reply::CalledBack { held: said }) => {
                let here = said.iter().filter(|held| **held).count() as u64;
                held += here;
                missing += page.len() as u64 - here;
            }
            other => {
                tracing::debug!(peer = %peer.short(), ?other, "does not call back");
                break;
            }
        }
    }
    (held, missing, shards.len() as u64 - held - missing)
}

#[cfg(test)]
mod tests;
