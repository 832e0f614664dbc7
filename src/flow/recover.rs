//! Finding what the grid knows of this owner: heads, manifests, segments, snapshots, into the
//! catalog.
//!
//! Every connected peer is asked for the heads it keeps; a backup, which looks each time, does not
//! wait for the silent ones. Of each device the highest number counts;
//! how many gave it is reported, because a head that only few have seen may not be the newest
//! (I10). Two heads with one number are a fork, and reported as such.
//!
//! What was imported before is not fetched again: a device's last imported manifest is kept, and
//! only segments that are not in it are read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chunker::{ChunkId, PackId, PeerId, Record, SnapshotId};
use p2p::head::SignedHead;
use p2p::{Grid, Reply, Request};
use store::PackState;

use crate::flow::asking::{ask_all, is_most, online};
use crate::flow::fetch::ChunkReader;
use crate::flow::place::add_to_catalog;
use crate::flow::publish::{HEAD, MANIFEST, SNAPSHOT_PENDING, SNAPSHOT_PUBLISHED, current_head};
use crate::flow::{Ctx, FlowError, look, marks, publish};
use crate::vault::index::{PackRecord, Segment};
use crate::vault::manifest::{Manifest, SnapshotEntry};
use crate::vault::snapshot::Snapshot;

/// How much longer the others may take once most have answered.
const LINGER: Duration = Duration::from_secs(2);

/// For whom a reader of heads waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// For everybody, as long as a question may take: what is not heard now is missed for long.
    ForAll,
    /// For most, and a little longer: whoever looks will look again.
    ForMost,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecoverReport {
    /// Snapshots known now.
    pub snapshots: u64,
    /// Number of the newest head, over all devices.
    pub head_seq: u64,
    /// Peers asked for heads.
    pub asked: usize,
    /// Peers that gave that newest head.
    pub confirmed: usize,
    /// Devices of this owner with a head.
    pub devices: usize,
    /// What was odd, one sentence each.
    pub warnings: Vec<String>,
}

/// The heads of one device, as the peers gave them.
#[derive(Debug, Default)]
struct Chain {
    /// By number and hash: the head and how many peers gave it.
    heads: BTreeMap<(u64, chunker::HeadHash), (Option<SignedHead>, usize)>,
}

/// Brings a catalog up to date that knows nothing, or not everything: all devices, this one
/// included.
pub async fn recover<G: Grid>(ctx: &Ctx<G>) -> Result<RecoverReport, FlowError> {
    let (chains, asked) = heads(ctx, Wait::ForAll).await?;
    let mut report = RecoverReport { asked, devices: chains.len(), ..RecoverReport::default() };
    for (device, chain) in &chains {
        let Some((head, confirmed)) = chain.newest() else { continue };
        if head.seq >= report.head_seq {
            report.head_seq = head.seq;
            report.confirmed = confirmed;
        }
        if chain.is_forked(head.seq) {
            let device = device.short();
            let seq = head.seq;
            report.warnings.push(format!("device {device} has two heads with number {seq}"));
        }
        match import(ctx, head).await {
            Ok(missing) => report.warnings.extend(missing),
            Err(error) => {
                let device = device.short();
                report.warnings.push(format!("the head of device {device} is unusable: {error}"));
            }
        }
    }
    if chains.is_empty() {
        report.warnings.push("no peer that answered keeps a head of this owner".to_owned());
    } else if report.confirmed * 2 <= asked {
        let (confirmed, seq) = (report.confirmed, report.head_seq);
        report.warnings.push(format!(
            "only {confirmed} of {asked} peers gave the newest head ({seq}); a newer one may exist"
        ));
    }
    report.snapshots = ctx.catalog.snapshots()?.len() as u64;
    Ok(report)
}

/// Forgets what the catalog says of the grid and reads it from the grid again. What exists only
/// here stays: queued packs, snapshots that wait, and a head that may have been sent already.
///
/// Refused, with nothing changed, when the peers that answer do not have this home's newest head:
/// its number would be used a second time, and the snapshots it names be hidden (I2, I10).
pub async fn rebuild<G: Grid>(ctx: &Ctx<G>) -> Result<RecoverReport, FlowError> {
    let (chains, asked) = heads(ctx, Wait::ForAll).await?;
    if asked == 0 {
        return Err(FlowError::NoPeers);
    }
    let newest = chains.get(&ctx.device.peer()).and_then(Chain::newest).map(|(head, _)| head);
    if let Some(mine) = current_head(ctx)? {
        match newest {
            Some(theirs) if theirs.seq == mine.seq && theirs.hash() != mine.hash() => {
                return Err(FlowError::Forked { seq: mine.seq });
            }
            Some(theirs) if theirs.seq >= mine.seq => {}
            behind => {
                let found = behind.map_or(0, |theirs| theirs.seq);
                return Err(FlowError::HeadBehind { mine: mine.seq, found });
            }
        }
    }
    let on_its_way = publish::pending_head(ctx)?;
    let unseen = on_its_way.is_some_and(|head| newest.is_none_or(|seen| seen.seq < head.seq));
    let pending = if unseen { ctx.catalog.get(publish::PENDING)? } else { None };
    start_over(ctx, pending)?;
    recover(ctx).await
}

/// Values that nobody else has and that do not follow from anything.
const LOCAL: [&str; 3] =
    [crate::flow::drill::DRILLS, crate::flow::guard::GUARDIANS, crate::flow::fence::CLAIMS];

/// Empties the catalog but for what is only here, in one transaction.
fn start_over<G: Grid>(ctx: &Ctx<G>, pending: Option<Vec<u8>>) -> Result<(), FlowError> {
    let mut kept = Vec::new();
    for state in [PackState::Queued, PackState::Placed] {
        for (_, stored) in ctx.catalog.packs_in(state)? {
            kept.push((state, PackRecord::decode_stored(&stored)?));
        }
    }
    let waiting = ctx.catalog.snapshots()?;
    let mut local = Vec::new();
    for key in LOCAL {
        local.extend(ctx.catalog.get(key)?.map(|value| (key, value)));
    }
    ctx.catalog.bulk(|bulk| {
        bulk.clear()?;
        for (key, value) in &local {
            bulk.set(key, value)?;
        }
        for (state, record) in &kept {
            let (id, class, stored) = (&record.meta.id, record.class(), record.encode_stored());
            bulk.add_pack(id, *state, class, &stored, &record.chunk_places())?;
        }
        for (id, state, sealed) in waiting.iter().filter(|row| row.1 == SNAPSHOT_PENDING) {
            bulk.put_snapshot(id, *state, sealed)?;
        }
        pending.as_ref().map_or(Ok(()), |noted| bulk.set(publish::PENDING, noted))
    })?;
    Ok(())
}

/// What every backup does first: learns what other devices of this owner published, and notices
/// when the grid knows a newer head of this device than this home does.
pub(crate) async fn refresh<G: Grid>(ctx: &Ctx<G>) -> Result<(), FlowError> {
    let (chains, _) = heads(ctx, Wait::ForMost).await?;
    let mine = current_head(ctx)?;
    for (device, chain) in &chains {
        let Some((head, _)) = chain.newest() else { continue };
        if *device != ctx.device.peer() {
            if let Err(error) = import(ctx, head).await {
                // Without it we only dedup less.
                let device = device.short();
                tracing::warn!(%device, %error, "another device's head is unreadable");
            }
            continue;
        }
        match &mine {
            None if ctx.catalog.get(publish::PENDING)?.is_none() => {
                // The catalog was deleted, or this is its first run after a recovery (I14).
                import(ctx, head).await?;
            }
            Some(mine) if is_ahead(mine, head) && !is_pending(ctx, head)? => {
                return Err(FlowError::Forked { seq: head.seq });
            }
            _ => {}
        }
    }
    Ok(())
}

/// What is known after everything was read.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Peers that gave the heads they keep.
    pub(crate) answered: BTreeSet<PeerId>,
    /// Devices that published something.
    pub(crate) devices: BTreeSet<PeerId>,
}

/// Reads what every device published, whole, or fails: for whoever goes on to give back what is
/// not in it. A list that cannot be read must never look like a short one.
pub(crate) async fn everything<G: Grid>(ctx: &Ctx<G>) -> Result<Known, FlowError> {
    let (chains, answered) = answers(ctx, Wait::ForAll).await?;
    if answered.is_empty() {
        return Err(FlowError::NoPeers);
    }
    let (me, mine) = (ctx.device.peer(), current_head(ctx)?);
    let mut devices = BTreeSet::from([me]);
    for listed in look::snapshots(ctx)? {
        devices.insert(listed.snapshot.device);
    }
    for (device, chain) in &chains {
        let Some((head, _)) = chain.newest() else { continue };
        devices.insert(*device);
        if *device == me
            && let Some(mine) = &mine
        {
            if is_ahead(mine, head) && !is_pending(ctx, head)? {
                return Err(FlowError::Forked { seq: head.seq });
            }
            continue;
        }
        if chain.is_forked(head.seq) {
            return Err(FlowError::Forked { seq: head.seq });
        }
        if *device == me && is_pending(ctx, head)? {
            continue;
        }
        let missing = import(ctx, head).await?.len();
        if missing > 0 {
            return Err(FlowError::IndexIncomplete { missing });
        }
    }
    Ok(Known { answered, devices })
}

fn is_ahead(mine: &SignedHead, theirs: &SignedHead) -> bool {
    theirs.seq > mine.seq || (theirs.seq == mine.seq && theirs.hash() != mine.hash())
}

/// Whether it is the head that this home has sent without hearing of a majority.
fn is_pending<G: Grid>(ctx: &Ctx<G>, head: &SignedHead) -> Result<bool, FlowError> {
    let pending = publish::pending_head(ctx)?;
    Ok(pending.is_some_and(|pending| pending.hash() == head.hash()))
}

/// Asks every connected peer for the heads it keeps of this owner. Only genuine ones are returned.
async fn heads<G: Grid>(
    ctx: &Ctx<G>,
    wait: Wait,
) -> Result<(BTreeMap<PeerId, Chain>, usize), FlowError> {
    let (chains, answered) = answers(ctx, wait).await?;
    Ok((chains, answered.len()))
}

/// The same with the peers that answered.
async fn answers<G: Grid>(
    ctx: &Ctx<G>,
    wait: Wait,
) -> Result<(BTreeMap<PeerId, Chain>, BTreeSet<PeerId>), FlowError> {
    let mut chains: BTreeMap<PeerId, Chain> = BTreeMap::new();
    let (mut answered, peers) = (BTreeSet::new(), online(ctx));
    let asked = peers.len();
    let heard = |peer: PeerId, reply| {
        if let Ok(Reply::Heads { heads, .. }) = reply {
            answered.insert(peer);
            for bytes in heads.into_iter().take(2 * p2p::wire::HEADS_LIMIT) {
                if let Some(head) = genuine(ctx, &bytes) {
                    chains.entry(head.device()).or_default().add(head);
                } else {
                    let peer = peer.short();
                    tracing::warn!(%peer, "a peer gave a head that is not genuine");
                }
            }
        }
        wait == Wait::ForMost && is_most(answered.len(), asked)
    };
    ask_all(ctx, peers, &Request::HeadGet, LINGER, heard).await;
    Ok((chains, answered))
}

pub(crate) fn genuine<G: Grid>(ctx: &Ctx<G>, bytes: &[u8]) -> Option<SignedHead> {
    let head = SignedHead::open(bytes).ok()?;
    let ours = head.owner() == ctx.device.owner();
    (ours && ctx.vault.open_head(&head.sealed).is_ok_and(|body| body.seq == head.seq))
        .then_some(head)
}

impl Chain {
    fn add(&mut self, head: SignedHead) {
        let entry = self.heads.entry((head.seq, head.hash())).or_default();
        entry.0.get_or_insert(head);
        entry.1 += 1;
    }

    /// The head with the highest number, and how many gave it; of a fork the one more peers have.
    fn newest(&self) -> Option<(&SignedHead, usize)> {
        let (&(seq, _), _) = self.heads.last_key_value()?;
        let candidates = self.heads.iter().filter(|((number, _), _)| *number == seq);
        let (_, (head, count)) = candidates.max_by_key(|(_, (_, count))| *count)?;
        head.as_ref().map(|head| (head, *count))
    }

    fn is_forked(&self, seq: u64) -> bool {
        self.heads.keys().filter(|(number, _)| *number == seq).count() > 1
    }
}

/// Catalog key of the last manifest imported from a device, and of the head that pointed to it.
pub(crate) fn seen_keys<G: Grid>(ctx: &Ctx<G>, device: PeerId) -> (String, String) {
    if device == ctx.device.peer() {
        (MANIFEST.to_owned(), HEAD.to_owned())
    } else {
        (format!("{MANIFEST}.{device}"), format!("{HEAD}.{device}"))
    }
}

/// Reads what a head points to into the catalog. Returns a sentence for everything that is missing.
async fn import<G: Grid>(ctx: &Ctx<G>, head: &SignedHead) -> Result<Vec<String>, FlowError> {
    let (manifest_key, head_key) = seen_keys(ctx, head.device());
    let seen = ctx.catalog.get(&head_key)?;
    if seen.as_ref().is_some_and(|seen| *seen == head.encode()) {
        return Ok(Vec::new());
    }
    let known = match ctx.catalog.get(&manifest_key)? {
        Some(bytes) => Manifest::decode(&bytes)?,
        None => Manifest::first(head.device()),
    };
    let (manifest, missing) = read_in(ctx, head, &known).await?;
    let mut gone = forgotten(&known, &manifest, seen.as_deref(), head);
    // What this device names stays, whoever else forgets it.
    let ours = publish::named(ctx)?;
    gone.retain(|id| head.device() == ctx.device.peer() || !ours.contains(id));
    let marked = marks::noted(ctx, &manifest)?;
    let (catalog, noted, sent) = (ctx.catalog.clone(), manifest.encode(), head.encode());
    let whole = missing.is_empty();
    ctx.work(move || {
        catalog.bulk(|bulk| {
            for id in &gone {
                bulk.drop_snapshot(id)?;
            }
            bulk.set(marks::MARKS, &marked)?;
            if whole {
                bulk.set(&head_key, &sent)?;
                bulk.set(&manifest_key, &noted)?;
            }
            Ok(())
        })
    })
    .await??;
    Ok(missing)
}

/// Reads what a head points to into the catalog, beside what is there: nothing goes, and the head
/// does not count as its device's newest. Returns its manifest, and a sentence for everything that
/// is missing.
pub(crate) async fn bring_in<G: Grid>(
    ctx: &Ctx<G>,
    head: &SignedHead,
) -> Result<(Manifest, Vec<String>), FlowError> {
    read_in(ctx, head, &Manifest::first(head.device())).await
}

/// Enters the packs and snapshots of a head that `known` does not name.
async fn read_in<G: Grid>(
    ctx: &Ctx<G>,
    head: &SignedHead,
    known: &Manifest,
) -> Result<(Manifest, Vec<String>), FlowError> {
    let body = ctx.vault.open_head(&head.sealed)?;
    let manifest: Manifest = ChunkReader::over(ctx, &body.manifest).record(&body.chunks).await?;
    let mut import =
        Import { ctx, reader: ChunkReader::over(ctx, &manifest.roots), missing: vec![] };
    import.segments(known, &manifest).await?;
    import.snapshots(known, &manifest).await?;
    let missing = import.missing;
    let (catalog, roots) = (ctx.catalog.clone(), manifest.roots.clone());
    ctx.work(move || {
        let mut named = roots.iter().chain(&body.manifest);
        named.try_for_each(|root| add_to_catalog(&catalog, PackState::Indexed, root))
    })
    .await??;
    Ok((manifest, missing))
}

/// The snapshots that a device named in the head seen before and forgot since. None by an older
/// head: a holder that is behind must not make newer snapshots vanish.
fn forgotten(
    known: &Manifest,
    new: &Manifest,
    seen: Option<&[u8]>,
    head: &SignedHead,
) -> Vec<SnapshotId> {
    let seen = seen.and_then(|bytes| SignedHead::decode(bytes).ok());
    if seen.is_none_or(|seen| seen.seq >= head.seq) {
        return Vec::new();
    }
    let named: BTreeSet<SnapshotId> = new.snapshots.iter().map(|entry| entry.id).collect();
    let known = known.snapshots.iter().map(|entry| entry.id);
    known.filter(|id| !named.contains(id)).collect()
}

/// One manifest being read.
struct Import<'a, G> {
    ctx: &'a Ctx<G>,
    reader: ChunkReader<G>,
    missing: Vec<String>,
}

impl<G: Grid> Import<'_, G> {
    /// Enters the packs of every segment that was not imported before.
    async fn segments(&mut self, known: &Manifest, new: &Manifest) -> Result<(), FlowError> {
        let old: BTreeSet<Option<ChunkId>> =
            known.segments.iter().map(|segment| first_chunk(&segment.chunks)).collect();
        for reference in &new.segments {
            let first = first_chunk(&reference.chunks);
            if old.contains(&first) {
                continue;
            }
            let segment: Segment = match self.reader.record(&reference.chunks).await {
                Ok(segment) => segment,
                Err(error) => {
                    self.missing.push(format!("an index segment cannot be read: {error}"));
                    continue;
                }
            };
            let (catalog, name) =
                (self.ctx.catalog.clone(), first.map_or([0; 32], |id| *id.as_bytes()));
            self.ctx.work(move || enter(&catalog, &segment, &name)).await??;
        }
        Ok(())
    }

    async fn snapshots(&mut self, known: &Manifest, new: &Manifest) -> Result<(), FlowError> {
        let old: BTreeSet<SnapshotId> = known.snapshots.iter().map(|entry| entry.id).collect();
        for entry in new.snapshots.iter().filter(|entry| !old.contains(&entry.id)) {
            if let Err(error) = self.snapshot(entry).await {
                let id = entry.id.short();
                self.missing.push(format!("snapshot {id} cannot be read: {error}"));
            }
        }
        Ok(())
    }

    async fn snapshot(&mut self, entry: &SnapshotEntry) -> Result<(), FlowError> {
        let snapshot: Snapshot = self.reader.record(&entry.chunks).await?;
        if snapshot.id(self.ctx.vault.keys()) != entry.id {
            return Err(FlowError::Inconsistent);
        }
        let nonce = crate::entropy::bytes(&*self.ctx.entropy);
        let sealed = self.ctx.vault.seal_local(&snapshot.encode(), nonce);
        Ok(self.ctx.catalog.put_snapshot(&entry.id, SNAPSHOT_PUBLISHED, &sealed)?)
    }
}

fn first_chunk(pieces: &[crate::vault::tree::Piece]) -> Option<ChunkId> {
    pieces.first().and_then(|piece| piece.chunk)
}

/// All packs of a segment in one transaction. A later segment knows better where a pack is than an
/// earlier one; what is only noted here knows best.
fn enter(catalog: &store::Catalog, segment: &Segment, name: &[u8; 32]) -> Result<(), FlowError> {
    let mut stale = BTreeSet::new();
    for record in &segment.packs {
        let known = catalog.pack(&record.meta.id)?;
        if known.is_some_and(|(state, _)| state == PackState::Indexed) {
            stale.insert(record.meta.id);
        }
    }
    catalog.bulk(|bulk| {
        for record in &segment.packs {
            let (id, stored) = (&record.meta.id, record.encode_stored());
            let chunks = record.chunk_places();
            bulk.add_pack(id, PackState::Indexed, record.class(), &stored, &chunks)?;
            if stale.contains(id) {
                bulk.set_pack(id, PackState::Indexed, &stored)?;
            }
        }
        let ids: Vec<PackId> = segment.packs.iter().map(|record| record.meta.id).collect();
        bulk.mark_indexed(&ids, name)
    })?;
    Ok(())
}
