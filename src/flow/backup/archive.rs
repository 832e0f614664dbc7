//! The pipeline's driver, and its serial stage: which chunks are new, and what the tree looks like.
//!
//! ```text
//! read+cut (offload) -> hash (offload, several) -> [here: known? tree] -> compress (offload, ..)
//!   -> [here: fill pack] -> seal+code (offload) -> place (several)
//! ```

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use chunker::{ChunkId, Class, Cutter, Record};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use p2p::Grid;
use tokio_util::sync::CancellationToken;

use crate::flow::FlowError;
use crate::flow::backup::packing::{Grain, Packing};
use crate::flow::backup::reading::{Batch, Entries, Item, Reader};
use crate::flow::backup::{Archived, Counts, Run};
use crate::flow::scan::Event;
use crate::monitor::{Counter, Problem};
use crate::offload::{compute, offload};
use crate::vault::snapshot::LargeCut;
use crate::vault::tree::{Content, INLINE_PIECES, Kind, Meta, Node, Piece, PieceList, Tree};

type Work<T> = Pin<Box<dyn Future<Output = Result<T, crate::offload::WorkLost>> + Send>>;

/// A tree whose contents are stored already.
pub(crate) trait Stored: Send {
    /// What comes next, in tree order; files with their content.
    fn next(&mut self) -> impl Future<Output = Result<Option<Event>, FlowError>> + Send;
}

/// The serial stage.
pub(super) struct Pipeline<'a, G> {
    run: &'a Run<'a, G>,
    packing: Packing<'a, G>,
    cutter: Arc<Cutter>,
    /// Directories that have begun, the innermost last.
    levels: Vec<Level>,
    /// The file being put together.
    file: Option<File>,
    /// Content of files with several names, by device and inode.
    linked: BTreeMap<(u64, u64), (u64, Content)>,
    counts: Counts,
    problems: Vec<Problem>,
    /// Contents of the files that were read, by inode, when somebody wants them.
    made: Option<Vec<(u64, Content)>>,
    root: Option<Vec<Piece>>,
}

/// What a file is by the size that was found: what is read later may differ.
fn grain(node: &Node) -> Grain {
    let chunk = u64::from(chunker::CutParams::default().max());
    match node.kind {
        Kind::File { size, .. } if LargeCut::now().is_for(size) => Grain::Fine,
        Kind::File { size, .. } if size > chunk => Grain::Large,
        _ => Grain::Small,
    }
}

struct Level {
    name: Vec<u8>,
    meta: Meta,
    nodes: Vec<Node>,
}

struct File {
    node: Node,
    known: bool,
    grain: Grain,
    pieces: Vec<Piece>,
}

impl<'a, G: Grid> Pipeline<'a, G> {
    /// Ready for a run.
    pub(super) fn new(run: &'a Run<'a, G>) -> Self {
        let keys = run.ctx.vault.keys();
        Self {
            run,
            packing: Packing::new(run),
            cutter: Arc::new(Cutter::new(keys, chunker::CutParams::default())),
            levels: Vec::new(),
            file: None,
            linked: BTreeMap::new(),
            counts: Counts::default(),
            problems: Vec::new(),
            made: None,
            root: None,
        }
    }

    /// Notes what is made of each file that is read.
    pub(super) fn noting_contents(self) -> Self {
        Self { made: Some(Vec::new()), ..self }
    }

    /// Runs everything `reader` finds through the stages.
    pub(super) async fn drive<E: Entries>(
        mut self,
        reader: Reader<E>,
        cancel: &CancellationToken,
    ) -> Result<Archived, FlowError> {
        let ctx = self.run.ctx;
        let width = ctx.offload.width() + 1;
        let mut hashing: FuturesOrdered<Work<Batch>> = FuturesOrdered::new();
        let mut reading = Some(self.read(reader));
        let mut interrupted = false;
        loop {
            if let Some(work) = reading.take() {
                let (reader, mut batch) = work.await?;
                interrupted |= cancel.is_cancelled();
                if !batch.last && !interrupted {
                    reading = Some(self.read(reader));
                }
                let vault = Arc::clone(&ctx.vault);
                hashing.push_back(Box::pin(compute(&ctx.offload, move || {
                    batch.hash(&vault);
                    batch
                })));
            }
            while hashing.len() >= width || (reading.is_none() && !hashing.is_empty()) {
                let Some(batch) = hashing.next().await else { break };
                self.batch(batch?).await?;
            }
            if reading.is_none() {
                break;
            }
        }
        self.finish(interrupted).await
    }

    /// The same of a tree that is stored already: only its listings are made anew.
    pub(super) async fn remake<S: Stored>(
        mut self,
        mut stored: S,
        cancel: &CancellationToken,
    ) -> Result<Archived, FlowError> {
        while let Some(event) = stored.next().await? {
            if cancel.is_cancelled() {
                return Err(FlowError::Cancelled);
            }
            match event {
                Event::EnterDir { name, meta, .. } => self.enter(name, meta, true),
                Event::LeaveDir => self.leave().await?,
                Event::Leaf(found) => self.whole(found.node, true),
                Event::Problem(problem) => self.problems.push(problem),
            }
        }
        self.finish(false).await
    }

    fn read<E: Entries>(&self, mut reader: Reader<E>) -> Work<(Reader<E>, Batch)> {
        Box::pin(offload(&self.run.ctx.offload, move || {
            let batch = reader.next_batch();
            (reader, batch)
        }))
    }

    async fn batch(&mut self, batch: Batch) -> Result<(), FlowError> {
        let Batch { items, bytes, ids, .. } = batch;
        let mut ids = ids.into_iter();
        for item in items {
            match item {
                Item::Enter { name, meta, known } => self.enter(name, meta, known),
                Item::Leave => self.leave().await?,
                Item::Whole { node, taken_over } => self.whole(node, taken_over),
                Item::SameFile { node, first } => self.same_file(node, first),
                Item::Begin { node, known } => {
                    let grain = grain(&node);
                    self.file = Some(File { node, known, grain, pieces: Vec::new() });
                }
                Item::Chunk { start, end } => {
                    if let Some(id) = ids.next() {
                        self.chunk(id, bytes.slice(start..end)).await?;
                    }
                }
                Item::Kept { piece } => self.piece(piece),
                Item::Hole { len } => self.piece(Piece { len, chunk: None }),
                Item::End { size } => self.end(size).await?,
                Item::Abort => self.file = None,
                Item::Failed(problem) => {
                    self.run.ctx.monitor.problem(&problem);
                    self.problems.push(problem);
                }
            }
        }
        Ok(())
    }

    fn enter(&mut self, name: Vec<u8>, meta: Meta, known: bool) {
        self.counts.dirs += 1;
        self.counts.dirs_new += u64::from(!known);
        self.levels.push(Level { name, meta, nodes: Vec::new() });
    }

    async fn leave(&mut self) -> Result<(), FlowError> {
        let Some(level) = self.levels.pop() else { return Ok(()) };
        let Level { name, meta, mut nodes } = level;
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        let pieces = self.record(&Tree { nodes }).await?;
        match self.levels.last_mut() {
            Some(above) => above.nodes.push(Node { name, kind: Kind::Dir { tree: pieces }, meta }),
            None => self.root = Some(pieces),
        }
        Ok(())
    }

    fn whole(&mut self, node: Node, taken_over: bool) {
        if let (Kind::File { size, content }, true) = (&node.kind, taken_over) {
            self.counts.files_unmodified += 1;
            self.done(*size);
            if node.meta.links > 1 {
                self.linked.insert((node.meta.device, node.meta.inode), (*size, content.clone()));
            }
        }
        self.add(node);
    }

    /// Another name of a file: the content is the first name's.
    fn same_file(&mut self, mut node: Node, first: (u64, u64)) {
        let Some((size, content)) = self.linked.get(&first).cloned() else {
            let missing = std::io::Error::other("its first name could not be read");
            self.problems.push(Problem::new(node.name, &missing));
            return;
        };
        self.counts.files_new += 1;
        self.done(size);
        node.kind = Kind::File { size, content };
        self.add(node);
    }

    async fn chunk(&mut self, id: ChunkId, plain: Bytes) -> Result<(), FlowError> {
        self.piece(Piece { len: plain.len() as u64, chunk: Some(id) });
        if self.packing.is_new(&id)? {
            self.counts.data_added += plain.len() as u64;
            let grain = self.file.as_ref().map_or(Grain::Small, |file| file.grain);
            self.packing.add((Class::Data, grain), id, plain).await?;
        }
        Ok(())
    }

    fn piece(&mut self, piece: Piece) {
        if let Some(file) = &mut self.file {
            file.pieces.push(piece);
        }
    }

    async fn end(&mut self, size: u64) -> Result<(), FlowError> {
        let Some(File { mut node, known, pieces, .. }) = self.file.take() else { return Ok(()) };
        let content = if pieces.len() <= INLINE_PIECES {
            Content::Inline(pieces)
        } else {
            Content::Listed(self.record(&PieceList { pieces }).await?)
        };
        if known {
            self.counts.files_changed += 1;
        } else {
            self.counts.files_new += 1;
        }
        self.done(size);
        if node.meta.links > 1 {
            self.linked.insert((node.meta.device, node.meta.inode), (size, content.clone()));
        }
        if let Some(made) = &mut self.made {
            made.push((node.meta.inode, content.clone()));
        }
        node.kind = Kind::File { size, content };
        self.add(node);
        Ok(())
    }

    fn done(&mut self, size: u64) {
        self.counts.bytes += size;
        self.run.ctx.monitor.count(Counter::FilesDone, 1);
        self.run.ctx.monitor.count(Counter::BytesDone, size);
    }

    fn add(&mut self, node: Node) {
        if let Some(level) = self.levels.last_mut() {
            level.nodes.push(node);
        }
    }

    /// Cuts a record into metadata chunks.
    async fn record<T: Record>(&mut self, record: &T) -> Result<Vec<Piece>, FlowError> {
        let bytes = Bytes::from(record.encode());
        let mut pieces = Vec::new();
        let mut at = 0;
        while let Some(len) = self.cutter.cut(bytes.get(at..).unwrap_or_default(), true) {
            let plain = bytes.slice(at..at + len);
            at += len;
            let id = self.run.ctx.vault.keys().chunk_id(Class::Tree, &plain);
            pieces.push(Piece { len: len as u64, chunk: Some(id) });
            if self.packing.is_new(&id)? {
                self.packing.add((Class::Tree, Grain::Small), id, plain).await?;
            }
        }
        Ok(pieces)
    }

    /// Closes what is open, seals what is left, and waits until everything is placed.
    async fn finish(mut self, interrupted: bool) -> Result<Archived, FlowError> {
        self.file = None;
        while !self.levels.is_empty() {
            self.leave().await?;
        }
        let packed = self.packing.finish().await?;
        self.counts.data_added_packed = packed.stored_bytes;
        let Some(root) = self.root else { return Err(FlowError::Cancelled) };
        Ok(Archived {
            root,
            counts: self.counts,
            problems: self.problems,
            made: self.made.unwrap_or_default(),
            interrupted,
            kept: packed.kept,
        })
    }
}
