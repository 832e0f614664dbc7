//! A part of a pack without the rest of it: slices of the shards it lies in, each verified by the
//! shard's name before a byte of it counts.
//!
//! A data shard is a plain piece of the pack, so whoever holds it has the part as it is. When that
//! one cannot be asked, or fails, or nothing comes from anybody for long, the same place of any k
//! other shards gives it: the coder treats every 64 bytes by themselves. What was asked first goes
//! on meanwhile: on a slow line it may be the first to come. What cannot be had this way is an
//! error here; whoever wants it fetches the whole pack ([`super::fetch`]), which looks further.
//!
//! Who fetches many parts keeps [`Holders`], so that a holder that failed once is reported once and
//! not asked first again until something comes from it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use chunker::{Code, PeerId, SLICE_MAX, ShardId, open_slice};
use futures::stream::{self, FuturesUnordered};
use futures::{StreamExt, TryStreamExt};
use p2p::{Grid, GridError, Reply, Request};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::flow::fetch::by_nearness;
use crate::flow::{AskError, Ctx, FlowError, lock};
use crate::monitor::{Counter, Problem};
use crate::vault::index::PackRecord;

/// How long nothing may come before another way is tried as well.
const HEDGE_AFTER: Duration = Duration::from_millis(1500);
/// Slices of one part asked for at once.
const SLICES_AT_ONCE: usize = 4;
/// Parts of one pack asked for at once: they lie in as many shards as the code has for data.
const PARTS_AT_ONCE: usize = 16;
/// What the coder treats by itself, in bytes.
const STEP: usize = 64;
/// Parts made from others' at once: each takes as much memory as k of them, and more.
const MADE_AT_ONCE: usize = 2;

/// What is known of the holders that parts are fetched from.
#[derive(Debug)]
pub(crate) struct Holders {
    /// When something came from any of them last.
    heard: Mutex<Instant>,
    /// Those that gave wrong bytes or none, or were silent while everybody was.
    failed: Mutex<BTreeSet<PeerId>>,
    /// Never closed.
    making: Semaphore,
}

impl Default for Holders {
    fn default() -> Self {
        Self {
            heard: Mutex::new(Instant::now()),
            failed: Mutex::default(),
            making: Semaphore::new(MADE_AT_ONCE),
        }
    }
}

impl Holders {
    fn came_from(&self, peer: PeerId) {
        *lock(&self.heard) = Instant::now();
        lock(&self.failed).remove(&peer);
    }

    /// Whether it did not count as one that fails.
    fn fails(&self, peer: PeerId) -> bool {
        lock(&self.failed).insert(peer)
    }

    fn is_failing(&self, peer: PeerId) -> bool {
        lock(&self.failed).contains(&peer)
    }

    /// Waits until nothing came for so long, counted from when this was called at the earliest.
    async fn silence(&self) {
        let mut since = Instant::now();
        loop {
            tokio::time::sleep_until(since + HEDGE_AFTER).await;
            let heard = *lock(&self.heard);
            if heard <= since {
                return;
            }
            since = heard;
        }
    }
}

/// A part of the shard of this index.
#[derive(Debug, Clone)]
struct Piece {
    index: usize,
    range: Range<usize>,
}

/// The bytes of a pack in `range`, from holders that can be asked.
pub(crate) async fn pack_part<G: Grid>(
    ctx: &Ctx<G>,
    record: &PackRecord,
    range: Range<usize>,
) -> Result<Bytes, FlowError> {
    part(ctx, (record, &Holders::default()), range).await
}

async fn part<G: Grid>(
    ctx: &Ctx<G>,
    (record, holders): (&PackRecord, &Holders),
    range: Range<usize>,
) -> Result<Bytes, FlowError> {
    let mut parts = Vec::new();
    for piece in pieces(record.code, record.meta.len as usize, range) {
        parts.push(piece_bytes(ctx, (record, holders), piece).await?);
    }
    Ok(joined(parts))
}

/// Whether the holder of every data shard can be asked, so that parts need not be made from others.
pub(crate) fn is_direct<G: Grid>(ctx: &Ctx<G>, record: &PackRecord) -> bool {
    let there: BTreeSet<usize> = online(ctx, record).into_iter().map(|(index, ..)| index).collect();
    (0..usize::from(record.code.k())).all(|index| there.contains(&index))
}

/// The bytes of a pack in each of these ranges, several fetched at once. Fails with the first.
pub(crate) async fn pack_parts<G: Grid>(
    ctx: &Ctx<G>,
    (record, holders): (&PackRecord, &Holders),
    ranges: &[Range<usize>],
) -> Result<Vec<Bytes>, FlowError> {
    let mut parts = Vec::with_capacity(ranges.len());
    for range in ranges {
        parts.push(part(ctx, (record, holders), range.clone()));
    }
    stream::iter(parts).buffered(PARTS_AT_ONCE).try_collect().await
}

/// The parts of data shards that make up a range of a pack.
fn pieces(code: Code, len: usize, range: Range<usize>) -> Vec<Piece> {
    let each = chunker::shard_len(code, len);
    let first = range.start / each;
    let piece = |index: usize| {
        let (from, to) = (range.start.max(index * each), range.end.min((index + 1) * each));
        (from < to).then(|| Piece { index, range: from - index * each..to - index * each })
    };
    (first..usize::from(code.k())).map_while(piece).collect()
}

async fn piece_bytes<G: Grid>(
    ctx: &Ctx<G>,
    (record, holders): (&PackRecord, &Holders),
    piece: Piece,
) -> Result<Bytes, FlowError> {
    let mut sources = online(ctx, record);
    let direct = sources.iter().position(|(index, ..)| *index == piece.index);
    let direct = direct.filter(|at| !holders.is_failing(sources[*at].2));
    let Some((_, shard, peer)) = direct.map(|at| sources.remove(at)) else {
        return made(ctx, (record, holders), sources, &piece).await;
    };
    let asking = read(ctx, (peer, holders), shard, piece.range.clone());
    tokio::pin!(asking);
    tokio::select! { biased;
        read = &mut asking => match read {
            Ok(bytes) => return Ok(bytes),
            Err(error) => {
                report(ctx, holders, (shard, peer), &error);
                return made(ctx, (record, holders), sources, &piece).await;
            }
        },
        () = holders.silence() => {
            holders.fails(peer);
        }
    }
    let other = made(ctx, (record, holders), sources, &piece);
    tokio::pin!(other);
    tokio::select! { biased;
        read = &mut asking => match read {
            Ok(bytes) => Ok(bytes),
            Err(error) => {
                report(ctx, holders, (shard, peer), &error);
                other.await
            }
        },
        made = &mut other => match made {
            Ok(bytes) => Ok(bytes),
            Err(error) => asking.await.map_err(|_failed| error),
        },
    }
}

/// A piece from the same place of others' shards.
async fn made<G: Grid>(
    ctx: &Ctx<G>,
    (record, holders): (&PackRecord, &Holders),
    sources: Vec<(usize, ShardId, PeerId)>,
    piece: &Piece,
) -> Result<Bytes, FlowError> {
    let _turn = holders.making.acquire().await;
    let (wide, index) = (widened(&piece.range), piece.index);
    let shards = columns(ctx, (record, holders), sources, &wide).await?;
    let (code, width) = (record.code, wide.len());
    let whole = usize::from(code.k()) * width;
    let made = ctx.compute(move || chunker::assemble(code, whole, shards)).await??;
    // Of one shard only, this is the first and only column.
    let from = index * width + piece.range.start - wide.start;
    let piece = made.get(from..from + piece.range.len()).ok_or(FlowError::Inconsistent)?;
    // Not a part of it, which would keep all of it in memory.
    Ok(Bytes::copy_from_slice(piece))
}

/// The holders that can be asked, with what each holds, the nearest first.
fn online<G: Grid>(ctx: &Ctx<G>, record: &PackRecord) -> Vec<(usize, ShardId, PeerId)> {
    let mut sources = by_nearness(ctx, record);
    sources.reverse();
    let whole = record.code.k() == 1;
    // Every copy of a pack that is not cut is its first piece.
    let index = |index: u8| if whole { 0 } else { usize::from(index) };
    sources.into_iter().map(|source| (index(source.index), source.shard, source.peer)).collect()
}

/// The range that holds this one and that the coder can treat.
fn widened(range: &Range<usize>) -> Range<usize> {
    range.start / STEP * STEP..range.end.next_multiple_of(STEP)
}

/// The same range of any k of these shards.
async fn columns<G: Grid>(
    ctx: &Ctx<G>,
    (record, holders): (&PackRecord, &Holders),
    sources: Vec<(usize, ShardId, PeerId)>,
    range: &Range<usize>,
) -> Result<Vec<(u8, Bytes)>, FlowError> {
    let k = usize::from(record.code.k());
    let (mut good, mut under_way) = (BTreeMap::new(), FuturesUnordered::new());
    let (mut sources, mut wanted) = (sources.into_iter(), k);
    while good.len() < k {
        while good.len() + under_way.len() < wanted
            && let Some((index, shard, peer)) = sources.next()
        {
            let asking = read(ctx, (peer, holders), shard, range.clone());
            under_way.push(async move { (index, shard, peer, asking.await) });
        }
        match tokio::time::timeout(HEDGE_AFTER, under_way.next()).await {
            Ok(Some((index, _, _, Ok(bytes)))) => {
                good.insert(index as u8, bytes);
            }
            Ok(Some((_, shard, peer, Err(error)))) => {
                report(ctx, holders, (shard, peer), &error);
            }
            Ok(None) => {
                let (pack, found) = (record.meta.id, good.len());
                return Err(FlowError::PackUnavailable { pack, needed: k, found });
            }
            Err(_stalled) => wanted += 1,
        }
    }
    Ok(good.into_iter().collect())
}

/// A range of a shard from one peer, by verified slices.
async fn read<G: Grid>(
    ctx: &Ctx<G>,
    (peer, holders): (PeerId, &Holders),
    shard: ShardId,
    range: Range<usize>,
) -> Result<Bytes, AskError> {
    let steps = range.clone().step_by(SLICE_MAX as usize);
    let asks = steps.map(|at| {
        let len = (range.end - at).min(SLICE_MAX as usize) as u32;
        slice(ctx, (peer, holders), shard, (at as u64, len))
    });
    let parts = stream::iter(asks).buffered(SLICES_AT_ONCE).try_collect();
    parts.await.map(joined)
}

fn joined(mut parts: Vec<Bytes>) -> Bytes {
    if parts.len() == 1 { parts.swap_remove(0) } else { parts.concat().into() }
}

async fn slice<G: Grid>(
    ctx: &Ctx<G>,
    (peer, holders): (PeerId, &Holders),
    shard: ShardId,
    (offset, len): (u64, u32),
) -> Result<Bytes, AskError> {
    match ctx.grid.ask(peer, Request::Slice { shard, offset, len }).await? {
        Reply::Slice { body } => {
            ctx.monitor.count(Counter::BytesMoved, body.len() as u64);
            let opened = ctx.compute(move || open_slice(shard, offset, len, &body)).await;
            let opened = opened.ok().flatten().ok_or(AskError::WrongBytes { peer, shard })?;
            holders.came_from(peer);
            Ok(opened.into())
        }
        Reply::Refused(refusal) => Err(AskError::Refused { peer, refusal }),
        _ => Err(GridError::WrongReply { peer }.into()),
    }
}

/// Notes that a holder failed; one that lies is a problem, the first time.
fn report<G: Grid>(
    ctx: &Ctx<G>,
    holders: &Holders,
    (shard, peer): (ShardId, PeerId),
    error: &AskError,
) {
    tracing::debug!(peer = %peer.short(), shard = %shard.short(), %error, "no part of a shard");
    if holders.fails(peer) && matches!(error, AskError::WrongBytes { .. }) {
        ctx.monitor.problem(&Problem::new(format!("shard {shard}"), error));
    }
}

#[cfg(test)]
mod tests;
