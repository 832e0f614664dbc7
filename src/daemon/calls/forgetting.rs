//! `forget`: the rules as they were said, and the judgement as it is shown.

use std::collections::{BTreeMap, BTreeSet};

use chunker::SnapshotId;
use futures::FutureExt;

use super::{Run, WAIT_PEERS, wait};
use crate::api::{
    Failure, ForgetArgs, ForgetGroup, ForgetView, KeptView, MarkArgs, MarkView, PathBytes,
    PruneArgs, PruneView, SnapshotView, WitnessView, codes,
};
use crate::daemon::views;
use crate::flow::forget::{self, ForgetPlan, ForgetReport};
use crate::flow::marks::{self, Change};
use crate::flow::prune::{self, PrunePlan, PruneReport};
use crate::flow::retain::{self, RetainPlan};
use crate::vault::retention::{Group, GroupBy, Reason, Rules};

impl Run {
    /// Can be cut off at any point: the head on its way is sent again by the next run.
    pub(super) async fn forget(&self, args: ForgetArgs) -> Result<ForgetView, Failure> {
        let (wait, prune) = (wait(args.wait_peers_secs), args.prune);
        let plan = plan(args)?;
        let _writing = self.write().await?;
        if !plan.dry_run {
            self.settle(wait).await?;
        }
        let report = forget::forget(&self.ctx, &plan).boxed().await?;
        let mut view = view(&report, plan.dry_run);
        if prune && !plan.dry_run {
            let plan = prune_plan(&PruneArgs::default());
            let pruned = prune::prune(&self.ctx, &plan).boxed().await?;
            view.reclaimed_bytes = pruned.dropped_bytes;
            view.pruned = Some(pruned_view(&pruned, false));
        } else if !plan.dry_run {
            self.give_back().await;
        }
        Ok(view)
    }

    /// Can be cut off at any point, as forget.
    pub(super) async fn mark(&self, args: MarkArgs) -> Result<MarkView, Failure> {
        let specs = args.snapshots.iter().map(|text| super::parse_spec(text));
        let specs = specs.collect::<Result<Vec<_>, _>>()?;
        let change = match (args.pinned, args.set) {
            (Some(pinned), _) => Change::Pin(pinned),
            (None, Some(tags)) => Change::SetTags(tags),
            (None, None) => Change::Tags { add: args.add, remove: args.remove },
        };
        self.settle(WAIT_PEERS).await?;
        let _writing = self.write().await?;
        let report = marks::mark(&self.ctx, &specs, &change).boxed().await?;
        Ok(MarkView {
            schema: "gbak.mark/1".to_owned(),
            snapshots: report.named as u64,
            changed: report.changed as u64,
        })
    }

    /// Can be cut off at any point: what it copied is used by the next run, or given up by it.
    pub(super) async fn prune(&self, args: PruneArgs) -> Result<PruneView, Failure> {
        let plan = prune_plan(&args);
        let _writing = self.write().await?;
        self.settle(wait(args.wait_peers_secs)).await?;
        let report = prune::prune(&self.ctx, &plan).boxed().await?;
        Ok(pruned_view(&report, plan.dry_run))
    }

    /// Tells holders what is wanted; the caller holds the right to write. Those that cannot be told
    /// now the agent tells later.
    pub(super) async fn give_back(&self) {
        match retain::retain(&self.ctx, &RetainPlan::default()).boxed().await {
            Ok(report) => {
                let (told, left) = (report.told.len(), report.sum().left);
                tracing::info!(told, left, "told holders what is wanted");
            }
            Err(error) => {
                let message =
                    format!("holders were not told to give back what is not needed: {error}");
                self.ctx.monitor.warn(&message);
            }
        }
    }
}

/// Of what is kept, this much may be unneeded.
const MAX_UNUSED: f64 = 0.05;
/// Longer than most backups run that another machine began before it heard of the new index.
const KEEP_DELETE_SECS: u64 = 23 * 3600;

fn prune_plan(args: &PruneArgs) -> PrunePlan {
    PrunePlan {
        max_unused: args.max_unused.unwrap_or(MAX_UNUSED),
        keep_delete_secs: args.keep_delete_secs.unwrap_or(KEEP_DELETE_SECS),
        dry_run: args.dry_run,
    }
}

fn pruned_view(report: &PruneReport, dry_run: bool) -> PruneView {
    PruneView {
        schema: "gbak.prune/1".to_owned(),
        dry_run,
        packs: report.packs,
        bytes: report.bytes,
        packs_unused: report.unused,
        packs_repacked: report.repacked,
        dropped_bytes: report.dropped_bytes,
        copied_bytes: report.copied_bytes,
        packs_new: report.new_packs,
        unneeded_bytes: report.unneeded_bytes,
        packs_adopted: report.adopted,
        packs_forgotten: report.forgotten,
        witnesses: WitnessView {
            asked: report.witnesses.0 as u64,
            confirmed: report.witnesses.1 as u64,
        },
        holders_told: report.told.told.len() as u64,
        holders_missed: report.told.missed.len() as u64,
        shards_given_back: report.told.sum().left,
    }
}

fn plan(args: ForgetArgs) -> Result<ForgetPlan, Failure> {
    let named = args.snapshots.iter().map(|text| super::parse_spec(text));
    let named = named.collect::<Result<Vec<_>, _>>()?;
    let within = args.keep_within.as_deref().map(str::parse).transpose();
    let within = within.map_err(|error| codes::USAGE.failure(format!("--keep-within: {error}")))?;
    Ok(ForgetPlan {
        rules: Rules {
            last: args.keep_last,
            hourly: args.keep_hourly,
            daily: args.keep_daily,
            weekly: args.keep_weekly,
            monthly: args.keep_monthly,
            yearly: args.keep_yearly,
            within,
            // A list without a tag would keep everything.
            pinned: BTreeSet::new(),
            tags: args.keep_tags.into_iter().filter(|tags| !tags.is_empty()).collect(),
        },
        group_by: GroupBy {
            host: args.group_by.host,
            paths: args.group_by.paths,
            tags: args.group_by.tags,
        },
        named,
        dry_run: args.dry_run,
    })
}

fn view(report: &ForgetReport, dry_run: bool) -> ForgetView {
    let judged = report.judged.iter().map(|listed| (listed.id, views::snapshot(listed)));
    let judged: BTreeMap<SnapshotId, SnapshotView> = judged.collect();
    let count = |of: fn(&Group) -> usize| report.groups.iter().map(of).sum::<usize>() as u64;
    ForgetView {
        schema: "gbak.forget/1".to_owned(),
        dry_run,
        groups: report.groups.iter().map(|one| group(one, &judged)).collect(),
        kept: count(|group| group.kept.len()),
        forgotten: count(|group| group.forgotten.len()),
        other_devices: report.elsewhere as u64,
        queued: report.queued as u64,
        reclaimed_bytes: 0,
        pruned: None,
        witnesses: WitnessView {
            asked: report.witnesses.0 as u64,
            confirmed: report.witnesses.1 as u64,
        },
    }
}

fn group(group: &Group, judged: &BTreeMap<SnapshotId, SnapshotView>) -> ForgetGroup {
    let kept = |(id, reasons): &(SnapshotId, Vec<Reason>)| {
        let reasons = reasons.iter().map(ToString::to_string).collect();
        Some(KeptView { snapshot: judged.get(id)?.clone(), reasons })
    };
    let paths = group.key.paths.as_ref();
    ForgetGroup {
        host: group.key.host.clone(),
        paths: paths.map(|list| list.iter().map(|path| PathBytes(path.to_vec())).collect()),
        tags: group.key.tags.clone(),
        keep: group.kept.iter().filter_map(kept).collect(),
        forget: group.forgotten.iter().filter_map(|id| judged.get(id).cloned()).collect(),
    }
}

#[cfg(test)]
mod tests;
