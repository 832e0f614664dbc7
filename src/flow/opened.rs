//! Blocks of metadata packs: those opened lately, and what this machine keeps of the others.
//!
//! Listings that lie together are asked for one after another, but a tree that changed is spread
//! over the packs of many backups, and a walk goes back and forth between them. So some blocks stay
//! open, and of a pack in the spool or the cache only the block that is wanted is read: what is
//! sealed is authenticated by itself.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use chunker::{PackId, PackReader};
use store::{PackCache, Spool};

use crate::flow::Ctx;
use crate::vault::Vault;
use crate::vault::index::PackRecord;

/// Bytes of opened blocks kept; the one opened last always is.
const KEPT_BYTES: usize = 2 * 1024 * 1024;
/// Chunks of packs whose records are kept, each of some 36 bytes; the record used last always is.
const KEPT_CHUNKS: usize = 32 * 1024;

/// Blocks opened lately, and the records of packs asked for lately; those used last come last.
#[derive(Debug, Default)]
pub(crate) struct OpenBlocks {
    blocks: VecDeque<(PackId, u32, Bytes)>,
    bytes: usize,
    records: VecDeque<Arc<PackRecord>>,
    chunks: usize,
}

impl OpenBlocks {
    /// A block's plaintext, if it is open.
    pub(crate) fn block(&mut self, pack: &PackId, no: u32) -> Option<Bytes> {
        let same = |(of, at, _): &(PackId, u32, Bytes)| (of, *at) == (pack, no);
        let found = self.blocks.iter().position(same)?;
        let block = self.blocks.remove(found)?;
        let raw = block.2.clone();
        self.blocks.push_back(block);
        Some(raw)
    }

    /// Keeps a block open that is not.
    pub(crate) fn keep(&mut self, pack: PackId, no: u32, raw: Bytes) {
        self.bytes += raw.len();
        self.blocks.push_back((pack, no, raw));
        while self.bytes > KEPT_BYTES
            && self.blocks.len() > 1
            && let Some((_, _, oldest)) = self.blocks.pop_front()
        {
            self.bytes -= oldest.len();
        }
    }

    /// A pack's record, looked up unless it was lately.
    pub(crate) fn record<E>(
        &mut self,
        pack: &PackId,
        look_up: impl FnOnce() -> Result<PackRecord, E>,
    ) -> Result<Arc<PackRecord>, E> {
        let known = self.records.iter().position(|record| record.meta.id == *pack);
        let record = if let Some(record) = known.and_then(|at| self.records.remove(at)) {
            record
        } else {
            let record = Arc::new(look_up()?);
            self.chunks += chunks(&record);
            record
        };
        self.records.push_back(Arc::clone(&record));
        while self.chunks > KEPT_CHUNKS
            && self.records.len() > 1
            && let Some(oldest) = self.records.pop_front()
        {
            self.chunks -= chunks(&oldest);
        }
        Ok(record)
    }
}

fn chunks(record: &PackRecord) -> usize {
    record.meta.blocks.iter().map(|block| block.chunks.len()).sum()
}

/// Where packs of metadata may be on this machine.
#[derive(Debug, Clone)]
pub(crate) struct LocalPacks {
    spool: Arc<Spool>,
    cache: Arc<PackCache>,
    vault: Arc<Vault>,
}

impl LocalPacks {
    pub(crate) fn of<G>(ctx: &Ctx<G>) -> Self {
        let (spool, cache) = (Arc::clone(&ctx.spool), Arc::clone(&ctx.cache));
        Self { spool, cache, vault: Arc::clone(&ctx.vault) }
    }

    /// The plaintext of a block of a pack that is here and, as far as the block goes, whole. When
    /// it is not, the copy is read to its end: the cache drops a damaged one, and the spool notes
    /// that it is. Blocks.
    pub(crate) fn open(&self, record: &PackRecord, no: u32) -> Option<Bytes> {
        let id = &record.meta.id;
        let range = record.meta.block_range(no as usize)?;
        let open = |sealed: Bytes| {
            PackReader::part(self.vault.keys(), &record.meta, no as usize, &sealed).ok()
        };
        if let Some(raw) = self.spool.peek(id, range.clone()).and_then(open) {
            return Some(raw.into());
        }
        if self.spool.contains(id) {
            tracing::warn!(pack = %id.short(), "a pack in the spool cannot be read");
            drop(self.spool.get(id));
        }
        if let Some(raw) = self.cache.peek(id, range).and_then(open) {
            return Some(raw.into());
        }
        if self.cache.contains(id) {
            tracing::warn!(pack = %id.short(), "a pack in the cache cannot be read");
            drop(self.cache.get(id));
        }
        None
    }
}

#[cfg(test)]
mod tests;
