//! Telling holders what is still wanted, so that they give back the rest.
//!
//! Wanted is what is in the index: every pack that a device's published segments list, the packs
//! that its newest head and manifest are in, and whatever this device has on its way. All of a
//! wanted pack's shards are, wherever they are: a shard that came back after it was made again
//! elsewhere stays. Everything else a holder has of this owner is left out.
//!
//! Order, which makes it safe beside a running backup: each holder says the time (by its own clock)
//! and what it has; then every device's newest head is read; then what is wanted is gathered; then
//! the sets are sent, dated with the holder's time. A shard that was put after that stays. One put
//! before belongs to a pack that was in this catalog before its first shard left, so it is wanted.
//! Packs of manifests become known by a head only; those that no head names any more are left out
//! when they were seen so for [`RetainPlan::settle_secs`], longer than publishing takes.
//!
//! How it fails: when anything that any device published cannot be read, nothing is sent to
//! anybody. A holder that cannot be told now is told the next time. It can be dropped at any point.

use std::collections::{BTreeMap, BTreeSet};

use chunker::{PeerId, Record, ShardId};
use p2p::wire::{Mark, RetainRange, Retained};
use p2p::{Grid, PeerState, Refusal, Reply, Request};
use serde::{Deserialize, Serialize};

use crate::flow::{AskError, Ctx, FlowError, recover};

mod wanted;

use wanted::Wanted;

/// Local value: when which holder was told.
const TOLD: &str = "retain.told";
/// How often one range is sent again because the holder did a part of it.
const PARTS: usize = 1024;
/// Pages of one holder: four billion shards.
const PAGES: usize = 1 << 20;

/// Whom to tell, and how.
#[derive(Debug, Clone, Default)]
pub struct RetainPlan {
    /// Only these; everybody who is connected when absent.
    pub only: Option<BTreeSet<PeerId>>,
    /// How long a pack of a manifest must have been named by no head: a day beside a backup that
    /// may be publishing, nothing for a caller that knows of none.
    pub settle_secs: u64,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct RetainReport {
    /// Each holder that was told, with what it did.
    pub told: BTreeMap<PeerId, Told>,
    /// Holders that could not be told now.
    pub missed: BTreeSet<PeerId>,
}

/// What one holder did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// Shards it has of this owner, quarantine included.
    pub shards: u64,
    /// Left out by this device, still retained by another.
    pub released: u64,
    /// In quarantine since now.
    pub left: u64,
    /// Not wanted, but too young to go.
    pub young: u64,
    /// Wanted again: called back from quarantine.
    pub back: u64,
}

impl RetainReport {
    /// Over all holders.
    pub fn sum(&self) -> Told {
        self.told.values().fold(Told::default(), |sum, one| Told {
            shards: sum.shards + one.shards,
            released: sum.released + one.released,
            left: sum.left + one.left,
            young: sum.young + one.young,
            back: sum.back + one.back,
        })
    }
}

/// When each holder was told last, by this device's clock.
#[derive(Debug, Default, Serialize, Deserialize)]
struct ToldAt {
    /// When the newest set was made: the next one must be newer.
    made_secs: u64,
    peers: BTreeMap<PeerId, u64>,
}

impl Record for ToldAt {
    const NAME: &'static str = "told holders";
    const VERSION: u8 = 1;
    const LIMIT: usize = 16 * 1024 * 1024;
}

/// A page of what a holder has.
#[derive(Debug)]
struct Page {
    at_secs: u64,
    shards: Vec<ShardId>,
    marks: Vec<Mark>,
    more: bool,
}

/// Tells every connected holder what is wanted.
pub async fn retain<G: Grid>(ctx: &Ctx<G>, plan: &RetainPlan) -> Result<RetainReport, FlowError> {
    let asked = |peer: &PeerId| plan.only.as_ref().is_none_or(|only| only.contains(peer));
    let online = ctx.grid.peers().into_iter().filter(|peer| peer.state == PeerState::Online);
    let peers: Vec<PeerId> = online.map(|info| info.peer).filter(asked).collect();
    let opens = peers.iter().map(|peer| async { (*peer, page(ctx, *peer, FIRST).await) });
    let opened: Vec<(PeerId, Result<Page, AskError>)> = futures::future::join_all(opens).await;
    // Only now: what this finds is at least as new as what the holders said.
    let known = recover::everything(ctx).await?;
    let wanted = wanted::gather(ctx, &known.devices, plan.settle_secs).await?;
    let mut told_at = told_at(ctx)?;
    told_at.made_secs = (told_at.made_secs + 1).max(ctx.clock.now_secs());
    keep(ctx, &told_at).await?;
    let made_secs = told_at.made_secs;
    let mut report = RetainReport::default();
    // One after another: giving back is in no hurry, and answers of others should not wait for it.
    for (peer, first) in opened {
        let result = match first {
            // A head that only this one has may be of a device nobody else knows of.
            _ if !known.answered.contains(&peer) => {
                Err(p2p::GridError::Unreachable { peer }.into())
            }
            Ok(first) => tell(ctx, peer, first, (&wanted, made_secs)).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(told) => {
                told_at.peers.insert(peer, ctx.clock.now_secs());
                report.told.insert(peer, told);
            }
            Err(error) => {
                tracing::info!(peer = %peer.short(), %error, "not told what is wanted");
                report.missed.insert(peer);
            }
        }
    }
    keep(ctx, &told_at).await?;
    wanted::drop_unwanted(ctx, &known.devices, wanted).await?;
    Ok(report)
}

const FIRST: ShardId = ShardId::from_bytes([0; 32]);

/// Holders that were not told within `period_secs` and are connected now.
pub fn due<G: Grid>(ctx: &Ctx<G>, period_secs: u64) -> Result<BTreeSet<PeerId>, FlowError> {
    let (told_at, now) = (told_at(ctx)?, ctx.clock.now_secs());
    let online = ctx.grid.peers().into_iter().filter(|peer| peer.state == PeerState::Online);
    let is_due = |peer: &PeerId| {
        told_at.peers.get(peer).is_none_or(|told| now.abs_diff(*told) >= period_secs)
    };
    Ok(online.map(|info| info.peer).filter(is_due).collect())
}

fn told_at<G: Grid>(ctx: &Ctx<G>) -> Result<ToldAt, FlowError> {
    match ctx.catalog.get(TOLD)? {
        Some(bytes) => Ok(ToldAt::decode(&bytes)?),
        None => Ok(ToldAt::default()),
    }
}

async fn keep<G: Grid>(ctx: &Ctx<G>, told_at: &ToldAt) -> Result<(), FlowError> {
    let (catalog, bytes) = (ctx.catalog.clone(), told_at.encode());
    Ok(ctx.work(move || catalog.set(TOLD, &bytes)).await??)
}

async fn page<G: Grid>(ctx: &Ctx<G>, peer: PeerId, from: ShardId) -> Result<Page, AskError> {
    match ctx.grid.ask(peer, Request::Held { from }).await? {
        Reply::Held { at_secs, shards, marks, more } => Ok(Page { at_secs, shards, marks, more }),
        Reply::Refused(refusal) => Err(AskError::Refused { peer, refusal }),
        _ => Err(p2p::GridError::WrongReply { peer }.into()),
    }
}

/// Goes through all that one holder has. The set's time is that of the first page.
async fn tell<G: Grid>(
    ctx: &Ctx<G>,
    peer: PeerId,
    first: Page,
    (wanted, made_secs): (&Wanted, u64),
) -> Result<Told, AskError> {
    let (mut told, at_secs) = (Told::default(), first.at_secs);
    let (mut from, mut current) = (FIRST, first);
    for _ in 0..PAGES {
        told.shards += current.shards.len() as u64;
        let last = current.shards.last().copied();
        let to = last.filter(|_| current.more).map(after);
        if changes(&current, wanted) {
            let shards: Vec<ShardId> =
                current.shards.iter().filter(|id| wanted.has(id)).copied().collect();
            let range = RetainRange { made_secs, at_secs, from, to, shards };
            send(ctx, peer, range, &mut told).await?;
        }
        let Some(next) = to else { return Ok(told) };
        from = next;
        current = page(ctx, peer, from).await?;
    }
    Ok(told)
}

/// Whether a page is not as it should be.
fn changes(page: &Page, wanted: &Wanted) -> bool {
    page.shards.iter().zip(&page.marks).any(|(shard, mark)| match mark {
        Mark::Held => !wanted.has(shard),
        Mark::Released | Mark::Left => wanted.has(shard),
    })
}

async fn send<G: Grid>(
    ctx: &Ctx<G>,
    peer: PeerId,
    mut range: RetainRange,
    told: &mut Told,
) -> Result<(), AskError> {
    for _ in 0..PARTS {
        let done = match ctx.grid.ask(peer, Request::Retain(Box::new(range.clone()))).await? {
            Reply::Retained(done) => done,
            Reply::Refused(refusal) => return Err(AskError::Refused { peer, refusal }),
            _ => return Err(p2p::GridError::WrongReply { peer }.into()),
        };
        let Retained { back, released, left, young, next, .. } = done;
        told.back += u64::from(back);
        told.released += u64::from(released);
        told.left += u64::from(left);
        told.young += u64::from(young);
        let Some(next) = next else { return Ok(()) };
        range.from = next;
        range.shards.retain(|shard| *shard >= next);
    }
    Err(AskError::Refused { peer, refusal: Refusal::Busy })
}

/// The name right after another.
fn after(shard: ShardId) -> ShardId {
    let mut bytes = *shard.as_bytes();
    for byte in bytes.iter_mut().rev() {
        let (next, carried) = byte.overflowing_add(1);
        *byte = next;
        if !carried {
            break;
        }
    }
    ShardId::from_bytes(bytes)
}

#[cfg(test)]
mod tests;
