//! Writing file content: what is wanted of a pack is fetched once per window, and its chunks go to
//! all the places that want them.
//!
//! Files are taken in windows of [`WINDOW_FILES`] and [`WINDOW_USES`] pieces, so that memory is
//! bounded whatever the snapshot's size; only a single file of more pieces makes a window larger.
//! Within a window packs are read in the order in which files need them first, so
//! most files are complete soon after they were begun.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chunker::{ChunkId, Class, PackId, Scratch};
use p2p::Grid;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::flow::fetch::{ChunkReader, record_of};
use crate::flow::parts::Holders;
use crate::flow::restore::plan::{Decision, PlannedDirs, PlannedFile, Rel, Spot, decide, shown};
use crate::flow::restore::sealed::Sealed;
use crate::flow::restore::{Outcome, Overwrite};
use crate::flow::target::{Existing, ExistingKind, FileWriter, Target, TargetError};
use crate::flow::{Ctx, FlowError, lock};
use crate::monitor::{Counter, Monitor, Problem};
use crate::offload::WorkLost;
use crate::vault::Vault;
use crate::vault::index::PackRecord;
use crate::vault::tree::{Content, Meta, Piece, Stamp, Xattr};

/// Files planned at a time; each takes about 250 bytes of memory. What lies in several windows is
/// fetched once for each: fewer files would make old snapshots slow, whose packs are small.
const WINDOW_FILES: usize = 16 * 1024;
/// Pieces planned at a time; each takes about 50 bytes of memory.
const WINDOW_USES: usize = 128 * 1024;
/// Packs being fetched or written at once, when they are small: large ones are held back by the
/// budget of bytes.
const PACKS_UNDER_WAY: usize = 8;
/// How much of a file is read back at a time at most; chunks are smaller.
const MAX_CHUNK: u64 = 16 * 1024 * 1024;

/// Why one file's content did not make it.
#[derive(Debug, thiserror::Error)]
enum ContentError {
    /// Another part of it failed before.
    #[error("Another part of the file could not be restored")]
    Abandoned,
    /// The disk gives back something else than was written.
    #[error("Reading it back gave other bytes than were restored")]
    Differs,
    /// It cannot be written.
    #[error(transparent)]
    Target(#[from] TargetError),
}

/// How content is written.
pub(super) struct Writing<'a, G> {
    pub(super) ctx: &'a Ctx<G>,
    pub(super) target: Arc<Target>,
    pub(super) rule: Option<Overwrite>,
    pub(super) verify: bool,
}

/// One place that wants a chunk.
#[derive(Debug, Clone, Copy)]
struct Use {
    file: u32,
    /// Where it goes in the file.
    at: u64,
    block: u32,
    /// Where it is in the opened block.
    offset: u32,
    len: u32,
}

/// A window being filled.
#[derive(Default)]
pub(super) struct Window {
    files: Vec<Open>,
    packs: BTreeMap<PackId, Vec<Use>>,
    /// In the order of first use.
    order: Vec<PackId>,
    uses: usize,
}

impl Window {
    /// Whether it is to be written before more is planned.
    pub(super) fn is_full(&self) -> bool {
        self.files.len() >= WINDOW_FILES || self.uses >= WINDOW_USES
    }
}

/// A file of the window.
struct Open {
    spot: Spot,
    size: u64,
    last: Last,
    /// To compare it with, when it is to be read back.
    pieces: Vec<Piece>,
    replace: bool,
    state: Mutex<State>,
}

/// The metadata that is restored.
struct Last {
    mode: u32,
    uid: u32,
    gid: u32,
    mtime: Stamp,
    xattrs: Vec<Xattr>,
}

impl Last {
    fn of(meta: Meta) -> Self {
        let Meta { mode, uid, gid, mtime, xattrs, .. } = meta;
        Self { mode, uid, gid, mtime, xattrs }
    }

    fn meta(&self) -> Meta {
        let Self { mode, uid, gid, mtime, ref xattrs } = *self;
        Meta { mode, uid, gid, mtime, xattrs: xattrs.clone(), ..Meta::default() }
    }
}

struct State {
    writer: Option<Arc<FileWriter>>,
    /// Uses that are still to come.
    left: u32,
    failed: bool,
}

impl<G: Grid> Writing<'_, G> {
    /// Takes a file into the window: finds where its chunks are.
    pub(super) async fn plan(
        &self,
        (reader, dirs): (&mut ChunkReader<G>, &PlannedDirs),
        file: PlannedFile,
        window: &mut Window,
        outcome: &mut Outcome,
    ) -> Result<(), Problem> {
        let PlannedFile { spot, size, content, meta } = file;
        let failed = |error: &dyn std::error::Error| Problem::new(shown(&dirs.rel(&spot)), error);
        let wanted = Existing { kind: ExistingKind::File, size, mtime: meta.mtime };
        let decision = decide(&self.target, || dirs.rel(&spot), wanted, self.rule);
        let Decision::Write { replace } = decision.map_err(|e| failed(&e))? else {
            outcome.skipped += 1;
            self.ctx.monitor.count(Counter::FilesDone, 1);
            self.ctx.monitor.count(Counter::BytesDone, size);
            return Ok(());
        };
        let pieces = match content {
            Content::Inline(pieces) => pieces,
            listed @ Content::Listed(_) => reader.pieces(&listed).await.map_err(|error| {
                outcome.note_lost(&error);
                failed(&error)
            })?,
        };
        let uses = self.uses(&pieces, size, window.files.len() as u32);
        let uses = uses.map_err(|e| failed(&e))?;
        let state = State { writer: None, left: uses.len() as u32, failed: false };
        window.uses += uses.len();
        for (pack, wanted) in uses {
            let wants = window.packs.entry(pack).or_default();
            if wants.is_empty() {
                window.order.push(pack);
            }
            wants.push(wanted);
        }
        let pieces = if self.verify { pieces } else { Vec::new() };
        let (last, state) = (Last::of(meta), Mutex::new(state));
        window.files.push(Open { spot, size, last, pieces, replace, state });
        Ok(())
    }

    fn uses(
        &self,
        pieces: &[Piece],
        size: u64,
        file: u32,
    ) -> Result<Vec<(PackId, Use)>, FlowError> {
        let ids: Vec<ChunkId> = pieces.iter().filter_map(|piece| piece.chunk).collect();
        let mut found = self.ctx.catalog.find_many(&ids)?.into_iter();
        let (mut uses, mut at) = (Vec::with_capacity(ids.len()), 0_u64);
        for piece in pieces {
            if let Some(chunk) = piece.chunk {
                let place = found.next().flatten().ok_or(FlowError::UnknownChunk { chunk })?;
                if u64::from(place.len) != piece.len {
                    return Err(FlowError::Inconsistent);
                }
                let (block, offset, len) = (place.block, place.offset, place.len);
                uses.push((place.pack, Use { file, at, block, offset, len }));
            }
            at = at.checked_add(piece.len).ok_or(FlowError::Inconsistent)?;
        }
        if at == size { Ok(uses) } else { Err(FlowError::Inconsistent) }
    }

    /// Writes a window's files.
    pub(super) async fn window(
        &self,
        (window, dirs): (Window, Arc<PlannedDirs>),
        cancel: &CancellationToken,
        outcome: &mut Outcome,
    ) -> Result<(), FlowError> {
        let Window { files, mut packs, order, .. } = window;
        let shared = Arc::new(Shared {
            files,
            target: Arc::clone(&self.target),
            dirs,
            vault: Arc::clone(&self.ctx.vault),
            monitor: Arc::clone(&self.ctx.monitor),
            verify: self.verify,
            holders: Holders::default(),
            done: Mutex::default(),
            full: Mutex::default(),
        });
        let first = Arc::clone(&shared);
        self.ctx.work(move || first.finish_contentless()).await?;
        let mut running: JoinSet<Result<(), FlowError>> = JoinSet::new();
        for id in order {
            if cancel.is_cancelled() {
                return Err(FlowError::Cancelled);
            }
            if lock(&shared.full).is_some() {
                break;
            }
            while running.len() >= PACKS_UNDER_WAY {
                joined(running.join_next().await)?;
            }
            let uses = packs.remove(&id).unwrap_or_default();
            let (ctx, shared) = (self.ctx.clone(), Arc::clone(&shared));
            running.spawn(async move { write_pack(&ctx, shared, id, uses).await });
        }
        while !running.is_empty() {
            joined(running.join_next().await)?;
        }
        let done = std::mem::take(&mut *lock(&shared.done));
        outcome.add(self.ctx, done);
        if let Some(full) = lock(&shared.full).take() {
            return Err(full.into());
        }
        Ok(())
    }
}

fn joined(
    result: Option<Result<Result<(), FlowError>, tokio::task::JoinError>>,
) -> Result<(), FlowError> {
    match result {
        Some(Ok(result)) => result,
        Some(Err(_panicked)) => Err(WorkLost.into()),
        None => Ok(()),
    }
}

/// Fetches one pack and writes what is wanted of it. A pack that cannot be had fails its files
/// only.
async fn write_pack<G: Grid>(
    ctx: &Ctx<G>,
    shared: Arc<Shared>,
    id: PackId,
    uses: Vec<Use>,
) -> Result<(), FlowError> {
    let fetched = match record_of(ctx, &id) {
        Ok(record) => {
            let blocks = uses.iter().map(|wanted| wanted.block);
            let sealed = Sealed::fetch(ctx, (&record, &shared.holders), blocks).await;
            sealed.map(|sealed| (record, sealed))
        }
        Err(error) => Err(error),
    };
    ctx.work(move || match fetched {
        Ok((record, sealed)) => shared.write(&record, &sealed, uses),
        Err(error) => {
            lock(&shared.done).note_lost(&error);
            uses.iter().for_each(|wanted| shared.fail(*wanted, &error));
        }
    })
    .await
}

/// What the tasks of a window share.
struct Shared {
    files: Vec<Open>,
    target: Arc<Target>,
    dirs: Arc<PlannedDirs>,
    vault: Arc<Vault>,
    monitor: Arc<dyn Monitor>,
    verify: bool,
    holders: Holders,
    done: Mutex<Outcome>,
    /// That the disk is full, once it was: the rest would fail too.
    full: Mutex<Option<TargetError>>,
}

impl Shared {
    fn rel(&self, file: &Open) -> Rel {
        self.dirs.rel(&file.spot)
    }

    /// The file's writer, begun when first asked for.
    fn writer(&self, file: &Open) -> Result<Arc<FileWriter>, ContentError> {
        let mut state = lock(&file.state);
        if let Some(writer) = &state.writer {
            return Ok(Arc::clone(writer));
        }
        if state.failed {
            return Err(ContentError::Abandoned);
        }
        let writer = Arc::new(self.target.begin_file(&self.rel(file), file.size)?);
        state.writer = Some(Arc::clone(&writer));
        Ok(writer)
    }

    /// Files without chunks: empty, or nothing but holes.
    fn finish_contentless(&self) {
        for file in self.files.iter().filter(|file| lock(&file.state).left == 0) {
            match self.writer(file) {
                Ok(writer) => {
                    drop(writer);
                    self.finish(file);
                }
                Err(error) => self.not_written(file, error),
            }
        }
    }

    /// Opens each wanted block once and writes its chunks where they belong.
    fn write(&self, record: &PackRecord, sealed: &Sealed, mut uses: Vec<Use>) {
        uses.sort_by_key(|wanted| (wanted.block, wanted.file, wanted.at));
        let opened = match sealed.open(self.vault.keys(), record) {
            Ok(opened) => opened,
            Err(error) => {
                uses.iter().for_each(|wanted| self.fail(*wanted, &error));
                return;
            }
        };
        let mut scratch = Scratch::default();
        for group in uses.chunk_by(|a, b| a.block == b.block) {
            let Some(first) = group.first() else { continue };
            match opened.block(first.block, &mut scratch) {
                Ok(raw) => group.iter().for_each(|wanted| self.write_one(*wanted, raw)),
                Err(error) => {
                    group.iter().for_each(|wanted| self.fail(*wanted, &error));
                }
            }
        }
    }

    fn write_one(&self, wanted: Use, raw: &[u8]) {
        let Some(file) = self.files.get(wanted.file as usize) else { return };
        let start = wanted.offset as usize;
        let Some(chunk) = raw.get(start..start + wanted.len as usize) else {
            self.fail(wanted, &FlowError::Inconsistent);
            return;
        };
        let writer = self.writer(file);
        match writer.and_then(|writer| Ok(writer.write_at(wanted.at, chunk)?)) {
            Ok(()) => self.monitor.count(Counter::BytesDone, u64::from(wanted.len)),
            Err(error) => self.not_written(file, error),
        }
        self.came(file);
    }

    /// A full disk ends the whole restore: the other files would only fail one by one.
    fn not_written(&self, file: &Open, error: ContentError) {
        self.failed(file, &error);
        if let ContentError::Target(error) = error
            && error.is_full()
        {
            lock(&self.full).get_or_insert(error);
        }
    }

    fn fail(&self, wanted: Use, error: &FlowError) {
        if let Some(file) = self.files.get(wanted.file as usize) {
            self.failed(file, error);
            self.came(file);
        }
    }

    /// One use of a file is through, and nobody who is through holds its writer: so the last one
    /// can take it and finish.
    fn came(&self, file: &Open) {
        let whole = {
            let mut state = lock(&file.state);
            state.left = state.left.saturating_sub(1);
            state.left == 0 && !state.failed
        };
        if whole {
            self.finish(file);
        }
    }

    /// The first failure of a file is its problem; what was written of it goes.
    fn failed(&self, file: &Open, error: &dyn std::error::Error) {
        let first = {
            let mut state = lock(&file.state);
            state.writer = None;
            !std::mem::replace(&mut state.failed, true)
        };
        if first {
            lock(&self.done).problems.push(Problem::new(shown(&self.rel(file)), error));
        }
    }

    fn finish(&self, file: &Open) {
        let writer = lock(&file.state).writer.take().and_then(Arc::into_inner);
        let finished = match writer {
            Some(writer) => writer.finish(&file.last.meta(), file.replace).map_err(Into::into),
            None => Err(ContentError::Abandoned),
        };
        match finished {
            Ok(problems) => {
                let mut done = lock(&self.done);
                done.restored += 1;
                done.bytes += file.size;
                done.problems.extend(problems);
            }
            Err(error) => return self.not_written(file, error),
        }
        self.monitor.count(Counter::FilesDone, 1);
        if self.verify {
            self.verify(file);
        }
    }

    /// Reads a restored file back and names its chunks again.
    fn verify(&self, file: &Open) {
        let mut content = match self.target.read_back(&self.rel(file)) {
            Ok(content) => content,
            Err(error) => return self.failed(file, &error),
        };
        match self.same(&mut content, &file.pieces) {
            Ok(true) => lock(&self.done).verified += 1,
            Ok(false) => {
                self.failed(file, &ContentError::Differs);
            }
            Err(error) => self.failed(file, &error),
        }
    }

    fn same(&self, content: &mut impl std::io::Read, pieces: &[Piece]) -> std::io::Result<bool> {
        use std::io::Read;
        let mut buffer = Vec::new();
        for piece in pieces {
            let Some(id) = &piece.chunk else {
                let mut hole = content.by_ref().take(piece.len);
                if !all_zero(&mut hole)? {
                    return Ok(false);
                }
                continue;
            };
            buffer.clear();
            content.by_ref().take(piece.len.min(MAX_CHUNK)).read_to_end(&mut buffer)?;
            if self.vault.keys().chunk_id(Class::Data, &buffer) != *id {
                return Ok(false);
            }
        }
        Ok(content.read(&mut [0])? == 0)
    }
}

fn all_zero(content: &mut impl std::io::Read) -> std::io::Result<bool> {
    let mut buffer = [0; 8192];
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(true),
            len if buffer.iter().take(len).any(|byte| *byte != 0) => return Ok(false),
            _ => {}
        }
    }
}
