//! Guardians: peers that look after an owner's shards while the owner is away.
//!
//! The owner's side ([`entrust`], [`collect`], [`dismiss`]) gives a guardian a mandate and the list
//! of its shards, and takes back what the guardian did. The guardian's side ([`round`]) asks the
//! holders, has random shards proven, and rebuilds from ciphertext what is presumed lost once a
//! pack has few shards to spare; new shards go further along the lane's walk. It opens nothing,
//! deletes nothing, and does nothing while the owner is about.
//!
//! How it fails: a holder that does not answer is absent, and counts as lost only when it stays
//! away; a pack that cannot be rebuilt now is counted and tried in the next round. A round may be
//! cut off anywhere: what was put somewhere and not noted is found again by asking.

use std::collections::{BTreeMap, BTreeSet};

use chunker::{OwnerId, PackMeta, PeerId, Shard, ShardId, shard_len};
use p2p::wire::HAVE_LIMIT;
use p2p::{Grid, PeerState, Reply, Request};
use store::{Wards, WardsError};

use crate::entropy;
use crate::flow::audit::{Verdict, prove};
use crate::flow::{Ctx, FlowError, fetch, place};
use crate::vault::index::{PackRecord, Placed};
use crate::ward::{Charge, Kept, Move, Ward, WardPack, Watch};

mod behalf;
mod owner;

use behalf::Behalf;
pub(crate) use owner::GUARDIANS;
pub use owner::{Guardian, Guardians, collect, dismiss, entrust, guardians};

/// How long an owner must be away before its guardians act, in seconds: three days.
pub const OWNER_AWAY_SECS: u64 = 3 * 24 * 3600;
/// How long a holder must be away before its shards are presumed lost, in seconds: three days, so
/// that a power cut or a weekend trip moves nothing.
pub const HOLDER_LOST_SECS: u64 = 3 * 24 * 3600;
/// Shards of each holder that it has to prove in a round.
const PROOFS: usize = 8;
/// Packs rebuilt between two notes of what was done.
const NOTE_EVERY: usize = 16;

/// What came of a round.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Round {
    /// Whether the owner is about, so that nothing was done.
    pub owner_about: bool,
    /// Packs looked at.
    pub packs: u64,
    /// Packs that had too few shards to spare.
    pub short: u64,
    /// Of those, packs that are as redundant as entrusted again.
    pub repaired: u64,
    /// Shards put on new holders.
    pub shards_made: u64,
    /// Bytes of them.
    pub bytes_sent: u64,
    /// The smallest number of live shards beyond k that is left after the round.
    pub min_live_above_k: Option<i64>,
}

/// What the holders said of the owner's shards.
type Answers = BTreeMap<(PeerId, ShardId), bool>;

/// Looks after one owner's shards, if the owner is away and its mandate is valid. One at a time for
/// each owner.
pub async fn round<G: Grid>(
    ctx: &Ctx<G>,
    wards: &Wards,
    owner: OwnerId,
) -> Result<Round, FlowError> {
    let (charge, mut watch) = load(ctx, wards, owner).await?;
    let now = ctx.clock.now_secs();
    let about = |info: &p2p::PeerInfo| info.owner == owner && info.state == PeerState::Online;
    if ctx.grid.peers().iter().any(about) {
        watch.owner_seen_secs = watch.owner_seen_secs.max(now);
        note(ctx, wards, owner, &watch).await?;
    }
    let Some(charge) = charge else { return Ok(Round { owner_about: true, ..Round::default() }) };
    charge.mandate.verify(&ctx.grid.me(), now).map_err(FlowError::Mandate)?;
    if now.saturating_sub(watch.owner_seen_secs) < OWNER_AWAY_SECS {
        return Ok(Round { owner_about: true, ..Round::default() });
    }
    // Only what needs no catalog may be used of it: the catalog is another owner's.
    let ctx = &ctx.with_grid(Behalf::new(ctx.grid.clone(), charge.mandate.clone()));
    let mut work = Work { ctx, wards, owner, now, watch, round: Round::default() };
    for part in 0..charge.parts {
        let (files, of) = (wards.clone(), charge.clone());
        let ward = ctx.work(move || Kept::new(&files, owner).part(&of, part)).await??;
        let Some(ward) = ward else {
            tracing::warn!(owner = %owner.short(), part, "a part of what was entrusted is damaged");
            continue;
        };
        work.part(ward).await?;
    }
    work.watch.round_secs = ctx.clock.now_secs();
    note(ctx, wards, owner, &work.watch).await?;
    Ok(work.round)
}

async fn load<G: Grid>(
    ctx: &Ctx<G>,
    wards: &Wards,
    owner: OwnerId,
) -> Result<(Option<Charge>, Watch), FlowError> {
    let wards = wards.clone();
    let load = move || {
        let kept = Kept::new(&wards, owner);
        Ok::<_, WardsError>((kept.charge()?, kept.watch()?))
    };
    Ok(ctx.work(load).await??)
}

async fn note<G: Grid>(
    ctx: &Ctx<G>,
    wards: &Wards,
    owner: OwnerId,
    watch: &Watch,
) -> Result<(), FlowError> {
    let (wards, watch) = (wards.clone(), watch.clone());
    Ok(ctx.work(move || Kept::new(&wards, owner).note(&watch)).await??)
}

/// One round under way.
struct Work<'a, G> {
    ctx: &'a Ctx<Behalf<G>>,
    wards: &'a Wards,
    owner: OwnerId,
    now: u64,
    watch: Watch,
    round: Round,
}

impl<G: Grid> Work<'_, G> {
    async fn part(&mut self, ward: Ward) -> Result<(), FlowError> {
        let mut records: Vec<PackRecord> =
            ward.packs.iter().map(|pack| record(&ward, pack, &self.watch.moves)).collect();
        let answers = self.ask(&records).await;
        let mut noted = 0;
        for record in &mut records {
            self.round.packs += 1;
            let made = self.pack(&ward, record, &answers).await;
            self.round.shards_made += made;
            noted += usize::from(made > 0);
            if noted == NOTE_EVERY {
                noted = 0;
                note(self.ctx, self.wards, self.owner, &self.watch).await?;
            }
        }
        Ok(())
    }

    /// What every holder says it has, less what it cannot prove. Who does not answer is absent.
    async fn ask(&mut self, records: &[PackRecord]) -> Answers {
        let mut held: BTreeMap<PeerId, BTreeMap<ShardId, u32>> = BTreeMap::new();
        for record in records {
            let len = shard_len(record.code, record.meta.len as usize) as u32;
            for placed in &record.shards {
                if let Some(holder) = placed.holder {
                    held.entry(holder).or_default().insert(placed.id, len);
                }
            }
        }
        let online: BTreeSet<PeerId> = self.online();
        let (reachable, away): (Vec<_>, Vec<_>) =
            held.into_iter().partition(|(peer, _)| online.contains(peer));
        let asks: Vec<_> = reachable
            .into_iter()
            .map(|(peer, shards)| ask_holder(self.ctx, peer, shards))
            .collect();
        let mut answers = Answers::new();
        for (peer, said) in futures::future::join_all(asks).await {
            match said {
                Some(said) => {
                    self.watch.absent.remove(&peer);
                    answers.extend(said.into_iter().map(|(shard, has)| ((peer, shard), has)));
                }
                None => self.missed(peer),
            }
        }
        away.into_iter().for_each(|(peer, _)| self.missed(peer));
        answers
    }

    fn online(&self) -> BTreeSet<PeerId> {
        let peers = self.ctx.grid.peers().into_iter();
        peers.filter(|peer| peer.state == PeerState::Online).map(|peer| peer.peer).collect()
    }

    fn missed(&mut self, peer: PeerId) {
        self.watch.absent.entry(peer).or_insert(self.now);
    }

    /// Looks at one pack, and rebuilds what is missing when little is to spare. How many shards
    /// were put somewhere.
    async fn pack(&mut self, ward: &Ward, record: &mut PackRecord, answers: &Answers) -> u64 {
        let (k, m) = (i64::from(record.code.k()), i64::from(record.code.m()));
        let lost: Vec<u8> = (0..=u8::MAX)
            .zip(&record.shards)
            .filter(|(_, placed)| !self.is_there(placed, answers))
            .map(|(index, _)| index)
            .collect();
        let live = record.shards.len() as i64 - lost.len() as i64;
        // Half of the spare shards may be gone before anything is moved.
        let short = live <= k + (m + 1) / 2 && !lost.is_empty();
        let made = if short { self.rebuild(ward, record, &lost).await } else { 0 };
        self.round.short += u64::from(short);
        self.round.repaired += u64::from(short && made == lost.len() as u64);
        let left = live + made as i64 - k;
        let least = self.round.min_live_above_k;
        self.round.min_live_above_k = Some(least.map_or(left, |least| least.min(left)));
        made
    }

    /// Whether a shard counts as there: proven or claimed, or with a holder that was not away long.
    fn is_there(&self, placed: &Placed, answers: &Answers) -> bool {
        let Some(holder) = placed.holder else { return false };
        let patience = |since: &u64| self.now.saturating_sub(*since) < HOLDER_LOST_SECS;
        match answers.get(&(holder, placed.id)) {
            Some(has) => *has,
            None => self.watch.absent.get(&holder).is_none_or(patience),
        }
    }

    /// Makes the lost shards again and puts them further along the walk.
    async fn rebuild(&mut self, ward: &Ward, record: &mut PackRecord, lost: &[u8]) -> u64 {
        let shards = match made_again(self.ctx, record).await {
            Ok(shards) => shards,
            Err(error) => {
                let pack = record.meta.id.short();
                tracing::warn!(%pack, %error, "a pack in our care cannot be rebuilt now");
                return 0;
            }
        };
        for index in lost {
            if let Some(placed) = record.shards.get_mut(usize::from(*index)) {
                placed.holder = None;
            }
        }
        let mut taken: BTreeSet<PeerId> = record.holders().collect();
        let online = self.online();
        let mut next = ward.walk(record.lane).filter(|peer| online.contains(peer));
        let mut made = 0;
        for shard in shards.into_iter().filter(|shard| lost.contains(&shard.index)) {
            for peer in next.by_ref() {
                if !taken.insert(peer) {
                    continue;
                }
                match place::send(self.ctx, peer, &shard).await {
                    Ok(()) => {
                        self.put(record, &shard, peer);
                        made += 1;
                        break;
                    }
                    Err(error) => {
                        tracing::debug!(peer = %peer.short(), %error, "walked past as guardian");
                    }
                }
            }
        }
        made
    }

    fn put(&mut self, record: &mut PackRecord, shard: &Shard, holder: PeerId) {
        record.set_holder(shard.index, holder);
        self.round.bytes_sent += shard.bytes.len() as u64;
        let (pack, index) = (record.meta.id, shard.index);
        self.watch.moves.retain(|old| (old.pack, old.index) != (pack, index));
        self.watch.moves.push(Move { pack, index, holder });
    }
}

/// A pack as the flow knows it, without what only its owner can know.
fn record(ward: &Ward, pack: &WardPack, moves: &[Move]) -> PackRecord {
    let placed = |(id, holder): &(ShardId, Option<u16>)| Placed {
        id: *id,
        holder: holder.and_then(|number| ward.peer(number)),
    };
    let meta = PackMeta { id: pack.id, salt: [0; 32], len: pack.len, blocks: Vec::new() };
    let shards = pack.shards.iter().map(placed).collect();
    let mut record = PackRecord { meta, code: pack.code, lane: pack.lane, shards };
    for moved in moves.iter().filter(|moved| moved.pack == pack.id) {
        record.set_holder(moved.index, moved.holder);
    }
    record
}

/// What a holder says it has, and cannot be caught lying about. None when it does not answer.
async fn ask_holder<G: Grid>(
    ctx: &Ctx<G>,
    peer: PeerId,
    shards: BTreeMap<ShardId, u32>,
) -> (PeerId, Option<BTreeMap<ShardId, bool>>) {
    let mut said = BTreeMap::new();
    let names: Vec<ShardId> = shards.keys().copied().collect();
    for batch in names.chunks(HAVE_LIMIT) {
        let asked = ctx.grid.ask(peer, Request::Have { shards: batch.to_vec() }).await;
        let Ok(Reply::Have { held }) = asked else { return (peer, None) };
        said.extend(batch.iter().copied().zip(held));
    }
    let seed: [u8; 32] = entropy::bytes(&*ctx.entropy);
    let mut claimed: Vec<ShardId> =
        said.iter().filter(|(_, has)| **has).map(|(shard, _)| *shard).collect();
    claimed.sort_by_cached_key(|id| *blake3::keyed_hash(&seed, id.as_bytes()).as_bytes());
    for shard in claimed.into_iter().take(PROOFS) {
        let len = shards.get(&shard).copied().unwrap_or_default();
        if matches!(prove(ctx, peer, shard, len).await, Verdict::Wrong | Verdict::Refused) {
            said.insert(shard, false);
        }
    }
    (peer, Some(said))
}

/// All shards of a pack, from any k of them.
async fn made_again<G: Grid>(ctx: &Ctx<G>, record: &PackRecord) -> Result<Vec<Shard>, FlowError> {
    let size = place::footprint(record.code, record.meta.len as usize);
    let _room = ctx.budget.take(size.max(fetch::footprint(record))).await;
    let bytes = fetch::from_holders(ctx, record).await.0?;
    let (code, id) = (record.code, record.meta.id);
    let shards = ctx.work(move || {
        if chunker::PackId::from(blake3::hash(&bytes)) != id {
            return Err(FlowError::Inconsistent);
        }
        Ok(chunker::encode(code, &bytes)?)
    });
    shards.await?
}
