//! Making a snapshot visible: segment -> snapshot -> manifest -> head, each durable before the
//! next.
//!
//! The head is signed once and kept locally before it is sent ([`PENDING`]). A run that is cut
//! short after that sends the very same bytes again, so one number never gets two heads.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use chunker::{Block, ChunkId, Class, Code, PackBuilder, PackId, PeerId, Pool, Record, SnapshotId};
use p2p::head::SignedHead;
use p2p::wire::HEAD_LIMIT;
use p2p::{Grid, Refusal, Reply, Request};
use serde::{Deserialize, Serialize};
use store::PackState;

use crate::budget::Hold;
use crate::entropy;
use crate::flow::asking::{ask_all, is_most, online};
use crate::flow::place::{self, Fresh, Outcome};
use crate::flow::rewind::middle;
use crate::flow::targets::Targets;
use crate::flow::{Ctx, FlowError, fence, marks, recover};
use crate::monitor::Counter;
use crate::placement::Lane;
use crate::vault::index::{PackRecord, Segment};
use crate::vault::manifest::{
    HeadBody, Manifest, Mark, SegmentRef, SnapshotEntry, split_manifest, split_record,
};
use crate::vault::snapshot::Snapshot;
use crate::vault::tree::{Piece, Stamp};

pub(crate) mod replace;
pub(crate) mod revise;

pub(crate) use revise::{adopt, named, revise, times, withdraw};

/// Local value: the newest head of this device that a majority confirmed.
pub(crate) const HEAD: &str = "head";
/// Local value: this device's manifest as of [`HEAD`].
pub(crate) const MANIFEST: &str = "manifest";
/// Local value: a signed head that may have been sent already.
pub(crate) const PENDING: &str = "head.pending";
/// Local value: who confirmed [`HEAD`].
const WITNESSES: &str = "head.witnesses";
/// How much longer others may take to confirm a head than the majority that it needs.
const LINGER: Duration = Duration::from_secs(2);
/// Most holders recorded for a manifest. Without limits every other connected peer gets a copy all
/// the same, and is asked for it when these do not answer.
const MANIFEST_COPIES: usize = 32;

/// Snapshot rows: sealed here, not on the grid yet.
pub(crate) const SNAPSHOT_PENDING: u8 = 0;
/// Snapshot rows: in a published head.
pub(crate) const SNAPSHOT_PUBLISHED: u8 = 1;

/// zstd level for index data: small, so the saving is worth the time.
const INDEX_LEVEL: i32 = 6;

/// What publishing came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Published {
    /// Holders asked to keep the head.
    pub(crate) asked: usize,
    /// Holders that have it durably.
    pub(crate) confirmed: usize,
    /// Which those are.
    pub(crate) by: BTreeSet<PeerId>,
    /// When they got it: of their clocks the one in the middle, in seconds since 1970.
    pub(crate) at_secs: u64,
}

/// A head on its way, with all that has to be noted once it is confirmed.
#[derive(Debug, Serialize, Deserialize)]
struct Pending {
    #[serde(with = "serde_bytes")]
    head: Vec<u8>,
    #[serde(with = "serde_bytes")]
    manifest: Vec<u8>,
    packs: Vec<PackId>,
    snapshots: Vec<SnapshotId>,
    segment: Option<ChunkId>,
    /// Snapshots it does not name any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    forgotten: Vec<SnapshotId>,
    /// Packs it does not list any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dropped: Vec<PackId>,
}

impl Record for Pending {
    const NAME: &'static str = "pending head";
    const VERSION: u8 = 1;
    const LIMIT: usize = 1024 * 1024 * 1024;
}

/// The peers that confirmed a head: of them and of those used since, a majority must have the next.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Witnesses {
    peers: BTreeSet<PeerId>,
}

impl Record for Witnesses {
    const NAME: &'static str = "witnesses";
    const VERSION: u8 = 1;
    const LIMIT: usize = 1024 * 1024;
}

/// Publishes everything that is durable but not visible yet; metadata gets a redundancy that goes
/// with `data`'s. Does nothing when there is nothing new.
pub(crate) async fn publish<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    data: Option<Code>,
) -> Result<Option<Published>, FlowError> {
    publish_with(ctx, targets, data, None).await
}

/// The same, with the manifest made anew, which names these of its roots as they are now: they
/// have moved. Packs of segments that moved are to be [`PackState::Placed`] again: a new segment
/// lists them.
pub(crate) async fn amend<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    moved: &BTreeMap<PackId, PackRecord>,
) -> Result<Option<Published>, FlowError> {
    publish_with(ctx, targets, None, Some(moved)).await
}

async fn publish_with<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    data: Option<Code>,
    moved: Option<&BTreeMap<PackId, PackRecord>>,
) -> Result<Option<Published>, FlowError> {
    let mut published = finish_pending(ctx, targets).await?;
    let packs = ctx.catalog.packs_in(PackState::Placed)?;
    let snapshots = pending_snapshots(ctx)?;
    if packs.is_empty() && snapshots.is_empty() && moved.is_none() {
        return Ok(published);
    }
    let mut manifest = current_manifest(ctx)?;
    for root in &mut manifest.roots {
        if let Some(now) = moved.and_then(|moved| moved.get(&root.meta.id)) {
            root.clone_from(now);
        }
    }
    let records: Result<Vec<_>, _> =
        packs.iter().map(|(_, stored)| PackRecord::decode_stored(stored)).collect();
    let records = records?;
    let usable = targets.places(ctx);
    let data = data
        .or_else(|| targets.auto(ctx).map(|(code, _)| code))
        .or_else(|| records.first().map(|record| record.code))
        .ok_or(FlowError::TooFewPeers { wanted: 2, usable })?;
    let code = targets.roots(ctx, data)?;
    let segment = add_roots(ctx, targets, &mut manifest, (records, &snapshots), code).await?;
    let head = make_head(ctx, targets, &manifest).await?;
    let pending = Pending {
        head: head.encode(),
        manifest: manifest.encode(),
        packs: packs.into_iter().map(|(id, _)| id).collect(),
        snapshots: snapshots.into_iter().map(|(id, _)| id).collect(),
        segment,
        forgotten: Vec::new(),
        dropped: Vec::new(),
    };
    note(ctx, &pending).await?;
    published = finish_pending(ctx, targets).await?;
    Ok(published)
}

/// Keeps a head here before it is sent: one number never gets two heads.
async fn note<G: Grid>(ctx: &Ctx<G>, pending: &Pending) -> Result<(), FlowError> {
    let (catalog, noted) = (ctx.catalog.clone(), pending.encode());
    Ok(ctx.work(move || catalog.set(PENDING, &noted)).await??)
}

/// Sends the head that is on its way, if there is one, until a majority has it.
pub(crate) async fn finish_pending<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
) -> Result<Option<Published>, FlowError> {
    let Some(noted) = ctx.catalog.get(PENDING)? else { return Ok(None) };
    let pending = Pending::decode(&noted)?;
    let published = witness(ctx, targets, &pending.head).await?;
    let witnesses = Witnesses { peers: published.by.clone() }.encode();
    let mut manifest = Manifest::decode(&pending.manifest)?;
    // What is noted here goes out with the next head.
    manifest.witnessed(published.at_secs);
    let marks = marks::noted(ctx, &manifest)?;
    let copies = copies(ctx, &pending)?;
    let catalog = ctx.catalog.clone();
    ctx.work(move || {
        catalog.bulk(|bulk| {
            for id in &pending.snapshots {
                bulk.set_snapshot_state(id, SNAPSHOT_PUBLISHED)?;
            }
            for id in &pending.forgotten {
                bulk.drop_snapshot(id)?;
            }
            let segment = pending.segment.map_or([0; 32], |id| *id.as_bytes());
            bulk.mark_indexed(&pending.packs, &segment)?;
            for id in &pending.dropped {
                bulk.drop_pack(id)?;
            }
            for (id, state, class, stored, chunks) in &copies {
                // Chunks that were found through what is dropped are found through the copies.
                bulk.add_pack(id, *state, *class, stored, chunks)?;
            }
            bulk.set(MANIFEST, &manifest.encode())?;
            bulk.set(marks::MARKS, &marks)?;
            bulk.set(HEAD, &pending.head)?;
            bulk.set(WITNESSES, &witnesses)?;
            bulk.delete(PENDING)
        })
    })
    .await??;
    Ok(Some(published))
}

type Copied = (PackId, PackState, u8, Vec<u8>, Vec<(ChunkId, u32, u32, u32)>);

/// The packs that take over chunks of dropped ones.
fn copies<G: Grid>(ctx: &Ctx<G>, pending: &Pending) -> Result<Vec<Copied>, FlowError> {
    let mut copies = Vec::new();
    for id in pending.packs.iter().filter(|_| !pending.dropped.is_empty()) {
        let Some((state, stored)) = ctx.catalog.pack(id)? else { continue };
        let record = PackRecord::decode_stored(&stored)?;
        copies.push((*id, state, record.class(), stored, record.chunk_places()));
    }
    Ok(copies)
}

/// The head that is on its way, if there is one.
pub(crate) fn pending_head<G: Grid>(ctx: &Ctx<G>) -> Result<Option<SignedHead>, FlowError> {
    let Some(noted) = ctx.catalog.get(PENDING)? else { return Ok(None) };
    Ok(Some(SignedHead::decode(&Pending::decode(&noted)?.head)?))
}

/// The same with the manifest it points to.
pub(crate) fn on_its_way<G: Grid>(
    ctx: &Ctx<G>,
) -> Result<Option<(SignedHead, Manifest)>, FlowError> {
    let Some(noted) = ctx.catalog.get(PENDING)? else { return Ok(None) };
    let pending = Pending::decode(&noted)?;
    Ok(Some((SignedHead::decode(&pending.head)?, Manifest::decode(&pending.manifest)?)))
}

/// The snapshots that the head on its way adds.
pub(crate) fn signed<G: Grid>(ctx: &Ctx<G>) -> Result<Vec<SnapshotId>, FlowError> {
    match ctx.catalog.get(PENDING)? {
        Some(noted) => Ok(Pending::decode(&noted)?.snapshots),
        None => Ok(Vec::new()),
    }
}

/// Forgets every snapshot that waits, but for those in a head that is on its way: their packs had
/// their holders before it was signed. Returns how many.
pub(crate) fn drop_waiting<G: Grid>(ctx: &Ctx<G>) -> Result<u64, FlowError> {
    let signed = signed(ctx)?;
    let mut dropped = 0;
    for (id, state, _) in ctx.catalog.snapshots()? {
        if state == SNAPSHOT_PENDING && !signed.contains(&id) {
            ctx.catalog.drop_snapshot(&id)?;
            dropped += 1;
        }
    }
    Ok(dropped)
}

fn pending_snapshots<G: Grid>(ctx: &Ctx<G>) -> Result<Vec<(SnapshotId, Snapshot)>, FlowError> {
    let mut pending = Vec::new();
    for (id, state, sealed) in ctx.catalog.snapshots()? {
        if state == SNAPSHOT_PENDING {
            pending.push((id, Snapshot::decode(&ctx.vault.open_local(&sealed)?)?));
        }
    }
    Ok(pending)
}

fn current_manifest<G: Grid>(ctx: &Ctx<G>) -> Result<Manifest, FlowError> {
    match ctx.catalog.get(MANIFEST)? {
        Some(bytes) => Ok(Manifest::decode(&bytes)?),
        None => Ok(Manifest::first(ctx.device.peer())),
    }
}

/// This device's newest head, if it has one.
pub(crate) fn current_head<G: Grid>(ctx: &Ctx<G>) -> Result<Option<SignedHead>, FlowError> {
    let bytes = ctx.catalog.get(HEAD)?;
    Ok(bytes.map(|bytes| SignedHead::decode(&bytes)).transpose()?)
}

/// Seals the segment and the snapshot records into packs of the metadata lane, places them, and
/// enters them in the manifest. Returns the segment's first chunk.
async fn add_roots<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    manifest: &mut Manifest,
    (records, snapshots): (Vec<PackRecord>, &[(SnapshotId, Snapshot)]),
    code: Code,
) -> Result<Option<ChunkId>, FlowError> {
    let mut sealing = Sealing::new(ctx);
    let mut first = None;
    for segment in Segment::split(records) {
        let chunks = sealing.add(Class::Index, &segment.encode())?;
        first = first.or_else(|| chunks.first().and_then(|piece| piece.chunk));
        manifest.segments.push(SegmentRef { chunks });
    }
    for (id, snapshot) in snapshots {
        let chunks = sealing.add(Class::Snapshot, &snapshot.encode())?;
        manifest.snapshots.push(SnapshotEntry {
            id: *id,
            time: snapshot.time,
            chunks,
            witnessed_secs: None,
            mark: Mark::default(),
        });
    }
    for builder in sealing.builders {
        let fresh = seal(ctx, builder, code, Lane::META).await?;
        let (record, outcome) = place::keep(ctx, targets, fresh, false).await?;
        if outcome == Outcome::Queued {
            return Err(too_few(&record));
        }
        // Roots are named by the manifest itself, never by a segment.
        ctx.catalog.mark_indexed(&[record.meta.id], &[0; 32])?;
        manifest.roots.push(record);
    }
    Ok(first)
}

fn too_few(record: &PackRecord) -> FlowError {
    FlowError::TooFewPeers { wanted: record.code.n(), usable: record.holders().count() }
}

/// Fills metadata packs one after another.
struct Sealing<'a, G> {
    ctx: &'a Ctx<G>,
    builders: Vec<PackBuilder>,
}

impl<'a, G: Grid> Sealing<'a, G> {
    fn new(ctx: &'a Ctx<G>) -> Self {
        Self { ctx, builders: Vec::new() }
    }

    fn add(&mut self, class: Class, bytes: &[u8]) -> Result<Vec<Piece>, FlowError> {
        let pieces = split_record(self.ctx.vault.keys(), bytes, class);
        self.add_pieces(class, bytes, pieces)
    }

    fn add_pieces(
        &mut self,
        class: Class,
        bytes: &[u8],
        split: Vec<(Piece, Range<usize>)>,
    ) -> Result<Vec<Piece>, FlowError> {
        let mut pieces = Vec::new();
        for (piece, range) in split {
            let (Some(id), Some(part)) = (piece.chunk, bytes.get(range)) else { continue };
            let block = Block::new(class, &[(id, part)], INDEX_LEVEL)?;
            match self.builders.last_mut() {
                Some(builder) if builder.fits(&block) => builder.push(block),
                _ => {
                    let mut builder = PackBuilder::new();
                    builder.push(block);
                    self.builders.push(builder);
                }
            }
            pieces.push(piece);
        }
        Ok(pieces)
    }
}

/// Waits for room for one pack, then seals and codes it.
pub(crate) async fn seal<G: Grid>(
    ctx: &Ctx<G>,
    builder: PackBuilder,
    code: Code,
    lane: Lane,
) -> Result<Fresh, FlowError> {
    let room = ctx.budget.take(place::footprint(code, builder.sealed_len())).await;
    seal_in(ctx, builder, (code, lane), (room, Pool::default())).await
}

/// Seals and codes one pack on the offload, its parity in memory from a pool.
pub(crate) async fn seal_in<G: Grid>(
    ctx: &Ctx<G>,
    builder: PackBuilder,
    (code, lane): (Code, Lane),
    (room, parity): (Hold, Pool),
) -> Result<Fresh, FlowError> {
    let (vault, random) = (std::sync::Arc::clone(&ctx.vault), ctx.entropy.bytes32());
    ctx.compute(move || {
        let pack = builder.finish(vault.keys(), code, random)?;
        let shards = chunker::encode_in(code, &pack.bytes, &parity)?;
        Ok(Fresh::new(pack, (code, lane), shards, room))
    })
    .await?
}

/// Puts the manifest on every connected holder and signs the head that points to it.
async fn make_head<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    manifest: &Manifest,
) -> Result<SignedHead, FlowError> {
    let previous = current_head(ctx)?;
    let seq = previous.as_ref().map_or(1, |head| head.seq + 1);
    let mut sealing = Sealing::new(ctx);
    let encoded = manifest.encode();
    let split = split_manifest(ctx.vault.keys(), &encoded);
    let chunks = sealing.add_pieces(Class::Index, &encoded, split)?;
    let copies = targets.copies(ctx, MANIFEST_COPIES) as u8;
    let code = Code::new(1, copies - 1)?;
    let mut packs = Vec::new();
    for builder in sealing.builders {
        let fresh = seal(ctx, builder, code, Lane::META).await?;
        let copy = fresh.shards.first().cloned();
        let (record, outcome) = place::keep(ctx, targets, fresh, false).await?;
        if outcome == Outcome::Queued {
            return Err(too_few(&record));
        }
        // A manifest has as many copies as there are peers just now, and the next backup makes
        // another: one peer that takes none must not keep every old one waiting.
        place::remove_spooled(ctx, record.meta.id).await?;
        if let Some(copy) = copy.filter(|_| !targets.has_limits()) {
            place::spread(ctx, targets, &record, copy).await;
        }
        ctx.catalog.mark_indexed(&[record.meta.id], &[0; 32])?;
        packs.push(record);
    }
    let time = Stamp { secs: ctx.clock.now_secs() as i64, nanos: 0 };
    let (snapshots, drives) = (manifest.snapshots.len() as u64, fence::claims(ctx)?.all);
    let body = HeadBody { manifest: packs, chunks, seq, snapshots, time, drives };
    let sealed = ctx.vault.seal_head(&body, entropy::bytes(&*ctx.entropy));
    let prev = previous.map(|head| head.hash());
    let (key, cert) = (&ctx.device.key, ctx.device.cert.clone());
    let head = SignedHead::sign(key, cert, seq, prev, sealed);
    // No holder would take it: better said here than kept as pending for ever.
    let len = head.encode().len();
    if len > HEAD_LIMIT {
        Err(FlowError::HeadTooLarge { len, limit: HEAD_LIMIT })
    } else {
        Ok(head)
    }
}

/// Sends a head to every connected peer. Of the last head's witnesses and the peers used since, a
/// majority must have it durably: then any later reader that reaches a majority of them sees it.
async fn witness<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    head: &[u8],
) -> Result<Published, FlowError> {
    let mut electorate = match ctx.catalog.get(WITNESSES)? {
        Some(bytes) => Witnesses::decode(&bytes)?.peers,
        None => BTreeSet::new(),
    };
    electorate.extend(targets.used());
    let (mut by, mut deny, mut times) = (BTreeSet::new(), Vec::new(), Vec::new());
    let heard = |peer, reply| {
        match reply {
            Ok(Reply::HeadStored { at_secs }) => {
                by.insert(peer);
                times.push(at_secs);
            }
            Ok(Reply::Refused(Refusal::ForkedHead | Refusal::StaleHead { .. })) => {
                deny.push(peer);
            }
            Ok(_) | Err(_) => {}
        }
        is_most(by.len(), electorate.union(&by).count())
    };
    ask_all(ctx, online(ctx), &Request::HeadPut { head: head.to_vec() }, LINGER, heard).await;
    for peer in deny {
        if proves_fork(ctx, peer, head).await? {
            return Err(FlowError::Forked { seq: SignedHead::decode(head)?.seq });
        }
        tracing::warn!(peer = %peer.short(), "a peer claims another head and cannot show it");
    }
    ctx.monitor.count(Counter::BytesMoved, (by.len() * head.len()) as u64);
    electorate.extend(&by);
    let (asked, confirmed) = (electorate.len(), by.len());
    if confirmed * 2 > asked {
        Ok(Published { asked, confirmed, by, at_secs: middle(&times) })
    } else {
        Err(FlowError::NotWitnessed { confirmed, asked })
    }
}

/// Whether `peer` can show a genuine head of this device that contradicts `head`. Its word alone
/// counts for nothing: otherwise any one holder could stop every backup.
async fn proves_fork<G: Grid>(ctx: &Ctx<G>, peer: PeerId, head: &[u8]) -> Result<bool, FlowError> {
    let mine = SignedHead::decode(head)?;
    let Ok(Reply::Heads { heads, .. }) = ctx.grid.ask(peer, Request::HeadGet).await else {
        return Ok(false);
    };
    let shown = heads.iter().take(2 * p2p::wire::HEADS_LIMIT);
    let mut genuine = shown.filter_map(|bytes| recover::genuine(ctx, bytes));
    Ok(genuine.any(|shown| {
        shown.device() == mine.device()
            && (shown.seq > mine.seq || (shown.seq == mine.seq && shown.hash() != mine.hash()))
    }))
}
