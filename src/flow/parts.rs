//! A part of a pack without the rest of it: slices of the shards it lies in, each verified by the
//! shard's name before a byte of it counts.
//!
//! A data shard is a plain piece of the pack, so whoever holds it has the part as it is. When that
//! one cannot be asked, or fails, or says nothing for long, the same place of any k other shards
//! gives it: the coder treats every 64 bytes by themselves. What cannot be had this way is an error
//! here; whoever wants it fetches the whole pack ([`super::fetch`]), which looks further.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use chunker::{Code, PeerId, SLICE_MAX, ShardId, open_slice};
use futures::stream::{self, FuturesUnordered};
use futures::{StreamExt, TryStreamExt};
use p2p::{Grid, GridError, Reply, Request};

use crate::flow::fetch::by_nearness;
use crate::flow::{AskError, Ctx, FlowError};
use crate::monitor::{Counter, Problem};
use crate::vault::index::PackRecord;

/// How long nothing may come before another way is tried as well.
const HEDGE_AFTER: Duration = Duration::from_millis(1500);
/// Slices of one shard asked for at once: half of the streams to a peer.
const SLICES_AT_ONCE: usize = 4;
/// Parts of one pack asked for at once: they lie in as many shards as the code has for data.
const PARTS_AT_ONCE: usize = 16;
/// What the coder treats by itself, in bytes.
const STEP: usize = 64;

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
    let mut parts = Vec::new();
    for piece in pieces(record.code, record.meta.len as usize, range) {
        parts.push(piece_bytes(ctx, record, piece).await?);
    }
    Ok(joined(parts))
}

/// The bytes of a pack in each of these ranges, several fetched at once. Fails with the first.
pub(crate) async fn pack_parts<G: Grid>(
    ctx: &Ctx<G>,
    record: &PackRecord,
    ranges: &[Range<usize>],
) -> Result<Vec<Bytes>, FlowError> {
    let mut parts = Vec::with_capacity(ranges.len());
    for range in ranges {
        parts.push(pack_part(ctx, record, range.clone()));
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
    record: &PackRecord,
    piece: Piece,
) -> Result<Bytes, FlowError> {
    let mut sources = online(ctx, record);
    let direct = sources.iter().position(|(index, ..)| *index == piece.index);
    if let Some((_, shard, peer)) = direct.map(|at| sources.remove(at)) {
        let asking = read(ctx, peer, shard, piece.range.clone());
        match tokio::time::timeout(HEDGE_AFTER, asking).await {
            Ok(Ok(bytes)) => return Ok(bytes),
            Ok(Err(error)) => report(ctx, shard, peer, &error),
            Err(_stalled) => {}
        }
    }
    let (wide, index) = (widened(&piece.range), piece.index);
    let shards = columns(ctx, record, sources, &wide).await?;
    let (code, width) = (record.code, wide.len());
    let whole = usize::from(code.k()) * width;
    let made = ctx.compute(move || chunker::assemble(code, whole, shards)).await??;
    // Of one shard only, this is the first and only column.
    let from = index * width + piece.range.start - wide.start;
    Ok(made.slice(from..from + piece.range.len()))
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
    record: &PackRecord,
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
            let asking = read(ctx, peer, shard, range.clone());
            under_way.push(async move { (index, shard, peer, asking.await) });
        }
        match tokio::time::timeout(HEDGE_AFTER, under_way.next()).await {
            Ok(Some((index, _, _, Ok(bytes)))) => {
                good.insert(index as u8, bytes);
            }
            Ok(Some((_, shard, peer, Err(error)))) => report(ctx, shard, peer, &error),
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
    peer: PeerId,
    shard: ShardId,
    range: Range<usize>,
) -> Result<Bytes, AskError> {
    let steps = range.clone().step_by(SLICE_MAX as usize);
    let asks = steps.map(|at| {
        let len = (range.end - at).min(SLICE_MAX as usize) as u32;
        slice(ctx, peer, shard, (at as u64, len))
    });
    let parts = stream::iter(asks).buffered(SLICES_AT_ONCE).try_collect();
    parts.await.map(joined)
}

fn joined(mut parts: Vec<Bytes>) -> Bytes {
    if parts.len() == 1 { parts.swap_remove(0) } else { parts.concat().into() }
}

async fn slice<G: Grid>(
    ctx: &Ctx<G>,
    peer: PeerId,
    shard: ShardId,
    (offset, len): (u64, u32),
) -> Result<Bytes, AskError> {
    match ctx.grid.ask(peer, Request::Slice { shard, offset, len }).await? {
        Reply::Slice { body } => {
            ctx.monitor.count(Counter::BytesMoved, body.len() as u64);
            let opened = ctx.compute(move || open_slice(shard, offset, len, &body)).await;
            let opened = opened.ok().flatten().ok_or(AskError::WrongBytes { peer, shard })?;
            Ok(opened.into())
        }
        Reply::Refused(refusal) => Err(AskError::Refused { peer, refusal }),
        _ => Err(GridError::WrongReply { peer }.into()),
    }
}

fn report<G: Grid>(ctx: &Ctx<G>, shard: ShardId, peer: PeerId, error: &AskError) {
    tracing::debug!(peer = %peer.short(), shard = %shard.short(), %error, "no part of a shard");
    if matches!(error, AskError::WrongBytes { .. }) {
        ctx.monitor.problem(&Problem::new(format!("shard {shard}"), error));
    }
}

#[cfg(test)]
mod tests;
