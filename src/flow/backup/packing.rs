//! The packing stage: new chunks become blocks, blocks become packs, packs go to holders.
//!
//! Data and metadata fill different packs, so that listing never fetches file content. Compression
//! of several blocks and placement of several packs go on at once; order is kept up to the pack.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use chunker::{BLOCK_TARGET, Block, ChunkId, Class, PackBuilder, Pool};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use p2p::Grid;
use tokio::task::{JoinError, JoinSet};

use crate::budget::Hold;
use crate::flow::FlowError;
use crate::flow::backup::Run;
use crate::flow::backup::effort::Effort;
use crate::flow::place::{self, Outcome};
use crate::flow::publish::seal_in;
use crate::flow::targets::Kept;
use crate::offload::{WorkLost, compute};
use crate::placement::{Lane, lane_count, lane_of};
use crate::vault::index::PackRecord;

/// Packs being sealed or placed at once, when they are small: large ones are held back by the
/// budget of bytes.
const PACKS_UNDER_WAY: usize = 16;

type Compressing = Pin<Box<dyn Future<Output = Result<(Kind, Block), FlowError>> + Send>>;
type Placed = Result<(PackRecord, Outcome), FlowError>;

/// A block of chunks of a file that is cut finely has at least so many bytes: a chunk or two.
/// Such files are changed here and there, so that of what is stored of them single chunks are
/// wanted later on, and a block is the least that can be fetched.
pub(crate) const FINE_BLOCK: usize = 32 * 1024;

/// What a chunk is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grain {
    /// A file that is mostly one chunk, or metadata.
    Small,
    /// A file of several chunks.
    Large,
    /// A file that is cut finely.
    Fine,
}

/// Which packs a chunk goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Data,
    Meta,
}

/// One of the two streams of blocks.
#[derive(Default)]
struct Stream {
    chunks: Vec<(ChunkId, Bytes)>,
    raw: usize,
    /// Bytes of them that are of large files.
    large: usize,
    pack: PackBuilder,
}

/// The stage's state.
pub(super) struct Packing<'a, G> {
    run: &'a Run<'a, G>,
    data: Stream,
    meta: Stream,
    /// Chunks of this run that the catalog does not have yet.
    fresh: BTreeSet<ChunkId>,
    compressing: FuturesOrdered<Compressing>,
    /// Runs on while the other stages work; stopped when the run is dropped.
    placing: JoinSet<Placed>,
    pools: Pools,
    effort: Effort,
    packed: Packed,
}

/// What full packs and their parity are made in, again and again.
#[derive(Debug, Clone)]
struct Pools {
    packs: Pool,
    parity: Pool,
}

/// Free buffers of a kind: as many as full packs that the budget lets be under way.
const FREE: usize = 4;

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Packed {
    /// Compressed bytes of new chunks.
    pub(super) stored_bytes: u64,
    /// How well the weakest of the packs is kept.
    pub(super) kept: Option<Kept>,
}

impl<'a, G: Grid> Packing<'a, G> {
    /// Empty.
    pub(super) fn new(run: &'a Run<'a, G>) -> Self {
        let pools = Pools { packs: Pool::new(FREE), parity: Pool::new(FREE) };
        let stream = || Stream { pack: PackBuilder::in_pool(&pools.packs), ..Stream::default() };
        Self {
            run,
            data: stream(),
            meta: stream(),
            fresh: BTreeSet::new(),
            compressing: FuturesOrdered::new(),
            placing: JoinSet::new(),
            pools,
            effort: Effort::new(run.plan.level),
            packed: Packed::default(),
        }
    }

    /// Whether neither a pack that can be relied on has this chunk (I13), nor this run.
    pub(super) fn is_new(&self, id: &ChunkId) -> Result<bool, FlowError> {
        Ok(!self.fresh.contains(id) && self.run.ctx.catalog.find_sound(id)?.is_none())
    }

    /// Takes a new chunk. Waits while too much is under way.
    pub(super) async fn add(
        &mut self,
        (class, grain): (Class, Grain),
        id: ChunkId,
        plain: Bytes,
    ) -> Result<(), FlowError> {
        let kind = if class == Class::Data { Kind::Data } else { Kind::Meta };
        self.fresh.insert(id);
        if self.run.plan.dry_run {
            return Ok(());
        }
        let stream = self.stream(kind);
        stream.raw += plain.len();
        stream.large += if grain == Grain::Small { 0 } else { plain.len() };
        stream.chunks.push((id, plain));
        let target = if grain == Grain::Fine { FINE_BLOCK } else { BLOCK_TARGET };
        if stream.raw >= target { self.compress(kind).await } else { Ok(()) }
    }

    fn stream(&mut self, kind: Kind) -> &mut Stream {
        match kind {
            Kind::Data => &mut self.data,
            Kind::Meta => &mut self.meta,
        }
    }

    async fn compress(&mut self, kind: Kind) -> Result<(), FlowError> {
        let stream = self.stream(kind);
        if stream.chunks.is_empty() {
            return Ok(());
        }
        let (raw, large) = (std::mem::take(&mut stream.raw), std::mem::take(&mut stream.large));
        let chunks = std::mem::take(&mut stream.chunks);
        let (class, level) = match kind {
            Kind::Data => (Class::Data, self.effort.level(raw, large)),
            Kind::Meta => (Class::Tree, 3),
        };
        let work = compute(&self.run.ctx.offload, move || {
            let chunks: Vec<(ChunkId, &[u8])> =
                chunks.iter().map(|(id, plain)| (*id, plain.as_ref())).collect();
            Block::new(class, &chunks, level)
        });
        self.compressing.push_back(Box::pin(async move { Ok((kind, work.await??)) }));
        while self.compressing.len() > 2 * self.run.ctx.offload.width() {
            self.pack_next().await?;
        }
        Ok(())
    }

    /// Puts the oldest compressed block into its pack.
    async fn pack_next(&mut self) -> Result<(), FlowError> {
        let Some(block) = self.compressing.next().await else { return Ok(()) };
        let (kind, block) = block?;
        if kind == Kind::Data {
            self.packed.stored_bytes += block.stored_len() as u64;
        }
        if !self.stream(kind).pack.fits(&block) {
            self.seal(kind).await?;
        }
        self.stream(kind).pack.push(block);
        Ok(())
    }

    /// Sends the pack being filled on its way.
    async fn seal(&mut self, kind: Kind) -> Result<(), FlowError> {
        while self.placing.len() >= PACKS_UNDER_WAY {
            self.placed_next().await?;
        }
        while let Some(placed) = self.placing.try_join_next() {
            self.placed(placed)?;
        }
        let empty = PackBuilder::in_pool(&self.pools.packs);
        let builder = std::mem::replace(&mut self.stream(kind).pack, empty);
        let code = match kind {
            Kind::Data => self.run.chosen.code,
            Kind::Meta => self.run.metadata(),
        };
        let lane = match kind {
            Kind::Meta => Lane::META,
            Kind::Data => data_lane(self.run),
        };
        let room = self.room(place::footprint(code, builder.sealed_len())).await?;
        let (ctx, targets) = (self.run.ctx.clone(), self.run.targets.clone());
        let (durable, parity) = (self.run.plan.spool, self.pools.parity.clone());
        let sealing = self.effort.sealing();
        self.placing.spawn(async move {
            let fresh = seal_in(&ctx, builder, (code, lane), (room, parity)).await?;
            drop(sealing);
            place::keep(&ctx, &targets, fresh, durable).await
        });
        Ok(())
    }

    /// Waits for room, and notices meanwhile when a pack under way fails.
    async fn room(&mut self, bytes: usize) -> Result<Hold, FlowError> {
        let budget = self.run.ctx.budget.clone();
        let room = budget.take(bytes);
        tokio::pin!(room);
        let now = futures::poll!(&mut room);
        self.effort.note(now.is_ready());
        if let Poll::Ready(room) = now {
            return Ok(room);
        }
        loop {
            tokio::select! { biased;
                room = &mut room => return Ok(room),
                Some(placed) = self.placing.join_next() => self.placed(placed)?,
            }
        }
    }

    async fn placed_next(&mut self) -> Result<(), FlowError> {
        match self.placing.join_next().await {
            Some(placed) => self.placed(placed),
            None => Ok(()),
        }
    }

    fn placed(&mut self, placed: Result<Placed, JoinError>) -> Result<(), FlowError> {
        let (record, outcome) = placed.map_err(|_panicked| WorkLost)??;
        for entry in record.meta.blocks.iter().flat_map(|block| &block.chunks) {
            self.fresh.remove(&entry.id);
        }
        if outcome == Outcome::Queued && !self.run.plan.spool {
            let (wanted, usable) = (record.code.n(), record.holders().count());
            return Err(FlowError::TooFewPeers { wanted, usable });
        }
        let kept = self.run.targets.kept(&record);
        self.packed.kept = Some(self.packed.kept.map_or(kept, |least| least.least(kept)));
        Ok(())
    }

    /// Sends on what is left and waits for everything.
    pub(super) async fn finish(mut self) -> Result<Packed, FlowError> {
        for kind in [Kind::Data, Kind::Meta] {
            self.compress(kind).await?;
        }
        while !self.compressing.is_empty() {
            self.pack_next().await?;
        }
        for kind in [Kind::Data, Kind::Meta] {
            if !self.stream(kind).pack.is_empty() {
                self.seal(kind).await?;
            }
        }
        while !self.placing.is_empty() {
            self.placed_next().await?;
        }
        Ok(self.packed)
    }
}

/// The lane of the next data pack: drawn with the vault's key, so that packs spread evenly.
fn data_lane<G: Grid>(run: &Run<'_, G>) -> Lane {
    let lanes = lane_count(run.targets.len(), run.chosen.code.n());
    lane_of(run.ctx.vault.placement_key(), &run.ctx.entropy.bytes32(), lanes)
}
