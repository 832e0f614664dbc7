//! Backup: scan -> unchanged? -> read -> cut -> hash -> known? -> compress -> seal -> code -> place
//! -> segment -> snapshot -> manifest -> head.
//!
//! One async task drives the pipeline; reading, hashing, compressing and sealing run on the
//! offload, several at once, and come back in order, so a simulated run depends on nothing but its
//! seed. Every stage is bounded: memory stays flat whatever the size of the source.
//!
//! A cancelled run keeps what it has read as an `interrupted` snapshot. A killed one leaves durable
//! packs in the catalog, which the next run finds by their chunks.

use std::path::PathBuf;

use chunker::{Code, CutParams, Record, SnapshotId};
use p2p::Grid;
use serde_bytes::ByteBuf;
use tokio_util::sync::CancellationToken;

use crate::flow::place::{self, Resumed};
use crate::flow::publish::{self, Published, SNAPSHOT_PENDING};
use crate::flow::scan::{Scan, ScanOptions};
use crate::flow::targets::{By, Kept, Targets};
use crate::flow::{Ctx, FlowError, recover};
use crate::monitor::Problem;
use crate::placement::choose::Limit;
use crate::vault::snapshot::{LargeCut, Snapshot, SnapshotState, Totals};
use crate::vault::tree::{Content, Piece, Stamp};

mod archive;
mod commit;
mod effort;
mod packing;
mod parent;
mod reading;

pub(crate) use archive::Stored;
pub(crate) use commit::{Committed, commit, remake};
pub(crate) use packing::FINE_BLOCK;
pub(crate) use reading::{Entries, Segments};

/// What to back up and how.
#[derive(Debug, Clone)]
pub struct BackupPlan {
    /// Absolute paths.
    pub paths: Vec<PathBuf>,
    /// What the scan leaves out.
    pub scan: ScanOptions,
    /// The snapshot's tags.
    pub tags: Vec<String>,
    /// Host name to record.
    pub hostname: String,
    /// User name to record.
    pub username: String,
    /// Read every file, changed or not.
    pub force: bool,
    /// Only count.
    pub dry_run: bool,
    /// No new snapshot when the tree is the parent's.
    pub skip_if_unchanged: bool,
    /// k+m of data packs; from the grid when absent.
    pub code: Option<Code>,
    /// Keep what cannot be placed, and the snapshot, for later.
    pub spool: bool,
    /// zstd level of file data; 0 stores it as it is; what fits when absent.
    pub level: Option<i32>,
}

/// What came of a backup.
#[derive(Debug, Clone)]
pub struct BackupReport {
    /// The snapshot, unless this was a dry run or nothing had changed.
    pub snapshot: Option<SnapshotId>,
    /// The snapshot it was compared with.
    pub parent: Option<SnapshotId>,
    /// Counts.
    pub counts: Counts,
    /// The redundancy of data packs.
    pub code: Code,
    /// How well the weakest pack of this run is kept; without any, how one would be.
    pub kept: Kept,
    /// How the redundancy came about.
    pub by: By,
    /// Limits that could not be met and were dropped, as the owner allowed.
    pub relaxed: Vec<Limit>,
    /// Packs that wait in the spool with fewer holders than they should have.
    pub queued_packs: u64,
    /// Whether the snapshot waits for its packs.
    pub snapshot_queued: bool,
    /// Peers that took something.
    pub peers_used: usize,
    /// Holders asked to keep the new head, and those that have it.
    pub witnesses: (usize, usize),
    /// Whether the run was stopped early.
    pub interrupted: bool,
    /// Files that failed.
    pub problems: Vec<Problem>,
}

/// What was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files not in the parent.
    pub files_new: u64,
    /// Files that differ from the parent.
    pub files_changed: u64,
    /// Files taken over unread.
    pub files_unmodified: u64,
    /// Directories.
    pub dirs: u64,
    /// Directories not in the parent.
    pub dirs_new: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Bytes of new chunks.
    pub data_added: u64,
    /// The same, compressed.
    pub data_added_packed: u64,
}

impl Counts {
    /// All files.
    pub const fn files(&self) -> u64 {
        self.files_new + self.files_changed + self.files_unmodified
    }
}

/// Backs `plan.paths` up. Not cancel-safe: stop it through `cancel`, which keeps an interrupted
/// snapshot; a dropped future leaves what a killed process leaves.
pub async fn backup<G: Grid>(
    ctx: &Ctx<G>,
    plan: BackupPlan,
    cancel: &CancellationToken,
) -> Result<BackupReport, FlowError> {
    let scan = Scan::new(&plan.paths, plan.scan.clone())?;
    let targets = Targets::now(ctx);
    ctx.reach();
    let chosen = choose_code(ctx, &plan, &targets)?;
    if !plan.dry_run {
        if targets.len() > 0 {
            recover::refresh(ctx).await?;
        }
        place::resume(ctx, &targets).await?;
    }
    let parent = parent::find(ctx, &plan)?;
    let started = Stamp { secs: ctx.clock.now_secs() as i64, nanos: 0 };
    let run = Run { ctx, plan: &plan, targets: &targets, chosen, parent: parent.as_ref() };
    let archived = run.archive(scan, cancel).await?;
    let mut report = run.report(&archived);
    let unchanged = parent.as_ref().is_some_and(|(_, parent)| parent.root == archived.root);
    if plan.dry_run || (plan.skip_if_unchanged && unchanged && !archived.interrupted) {
        return Ok(report);
    }
    run.keep(run.snapshot(started, &archived), &mut report).await?;
    Ok(report)
}

/// Publishes; when the grid is too small just now, keeps the snapshot queued if the plan allows it.
async fn make_visible<G: Grid>(
    ctx: &Ctx<G>,
    plan: &BackupPlan,
    targets: &Targets,
    id: SnapshotId,
    report: &mut BackupReport,
) -> Result<(), FlowError> {
    let result = match place::resume(ctx, targets).await? {
        Resumed { lost: packs @ 1.., .. } => Err(FlowError::SpoolLost { packs }),
        Resumed { queued: 0, .. } => publish::publish(ctx, targets, Some(report.code)).await,
        _ => Err(FlowError::TooFewPeers { wanted: report.code.n(), usable: targets.len() }),
    };
    match result {
        Ok(published) => {
            let Published { asked, confirmed, .. } = published.unwrap_or_default();
            report.witnesses = (asked, confirmed);
            report.peers_used = targets.used().len();
            report.relaxed = targets.relaxed();
            Ok(())
        }
        Err(error) if plan.spool && is_shortage(&error) => {
            ctx.monitor.warn(&format!("{error}; the snapshot is queued until they are back"));
            report.snapshot_queued = true;
            Ok(())
        }
        Err(error) => {
            // Once a head names it, somebody may have seen it: then it stays.
            let waits = matches!(error, FlowError::NotWitnessed { .. });
            if !waits && !publish::signed(ctx)?.contains(&id) {
                ctx.catalog.drop_snapshot(&id)?;
            }
            Err(error)
        }
    }
}

/// Whether waiting for peers would help.
pub(crate) const fn is_shortage(error: &FlowError) -> bool {
    matches!(
        error,
        FlowError::TooFewPeers { .. }
            | FlowError::Limits(_)
            | FlowError::NoPeers
            | FlowError::NotWitnessed { .. }
    )
}

/// Packs in the spool: some of their shards have no holder yet.
pub(crate) fn queued<G: Grid>(ctx: &Ctx<G>) -> u64 {
    ctx.spool.list().len() as u64
}

/// Takes the redundancy asked for, or the one that fits the places there are; and says how well
/// packs will be kept. Nothing is sent before it is clear that data and metadata can be placed.
fn choose_code<G: Grid>(
    ctx: &Ctx<G>,
    plan: &BackupPlan,
    targets: &Targets,
) -> Result<Chosen, FlowError> {
    let usable = targets.len();
    if plan.spool || plan.dry_run {
        // Not all may be here yet: plan for the grid as it is known, at least three strong.
        let auto = targets.planned(ctx).ok_or(FlowError::NoPeers)?;
        let (code, by) = plan.code.map_or((auto, By::Table), |code| (code, By::Asked));
        let (spare, domains) = (usize::from(code.m()), targets.places(ctx).min(code.n()));
        let kept = Kept { spare, missing: 0, domains, can_lose: spare };
        return Ok(Chosen { code, by, kept });
    }
    if usable == 0 {
        return Err(FlowError::NoPeers);
    }
    let asked = plan.code.map(|code| (code, By::Asked));
    let (code, by) = match asked.or_else(|| targets.auto(ctx)) {
        Some(chosen) => chosen,
        // What a single copy would need besides this device.
        None => (Code::new(1, 1)?, By::Table),
    };
    let kept = targets.check(ctx, code)?;
    targets.check(ctx, targets.metadata(ctx, code))?;
    let relaxed: Vec<String> = targets.relaxed().iter().map(Limit::to_string).collect();
    if !relaxed.is_empty() {
        ctx.monitor
            .warn(&format!("limits that cannot be met were dropped: {}", relaxed.join(", ")));
    }
    Ok(Chosen { code, by, kept })
}

/// The redundancy of a run.
struct Chosen {
    code: Code,
    by: By,
    /// How well packs will be kept.
    kept: Kept,
}

/// One run of a plan.
struct Run<'a, G> {
    ctx: &'a Ctx<G>,
    plan: &'a BackupPlan,
    targets: &'a Targets,
    chosen: Chosen,
    parent: Option<&'a (SnapshotId, Snapshot)>,
}

/// What the pipeline made of the source.
struct Archived {
    root: Vec<Piece>,
    counts: Counts,
    problems: Vec<Problem>,
    /// Contents of the files that were read, by inode, if that was asked for.
    made: Vec<(u64, Content)>,
    interrupted: bool,
    /// How well the weakest pack of this run is kept; none without new packs.
    kept: Option<Kept>,
}

impl<G: Grid> Run<'_, G> {
    /// The redundancy of listings.
    fn metadata(&self) -> Code {
        let (ctx, targets, code) = (self.ctx, self.targets, self.chosen.code);
        if self.plan.spool {
            targets.metadata_later(ctx, code)
        } else {
            targets.metadata(ctx, code)
        }
    }

    async fn archive(&self, scan: Scan, cancel: &CancellationToken) -> Result<Archived, FlowError> {
        let old = match self.parent {
            Some((_, parent)) => parent::Cursor::open(self.ctx, parent).await?,
            None => parent::Cursor::none(),
        };
        let reader = reading::Reader::new(self.ctx, scan, old, self.plan);
        archive::Pipeline::new(self).drive(reader, cancel).await
    }

    /// Notes the snapshot, then publishes it, or queues it where the plan allows that.
    async fn keep(&self, snapshot: Snapshot, report: &mut BackupReport) -> Result<(), FlowError> {
        let ctx = self.ctx;
        let id = snapshot.id(ctx.vault.keys());
        let nonce = crate::entropy::bytes(&*ctx.entropy);
        let sealed = ctx.vault.seal_local(&snapshot.encode(), nonce);
        let catalog = ctx.catalog.clone();
        ctx.work(move || catalog.put_snapshot(&id, SNAPSHOT_PENDING, &sealed)).await??;
        report.snapshot = Some(id);
        make_visible(ctx, self.plan, self.targets, id, report).await?;
        report.queued_packs = queued(ctx);
        Ok(())
    }

    fn snapshot(&self, time: Stamp, archived: &Archived) -> Snapshot {
        let Counts { dirs, bytes, data_added, data_added_packed, .. } = archived.counts;
        let paths =
            self.plan.paths.iter().map(|path| {
                ByteBuf::from(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))
            });
        Snapshot {
            time,
            hostname: self.plan.hostname.clone(),
            username: self.plan.username.clone(),
            paths: paths.collect(),
            tags: self.plan.tags.clone(),
            root: archived.root.clone(),
            parent: self.parent.map(|(id, _)| *id),
            state: if archived.interrupted {
                SnapshotState::Interrupted
            } else {
                SnapshotState::Complete
            },
            device: self.ctx.device.peer(),
            program: concat!("gbak ", env!("CARGO_PKG_VERSION")).to_owned(),
            totals: Totals {
                files: archived.counts.files(),
                dirs,
                bytes,
                data_added,
                data_added_packed,
                problems: archived.problems.len() as u64,
            },
            cut: CutParams::default(),
            large: Some(LargeCut::now()),
        }
    }

    fn report(&self, archived: &Archived) -> BackupReport {
        BackupReport {
            snapshot: None,
            parent: self.parent.map(|(id, _)| *id),
            counts: archived.counts,
            code: self.chosen.code,
            kept: archived.kept.unwrap_or(self.chosen.kept),
            by: self.chosen.by.clone(),
            relaxed: Vec::new(),
            queued_packs: 0,
            snapshot_queued: false,
            peers_used: self.targets.used().len(),
            witnesses: (0, 0),
            interrupted: archived.interrupted,
            problems: archived.problems.clone(),
        }
    }
}

/// Places what is queued and publishes what is pending: what the agent does when peers are back.
/// Returns whether anything is still queued.
pub async fn catch_up<G: Grid>(ctx: &Ctx<G>) -> Result<bool, FlowError> {
    let targets = Targets::now(ctx);
    if targets.len() == 0 {
        return Ok(queued(ctx) > 0);
    }
    recover::refresh(ctx).await?;
    let Resumed { queued, .. } = place::resume(ctx, &targets).await?;
    if queued == 0 {
        publish::publish(ctx, &targets, None).await?;
    }
    Ok(queued > 0)
}
