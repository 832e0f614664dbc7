//! The packs that a recovery from the words begins with: those named by a device's newest head and
//! manifest.

use std::collections::{BTreeMap, BTreeSet};

use chunker::{PackId, PeerId, Record};
use p2p::Grid;
use p2p::head::SignedHead;

use crate::flow::{Ctx, FlowError, publish, recover};
use crate::vault::index::PackRecord;
use crate::vault::manifest::Manifest;

/// This device's.
pub(crate) fn own<G: Grid>(ctx: &Ctx<G>) -> Result<BTreeMap<PackId, PackRecord>, FlowError> {
    of(ctx, &BTreeSet::from([ctx.device.peer()]))
}

/// The packs of this device's newest manifest itself.
pub(crate) fn head<G: Grid>(ctx: &Ctx<G>) -> Result<BTreeSet<PackId>, FlowError> {
    let Some(head) = publish::current_head(ctx)? else { return Ok(BTreeSet::new()) };
    let packs = ctx.vault.open_head(&head.sealed)?.manifest;
    Ok(packs.into_iter().map(|record| record.meta.id).collect())
}

/// The packs named by this device's manifest that are elsewhere now than it says.
pub(crate) fn moved<G: Grid>(ctx: &Ctx<G>) -> Result<BTreeMap<PackId, PackRecord>, FlowError> {
    let mut moved = BTreeMap::new();
    let Some(bytes) = ctx.catalog.get(publish::MANIFEST)? else { return Ok(moved) };
    for root in Manifest::decode(&bytes)?.roots {
        if let Some((_, stored)) = ctx.catalog.pack(&root.meta.id)? {
            let now = PackRecord::decode_stored(&stored)?;
            if now.shards != root.shards {
                moved.insert(root.meta.id, now);
            }
        }
    }
    Ok(moved)
}

/// Those of these devices.
pub(crate) fn of<G: Grid>(
    ctx: &Ctx<G>,
    devices: &BTreeSet<PeerId>,
) -> Result<BTreeMap<PackId, PackRecord>, FlowError> {
    let mut roots = BTreeMap::new();
    for device in devices {
        let (manifest, head) = recover::seen_keys(ctx, *device);
        let mut records = Vec::new();
        if let Some(bytes) = ctx.catalog.get(&manifest)? {
            records.extend(Manifest::decode(&bytes)?.roots);
        }
        if let Some(bytes) = ctx.catalog.get(&head)? {
            records.extend(ctx.vault.open_head(&SignedHead::decode(&bytes)?.sealed)?.manifest);
        }
        roots.extend(records.into_iter().map(|record| (record.meta.id, record)));
    }
    Ok(roots)
}
