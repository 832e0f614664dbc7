//! Bytes of files that are on the grid: what they need of packs is fetched once, kept on disk
//! within a limit, and opened blocks are kept in memory within another.
//!
//! Who reads here and there gets single blocks, by verified slices of the shards they lie in. When
//! a pack turns out to be wanted as a whole (a block beside one that was fetched, or half of its
//! bytes) it is fetched whole, and so are the packs that a sequential reader will come to, ahead of
//! it: several at once, far enough that the grid's latency does not show. What several readers want
//! at once is fetched by the first of them; the others wait for it.
//!
//! Bounds: [`AT_ONCE`] packs are being fetched, as many more ahead; what was fetched is held by
//! caches of a size, in memory until nobody reads any more. Nothing here has a deadline: whoever
//! asks gives up when it likes, and what it asked for is dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chunker::{ChunkId, Class, PackId, PackReader, Record};
use p2p::Grid;
use store::PackCache;
use tokio::sync::Semaphore;

use super::lock;
use super::lru::Lru;
use crate::flow::fetch::{cached_pack_bytes, pack_bytes, record_of};
use crate::flow::parts::pack_part;
use crate::flow::{Ctx, FlowError};
use crate::vault::index::PackRecord;
use crate::vault::tree::{Content, Piece, PieceList};

mod layout;
mod touched;

pub use layout::Layout;
use layout::Span;
use touched::Touched;

/// Opened blocks kept, in bytes of plain data: a part of the computer's memory (1/64), within
/// bounds. A read of a few bytes elsewhere needs all of its block opened.
const BLOCKS_PART: u64 = 64;
const BLOCKS_BYTES: RangeInclusive<u64> = 64 << 20..=512 << 20;
/// What was opened goes when nothing was read for so long.
const IDLE: Duration = Duration::from_secs(60);
/// Packs kept ready to be opened, in sealed bytes: as far as packs are fetched ahead, for two.
const PACKS_BYTES: usize = 64 * 1024 * 1024;
/// Packs fetched at once for all who wait, and as many ahead of all who read on.
const AT_ONCE: usize = 4;

/// Something of a pack: all of it, or the block of this number.
type What = (PackId, Option<u32>);

/// What is being fetched, and what whoever fetches it holds.
type Busy = Mutex<BTreeMap<What, Arc<tokio::sync::Mutex<()>>>>;

/// A part of a block, or zeros.
struct Run {
    at: Option<(PackId, u32)>,
    from: u64,
    to: u64,
}

/// A place among those who want the same.
struct Turn<'a> {
    busy: &'a Busy,
    what: What,
    mutex: Arc<tokio::sync::Mutex<()>>,
}

/// Reads chunks wherever they are.
pub struct Reader<G> {
    ctx: Ctx<G>,
    /// Data packs and blocks of them on this disk.
    packs: Arc<PackCache>,
    opened: Mutex<Lru<PackId, Arc<PackReader>>>,
    blocks: Mutex<Lru<(PackId, u32), Bytes>>,
    touched: Mutex<Touched>,
    busy: Busy,
    /// Neither is ever closed.
    fetching: Semaphore,
    ahead: Semaphore,
    /// Whether something was read since this was asked last, and whether somebody asks.
    read: AtomicBool,
    watched: AtomicBool,
}

impl<G> std::fmt::Debug for Reader<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("packs", &self.packs).finish_non_exhaustive()
    }
}

impl<G: Grid> Reader<G> {
    /// Keeps data packs in `packs`.
    pub fn new(ctx: Ctx<G>, packs: Arc<PackCache>) -> Self {
        Self {
            ctx,
            packs,
            opened: Mutex::new(Lru::new(PACKS_BYTES)),
            blocks: Mutex::new(Lru::new(blocks_bytes())),
            touched: Mutex::default(),
            busy: Mutex::default(),
            fetching: Semaphore::new(AT_ONCE),
            ahead: Semaphore::new(AT_ONCE),
            read: AtomicBool::new(false),
            watched: AtomicBool::new(false),
        }
    }

    /// Sees to it that what is opened from now on is let go of some time.
    fn watch(self: &Arc<Self>) {
        self.read.store(true, Ordering::Relaxed);
        if !self.watched.swap(true, Ordering::Relaxed) {
            drop(tokio::spawn(let_go_when_idle(Arc::downgrade(self))));
        }
    }

    /// Where a file's bytes are.
    pub async fn layout(
        self: &Arc<Self>,
        content: &Content,
        size: u64,
    ) -> Result<Layout, FlowError> {
        let pieces = match content {
            Content::Inline(pieces) => pieces.clone(),
            Content::Listed(list) => self.record::<PieceList>(list).await?.pieces,
        };
        Layout::new(pieces, size).ok_or(FlowError::Inconsistent)
    }

    /// The chunks of a record, put together.
    pub async fn record<T: Record>(self: &Arc<Self>, pieces: &[Piece]) -> Result<T, FlowError> {
        let mut bytes = BytesMut::new();
        for piece in pieces {
            if let Some(id) = &piece.chunk {
                bytes.extend_from_slice(&self.chunk(id, false).await?);
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
        let end = at.saturating_add(len).min(layout.size());
        if let Some((from, to)) = layout.due_ahead(at, end) {
            self.fetch_ahead(layout, from, to);
        }
        let on = layout.is_sequential();
        let runs = self.runs(layout.spans(at, len).collect())?;
        if let [Run { at: Some(found), from, to }] = runs.as_slice() {
            let raw = self.block(found.0, found.1, on).await?;
            return part_of(&raw, *from, *to);
        }
        let mut bytes = BytesMut::with_capacity(end.saturating_sub(at) as usize);
        for Run { at, from, to } in runs {
            match at {
                None => bytes.resize(bytes.len() + (to - from) as usize, 0),
                Some((pack, no)) => {
                    let raw = self.block(pack, no, on).await?;
                    bytes.extend_from_slice(&part_of(&raw, from, to)?);
                }
            }
        }
        Ok(bytes.freeze())
    }

    /// Where these parts of chunks are in blocks; those that lie one after the other in a block, as
    /// a file's do, are one.
    fn runs(&self, spans: Vec<Span>) -> Result<Vec<Run>, FlowError> {
        let ids: Vec<ChunkId> = spans.iter().filter_map(|span| span.chunk).collect();
        let mut found = self.ctx.catalog.find_many(&ids)?.into_iter();
        let mut runs: Vec<Run> = Vec::new();
        for Span { chunk, from, to } in spans {
            let (at, offset) = match chunk {
                None => (None, 0),
                Some(chunk) => {
                    let at = found.next().flatten().ok_or(FlowError::UnknownChunk { chunk })?;
                    if to > u64::from(at.len) {
                        return Err(FlowError::Inconsistent);
                    }
                    (Some((at.pack, at.block)), u64::from(at.offset))
                }
            };
            let (from, to) = (offset + from, offset + to);
            match runs.last_mut() {
                Some(last) if at.is_some() && last.at == at && last.to == from => last.to = to,
                _ => runs.push(Run { at, from, to }),
            }
        }
        Ok(runs)
    }

    /// Fetches the packs of this part of a file, in their order.
    fn fetch_ahead(self: &Arc<Self>, layout: &Layout, from: u64, to: u64) {
        let ids: Vec<ChunkId> =
            layout.spans(from, to - from).filter_map(|span| span.chunk).collect();
        let Ok(found) = self.ctx.catalog.find_many(&ids) else { return };
        let mut seen = BTreeSet::new();
        for pack in found.into_iter().flatten().map(|at| at.pack) {
            if !seen.insert(pack) || lock(&self.opened).get(&pack).is_some() {
                continue;
            }
            let this = Arc::clone(self);
            // As many as the bytes fetched ahead have packs: few. They take their turns.
            drop(tokio::spawn(async move {
                let _turn = this.ahead.acquire().await;
                // Whoever needs it finds out why it cannot be had.
                drop(this.pack(pack).await);
            }));
        }
    }

    /// A chunk; of a data pack that will be wanted as a whole if `on`.
    async fn chunk(self: &Arc<Self>, id: &ChunkId, on: bool) -> Result<Bytes, FlowError> {
        let at = self.ctx.catalog.find(id)?.ok_or(FlowError::UnknownChunk { chunk: *id })?;
        let raw = self.block(at.pack, at.block, on).await?;
        part_of(&raw, u64::from(at.offset), u64::from(at.offset) + u64::from(at.len))
    }

    async fn block(self: &Arc<Self>, pack: PackId, no: u32, on: bool) -> Result<Bytes, FlowError> {
        self.watch();
        if let Some(raw) = lock(&self.blocks).get(&(pack, no)) {
            return Ok(raw);
        }
        let turn = self.turn((pack, Some(no)));
        let _mine = turn.mutex.lock().await;
        let meanwhile = lock(&self.blocks).get(&(pack, no));
        if let Some(raw) = meanwhile {
            return Ok(raw);
        }
        let raw = self.load_block(pack, no, on).await?;
        lock(&self.blocks).put((pack, no), raw.clone(), raw.len());
        Ok(raw)
    }

    async fn load_block(
        self: &Arc<Self>,
        pack: PackId,
        no: u32,
        on: bool,
    ) -> Result<Bytes, FlowError> {
        let opened = lock(&self.opened).get(&pack);
        if opened.is_none()
            && let Some(raw) = self.alone(pack, no, on).await?
        {
            return Ok(raw);
        }
        let reader = match opened {
            Some(reader) => reader,
            None => self.pack(pack).await?,
        };
        let raw = self.ctx.compute(move || reader.block(no as usize)).await??;
        Ok(Bytes::from(raw))
    }

    /// A block by itself; none when its pack is to be had as a whole.
    async fn alone(
        self: &Arc<Self>,
        pack: PackId,
        no: u32,
        on: bool,
    ) -> Result<Option<Bytes>, FlowError> {
        let whole_here = self.packs.contains(&pack);
        if whole_here && on || self.ctx.spool.contains(&pack) {
            return Ok(None);
        }
        let record = record_of(&self.ctx, &pack)?;
        let range = record.meta.block_range(no as usize);
        let Some(range) = range.filter(|_| record.class() == Class::Data as u8) else {
            return Ok(None);
        };
        if let Some(raw) = self.part_here(&record, no, range.clone()).await? {
            return Ok(Some(raw));
        }
        if whole_here || on || !lock(&self.touched).takes_alone(&record.meta, no) {
            return Ok(None);
        }
        self.part_from_holders(&record, no, range).await
    }

    /// A block that is on this disk, in its pack or by itself.
    async fn part_here(
        &self,
        record: &PackRecord,
        no: u32,
        range: Range<usize>,
    ) -> Result<Option<Bytes>, FlowError> {
        let (packs, pack) = (Arc::clone(&self.packs), record.meta.id);
        let find = move || packs.peek(&pack, range).or_else(|| packs.get_part(&pack, no));
        let Some(sealed) = self.ctx.work(find).await? else { return Ok(None) };
        match self.open_part(record, no, sealed).await {
            Ok(raw) => Ok(Some(raw)),
            Err(error) => {
                tracing::warn!(pack = %pack.short(), %error, "a pack kept here is damaged");
                let packs = Arc::clone(&self.packs);
                self.ctx.work(move || packs.remove(&pack)).await?;
                Ok(None)
            }
        }
    }

    async fn part_from_holders(
        self: &Arc<Self>,
        record: &PackRecord,
        no: u32,
        range: Range<usize>,
    ) -> Result<Option<Bytes>, FlowError> {
        let pack = record.meta.id;
        let sealed = {
            let _turn = self.fetching.acquire().await;
            pack_part(&self.ctx, record, range).await
        };
        let sealed = match sealed {
            Ok(sealed) => sealed,
            Err(error) => {
                tracing::debug!(pack = %pack.short(), %error, "no block by itself");
                return Ok(None);
            }
        };
        let raw = self.open_part(record, no, sealed.clone()).await?;
        self.keep(move |packs| packs.put_part(&pack, no, &sealed));
        Ok(Some(raw))
    }

    async fn open_part(
        &self,
        record: &PackRecord,
        no: u32,
        sealed: Bytes,
    ) -> Result<Bytes, FlowError> {
        let (vault, meta) = (Arc::clone(&self.ctx.vault), record.meta.clone());
        let open = move || PackReader::part(vault.keys(), &meta, no as usize, &sealed);
        Ok(Bytes::from(self.ctx.compute(open).await??))
    }

    /// A pack, opened; fetched by one reader at a time.
    async fn pack(self: &Arc<Self>, id: PackId) -> Result<Arc<PackReader>, FlowError> {
        if let Some(reader) = lock(&self.opened).get(&id) {
            return Ok(reader);
        }
        let turn = self.turn((id, None));
        let _mine = turn.mutex.lock().await;
        let meanwhile = lock(&self.opened).get(&id);
        match meanwhile {
            Some(reader) => Ok(reader),
            None => self.load(id).await,
        }
    }

    async fn load(self: &Arc<Self>, id: PackId) -> Result<Arc<PackReader>, FlowError> {
        let record = record_of(&self.ctx, &id)?;
        let bytes = if record.class() == Class::Data as u8 {
            self.data_pack(&record).await?
        } else {
            cached_pack_bytes(&self.ctx, &record).await?
        };
        let len = bytes.len();
        // A few hashes, unless something is wrong with it.
        let opened = PackReader::open(self.ctx.vault.keys(), &record.meta, &bytes)?;
        let reader = Arc::new(opened);
        lock(&self.opened).put(id, Arc::clone(&reader), len);
        Ok(reader)
    }

    /// A data pack's bytes: kept here, or fetched and kept.
    async fn data_pack(self: &Arc<Self>, record: &PackRecord) -> Result<Bytes, FlowError> {
        let (packs, id) = (Arc::clone(&self.packs), record.meta.id);
        if let Some(bytes) = self.ctx.work(move || packs.get(&id)).await? {
            return Ok(bytes);
        }
        let bytes = {
            let _turn = self.fetching.acquire().await;
            pack_bytes(&self.ctx, record).await?
        };
        if !self.ctx.spool.contains(&id) {
            let copy = bytes.clone();
            self.keep(move |packs| packs.put(&id, &copy));
        }
        Ok(bytes)
    }

    /// Writes to the disk behind whoever waits for the bytes.
    fn keep(
        self: &Arc<Self>,
        put: impl FnOnce(&PackCache) -> std::io::Result<()> + Send + 'static,
    ) {
        let this = Arc::clone(self);
        drop(tokio::spawn(async move {
            let packs = Arc::clone(&this.packs);
            if let Ok(Err(error)) = this.ctx.work(move || put(&packs)).await {
                tracing::warn!(%error, "the cache of data packs takes nothing");
            }
        }));
    }

    fn turn(&self, what: What) -> Turn<'_> {
        let mutex = Arc::clone(lock(&self.busy).entry(what).or_default());
        Turn { busy: &self.busy, what, mutex }
    }
}

/// How much of opened blocks is kept.
fn blocks_bytes() -> usize {
    let system = rustix::system::sysinfo();
    let memory = (system.totalram as u64).saturating_mul(u64::from(system.mem_unit));
    (memory / BLOCKS_PART).clamp(*BLOCKS_BYTES.start(), *BLOCKS_BYTES.end()) as usize
}

/// Waits until nothing was read for [`IDLE`] or twice as long, and lets go of what was opened.
async fn let_go_when_idle<G>(reader: Weak<Reader<G>>) {
    loop {
        tokio::time::sleep(IDLE).await;
        let Some(reader) = reader.upgrade() else { return };
        if !reader.read.swap(false, Ordering::Relaxed) {
            // Who reads from here on has another one wait.
            reader.watched.store(false, Ordering::Relaxed);
            lock(&reader.blocks).clear();
            lock(&reader.opened).clear();
            return;
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut busy = lock(self.busy);
        // One is ours, one the map's: nobody else waits.
        if Arc::strong_count(&self.mutex) <= 2 {
            busy.remove(&self.what);
        }
    }
}

fn part_of(bytes: &Bytes, from: u64, to: u64) -> Result<Bytes, FlowError> {
    let range = from as usize..to as usize;
    let there = bytes.get(range.clone()).is_some();
    there.then(|| bytes.slice(range)).ok_or(FlowError::Inconsistent)
}
