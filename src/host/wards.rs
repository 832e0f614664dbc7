//! Guardians: what they ask here in an owner's name, and what an owner entrusts to us as one.
//!
//! A mandate is believed only while it is valid, signed by a device whose owner is a member, and
//! not revoked here. Parts of a list count once all of them are here: then the newest mandate takes
//! over, and those before it are removed.

use bytes::Bytes;
use chunker::{OwnerId, PeerId, Record};
use p2p::{Mandate, Refusal, Reply, Request};
use store::{Shelf, WardsError};

use super::{Host, Pass};
use crate::offload::{WorkLost, offload};
use crate::ward::{Charge, Kept, Ward};

impl Host {
    /// Does for an owner what its guardian asks.
    pub(super) async fn under(
        &self,
        from: PeerId,
        mandate: Mandate,
        request: Request,
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        if !request.is_for_guardians() {
            return Err(Refusal::Unsupported);
        }
        let owner = self.believed(&from, &mandate)?;
        let (since, shelf) = (mandate.since_secs, self.inner.shelf.clone());
        let revoked = move || shelf.mandates_revoked(owner, from);
        let revoked = offload(&self.inner.offload, revoked).await;
        let revoked = revoked.map_err(|WorkLost| Refusal::Busy)?;
        let revoked = revoked.map_err(|error| super::refusal(&error))?;
        if revoked.is_some_and(|through| since <= through) {
            return Err(Refusal::Revoked);
        }
        self.serve_owner(owner, request, pass).await
    }

    /// For whom a mandate lets `guardian` act now.
    fn believed(&self, guardian: &PeerId, mandate: &Mandate) -> Result<OwnerId, Refusal> {
        let now = self.inner.clock.now_secs();
        mandate.verify(guardian, now).map_err(|error| match error {
            p2p::MandateError::Expired => Refusal::CertExpired,
            _ => Refusal::CertInvalid,
        })?;
        // The owner's key signed the device's certificate; the charter's word for the owner is
        // known from when that device was admitted.
        let member = self.inner.roll.owner_of(&mandate.cert.peer) == Some(mandate.owner());
        if member { Ok(mandate.owner()) } else { Err(Refusal::UnknownOwner) }
    }

    /// Keeps a part of an owner's list, and takes the mandate over with the last one.
    pub(super) async fn entrust(
        &self,
        owner: OwnerId,
        mandate: Mandate,
        (part, parts): (u32, u32),
        body: Bytes,
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        let wards = self.inner.wards.get().cloned().ok_or(Refusal::Unsupported)?;
        let guardian = mandate.guardian;
        if self.believed(&guardian, &mandate)? != owner {
            return Err(Refusal::CertInvalid);
        }
        let now = self.inner.clock.now_secs();
        let keep = move |_: &Shelf| {
            if !Ward::decode(&body).is_ok_and(|ward| ward.is_sound()) {
                return Err(Refusal::Corrupt);
            }
            let charge = Charge { mandate, parts };
            Kept::new(&wards, owner).take(&charge, part, &body, now).map_err(told)
        };
        self.run(pass, keep).await??;
        Ok(Reply::Entrusted)
    }

    /// Where we put shards of an owner since it entrusted them.
    pub(super) async fn ward_news(&self, owner: OwnerId, pass: Pass) -> Result<Reply, Refusal> {
        let wards = self.inner.wards.get().cloned().ok_or(Refusal::Unsupported)?;
        let read = move |_: &Shelf| Kept::new(&wards, owner).watch();
        let watch = self.run(pass, read).await?.map_err(told)?;
        Ok(Reply::WardNews { body: Bytes::from(watch.encode()) })
    }

    /// An owner's mandates for `guardian` end here; if we are the one, what we know of it goes.
    pub(super) async fn revoke(
        &self,
        owner: OwnerId,
        (guardian, through): (PeerId, u64),
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        let wards = self.inner.wards.get().cloned();
        let revoke = move |shelf: &Shelf| {
            let noted = shelf.revoke_mandates(owner, guardian, through);
            noted.map_err(|error| super::refusal(&error))?;
            let Some(wards) = wards else { return Ok(()) };
            let charge = Kept::new(&wards, owner).charge().map_err(told)?;
            let ours = charge.is_none_or(|charge| {
                charge.mandate.guardian == guardian && charge.mandate.since_secs <= through
            });
            if ours { wards.remove(owner).map_err(told) } else { Ok(()) }
        };
        self.run(pass, revoke).await??;
        Ok(Reply::Revoked)
    }
}

fn told(error: WardsError) -> Refusal {
    if let WardsError::Full = error {
        return Refusal::TooLarge;
    }
    tracing::error!(%error, "what was entrusted cannot be kept");
    Refusal::DiskTrouble
}
