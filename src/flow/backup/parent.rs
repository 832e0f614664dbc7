//! The parent snapshot: what the source looked like last time, walked beside the scan.
//!
//! A file is taken over unread when its size, times and inode are the parent's and the vault still
//! has every chunk of it in a healthy pack (I13).

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use chunker::{Class, PackId, Record, SnapshotId};
use p2p::Grid;

use crate::flow::backup::BackupPlan;
use crate::flow::fetch::{ChunkReader, record_in};
use crate::flow::opened::{LocalPacks, OpenBlocks};
use crate::flow::{Ctx, FlowError};
use crate::vault::snapshot::Snapshot;
use crate::vault::tree::{Content, Kind, Node, Piece, PieceList, Tree};

/// The newest snapshot of this host with the same paths.
pub(super) fn find<G: Grid>(
    ctx: &Ctx<G>,
    plan: &BackupPlan,
) -> Result<Option<(SnapshotId, Snapshot)>, FlowError> {
    let mut newest: Option<(SnapshotId, Snapshot)> = None;
    let wanted: Vec<PathBuf> = plan.paths.clone();
    for (id, _, sealed) in ctx.catalog.snapshots()? {
        let snapshot = Snapshot::decode(&ctx.vault.open_local(&sealed)?)?;
        let same = snapshot.hostname == plan.hostname && snapshot.same_paths(&wanted);
        if same && newest.as_ref().is_none_or(|(_, best)| best.time <= snapshot.time) {
            newest = Some((id, snapshot));
        }
    }
    Ok(newest)
}

/// Walks the parent's tree in step with the scan, on the reading thread. Everything it needs is in
/// local packs: [`Cursor::open`] has seen to that. What cannot be read after all counts as new.
pub(super) struct Cursor {
    local: Option<Local>,
    /// The parent's listing at each level of the scan; none where the parent had no such directory.
    levels: Vec<Option<BTreeMap<Vec<u8>, Node>>>,
}

struct Local {
    root: Vec<Piece>,
    catalog: store::Catalog,
    packs: LocalPacks,
    /// A directory's listing comes after those of its children, so that the walk goes back and
    /// forth between a few blocks.
    opened: OpenBlocks,
}

impl Cursor {
    /// Without a parent everything is new.
    pub(super) const fn none() -> Self {
        Self { local: None, levels: Vec::new() }
    }

    /// Makes the parent's listings local. When its metadata cannot be had, everything counts as
    /// new: a backup must not depend on being able to read an older one.
    pub(super) async fn open<G: Grid>(ctx: &Ctx<G>, parent: &Snapshot) -> Result<Self, FlowError> {
        let mut reader = ChunkReader::new(ctx);
        let here = all_here(ctx).await?;
        if !here && let Err(error) = fetch_listings(&mut reader, &parent.root).await {
            tracing::warn!(%error, "the parent snapshot cannot be read: reading every file");
            return Ok(Self::none());
        }
        let local = Local {
            root: parent.root.clone(),
            catalog: ctx.catalog.clone(),
            packs: LocalPacks::of(ctx),
            opened: OpenBlocks::default(),
        };
        Ok(Self { local: Some(local), levels: Vec::new() })
    }

    /// The scan enters a directory. Returns whether the parent had it.
    pub(super) fn enter(&mut self, name: &[u8]) -> bool {
        let pieces = match self.levels.last() {
            None => self.local.as_ref().map(|local| local.root.clone()),
            Some(level) => match level.as_ref().and_then(|nodes| nodes.get(name)) {
                Some(Node { kind: Kind::Dir { tree }, .. }) => Some(tree.clone()),
                _ => None,
            },
        };
        let listing = pieces.and_then(|pieces| self.local.as_mut()?.listing(&pieces));
        let known = listing.is_some();
        self.levels.push(listing);
        known
    }

    /// The scan leaves a directory.
    pub(super) fn leave(&mut self) {
        self.levels.pop();
    }

    /// The parent's node of this name in the current directory.
    pub(super) fn node(&self, name: &[u8]) -> Option<&Node> {
        self.levels.last()?.as_ref()?.get(name)
    }

    /// Whether all chunks of a file are in healthy packs.
    pub(super) fn is_held(&mut self, content: &Content) -> bool {
        let Some(local) = &mut self.local else { return false };
        match content {
            Content::Inline(pieces) => local.holds(pieces),
            Content::Listed(list) => {
                local.holds(list)
                    && local.record::<PieceList>(list).is_some_and(|list| local.holds(&list.pieces))
            }
        }
    }
}

/// Whether every pack that can hold listings is local, as it is on the machine that made them: then
/// the tree need not be walked to find out which have to be fetched.
async fn all_here<G: Grid>(ctx: &Ctx<G>) -> Result<bool, FlowError> {
    let (catalog, spool, cache) = (ctx.catalog.clone(), ctx.spool.clone(), ctx.cache.clone());
    let look = move || -> Result<bool, FlowError> {
        let packs = catalog.packs_of(Class::Tree as u8)?;
        Ok(packs.iter().all(|id| spool.contains(id) || cache.contains(id)))
    };
    ctx.work(look).await?
}

/// Makes every metadata pack local that the tree needs: what is not here is fetched into the cache.
async fn fetch_listings<G: Grid>(
    reader: &mut ChunkReader<G>,
    root: &[Piece],
) -> Result<(), FlowError> {
    let mut open = vec![root.to_vec()];
    while let Some(pieces) = open.pop() {
        let tree: Tree = reader.record(&pieces).await?;
        for node in tree.nodes.into_iter().rev() {
            match node.kind {
                Kind::Dir { tree } => open.push(tree),
                Kind::File { content: Content::Listed(list), .. } => {
                    reader.record::<PieceList>(&list).await?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

impl Local {
    fn listing(&mut self, pieces: &[Piece]) -> Option<BTreeMap<Vec<u8>, Node>> {
        let tree: Tree = self.record(pieces)?;
        Some(tree.nodes.into_iter().map(|node| (node.name.clone(), node)).collect())
    }

    fn record<T: Record>(&mut self, pieces: &[Piece]) -> Option<T> {
        let mut bytes = Vec::new();
        for piece in pieces {
            bytes.extend_from_slice(&self.chunk(&piece.chunk?)?);
        }
        T::decode(&bytes).ok()
    }

    fn chunk(&mut self, id: &chunker::ChunkId) -> Option<Bytes> {
        let at = self.catalog.find(id).ok()??;
        let raw = match self.opened.block(&at.pack, at.block) {
            Some(raw) => raw,
            None => self.open(at.pack, at.block)?,
        };
        let (start, end) = (at.offset as usize, at.offset as usize + at.len as usize);
        (end <= raw.len()).then(|| raw.slice(start..end))
    }

    fn open(&mut self, pack: PackId, block: u32) -> Option<Bytes> {
        let record = self.opened.record(&pack, || record_in(&self.catalog, &pack)).ok()?;
        let raw = self.packs.open(&record, block)?;
        self.opened.keep(pack, block, raw.clone());
        Some(raw)
    }

    fn holds(&self, pieces: &[Piece]) -> bool {
        pieces
            .iter()
            .filter_map(|piece| piece.chunk.as_ref())
            .all(|id| matches!(self.catalog.find_sound(id), Ok(Some(_))))
    }
}
