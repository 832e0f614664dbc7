//! Answers about leases, and the end of those that are over.
//!
//! Only the asker's own owner's shards are ever named or touched: who that is follows from the
//! transport's certificates, as everywhere here.

use chunker::{OwnerId, PeerId, ShardId};
use p2p::wire::{self, LEASE_PAGE, RetainRange};
use p2p::{Refusal, Reply};
use serde_bytes::ByteBuf;
use store::{Mark, Retained, ShelfError, Swept};

use super::{HEADS_BYTES, Host, OfferError, Pass};
use crate::offload::offload;

/// Leases ended in one go: keeps the disk free for others in between.
const SWEEP: usize = 1024;

impl Host {
    pub(super) async fn held(
        &self,
        (owner, device): (OwnerId, PeerId),
        from: ShardId,
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        let now = self.inner.clock.now_secs();
        let page = self.work(pass, move |shelf| shelf.held(owner, device, from, now)).await?;
        let (shards, marks) = page.shards.iter().map(|(id, mark)| (*id, told(*mark))).unzip();
        Ok(Reply::Held { at_secs: page.at_secs, shards, marks, more: page.more })
    }

    pub(super) async fn retain(
        &self,
        (owner, device): (OwnerId, PeerId),
        range: RetainRange,
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        let now = self.inner.clock.now_secs();
        let apply = move |shelf: &store::Shelf| {
            let RetainRange { made_secs, at_secs, from, to, ref shards } = range;
            let range = store::RetainRange { made_secs, at_secs, from, to, shards };
            shelf.retain(owner, device, range, now)
        };
        let done = self.work(pass, apply).await?;
        if done.left > 0 {
            tracing::info!(owner = %owner.short(), left = done.left, "shards left to quarantine");
        }
        Ok(Reply::Retained(said(done)))
    }

    pub(super) async fn call_back(
        &self,
        (owner, device): (OwnerId, PeerId),
        shards: Vec<ShardId>,
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        if shards.len() > LEASE_PAGE {
            return Err(Refusal::TooLarge);
        }
        let now = self.inner.clock.now_secs();
        let call = move |shelf: &store::Shelf| shelf.call_back(owner, device, &shards, now);
        Ok(Reply::CalledBack { held: self.work(pass, call).await? })
    }

    pub(super) async fn head_history(
        &self,
        owner: OwnerId,
        skip: u32,
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        let kept = self.work(pass, move |shelf| shelf.kept_heads(owner, skip, HEADS_BYTES)).await?;
        let head = |kept: store::KeptHead| wire::KeptHead {
            head: ByteBuf::from(kept.bytes),
            since_secs: kept.since_secs,
        };
        // What CBOR adds to small heads would be more than the room left for it.
        let heads = kept.heads.into_iter().take(wire::HISTORY_PAGE).map(head).collect();
        Ok(Reply::HeadHistory { heads, total: u32::try_from(kept.total).unwrap_or(u32::MAX) })
    }

    /// Frees what no lease holds any more and no quarantine keeps. Can be dropped at any point.
    pub async fn sweep(&self) -> Result<Swept, OfferError> {
        let mut all = Swept::default();
        loop {
            let (shelf, now) = (self.inner.shelf.clone(), self.inner.clock.now_secs());
            let work = move || shelf.sweep(SWEEP, now);
            let swept = match offload(&self.inner.offload, work).await? {
                // The disk may be mounted again by the next time.
                Err(ShelfError::DiskAway { .. }) => return Ok(all),
                swept => swept?,
            };
            all.ended += swept.ended;
            all.freed_shards += swept.freed_shards;
            all.freed_bytes += swept.freed_bytes;
            if swept.freed_bytes > 0 {
                self.inner.changed.notify_one();
            }
            all.owners += swept.owners;
            all.devices += swept.devices;
            if !swept.more {
                return Ok(all);
            }
        }
    }
}

const fn told(mark: Mark) -> wire::Mark {
    match mark {
        Mark::Held => wire::Mark::Held,
        Mark::Released => wire::Mark::Released,
        Mark::Left => wire::Mark::Left,
    }
}

const fn said(done: Retained) -> wire::Retained {
    let Retained { kept, back, released, left, young, unknown, next } = done;
    wire::Retained { kept, back, released, left, young, unknown, next }
}
