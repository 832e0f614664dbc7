//! Getting a pack back: any k of its n shards, the nearest holders first, each verified by its
//! name.
//!
//! A holder that gives wrong bytes is named as a problem and another one is used. When the recorded
//! holders do not suffice, every other connected peer is asked whether it has the missing shards: a
//! record can be stale after moves.
//!
//! A pack is lost only when so many of its holders answered that their shard is gone, or gave a
//! rotten one, that the rest cannot be enough. Whoever does not answer may still have it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chunker::{ChunkId, PackId, PackReader, PeerId, Record, ShardId};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use p2p::{Grid, PeerState, Refusal, Reply, Request};
use store::ChunkAt;

use crate::flow::opened::{LocalPacks, OpenBlocks};
use crate::flow::targets::Targets;
use crate::flow::{AskError, Ctx, FlowError};
use crate::monitor::{Counter, Problem};
use crate::placement::Lane;
use crate::vault::index::PackRecord;
use crate::vault::tree::{Content, Piece, PieceList};

/// How long nothing may come before one more holder is asked.
const HEDGE_AFTER: Duration = Duration::from_millis(1500);

/// Peers asked at once whether they have shards that are not where they should be.
const ASKED_AT_ONCE: usize = 16;

/// A shard to fetch: its index, name and a peer that should hold it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    pub(crate) index: u8,
    pub(crate) shard: ShardId,
    pub(crate) peer: PeerId,
}

/// What came of asking.
#[derive(Debug, Default)]
struct Gathered {
    /// Verified shards, by index.
    good: BTreeMap<u8, Bytes>,
    /// Indices whose holder answered, but does not have the shard or not whole, and that holder.
    gone: BTreeMap<u8, PeerId>,
}

/// A pack's record, from the catalog.
pub(crate) fn record_of<G: Grid>(ctx: &Ctx<G>, id: &PackId) -> Result<PackRecord, FlowError> {
    record_in(&ctx.catalog, id)
}

/// The same, from this catalog.
pub(crate) fn record_in(catalog: &store::Catalog, id: &PackId) -> Result<PackRecord, FlowError> {
    let (_, stored) = catalog.pack(id)?.ok_or(FlowError::UnknownPack { pack: *id })?;
    Ok(PackRecord::decode_stored(&stored)?)
}

/// A pack's sealed bytes: from the spool, from the metadata cache, or from holders.
pub(crate) async fn pack_bytes<G: Grid>(
    ctx: &Ctx<G>,
    record: &PackRecord,
) -> Result<Bytes, FlowError> {
    let (spool, cache, id) = (ctx.spool.clone(), ctx.cache.clone(), record.meta.id);
    let local = ctx.work(move || spool.get(&id).ok().or_else(|| cache.get(&id))).await?;
    match local {
        Some(bytes) => Ok(bytes),
        None => from_holders(ctx, record).await.0,
    }
}

/// The same, and keeps a copy: for metadata, which is read again and again.
pub(crate) async fn cached_pack_bytes<G: Grid>(
    ctx: &Ctx<G>,
    record: &PackRecord,
) -> Result<Bytes, FlowError> {
    let bytes = pack_bytes(ctx, record).await?;
    let (cache, id, copy) = (ctx.cache.clone(), record.meta.id, bytes.clone());
    if let Err(error) = ctx.work(move || cache.put(&id, &copy)).await? {
        tracing::warn!(%error, "the metadata cache takes nothing");
    }
    Ok(bytes)
}

/// Bytes of memory that fetching this pack takes at most: the whole, and one shard that is not in
/// its place yet.
pub(crate) fn footprint(record: &PackRecord) -> usize {
    let len = record.meta.len as usize;
    len + chunker::shard_len(record.code, len)
}

/// Fetches any k shards from holders and puts the pack together. Also says which shards, by index,
/// a holder turned out not to have any more, whether or not the others sufficed.
pub(crate) async fn from_holders<G: Grid>(
    ctx: &Ctx<G>,
    record: &PackRecord,
) -> (Result<Bytes, FlowError>, BTreeMap<u8, PeerId>) {
    let k = usize::from(record.code.k());
    let mut gathered = Gathered::default();
    let mut sources = by_nearness(ctx, record);
    gather(ctx, &mut sources, k, &mut gathered).await;
    if gathered.good.len() < k {
        let mut elsewhere = strays(ctx, record, &gathered.good, k).await;
        gather(ctx, &mut elsewhere, k, &mut gathered).await;
    }
    if gathered.good.len() < k {
        return (Err(shortfall(record, &gathered)), gathered.gone);
    }
    let (code, len) = (record.code, record.meta.len as usize);
    let shards: Vec<(u8, Bytes)> = gathered.good.into_iter().collect();
    let pool = ctx.buffers.clone();
    let decoded = ctx.compute(move || chunker::assemble_in(&pool, code, len, shards)).await;
    (decoded.and_then(|bytes| Ok(bytes?)), gathered.gone)
}

/// Shards of this pack, by index, that peers other than the recorded holders say they have.
pub(crate) async fn elsewhere<G: Grid>(ctx: &Ctx<G>, record: &PackRecord) -> Vec<(u8, PeerId)> {
    let found = strays(ctx, record, &BTreeMap::new(), usize::MAX).await;
    found.into_iter().map(|source| (source.index, source.peer)).collect()
}

/// Why there are fewer than k: for good, or for now.
fn shortfall(record: &PackRecord, gathered: &Gathered) -> FlowError {
    let (pack, needed) = (record.meta.id, usize::from(record.code.k()));
    let Gathered { good, gone } = gathered;
    let silent = record.sources().into_iter().map(|source| source.index);
    let silent =
        silent.filter(|index| !good.contains_key(index) && !gone.contains_key(index)).count();
    let left = good.len() + silent;
    if left < needed {
        FlowError::PackLost { pack, needed, left }
    } else {
        FlowError::PackUnavailable { pack, needed, found: good.len() }
    }
}

/// The recorded holders that can be asked, the nearest first; data shards before parity when two
/// are equally near, because they need no decoding. In reverse: taken from the end.
pub(crate) fn by_nearness<G: Grid>(ctx: &Ctx<G>, record: &PackRecord) -> Vec<Source> {
    let rtts: BTreeMap<PeerId, _> = ctx
        .grid
        .peers()
        .into_iter()
        .filter(|peer| peer.state == PeerState::Online)
        .map(|peer| (peer.peer, peer.rtt))
        .collect();
    let k = record.code.k();
    let mut sources: Vec<Source> = record.sources();
    sources.retain(|source| rtts.contains_key(&source.peer));
    // Round trips are compared in steps of 5 ms: below that, needing no decoding is worth more.
    sources.sort_by_key(|source| {
        let step = rtts.get(&source.peer).copied().flatten().map_or(0, |rtt| rtt.as_millis() / 5);
        (step, source.index >= k, source.index)
    });
    sources.reverse();
    sources
}

impl PackRecord {
    fn sources(&self) -> Vec<Source> {
        let placed = self.shards.iter().enumerate();
        placed
            .filter_map(|(index, placed)| {
                let peer = placed.holder?;
                Some(Source { index: index as u8, shard: placed.id, peer })
            })
            .collect()
    }
}

/// Keeps as many requests under way as shards are missing, until k good ones are there or no source
/// is left. When nothing has come for [`HEDGE_AFTER`], one more source is asked: a holder that
/// stalls must not stall the restore. `sources` is taken from its end.
async fn gather<G: Grid>(
    ctx: &Ctx<G>,
    sources: &mut Vec<Source>,
    k: usize,
    gathered: &mut Gathered,
) {
    let Gathered { good, gone } = gathered;
    let mut under_way = FuturesUnordered::new();
    let mut wanted = k;
    loop {
        while good.len() + under_way.len() < wanted
            && let Some(source) = sources.pop()
        {
            if !good.contains_key(&source.index) {
                under_way.push(async move { (source, get(ctx, source).await) });
            }
        }
        if good.len() >= k || under_way.is_empty() {
            return;
        }
        match tokio::time::timeout(HEDGE_AFTER, under_way.next()).await {
            Ok(Some((source, Ok(bytes)))) => {
                ctx.monitor.count(Counter::BytesMoved, bytes.len() as u64);
                good.insert(source.index, bytes);
            }
            Ok(Some((source, Err(error)))) => {
                report(ctx, source, &error);
                if is_gone(&error) {
                    gone.insert(source.index, source.peer);
                }
            }
            Ok(None) => return,
            Err(_stalled) => wanted += 1,
        }
    }
}

/// Whether the holder answered, and does not have the shard.
const fn is_gone(error: &AskError) -> bool {
    matches!(
        error,
        AskError::WrongBytes { .. }
            | AskError::Refused { refusal: Refusal::UnknownShard | Refusal::Rotten, .. }
    )
}

fn report<G: Grid>(ctx: &Ctx<G>, source: Source, error: &AskError) {
    tracing::debug!(peer = %source.peer.short(), shard = %source.shard.short(), %error, "no shard");
    if matches!(error, AskError::WrongBytes { .. }) {
        let item = format!("shard {}", source.shard);
        ctx.monitor.problem(&Problem::new(item, error));
    }
}

async fn get<G: Grid>(ctx: &Ctx<G>, source: Source) -> Result<Bytes, AskError> {
    get_from(ctx, source.shard, source.peer).await
}

/// One shard from one peer, verified by its name.
pub(crate) async fn get_from<G: Grid>(
    ctx: &Ctx<G>,
    shard: ShardId,
    peer: PeerId,
) -> Result<Bytes, AskError> {
    match ctx.grid.ask(peer, Request::Get { shard }).await? {
        Reply::Shard { body } => {
            let bytes = body.clone();
            let hashed = ctx.compute(move || ShardId::from(blake3::hash(&bytes))).await;
            match hashed {
                Ok(id) if id == shard => Ok(body),
                _ => Err(AskError::WrongBytes { peer, shard }),
            }
        }
        Reply::Refused(refusal) => Err(AskError::Refused { peer, refusal }),
        _ => Err(p2p::GridError::WrongReply { peer }.into()),
    }
}

/// Who else has shards of this pack that are still missing: asked along its walk, a few at a time,
/// until `k` are known of.
async fn strays<G: Grid>(
    ctx: &Ctx<G>,
    record: &PackRecord,
    good: &BTreeMap<u8, Bytes>,
    k: usize,
) -> Vec<Source> {
    let recorded: BTreeSet<(PeerId, ShardId)> =
        record.sources().iter().map(|source| (source.peer, source.shard)).collect();
    let missing: Vec<(u8, ShardId)> = record
        .shards
        .iter()
        .enumerate()
        .map(|(index, placed)| (index as u8, placed.id))
        .filter(|(index, _)| !good.contains_key(index))
        .collect();
    let names: Vec<ShardId> = missing.iter().map(|(_, id)| *id).collect();
    let mut found: Vec<Source> = Vec::new();
    for peers in asking_order(ctx, record).chunks(ASKED_AT_ONCE) {
        let asks = peers.iter().map(|peer| {
            let shards = names.clone();
            async move { (*peer, ctx.grid.ask(*peer, Request::Have { shards }).await) }
        });
        for (peer, reply) in futures::future::join_all(asks).await {
            let Ok(Reply::Have { held }) = reply else { continue };
            let here = missing.iter().zip(held).filter(|(_, held)| *held);
            let here =
                here.map(|((index, shard), _)| Source { index: *index, shard: *shard, peer });
            found.extend(here.filter(|one| !recorded.contains(&(one.peer, one.shard))));
        }
        let indices: BTreeSet<u8> = found.iter().map(|source| source.index).collect();
        if good.len() + indices.len() >= k {
            break;
        }
    }
    found
}

/// Everybody who is connected, along the pack's walk: where a shard goes when it has to be placed
/// anew. Few are asked all at once anyway.
fn asking_order<G: Grid>(ctx: &Ctx<G>, record: &PackRecord) -> Vec<PeerId> {
    let online = ctx.grid.peers().into_iter().filter(|peer| peer.state == PeerState::Online);
    let online: Vec<PeerId> = online.map(|info| info.peer).collect();
    if online.len() <= ASKED_AT_ONCE {
        return online;
    }
    Targets::now(ctx).sequence(ctx, Lane::from_number(record.lane)).to_vec()
}

/// Reads chunks of metadata one after another, keeping the blocks opened lately.
#[derive(Debug)]
pub(crate) struct ChunkReader<G> {
    ctx: Ctx<G>,
    roots: Option<Roots>,
    opened: OpenBlocks,
    /// The pack fetched last, when the cache did not take it.
    pack: Option<(PackId, Bytes)>,
}

/// Packs that are named by a head or a manifest, not by the catalog.
#[derive(Debug, Default)]
struct Roots {
    chunks: BTreeMap<ChunkId, ChunkAt>,
    packs: BTreeMap<PackId, Arc<PackRecord>>,
}

impl<G: Grid> ChunkReader<G> {
    /// Reads what the catalog knows.
    pub(crate) fn new(ctx: &Ctx<G>) -> Self {
        Self { ctx: ctx.clone(), roots: None, opened: OpenBlocks::default(), pack: None }
    }

    /// Reads from these packs only.
    pub(crate) fn over(ctx: &Ctx<G>, records: &[PackRecord]) -> Self {
        let mut roots = Roots::default();
        for record in records {
            let pack = record.meta.id;
            for (id, block, offset, len) in record.chunk_places() {
                roots.chunks.insert(id, ChunkAt { pack, block, offset, len });
            }
            roots.packs.insert(pack, Arc::new(record.clone()));
        }
        Self { roots: Some(roots), ..Self::new(ctx) }
    }

    fn find(&self, id: &ChunkId) -> Result<ChunkAt, FlowError> {
        let found = match &self.roots {
            Some(roots) => roots.chunks.get(id).copied(),
            None => self.ctx.catalog.find(id)?,
        };
        found.ok_or(FlowError::UnknownChunk { chunk: *id })
    }

    /// The plaintext of a metadata chunk.
    pub(crate) async fn chunk(&mut self, id: &ChunkId) -> Result<Bytes, FlowError> {
        let at = self.find(id)?;
        let raw = self.block(at.pack, at.block).await?;
        let (start, end) = (at.offset as usize, at.offset as usize + at.len as usize);
        raw.get(start..end)
            .map(|_| raw.slice(start..end))
            .ok_or(FlowError::UnknownChunk { chunk: *id })
    }

    /// The chunks of a record, put together.
    pub(crate) async fn record<T: Record>(&mut self, pieces: &[Piece]) -> Result<T, FlowError> {
        let mut bytes = Vec::new();
        for piece in pieces {
            if let Some(id) = &piece.chunk {
                bytes.extend_from_slice(&self.chunk(id).await?);
            }
        }
        Ok(T::decode(&bytes)?)
    }

    /// A file's pieces, wherever the listing keeps them.
    pub(crate) async fn pieces(&mut self, content: &Content) -> Result<Vec<Piece>, FlowError> {
        match content {
            Content::Inline(pieces) => Ok(pieces.clone()),
            Content::Listed(list) => Ok(self.record::<PieceList>(list).await?.pieces),
        }
    }

    async fn block(&mut self, pack: PackId, no: u32) -> Result<Bytes, FlowError> {
        if let Some(raw) = self.opened.block(&pack, no) {
            return Ok(raw);
        }
        let (ctx, roots) = (&self.ctx, self.roots.as_ref());
        let known = roots.and_then(|roots| roots.packs.get(&pack)).cloned();
        let record = match known.clone() {
            Some(record) => record,
            None => self.opened.record(&pack, || record_of(ctx, &pack))?,
        };
        let here = LocalPacks::of(ctx);
        let local = ctx.work(move || here.open(&record, no)).await?;
        let raw = match (local, known) {
            (Some(raw), _) => raw,
            (None, Some(record)) => self.fetched(record, no).await?,
            // Its shards may have moved since the record was kept.
            (None, None) => self.fetched(Arc::new(record_of(ctx, &pack)?), no).await?,
        };
        self.opened.keep(pack, no, raw.clone());
        Ok(raw)
    }

    /// A block of a pack that this machine does not keep, yet.
    async fn fetched(&mut self, record: Arc<PackRecord>, no: u32) -> Result<Bytes, FlowError> {
        let id = record.meta.id;
        let bytes = match self.pack.take() {
            Some((pack, bytes)) if pack == id => bytes,
            _ => cached_pack_bytes(&self.ctx, &record).await?,
        };
        self.pack = (!self.ctx.cache.contains(&id)).then(|| (id, bytes.clone()));
        let vault = Arc::clone(&self.ctx.vault);
        let open = move || PackReader::open(vault.keys(), &record.meta, &bytes)?.block(no as usize);
        Ok(self.ctx.work(open).await??.into())
    }
}
