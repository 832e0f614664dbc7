//! What snapshots need: every chunk that any of them refers to, listings included.
//!
//! A listing that cannot be read ends it with an error: what cannot be seen may be needed.

use std::collections::BTreeSet;

use chunker::ChunkId;
use p2p::Grid;

use crate::flow::fetch::ChunkReader;
use crate::flow::look::{self, MAX_DEPTH};
use crate::flow::{Ctx, FlowError};
use crate::vault::snapshot::LargeCut;
use crate::vault::tree::{Content, Kind, Piece, Tree};

/// Chunks that snapshots refer to: half of each name, which is enough to tell them apart, sorted.
/// The last bit is not the name's: it says that the chunk is of a file that is cut finely.
#[derive(Debug, Default)]
pub(super) struct Marked {
    names: Vec<u128>,
}

/// Of a file that is cut finely.
const FINE: u128 = 1;

impl Marked {
    /// Whether any snapshot needs this chunk.
    pub(super) fn has(&self, chunk: &ChunkId) -> bool {
        self.find(chunk).is_some()
    }

    /// Whether it is of a file that is cut finely.
    pub(super) fn is_fine(&self, chunk: &ChunkId) -> bool {
        self.find(chunk).is_some_and(|found| found & FINE == FINE)
    }

    fn find(&self, chunk: &ChunkId) -> Option<u128> {
        let name = half(chunk);
        let at = self.names.binary_search_by_key(&name, |found| found & !FINE).ok()?;
        self.names.get(at).copied()
    }

    fn add(&mut self, pieces: &[Piece], fine: u128) {
        let chunks = pieces.iter().filter_map(|piece| piece.chunk.as_ref());
        self.names.extend(chunks.map(|chunk| half(chunk) | fine));
    }

    fn settle(&mut self) {
        // What is of both kinds of file stays as the finer one.
        self.names.sort_unstable_by(|one, other| other.cmp(one));
        self.names.dedup_by_key(|name| *name & !FINE);
        self.names.reverse();
    }
}

fn half(chunk: &ChunkId) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&chunk.as_bytes()[..16]);
    u128::from_be_bytes(half) & !FINE
}

/// Follows every snapshot, of all devices, published or waiting.
pub(super) async fn mark<G: Grid>(ctx: &Ctx<G>) -> Result<Marked, FlowError> {
    let mut walk =
        Walk { reader: ChunkReader::new(ctx), seen: BTreeSet::new(), marked: Marked::default() };
    for listed in look::snapshots(ctx)? {
        walk.snapshot(listed.snapshot.root).await?;
        // Most of one snapshot is most of the next.
        walk.marked.settle();
    }
    Ok(walk.marked)
}

struct Walk<G> {
    reader: ChunkReader<G>,
    seen: BTreeSet<Vec<ChunkId>>,
    marked: Marked,
}

impl<G: Grid> Walk<G> {
    async fn snapshot(&mut self, root: Vec<Piece>) -> Result<(), FlowError> {
        let mut open = vec![(root, 1_usize)];
        while let Some((pieces, depth)) = open.pop() {
            if depth > MAX_DEPTH {
                return Err(FlowError::TooDeep { limit: MAX_DEPTH });
            }
            let name = pieces.iter().filter_map(|piece| piece.chunk).collect();
            if !self.seen.insert(name) {
                continue;
            }
            self.marked.add(&pieces, 0);
            let tree: Tree = self.reader.record(&pieces).await?;
            for node in tree.nodes {
                match node.kind {
                    Kind::Dir { tree } => open.push((tree, depth + 1)),
                    Kind::File { content, size } => self.content(&content, size).await?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    async fn content(&mut self, content: &Content, size: u64) -> Result<(), FlowError> {
        if let Content::Listed(list) = content {
            self.marked.add(list, 0);
        }
        let pieces = self.reader.pieces(content).await?;
        self.marked.add(&pieces, if LargeCut::now().is_for(size) { FINE } else { 0 });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
