//! Restore: snapshot -> tree -> which packs, each once -> any k shards, or parts of them -> open ->
//! write in place -> links and special files -> metadata last.
//!
//! The tree is walked while its files are written: what is remembered of it all is its directories,
//! and of entries with several names the first one.
//!
//! Nothing is written that was not verified (I6), and nothing outside the target (the room below,
//! [`target`](crate::flow::target), sees to that whatever a snapshot says). A file appears under
//! its name only when it is whole; what a killed restore left behind is under temporary names, and
//! the next one takes up what is missing with `--overwrite if-changed`.
//!
//! One file that fails is a problem in the report, not the end.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use chunker::{PackId, SnapshotId};
use p2p::{Grid, PeerState};
use tokio_util::sync::CancellationToken;

use crate::flow::fetch::ChunkReader;
use crate::flow::target::Target;
use crate::flow::{Ctx, FlowError, look};
use crate::monitor::{Counter, Problem};
use crate::vault::tree::{Node, Stamp};
use crate::vault::view::{SnapshotSpec, Which};

mod content;
mod plan;
mod sealed;

use content::{Window, Writing};
pub(crate) use plan::Sample;
use plan::{Filter, Planned, PlannedDirs, PlannedFile, PlannedLink, Planner, Spot};

/// Entries planned at a time.
const PART: u64 = 512;
/// Links and special files that wait, at most, for the files before them to be written.
const WAITING: usize = 8 * 1024;

/// What to restore and how.
#[derive(Debug, Clone)]
pub struct RestorePlan {
    /// Which snapshot, and which part of it.
    pub spec: SnapshotSpec,
    /// The directory to restore under; made when absent.
    pub target: PathBuf,
    /// Only what matches one of these (gitignore syntax), when there are any.
    pub include: Vec<String>,
    /// Nothing that matches one of these.
    pub exclude: Vec<String>,
    /// What to do with what exists; absent: the target must be empty.
    pub overwrite: Option<Overwrite>,
    /// Read every restored file back and compare.
    pub verify: bool,
    /// Only count.
    pub dry_run: bool,
}

/// What to do with what exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// Replace what differs in kind, size or modification time.
    IfChanged,
    /// Replace everything.
    Always,
    /// Replace what is older than the snapshot's.
    IfNewer,
    /// Keep everything.
    Never,
}

/// What came of a restore.
#[derive(Debug, Clone)]
pub struct RestoreReport {
    /// Which snapshot it was.
    pub snapshot: SnapshotId,
    /// Entries written, or to be written in a dry run.
    pub restored: u64,
    /// Entries kept because of the overwrite rule.
    pub skipped: u64,
    /// Bytes of file content of the entries written.
    pub bytes: u64,
    /// Files read back and found identical.
    pub verified: u64,
    /// Packs of which too few shards exist: what was in them is lost, unless a copy turns up.
    pub lost_packs: u64,
    /// What failed, file by file.
    pub problems: Vec<Problem>,
}

/// Restores. Not cancel-safe: stop it through `cancel`; a dropped future leaves temporary files,
/// which the next restore to the same place removes.
pub async fn restore<G: Grid>(
    ctx: &Ctx<G>,
    plan: RestorePlan,
    cancel: &CancellationToken,
) -> Result<RestoreReport, FlowError> {
    let (id, snapshot) = look::resolve(ctx, &plan.spec)?;
    let filter = Filter::new(&plan.include, &plan.exclude)?;
    let mut reader = ChunkReader::new(ctx);
    let at = look::descend(&mut reader, &id, &snapshot, plan.spec.path.as_deref()).await?;
    let mut planner = Planner::new(at, &filter);
    if plan.dry_run {
        return counted(&mut reader, planner).await.map(|outcome| outcome.named(id));
    }
    let mut more = planner.fill(&mut reader, PART).await?;
    let mut planned = planner.take();
    if planned.bytes() > 0 && nothing_to_read_from(ctx) {
        // Otherwise every single file would fail for the same reason.
        return Err(FlowError::NoPeers);
    }
    let path = plan.target.clone();
    let target = ctx.work(move || Target::open(&path, true)).await??;
    if plan.overwrite.is_none() && !target.is_empty()? {
        return Err(FlowError::TargetNotEmpty { path: plan.target.display().to_string() });
    }
    ctx.reach();
    let mut carrying = Carrying::new(ctx, target, &plan, cancel);
    if plan.is_of_all() {
        carrying.announce(snapshot.totals.files, snapshot.totals.bytes);
    }
    loop {
        carrying.part(&mut reader, planned).await?;
        if !more {
            return carrying.finish(planner.take().dirs).await.map(|outcome| outcome.named(id));
        }
        more = planner.fill(&mut reader, PART).await?;
        planned = planner.take();
    }
}

/// What would be restored.
async fn counted<G: Grid>(
    reader: &mut ChunkReader<G>,
    mut planner: Planner<'_>,
) -> Result<Outcome, FlowError> {
    let mut outcome = Outcome::default();
    loop {
        let more = planner.fill(reader, PART).await?;
        let planned = planner.take();
        outcome.restored += planned.entries();
        outcome.bytes += planned.bytes();
        if !more {
            outcome.restored += planned.dirs.len() as u64;
        }
        outcome.problems.extend(planned.problems);
        if !more {
            return Ok(outcome);
        }
    }
}

impl RestorePlan {
    /// Whether nothing is left out.
    fn is_of_all(&self) -> bool {
        self.spec.path.is_none() && self.include.is_empty() && self.exclude.is_empty()
    }
}

/// A random part of a snapshot, restored.
#[derive(Debug)]
pub(crate) struct Rehearsed {
    /// What came of it.
    pub(crate) report: RestoreReport,
    /// The files drawn: their names from the root, their sizes and times in the snapshot.
    pub(crate) files: Vec<(Vec<Vec<u8>>, u64, Stamp)>,
    /// Files of the whole snapshot.
    pub(crate) of_files: u64,
    /// Bytes of them.
    pub(crate) of_bytes: u64,
}

/// Restores the files that `sample` draws from the newest snapshot into an empty `place`. As for
/// [`restore`], stop it through `cancel`.
pub(crate) async fn rehearse<G: Grid>(
    ctx: &Ctx<G>,
    sample: &Sample,
    place: PathBuf,
    cancel: &CancellationToken,
) -> Result<Rehearsed, FlowError> {
    let plan = RestorePlan {
        spec: SnapshotSpec { which: Which::Latest { back: 0 }, path: None },
        target: place,
        include: Vec::new(),
        exclude: Vec::new(),
        overwrite: None,
        verify: true,
        dry_run: false,
    };
    let (id, snapshot) = look::resolve(ctx, &plan.spec)?;
    let filter = Filter::new(&plan.include, &plan.exclude)?;
    let mut reader = ChunkReader::new(ctx);
    let at = look::descend(&mut reader, &id, &snapshot, None).await?;
    let mut planner = Planner::new(at, &filter);
    // All of it, since any of them may be drawn.
    planner.fill(&mut reader, u64::MAX).await?;
    let planned = planner.take();
    let of_files = planned.files.len() as u64;
    let of_bytes = planned.bytes();
    let planned = planned.sampled(sample);
    let named = |file: &PlannedFile| (planned.dirs.rel(&file.spot), file.size, file.meta.mtime);
    let files = planned.files.iter().map(named).collect();
    let path = plan.target.clone();
    let target = ctx.work(move || Target::open(&path, true)).await??;
    let mut carrying = Carrying::new(ctx, target, &plan, cancel);
    let dirs = Arc::clone(&planned.dirs);
    carrying.part(&mut reader, planned).await?;
    let outcome = carrying.finish(dirs).await?;
    Ok(Rehearsed { report: outcome.named(id), files, of_files, of_bytes })
}

/// Whether no pack can be had: nobody is connected, and none waits in the spool.
fn nothing_to_read_from<G: Grid>(ctx: &Ctx<G>) -> bool {
    let online = ctx.grid.peers().into_iter().any(|peer| peer.state == PeerState::Online);
    !online && ctx.spool.list().is_empty()
}

/// A restore under way. Of each part directories come first, then files, then what refers to them;
/// the directories' metadata comes last.
struct Carrying<'a, G> {
    writing: Writing<'a, G>,
    cancel: &'a CancellationToken,
    window: Window,
    /// Links, pipes, sockets and devices that wait for the window.
    others: Vec<(Spot, Node)>,
    links: Vec<PlannedLink>,
    /// Directories made, or tried.
    made: usize,
    /// The monitor knows how much there is.
    announced: bool,
    outcome: Outcome,
}

impl<'a, G: Grid> Carrying<'a, G> {
    fn new(
        ctx: &'a Ctx<G>,
        target: Target,
        plan: &RestorePlan,
        cancel: &'a CancellationToken,
    ) -> Self {
        let (target, rule) = (Arc::new(target), plan.overwrite);
        Self {
            writing: Writing { ctx, target, rule, verify: plan.verify },
            cancel,
            window: Window::default(),
            others: Vec::new(),
            links: Vec::new(),
            made: 0,
            announced: false,
            outcome: Outcome::default(),
        }
    }

    /// Tells how much there is. Left out, that shows as it goes on.
    fn announce(&mut self, files: u64, bytes: u64) {
        self.writing.ctx.monitor.count(Counter::FilesFound, files);
        self.writing.ctx.monitor.count(Counter::BytesFound, bytes);
        self.announced = true;
    }

    /// Takes a part. Its files are written at the latest by [`Carrying::finish`].
    async fn part(
        &mut self,
        reader: &mut ChunkReader<G>,
        planned: Planned,
    ) -> Result<(), FlowError> {
        let ctx = self.writing.ctx;
        if !self.announced {
            ctx.monitor.count(Counter::FilesFound, planned.files.len() as u64);
            ctx.monitor.count(Counter::BytesFound, planned.bytes());
        }
        let Planned { dirs, files, others, links, problems } = planned;
        problems.into_iter().for_each(|problem| self.outcome.problem(ctx, problem));
        self.make_dirs(&dirs).await?;
        for file in files {
            let (window, outcome) = (&mut self.window, &mut self.outcome);
            if let Err(problem) = self.writing.plan((reader, &dirs), file, window, outcome).await {
                self.outcome.problem(ctx, problem);
            }
        }
        self.others.extend(others);
        self.links.extend(links);
        if self.window.is_full() || self.others.len() + self.links.len() >= WAITING {
            self.flush(dirs).await?;
        }
        Ok(())
    }

    async fn make_dirs(&mut self, dirs: &Arc<PlannedDirs>) -> Result<(), FlowError> {
        let from = std::mem::replace(&mut self.made, dirs.len());
        if from == dirs.len() {
            return Ok(());
        }
        let (place, rule) = (Arc::clone(&self.writing.target), self.writing.rule);
        let these = Arc::clone(dirs);
        let ctx = self.writing.ctx;
        let failed = ctx.work(move || plan::make_dirs(&place, (&these, from), rule)).await?;
        self.outcome.restored += (dirs.len() - from - failed.len()) as u64;
        failed.into_iter().for_each(|problem| self.outcome.problem(ctx, problem));
        Ok(())
    }

    /// Writes the files that were planned, then what waits for them.
    async fn flush(&mut self, dirs: Arc<PlannedDirs>) -> Result<(), FlowError> {
        let window = std::mem::take(&mut self.window);
        self.writing.window((window, Arc::clone(&dirs)), self.cancel, &mut self.outcome).await?;
        let (others, links) = (std::mem::take(&mut self.others), std::mem::take(&mut self.links));
        if others.is_empty() && links.is_empty() {
            return Ok(());
        }
        let (place, rule) = (Arc::clone(&self.writing.target), self.writing.rule);
        let make = move || {
            let mut done = Outcome::default();
            plan::make_others(&place, (&dirs, &others), rule, &mut done);
            plan::make_links(&place, (&dirs, &links), rule, &mut done);
            done
        };
        let ctx = self.writing.ctx;
        let done = ctx.work(make).await?;
        self.outcome.add(ctx, done);
        Ok(())
    }

    /// What is left, and the directories' metadata.
    async fn finish(mut self, dirs: Arc<PlannedDirs>) -> Result<Outcome, FlowError> {
        self.flush(Arc::clone(&dirs)).await?;
        let place = Arc::clone(&self.writing.target);
        let ctx = self.writing.ctx;
        let done = ctx
            .work(move || {
                let mut done = Outcome::default();
                plan::finish_dirs(&place, &dirs, &mut done);
                // Nobody is told 'restored' of what a power cut would take away again.
                place.sync().map(|()| done)
            })
            .await??;
        self.outcome.add(ctx, done);
        Ok(self.outcome)
    }
}

/// What came of it so far.
#[derive(Debug, Default)]
struct Outcome {
    restored: u64,
    skipped: u64,
    bytes: u64,
    verified: u64,
    lost_packs: BTreeSet<PackId>,
    problems: Vec<Problem>,
}

impl Outcome {
    fn problem<G: Grid>(&mut self, ctx: &Ctx<G>, problem: Problem) {
        ctx.monitor.problem(&problem);
        self.problems.push(problem);
    }

    /// Remembers that this is data loss, if it is.
    fn note_lost(&mut self, error: &FlowError) {
        if let FlowError::PackLost { pack, .. } = error {
            self.lost_packs.insert(*pack);
        }
    }

    fn add<G: Grid>(&mut self, ctx: &Ctx<G>, other: Self) {
        self.restored += other.restored;
        self.skipped += other.skipped;
        self.bytes += other.bytes;
        self.verified += other.verified;
        self.lost_packs.extend(&other.lost_packs);
        other.problems.into_iter().for_each(|problem| self.problem(ctx, problem));
    }

    fn named(self, snapshot: SnapshotId) -> RestoreReport {
        let Self { restored, skipped, bytes, verified, lost_packs, problems } = self;
        let lost_packs = lost_packs.len() as u64;
        RestoreReport { snapshot, restored, skipped, bytes, verified, lost_packs, problems }
    }
}
