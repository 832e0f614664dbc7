//! What snapshots need: every chunk that any of them refers to, listings included.
//!
//! A listing that cannot be read ends it with an error: what cannot be seen may be needed.

use std::collections::BTreeSet;

use chunker::ChunkId;
use p2p::Grid;

use crate::flow::fetch::ChunkReader;
use crate::flow::look::{self, MAX_DEPTH};
use crate::flow::{Ctx, FlowError};
use crate::vault::tree::{Content, Kind, Piece, Tree};

/// Chunks that snapshots refer to: half of each name, sorted, which is enough to tell them apart.
#[derive(Debug, Default)]
pub(super) struct Marked {
    names: Vec<[u8; 16]>,
}

impl Marked {
    pub(super) fn has(&self, chunk: &ChunkId) -> bool {
        self.names.binary_search(&half(chunk)).is_ok()
    }

    fn add(&mut self, pieces: &[Piece]) {
        self.names.extend(pieces.iter().filter_map(|piece| piece.chunk.as_ref()).map(half));
    }

    fn settle(&mut self) {
        self.names.sort_unstable();
        self.names.dedup();
    }
}

fn half(chunk: &ChunkId) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&chunk.as_bytes()[..16]);
    half
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
            self.marked.add(&pieces);
            let tree: Tree = self.reader.record(&pieces).await?;
            for node in tree.nodes {
                match node.kind {
                    Kind::Dir { tree } => open.push((tree, depth + 1)),
                    Kind::File { content, .. } => self.content(&content).await?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    async fn content(&mut self, content: &Content) -> Result<(), FlowError> {
        if let Content::Listed(list) = content {
            self.marked.add(list);
        }
        let pieces = self.reader.pieces(content).await?;
        self.marked.add(&pieces);
        Ok(())
    }
}
