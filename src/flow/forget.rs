//! Forget: publishes a manifest without the snapshots that no rule keeps.
//!
//! Order (I2, deletion in reverse): the new head is confirmed by a majority before this catalog
//! drops its rows; a run that is cut short leaves the old head, or a new one that the next run
//! sends again. Only snapshots this device published or adopted are judged: each device's head
//! chain is its own, so those of the owner's other devices stay, and so do those that still wait in
//! the spool. No shard is released: the packs stay in the index and can be deduplicated against.

use std::collections::BTreeSet;

use chunker::SnapshotId;
use p2p::Grid;

use crate::flow::look::{self, Listed};
use crate::flow::publish::{self, Published};
use crate::flow::targets::Targets;
use crate::flow::{Ctx, FlowError, recover};
use crate::vault::retention::{self, Group, GroupBy, GroupKey, Reason, Rules};
use crate::vault::view::{self, SnapshotSpec};

/// What to forget.
#[derive(Debug, Clone, Default)]
pub struct ForgetPlan {
    /// What to keep.
    pub rules: Rules,
    /// What is judged together.
    pub group_by: GroupBy,
    /// These and no others, whatever the rules.
    pub named: Vec<SnapshotSpec>,
    /// Only judge.
    pub dry_run: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct ForgetReport {
    /// Every group, judged.
    pub groups: Vec<Group>,
    /// The snapshots that were judged.
    pub judged: Vec<Listed>,
    /// Snapshots of the owner's other devices: not judged.
    pub elsewhere: usize,
    /// Snapshots that wait and are not on the grid yet: not judged.
    pub queued: usize,
    /// Holders asked to keep the new head, and those that have it; none when nothing changed.
    pub witnesses: (usize, usize),
}

/// Judges this device's snapshots and publishes those that are left. Can be dropped at any point.
pub async fn forget<G: Grid>(ctx: &Ctx<G>, plan: &ForgetPlan) -> Result<ForgetReport, FlowError> {
    if plan.rules.is_empty() && plan.named.is_empty() {
        return Err(FlowError::NoRules);
    }
    if plan.dry_run {
        return judge(ctx, plan);
    }
    let targets = Targets::now(ctx);
    if targets.len() == 0 {
        return Err(FlowError::NoPeers);
    }
    recover::refresh(ctx).await?;
    // What an earlier run signed counts before anything is judged.
    publish::finish_pending(ctx, &targets).await?;
    let mut report = judge(ctx, plan)?;
    let forgotten: BTreeSet<SnapshotId> =
        report.groups.iter().flat_map(|group| group.forgotten.iter().copied()).collect();
    if let Some(published) = publish::withdraw(ctx, &targets, &forgotten).await? {
        let Published { asked, confirmed, .. } = published;
        report.witnesses = (asked, confirmed);
    }
    Ok(report)
}

fn judge<G: Grid>(ctx: &Ctx<G>, plan: &ForgetPlan) -> Result<ForgetReport, FlowError> {
    let mut report = ForgetReport::default();
    let ours = publish::named(ctx)?;
    for listed in look::snapshots(ctx)? {
        if listed.queued {
            report.queued += 1;
        } else if ours.contains(&listed.id) {
            report.judged.push(listed);
        } else {
            report.elsewhere += 1;
        }
    }
    if !plan.named.is_empty() {
        report.groups = vec![by_name(plan, &report.judged)?];
        return Ok(report);
    }
    let judged = as_witnessed(ctx, &report.judged)?;
    let named: Vec<_> = judged.iter().map(|listed| (listed.id, &listed.snapshot)).collect();
    let pinned = judged.iter().filter(|listed| listed.pinned).map(|listed| listed.id);
    let rules = Rules { pinned: pinned.collect(), ..plan.rules.clone() };
    report.groups = retention::plan(&rules, plan.group_by, &named);
    match report.groups.iter().find(|group| group.kept.is_empty()) {
        Some(group) => Err(FlowError::KeepsNothing { snapshots: group.forgotten.len() }),
        None => Ok(report),
    }
}

/// The snapshots with the times that holders bear out: a clock that was set wrong makes none of
/// them older or newer than it is.
fn as_witnessed<G: Grid>(ctx: &Ctx<G>, judged: &[Listed]) -> Result<Vec<Listed>, FlowError> {
    let times = publish::times(ctx)?;
    let mut judged = judged.to_vec();
    for listed in &mut judged {
        if let Some(time) = times.get(&listed.id) {
            listed.snapshot.time = *time;
        }
    }
    Ok(judged)
}

/// The snapshots that were named, and all others as one group.
fn by_name(plan: &ForgetPlan, judged: &[Listed]) -> Result<Group, FlowError> {
    let times: Vec<_> = judged.iter().map(|listed| (listed.id, listed.snapshot.time)).collect();
    let mut wanted = BTreeSet::new();
    for spec in &plan.named {
        let id = view::resolve(spec, &times)?;
        if judged.iter().any(|listed| listed.id == id && listed.pinned) {
            return Err(FlowError::Pinned { snapshot: id });
        }
        wanted.insert(id);
    }
    let (mut kept, mut forgotten) = (Vec::new(), Vec::new());
    for (id, _) in times.into_iter().rev() {
        if wanted.contains(&id) {
            forgotten.push(id);
        } else {
            kept.push((id, vec![Reason::NotNamed]));
        }
    }
    Ok(Group { key: GroupKey::default(), kept, forgotten })
}
