//! Following snapshots down to their packs: snapshot -> listings -> chunks -> packs.
//!
//! The newest snapshot comes first, and a listing that was seen is not read again, so a path is
//! named as it is in the newest snapshot that has it. A listing that cannot be read is a problem,
//! and the walk goes on beside it; only a local failure ends it.

use std::collections::{BTreeMap, BTreeSet};

use chunker::{ChunkId, PackId};
use p2p::Grid;

use super::{CheckProblem, Grade};
use crate::flow::fetch::ChunkReader;
use crate::flow::look::{Listed, MAX_DEPTH};
use crate::flow::{Ctx, FlowError};
use crate::vault::tree::{Content, Kind, Piece, Tree};

/// A directory still to be read.
struct Dir {
    path: Vec<u8>,
    tree: Vec<Piece>,
    depth: usize,
}

/// Walks all snapshots once.
pub(super) struct Walk<'a, G> {
    ctx: &'a Ctx<G>,
    reader: ChunkReader<G>,
    seen: BTreeSet<Vec<ChunkId>>,
    /// What could not be followed.
    pub(super) problems: Vec<CheckProblem>,
}

impl<'a, G: Grid> Walk<'a, G> {
    pub(super) fn new(ctx: &'a Ctx<G>) -> Self {
        let (reader, seen) = (ChunkReader::new(ctx), BTreeSet::new());
        Self { ctx, reader, seen, problems: Vec::new() }
    }

    /// Hands every path to `visit`, with the packs it cannot be restored without.
    pub(super) async fn all(
        &mut self,
        snapshots: &[Listed],
        mut visit: impl FnMut(&[u8], &BTreeSet<PackId>),
    ) -> Result<(), FlowError> {
        let mut open = Vec::new();
        for listed in snapshots.iter().rev() {
            let tree = listed.snapshot.root.clone();
            open.push(Dir { path: Vec::new(), tree, depth: 1 });
            while let Some(dir) = open.pop() {
                self.dir(dir, &mut open, &mut visit).await?;
            }
        }
        Ok(())
    }

    async fn dir(
        &mut self,
        dir: Dir,
        open: &mut Vec<Dir>,
        visit: &mut impl FnMut(&[u8], &BTreeSet<PackId>),
    ) -> Result<(), FlowError> {
        let shown: &[u8] = if dir.path.is_empty() { b"/" } else { &dir.path };
        if dir.depth > MAX_DEPTH {
            return Err(FlowError::TooDeep { limit: MAX_DEPTH });
        }
        if !self.seen.insert(chunks(&dir.tree)) {
            return Ok(());
        }
        let mut packs = BTreeSet::new();
        self.packs(shown, &dir.tree, &mut packs)?;
        visit(shown, &packs);
        let tree = match self.reader.record::<Tree>(&dir.tree).await {
            Ok(tree) => tree,
            Err(error) => return self.unreadable(shown, error),
        };
        for node in tree.nodes {
            let path = [dir.path.as_slice(), b"/", &node.name].concat();
            match node.kind {
                Kind::Dir { tree } => open.push(Dir { path, tree, depth: dir.depth + 1 }),
                Kind::File { content, .. } => {
                    let packs = self.content(&path, &content).await?;
                    visit(&path, &packs);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The packs of a file's content.
    async fn content(
        &mut self,
        path: &[u8],
        content: &Content,
    ) -> Result<BTreeSet<PackId>, FlowError> {
        let mut packs = BTreeSet::new();
        if let Content::Listed(list) = content {
            self.packs(path, list, &mut packs)?;
        }
        match self.reader.pieces(content).await {
            Ok(pieces) => self.packs(path, &pieces, &mut packs)?,
            Err(error) => self.unreadable(path, error)?,
        }
        Ok(packs)
    }

    /// Adds the packs of these pieces. A chunk that no pack is known to have, or in another length,
    /// is a problem.
    fn packs(
        &mut self,
        path: &[u8],
        pieces: &[Piece],
        packs: &mut BTreeSet<PackId>,
    ) -> Result<(), FlowError> {
        let named = pieces.iter().filter_map(|piece| Some((piece.chunk?, piece.len)));
        let (ids, lens): (Vec<ChunkId>, Vec<u64>) = named.unzip();
        let found = self.ctx.catalog.find_many(&ids)?;
        for ((chunk, len), at) in ids.into_iter().zip(lens).zip(found) {
            match at {
                Some(at) if u64::from(at.len) == len => {
                    packs.insert(at.pack);
                }
                Some(_) => self.broken(path, FlowError::Inconsistent.to_string()),
                None => self.broken(path, FlowError::UnknownChunk { chunk }.to_string()),
            }
        }
        Ok(())
    }

    /// A listing that cannot be read. That its pack is out of reach or lost is said of the pack; a
    /// local failure ends the check.
    fn unreadable(&mut self, path: &[u8], error: FlowError) -> Result<(), FlowError> {
        match error {
            FlowError::PackLost { .. }
            | FlowError::PackUnavailable { .. }
            | FlowError::UnknownChunk { .. } => {}
            FlowError::Sealed(_) | FlowError::Record(_) | FlowError::Format(_) => {
                self.broken(path, error.to_string());
            }
            other => return Err(other),
        }
        Ok(())
    }

    fn broken(&mut self, path: &[u8], message: String) {
        let last = self.problems.last();
        if last.is_some_and(|last| last.files.first().is_some_and(|file| file == path)) {
            return;
        }
        let (files, files_total) = (vec![path.to_vec()], 1);
        let (grade, pack, holders) = (Grade::Loss, None, BTreeSet::new());
        self.problems.push(CheckProblem { grade, pack, message, holders, files, files_total });
    }
}

/// Names the files of packs that have a problem: some of each pack's, and how many there are.
pub(super) async fn name_files<G: Grid>(
    ctx: &Ctx<G>,
    snapshots: &[Listed],
    problems: &mut [CheckProblem],
    most: usize,
) -> Result<(), FlowError> {
    let by_pack: BTreeMap<PackId, usize> =
        problems.iter().enumerate().filter_map(|(at, found)| Some((found.pack?, at))).collect();
    if by_pack.is_empty() {
        return Ok(());
    }
    let mut walk = Walk::new(ctx);
    let name = |path: &[u8], packs: &BTreeSet<PackId>| {
        for at in packs.iter().filter_map(|pack| by_pack.get(pack)) {
            let Some(problem) = problems.get_mut(*at) else { continue };
            problem.files_total += 1;
            if problem.files.len() < most {
                problem.files.push(path.to_vec());
            }
        }
    };
    walk.all(snapshots, name).await
}

fn chunks(pieces: &[Piece]) -> Vec<ChunkId> {
    pieces.iter().filter_map(|piece| piece.chunk).collect()
}
