//! The target side of giving disk back: looks at the disks, asks owners to move, lets go of what is
//! elsewhere, keeps what others hand over. What to do is decided in [`giveback`](super::giveback).
//!
//! A shard is let go of only after it was asked for here, and then only at its owner's word or once
//! another peer confirmed that it has it (I7); so whoever has a device's key cannot make a holder
//! drop what it has room for. What was let go of goes through quarantine, which is freed as far as
//! the disk needs it.
//!
//! What was asked for is remembered in memory only: after a restart it is asked for again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chunker::{OwnerId, ShardId};
use p2p::wire::{MOVES_PAGE, Spare};
use p2p::{Offer, Refusal, Reply};
use store::{DiskNo, Movable, Presence, Shelf, ShelfError};

use super::giveback::{Lent, pick, steps};
use super::{Host, OfferError, Pass};
use crate::offload::offload;

/// Most shards asked for at a time on one disk: bounds memory, and what owners do at once.
const MOST_ASKED: usize = 4096;
/// How long what was asked for is still taken as such when the need is over, in seconds: an owner
/// may be about to say that it is elsewhere.
const STILL_SECS: u64 = 600;

/// What owners were asked to move.
#[derive(Debug, Default)]
pub(super) struct Asked {
    entries: Mutex<BTreeMap<(OwnerId, ShardId), Entry>>,
    /// Disks that had to give back when they were looked at last: owners know by now.
    announced: Mutex<BTreeSet<DiskNo>>,
    moving_bytes: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    disk: DiskNo,
    len: u64,
    since_secs: u64,
}

/// What a look at the disks came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GaveBack {
    /// Bytes of quarantine that were freed.
    pub freed_bytes: u64,
    /// Bytes that owners have to move.
    pub moving_bytes: u64,
    /// Shards they were asked for so far.
    pub asked: usize,
}

/// A shard that its owner has not moved in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stuck {
    /// Whose.
    pub owner: OwnerId,
    /// Which.
    pub shard: ShardId,
    /// Its size in bytes.
    pub len: u64,
}

impl Host {
    /// Looks at the disks and does what has to be done about them, as far as it can be done here.
    pub async fn give_back(&self) -> Result<GaveBack, OfferError> {
        let host = self.clone();
        Ok(offload(&self.inner.offload, move || host.look_at_disks()).await??)
    }

    fn look_at_disks(&self) -> Result<GaveBack, ShelfError> {
        let (shelf, now) = (&self.inner.shelf, self.inner.clock.now_secs());
        let mut gave = GaveBack::default();
        for disk in shelf.disks()?.iter().filter(|disk| disk.presence == Presence::Here) {
            let steps = steps(&Lent {
                space: disk.space,
                donation: disk.donation,
                used_bytes: disk.usage.bytes,
                quarantined_bytes: disk.quarantined.bytes,
            });
            if steps.free_bytes > 0 {
                gave.freed_bytes += shelf.free_quarantine(disk.no, steps.free_bytes)?;
            }
            gave.moving_bytes += steps.move_bytes;
            self.inner.asked.settle(shelf, disk.no, steps.move_bytes, now)?;
        }
        self.inner.asked.moving_bytes.store(gave.moving_bytes, Ordering::SeqCst);
        gave.asked = self.inner.asked.entries().len();
        Ok(gave)
    }

    /// What is offered now: never what has to go.
    pub(super) fn measured(&self) -> Result<Offer, ShelfError> {
        let mut offer = Offer {
            moving_bytes: self.inner.asked.moving_bytes.load(Ordering::SeqCst),
            ..Offer::default()
        };
        let disks = self.inner.shelf.disks()?;
        for disk in disks.iter().filter(|disk| disk.presence == Presence::Here) {
            let figures = &disk.figures;
            let (space, donation) = (disk.space, disk.donation);
            let used_bytes = figures.used_bytes;
            let kept = steps(&Lent { space, donation, used_bytes, quarantined_bytes: 0 });
            offer.total_bytes += figures.total_bytes;
            offer.donated_bytes += kept.offer_bytes;
            offer.reserved_bytes += figures.total_bytes - kept.offer_bytes;
            offer.used_bytes += used_bytes;
            offer.free_bytes += if figures.floor_ok { figures.free_bytes } else { 0 };
        }
        Ok(offer)
    }

    /// Notes how well an owner can do without its shards, and says which of them have to go.
    pub(super) async fn moves(
        &self,
        owner: OwnerId,
        spare: Vec<Spare>,
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        if spare.len() > MOVES_PAGE {
            return Err(Refusal::TooLarge);
        }
        let shards = {
            let entries = self.inner.asked.entries();
            let named = spare.iter().map(|spare| spare.shard);
            named.filter(|shard| entries.contains_key(&(owner, *shard))).collect()
        };
        if self.inner.asked.moving_bytes.load(Ordering::SeqCst) > 0 {
            let others: Vec<(ShardId, u8)> =
                spare.iter().map(|spare| (spare.shard, spare.others)).collect();
            self.work(pass, move |shelf| shelf.note_spare(owner, &others)).await?;
        }
        Ok(Reply::Moves { shards })
    }

    /// Lets go of what was asked for and is elsewhere, by its owner's word.
    pub(super) async fn moved(
        &self,
        owner: OwnerId,
        shards: Vec<ShardId>,
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        if shards.len() > MOVES_PAGE {
            return Err(Refusal::TooLarge);
        }
        let asked: Vec<ShardId> = {
            let entries = self.inner.asked.entries();
            shards.iter().filter(|shard| entries.contains_key(&(owner, **shard))).copied().collect()
        };
        let (now, named) = (self.inner.clock.now_secs(), asked.clone());
        let let_go = self.work(pass, move |shelf| shelf.let_go(owner, &named, now)).await?;
        let let_go: BTreeSet<ShardId> =
            asked.into_iter().zip(let_go).filter(|(_, gone)| *gone).map(|(id, _)| id).collect();
        self.inner.asked.forget(owner, &let_go);
        tracing::info!(owner = %owner.short(), shards = let_go.len(), "moved by their owner");
        Ok(Reply::LetGo { gone: shards.iter().map(|shard| let_go.contains(shard)).collect() })
    }

    /// Keeps a shard for an owner on another holder's word, as if the owner had brought it.
    pub(super) async fn hand_over(
        &self,
        (owner, shard): (OwnerId, ShardId),
        body: Bytes,
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        if !self.inner.roll.knows(&owner) {
            return Err(Refusal::UnknownOwner);
        }
        self.put(owner, shard, body, pass).await
    }

    /// Shards that were asked for so long ago that their owners will not move them in time.
    pub fn stuck(&self, patience_secs: u64, most: usize) -> Vec<Stuck> {
        let until = self.inner.clock.now_secs().saturating_sub(patience_secs);
        let entries = self.inner.asked.entries();
        let stuck = entries.iter().filter(|(_, entry)| entry.since_secs <= until);
        let stuck = stuck.map(|((owner, shard), entry)| Stuck {
            owner: *owner,
            shard: *shard,
            len: entry.len,
        });
        stuck.take(most).collect()
    }

    /// The bytes of a shard that is to be handed over.
    pub async fn bytes_of(&self, stuck: Stuck) -> Result<Bytes, OfferError> {
        let shelf = self.inner.shelf.clone();
        let read = move || shelf.get(stuck.owner, stuck.shard);
        Ok(offload(&self.inner.offload, read).await??)
    }

    /// Lets go of a shard that another peer has confirmed to keep.
    pub async fn handed_over(&self, stuck: Stuck) -> Result<(), OfferError> {
        let Stuck { owner, shard, .. } = stuck;
        let (shelf, now) = (self.inner.shelf.clone(), self.inner.clock.now_secs());
        offload(&self.inner.offload, move || shelf.let_go(owner, &[shard], now)).await??;
        self.inner.asked.forget(owner, &BTreeSet::from([shard]));
        Ok(())
    }
}

impl Asked {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<(OwnerId, ShardId), Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, owner: OwnerId, shards: &BTreeSet<ShardId>) {
        self.entries().retain(|(of, shard), _| *of != owner || !shards.contains(shard));
    }

    /// Asks for as much of a disk as has to go, and for no more. The first time nothing is asked
    /// for, only announced: so owners say what they can spare before anything is picked.
    fn settle(
        &self,
        shelf: &Shelf,
        disk: DiskNo,
        move_bytes: u64,
        now_secs: u64,
    ) -> Result<(), ShelfError> {
        let mut announced = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        if move_bytes == 0 {
            announced.remove(&disk);
            let still = |entry: &Entry| entry.since_secs.saturating_add(STILL_SECS) > now_secs;
            self.entries().retain(|_, entry| entry.disk != disk || still(entry));
            return Ok(());
        }
        if announced.insert(disk) {
            return Ok(());
        }
        drop(announced);
        let (asked, asked_bytes) = {
            let entries = self.entries();
            let here = entries.iter().filter(|(_, entry)| entry.disk == disk);
            let sum = here.clone().map(|(_, entry)| entry.len).sum::<u64>();
            (here.map(|(key, _)| *key).collect::<BTreeSet<_>>(), sum)
        };
        let room = MOST_ASKED.saturating_sub(asked.len());
        let missing = move_bytes.saturating_sub(asked_bytes);
        if room == 0 || missing == 0 {
            return Ok(());
        }
        let movable = shelf.movable(disk, MOST_ASKED + asked.len())?;
        let movable = movable.into_iter().filter(|one| !asked.contains(&(one.owner, one.shard)));
        let mut entries = self.entries();
        for Movable { owner, shard, len, .. } in pick(movable.collect(), missing).iter().take(room)
        {
            let entry = Entry { disk, len: *len, since_secs: now_secs };
            entries.insert((*owner, *shard), entry);
        }
        Ok(())
    }
}
