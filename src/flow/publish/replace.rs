//! Publishing a manifest that lists other packs than the one before: what pruning ends with.
//!
//! Order (I2, deletion in reverse): the new packs are durable and in the catalog when this is
//! called; the new segments and the head that names them are durable before the old packs leave
//! the catalog, which is in the transaction that notes the head. Holders are told after that. A run
//! that is cut short leaves the old head, or a head on its way that the next run finishes.

use std::collections::{BTreeMap, BTreeSet};

use chunker::{ChunkId, PackId, Record, ShardId};
use p2p::Grid;
use serde::{Deserialize, Serialize};

use super::{
    Pending, Published, Targets, add_roots, current_manifest, finish_pending, make_head, note,
};
use crate::flow::fetch::{self, ChunkReader};
use crate::flow::{Ctx, FlowError};
use crate::vault::index::{PackRecord, Segment};
use crate::vault::manifest::Manifest;
use crate::vault::tree::Piece;

/// Local value: packs that no manifest lists any more, and until when their shards are still
/// wanted.
const DOOMED: &str = "prune.doomed";

/// What changes in the index.
#[derive(Debug, Default)]
pub(crate) struct Replacement {
    /// Not listed any more.
    pub(crate) dropped: BTreeSet<PackId>,
    /// Listed from now on; in the catalog.
    pub(crate) added: Vec<PackId>,
    /// How long holders keep what is dropped before they are told.
    pub(crate) keep_secs: u64,
}

/// Packs whose shards are wanted a while longer.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Doomed {
    packs: BTreeMap<PackId, Ending>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Ending {
    until_secs: u64,
    shards: Vec<ShardId>,
}

impl Record for Doomed {
    const NAME: &'static str = "doomed packs";
    const VERSION: u8 = 1;
    const LIMIT: usize = 1024 * 1024 * 1024;
}

/// Publishes the index with the changes. Does nothing when there are none.
pub(crate) async fn replace<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    change: &Replacement,
) -> Result<Option<Published>, FlowError> {
    finish_pending(ctx, targets).await?;
    let mut manifest = current_manifest(ctx)?;
    let rest = unaffected(ctx, &mut manifest, &change.dropped).await?;
    let before = manifest.roots.len();
    drop_roots(&mut manifest);
    if change.dropped.is_empty() && change.added.is_empty() && manifest.roots.len() == before {
        return Ok(None);
    }
    let mut records = Vec::new();
    for id in rest.iter().chain(&change.added) {
        records.push(fetch::record_of(ctx, id)?);
    }
    let auto = targets.auto(ctx).map(|(code, _by)| code);
    let data = auto.or_else(|| records.first().map(|record| record.code));
    let data = data.or_else(|| manifest.roots.first().map(|record| record.code));
    let usable = targets.places(ctx);
    let code = targets.roots(ctx, data.ok_or(FlowError::TooFewPeers { wanted: 2, usable })?)?;
    let segment = add_roots(ctx, targets, &mut manifest, (records, &[]), code).await?;
    let head = make_head(ctx, targets, &manifest).await?;
    doom(ctx, change)?;
    let pending = Pending {
        head: head.encode(),
        manifest: manifest.encode(),
        packs: rest.into_iter().chain(change.added.iter().copied()).collect(),
        snapshots: Vec::new(),
        segment,
        forgotten: Vec::new(),
        dropped: change.dropped.iter().copied().collect(),
    };
    note(ctx, &pending).await?;
    finish_pending(ctx, targets).await
}

/// Takes the segments that list dropped packs out of the manifest. Returns the other packs in them.
async fn unaffected<G: Grid>(
    ctx: &Ctx<G>,
    manifest: &mut Manifest,
    dropped: &BTreeSet<PackId>,
) -> Result<Vec<PackId>, FlowError> {
    let mut reader = ChunkReader::over(ctx, &manifest.roots);
    let (mut kept, mut rest) = (Vec::new(), Vec::new());
    for reference in std::mem::take(&mut manifest.segments) {
        let segment: Segment = reader.record(&reference.chunks).await?;
        let ids: Vec<PackId> = segment.packs.iter().map(|record| record.meta.id).collect();
        if ids.iter().any(|id| dropped.contains(id)) {
            rest.extend(ids.into_iter().filter(|id| !dropped.contains(id)));
        } else {
            kept.push(reference);
        }
    }
    manifest.segments = kept;
    Ok(rest)
}

/// Drops the packs of segments and snapshots that the manifest does not name any more.
fn drop_roots(manifest: &mut Manifest) {
    let segments = manifest.segments.iter().flat_map(|segment| &segment.chunks);
    let snapshots = manifest.snapshots.iter().flat_map(|entry| &entry.chunks);
    let named: BTreeSet<ChunkId> =
        segments.chain(snapshots).filter_map(|piece: &Piece| piece.chunk).collect();
    let is_named = |root: &PackRecord| {
        root.meta
            .blocks
            .iter()
            .flat_map(|block| &block.chunks)
            .any(|chunk| named.contains(&chunk.id))
    };
    manifest.roots.retain(is_named);
}

/// Notes the shards of what is dropped before anybody could hear of it.
fn doom<G: Grid>(ctx: &Ctx<G>, change: &Replacement) -> Result<(), FlowError> {
    let now = ctx.clock.now_secs();
    let mut doomed = doomed(ctx)?;
    doomed.packs.retain(|_, ending| ending.until_secs > now);
    if change.keep_secs > 0 {
        for id in &change.dropped {
            let record = fetch::record_of(ctx, id)?;
            let shards = record.shards.iter().map(|placed| placed.id).collect();
            let until_secs = now.saturating_add(change.keep_secs);
            doomed.packs.insert(*id, Ending { until_secs, shards });
        }
    }
    ctx.catalog.set(DOOMED, &doomed.encode())?;
    Ok(())
}

fn doomed<G: Grid>(ctx: &Ctx<G>) -> Result<Doomed, FlowError> {
    match ctx.catalog.get(DOOMED)? {
        Some(bytes) => Ok(Doomed::decode(&bytes)?),
        None => Ok(Doomed::default()),
    }
}

/// Shards of dropped packs that holders shall keep a while longer.
pub(crate) fn still_wanted<G: Grid>(ctx: &Ctx<G>) -> Result<Vec<ShardId>, FlowError> {
    let now = ctx.clock.now_secs();
    let waits = |ending: &Ending| ending.until_secs > now;
    let packs = doomed(ctx)?.packs.into_values().filter(waits);
    Ok(packs.flat_map(|ending| ending.shards).collect())
}
