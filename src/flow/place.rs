//! Putting one pack's shards on holders: along its lane's walk, each shard on another peer.
//!
//! A pack goes through the spool: its bytes and its record are on disk before the first shard
//! leaves, so a killed run resumes with the very same shards and asks holders what they have
//! instead of sending it again. A pack counts as [`Outcome::Safe`] when one more holder than `k`
//! has it durably (or all of them, when the code has no more); it leaves the spool when all `n` do.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chunker::{Code, PACK_MAX, PackId, PeerId, Shard, ShardId};
use p2p::{Grid, PeerState, Refusal, Reply, Request};
use store::{PackState, SpoolError};

use crate::budget::Hold;
use crate::flow::{AskError, Ctx, FlowError, publish};
use crate::monitor::Counter;
use crate::placement::{Candidate, Domain, Lane, Step, Walk, rotation};
use crate::vault::index::{PackRecord, Placed};

/// How often a busy holder is asked again before the walk goes on.
const BUSY_TRIES: u32 = 5;
/// The wait before the first repetition; doubles each time.
const BUSY_WAIT: Duration = Duration::from_millis(200);

/// Who may take shards in this run, and who turned out not to.
#[derive(Debug, Clone)]
pub(crate) struct Targets {
    candidates: Arc<Vec<Candidate>>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Each lane's sequence, computed once per run.
    sequences: BTreeMap<Lane, Arc<Vec<Step>>>,
    /// Full, away or unreachable: walked past for the rest of the run.
    avoided: BTreeSet<PeerId>,
    /// Peers that took something.
    used: BTreeSet<PeerId>,
}

impl Targets {
    /// The peers that are online and have room now.
    pub(crate) fn now<G: Grid>(grid: &G) -> Self {
        let candidates = grid
            .peers()
            .into_iter()
            .filter(|peer| peer.state == PeerState::Online && peer.offer.free_bytes > 0)
            .map(|peer| Candidate {
                peer: peer.peer,
                owner: peer.owner,
                domain: Domain::of_owner(peer.owner),
                free_bytes: peer.offer.free_bytes,
            })
            .collect();
        Self { candidates: Arc::new(candidates), shared: Arc::default() }
    }

    /// How many peers there are.
    pub(crate) fn len(&self) -> usize {
        self.candidates.len()
    }

    /// In how many failure domains they are.
    pub(crate) fn domains(&self) -> usize {
        self.candidates.iter().map(|candidate| &candidate.domain).collect::<BTreeSet<_>>().len()
    }

    /// All of them.
    pub(crate) fn peers(&self) -> Vec<PeerId> {
        self.candidates.iter().map(|candidate| candidate.peer).collect()
    }

    /// The peers that took something so far.
    pub(crate) fn used(&self) -> BTreeSet<PeerId> {
        self.lock().used.clone()
    }

    fn sequence<G: Grid>(&self, ctx: &Ctx<G>, lane: Lane) -> Arc<Vec<Step>> {
        let mut shared = self.lock();
        let walked =
            || Arc::new(Walk::new(ctx.vault.placement_key(), lane).sequence(&self.candidates));
        Arc::clone(shared.sequences.entry(lane).or_insert_with(walked))
    }

    fn avoid(&self, peer: PeerId) {
        self.lock().avoided.insert(peer);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
    ctx.work(move || {
        spool.put(&spooled.meta.id, &bytes, durable)?;
        if spooled.class() != chunker::Class::Data as u8
            && let Err(error) = cache.put(&spooled.meta.id, &bytes)
        {
            tracing::warn!(%error, "the metadata cache takes nothing");
        }
        add_to_catalog(&catalog, PackState::Queued, &spooled)
    })
    .await??;
    place(ctx, targets, record, shards).await
}

/// Places what an earlier run left in the spool. Holders are asked first what they already have.
pub(crate) async fn resume<G: Grid>(ctx: &Ctx<G>, targets: &Targets) -> Result<Resumed, FlowError> {
    let mut resumed = Resumed::default();
    for id in ctx.spool.list() {
        if resume_one(ctx, targets, id).await? == Outcome::Queued {
            resumed.queued += 1;
        }
    }
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
    let record = row.as_ref().and_then(|(_, stored)| PackRecord::decode_stored(stored).ok());
    let size = record.map(|record| footprint(record.code, record.meta.len as usize));
    let _room = ctx.budget.take(size.unwrap_or(PACK_MAX)).await;
    let spool = ctx.spool.clone();
    let bytes = match ctx.work(move || spool.get(&id)).await? {
        Ok(bytes) => Some(bytes),
        Err(SpoolError::Unknown { .. } | SpoolError::Damaged { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let (Some((_, stored)), Some(bytes)) = (row, bytes) else {
        // Without a row nothing refers to it; without good bytes it cannot be sent.
        remove_spooled(ctx, id).await?;
        return Ok(Outcome::Full);
    };
    let mut record = PackRecord::decode_stored(&stored)?;
    let before = outcome(&record);
    if before != Outcome::Full && nobody_online(ctx) {
        // Its bytes are good, which had to be seen; shards are made for somebody to take them.
        return Ok(before);
    }
    let code = record.code;
    let shards = ctx.work(move || chunker::encode(code, &bytes)).await??;
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
    let steps = targets.sequence(ctx, Lane::from_number(record.lane));
    let online = ctx.grid.peers().into_iter().filter(|peer| peer.state == PeerState::Online);
    let peers = steps.iter().map(|step| step.peer).chain(online.map(|info| info.peer));
    let mut taken: BTreeSet<PeerId> = record.holders().collect();
    for peer in peers {
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

/// Sends the shards that have no holder yet and records how far it got.
async fn place<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    mut record: PackRecord,
    shards: Vec<Shard>,
) -> Result<(PackRecord, Outcome), FlowError> {
    let lane = Lane::from_number(record.lane);
    let steps = targets.sequence(ctx, lane);
    let route = Route::new(ctx, &record, &steps);
    let route = &route;
    let sends = shards.into_iter().filter(|shard| record.holder(shard.index).is_none()).map(
        |shard| async move {
            let index = shard.index;
            (index, send_along(ctx, targets, route, shard).await)
        },
    );
    for (index, holder) in futures::future::join_all(sends).await {
        if let Some(holder) = holder {
            record.set_holder(index, holder);
        }
    }
    let outcome = outcome(&record);
    settle(ctx, &record, outcome).await?;
    Ok((record, outcome))
}

fn outcome(record: &PackRecord) -> Outcome {
    let placed = record.holders().count();
    let (n, k) = (record.code.n(), usize::from(record.code.k()));
    if placed == n {
        Outcome::Full
    } else if placed > k {
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

/// Where a pack's shards go: each index has its own first choice, and all share the rest of the
/// walk.
struct Route {
    first: Vec<Option<PeerId>>,
    spare: Mutex<VecDeque<PeerId>>,
}

impl Route {
    fn new<G: Grid>(ctx: &Ctx<G>, record: &PackRecord, steps: &[Step]) -> Self {
        let n = record.code.n();
        let taken: BTreeSet<PeerId> = record.holders().collect();
        let mut free = steps.iter().map(|step| step.peer).filter(|peer| !taken.contains(peer));
        let mut chosen: Vec<PeerId> = free.by_ref().take(n - taken.len().min(n)).collect();
        if !chosen.is_empty() {
            let turn = rotation(ctx.vault.placement_key(), &record.meta.salt, n) % chosen.len();
            chosen.rotate_left(turn);
        }
        let mut chosen = chosen.into_iter();
        let first = record
            .shards
            .iter()
            .map(|shard| if shard.holder.is_none() { chosen.next() } else { None })
            .collect();
        Self { first, spare: Mutex::new(free.collect()) }
    }

    fn next_spare(&self) -> Option<PeerId> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// Offers one shard to its first choice, then along the rest of the walk, until somebody keeps it.
async fn send_along<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    route: &Route,
    shard: Shard,
) -> Option<PeerId> {
    let mut next = route.first.get(usize::from(shard.index)).copied().flatten();
    loop {
        let peer = match next.take() {
            Some(peer) => peer,
            None => route.next_spare()?,
        };
        if targets.lock().avoided.contains(&peer) {
            continue;
        }
        match send(ctx, peer, &shard).await {
            Ok(()) => {
                targets.lock().used.insert(peer);
                ctx.monitor.count(Counter::ShardsPlaced, 1);
                ctx.monitor.count(Counter::BytesMoved, shard.bytes.len() as u64);
                return Some(peer);
            }
            Err(error) => {
                let shard = shard.id.short();
                tracing::debug!(peer = %peer.short(), %shard, %error, "walked past");
                targets.avoid(peer);
            }
        }
    }
}

async fn send<G: Grid>(ctx: &Ctx<G>, peer: PeerId, shard: &Shard) -> Result<(), AskError> {
    let mut wait = BUSY_WAIT;
    for attempt in 1.. {
        let request = Request::Put { shard: shard.id, body: shard.bytes.clone() };
        match ctx.grid.ask(peer, request).await? {
            Reply::Stored => return Ok(()),
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

/// Gives a whole-pack copy also to every connected peer that the record does not name. Best effort:
/// those copies are found by asking.
pub(crate) async fn spread<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    record: &PackRecord,
    copy: Shard,
) {
    let named: BTreeSet<PeerId> = record.holders().collect();
    let (others, copy) = (targets.peers().into_iter().filter(|peer| !named.contains(peer)), &copy);
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
    let chunks = record.chunk_places();
    catalog.add_pack(&record.meta.id, state, record.class(), &record.encode_stored(), &chunks)?;
    Ok(())
}
