//! Salvage: makes snapshots again without what cannot be restored any more.
//!
//! A snapshot of which packs are lost stays as it is; beside it a new one is published with its
//! time, paths, host and tags, in which every file is whole: one that lacks a chunk is left out,
//! not cut short, and a directory whose listing is lost comes without what was in it. Nothing is
//! read of files and nothing of them is stored; only listings that change are.
//!
//! Lost is what the index says is lost (a check or an audit found it); what is merely out of reach
//! ends the salvage, because its holders may come back. Only snapshots this device published or
//! adopted are salvaged: each device's head chain is its own. The originals go only when asked to,
//! after the new ones are on the grid. May be cut off anywhere: then there is a snapshot more, or
//! none.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use chunker::{ChunkId, SnapshotId};
use p2p::Grid;
use serde_bytes::ByteBuf;
use tokio_util::sync::CancellationToken;

use crate::flow::backup::{self, BackupPlan, Stored};
use crate::flow::fetch::ChunkReader;
use crate::flow::look::{self, Listed, MAX_DEPTH};
use crate::flow::scan::{Event, Found, ScanOptions};
use crate::flow::targets::Targets;
use crate::flow::{Ctx, FlowError, publish};
use crate::vault::snapshot::Snapshot;
use crate::vault::tree::{Content, Kind, Meta, Node, Piece, Tree};
use crate::vault::view::{self, SnapshotSpec};

/// Paths named of each snapshot; all of them are counted.
const NAMED: usize = 1000;

/// What to salvage.
#[derive(Debug, Clone, Default)]
pub struct SalvagePlan {
    /// These; all of this device's when empty.
    pub named: Vec<SnapshotSpec>,
    /// Forget the originals afterwards.
    pub forget: bool,
    /// Only look.
    pub dry_run: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SalvageReport {
    /// Snapshots looked through.
    pub looked: usize,
    /// Those that lacked something.
    pub salvaged: Vec<Salvaged>,
    /// Originals forgotten.
    pub forgotten: usize,
}

/// One snapshot that lacked something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// Which.
    pub original: SnapshotId,
    /// What took its place; none when only looked at, or when nothing of it is left.
    pub salvaged: Option<SnapshotId>,
    /// What was left out.
    pub left_out: LeftOut,
}

/// Paths that are not in the new snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The first thousand of them.
    pub paths: Vec<Vec<u8>>,
    /// How many there are; of a lost listing, one.
    pub count: u64,
    /// Entries that are whole.
    pub whole: u64,
}

impl LeftOut {
    fn add(&mut self, path: &[u8]) {
        self.count += 1;
        if self.paths.len() < NAMED {
            self.paths.push(path.to_vec());
        }
    }
}

/// Salvages. The caller writes the owner's backup.
pub async fn salvage<G: Grid>(
    ctx: &Ctx<G>,
    plan: &SalvagePlan,
    cancel: &CancellationToken,
) -> Result<SalvageReport, FlowError> {
    let chosen = chosen(ctx, plan)?;
    let mut report = SalvageReport { looked: chosen.len(), ..SalvageReport::default() };
    for listed in chosen {
        let left_out = survey(ctx, &listed.snapshot).await?;
        if left_out.count == 0 {
            continue;
        }
        let mut salvaged = None;
        if !plan.dry_run && left_out.whole > 0 {
            salvaged = make(ctx, &listed.snapshot, cancel).await?;
        }
        report.salvaged.push(Salvaged { original: listed.id, salvaged, left_out });
    }
    let replaced = report.salvaged.iter().filter(|one| one.salvaged.is_some());
    let originals: BTreeSet<SnapshotId> = replaced.map(|one| one.original).collect();
    if plan.forget && !originals.is_empty() {
        publish::withdraw(ctx, &Targets::now(ctx), &originals).await?;
        report.forgotten = originals.len();
    }
    Ok(report)
}

fn chosen<G: Grid>(ctx: &Ctx<G>, plan: &SalvagePlan) -> Result<Vec<Listed>, FlowError> {
    let (ours, mut all) = (publish::named(ctx)?, look::snapshots(ctx)?);
    all.retain(|listed| ours.contains(&listed.id) && !listed.queued);
    if plan.named.is_empty() {
        return Ok(all);
    }
    let times: Vec<_> = all.iter().map(|listed| (listed.id, listed.snapshot.time)).collect();
    let named = plan.named.iter().map(|spec| view::resolve(spec, &times));
    let named: BTreeSet<SnapshotId> = named.collect::<Result<_, _>>()?;
    all.retain(|listed| named.contains(&listed.id));
    Ok(all)
}

/// What of a snapshot cannot be restored.
async fn survey<G: Grid>(ctx: &Ctx<G>, snapshot: &Snapshot) -> Result<LeftOut, FlowError> {
    let mut walk = Walk::new(ctx, snapshot);
    while walk.whole().await?.is_some() {}
    Ok(walk.left_out)
}

/// Publishes what is left of a snapshot; none when that is there already.
async fn make<G: Grid>(
    ctx: &Ctx<G>,
    snapshot: &Snapshot,
    cancel: &CancellationToken,
) -> Result<Option<SnapshotId>, FlowError> {
    let (plan, walk) = (plan_of(snapshot), Walk::new(ctx, snapshot));
    let report = backup::remake(ctx, &plan, snapshot, walk, cancel).await?;
    Ok(report.snapshot)
}

fn plan_of(snapshot: &Snapshot) -> BackupPlan {
    let path = |path: &ByteBuf| PathBuf::from(OsString::from_vec(path.to_vec()));
    BackupPlan {
        paths: snapshot.paths.iter().map(path).collect(),
        scan: ScanOptions::default(),
        tags: snapshot.tags.clone(),
        hostname: snapshot.hostname.clone(),
        username: snapshot.username.clone(),
        force: false,
        dry_run: false,
        skip_if_unchanged: false,
        code: None,
        spool: false,
        level: Some(0),
    }
}

/// What is left of a snapshot's tree, entry by entry.
struct Walk<G> {
    ctx: Ctx<G>,
    reader: ChunkReader<G>,
    root: Option<Vec<Piece>>,
    /// The directories that have begun: what is still to come of each, and how long its path is.
    open: Vec<(std::vec::IntoIter<Node>, usize)>,
    path: Vec<u8>,
    left_out: LeftOut,
}

impl<G: Grid> Walk<G> {
    fn new(ctx: &Ctx<G>, snapshot: &Snapshot) -> Self {
        Self {
            ctx: ctx.clone(),
            reader: ChunkReader::new(ctx),
            root: Some(snapshot.root.clone()),
            open: Vec::new(),
            path: Vec::new(),
            left_out: LeftOut::default(),
        }
    }

    /// What comes next of what is whole; the rest is counted as left out.
    async fn whole(&mut self) -> Result<Option<Event>, FlowError> {
        if let Some(root) = self.root.take() {
            return self.enter(Vec::new(), Meta::default(), &root).await.map(Some);
        }
        loop {
            let Some((nodes, path_len)) = self.open.last_mut() else { return Ok(None) };
            self.path.truncate(*path_len);
            let Some(node) = nodes.next() else {
                self.open.pop();
                return Ok(Some(Event::LeaveDir));
            };
            self.path.push(b'/');
            self.path.extend_from_slice(&node.name);
            if let Kind::Dir { tree } = &node.kind {
                let tree = tree.clone();
                self.left_out.whole += 1;
                return self.enter(node.name, node.meta, &tree).await.map(Some);
            }
            if self.is_whole(&node).await? {
                self.left_out.whole += 1;
                let size = if let Kind::File { size, .. } = &node.kind { *size } else { 0 };
                return Ok(Some(Event::Leaf(Found { path: self.here(), node, size })));
            }
            self.left_out.add(&self.path);
        }
    }

    /// Begins a directory; without entries when its listing is lost.
    async fn enter(
        &mut self,
        name: Vec<u8>,
        meta: Meta,
        tree: &[Piece],
    ) -> Result<Event, FlowError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(FlowError::TooDeep { limit: MAX_DEPTH });
        }
        let mut nodes = Vec::new();
        match self.listing(tree).await? {
            Some(listing) => nodes = listing.nodes,
            None => self.left_out.add(if self.path.is_empty() { b"/" } else { &self.path }),
        }
        self.open.push((nodes.into_iter(), self.path.len()));
        Ok(Event::EnterDir { name, meta, path: self.here() })
    }

    fn here(&self) -> PathBuf {
        PathBuf::from(OsString::from_vec(self.path.clone()))
    }

    /// A directory's listing; none when it is lost.
    async fn listing(&mut self, pieces: &[Piece]) -> Result<Option<Tree>, FlowError> {
        unless_lost(self.reader.record::<Tree>(pieces).await)
    }

    async fn is_whole(&mut self, node: &Node) -> Result<bool, FlowError> {
        let Kind::File { content, .. } = &node.kind else { return Ok(true) };
        if let Content::Listed(list) = content
            && !self.are_sound(list)?
        {
            return Ok(false);
        }
        let pieces = unless_lost(self.reader.pieces(content).await)?;
        pieces.map_or(Ok(false), |pieces| self.are_sound(&pieces))
    }

    /// Whether each of these is in a pack that is not lost.
    fn are_sound(&self, pieces: &[Piece]) -> Result<bool, FlowError> {
        let ids: BTreeSet<ChunkId> = pieces.iter().filter_map(|piece| piece.chunk).collect();
        for id in ids {
            if self.ctx.catalog.find_sound(&id)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl<G: Grid> Stored for Walk<G> {
    fn next(&mut self) -> impl Future<Output = Result<Option<Event>, FlowError>> + Send {
        self.whole()
    }
}

/// None for what is lost, or is not what it should be. Out of reach is not lost.
fn unless_lost<T>(read: Result<T, FlowError>) -> Result<Option<T>, FlowError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(
            FlowError::PackLost { .. }
            | FlowError::UnknownChunk { .. }
            | FlowError::Sealed(_)
            | FlowError::Record(_)
            | FlowError::Format(_),
        ) => Ok(None),
        Err(error) => Err(error),
    }
}
