//! Putting one pack's shards on holders: along its lane's walk, each shard on another peer.
//!
//! A pack goes through the spool: its bytes and its record are on disk before the first shard
//! leaves, so a killed run resumes with the very same shards and asks holders what they have
//! instead of sending it again. A pack counts as [`Outcome::Safe`] when one more holder than `k`
//! has it durably (or all of them, when the code has no more); it leaves the spool when all `n` do.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chunker::{Code, PACK_MAX, PackId, PeerId, Record, Shard, ShardId};
use p2p::{Grid, PeerState, Refusal, Reply, Request};
use store::{Bulk, CatalogError, PackState, SpoolError};

use crate::budget::Hold;
use crate::flow::targets::Targets;
use crate::flow::{AskError, Ctx, FlowError, health, publish};
use crate::monitor::Counter;
use crate::placement::{Lane, rotation};
use crate::vault::index::{PackRecord, Placed};

/// How often a busy holder is asked again before the walk goes on.
const BUSY_TRIES: u32 = 5;
/// The wait before the first repetition; doubles each time.
const BUSY_WAIT: Duration = Duration::from_millis(200);

mod terms;

pub(crate) use terms::Terms;

/// How far a pack got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All shards are durable on their holders.
    Full,
    /// Enough are; the rest waits in the spool.
    Safe,
    /// Too few are: the pack waits in the spool and nothing may refer to it yet.
    Queued,
}

/// A pack fresh from sealing, with its shards.
#[derive(Debug)]
pub(crate) struct Fresh {
    /// The pack's record, no holders yet.
    pub(crate) record: PackRecord,
    /// The sealed bytes.
    pub(crate) bytes: Bytes,
    /// All `n` of them.
    pub(crate) shards: Vec<Shard>,
    /// The room they take.
    pub(crate) room: Hold,
}

impl Fresh {
    /// Describes a sealed pack that was coded into `shards`.
    pub(crate) fn new(
        pack: chunker::Pack,
        (code, lane): (Code, Lane),
        shards: Vec<Shard>,
        room: Hold,
    ) -> Self {
        let placed = shards.iter().map(|shard| Placed { id: shard.id, holder: None }).collect();
        let record = PackRecord { meta: pack.meta, code, lane: lane.number(), shards: placed };
        Self { record, bytes: pack.bytes, shards, room }
    }
}

/// Bytes of memory that a pack of `len` bytes takes together with its shards. Data shards are parts
/// of the pack, and copies are the pack itself.
pub(crate) fn footprint(code: Code, len: usize) -> usize {
    let parity = if code.k() == 1 { 0 } else { usize::from(code.m()) };
    len + parity * chunker::shard_len(code, len)
}

/// Spools a fresh pack, then places it. `durable`: the spool file survives a power cut, because a
/// queued snapshot may come to depend on it.
pub(crate) async fn keep<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    fresh: Fresh,
    durable: bool,
) -> Result<(PackRecord, Outcome), FlowError> {
    let Fresh { record, bytes, shards, room: _room } = fresh;
    ctx.monitor.count(Counter::ShardsWanted, shards.len() as u64);
    let (spool, catalog, spooled) = (ctx.spool.clone(), ctx.catalog.clone(), record.clone());
    let cache = Arc::clone(&ctx.cache);
    let asked = (ctx.policy != ctx.settings).then(|| ctx.policy.encode());
    ctx.work(move || {
        spool.put(&spooled.meta.id, &bytes, durable)?;
        if spooled.class() != chunker::Class::Data as u8
            && let Err(error) = cache.put(&spooled.meta.id, &bytes)
        {
            tracing::warn!(%error, "the metadata cache takes nothing");
        }
        Ok::<_, FlowError>(catalog.bulk(|bulk| {
            add(bulk, PackState::Queued, &spooled)?;
            terms::note(bulk, &spooled.meta.id, asked.as_deref())
        })?)
    })
    .await??;
    place(ctx, targets, record, shards).await
}

/// Places what an earlier run left in the spool, under that run's policy. Holders are asked first
/// what they already have.
pub(crate) async fn resume<G: Grid>(ctx: &Ctx<G>, targets: &Targets) -> Result<Resumed, FlowError> {
    let mut resumed = Resumed::default();
    let mut terms = Terms::new(ctx, targets);
    for id in ctx.spool.list() {
        let (under, theirs) = terms.of(&id)?;
        if resume_one(&under, &theirs, id).await? == Outcome::Queued {
            resumed.queued += 1;
        }
    }
    // What they took is noted already: here they are electors of the next head.
    terms.used().into_iter().for_each(|peer| targets.took(peer, 0));
    resumed.lost = drop_unspooled(ctx)?;
    Ok(resumed)
}

/// What became of the packs of earlier runs.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Resumed {
    /// Still without enough holders.
    pub(crate) queued: u64,
    /// Gone before they had them. Snapshots that waited are gone with them: they must not become
    /// visible.
    pub(crate) lost: u64,
}

async fn resume_one<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    id: PackId,
) -> Result<Outcome, FlowError> {
    let row = ctx.catalog.pack(&id)?;
    if let Some((state, _)) = &row
        && nobody_online(ctx)
        && ctx.spool.was_whole(&id)
    {
        return Ok(if *state == PackState::Queued { Outcome::Queued } else { Outcome::Safe });
    }
    let record = row.as_ref().and_then(|(_, stored)| PackRecord::decode_stored(stored).ok());
    let size = record.map(|record| footprint(record.code, record.meta.len as usize));
    let _room = ctx.budget.take(size.unwrap_or(PACK_MAX)).await;
    let spool = ctx.spool.clone();
    let bytes = match ctx.work(move || spool.get(&id)).await? {
        Ok(bytes) => Some(bytes),
        Err(SpoolError::Unknown { .. } | SpoolError::Damaged { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let (Some((state, stored)), Some(bytes)) = (row, bytes) else {
        // Without a row nothing refers to it; without good bytes it cannot be sent.
        remove_spooled(ctx, id).await?;
        return Ok(Outcome::Full);
    };
    let mut record = PackRecord::decode_stored(&stored)?;
    let waits = record.unplaced().next().is_some();
    if waits && nobody_online(ctx) {
        // Its bytes are good, which had to be seen; shards are made for somebody to take them.
        return Ok(if state == PackState::Queued { Outcome::Queued } else { Outcome::Safe });
    }
    let code = record.code;
    let shards = ctx.compute(move || chunker::encode(code, &bytes)).await??;
    ctx.monitor.count(Counter::ShardsWanted, shards.len() as u64);
    find_acknowledged(ctx, targets, &mut record).await;
    Ok(place(ctx, targets, record, shards).await?.1)
}

fn nobody_online<G: Grid>(ctx: &Ctx<G>) -> bool {
    ctx.grid.peers().iter().all(|peer| peer.state != PeerState::Online)
}

/// A queued pack whose bytes are gone (power cut, rot) can never be sent: forget it, so that its
/// chunks are read again. Any snapshot that waits may refer to it: forget those first, and for all.
fn drop_unspooled<G: Grid>(ctx: &Ctx<G>) -> Result<u64, FlowError> {
    let queued = ctx.catalog.packs_in(PackState::Queued)?.into_iter().map(|(id, _)| id);
    let lost: Vec<PackId> = queued.filter(|id| !ctx.spool.contains(id)).collect();
    if lost.is_empty() {
        return Ok(0);
    }
    let waiting = publish::drop_waiting(ctx)?;
    let packs = lost.len();
    ctx.monitor.warn(&format!(
        "{packs} packs were damaged before they were sent; {waiting} snapshots that waited for \
         them are gone: back up again"
    ));
    for id in &lost {
        tracing::warn!(pack = %id.short(), "a queued pack's bytes are gone");
        ctx.catalog.drop_pack(id)?;
    }
    Ok(packs as u64)
}

/// Asks every connected peer, along the pack's walk first, which of its unplaced shards it holds
/// already: one that is full now is no target any more, but may have taken its shard before.
async fn find_acknowledged<G: Grid>(ctx: &Ctx<G>, targets: &Targets, record: &mut PackRecord) {
    let mut taken: BTreeSet<PeerId> = record.holders().collect();
    for peer in targets.sequence(ctx, Lane::from_number(record.lane)).iter().copied() {
        // Anew for each: what one has counts once, however many claim to have it.
        let mut missing: Vec<ShardId> = record.unplaced().map(|(_, id)| id).collect();
        missing.dedup();
        if missing.is_empty() {
            return;
        }
        if !taken.insert(peer) {
            continue;
        }
        let asked = ctx.grid.ask(peer, Request::Have { shards: missing.clone() }).await;
        let Ok(Reply::Have { held }) = asked else { continue };
        let found = missing.iter().zip(held).find(|(_, held)| *held).map(|(id, _)| *id);
        if let Some(id) = found {
            record.set_holder_of(id, peer);
            ctx.monitor.count(Counter::ShardsPlaced, 1);
        }
    }
}

/// Sends the shards that have no holder yet and records how far it got. Whoever does not take its
/// shard is walked past, and those that are left are chosen for anew.
async fn place<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    mut record: PackRecord,
    shards: Vec<Shard>,
) -> Result<(PackRecord, Outcome), FlowError> {
    let domains = send_missing(ctx, targets, &mut record, shards).await;
    let outcome = outcome(targets, &record, domains);
    settle(ctx, &record, outcome).await?;
    Ok((record, outcome))
}

/// Sends the shards that have no holder yet, each to somebody who has none of the pack, and notes
/// in the record who took them; the catalog is left as it is. Returns in how many failure domains
/// the pack could have been.
pub(crate) async fn send_missing<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    record: &mut PackRecord,
    shards: Vec<Shard>,
) -> usize {
    let shard_bytes = shards.first().map_or(0, |shard| shard.bytes.len() as u64);
    let mut waiting: VecDeque<Shard> =
        shards.into_iter().filter(|shard| record.holder(shard.index).is_none()).collect();
    let mut domains = 0;
    while !waiting.is_empty() {
        let chosen = targets.missing(ctx, record, shard_bytes);
        domains = chosen.domains;
        let sends = assign(ctx, record, chosen.peers, &mut waiting);
        if sends.is_empty() {
            break;
        }
        let sends = sends.into_iter().map(|(peer, shard)| async move {
            (peer, offer(ctx, targets, peer, &shard).await, shard)
        });
        for (peer, taken, shard) in futures::future::join_all(sends).await {
            if taken {
                record.set_holder(shard.index, peer);
            } else {
                waiting.push_back(shard);
            }
        }
    }
    domains
}

/// Takes a shard for each peer out of `waiting`, turned against the walk.
fn assign<G: Grid>(
    ctx: &Ctx<G>,
    record: &PackRecord,
    mut peers: Vec<PeerId>,
    waiting: &mut VecDeque<Shard>,
) -> Vec<(PeerId, Shard)> {
    if !peers.is_empty() {
        let n = record.code.n();
        let turn = rotation(ctx.vault.placement_key(), &record.meta.salt, n) % peers.len();
        peers.rotate_left(turn);
    }
    peers.into_iter().map_while(|peer| Some((peer, waiting.pop_front()?))).collect()
}

/// How far a pack got, when it could have been in `domains` failure domains: its shards must not
/// only be enough, but lie apart.
fn outcome(targets: &Targets, record: &PackRecord, domains: usize) -> Outcome {
    let placed = record.holders().count();
    let (n, k) = (record.code.n(), usize::from(record.code.k()));
    let kept = targets.kept(record);
    if placed == n {
        Outcome::Full
    } else if kept.spare > 0 && kept.domains >= domains.min(k + 1) {
        Outcome::Safe
    } else {
        Outcome::Queued
    }
}

async fn settle<G: Grid>(
    ctx: &Ctx<G>,
    record: &PackRecord,
    outcome: Outcome,
) -> Result<(), FlowError> {
    let state = match outcome {
        Outcome::Full | Outcome::Safe => PackState::Placed,
        Outcome::Queued => PackState::Queued,
    };
    let (catalog, id, stored) = (ctx.catalog.clone(), record.meta.id, record.encode_stored());
    ctx.work(move || catalog.set_pack(&id, state, &stored)).await??;
    if outcome == Outcome::Full { remove_spooled(ctx, id).await } else { Ok(()) }
}

pub(crate) async fn remove_spooled<G: Grid>(ctx: &Ctx<G>, id: PackId) -> Result<(), FlowError> {
    let spool = ctx.spool.clone();
    Ok(ctx.work(move || spool.remove(&id)).await??)
}

/// Offers one shard to one peer; says whether it keeps it. One that does not is avoided.
async fn offer<G: Grid>(ctx: &Ctx<G>, targets: &Targets, peer: PeerId, shard: &Shard) -> bool {
    match send(ctx, peer, shard).await {
        Ok(()) => {
            targets.took(peer, shard.bytes.len() as u64);
            ctx.monitor.count(Counter::ShardsPlaced, 1);
            ctx.monitor.count(Counter::BytesMoved, shard.bytes.len() as u64);
            true
        }
        Err(error) => {
            let shard = shard.id.short();
            tracing::debug!(peer = %peer.short(), %shard, %error, "walked past");
            targets.avoid(peer);
            false
        }
    }
}

/// Gives one shard to one peer, and returns once it is durable there.
pub(crate) async fn send<G: Grid>(
    ctx: &Ctx<G>,
    peer: PeerId,
    shard: &Shard,
) -> Result<(), AskError> {
    let mut wait = BUSY_WAIT;
    for attempt in 1.. {
        let request = Request::Put { shard: shard.id, body: shard.bytes.clone() };
        match ctx.grid.ask(peer, request).await? {
            Reply::Stored => {
                took(ctx, peer, shard.id).await;
                return Ok(());
            }
            Reply::Refused(Refusal::Busy) if attempt < BUSY_TRIES => {
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
            Reply::Refused(refusal) => return Err(AskError::Refused { peer, refusal }),
            _ => return Err(p2p::GridError::WrongReply { peer }.into()),
        }
    }
    unreachable!("the last attempt returns")
}

/// Counts a holder in again that was given up and takes something in: what it has is audited like
/// everybody's. When that cannot be noted it stays given up, which is the safe side.
async fn took<G: Grid>(ctx: &Ctx<G>, peer: PeerId, shard: ShardId) {
    let noting = ctx.clone();
    match ctx.work(move || health::count_in(&noting, peer, shard)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(peer = %peer.short(), %error, "cannot be counted in"),
        Err(error) => tracing::warn!(peer = %peer.short(), %error, "cannot be counted in"),
    }
}

/// Gives a whole-pack copy also to every connected peer that the record does not name and that was
/// not walked past. Best effort: those copies are found by asking.
pub(crate) async fn spread<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    record: &PackRecord,
    copy: Shard,
) {
    let named: BTreeSet<PeerId> = record.holders().collect();
    let (others, copy) = (targets.open().filter(|peer| !named.contains(peer)), &copy);
    let sends = others.map(|peer| async move { (peer, send(ctx, peer, copy).await) });
    for (peer, sent) in futures::future::join_all(sends).await {
        if let Err(error) = sent {
            tracing::debug!(peer = %peer.short(), %error, "no copy of the manifest there");
        }
    }
}

/// Makes a pack and its chunks findable.
pub(crate) fn add_to_catalog(
    catalog: &store::Catalog,
    state: PackState,
    record: &PackRecord,
) -> Result<(), FlowError> {
    Ok(catalog.bulk(|bulk| add(bulk, state, record))?)
}

fn add(bulk: &Bulk<'_>, state: PackState, record: &PackRecord) -> Result<(), CatalogError> {
    let chunks = record.chunk_places();
    bulk.add_pack(&record.meta.id, state, record.class(), &record.encode_stored(), &chunks)
}
