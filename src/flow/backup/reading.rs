//! The reading stage: takes the scan's entries in order, decides what is unchanged, reads and cuts
//! the rest, and hands everything on in batches of half a megabyte.
//!
//! A batch owns one buffer; chunks are slices of it all the way into their pack.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use chunker::{Buffer, ChunkId, Class, CutParams, Cutter, Pool};
use p2p::Grid;

use crate::flow::Ctx;
use crate::flow::backup::BackupPlan;
use crate::flow::backup::parent::Cursor;
use crate::flow::scan::{Event, FileReader, Found, Scan, SegmentKind};
use crate::monitor::{Counter, Monitor, Problem};
use crate::vault::Vault;
use crate::vault::snapshot::LargeCut;
use crate::vault::tree::{Kind, Meta, Node, Piece, Stamp};

/// A batch is handed on when its buffer holds this much.
const BATCH_BYTES: usize = 512 * 1024;
/// ... or when it has this many entries.
const BATCH_ITEMS: usize = 512;
/// How much is read at once.
const READ_BYTES: usize = 256 * 1024;
/// Free buffers kept: batches are under way by the handful.
const FREE: usize = 4;

/// Where the reading stage gets its entries from: the file system, or a drive.
pub(crate) trait Entries: Send + 'static {
    /// A file open for reading.
    type File: Segments;

    /// What comes next, in tree order.
    fn next(&mut self) -> Option<Event>;
    /// An entry as it is to be stored, when its content is known without reading it.
    fn known(&mut self, _: &Found) -> Option<Node> {
        None
    }
    /// Opens the file that came last.
    fn open(&mut self, path: &Path) -> io::Result<Self::File>;
}

/// A file's bytes and holes in order.
pub(crate) trait Segments: Send + 'static {
    /// What comes next: at most `max` bytes appended to the buffer, a hole, or a piece; none at the
    /// end. After an error the buffer is as it was.
    fn next(&mut self, buffer: &mut Vec<u8>, max: usize) -> io::Result<Option<SegmentKind>>;
}

impl Entries for Scan {
    type File = FileReader;

    fn next(&mut self) -> Option<Event> {
        Iterator::next(self)
    }

    fn open(&mut self, path: &Path) -> io::Result<FileReader> {
        Scan::open(self, path)
    }
}

impl Segments for FileReader {
    fn next(&mut self, buffer: &mut Vec<u8>, max: usize) -> io::Result<Option<SegmentKind>> {
        FileReader::next(self, buffer, max)
    }
}

/// One thing the reading stage found, in tree order.
#[derive(Debug)]
pub(super) enum Item {
    /// A directory begins. `known`: the parent had it.
    Enter { name: Vec<u8>, meta: Meta, known: bool },
    /// It ends.
    Leave,
    /// An entry without content to read: not a file, or a file taken over from the parent.
    Whole { node: Node, taken_over: bool },
    /// Another name of a file that was read before.
    SameFile { node: Node, first: (u64, u64) },
    /// A file to be read begins. `known`: the parent had a file of this name.
    Begin { node: Node, known: bool },
    /// Its next chunk: a range of the batch's buffer.
    Chunk { start: usize, end: usize },
    /// Its next hole.
    Hole { len: u64 },
    /// Its next piece, stored before.
    Kept { piece: Piece },
    /// It ends after `size` bytes.
    End { size: u64 },
    /// It cannot be read to its end: it is left out.
    Abort,
    /// Something failed.
    Failed(Problem),
}

/// Entries, the bytes they refer to, and (after hashing) the chunks' names.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) items: Vec<Item>,
    pub(super) bytes: Bytes,
    /// One for each [`Item::Chunk`], in order.
    pub(super) ids: Vec<ChunkId>,
    /// No batch follows.
    pub(super) last: bool,
}

impl Batch {
    /// Names every chunk.
    pub(super) fn hash(&mut self, vault: &Vault) {
        let name = |item: &Item| match item {
            Item::Chunk { start, end } => {
                let plain = self.bytes.get(*start..*end).unwrap_or_default();
                Some(vault.keys().chunk_id(Class::Data, plain))
            }
            _ => None,
        };
        self.ids = self.items.iter().filter_map(name).collect();
    }
}

/// The stage's state; moves to the offload and back with every batch.
pub(super) struct Reader<E: Entries> {
    scan: E,
    old: Cursor,
    cutter: Cutter,
    /// For files of at least so many bytes.
    large: (u64, Cutter),
    monitor: Arc<dyn Monitor>,
    force: bool,
    /// The file being read.
    open: Option<Open<E::File>>,
    /// First names of files with several names that were read in this run.
    linked: BTreeMap<(u64, u64), Stamp>,
    items: Vec<Item>,
    pool: Pool,
    buffer: Buffer,
    /// Where the bytes not yet cut begin in `buffer`.
    uncut: usize,
}

struct Open<F> {
    path: PathBuf,
    file: F,
    size: u64,
    /// Whether it is cut as large files are.
    large: bool,
    /// What comes after what is in the buffer and is not to be cut.
    after: Option<Item>,
    ended: bool,
}

impl<E: Entries> Reader<E> {
    /// Reads what `scan` finds.
    pub(super) fn new<G: Grid>(ctx: &Ctx<G>, scan: E, old: Cursor, plan: &BackupPlan) -> Self {
        let LargeCut { from, cut } = LargeCut::now();
        let pool = Pool::new(FREE);
        let buffer = pool.take(BATCH_BYTES + READ_BYTES);
        Self {
            scan,
            old,
            cutter: Cutter::new(ctx.vault.keys(), CutParams::default()),
            large: (from, Cutter::new(ctx.vault.keys(), cut)),
            monitor: Arc::clone(&ctx.monitor),
            force: plan.force,
            open: None,
            linked: BTreeMap::new(),
            items: Vec::new(),
            pool,
            buffer,
            uncut: 0,
        }
    }

    /// The next batch.
    pub(super) fn next_batch(&mut self) -> Batch {
        let mut last = false;
        while self.buffer.len() < BATCH_BYTES && self.items.len() < BATCH_ITEMS {
            if self.open.is_some() {
                self.read_on();
            } else if let Some(event) = self.scan.next() {
                self.take(event);
            } else {
                last = true;
                break;
            }
        }
        self.hand_over(last)
    }

    /// Gives the buffer away, all but what is not cut yet.
    fn hand_over(&mut self, last: bool) -> Batch {
        let mut next = self.pool.take(BATCH_BYTES + READ_BYTES);
        next.extend_from_slice(self.buffer.get(self.uncut..).unwrap_or_default());
        let full = std::mem::replace(&mut self.buffer, next);
        self.uncut = 0;
        let items = std::mem::take(&mut self.items);
        Batch { items, bytes: full.freeze(), ids: Vec::new(), last }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::EnterDir { name, meta, .. } => {
                let known = self.old.enter(&name);
                self.items.push(Item::Enter { name, meta, known });
            }
            Event::LeaveDir => {
                self.old.leave();
                self.items.push(Item::Leave);
            }
            Event::Problem(problem) => self.items.push(Item::Failed(problem)),
            Event::Leaf(found) => self.leaf(found),
        }
    }

    fn leaf(&mut self, found: Found) {
        let Found { path, node, size } = found;
        if !matches!(node.kind, Kind::File { .. }) {
            self.items.push(Item::Whole { node, taken_over: false });
            return;
        }
        self.monitor.count(Counter::FilesFound, 1);
        self.monitor.count(Counter::BytesFound, size);
        let found = Found { path, node, size };
        if let Some(node) = self.scan.known(&found) {
            self.items.push(Item::Whole { node, taken_over: true });
            return;
        }
        let Found { path, node, size } = found;
        if let Some(node) = self.unchanged(&node, size) {
            self.items.push(Item::Whole { node, taken_over: true });
            return;
        }
        let first = (node.meta.device, node.meta.inode);
        if node.meta.links > 1 {
            if self.linked.get(&first) == Some(&node.meta.mtime) {
                self.items.push(Item::SameFile { node, first });
                return;
            }
            self.linked.insert(first, node.meta.mtime);
        }
        self.begin(path, node, size);
    }

    /// The node as it will be stored, if the parent's content can be taken over.
    fn unchanged(&mut self, node: &Node, size: u64) -> Option<Node> {
        if self.force {
            return None;
        }
        let old = self.old.node(&node.name)?;
        if !crate::vault::tree::unchanged(old, &node.meta, size) {
            return None;
        }
        let kind = old.kind.clone();
        let Kind::File { content, .. } = &kind else { return None };
        let held = self.old.is_held(content);
        held.then(|| Node { name: node.name.clone(), kind, meta: node.meta.clone() })
    }

    fn begin(&mut self, path: PathBuf, node: Node, found: u64) {
        use std::os::unix::ffi::OsStrExt;
        self.monitor.current(path.as_os_str().as_bytes());
        match self.scan.open(&path) {
            Ok(file) => {
                let known = self.old.node(&node.name).is_some();
                self.items.push(Item::Begin { node, known });
                self.uncut = self.buffer.len();
                let large = found >= self.large.0;
                self.open = Some(Open { path, file, size: 0, large, after: None, ended: false });
            }
            Err(error) => self.failed(&path, &error),
        }
    }

    fn failed(&mut self, path: &std::path::Path, error: &std::io::Error) {
        use std::os::unix::ffi::OsStrExt;
        let problem = Problem::new(path.as_os_str().as_bytes(), error);
        self.items.push(Item::Failed(problem));
    }

    /// Reads one piece of the open file and cuts what can be cut.
    fn read_on(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        if open.after.is_none() && !open.ended {
            match open.file.next(&mut self.buffer, READ_BYTES) {
                Ok(Some(SegmentKind::Data(len))) => open.size += len as u64,
                Ok(Some(SegmentKind::Hole(len))) => {
                    open.size += len;
                    open.after = Some(Item::Hole { len });
                }
                Ok(Some(SegmentKind::Kept(piece))) => {
                    open.size += piece.len;
                    open.after = Some(Item::Kept { piece });
                }
                Ok(None) => open.ended = true,
                Err(error) => {
                    // Half a file must not look like a whole one.
                    self.buffer.truncate(self.uncut);
                    self.items.push(Item::Abort);
                    self.failed(&open.path, &error);
                    return;
                }
            }
        }
        self.cut(open.large, open.after.is_some() || open.ended);
        self.items.extend(open.after.take());
        if open.ended {
            self.items.push(Item::End { size: open.size });
        } else {
            self.open = Some(open);
        }
    }

    /// Cuts the buffer's uncut end; to its last byte when nothing contiguous follows.
    fn cut(&mut self, large: bool, last: bool) {
        let cutter = if large { &self.large.1 } else { &self.cutter };
        loop {
            let window = self.buffer.get(self.uncut..).unwrap_or_default();
            let Some(len) = cutter.cut(window, last) else { return };
            self.items.push(Item::Chunk { start: self.uncut, end: self.uncut + len });
            self.uncut += len;
        }
    }
}
