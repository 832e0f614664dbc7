//! Restore: snapshot -> tree -> which packs, each once -> any k shards -> open -> write in place ->
//! links and special files -> metadata last.
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
use crate::vault::tree::Stamp;
use crate::vault::view::{SnapshotSpec, Which};

mod content;
mod plan;

use content::Writing;
pub(crate) use plan::Sample;
use plan::{Filter, Planned, PlannedFile};

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
    let planned = plan::make(&mut reader, at, &filter).await?;
    ctx.monitor.count(Counter::FilesFound, planned.files.len() as u64);
    ctx.monitor.count(Counter::BytesFound, planned.files.iter().map(|file| file.size).sum());
    if plan.dry_run {
        return Ok(RestoreReport {
            snapshot: id,
            restored: planned.entries(),
            skipped: 0,
            bytes: planned.files.iter().map(|file| file.size).sum(),
            verified: 0,
            lost_packs: 0,
            problems: planned.problems,
        });
    }
    if planned.files.iter().any(|file| file.size > 0) && nothing_to_read_from(ctx) {
        // Otherwise every single file would fail for the same reason.
        return Err(FlowError::NoPeers);
    }
    let path = plan.target.clone();
    let target = ctx.work(move || Target::open(&path, true)).await??;
    if plan.overwrite.is_none() && !target.is_empty()? {
        return Err(FlowError::TargetNotEmpty { path: plan.target.display().to_string() });
    }
    carry_out(ctx, Arc::new(target), planned, &plan, cancel).await.map(|report| report.named(id))
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
    let planned = plan::make(&mut reader, at, &filter).await?;
    let of_files = planned.files.len() as u64;
    let of_bytes = planned.files.iter().map(|file| file.size).sum();
    let planned = planned.sampled(sample);
    let named = |file: &PlannedFile| (planned.dirs.rel(&file.spot), file.size, file.meta.mtime);
    let files = planned.files.iter().map(named).collect();
    let path = plan.target.clone();
    let target = ctx.work(move || Target::open(&path, true)).await??;
    let outcome = carry_out(ctx, Arc::new(target), planned, &plan, cancel).await?;
    Ok(Rehearsed { report: outcome.named(id), files, of_files, of_bytes })
}

/// Whether no pack can be had: nobody is connected, and none waits in the spool.
fn nothing_to_read_from<G: Grid>(ctx: &Ctx<G>) -> bool {
    let online = ctx.grid.peers().into_iter().any(|peer| peer.state == PeerState::Online);
    !online && ctx.spool.list().is_empty()
}

/// Directories first, then files, then what refers to them, then the directories' metadata.
async fn carry_out<G: Grid>(
    ctx: &Ctx<G>,
    target: Arc<Target>,
    planned: Planned,
    plan: &RestorePlan,
    cancel: &CancellationToken,
) -> Result<Outcome, FlowError> {
    let Planned { dirs, files, others, links, problems } = planned;
    let rule = plan.overwrite;
    let mut outcome = Outcome::default();
    problems.into_iter().for_each(|problem| outcome.problem(ctx, problem));
    let dirs = Arc::new(dirs);
    let (place, made) = (Arc::clone(&target), Arc::clone(&dirs));
    let failed = ctx.work(move || plan::make_dirs(&place, &made, rule)).await?;
    outcome.restored += (dirs.len() - failed.len()) as u64;
    failed.into_iter().for_each(|problem| outcome.problem(ctx, problem));
    let writing = Writing {
        ctx,
        target: Arc::clone(&target),
        dirs: Arc::clone(&dirs),
        rule,
        verify: plan.verify,
    };
    writing.files(files, cancel, &mut outcome).await?;
    let place = Arc::clone(&target);
    let done = ctx
        .work(move || {
            let mut done = Outcome::default();
            plan::make_others(&place, (&dirs, &others), rule, &mut done);
            plan::make_links(&place, (&dirs, &links), rule, &mut done);
            plan::finish_dirs(&place, &dirs, &mut done);
            // Nobody is told 'restored' of what a power cut would take away again.
            place.sync().map(|()| done)
        })
        .await??;
    outcome.add(ctx, done);
    Ok(outcome)
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
