//! What a restore fetches of a pack: all of it, or the blocks it wants when they are few.
//!
//! Of an old snapshot's packs the newer ones want less and less, and who restores one file wants
//! a block: whole packs would be several times what is needed. A part costs more for each byte than
//! a whole shard, at the holder too, so a pack of which most is wanted is fetched whole; and so is
//! one of which a part could not be had, as that looks further for holders
//! ([`crate::flow::fetch`]).

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use chunker::{PackReader, Scratch, VaultKeys};
use p2p::Grid;

use crate::budget::Hold;
use crate::flow::fetch::{footprint, pack_bytes};
use crate::flow::parts::{Holders, is_direct, pack_parts};
use crate::flow::{Ctx, FlowError};
use crate::vault::index::PackRecord;

/// What a part costs beside its bytes, in bytes: the holder reads and hashes whole groups of a
/// shard (64 KiB; all of it the first time since the holder began), and one question more is asked
/// and answered.
const PART_COSTS: usize = 64 * 1024;

/// A pack's sealed bytes, as far as they are wanted, with the room in memory they take.
pub(super) struct Sealed {
    what: What,
    _room: Hold,
}

enum What {
    Whole(Bytes),
    Blocks(BTreeMap<u32, Bytes>),
}

/// Blocks that are fetched together, as they lie near each other in a pack.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    /// From the first to the last, with what lies between.
    range: Range<usize>,
    /// Those that are wanted: their numbers, and where they are in the pack.
    blocks: Vec<(u32, Range<usize>)>,
}

impl Sealed {
    /// Fetches what these blocks need; their numbers may come in any order, and several times.
    pub(super) async fn fetch<G: Grid>(
        ctx: &Ctx<G>,
        (record, holders): (&PackRecord, &Holders),
        blocks: impl IntoIterator<Item = u32>,
    ) -> Result<Self, FlowError> {
        let (id, k) = (record.meta.id, usize::from(record.code.k()));
        if !ctx.spool.contains(&id)
            && let Some(runs) = few(record, blocks, if is_direct(ctx, record) { 1 } else { k })
        {
            let ranges: Vec<Range<usize>> = runs.iter().map(|run| run.range.clone()).collect();
            let bytes: usize = ranges.iter().map(Range::len).sum();
            // Each slice comes with its proof, and is there twice until that was checked.
            let mut room = ctx.budget.take(2 * bytes).await;
            let parts = pack_parts(ctx, (record, holders), &ranges).await;
            room.shrink_to(bytes);
            match parts.and_then(|parts| apart(&runs, &parts)) {
                Ok(blocks) => return Ok(Self { what: What::Blocks(blocks), _room: room }),
                Err(error) => tracing::debug!(pack = %id.short(), %error, "no parts of a pack"),
            }
        }
        let mut room = ctx.budget.take(footprint(record)).await;
        let bytes = pack_bytes(ctx, record).await?;
        room.shrink_to(record.meta.len as usize);
        Ok(Self { what: What::Whole(bytes), _room: room })
    }

    /// Ready to open blocks.
    pub(super) fn open<'a>(
        &'a self,
        keys: &'a VaultKeys,
        record: &'a PackRecord,
    ) -> Result<Opened<'a>, FlowError> {
        Ok(match &self.what {
            What::Whole(bytes) => {
                Opened::Whole(Box::new(PackReader::open(keys, &record.meta, bytes)?))
            }
            What::Blocks(blocks) => Opened::Blocks { keys, record, blocks },
        })
    }
}

/// A pack, or some of it, whose blocks can be opened.
pub(super) enum Opened<'a> {
    Whole(Box<PackReader>),
    Blocks { keys: &'a VaultKeys, record: &'a PackRecord, blocks: &'a BTreeMap<u32, Bytes> },
}

impl Opened<'_> {
    /// The plaintext of one block.
    pub(super) fn block<'s>(
        &self,
        no: u32,
        scratch: &'s mut Scratch,
    ) -> Result<&'s [u8], FlowError> {
        match self {
            Self::Whole(reader) => Ok(reader.block_in(no as usize, scratch)?),
            Self::Blocks { keys, record, blocks } => {
                let sealed = blocks.get(&no).ok_or(FlowError::Inconsistent)?;
                Ok(PackReader::part_in(keys, &record.meta, (no as usize, sealed), scratch)?)
            }
        }
    }
}

/// What the bytes of a part cost, of those of a whole shard: both ends hash them by the kilobyte.
const fn part_bytes(bytes: usize) -> usize {
    bytes + bytes / 3
}

/// The runs of these blocks, if fetching them alone, each byte so many times, is less than fetching
/// their pack.
fn few(
    record: &PackRecord,
    blocks: impl IntoIterator<Item = u32>,
    times: usize,
) -> Option<Vec<Run>> {
    let mut wanted: Vec<u32> = blocks.into_iter().collect();
    wanted.sort_unstable();
    wanted.dedup();
    let ranges = record.meta.block_ranges()?;
    let mut runs: Vec<Run> = Vec::new();
    for no in wanted {
        let range = ranges.get(no as usize)?.clone();
        match runs.last_mut() {
            // What lies between costs less than to ask once more.
            Some(run) if times * part_bytes(range.start - run.range.end) < PART_COSTS => {
                run.range.end = range.end;
                run.blocks.push((no, range));
            }
            _ => runs.push(Run { range: range.clone(), blocks: vec![(no, range)] }),
        }
    }
    let cost = |run: &Run| times * (part_bytes(run.range.len()) + PART_COSTS);
    let cost: usize = runs.iter().map(cost).sum();
    (cost < record.meta.len as usize).then_some(runs)
}

/// The blocks of runs, each by itself.
fn apart(runs: &[Run], parts: &[Bytes]) -> Result<BTreeMap<u32, Bytes>, FlowError> {
    let mut blocks = BTreeMap::new();
    for (run, part) in runs.iter().zip(parts) {
        for (no, range) in &run.blocks {
            let (from, to) = (range.start - run.range.start, range.end - run.range.start);
            let block = part.get(from..to).ok_or(FlowError::Inconsistent)?;
            blocks.insert(*no, part.slice_ref(block));
        }
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests;
