//! Moving our shards away from a holder: because it has to give disk back, or because we want to.
//!
//! Order, from which nothing here deviates: the shard is durable with its new holder, then noted
//! here, then in a published head, and only then the old holder hears that it can let go. Cut off
//! anywhere, there is a copy too many, never one too few; the next run goes on from what is noted.
//! No pack counts fewer live shards than before at any time.
//!
//! The bytes come from the holder that has them, one shard for each that moves; if it does not give
//! them, they are made again from the spool, the cache or any k of the others. A new home is chosen
//! as for a new shard, under the owner's limits; when there is none, one that has a shard of the
//! pack: two on one peer are worse than on two, and better than one shard less.
//!
//! Whole copies (k = 1) are all alike: where everybody has one already, one that goes is not
//! replaced. Manifests of older heads are needed by nothing and go without a new home.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use chunker::{PackId, PeerId, Record, Shard, ShardId};
use p2p::wire::{MOVES_PAGE, Spare};
use p2p::{Grid, PeerInfo, PeerState, Refusal, Reply, Request};
use store::PackState;

use crate::flow::place::Terms;
use crate::flow::targets::Targets;
use crate::flow::{AskError, Ctx, FlowError, fetch, place, publish};
use crate::monitor::Counter;
use crate::placement::Lane;
use crate::vault::index::PackRecord;
use crate::vault::manifest::Manifest;

/// Packs whose shards move at the same time: bounds memory.
const AT_ONCE: usize = 8;

/// What came of moving.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MoveReport {
    /// Shards that are with another holder now, or needed nowhere.
    pub moved: u64,
    /// Bytes of those that were sent.
    pub moved_bytes: u64,
    /// Shards that the old holder let go of.
    pub let_go: u64,
    /// Shards for which nobody was found.
    pub left: u64,
}

/// A shard of ours that a holder should have.
#[derive(Debug, Clone, Copy)]
struct Held {
    pack: PackId,
    index: u8,
    shard: ShardId,
    /// How many others of its pack can be lost.
    others: u8,
}

/// The peers that ask for shards to be moved away.
pub fn asking<G: Grid>(ctx: &Ctx<G>) -> Vec<PeerId> {
    let peers = ctx.grid.peers().into_iter();
    let asks = |info: &PeerInfo| info.state == PeerState::Online && info.offer.moving_bytes > 0;
    peers.filter(asks).map(|info| info.peer).collect()
}

/// Tells a holder how well we can do without each of our shards there, and moves those that it then
/// asks for. The caller writes the owner's backup.
pub async fn oblige<G: Grid>(ctx: &Ctx<G>, holder: PeerId) -> Result<MoveReport, FlowError> {
    let held = holdings(ctx, holder)?;
    let mut wanted = Vec::new();
    for page in held.chunks(MOVES_PAGE) {
        let spare = page.iter().map(|held| Spare { shard: held.shard, others: held.others });
        let request = Request::Moves { spare: spare.collect() };
        if let Ok(Reply::Moves { shards }) = ctx.grid.ask(holder, request).await {
            let asked: BTreeSet<ShardId> = shards.into_iter().collect();
            wanted.extend(page.iter().filter(|held| asked.contains(&held.shard)).copied());
        }
    }
    move_all(ctx, holder, wanted).await
}

/// Moves everything of ours away from a holder, whether or not it has asked, and whether or not it
/// still answers.
pub async fn evacuate<G: Grid>(ctx: &Ctx<G>, holder: PeerId) -> Result<MoveReport, FlowError> {
    let held = holdings(ctx, holder)?;
    move_all(ctx, holder, held).await
}

/// What of ours a holder should have, by our records.
fn holdings<G: Grid>(ctx: &Ctx<G>, holder: PeerId) -> Result<Vec<Held>, FlowError> {
    let mut found = Vec::new();
    ctx.catalog.for_each_pack(|row| {
        let record = PackRecord::decode_stored(&row.record)?;
        let spare = record.holders().count().saturating_sub(usize::from(record.code.k()));
        for (index, placed) in (0..=u8::MAX).zip(&record.shards) {
            if placed.holder == Some(holder) {
                let (pack, shard, others) = (row.id, placed.id, spare.min(255) as u8);
                found.push(Held { pack, index, shard, others });
            }
        }
        Ok::<(), FlowError>(())
    })?;
    Ok(found)
}

async fn move_all<G: Grid>(
    ctx: &Ctx<G>,
    holder: PeerId,
    held: Vec<Held>,
) -> Result<MoveReport, FlowError> {
    if held.is_empty() {
        return Ok(MoveReport::default());
    }
    let (needed, targets) = (Needed::now(ctx)?, Targets::now(ctx));
    targets.avoid(holder);
    for peer in asking(ctx) {
        targets.avoid(peer);
    }
    let mut terms = Terms::new(ctx, &targets);
    let mut report = MoveReport::default();
    let mut moved: BTreeMap<PackId, PackRecord> = BTreeMap::new();
    let mut free: Vec<ShardId> = Vec::new();
    ctx.monitor.count(Counter::ShardsWanted, held.len() as u64);
    for some in held.chunks(AT_ONCE) {
        let mut moves = Vec::with_capacity(some.len());
        for held in some {
            let under = terms.of(&held.pack)?;
            moves.push(move_one(under, &needed, holder, *held));
        }
        for (held, home) in some.iter().zip(futures::future::join_all(moves).await) {
            match home? {
                Home::At(peer, len) => {
                    note(ctx, *held, Some(peer), &mut moved).await?;
                    report.moved_bytes += len;
                    report.moved += 1;
                    free.push(held.shard);
                }
                Home::Everywhere => {
                    note(ctx, *held, None, &mut moved).await?;
                    report.moved += 1;
                    free.push(held.shard);
                }
                Home::Needless => free.push(held.shard),
                Home::Nowhere => report.left += 1,
            }
        }
    }
    terms.used().into_iter().for_each(|peer| targets.took(peer, 0));
    // Old manifests alone change nothing that has to be said.
    if !moved.is_empty() {
        publish::amend(ctx, &targets, &moved).await?;
    }
    report.let_go = release(ctx, holder, &free).await;
    Ok(report)
}

/// Tells the old holder what is elsewhere. One that does not answer keeps it: its next plea, or the
/// next retain set, settles that.
async fn release<G: Grid>(ctx: &Ctx<G>, holder: PeerId, shards: &[ShardId]) -> u64 {
    let mut gone = 0;
    for page in shards.chunks(MOVES_PAGE) {
        let asked = ctx.grid.ask(holder, Request::Moved { shards: page.to_vec() }).await;
        if let Ok(Reply::LetGo { gone: let_go }) = asked {
            gone += let_go.iter().filter(|gone| **gone).count() as u64;
        }
    }
    gone
}

/// What a recovery from the words needs: roots, and whatever a segment lists or will list.
struct Needed {
    roots: BTreeSet<PackId>,
}

impl Needed {
    fn now<G: Grid>(ctx: &Ctx<G>) -> Result<Self, FlowError> {
        let mut roots = BTreeSet::new();
        if let Some(bytes) = ctx.catalog.get(publish::MANIFEST)? {
            roots.extend(Manifest::decode(&bytes)?.roots.iter().map(|root| root.meta.id));
        }
        // The head that is on its way as well: until it is confirmed, either may count.
        for head in [publish::current_head(ctx)?, publish::pending_head(ctx)?] {
            let Some(head) = head else { continue };
            let body = ctx.vault.open_head(&head.sealed)?;
            roots.extend(body.manifest.iter().map(|pack| pack.meta.id));
        }
        Ok(Self { roots })
    }

    /// Of a pack that no segment lists only the roots are needed.
    fn needs(&self, id: &PackId, row: &store::PackRow) -> bool {
        let listed = row.state != PackState::Indexed || row.segment != Some([0; 32]);
        listed || self.roots.contains(id)
    }
}

/// Where a shard is now.
enum Home {
    /// With this peer; so many bytes were sent there.
    At(PeerId, u64),
    /// Everybody else has the very same bytes.
    Everywhere,
    /// Nothing needs it.
    Needless,
    /// Nobody takes it.
    Nowhere,
}

async fn move_one<G: Grid>(
    (ctx, targets): (Ctx<G>, Targets),
    needed: &Needed,
    holder: PeerId,
    held: Held,
) -> Result<Home, FlowError> {
    let (ctx, targets) = (&ctx, &targets);
    let Some(row) = ctx.catalog.pack_row(&held.pack)? else { return Ok(Home::Needless) };
    if !needed.needs(&held.pack, &row) {
        return Ok(Home::Needless);
    }
    let mut record = PackRecord::decode_stored(&row.record)?;
    record.clear_holder(held.index);
    let len = chunker::shard_len(record.code, record.meta.len as usize) as u64;
    let mut bytes = None;
    while let Some(peer) = next_home(ctx, targets, &record, len) {
        if bytes.is_none() {
            bytes = bytes_of(ctx, &record, holder, held).await?;
        }
        let Some(bytes) = bytes.clone() else { return Ok(Home::Nowhere) };
        let shard = Shard { index: held.index, id: held.shard, bytes };
        match place::send(ctx, peer, &shard).await {
            Ok(()) => {
                targets.took(peer, len);
                ctx.monitor.count(Counter::ShardsPlaced, 1);
                ctx.monitor.count(Counter::BytesMoved, len);
                return Ok(Home::At(peer, len));
            }
            Err(error) => {
                let shard = held.shard.short();
                tracing::debug!(peer = %peer.short(), %shard, %error, "does not take it over");
                targets.avoid(peer);
            }
        }
    }
    let others: Vec<PeerId> = record.holders().filter(|peer| *peer != holder).collect();
    let copies = record.code.k() == 1 && confirmed(ctx, &others, held.shard).await;
    Ok(if copies { Home::Everywhere } else { Home::Nowhere })
}

/// Who is to take a shard over that the record names no holder of: who keeps the pack apart under
/// the owner's limits, else whoever has room, though it has a shard of the pack. Of whole copies a
/// second one is no use where there is one.
fn next_home<G: Grid>(
    ctx: &Ctx<G>,
    targets: &Targets,
    record: &PackRecord,
    len: u64,
) -> Option<PeerId> {
    if let Some(peer) = targets.missing(ctx, record, len).peers.first() {
        return Some(*peer);
    }
    let has: BTreeSet<PeerId> = record.holders().collect();
    let open: BTreeSet<PeerId> = targets.open().collect();
    let order = targets.sequence(ctx, Lane::from_number(record.lane));
    let mut shared = order.iter().copied().filter(|peer| open.contains(peer));
    shared.find(|peer| record.code.k() > 1 || !has.contains(peer))
}

/// The shard's bytes: from the holder, else made again.
async fn bytes_of<G: Grid>(
    ctx: &Ctx<G>,
    record: &PackRecord,
    holder: PeerId,
    held: Held,
) -> Result<Option<Bytes>, FlowError> {
    match fetch::get_from(ctx, held.shard, holder).await {
        Ok(bytes) => return Ok(Some(bytes)),
        Err(AskError::Refused { refusal: Refusal::Busy, .. }) => {}
        Err(error) => {
            tracing::debug!(peer = %holder.short(), %error, "made again instead of fetched");
        }
    }
    let pack = match fetch::pack_bytes(ctx, record).await {
        Ok(pack) => pack,
        Err(FlowError::PackUnavailable { .. } | FlowError::PackLost { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let (code, index) = (record.code, usize::from(held.index));
    let shards = ctx.work(move || chunker::encode(code, &pack)).await??;
    let made = shards.into_iter().nth(index).filter(|shard| shard.id == held.shard);
    Ok(made.map(|shard| shard.bytes))
}

/// Whether another holder has these very bytes.
async fn confirmed<G: Grid>(ctx: &Ctx<G>, others: &[PeerId], shard: ShardId) -> bool {
    for peer in others {
        let asked = ctx.grid.ask(*peer, Request::Have { shards: vec![shard] }).await;
        if matches!(asked, Ok(Reply::Have { held }) if held == [true]) {
            return true;
        }
    }
    false
}

/// Notes where a shard is now, so that the next segment or manifest tells.
async fn note<G: Grid>(
    ctx: &Ctx<G>,
    held: Held,
    home: Option<PeerId>,
    moved: &mut BTreeMap<PackId, PackRecord>,
) -> Result<(), FlowError> {
    // Read anew: another shard of the same pack may have moved just now.
    let Some(row) = ctx.catalog.pack_row(&held.pack)? else { return Ok(()) };
    let mut record = PackRecord::decode_stored(&row.record)?;
    match home {
        Some(peer) => record.set_holder(held.index, peer),
        None => record.clear_holder(held.index),
    }
    // A root is named by the manifest itself, everything else by a segment.
    let listed = row.state == PackState::Indexed && row.segment != Some([0; 32]);
    let state = if listed { PackState::Placed } else { row.state };
    let (catalog, stored) = (ctx.catalog.clone(), record.encode_stored());
    ctx.work(move || catalog.set_pack(&held.pack, state, &stored)).await??;
    moved.insert(held.pack, record);
    Ok(())
}
