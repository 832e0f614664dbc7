//! A moment of a drive as the backup reads it: entries in order, and the bytes of those files that
//! changed since the last commit.
//!
//! Of a changed file only the chunks that changed are read and cut anew, from the beginning of the
//! first of them to the end of the last that is next to it; the others are taken over by name. So a
//! page written into a file of gigabytes costs a few chunks.

use std::collections::btree_map;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chunker::ChunkId;
use rustix::io::Errno;
use tokio::runtime::Handle;

use super::ops::{Ino, ROOT, Type};
use super::reader::Layout;
use super::volume::Far;
use super::volume::freeze::Frozen;
use super::volume::node::{Base, Body, Data, Inode, Where};
use crate::flow::backup::{Entries, Segments};
use crate::flow::scan::{Event, Found, SegmentKind};
use crate::vault::tree::{Content, Kind, Meta, Node, Piece, Xattr};

/// Zeros shorter than this are cut like other bytes: a hole costs a piece of its own.
const LEAST_HOLE: u64 = 64 * 1024;

/// Whether each of these chunks is in a pack that is known and whole.
pub(crate) type Held = Arc<dyn Fn(&[ChunkId]) -> Vec<bool> + Send + Sync>;

/// What reading a moment needs besides it.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) far: Arc<dyn Far>,
    pub(crate) held: Held,
    pub(crate) runtime: Handle,
}

/// The entries of a moment, below one directory of the drive's name.
pub(crate) struct TreeEntries {
    frozen: Arc<Frozen>,
    sources: Sources,
    name: Vec<u8>,
    /// Directories that have begun, by number and how far they were walked.
    levels: Vec<Level>,
    stage: Stage,
    path: Vec<u8>,
    /// The file that was told last.
    current: Option<Ino>,
}

struct Level {
    entries: std::vec::IntoIter<(Vec<u8>, Ino)>,
    path_len: usize,
}

enum Stage {
    Top,
    Root,
    Walk,
    Bottom,
    Done,
}

impl TreeEntries {
    /// Of a drive of this name.
    pub(crate) fn new(frozen: Arc<Frozen>, sources: Sources, name: &str) -> Self {
        let name = name.as_bytes().to_vec();
        Self {
            frozen,
            sources,
            name,
            levels: Vec::new(),
            stage: Stage::Top,
            path: Vec::new(),
            current: None,
        }
    }

    fn enter(&mut self, ino: Ino, name: &[u8]) -> Option<Event> {
        let inode = Arc::clone(self.frozen.get(ino)?);
        let Body::Dir(dir) = &inode.body else { return None };
        self.path.push(b'/');
        self.path.extend_from_slice(name);
        let copy = |(name, ino): (&Vec<u8>, &Ino)| (name.clone(), *ino);
        let entries: btree_map::Iter<'_, Vec<u8>, Ino> = dir.entries.iter();
        let entries: Vec<_> = entries.map(copy).collect();
        self.levels.push(Level { entries: entries.into_iter(), path_len: self.path.len() });
        Some(Event::EnterDir { name: name.to_vec(), meta: meta(&inode), path: self.here() })
    }

    fn here(&self) -> PathBuf {
        PathBuf::from(std::ffi::OsString::from_vec(self.path.clone()))
    }

    fn walk(&mut self) -> Option<Event> {
        let level = self.levels.last_mut()?;
        self.path.truncate(level.path_len);
        let Some((name, ino)) = level.entries.next() else {
            self.levels.pop();
            if self.levels.is_empty() {
                self.stage = Stage::Bottom;
            }
            return Some(Event::LeaveDir);
        };
        let inode = Arc::clone(self.frozen.get(ino)?);
        if matches!(inode.body, Body::Dir(_)) {
            return self.enter(ino, &name);
        }
        self.path.push(b'/');
        self.path.extend_from_slice(&name);
        self.current = Some(ino);
        Some(Event::Leaf(found(&inode, name, self.here())))
    }
}

impl Entries for TreeEntries {
    type File = FrozenFile;

    fn next(&mut self) -> Option<Event> {
        match self.stage {
            Stage::Top => {
                self.stage = Stage::Root;
                let meta = Meta::default();
                Some(Event::EnterDir { name: Vec::new(), meta, path: PathBuf::new() })
            }
            Stage::Root => {
                self.stage = Stage::Walk;
                let name = self.name.clone();
                self.enter(ROOT, &name)
            }
            Stage::Walk => self.walk(),
            Stage::Bottom => {
                self.stage = Stage::Done;
                Some(Event::LeaveDir)
            }
            Stage::Done => None,
        }
    }

    fn known(&mut self, found: &Found) -> Option<Node> {
        let inode = self.frozen.get(found.node.meta.inode)?;
        let Body::File(data) = &inode.body else { return None };
        let base = data.base.as_ref().filter(|_| data.is_clean())?;
        let (Content::Inline(pieces) | Content::Listed(pieces)) = &base.content;
        let ids: Vec<ChunkId> = pieces.iter().filter_map(|piece| piece.chunk).collect();
        let held = (self.sources.held)(&ids).into_iter().all(|held| held);
        // What is not here cannot be read better than it was.
        if !held && data.ranges.missing(0, found.size) == 0 {
            return None;
        }
        let kind = Kind::File { size: base.size, content: base.content.clone() };
        Some(Node { kind, ..found.node.clone() })
    }

    fn open(&mut self, _: &Path) -> io::Result<FrozenFile> {
        let inode = self.current.and_then(|ino| self.frozen.get(ino));
        let inode = inode.ok_or_else(|| io::Error::from(Errno::NOENT))?;
        FrozenFile::open(&self.frozen, inode, self.sources.clone())
    }
}

/// What is stored of an entry.
fn meta(inode: &Inode) -> Meta {
    let attr = &inode.attr;
    let xattr =
        |(name, value): (&Vec<u8>, &Vec<u8>)| Xattr { name: name.clone(), value: value.clone() };
    Meta {
        mode: attr.mode,
        uid: attr.uid,
        gid: attr.gid,
        user: None,
        group: None,
        mtime: attr.mtime,
        ctime: attr.ctime,
        inode: attr.ino,
        device: 0,
        links: u64::from(attr.links),
        xattrs: inode.xattrs.iter().map(xattr).collect(),
    }
}

fn found(inode: &Inode, name: Vec<u8>, path: PathBuf) -> Found {
    let rdev = inode.attr.rdev;
    let kind = match (&inode.body, inode.attr.kind) {
        (Body::File(_), _) => Kind::File { size: 0, content: Content::empty() },
        (Body::Symlink(target), _) => Kind::Symlink { target: target.clone() },
        (_, Type::Socket) => Kind::Socket,
        (_, Type::CharDevice) => Kind::CharDevice { rdev },
        (_, Type::BlockDevice) => Kind::BlockDevice { rdev },
        _ => Kind::Fifo,
    };
    let size = if matches!(inode.body, Body::File(_)) { inode.attr.size } else { 0 };
    Found { path, node: Node { name, kind, meta: meta(inode) }, size }
}

/// One step through a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A piece of the base, as it is.
    Keep(Piece),
    /// Bytes to be read.
    Read { from: u64, to: u64, place: Where },
}

/// A file of a moment, open for reading.
pub(crate) struct FrozenFile {
    frozen: Arc<Frozen>,
    no: Option<u64>,
    base: Option<Base>,
    sources: Sources,
    steps: std::iter::Peekable<std::vec::IntoIter<Step>>,
}

impl FrozenFile {
    fn open(frozen: &Arc<Frozen>, inode: &Inode, sources: Sources) -> io::Result<Self> {
        let Body::File(data) = &inode.body else { return Err(Errno::INVAL.into()) };
        let layout = match &data.base {
            Some(base) => {
                let layout = sources.far.layout(base.content.clone(), base.size);
                Some(sources.runtime.block_on(layout)?)
            }
            None => None,
        };
        let steps = steps(data, inode.attr.size, layout.as_deref(), &sources.held);
        Ok(Self {
            frozen: Arc::clone(frozen),
            no: data.no,
            base: data.base.clone(),
            sources,
            steps: steps.into_iter().peekable(),
        })
    }

    fn read(&self, from: u64, to: u64, place: Where, part: &mut [u8]) -> io::Result<()> {
        match (place, self.no, &self.base) {
            (Where::Nowhere, ..) => part.fill(0),
            (Where::Here, Some(no), _) => self.frozen.read(no, part, from)?,
            (Where::Base, _, Some(base)) => {
                let far = &self.sources.far;
                let read = far.read(base.content.clone(), base.size, from, to - from);
                let bytes = self.sources.runtime.block_on(read)?;
                if bytes.len() != part.len() {
                    return Err(Errno::IO.into());
                }
                part.copy_from_slice(&bytes);
            }
            _ => return Err(Errno::IO.into()),
        }
        Ok(())
    }
}

/// How a file is read: pieces that are as they were, and everything between them.
fn steps(data: &Data, size: u64, layout: Option<&Layout>, held: &Held) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut at = 0;
    if let Some(layout) = layout {
        let pieces = layout.pieces();
        let ids: Vec<ChunkId> = pieces.iter().filter_map(|piece| piece.chunk).collect();
        let mut held = held(&ids).into_iter();
        let mut start = 0;
        for piece in pieces {
            let end = start + piece.len;
            let held = piece.chunk.is_none_or(|_| held.next().unwrap_or(false));
            let local = data.ranges.missing(start, end) == 0;
            if end <= size && (held || !local) && data.is_as_in_base(start, end) {
                read_to(data, at, start, &mut steps);
                steps.push(Step::Keep(*piece));
                at = end;
            }
            start = end;
        }
    }
    read_to(data, at, size, &mut steps);
    steps
}

fn read_to(data: &Data, from: u64, to: u64, steps: &mut Vec<Step>) {
    let parts = data.parts(from, to.max(from)).into_iter();
    steps.extend(parts.map(|(from, to, place)| Step::Read { from, to, place }));
}

impl Segments for FrozenFile {
    fn next(&mut self, buffer: &mut Vec<u8>, max: usize) -> io::Result<Option<SegmentKind>> {
        let Some(step) = self.steps.peek_mut() else { return Ok(None) };
        let (from, to, place) = match step {
            Step::Keep(piece) => {
                let piece = *piece;
                self.steps.next();
                return Ok(Some(SegmentKind::Kept(piece)));
            }
            Step::Read { from, to, place } => (*from, *to, *place),
        };
        if place == Where::Nowhere && to - from >= LEAST_HOLE {
            self.steps.next();
            return Ok(Some(SegmentKind::Hole(to - from)));
        }
        let end = to.min(from + max as u64);
        if end == to {
            self.steps.next();
        } else if let Step::Read { from, .. } = step {
            *from = end;
        }
        let start = buffer.len();
        let len = (end - from) as usize;
        buffer.resize(start + len, 0);
        let read = buffer.get_mut(start..).map_or(Ok(()), |part| self.read(from, end, place, part));
        if let Err(error) = read {
            buffer.truncate(start);
            return Err(error);
        }
        Ok(Some(SegmentKind::Data(len)))
    }
}

#[cfg(test)]
pub(crate) mod tests;
