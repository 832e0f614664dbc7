//! A tree that is not a file system's, as a snapshot: what a drive's commit is, and what is left of
//! a snapshot of which something is lost.
//!
//! The same pipeline, the same order of durability, the same queueing when peers are away; only the
//! entries come from elsewhere, and nothing is left out on the way: a tree of which something
//! cannot be read makes no snapshot.

use chunker::SnapshotId;
use p2p::Grid;
use tokio_util::sync::CancellationToken;

use super::archive::{Pipeline, Stored};
use super::reading::{Entries, Reader};
use super::{BackupPlan, BackupReport, Run, choose_code, parent};
use crate::flow::place;
use crate::flow::targets::Targets;
use crate::flow::{Ctx, FlowError, recover};
use crate::vault::snapshot::Snapshot;
use crate::vault::tree::{Content, Stamp};

/// What came of a commit.
#[derive(Debug)]
pub(crate) struct Committed {
    /// The same as of a backup; no snapshot when the tree is the parent's.
    pub(crate) report: BackupReport,
    /// What was made of each file that was read, by inode.
    pub(crate) made: Vec<(u64, Content)>,
}

/// Makes a snapshot of `entries`. Not cancel-safe: stop it through `cancel`, which leaves durable
/// packs for the next commit and no snapshot.
pub(crate) async fn commit<G: Grid, E: Entries>(
    ctx: &Ctx<G>,
    plan: &BackupPlan,
    entries: E,
    parent: Option<(SnapshotId, Snapshot)>,
    cancel: &CancellationToken,
) -> Result<Committed, FlowError> {
    let targets = Targets::now(ctx);
    let chosen = choose_code(ctx, plan, &targets)?;
    catch_up(ctx, &targets).await?;
    let started = Stamp { secs: ctx.clock.now_secs() as i64, nanos: 0 };
    let run = Run { ctx, plan, targets: &targets, chosen, parent: parent.as_ref() };
    let reader = Reader::new(ctx, entries, parent::Cursor::none(), plan);
    let mut archived = Pipeline::new(&run).noting_contents().drive(reader, cancel).await?;
    if archived.interrupted {
        return Err(FlowError::Cancelled);
    }
    if let Some(problem) = archived.problems.first() {
        let path = problem.item_lossy();
        return Err(FlowError::Unreadable { path, reason: problem.message.clone() });
    }
    let made = std::mem::take(&mut archived.made);
    let mut report = run.report(&archived);
    let same = parent.as_ref().is_some_and(|(_, parent)| parent.root == archived.root);
    if same && plan.skip_if_unchanged {
        return Ok(Committed { report, made });
    }
    run.keep(run.snapshot(started, &archived), &mut report).await?;
    Ok(Committed { report, made })
}

/// Publishes `old` with another tree, whose contents are stored already. Stop it as [`commit`].
pub(crate) async fn remake<G: Grid, S: Stored>(
    ctx: &Ctx<G>,
    plan: &BackupPlan,
    old: &Snapshot,
    stored: S,
    cancel: &CancellationToken,
) -> Result<BackupReport, FlowError> {
    let targets = Targets::now(ctx);
    let chosen = choose_code(ctx, plan, &targets)?;
    catch_up(ctx, &targets).await?;
    let run = Run { ctx, plan, targets: &targets, chosen, parent: None };
    let archived = Pipeline::new(&run).remake(stored, cancel).await?;
    let made = run.snapshot(old.time, &archived);
    // How it was cut, and whether all was read, is as it was.
    let (state, cut, large) = (old.state, old.cut, old.large);
    let mut report = run.report(&archived);
    run.keep(Snapshot { state, cut, large, ..made }, &mut report).await?;
    Ok(report)
}

async fn catch_up<G: Grid>(ctx: &Ctx<G>, targets: &Targets) -> Result<(), FlowError> {
    if targets.len() > 0 {
        recover::refresh(ctx).await?;
    }
    place::resume(ctx, targets).await?;
    Ok(())
}
