//! Looking without touching: which snapshots there are, and what is in them.

use chunker::{Record, SnapshotId};
use p2p::Grid;

use crate::flow::fetch::ChunkReader;
use crate::flow::publish::SNAPSHOT_PENDING;
use crate::flow::{Ctx, FlowError, marks};
use crate::vault::snapshot::Snapshot;
use crate::vault::tree::{Kind, Node, Piece, Tree};
use crate::vault::view::{self, SnapshotSpec};

/// Deepest directory nesting that is followed.
pub(crate) const MAX_DEPTH: usize = 16 * 1024;

/// A snapshot and where it stands.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its name.
    pub id: SnapshotId,
    /// Its record.
    pub snapshot: Snapshot,
    /// Whether it waits for its packs and is not on the grid yet.
    pub queued: bool,
    /// Whether no rule forgets it.
    pub pinned: bool,
}

/// An entry of a snapshot.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Absolute path on the source, or below the path asked for.
    pub path: Vec<u8>,
    /// What it is.
    pub node: Node,
}

/// All snapshots with the tags they have now, oldest first.
pub fn snapshots<G: Grid>(ctx: &Ctx<G>) -> Result<Vec<Listed>, FlowError> {
    let mut all = as_made(ctx)?;
    marks::apply(ctx, &mut all)?;
    Ok(all)
}

/// All snapshots with the tags they were made with, oldest first.
pub(crate) fn as_made<G: Grid>(ctx: &Ctx<G>) -> Result<Vec<Listed>, FlowError> {
    let mut all = Vec::new();
    for (id, state, sealed) in ctx.catalog.snapshots()? {
        let snapshot = Snapshot::decode(&ctx.vault.open_local(&sealed)?)?;
        all.push(Listed { id, snapshot, queued: state == SNAPSHOT_PENDING, pinned: false });
    }
    // Stable: of two in one second, the one entered later is the later one.
    all.sort_by_key(|listed| listed.snapshot.time);
    Ok(all)
}

/// The snapshot that `spec` names.
pub fn resolve<G: Grid>(
    ctx: &Ctx<G>,
    spec: &SnapshotSpec,
) -> Result<(SnapshotId, Snapshot), FlowError> {
    let mut all = snapshots(ctx)?;
    let times: Vec<_> = all.iter().map(|listed| (listed.id, listed.snapshot.time)).collect();
    let id = view::resolve(spec, &times)?;
    let at = all.iter().position(|listed| listed.id == id).ok_or(FlowError::Inconsistent)?;
    let found = all.swap_remove(at);
    Ok((found.id, found.snapshot))
}

/// Everything in a snapshot, or below the path that `spec` names, in tree order.
pub async fn ls<G: Grid>(
    ctx: &Ctx<G>,
    spec: &SnapshotSpec,
) -> Result<(SnapshotId, Vec<Entry>), FlowError> {
    let (id, snapshot) = resolve(ctx, spec)?;
    let mut reader = ChunkReader::new(ctx);
    let mut entries = Vec::new();
    match descend(&mut reader, &id, &snapshot, spec.path.as_deref()).await? {
        At::Dir { tree, prefix } => {
            walk(&mut reader, tree, prefix, |path, node| {
                entries.push(Entry { path: path.to_vec(), node: node.clone() });
                true
            })
            .await?;
        }
        At::Leaf { node, path } => entries.push(Entry { path, node }),
    }
    Ok((id, entries))
}

/// What a path of a snapshot leads to.
#[derive(Debug)]
pub(crate) enum At {
    /// A directory: its listing, and its path without a slash at the end.
    Dir { tree: Vec<Piece>, prefix: Vec<u8> },
    /// Anything else.
    Leaf { node: Node, path: Vec<u8> },
}

/// What a path of a snapshot leads to.
pub(crate) async fn find<G: Grid>(
    ctx: &Ctx<G>,
    id: &SnapshotId,
    snapshot: &Snapshot,
    path: Option<&[u8]>,
) -> Result<At, FlowError> {
    descend(&mut ChunkReader::new(ctx), id, snapshot, path).await
}

/// Follows a path from a snapshot's root.
pub(crate) async fn descend<G: Grid>(
    reader: &mut ChunkReader<G>,
    id: &SnapshotId,
    snapshot: &Snapshot,
    path: Option<&[u8]>,
) -> Result<At, FlowError> {
    let wanted = path.unwrap_or_default();
    // Collected, because the compiler cannot prove a future `Send` that keeps this closure.
    let names: Vec<&[u8]> =
        wanted.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).collect();
    let mut names = names.into_iter().peekable();
    let mut here = snapshot.root.clone();
    let mut prefix = Vec::new();
    while let Some(name) = names.next() {
        let tree: Tree = reader.record(&here).await?;
        let missing = || FlowError::NoSuchPath {
            snapshot: id.short(),
            path: String::from_utf8_lossy(wanted).into_owned(),
        };
        let node = tree.nodes.into_iter().find(|node| node.name == name).ok_or_else(missing)?;
        prefix.push(b'/');
        prefix.extend_from_slice(name);
        match node.kind {
            Kind::Dir { tree } => here = tree,
            _ if names.peek().is_none() => return Ok(At::Leaf { node, path: prefix }),
            _ => return Err(missing()),
        }
    }
    Ok(At::Dir { tree: here, prefix })
}

/// Visits every entry below a directory, parents before children, in name order. `visit` says
/// whether to go into a directory.
pub(crate) async fn walk<G: Grid>(
    reader: &mut ChunkReader<G>,
    root: Vec<Piece>,
    prefix: Vec<u8>,
    mut visit: impl FnMut(&[u8], &Node) -> bool,
) -> Result<(), FlowError> {
    let mut walk = Walk::new(root, prefix);
    while let Some(node) = walk.next(reader).await? {
        if !visit(walk.path(), &node) {
            walk.pass_by();
        }
    }
    Ok(())
}

/// A walk over every entry below a directory, parents before children, in name order, one at a
/// time. It keeps the listings of the directories on the way, no more.
#[derive(Debug)]
pub(crate) struct Walk {
    /// What is left of the listings on the way, the innermost last.
    levels: Vec<std::vec::IntoIter<Node>>,
    path: Vec<u8>,
    /// How long the path of each level is.
    lengths: Vec<usize>,
    /// The listing of the directory that came last, to be entered next.
    below: Option<Vec<Piece>>,
}

impl Walk {
    /// Below the directory that `root` lists, whose path is `prefix`.
    pub(crate) const fn new(root: Vec<Piece>, prefix: Vec<u8>) -> Self {
        Self { levels: Vec::new(), path: prefix, lengths: Vec::new(), below: Some(root) }
    }

    /// The next entry. A directory is gone into unless it is [passed by](Self::pass_by).
    pub(crate) async fn next<G: Grid>(
        &mut self,
        reader: &mut ChunkReader<G>,
    ) -> Result<Option<Node>, FlowError> {
        if let Some(pieces) = self.below.take() {
            if self.levels.len() >= MAX_DEPTH {
                return Err(FlowError::TooDeep { limit: MAX_DEPTH });
            }
            let below: Tree = reader.record(&pieces).await?;
            self.levels.push(below.nodes.into_iter());
            self.lengths.push(self.path.len());
        }
        while let (Some(level), Some(&len)) = (self.levels.last_mut(), self.lengths.last()) {
            self.path.truncate(len);
            let Some(node) = level.next() else {
                self.levels.pop();
                self.lengths.pop();
                continue;
            };
            self.path.push(b'/');
            self.path.extend_from_slice(&node.name);
            if let Kind::Dir { tree } = &node.kind {
                self.below = Some(tree.clone());
            }
            return Ok(Some(node));
        }
        Ok(None)
    }

    /// The path of the entry that came last.
    pub(crate) fn path(&self) -> &[u8] {
        &self.path
    }

    /// Does not go into the directory that came last.
    pub(crate) fn pass_by(&mut self) {
        self.below = None;
    }
}
