//! Heads of which only the manifest is new: nothing was stored, something is said otherwise.

use std::collections::{BTreeMap, BTreeSet};

use chunker::{Record, SnapshotId};
use p2p::Grid;

use super::{Pending, Published, current_manifest, finish_pending, make_head, note};
use crate::flow::targets::Targets;
use crate::flow::{Ctx, FlowError};
use crate::vault::manifest::{Manifest, SnapshotEntry};
use crate::vault::tree::Stamp;

/// Publishes the manifest without these snapshots. Their rows go once the new head is confirmed.
/// Does nothing when the manifest names none of them.
pub(crate) async fn withdraw<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    forgotten: &BTreeSet<SnapshotId>,
) -> Result<Option<Published>, FlowError> {
    let change = |manifest: &mut Manifest| {
        let before = manifest.snapshots.len();
        manifest.snapshots.retain(|entry| !forgotten.contains(&entry.id));
        manifest.snapshots.len() < before
    };
    publish(ctx, targets, change, forgotten.iter().copied().collect()).await
}

/// Publishes the manifest with everything that these name besides: from then on this device answers
/// for it. Does nothing when it names all of it already.
pub(crate) async fn adopt<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    manifests: &[Manifest],
) -> Result<Option<Published>, FlowError> {
    let change = |manifest: &mut Manifest| {
        let mut grew = false;
        for other in manifests {
            grew |= manifest.adopt(other);
        }
        grew
    };
    publish(ctx, targets, change, Vec::new()).await
}

/// Publishes the manifest with its entries as `change` leaves them. Does nothing when it says of
/// none that it changed it.
pub(crate) async fn revise<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    mut change: impl FnMut(&mut SnapshotEntry) -> bool,
) -> Result<Option<Published>, FlowError> {
    let change = |manifest: &mut Manifest| {
        let mut changed = false;
        for entry in &mut manifest.snapshots {
            changed |= change(entry);
        }
        changed
    };
    publish(ctx, targets, change, Vec::new()).await
}

/// The snapshots that this device's newest manifest names: those it may forget.
pub(crate) fn named<G: Grid>(ctx: &Ctx<G>) -> Result<BTreeSet<SnapshotId>, FlowError> {
    Ok(current_manifest(ctx)?.snapshots.iter().map(|entry| entry.id).collect())
}

/// When each of them was made, as far as holders bear it out.
pub(crate) fn times<G: Grid>(ctx: &Ctx<G>) -> Result<BTreeMap<SnapshotId, Stamp>, FlowError> {
    Ok(current_manifest(ctx)?.times())
}

async fn publish<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    change: impl FnOnce(&mut Manifest) -> bool,
    forgotten: Vec<SnapshotId>,
) -> Result<Option<Published>, FlowError> {
    finish_pending(ctx, targets).await?;
    let mut manifest = current_manifest(ctx)?;
    if !change(&mut manifest) {
        return Ok(None);
    }
    let head = make_head(ctx, targets, &manifest).await?;
    let pending = Pending {
        head: head.encode(),
        manifest: manifest.encode(),
        packs: Vec::new(),
        snapshots: Vec::new(),
        segment: None,
        forgotten,
        dropped: Vec::new(),
    };
    note(ctx, &pending).await?;
    finish_pending(ctx, targets).await
}
