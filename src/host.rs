//! The target side: answers what other members ask of this machine.
//!
//! Invariants: everything is kept and given per owner, and who the owner is follows from the
//! certificates the transport has checked, never from the request; an acknowledgement is given only
//! for what is durable; the work one peer can have running here is bounded, also after it hung up;
//! every failure is a typed refusal, on which the asker branches: walk on, wait, count as lost.
//!
//! Joining is the one thing a stranger may ask. The invitation is spent durably before the
//! certificate is given. A joiner that lost the answer may ask again with the same token and owner
//! while this process lives; after a restart the token is simply used, and a new one must be made.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use chunker::{OwnerId, PeerId, Record, ShardId};
use ed25519_dalek::SigningKey;
use p2p::cert::{Charter, OwnerCert};
use p2p::head::SignedHead;
use p2p::wire::{self, HAVE_LIMIT, HEAD_LIMIT, Hello, Join};
use p2p::{Clock, Members, Offer, Refusal, Reply, Request, Service};
use serde_bytes::ByteBuf;
use store::{Contact, InviteError, Shelf, ShelfError, Stored, Wards};
use tokio::sync::Notify;

use crate::offload::{Offload, WorkLost, offload};

mod busy;
mod counting;
pub mod giveback;
pub mod handover;
mod leases;
pub mod lost;
mod moves;
mod silence;
mod usage;
mod wards;

use busy::{Busy, Pass};
pub use moves::{GaveBack, Stuck};

/// Joiners remembered, so that one that lost our answer can ask again.
const JOINERS: usize = 1024;
/// Bytes of heads in one answer: what a header can carry, less room for the rest of it.
const HEADS_BYTES: usize = wire::HEADER_LIMIT - 32 * 1024;

/// Who owns which device.
pub trait Roll: Send + Sync + 'static {
    /// The proven owner of a device that is admitted now or was.
    fn owner_of(&self, peer: &PeerId) -> Option<OwnerId>;

    /// Whether this is a member's.
    fn knows(&self, owner: &OwnerId) -> bool;

    /// Hears of a device that this host has just admitted.
    fn admitted(&self, device: Hello);

    /// Hears that so many bytes more are kept here.
    fn took_in(&self, _bytes: u64) {}
}

impl Roll for Members {
    fn owner_of(&self, peer: &PeerId) -> Option<OwnerId> {
        Self::owner_of(self, peer)
    }

    fn knows(&self, owner: &OwnerId) -> bool {
        Self::knows(self, owner)
    }

    fn admitted(&self, device: Hello) {
        self.learn(vec![device]);
    }

    fn took_in(&self, bytes: u64) {
        Self::took_in(self, bytes);
    }
}

/// The right to admit members.
pub struct Admission {
    /// The grid's charter.
    pub charter: Charter,
    /// The key it names.
    pub charter_key: SigningKey,
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission").field("charter", &self.charter).finish_non_exhaustive()
    }
}

/// Serves the shelf to the members of the grid. Clones serve one shelf.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

struct Inner {
    shelf: Shelf,
    roll: Arc<dyn Roll>,
    clock: Arc<dyn Clock>,
    offload: Arc<dyn Offload>,
    admission: Option<Admission>,
    busy: Busy,
    asked: moves::Asked,
    /// What other owners entrusted to this device; not set where it is nobody's guardian.
    wards: OnceLock<Wards>,
    /// Hears what holders lost of ours; not set where nobody backs up.
    ear: OnceLock<Arc<dyn lost::Ear>>,
    heard: lost::Heard,
    /// Signs what is kept for owners; not set where nothing is signed.
    signer: OnceLock<usage::Signer>,
    /// Shards are neither taken in nor given out.
    paused: AtomicBool,
    /// What is stored became more or less.
    changed: Notify,
    /// Who spent which invitation in this process's life.
    joiners: Mutex<BTreeMap<[u8; 32], OwnerId>>,
    silence: silence::Silence,
}

/// The name under which an invitation is kept here: who reads it cannot join.
pub fn token_hash(token: &[u8; 16]) -> [u8; 32] {
    blake3::derive_key("gbak 2026 v1 invitation token", token)
}

impl Host {
    /// A host for the owners in `roll`; it admits new ones if it has the right to.
    pub fn new(
        shelf: Shelf,
        roll: Arc<dyn Roll>,
        clock: Arc<dyn Clock>,
        offload: Arc<dyn Offload>,
        admission: Option<Admission>,
    ) -> Self {
        let since = clock.now_secs();
        let inner = Inner {
            shelf,
            roll,
            clock,
            offload,
            admission,
            busy: Busy::default(),
            asked: moves::Asked::default(),
            wards: OnceLock::new(),
            ear: OnceLock::new(),
            heard: lost::Heard::default(),
            signer: OnceLock::new(),
            paused: AtomicBool::new(false),
            changed: Notify::new(),
            joiners: Mutex::default(),
            silence: silence::Silence::since(since),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Lets other owners make this device their guardian, and keeps there what they entrust.
    #[must_use]
    pub fn guarding(self, wards: Wards) -> Self {
        self.inner.wards.get_or_init(|| wards);
        self
    }

    /// The shelf that is served.
    pub fn shelf(&self) -> &Shelf {
        &self.inner.shelf
    }

    /// Refuses shards, both ways, or serves them again. Heads are kept and given all the same: they
    /// are small, and others' safety hangs on them.
    pub fn pause(&self, paused: bool) {
        self.inner.paused.store(paused, Ordering::Relaxed);
    }

    /// Whether this host can admit members.
    pub fn admits(&self) -> bool {
        self.inner.admission.is_some()
    }

    /// Waits until what is stored became more or less since the last wait ended. Cancel-safe; one
    /// waiter at a time.
    pub async fn changed(&self) {
        self.inner.changed.notified().await;
    }

    /// What is offered now, measured.
    pub async fn offer(&self) -> Result<Offer, OfferError> {
        let host = self.clone();
        Ok(offload(&self.inner.offload, move || host.measured()).await??)
    }

    async fn serve(&self, from: PeerId, request: Request, pass: Pass) -> Result<Reply, Refusal> {
        let of_shards = request.reads_shards() || request.has_body();
        if of_shards && self.inner.paused.load(Ordering::Relaxed) {
            return Err(Refusal::Paused);
        }
        match request {
            Request::Join(join) => self.admit(from, *join, pass).await,
            Request::Under { mandate, request } => self.under(from, *mandate, *request, pass).await,
            Request::Entrust { mandate, part, parts, body } => {
                self.entrust(self.owner(from)?, *mandate, (part, parts), body, pass).await
            }
            Request::WardNews => self.ward_news(self.owner(from)?, pass).await,
            Request::Revoke { guardian, through_secs } => {
                self.revoke(self.owner(from)?, (guardian, through_secs), pass).await
            }
            Request::Moves { spare } => self.moves(self.owner(from)?, spare, pass).await,
            Request::Moved { shards } => self.moved(self.owner(from)?, shards, pass).await,
            Request::Lost { shards } => {
                self.owner(from)?;
                self.hear(from, shards, pass).await
            }
            Request::HandOver { owner, shard, body } => {
                self.owner(from)?;
                self.hand_over((owner, shard), body, pass).await
            }
            Request::Held { from: name } => self.held((self.owner(from)?, from), name, pass).await,
            Request::Retain(range) => self.retain((self.owner(from)?, from), *range, pass).await,
            Request::CallBack { shards } => {
                self.call_back((self.owner(from)?, from), shards, pass).await
            }
            Request::HeadHistory { skip } => self.head_history(self.owner(from)?, skip, pass).await,
            Request::Usage { nonce } => self.usage(self.owner(from)?, nonce, pass).await,
            _ => self.serve_owner(self.owner(from)?, request, pass).await,
        }
    }

    /// What an owner's devices may ask, and so its guardians in part.
    async fn serve_owner(
        &self,
        owner: OwnerId,
        request: Request,
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        match request {
            Request::Put { shard, body } => self.put(owner, shard, body, pass).await,
            Request::Get { shard } => self.get(owner, shard, pass).await,
            Request::Slice { shard, offset, len } => {
                self.slice(owner, shard, (offset, len), pass).await
            }
            Request::Have { shards } => self.have(owner, shards, pass).await,
            Request::HeadPut { head } => self.head_put(owner, head, pass).await,
            Request::HeadGet => self.heads(owner, pass).await,
            // Hello, ping and roster are answered below us.
            _ => Err(Refusal::Unsupported),
        }
    }

    /// What there is to note of whoever asks: anything but the door renews the owner's lease.
    fn contact(&self, from: PeerId, request: &Request) -> Option<(Contact, u64)> {
        let owner = self.inner.roll.owner_of(&from)?;
        let writes = !matches!(
            request,
            Request::Get { .. }
                | Request::Slice { .. }
                | Request::Have { .. }
                | Request::HeadGet
                | Request::Usage { .. }
        );
        let (contact, now) = (Contact { owner, device: from, writes }, self.inner.clock.now_secs());
        self.inner.shelf.contact_due(contact, now).then_some((contact, now))
    }

    fn owner(&self, from: PeerId) -> Result<OwnerId, Refusal> {
        self.inner.roll.owner_of(&from).ok_or(Refusal::NotAdmitted)
    }

    async fn put(
        &self,
        owner: OwnerId,
        shard: ShardId,
        body: Bytes,
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        let (now, len) = (self.inner.clock.now_secs(), body.len() as u64);
        let stored = self.work(pass, move |shelf| shelf.put(owner, shard, &body, now)).await?;
        if stored == Stored::New {
            self.inner.roll.took_in(len);
        }
        self.inner.changed.notify_one();
        Ok(Reply::Stored)
    }

    async fn get(&self, owner: OwnerId, shard: ShardId, pass: Pass) -> Result<Reply, Refusal> {
        let body = self.work(pass, move |shelf| shelf.get(owner, shard)).await?;
        Ok(Reply::Shard { body })
    }

    /// A part of a shard with its proof, of which the part's bytes are the most: who keeps only the
    /// tree's hashes cannot answer.
    async fn slice(
        &self,
        owner: OwnerId,
        shard: ShardId,
        (offset, len): (u64, u32),
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        let cut = move |shelf: &Shelf| shelf.slice(owner, shard, (offset, len));
        let body = self.work(pass, cut).await?.ok_or(Refusal::TooLarge)?;
        Ok(Reply::Slice { body: body.into() })
    }

    async fn have(
        &self,
        owner: OwnerId,
        shards: Vec<ShardId>,
        pass: Pass,
    ) -> Result<Reply, Refusal> {
        if shards.len() > HAVE_LIMIT {
            return Err(Refusal::TooLarge);
        }
        let held = self.work(pass, move |shelf| shelf.have(owner, &shards)).await?;
        Ok(Reply::Have { held })
    }

    /// A head is its owner's own: any device of the owner may bring it, nobody else.
    async fn head_put(&self, owner: OwnerId, bytes: Vec<u8>, pass: Pass) -> Result<Reply, Refusal> {
        if bytes.len() > HEAD_LIMIT {
            return Err(Refusal::TooLarge);
        }
        let now = self.inner.clock.now_secs();
        let inner = Arc::clone(&self.inner);
        let keep = move |shelf: &Shelf| {
            let head = SignedHead::decode(&bytes).map_err(|_| Refusal::HeadInvalid)?;
            // What is kept and hashed must be the one way to write this head, or one number could
            // have many names.
            if head.verify().is_err() || head.owner() != owner || head.encode() != bytes {
                return Err(Refusal::HeadInvalid);
            }
            let stored = shelf.head_put(owner, head.device(), head.seq, head.hash(), &bytes, now);
            stored.map_err(|error| refusal(&error))?;
            inner.silence.note(owner, head.device(), now);
            Ok(())
        };
        self.run(pass, keep).await??;
        Ok(Reply::HeadStored { at_secs: now })
    }

    async fn heads(&self, owner: OwnerId, pass: Pass) -> Result<Reply, Refusal> {
        let heads = self.work(pass, move |shelf| shelf.heads(owner)).await?;
        let mut left = HEADS_BYTES;
        let fits = |head: &Vec<u8>| {
            let room = left.checked_sub(head.len());
            left = room.unwrap_or(left);
            room.is_some()
        };
        let now = self.inner.clock.now_secs();
        let age = |head: Vec<u8>| (self.inner.silence.age(owner, &head, now), ByteBuf::from(head));
        let (ages, heads) = heads.into_iter().filter(fits).map(age).unzip();
        Ok(Reply::Heads { heads, ages })
    }

    async fn admit(&self, from: PeerId, join: Join, pass: Pass) -> Result<Reply, Refusal> {
        let Some(admission) = &self.inner.admission else { return Err(Refusal::CannotAdmit) };
        // The device's certificate is the owner key's signature over the peer that asks.
        if join.device.verify().is_err() || join.device.peer != from {
            return Err(Refusal::CertInvalid);
        }
        let owner = join.device.owner;
        let now = self.inner.clock.now_secs();
        let grid = admission.charter.id();
        let cert = OwnerCert::sign(&admission.charter_key, grid, owner, join.name, now);
        // Before the invitation is spent: a name nobody accepts must not use it up.
        if cert.verify(&admission.charter).is_err() {
            return Err(Refusal::CertInvalid);
        }
        self.spend(token_hash(&join.token), owner, now, pass).await?;
        tracing::info!(owner = %owner.short(), "admitted a member");
        let charter = Box::new(admission.charter.clone());
        // If the joiner's disk fails before it ever says hello, its words alone still get it in.
        self.inner.roll.admitted(Hello {
            charter: Some(admission.charter.clone()),
            owner: Some(cert.clone()),
            device: join.device,
            addresses: Vec::new(),
            offer: Offer::default(),
            site: None,
        });
        Ok(Reply::Joined { charter, owner: Box::new(cert) })
    }

    /// Uses the invitation up for `owner`, or finds that this very owner did.
    async fn spend(
        &self,
        token: [u8; 32],
        owner: OwnerId,
        now_secs: u64,
        pass: Pass,
    ) -> Result<(), Refusal> {
        let spend = move |shelf: &Shelf| shelf.invite_spend(token, now_secs);
        match self.run(pass, spend).await? {
            Ok(()) => {
                let mut joiners = self.joiners();
                while joiners.len() >= JOINERS {
                    joiners.pop_first();
                }
                joiners.insert(token, owner);
                Ok(())
            }
            Err(InviteError::Used) if self.joiners().get(&token) == Some(&owner) => Ok(()),
            Err(InviteError::Used) => Err(Refusal::InviteUsed),
            Err(InviteError::Unknown) => Err(Refusal::InviteUnknown),
            Err(InviteError::Expired) => Err(Refusal::InviteExpired),
            Err(error) => {
                tracing::error!(%error, "invitation cannot be looked up");
                Err(Refusal::DiskTrouble)
            }
        }
    }

    fn joiners(&self) -> std::sync::MutexGuard<'_, BTreeMap<[u8; 32], OwnerId>> {
        self.inner.joiners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn work<T: Send + 'static>(
        &self,
        pass: Pass,
        work: impl FnOnce(&Shelf) -> Result<T, ShelfError> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.run(pass, work).await?.map_err(|error| refusal(&error))
    }

    /// Runs blocking work; the pass is given back when it is through, even if nobody waits.
    async fn run<T: Send + 'static>(
        &self,
        pass: Pass,
        work: impl FnOnce(&Shelf) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let shelf = self.inner.shelf.clone();
        let job = move || {
            if let Some((contact, now)) = pass.contact
                && let Err(error) = shelf.contact(contact, now)
            {
                tracing::debug!(device = %contact.device.short(), %error, "contact not noted");
            }
            let result = work(&shelf);
            drop(pass);
            result
        };
        // Only at shutdown: the asker tries elsewhere or later.
        offload(&self.inner.offload, job).await.map_err(|WorkLost| Refusal::Busy)
    }
}

impl Service for Host {
    async fn answer(&self, from: PeerId, request: Request) -> Reply {
        let Some(pass) = self.inner.busy.enter(from) else {
            return Reply::Refused(Refusal::Busy);
        };
        let name = request.name();
        let pass = pass.noting(self.contact(from, &request));
        self.serve(from, request, pass).await.unwrap_or_else(|refusal| {
            tracing::debug!(peer = %from.short(), request = name, %refusal, "refused");
            Reply::Refused(refusal)
        })
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("shelf", &self.inner.shelf).finish_non_exhaustive()
    }
}

/// Why there is nothing to offer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OfferError {
    /// The shelf cannot tell.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// We are shutting down.
    #[error(transparent)]
    WorkLost(#[from] WorkLost),
}

/// What the asker is told. What only a person here can mend is logged as well.
fn refusal(error: &ShelfError) -> Refusal {
    match error {
        ShelfError::Full { free_bytes, .. } => Refusal::Full { free_bytes: *free_bytes },
        ShelfError::HashMismatch { .. } => Refusal::Corrupt,
        ShelfError::TooLarge { .. }
        | ShelfError::TooManyDevices { .. }
        | ShelfError::TooManyHeads { .. }
        | ShelfError::Unordered => Refusal::TooLarge,
        ShelfError::StaleSet { newest_secs } => Refusal::StaleSet { newest_secs: *newest_secs },
        ShelfError::FutureSet { now_secs } => Refusal::FutureSet { now_secs: *now_secs },
        ShelfError::Unknown { .. } => Refusal::UnknownShard,
        ShelfError::Rotten { .. } => Refusal::Rotten,
        ShelfError::StaleHead { newest } => Refusal::StaleHead { newest: *newest },
        ShelfError::ForkedHead => Refusal::ForkedHead,
        ShelfError::DiskAway { .. }
        | ShelfError::WrongDisk { .. }
        | ShelfError::ForeignShelf { .. } => Refusal::DiskAway,
        ShelfError::Floor { .. } => Refusal::DiskTrouble,
        _ => {
            tracing::error!(%error, source = ?std::error::Error::source(error), "shelf trouble");
            Refusal::DiskTrouble
        }
    }
}

#[cfg(test)]
mod tests;
