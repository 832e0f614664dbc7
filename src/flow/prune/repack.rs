//! Copying what is needed out of packs that go: the chunks become blocks and packs anew.

use std::collections::BTreeSet;

use bytes::Bytes;
use chunker::{BLOCK_TARGET, Block, ChunkId, Class, Code, PackBuilder, PackId, PackReader};
use p2p::Grid;

use crate::flow::backup::FINE_BLOCK;
use crate::flow::place::{self, Outcome};
use crate::flow::prune::mark::Marked;
use crate::flow::publish::seal;
use crate::flow::targets::Targets;
use crate::flow::{Ctx, FlowError, fetch};
use crate::placement::{Lane, lane_count, lane_of};
use crate::vault::index::PackRecord;

/// zstd level, as backups use it.
const LEVEL: i32 = 3;

/// Packs being filled: one for file content, one for listings.
pub(super) struct Repacking<'a, G> {
    ctx: &'a Ctx<G>,
    targets: &'a Targets,
    code: Code,
    data: Filling,
    meta: Filling,
    /// The new packs, durable and in the catalog.
    pub(super) packs: Vec<PackId>,
    /// Bytes of chunks copied.
    pub(super) copied: u64,
}

#[derive(Default)]
struct Filling {
    chunks: Vec<(ChunkId, Bytes)>,
    raw: usize,
    builder: PackBuilder,
}

impl<'a, G: Grid> Repacking<'a, G> {
    pub(super) fn new(ctx: &'a Ctx<G>, targets: &'a Targets, code: Code) -> Self {
        let (data, meta) = (Filling::default(), Filling::default());
        Self { ctx, targets, code, data, meta, packs: Vec::new(), copied: 0 }
    }

    /// Copies the chunks of a pack that are wanted; those that are marked so become blocks of the
    /// size that a backup gives them.
    pub(super) async fn copy(
        &mut self,
        record: &PackRecord,
        (wanted, marked): (&BTreeSet<ChunkId>, &Marked),
    ) -> Result<(), FlowError> {
        let bytes = fetch::pack_bytes(self.ctx, record).await?;
        for (no, block) in record.meta.blocks.iter().enumerate() {
            if !block.chunks.iter().any(|chunk| wanted.contains(&chunk.id)) {
                continue;
            }
            let (vault, meta, bytes) = (self.ctx.vault.clone(), record.meta.clone(), bytes.clone());
            let raw = self
                .ctx
                .work(move || PackReader::open(vault.keys(), &meta, &bytes)?.block(no))
                .await??;
            let raw = Bytes::from(raw);
            let mut at = 0;
            for chunk in &block.chunks {
                let end = at + chunk.len as usize;
                if wanted.contains(&chunk.id) && end <= raw.len() {
                    let fine = block.class == Class::Data && marked.is_fine(&chunk.id);
                    let target = if fine { FINE_BLOCK } else { BLOCK_TARGET };
                    self.add((block.class, target), chunk.id, raw.slice(at..end)).await?;
                }
                at = end;
            }
        }
        Ok(())
    }

    async fn add(
        &mut self,
        (class, target): (Class, usize),
        id: ChunkId,
        plain: Bytes,
    ) -> Result<(), FlowError> {
        self.copied += plain.len() as u64;
        let filling = self.filling(class);
        filling.raw += plain.len();
        filling.chunks.push((id, plain));
        if filling.raw >= target { self.close_block(class).await } else { Ok(()) }
    }

    fn filling(&mut self, class: Class) -> &mut Filling {
        if class == Class::Data { &mut self.data } else { &mut self.meta }
    }

    async fn close_block(&mut self, class: Class) -> Result<(), FlowError> {
        let filling = self.filling(class);
        if filling.chunks.is_empty() {
            return Ok(());
        }
        filling.raw = 0;
        let chunks = std::mem::take(&mut filling.chunks);
        let block = self
            .ctx
            .work(move || {
                let chunks: Vec<(ChunkId, &[u8])> =
                    chunks.iter().map(|(id, plain)| (*id, plain.as_ref())).collect();
                Block::new(class, &chunks, LEVEL)
            })
            .await??;
        if !self.filling(class).builder.fits(&block) {
            self.close_pack(class).await?;
        }
        self.filling(class).builder.push(block);
        Ok(())
    }

    /// Seals a pack and has it kept; only what enough holders have counts.
    async fn close_pack(&mut self, class: Class) -> Result<(), FlowError> {
        let builder = std::mem::take(&mut self.filling(class).builder);
        if builder.is_empty() {
            return Ok(());
        }
        let (ctx, targets) = (self.ctx, self.targets);
        let (code, lane) = if class == Class::Data {
            let lanes = lane_count(targets.len(), self.code.n());
            (self.code, lane_of(ctx.vault.placement_key(), &ctx.entropy.bytes32(), lanes))
        } else {
            (targets.metadata(ctx, self.code), Lane::META)
        };
        let fresh = seal(ctx, builder, code, lane).await?;
        let (record, outcome) = place::keep(ctx, targets, fresh, false).await?;
        if outcome == Outcome::Queued {
            let (wanted, usable) = (record.code.n(), record.holders().count());
            return Err(FlowError::TooFewPeers { wanted, usable });
        }
        self.packs.push(record.meta.id);
        Ok(())
    }

    /// Seals what is left. Returns the new packs and how many bytes of chunks are in them.
    pub(super) async fn finish(mut self) -> Result<(Vec<PackId>, u64), FlowError> {
        for class in [Class::Data, Class::Tree] {
            self.close_block(class).await?;
            self.close_pack(class).await?;
        }
        Ok((self.packs, self.copied))
    }
}
