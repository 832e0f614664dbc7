//! Shards that this disk lost: looking for them, telling their owners, and hearing it from others.
//!
//! A notice is worth its sender's word about itself and nothing else: the transport says who sends
//! it, and the owner notes it only of shards that it knows to be with that very holder. So a holder
//! can lower its own standing and nobody else's. The owner looks through its records for it, so a
//! peer is heard every [`HEAR_SECS`] at most, more rarely when its notice named nothing of ours,
//! and one notice is looked into at a time; whoever is turned away asks again later.
//!
//! Who was told is remembered in memory only: after a restart everybody is told again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use chunker::{OwnerId, PeerId, ShardId};
use p2p::wire::MOVES_PAGE;
use p2p::{Grid, PeerState, Refusal, Reply, Request};
use store::Scrubbed;

use super::{Host, OfferError, Pass};
use crate::offload::offload;

/// Between two notices of one peer that named shards of ours, in seconds.
const HEAR_SECS: u64 = 10;
/// After one that named none, in seconds.
const IDLE_SECS: u64 = 60;
/// Lost shards looked at in one go.
const PAGE: usize = MOVES_PAGE;
/// Most notices remembered; beyond that everybody is told again, which changes nothing.
const TOLD: usize = 1 << 16;

/// The owner's side of a notice.
pub trait Ear: Send + Sync + 'static {
    /// Notes durably that a holder does not have these any more, as far as it should. Says how many
    /// those were. Blocks.
    fn lost(&self, holder: PeerId, shards: &[ShardId]) -> Result<u64, Refusal>;
}

/// Who is not heard until when, in seconds since the Unix epoch.
#[derive(Default)]
pub(super) struct Heard {
    until: Mutex<BTreeMap<PeerId, u64>>,
    /// Held while a notice is looked into.
    one: Mutex<()>,
}

impl Heard {
    /// Whether this peer is heard now; then not again for a while.
    fn begin(&self, from: PeerId, now_secs: u64) -> bool {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.retain(|_, until| *until > now_secs);
        let heard = !until.contains_key(&from);
        if heard {
            until.insert(from, now_secs.saturating_add(HEAR_SECS));
        }
        heard
    }

    fn idle(&self, from: PeerId, now_secs: u64) {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until.insert(from, now_secs.saturating_add(IDLE_SECS));
    }

    /// It was turned away through no fault of its own.
    fn again(&self, from: PeerId) {
        self.until.lock().unwrap_or_else(PoisonError::into_inner).remove(&from);
    }
}

impl Host {
    /// Lets holders say what they lost. The first ear stays.
    pub fn listen_with(&self, ear: Arc<dyn Ear>) {
        self.inner.ear.get_or_init(|| ear);
    }

    pub(super) async fn hear(
        &self,
        from: PeerId,
        shards: Vec<ShardId>,
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        if shards.len() > MOVES_PAGE {
            return Err(Refusal::TooLarge);
        }
        let Some(ear) = self.inner.ear.get().cloned() else { return Err(Refusal::Unsupported) };
        let now = self.inner.clock.now_secs();
        if !self.inner.heard.begin(from, now) {
            return Err(Refusal::Busy);
        }
        let host = self.clone();
        let look = move |_: &store::Shelf| match host.inner.heard.one.try_lock() {
            Err(TryLockError::WouldBlock) => Err(Refusal::Busy),
            _held_or_poisoned => ear.lost(from, &shards),
        };
        match self.run(pass, look).await? {
            Ok(0) => self.inner.heard.idle(from, now),
            Ok(lost) => {
                tracing::warn!(holder = %from.short(), lost, "a holder lost shards of ours");
            }
            Err(refusal) => {
                self.inner.heard.again(from);
                return Err(refusal);
            }
        }
        Ok(Reply::Noted)
    }

    /// Reads the next of the shelf's files again, about so many bytes of them, if a pass goes on or
    /// the last one began `every_secs` ago.
    pub async fn scrub(
        &self,
        budget_bytes: u64,
        every_secs: u64,
    ) -> Result<Option<Scrubbed>, OfferError> {
        let (shelf, now) = (self.inner.shelf.clone(), self.inner.clock.now_secs());
        let read = move || {
            if shelf.scrub_state()?.due_secs(every_secs) > now {
                return Ok(None);
            }
            shelf.scrub(budget_bytes, now).map(Some)
        };
        Ok(offload(&self.inner.offload, read).await??)
    }
}

/// Whom we have told of what.
#[derive(Debug, Default)]
pub struct Told {
    /// Where the next look begins.
    from: Option<ShardId>,
    told: BTreeSet<(ShardId, PeerId)>,
}

impl Told {
    /// Forgets what is not lost any more between `from` and `next`: it can be lost again.
    fn keep(&mut self, (from, next): (ShardId, Option<ShardId>), lost: &BTreeSet<ShardId>) {
        let looked = |shard: &ShardId| *shard >= from && next.is_none_or(|next| *shard < next);
        self.told.retain(|(shard, _)| !looked(shard) || lost.contains(shard));
        if self.told.len() > TOLD {
            self.told.clear();
        }
    }
}

/// Tells the devices that are connected what was lost of their owners'. Goes through a page of what
/// is lost; returns how many devices were told something, and whether there are more pages.
pub async fn tell<G: Grid>(
    host: &Host,
    grid: &G,
    told: &mut Told,
) -> Result<(usize, bool), OfferError> {
    let mut devices: BTreeMap<OwnerId, Vec<PeerId>> = BTreeMap::new();
    for info in grid.peers() {
        if info.state == PeerState::Online {
            devices.entry(info.owner).or_default().push(info.peer);
        }
    }
    let owners: Vec<OwnerId> = devices.keys().copied().collect();
    let (shelf, from) = (host.inner.shelf.clone(), told.from.unwrap_or_else(first));
    let look = move || shelf.lost(&owners, from, PAGE);
    let page = offload(&host.inner.offload, look).await??;
    told.keep((from, page.next), &page.lost.iter().map(|(_, shard)| *shard).collect());
    told.from = page.next;
    let mut lost: BTreeMap<OwnerId, Vec<ShardId>> = BTreeMap::new();
    for (owner, shard) in page.lost {
        lost.entry(owner).or_default().push(shard);
    }
    let mut count = 0;
    for (owner, shards) in &lost {
        for peer in devices.get(owner).into_iter().flatten() {
            count += usize::from(tell_one(grid, *peer, shards, told).await);
        }
    }
    Ok((count, page.next.is_some()))
}

fn first() -> ShardId {
    ShardId::from_bytes([0; 32])
}

/// Whether there was something to tell, and it was heard.
async fn tell_one<G: Grid>(grid: &G, peer: PeerId, shards: &[ShardId], told: &mut Told) -> bool {
    let news = shards.iter().filter(|shard| !told.told.contains(&(**shard, peer)));
    let news: Vec<ShardId> = news.copied().collect();
    if news.is_empty() {
        return false;
    }
    let answer = grid.ask(peer, Request::Lost { shards: news.clone() }).await;
    let heard = matches!(answer, Ok(Reply::Noted));
    // A version that does not understand it will not tomorrow either.
    if heard || matches!(answer, Ok(Reply::Refused(Refusal::Unsupported))) {
        told.told.extend(news.into_iter().map(|shard| (shard, peer)));
    }
    heard
}
