//! What of this owner's shards is wanted, from what this device knows.

use std::collections::{BTreeMap, BTreeSet};

use chunker::{PackId, PeerId, Record, ShardId};
use p2p::Grid;
use p2p::head::SignedHead;
use serde::{Deserialize, Serialize};
use store::PackState;

use crate::flow::{Ctx, FlowError, publish, recover};
use crate::vault::index::PackRecord;
use crate::vault::manifest::Manifest;

/// Local value: packs of manifests that no head names, and since when they were seen so.
const UNNAMED: &str = "retain.unnamed";

/// The segment of packs that heads and manifests name, not segments.
const NO_SEGMENT: [u8; 32] = [0; 32];

/// Wanted shards, and packs that may be forgotten once holders were told.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Half of each name, sorted: enough to tell them apart, and a large vault's fit into memory.
    names: Vec<[u8; 16]>,
    /// Packs of manifests nobody names any more.
    unwanted: Vec<PackId>,
}

/// Packs of manifests that no head names.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Unnamed {
    since_secs: BTreeMap<PackId, u64>,
}

impl Record for Unnamed {
    const NAME: &'static str = "unnamed packs";
    const VERSION: u8 = 1;
    const LIMIT: usize = 64 * 1024 * 1024;
}

impl Wanted {
    pub(super) fn has(&self, shard: &ShardId) -> bool {
        self.names.binary_search(&half(shard)).is_ok()
    }

    fn add(&mut self, record: &PackRecord) {
        self.names.extend(record.shards.iter().map(|placed| half(&placed.id)));
    }
}

#[cfg(test)]
impl Wanted {
    pub(super) fn of(shards: &[ShardId]) -> Self {
        let mut names: Vec<_> = shards.iter().map(half).collect();
        names.sort_unstable();
        Self { names, unwanted: Vec::new() }
    }
}

fn half(shard: &ShardId) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&shard.as_bytes()[..16]);
    half
}

/// Gathers what is wanted. Reads all of the index.
pub(super) async fn gather<G: Grid>(
    ctx: &Ctx<G>,
    devices: &BTreeSet<PeerId>,
    settle_secs: u64,
) -> Result<Wanted, FlowError> {
    let (mut wanted, roots) = (Wanted::default(), roots(ctx, devices)?);
    roots.values().for_each(|record| wanted.add(record));
    let named: BTreeSet<PackId> = roots.into_keys().collect();
    let (catalog, now) = (ctx.catalog.clone(), ctx.clock.now_secs());
    ctx.work(move || {
        let old = match catalog.get(UNNAMED)? {
            Some(bytes) => Unnamed::decode(&bytes)?,
            None => Unnamed::default(),
        };
        let mut unnamed = Unnamed::default();
        catalog.for_each_pack(|row| {
            let listed = row.segment.is_some_and(|segment| segment != NO_SEGMENT);
            let loose = row.state == PackState::Indexed && !listed;
            if loose && !named.contains(&row.id) {
                let since = old.since_secs.get(&row.id).copied().unwrap_or(now);
                unnamed.since_secs.insert(row.id, since);
                if now.saturating_sub(since) >= settle_secs {
                    wanted.unwanted.push(row.id);
                    return Ok(());
                }
            }
            wanted.add(&PackRecord::decode_stored(&row.record)?);
            Ok::<(), FlowError>(())
        })?;
        catalog.set(UNNAMED, &unnamed.encode())?;
        wanted.names.sort_unstable();
        wanted.names.dedup();
        Ok(wanted)
    })
    .await?
}

/// The packs named by every device's newest head and manifest, and by the head on its way.
fn roots<G: Grid>(
    ctx: &Ctx<G>,
    devices: &BTreeSet<PeerId>,
) -> Result<BTreeMap<PackId, PackRecord>, FlowError> {
    let mut records = Vec::new();
    for device in devices {
        let (manifest, head) = recover::seen_keys(ctx, *device);
        if let Some(bytes) = ctx.catalog.get(&manifest)? {
            records.extend(Manifest::decode(&bytes)?.roots);
        }
        if let Some(bytes) = ctx.catalog.get(&head)? {
            records.extend(ctx.vault.open_head(&SignedHead::decode(&bytes)?.sealed)?.manifest);
        }
    }
    if let Some((head, manifest)) = publish::on_its_way(ctx)? {
        records.extend(manifest.roots);
        records.extend(ctx.vault.open_head(&head.sealed)?.manifest);
    }
    Ok(records.into_iter().map(|record| (record.meta.id, record)).collect())
}

/// Forgets packs that holders were told to give back. What else finds its chunks in them finds
/// them in the packs that are named.
pub(super) async fn drop_unwanted<G: Grid>(
    ctx: &Ctx<G>,
    devices: &BTreeSet<PeerId>,
    wanted: Wanted,
) -> Result<(), FlowError> {
    if wanted.unwanted.is_empty() {
        return Ok(());
    }
    let (roots, catalog) = (roots(ctx, devices)?, ctx.catalog.clone());
    ctx.work(move || {
        catalog.bulk(|bulk| {
            for pack in wanted.unwanted.iter().filter(|pack| !roots.contains_key(pack)) {
                bulk.drop_pack(pack)?;
            }
            for record in roots.values() {
                let (id, chunks) = (&record.meta.id, record.chunk_places());
                let stored = record.encode_stored();
                bulk.add_pack(id, PackState::Indexed, record.class(), &stored, &chunks)?;
            }
            Ok(())
        })
    })
    .await??;
    Ok(())
}
