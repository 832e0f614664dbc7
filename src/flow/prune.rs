//! Prune: gives up packs that no snapshot needs, and copies what is needed out of those that hold
//! mostly what is not.
//!
//! Every device judges the packs that its own segments list, by the snapshots of all devices. A
//! chunk that other devices' packs have as well counts as needed here: two devices that prune at
//! the same time must not each rely on the other. A pack that another device gave up and a snapshot
//! needs is adopted into this device's index; one that nobody needs is forgotten.
//!
//! Order: copies are durable and in the catalog, then the index without the old packs is published
//! (`publish/replace.rs`), then holders are told, and what they drop rests in quarantine. It can be
//! dropped at any point. Backups of other devices run on beside it; on this device one writer at a
//! time publishes.

use std::collections::{BTreeMap, BTreeSet};

use chunker::{ChunkId, PackId, PeerId, Record};
use p2p::Grid;
use store::PackState;

use crate::flow::fetch::{self, ChunkReader};
use crate::flow::place::{self, Resumed};
use crate::flow::publish::replace::{Replacement, replace};
use crate::flow::publish::{self, Published};
use crate::flow::retain::{self, RetainPlan, RetainReport};
use crate::flow::targets::Targets;
use crate::flow::{Ctx, FlowError, recover};
use crate::vault::index::Segment;
use crate::vault::manifest::Manifest;

mod mark;
mod repack;

use mark::Marked;
use repack::Repacking;

/// How to prune.
#[derive(Debug, Clone)]
pub struct PrunePlan {
    /// How much of what is kept may be unneeded, of one.
    pub max_unused: f64,
    /// How long holders are left with what is given up before they are told.
    pub keep_delete_secs: u64,
    /// Only say what would be done.
    pub dry_run: bool,
}

/// What came of it. Bytes are those of packs, before redundancy, unless it says otherwise.
#[derive(Debug, Clone, Default)]
pub struct PruneReport {
    /// Packs this device's index lists.
    pub packs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Packs that nothing needs: given up.
    pub unused: u64,
    /// Packs that little was needed of: copied, and given up.
    pub repacked: u64,
    /// Packs given up, in bytes.
    pub dropped_bytes: u64,
    /// Chunks copied, in bytes.
    pub copied_bytes: u64,
    /// Packs the copies are in.
    pub new_packs: u64,
    /// What is kept without need, in bytes.
    pub unneeded_bytes: u64,
    /// Packs other devices gave up that are needed: listed here from now on.
    pub adopted: u64,
    /// Packs other devices gave up that nobody needs.
    pub forgotten: u64,
    /// Holders asked to keep the new head, and those that have it; none when nothing changed.
    pub witnesses: (usize, usize),
    /// What holders were told.
    pub told: RetainReport,
}

/// One of this device's packs, judged.
struct Judged {
    id: PackId,
    len: u64,
    /// Of its plain bytes, how many there are and how many are needed.
    plain: (u64, u64),
    needed: BTreeSet<ChunkId>,
}

impl Judged {
    /// Its share that nothing needs, of its stored bytes.
    fn unneeded(&self) -> u64 {
        let (all, needed) = self.plain;
        if all == 0 {
            self.len
        } else {
            (self.len as f64 * (all - needed) as f64 / all as f64) as u64
        }
    }
}

/// Which packs are listed where.
#[derive(Default)]
struct Lists {
    own: BTreeSet<PackId>,
    others: BTreeSet<PackId>,
}

/// Prunes what this device published. Can be dropped at any point.
pub async fn prune<G: Grid>(ctx: &Ctx<G>, plan: &PrunePlan) -> Result<PruneReport, FlowError> {
    let targets = Targets::now(ctx);
    if targets.len() == 0 {
        return Err(FlowError::NoPeers);
    }
    if !plan.dry_run {
        settle(ctx, &targets).await?;
    }
    let known = recover::everything(ctx).await?;
    let lists = lists(ctx, &known.devices).await?;
    let marked = mark::mark(ctx).await?;
    let mut report = PruneReport::default();
    let judged = judge(ctx, &lists.own, &marked)?;
    let orphans = orphans(ctx, &lists, &marked)?;
    let go = choose(judged, plan.max_unused, &mut report);
    report.adopted = orphans.needed.len() as u64;
    report.forgotten = orphans.unneeded.len() as u64;
    if plan.dry_run {
        return Ok(report);
    }
    let (added, copied) = copy(ctx, &targets, (&go, &marked)).await?;
    (report.new_packs, report.copied_bytes) = (added.len() as u64, copied);
    let change = Replacement {
        dropped: go.iter().map(|pack| pack.id).collect(),
        added: added.into_iter().chain(orphans.needed).collect(),
        keep_secs: plan.keep_delete_secs,
    };
    if let Some(published) = replace(ctx, &targets, &change).await? {
        let Published { asked, confirmed, .. } = published;
        report.witnesses = (asked, confirmed);
    }
    for id in &orphans.unneeded {
        ctx.catalog.drop_pack(id)?;
    }
    report.told = retain::retain(ctx, &RetainPlan::default()).await?;
    Ok(report)
}

/// Publishes what earlier runs left, so that it is judged with the rest.
async fn settle<G: Grid>(ctx: &Ctx<G>, targets: &Targets) -> Result<(), FlowError> {
    recover::refresh(ctx).await?;
    let Resumed { queued, .. } = place::resume(ctx, targets).await?;
    if queued == 0 {
        publish::publish(ctx, targets, None).await?;
    } else {
        publish::finish_pending(ctx, targets).await?;
    }
    Ok(())
}

/// Reads every device's segments.
async fn lists<G: Grid>(ctx: &Ctx<G>, devices: &BTreeSet<PeerId>) -> Result<Lists, FlowError> {
    let mut lists = Lists::default();
    for device in devices {
        let (key, _) = recover::seen_keys(ctx, *device);
        let Some(bytes) = ctx.catalog.get(&key)? else { continue };
        let manifest = Manifest::decode(&bytes)?;
        let mut reader = ChunkReader::over(ctx, &manifest.roots);
        for reference in &manifest.segments {
            let segment: Segment = reader.record(&reference.chunks).await?;
            let ids = segment.packs.iter().map(|record| record.meta.id);
            if *device == ctx.device.peer() {
                lists.own.extend(ids);
            } else {
                lists.others.extend(ids);
            }
        }
    }
    Ok(lists)
}

/// How much of each of this device's packs is needed.
fn judge<G: Grid>(
    ctx: &Ctx<G>,
    own: &BTreeSet<PackId>,
    marked: &Marked,
) -> Result<Vec<Judged>, FlowError> {
    let mut claimed: BTreeSet<ChunkId> = BTreeSet::new();
    let mut all = Vec::new();
    for id in own {
        // One that is not in the catalog was given up by a head that is on its way.
        let Ok(record) = fetch::record_of(ctx, id) else { continue };
        let mut pack = Judged {
            id: *id,
            len: u64::from(record.meta.len),
            plain: (0, 0),
            needed: BTreeSet::new(),
        };
        for chunk in record.meta.blocks.iter().flat_map(|block| &block.chunks) {
            pack.plain.0 += u64::from(chunk.len);
            if !marked.has(&chunk.id) {
                continue;
            }
            let found = ctx.catalog.find(&chunk.id)?.map(|at| at.pack);
            let elsewhere = found.is_some_and(|found| found != *id && own.contains(&found));
            if !elsewhere && (found == Some(*id) || claimed.insert(chunk.id)) {
                pack.plain.1 += u64::from(chunk.len);
                pack.needed.insert(chunk.id);
            }
        }
        all.push(pack);
    }
    Ok(all)
}

/// Packs of the catalog that no segment lists any more.
#[derive(Default)]
struct Orphans {
    needed: Vec<PackId>,
    unneeded: Vec<PackId>,
}

fn orphans<G: Grid>(ctx: &Ctx<G>, lists: &Lists, marked: &Marked) -> Result<Orphans, FlowError> {
    let mut unlisted = Vec::new();
    ctx.catalog.for_each_pack(|row| {
        let was_listed = row.segment.is_some_and(|segment| segment != [0; 32]);
        let is_listed = lists.own.contains(&row.id) || lists.others.contains(&row.id);
        if row.state == PackState::Indexed && was_listed && !is_listed {
            unlisted.push(row.id);
        }
        Ok::<(), FlowError>(())
    })?;
    let mut orphans = Orphans::default();
    for id in unlisted {
        let record = fetch::record_of(ctx, &id)?;
        let mut needed = false;
        for chunk in record.meta.blocks.iter().flat_map(|block| &block.chunks) {
            if marked.has(&chunk.id) {
                // Found nowhere: this pack is not relied on just now, and may be all there is.
                let found = ctx.catalog.find(&chunk.id)?.map(|at| at.pack);
                needed |= found.is_none_or(|found| found == id);
            }
        }
        if needed { orphans.needed.push(id) } else { orphans.unneeded.push(id) }
    }
    Ok(orphans)
}

/// Which packs go: those without need, and of the others the emptiest, until what is kept without
/// need is little enough.
fn choose(mut judged: Vec<Judged>, max_unused: f64, report: &mut PruneReport) -> Vec<Judged> {
    report.packs = judged.len() as u64;
    report.bytes = judged.iter().map(|pack| pack.len).sum();
    let needed: u64 =
        judged.iter().filter(|pack| pack.plain.1 > 0).map(|pack| pack.len - pack.unneeded()).sum();
    let allowed = (needed as f64 * max_unused) as u64;
    // The emptiest first: they free most for what has to be copied.
    judged.sort_by_key(|pack| {
        let (all, needed) = pack.plain;
        (std::cmp::Reverse(((all - needed) * 1000).checked_div(all).unwrap_or(1000)), pack.id)
    });
    let mut left: u64 = judged.iter().filter(|pack| pack.plain.1 > 0).map(Judged::unneeded).sum();
    let mut go = Vec::new();
    for pack in judged {
        let unneeded = pack.unneeded();
        let is_empty = pack.plain.1 == 0;
        if is_empty || (left > allowed && unneeded > 0) {
            if is_empty {
                report.unused += 1;
            } else {
                report.repacked += 1;
                left -= unneeded;
            }
            report.dropped_bytes += pack.len;
            go.push(pack);
        }
    }
    report.unneeded_bytes = left;
    go
}

async fn copy<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    (go, marked): (&[Judged], &Marked),
) -> Result<(Vec<PackId>, u64), FlowError> {
    let mut by_need: BTreeMap<PackId, &Judged> = BTreeMap::new();
    by_need.extend(go.iter().filter(|pack| !pack.needed.is_empty()).map(|pack| (pack.id, pack)));
    let Some(first) = by_need.keys().next() else { return Ok((Vec::new(), 0)) };
    let code = match targets.auto(ctx) {
        Some((code, _by)) => code,
        None => fetch::record_of(ctx, first)?.code,
    };
    let mut repacking = Repacking::new(ctx, targets, code);
    for (id, pack) in by_need {
        let record = fetch::record_of(ctx, &id)?;
        repacking.copy(&record, (&pack.needed, marked)).await?;
    }
    repacking.finish().await
}
