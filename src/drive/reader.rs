//! Bytes of files that are on the grid: the packs they need are fetched once, kept on disk within a
//! limit, and opened blocks are kept in memory within another.
//!
//! A pack that several readers want is fetched by the first of them; the others wait for it. A file
//! that is read from front to back has its next packs fetched ahead. Nothing here has a deadline:
//! whoever asks gives up when it likes, and what it asked for is dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use chunker::{ChunkId, Class, PackId, PackReader, Record};
use p2p::Grid;
use store::PackCache;
use tokio::sync::Semaphore;

use super::lock;
use super::lru::Lru;
use crate::flow::fetch::{cached_pack_bytes, pack_bytes, record_of};
use crate::flow::{Ctx, FlowError};
use crate::vault::tree::{Content, Piece, PieceList};

#[cfg(test)]
mod tests;

/// Opened blocks kept, in bytes of plain data.
const BLOCKS_BYTES: usize = 64 * 1024 * 1024;
/// Packs kept ready to be opened, in sealed bytes: a few of the largest.
const PACKS_BYTES: usize = 64 * 1024 * 1024;
/// How far ahead of a sequential reader packs are fetched.
const AHEAD_BYTES: u64 = 48 * 1024 * 1024;
/// Packs fetched ahead at once, for all readers.
const AHEAD_PACKS: usize = 2;

/// Reads chunks wherever they are.
pub struct Reader<G> {
    ctx: Ctx<G>,
    /// Data packs on this disk.
    packs: Arc<PackCache>,
    opened: Mutex<Lru<PackId, Arc<PackReader>>>,
    blocks: Mutex<Lru<(PackId, u32), Bytes>>,
    /// Held by whoever fetches the pack.
    busy: Mutex<BTreeMap<PackId, Arc<tokio::sync::Mutex<()>>>>,
    ahead: Arc<Semaphore>,
}

impl<G> std::fmt::Debug for Reader<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("packs", &self.packs).finish_non_exhaustive()
    }
}

/// A file's pieces, and how far it was read in one go.
#[derive(Debug)]
pub struct Layout {
    pieces: Vec<Piece>,
    /// Where each piece begins; one more at the end, the file's size.
    starts: Vec<u64>,
    /// Where the last read ended.
    next: AtomicU64,
    /// Up to where packs were fetched ahead.
    ahead: AtomicU64,
}

/// A part of one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    chunk: Option<ChunkId>,
    from: u64,
    to: u64,
}

impl Layout {
    /// Of a file of `size` bytes; `None` when the pieces are not that long.
    pub fn new(pieces: Vec<Piece>, size: u64) -> Option<Self> {
        let mut starts = Vec::with_capacity(pieces.len() + 1);
        let mut at = 0_u64;
        for piece in &pieces {
            starts.push(at);
            at = at.checked_add(piece.len)?;
        }
        starts.push(at);
        (at == size).then(|| Self { pieces, starts, next: 0.into(), ahead: 0.into() })
    }

    /// The file's size.
    pub fn size(&self) -> u64 {
        self.starts.last().copied().unwrap_or_default()
    }

    /// The pieces, in file order.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// What it takes of a cache: its number of pieces.
    pub(super) fn weight(&self) -> usize {
        self.pieces.len() + 1
    }

    /// The parts of pieces that make up a range, which may reach past the end.
    fn spans(&self, at: u64, len: u64) -> impl Iterator<Item = Span> + '_ {
        let end = at.saturating_add(len).min(self.size());
        // The last piece that begins at or before `at`.
        let first = self.starts.partition_point(|start| *start <= at).saturating_sub(1);
        let pieces = self.pieces.iter().zip(&self.starts).skip(first);
        pieces.take_while(move |(_, start)| **start < end).filter_map(move |(piece, start)| {
            let from = at.saturating_sub(*start);
            let to = (end - start).min(piece.len);
            (from < to).then_some(Span { chunk: piece.chunk, from, to })
        })
    }

    /// Whether a read here goes on where the last one ended, and if packs are due to be fetched
    /// ahead, from where.
    fn due_ahead(&self, at: u64, end: u64) -> Option<u64> {
        let sequential = self.next.swap(end, Ordering::Relaxed) == at;
        let fetched = self.ahead.load(Ordering::Relaxed);
        if !sequential || end.saturating_add(AHEAD_BYTES / 2) <= fetched || end >= self.size() {
            return None;
        }
        self.ahead.store(end.saturating_add(AHEAD_BYTES), Ordering::Relaxed);
        Some(end)
    }
}

impl<G: Grid> Reader<G> {
    /// Keeps data packs in `packs`.
    pub fn new(ctx: Ctx<G>, packs: Arc<PackCache>) -> Self {
        Self {
            ctx,
            packs,
            opened: Mutex::new(Lru::new(PACKS_BYTES)),
            blocks: Mutex::new(Lru::new(BLOCKS_BYTES)),
            busy: Mutex::default(),
            ahead: Arc::new(Semaphore::new(AHEAD_PACKS)),
        }
    }

    /// Where a file's bytes are.
    pub async fn layout(&self, content: &Content, size: u64) -> Result<Layout, FlowError> {
        let pieces = match content {
            Content::Inline(pieces) => pieces.clone(),
            Content::Listed(list) => self.record::<PieceList>(list).await?.pieces,
        };
        Layout::new(pieces, size).ok_or(FlowError::Inconsistent)
    }

    /// The chunks of a record, put together.
    pub async fn record<T: Record>(&self, pieces: &[Piece]) -> Result<T, FlowError> {
        let mut bytes = BytesMut::new();
        for piece in pieces {
            if let Some(id) = &piece.chunk {
                bytes.extend_from_slice(&self.chunk(id).await?);
            }
        }
        Ok(T::decode(&bytes)?)
    }

    /// Bytes of a file, fewer only at its end.
    pub async fn read(
        self: &Arc<Self>,
        layout: &Layout,
        at: u64,
        len: u64,
    ) -> Result<Bytes, FlowError> {
        let spans: Vec<Span> = layout.spans(at, len).collect();
        let mut bytes = BytesMut::new();
        for span in spans {
            let (from, to) = (span.from as usize, span.to as usize);
            match &span.chunk {
                None => bytes.resize(bytes.len() + (to - from), 0),
                Some(id) => {
                    let chunk = self.chunk(id).await?;
                    bytes.extend_from_slice(chunk.get(from..to).ok_or(FlowError::Inconsistent)?);
                }
            }
        }
        if let Some(from) = layout.due_ahead(at, at + bytes.len() as u64) {
            self.fetch_ahead(layout, from);
        }
        Ok(bytes.freeze())
    }

    /// Fetches the packs that come next, as far as there is nothing more urgent.
    fn fetch_ahead(self: &Arc<Self>, layout: &Layout, from: u64) {
        let ids: Vec<ChunkId> =
            layout.spans(from, AHEAD_BYTES).filter_map(|span| span.chunk).collect();
        let Ok(found) = self.ctx.catalog.find_many(&ids) else { return };
        let packs: BTreeSet<PackId> = found.into_iter().flatten().map(|at| at.pack).collect();
        for pack in packs {
            if lock(&self.opened).get(&pack).is_some() {
                continue;
            }
            let Ok(turn) = Arc::clone(&self.ahead).try_acquire_owned() else { return };
            let this = Arc::clone(self);
            drop(tokio::spawn(async move {
                // Whoever needs it finds out why it cannot be had.
                drop(this.pack(pack).await);
                drop(turn);
            }));
        }
    }

    async fn chunk(&self, id: &ChunkId) -> Result<Bytes, FlowError> {
        let at = self.ctx.catalog.find(id)?.ok_or(FlowError::UnknownChunk { chunk: *id })?;
        let raw = self.block(at.pack, at.block).await?;
        let (start, end) = (at.offset as usize, at.offset as usize + at.len as usize);
        raw.get(start..end).map(|_| raw.slice(start..end)).ok_or(FlowError::Inconsistent)
    }

    async fn block(&self, pack: PackId, no: u32) -> Result<Bytes, FlowError> {
        if let Some(raw) = lock(&self.blocks).get(&(pack, no)) {
            return Ok(raw);
        }
        let reader = self.pack(pack).await?;
        let raw = self.ctx.work(move || reader.block(no as usize)).await??;
        let raw = Bytes::from(raw);
        lock(&self.blocks).put((pack, no), raw.clone(), raw.len());
        Ok(raw)
    }

    /// A pack, opened; fetched by one reader at a time.
    async fn pack(&self, id: PackId) -> Result<Arc<PackReader>, FlowError> {
        if let Some(reader) = lock(&self.opened).get(&id) {
            return Ok(reader);
        }
        let turn = Arc::clone(lock(&self.busy).entry(id).or_default());
        let result = {
            let _mine = turn.lock().await;
            let meanwhile = lock(&self.opened).get(&id);
            match meanwhile {
                Some(reader) => Ok(reader),
                None => self.load(id).await,
            }
        };
        let mut busy = lock(&self.busy);
        // One is ours, one the map's: nobody else waits.
        if Arc::strong_count(&turn) <= 2 {
            busy.remove(&id);
        }
        result
    }

    async fn load(&self, id: PackId) -> Result<Arc<PackReader>, FlowError> {
        let record = record_of(&self.ctx, &id)?;
        let bytes = if record.class() == Class::Data as u8 {
            let packs = Arc::clone(&self.packs);
            if let Some(bytes) = self.ctx.work(move || packs.get(&id)).await? {
                bytes
            } else {
                let bytes = pack_bytes(&self.ctx, &record).await?;
                let (packs, copy) = (Arc::clone(&self.packs), bytes.clone());
                if let Err(error) = self.ctx.work(move || packs.put(&id, &copy)).await? {
                    tracing::warn!(%error, "the cache of data packs takes nothing");
                }
                bytes
            }
        } else {
            cached_pack_bytes(&self.ctx, &record).await?
        };
        let vault = Arc::clone(&self.ctx.vault);
        let len = bytes.len();
        let opened = self.ctx.work(move || PackReader::open(vault.keys(), &record.meta, &bytes));
        let reader = Arc::new(opened.await??);
        lock(&self.opened).put(id, Arc::clone(&reader), len);
        Ok(reader)
    }
}
