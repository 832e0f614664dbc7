//! Where the owner's own files have the chunks of packs that are to be made again.
//!
//! Only files that look as they did when they were backed up are read, and every chunk is checked
//! against its name by whoever makes the pack: a file that changed all the same costs a failure and
//! no wrong byte. Opening never follows a link and never blocks on a pipe.
//!
//! Bounded by the chunks asked for: the listings are walked once for a batch of packs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use chunker::{BLOCK_MAX, ChunkId};
use p2p::Grid;

use crate::flow::fetch::ChunkReader;
use crate::flow::{Ctx, FlowError, look};
use crate::vault::snapshot::SnapshotState;
use crate::vault::tree::{Content, Kind, Meta, Node, Piece};

/// Newest snapshots that are walked, one for each set of paths.
const SNAPSHOTS: usize = 8;

/// A part of a file.
#[derive(Debug, Clone)]
struct Part {
    file: Arc<Known>,
    offset: u64,
    len: usize,
}

/// A file as it was backed up.
#[derive(Debug)]
struct Known {
    path: PathBuf,
    size: u64,
    meta: Meta,
}

/// Parts of files, by the chunk that they are.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources {
    parts: BTreeMap<ChunkId, Part>,
}

impl Sources {
    /// Looks for these chunks in the newest snapshots of this device.
    pub(super) async fn find<G: Grid>(
        ctx: &Ctx<G>,
        wanted: &BTreeSet<ChunkId>,
    ) -> Result<Self, FlowError> {
        let mut found = Self::default();
        let mut seen = BTreeSet::new();
        for listed in look::snapshots(ctx)?.into_iter().rev() {
            let snapshot = listed.snapshot;
            let ours = snapshot.device == ctx.device.peer();
            let whole = snapshot.state == SnapshotState::Complete;
            let new = ours && whole && seen.insert(snapshot.paths.clone());
            if !new || found.parts.len() >= wanted.len() {
                continue;
            }
            if seen.len() > SNAPSHOTS {
                break;
            }
            if let Err(error) = found.gather(ctx, snapshot.root, wanted).await {
                // Without it more is fetched from holders.
                tracing::debug!(%error, "a snapshot's listing cannot be read");
            }
        }
        Ok(found)
    }

    async fn gather<G: Grid>(
        &mut self,
        ctx: &Ctx<G>,
        root: Vec<Piece>,
        wanted: &BTreeSet<ChunkId>,
    ) -> Result<(), FlowError> {
        let mut reader = ChunkReader::new(ctx);
        let mut listed = Vec::new();
        let visit = |path: &[u8], node: &Node| {
            if let Kind::File { size, content } = &node.kind {
                let file = || {
                    let path = PathBuf::from(OsStr::from_bytes(path));
                    Arc::new(Known { path, size: *size, meta: node.meta.clone() })
                };
                match content {
                    Content::Inline(pieces) => self.add(file, pieces, wanted),
                    Content::Listed(_) => listed.push((file(), content.clone())),
                }
            }
            true
        };
        look::walk(&mut reader, root, Vec::new(), visit).await?;
        for (file, content) in listed {
            let pieces = reader.pieces(&content).await?;
            self.add(|| file, &pieces, wanted);
        }
        Ok(())
    }

    fn add(
        &mut self,
        file: impl FnOnce() -> Arc<Known>,
        pieces: &[Piece],
        wanted: &BTreeSet<ChunkId>,
    ) {
        let is_wanted = |piece: &Piece| piece.chunk.is_some_and(|chunk| wanted.contains(&chunk));
        if !pieces.iter().any(is_wanted) {
            return;
        }
        let (file, mut offset) = (file(), 0_u64);
        for piece in pieces {
            if let Some(chunk) = piece.chunk.filter(|_| is_wanted(piece)) {
                let len = usize::try_from(piece.len).unwrap_or(usize::MAX);
                self.parts.entry(chunk).or_insert(Part { file: Arc::clone(&file), offset, len });
            }
            offset = offset.saturating_add(piece.len);
        }
    }

    /// Reads chunks one after another.
    pub(super) const fn reader(&self) -> Reader<'_> {
        Reader { sources: self, open: None }
    }
}

/// Reads chunks, keeping the file opened last: those of a file lie together.
pub(super) struct Reader<'a> {
    sources: &'a Sources,
    open: Option<(&'a Path, Option<File>)>,
}

impl Reader<'_> {
    /// A chunk's bytes, unchecked; none when no unchanged file has it. Blocks.
    pub(super) fn chunk(&mut self, id: &ChunkId) -> Option<Bytes> {
        let part = self.sources.parts.get(id)?;
        if part.len > BLOCK_MAX {
            return None;
        }
        if self.open.as_ref().is_none_or(|(path, _)| *path != part.file.path) {
            self.open = Some((&part.file.path, unchanged(&part.file)));
        }
        let (_, file) = self.open.as_ref()?;
        let mut bytes = vec![0; part.len];
        file.as_ref()?.read_exact_at(&mut bytes, part.offset).ok()?;
        Some(bytes.into())
    }
}

/// The file, opened, if it looks as it did.
fn unchanged(known: &Known) -> Option<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).ok()?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(&known.path).ok()?;
    let now = file.metadata().ok()?;
    let mtime = (known.meta.mtime.secs, i64::from(known.meta.mtime.nanos));
    let same = now.is_file() && now.len() == known.size && (now.mtime(), now.mtime_nsec()) == mtime;
    same.then_some(file)
}
