//! Repair: makes shards again that do not count any more, and puts them on holders that have none
//! of their pack.
//!
//! A pack's bytes come from this machine if it has them (spool, metadata cache, its own unchanged
//! files: packs are reproducible from their recipe), and otherwise from any k shards, each checked
//! by its name. What would be lost first comes first. Shards that turned up elsewhere, or that an
//! earlier run placed before it was cut off, are taken in after a proof instead of being made.
//!
//! Order (I2): a shard is durable on its holder before the record says so; changed records are kept
//! here as placed, and published like new ones in a segment, manifest and head of their own. No
//! snapshot and no older head is touched; whoever reads the older one finds as much as before.
//! Records of packs that the manifest itself names are changed in the next manifest.
//!
//! It may be cut off anywhere: a record that was not changed is repaired again, and one that was
//! changed and not published is published by the next run. What it cannot mend stays as it is.
//! Nobody else may write the owner's backup meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chunker::{Class, PackId, PeerId, Shard, shard_len};
use p2p::Grid;
use store::PackState;
use tokio::time::Instant;

use crate::care::{Grade, Policy, ShardState, Verdict};
use crate::flow::health::{self, View, for_each_in_use};
use crate::flow::place::Terms;
use crate::flow::targets::Targets;
use crate::flow::{Ctx, FlowError, audit, fetch, place, publish, recover, roots};
use crate::monitor::{Problem, Tally};
use crate::vault::index::PackRecord;

mod sources;

use sources::Sources;

/// Packs whose chunks are looked for in one walk of the listings.
const BATCH: usize = 16;

/// What to repair, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct RepairPlan {
    /// When a pack is due.
    pub policy: Policy,
    /// Repairs every pack with a shard missing, due or not.
    pub all: bool,
    /// Bytes of shards sent a second; none for no limit.
    pub up: Option<u64>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RepairReport {
    /// Packs that have shards again which they had not.
    pub packs_repaired: u64,
    /// Shards sent to new holders.
    pub shards_made: u64,
    /// Shards found on holders that were not recorded.
    pub shards_found: u64,
    /// Bytes of shards fetched from holders.
    pub bytes_from_peers: u64,
    /// Bytes of packs made from what this machine has.
    pub bytes_from_source: u64,
    /// Bytes of shards sent.
    pub bytes_sent: u64,
    /// Packs that still miss shards.
    pub packs_still_degraded: u64,
    /// Of them, those with too few left to be restored.
    pub packs_lost: u64,
}

/// Repairs what is due and publishes where it is now.
pub async fn repair<G: Grid>(ctx: &Ctx<G>, plan: RepairPlan) -> Result<RepairReport, FlowError> {
    if Targets::now(ctx).len() == 0 {
        return Err(FlowError::NoPeers);
    }
    recover::refresh(ctx).await?;
    let mut work = Work::new(ctx, plan)?;
    // A snapshot that waits for its packs must not become visible along with what is repaired.
    let no_queue = place::resume(ctx, &work.targets).await?.queued == 0;
    let due = due(ctx, plan)?;
    for batch in due.packs.chunks(BATCH) {
        let sources = work.sources(batch).await?;
        for id in batch {
            work.pack(*id, &sources).await?;
        }
        work.note_mended()?;
        if work.unpublished && no_queue {
            publish::amend(ctx, &work.targets, &roots::moved(ctx)?).await?;
            work.unpublished = false;
        }
    }
    let moved = roots::moved(ctx)?;
    // What an earlier run changed and did not publish, or a manifest with too few copies.
    if no_queue && (!moved.is_empty() || due.manifest) {
        publish::amend(ctx, &work.targets, &moved).await?;
    }
    let settling = ctx.clone();
    ctx.work(move || health::settle(&settling)).await??;
    let mut report = work.report;
    let view = View::now(ctx)?;
    for_each_in_use(ctx, |row, record| {
        let grade = view.tally(&record).grade();
        if row.state != PackState::Queued {
            report.packs_still_degraded += u64::from(grade > Grade::Full);
            report.packs_lost += u64::from(grade == Grade::Lost);
        }
    })?;
    Ok(report)
}

/// What is to be done.
struct Due {
    /// In the order in which they would be lost.
    packs: Vec<PackId>,
    /// The manifest itself is to be written anew: more peers would have a copy.
    manifest: bool,
}

fn due<G: Grid>(ctx: &Ctx<G>, plan: RepairPlan) -> Result<Due, FlowError> {
    let view = View::now(ctx)?;
    let heads = roots::head(ctx)?;
    let (mut packs, mut manifest) = (Vec::new(), false);
    for_each_in_use(ctx, |row, record| {
        let tally = view.tally(&record);
        let short = tally.grade() > Grade::Full;
        let due = (plan.all && short) || plan.policy.wants_repair(record.code, &tally);
        match heads.contains(&row.id) {
            _ if row.state == PackState::Queued => {}
            // Copies are cheap, and the next manifest has one for everybody who is here.
            true => manifest |= short,
            false if due => packs.push((view.days_to_loss(&record), row.id)),
            false => {}
        }
    })?;
    packs.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    Ok(Due { packs: packs.into_iter().map(|(_, id)| id).collect(), manifest })
}

/// A repair under way.
struct Work<'a, G> {
    ctx: &'a Ctx<G>,
    plan: RepairPlan,
    view: View,
    /// Everybody with room.
    targets: Targets,
    /// The same, for each pack under its own limits.
    any: Terms<G>,
    /// Of them, those nothing speaks against.
    good: Terms<G>,
    /// Packs that the manifest itself names.
    roots: BTreeSet<PackId>,
    started: Instant,
    report: RepairReport,
    unpublished: bool,
    /// Of holders that were given up: how many of their shards are elsewhere now.
    mended: BTreeMap<PeerId, u64>,
}

impl<'a, G: Grid> Work<'a, G> {
    fn new(ctx: &'a Ctx<G>, plan: RepairPlan) -> Result<Self, FlowError> {
        let view = View::now(ctx)?;
        let (targets, good) = (Targets::now(ctx), Targets::now(ctx));
        for peer in targets.peers() {
            if view.is_liar(&peer) {
                targets.avoid(peer);
            }
            if !view.is_trusted(&peer) {
                good.avoid(peer);
            }
        }
        let (started, report) = (Instant::now(), RepairReport::default());
        let roots = roots::own(ctx)?.into_keys().collect();
        let (unpublished, mended) = (false, BTreeMap::new());
        let (any, good) = (Terms::new(ctx, &targets), Terms::new(ctx, &good));
        Ok(Self {
            ctx,
            plan,
            view,
            targets,
            any,
            good,
            roots,
            started,
            report,
            unpublished,
            mended,
        })
    }

    /// Where this machine's files have the chunks of these packs.
    async fn sources(&self, batch: &[PackId]) -> Result<Arc<Sources>, FlowError> {
        let mut wanted = BTreeSet::new();
        for id in batch {
            let record = fetch::record_of(self.ctx, id)?;
            if record.class() == Class::Data as u8 && !self.ctx.spool.contains(id) {
                let chunks = record.meta.blocks.iter().flat_map(|block| &block.chunks);
                wanted.extend(chunks.map(|entry| entry.id));
            }
        }
        if wanted.is_empty() {
            return Ok(Arc::default());
        }
        Ok(Arc::new(Sources::find(self.ctx, &wanted).await?))
    }

    async fn pack(&mut self, id: PackId, sources: &Arc<Sources>) -> Result<(), FlowError> {
        let before = fetch::record_of(self.ctx, &id)?;
        let mut record = before.clone();
        for placed in &mut record.shards {
            if self.view.shard(placed) == ShardState::Gone {
                placed.holder = None;
            }
        }
        self.adopt(&mut record).await;
        if record.unplaced().next().is_some() && self.has_room(&record) {
            match self.bytes(&before, sources).await {
                Ok(bytes) => self.send(&mut record, bytes).await?,
                Err(error) => {
                    let item = format!("pack {id}");
                    self.ctx.monitor.problem(&Problem::new(item, &error));
                    tracing::warn!(pack = %id.short(), %error, "cannot be made again");
                }
            }
        }
        self.keep(&before, record).await
    }

    /// Takes in shards that others have without being recorded: after moves, or after a run that
    /// was cut off between sending and noting. Their word is not enough.
    async fn adopt(&mut self, record: &mut PackRecord) {
        if record.unplaced().next().is_none() {
            return;
        }
        for (index, peer) in fetch::elsewhere(self.ctx, record).await {
            let taken = record.holders().any(|holder| holder == peer);
            let placed = record.shards.get(usize::from(index)).copied();
            let Some(placed) = placed.filter(|placed| placed.holder.is_none()) else { continue };
            if taken || self.view.is_liar(&peer) || !self.view.state(&peer).counts() {
                continue;
            }
            let len = shard_len(record.code, record.meta.len as usize) as u32;
            if audit::prove(self.ctx, peer, placed.id, len).await == Verdict::Proved {
                record.set_holder(index, peer);
                self.report.shards_found += 1;
            }
        }
    }

    /// Whether anybody could take a shard more of this pack.
    fn has_room(&self, record: &PackRecord) -> bool {
        let holders: BTreeSet<PeerId> = record.holders().collect();
        self.targets.open().any(|peer| !holders.contains(&peer))
    }

    /// A pack's bytes: from this machine, or else from holders.
    async fn bytes(
        &mut self,
        record: &PackRecord,
        sources: &Arc<Sources>,
    ) -> Result<Bytes, FlowError> {
        let (ctx, id) = (self.ctx, record.meta.id);
        let (spool, cache) = (ctx.spool.clone(), ctx.cache.clone());
        let (vault, meta, sources) =
            (Arc::clone(&ctx.vault), record.meta.clone(), Arc::clone(sources));
        let local = ctx.work(move || {
            let kept = spool.get(&id).ok().or_else(|| cache.get(&id));
            let sound = kept.filter(|bytes| PackId::from(blake3::hash(bytes)) == id);
            sound.or_else(|| {
                let mut reader = sources.reader();
                let made = chunker::rebuild(vault.keys(), &meta, |chunk| reader.chunk(chunk));
                made.ok().map(|pack| pack.bytes)
            })
        });
        if let Some(bytes) = local.await? {
            self.report.bytes_from_source += bytes.len() as u64;
            return Ok(bytes);
        }
        let tally = Arc::new(Tally::new(Arc::clone(&ctx.monitor)));
        let watched = ctx.watched_by(tally.clone());
        let (bytes, gone) = fetch::from_holders(&watched, record).await;
        self.report.bytes_from_peers += tally.moved();
        let now = ctx.clock.now_secs();
        ctx.catalog.bulk(|bulk| {
            for (index, peer) in &gone {
                if let Some(placed) = record.shards.get(usize::from(*index)) {
                    bulk.set_gone(peer, &placed.id, now)?;
                }
            }
            Ok(())
        })?;
        bytes
    }

    /// Codes the pack and sends the shards that nobody has: to those nothing speaks against, and
    /// only what they do not take to the others.
    async fn send(&mut self, record: &mut PackRecord, bytes: Bytes) -> Result<(), FlowError> {
        let code = record.code;
        let shards = self.ctx.work(move || chunker::encode(code, &bytes)).await??;
        let named = |shard: &Shard| {
            record.shards.get(usize::from(shard.index)).is_some_and(|one| one.id == shard.id)
        };
        if !shards.iter().all(named) {
            return Err(FlowError::Inconsistent);
        }
        for trusted in [true, false] {
            let before = record.unplaced().count();
            if before == 0 {
                break;
            }
            let terms = if trusted { &mut self.good } else { &mut self.any };
            let (under, targets) = terms.of(&record.meta.id)?;
            place::send_missing(&under, &targets, record, shards.clone()).await;
            // Electors of the head that tells of it.
            targets.used().into_iter().for_each(|peer| self.targets.took(peer, 0));
            let made = (before - record.unplaced().count()) as u64;
            let len = shards.first().map_or(0, |shard| shard.bytes.len() as u64);
            self.report.shards_made += made;
            self.report.bytes_sent += made * len;
            self.pause().await;
        }
        Ok(())
    }

    /// Waits until no more was sent than may be in the time that has passed.
    async fn pause(&self) {
        if let Some(per_sec) = self.plan.up.filter(|per_sec| *per_sec > 0) {
            let due = Duration::from_secs_f64(self.report.bytes_sent as f64 / per_sec as f64);
            tokio::time::sleep_until(self.started + due).await;
        }
    }

    /// Notes where the pack's shards are now; what could not be made again stays with its old
    /// holder, who may come back.
    async fn keep(&mut self, before: &PackRecord, mut record: PackRecord) -> Result<(), FlowError> {
        for (new, old) in record.shards.iter_mut().zip(&before.shards) {
            new.holder = new.holder.or(old.holder);
        }
        if record == *before {
            return Ok(());
        }
        let moved = record.shards.iter().zip(&before.shards);
        let mended: Vec<PeerId> = moved
            .filter(|(new, old)| new.holder != old.holder)
            .filter_map(|(_, old)| old.holder)
            .filter(|peer| !self.view.state(peer).counts())
            .collect();
        let (catalog, old, new) = (self.ctx.catalog.clone(), before.clone(), record);
        let stored = new.encode_stored();
        let full = new.unplaced().next().is_none();
        let id = new.meta.id;
        // The manifest names a root itself; of the others a new segment tells.
        let state = if self.roots.contains(&id) { PackState::Indexed } else { PackState::Placed };
        self.ctx
            .work(move || {
                catalog.bulk(|bulk| {
                    bulk.set_pack(&id, state, &stored)?;
                    for (new, old) in new.shards.iter().zip(&old.shards) {
                        if let Some(peer) = new.holder.filter(|_| new.holder != old.holder) {
                            bulk.set_found(&peer, &new.id)?;
                        }
                    }
                    Ok(())
                })
            })
            .await??;
        if full {
            place::remove_spooled(self.ctx, id).await?;
        }
        self.report.packs_repaired += 1;
        self.unpublished = true;
        for peer in mended {
            *self.mended.entry(peer).or_default() += 1;
        }
        Ok(())
    }

    /// Notes how long it took since those were last seen whose shards are elsewhere now: what
    /// [`Churn`](crate::care::Churn) makes of departures rests on it.
    fn note_mended(&mut self) -> Result<(), FlowError> {
        let now = self.ctx.clock.now_secs();
        for (peer, shards) in std::mem::take(&mut self.mended) {
            health::change(self.ctx, peer, |holder| {
                if let Some(seen) = holder.standing.seen_secs() {
                    holder.mended.add(shards, now.saturating_sub(seen));
                }
            })?;
        }
        Ok(())
    }
}
