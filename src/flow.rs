//! The verbs: what gbak does, step by step, over the traits `Grid`, `Clock`, `Offload`, `Entropy`
//! and `Monitor`, so that the same code runs on sockets and in a simulation.
//!
//! Order of durability, from which nothing here may deviate (I2): shards, then the segment that
//! names them, then the snapshot, then the manifest, then the head. Whatever was cut short stays
//! invisible, and what was acknowledged is found again by the next run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chunker::{OwnerId, PackId, PeerId, Pool, RecordError};
use ed25519_dalek::SigningKey;
use p2p::cert::DeviceCert;
use p2p::{Clock, Grid, GridError, PeerState, Refusal};

use crate::budget::Budget;
use crate::entropy::Entropy;
use crate::monitor::Monitor;
use crate::offload::{Offload, WorkLost, compute, offload};
use crate::vault::Vault;

mod asking;
pub mod audit;
pub mod backup;
pub mod check;
pub mod drill;
pub mod fence;
pub mod fetch;
pub mod forget;
pub mod gauge;
pub mod guard;
pub mod health;
pub mod look;
pub mod lost;
pub mod marks;
pub mod moving;
mod opened;
pub(crate) mod parts;
pub mod place;
pub mod policy;
pub mod presence;
pub mod prune;
pub mod publish;
pub mod recover;
pub mod repair;
pub mod restore;
pub mod retain;
pub mod rewind;
pub mod risk;
mod roots;
pub mod salvage;
pub mod scan;
pub mod standing;
pub mod target;
pub mod targets;
pub mod usage;
pub mod whereabouts;

/// Everything a verb works with.
#[derive(Clone)]
pub struct Ctx<G> {
    /// The other machines.
    pub grid: G,
    /// The owner's own index.
    pub catalog: store::Catalog,
    /// Sealed packs that wait for holders.
    pub spool: Arc<store::Spool>,
    /// Copies of metadata packs.
    pub cache: Arc<store::PackCache>,
    /// Keys and formats.
    pub vault: Arc<Vault>,
    /// Who signs.
    pub device: Arc<Device>,
    /// What the owner asks of placement in this run.
    pub policy: Arc<policy::Policy>,
    /// What the settings ask of it.
    pub settings: Arc<policy::Policy>,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// CPU and blocking work.
    pub offload: Arc<dyn Offload>,
    /// Room in memory for packs under way.
    pub budget: Budget,
    /// What fetched packs are put together in, again and again. While packs are fetched two free
    /// ones may be kept, and one at any time, beside that room.
    pub buffers: Pool,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Progress and problems.
    pub monitor: Arc<dyn Monitor>,
}

/// What [`Ctx::buffers`] is: some more are kept only while packs are being fetched.
pub fn buffers() -> Pool {
    Pool::while_used(2)
}

/// None of the engine's sections leaves its data half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<G> std::fmt::Debug for Ctx<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ctx").field("device", &self.device.cert.peer).finish_non_exhaustive()
    }
}

/// This device, as far as it signs things.
pub struct Device {
    /// Signs heads.
    pub key: SigningKey,
    /// Its owner's word for it.
    pub cert: DeviceCert,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("cert", &self.cert).finish_non_exhaustive()
    }
}

impl Device {
    /// Its name on the grid.
    pub const fn peer(&self) -> PeerId {
        self.cert.peer
    }

    /// Whose it is.
    pub const fn owner(&self) -> OwnerId {
        self.cert.owner
    }
}

impl<G: Grid> Ctx<G> {
    /// Runs blocking work on the offload.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, FlowError> {
        Ok(offload(&self.offload, work).await?)
    }

    /// Makes room for what is under way to holders as far away as the farthest that is connected.
    pub(crate) fn reach(&self) {
        let online = self.grid.peers().into_iter().filter(|info| info.state == PeerState::Online);
        self.budget.reach(online.filter_map(|info| info.rtt).max().unwrap_or_default());
    }

    /// Runs work that only computes, as many at once as there are processors.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, FlowError> {
        Ok(compute(&self.offload, work).await?)
    }

    /// The same engine in a run under another policy than the settings'.
    #[must_use]
    pub fn under(&self, policy: policy::Policy) -> Self {
        Self { policy: Arc::new(policy), ..self.clone() }
    }

    /// The same engine on another view of the grid.
    pub(crate) fn with_grid<H>(&self, grid: H) -> Ctx<H> {
        Ctx {
            grid,
            catalog: self.catalog.clone(),
            spool: self.spool.clone(),
            cache: self.cache.clone(),
            vault: self.vault.clone(),
            device: self.device.clone(),
            policy: self.policy.clone(),
            settings: self.settings.clone(),
            clock: self.clock.clone(),
            offload: self.offload.clone(),
            budget: self.budget.clone(),
            buffers: self.buffers.clone(),
            entropy: self.entropy.clone(),
            monitor: self.monitor.clone(),
        }
    }

    /// The same engine, watched by somebody else.
    #[must_use]
    pub fn watched_by(&self, monitor: Arc<dyn Monitor>) -> Self {
        Self { monitor, ..self.clone() }
    }
}

/// Why a verb as a whole failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// Fewer peers than the redundancy needs; nothing was sent.
    #[error("The policy wants {wanted} peers with room, {usable} are usable")]
    TooFewPeers {
        /// Shards the code makes.
        wanted: usize,
        /// Peers that answered and have room.
        usable: usize,
    },
    /// The owner's limits cannot be met; nothing was sent.
    #[error(transparent)]
    Limits(Box<crate::placement::choose::Infeasible>),
    /// No peer answers.
    #[error("No peer can be reached")]
    NoPeers,
    /// Fewer than k shards of a pack can be had now.
    #[error("Pack {pack} needs {needed} shards, {found} could be fetched")]
    PackUnavailable {
        /// Which pack.
        pack: PackId,
        /// Its k.
        needed: usize,
        /// Good shards that came.
        found: usize,
    },
    /// Fewer than k shards of a pack exist: the others' holders answered that they are gone.
    #[error("Pack {pack} is lost: it needs {needed} shards, and at most {left} still exist")]
    PackLost {
        /// Which pack.
        pack: PackId,
        /// Its k.
        needed: usize,
        /// Shards whose holders did not say that they are gone.
        left: usize,
    },
    /// No snapshot answers to that name.
    #[error(transparent)]
    Spec(#[from] crate::vault::view::SpecError),
    /// The path is not in the snapshot.
    #[error("Snapshot {snapshot} has no {path}")]
    NoSuchPath {
        /// The snapshot's short id.
        snapshot: String,
        /// The path asked for.
        path: String,
    },
    /// The catalog does not know a chunk that a snapshot refers to.
    #[error("Chunk {chunk} is in no known pack; rebuild the catalog with `gbak recover --rebuild`")]
    UnknownChunk {
        /// Which chunk.
        chunk: chunker::ChunkId,
    },
    /// The same without a chunk: a pack the catalog should know.
    #[error("Pack {pack} is not in the catalog")]
    UnknownPack {
        /// Which pack.
        pack: PackId,
    },
    /// A record names something that the record it came from does not have.
    #[error("The index contradicts itself; rebuild it with `gbak recover --rebuild`")]
    Inconsistent,
    /// Something that was published cannot be read now, so nothing can be given back: what it
    /// names may be needed.
    #[error("{missing} parts of the index cannot be read now, so nothing is given back")]
    IndexIncomplete {
        /// Segments and snapshots.
        missing: usize,
    },
    /// Directories nested deeper than is followed.
    #[error("Directories are nested more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A source path does not exist, or similar.
    #[error(transparent)]
    Scan(#[from] scan::ScanError),
    /// The restore's target cannot be used.
    #[error(transparent)]
    Target(#[from] target::TargetError),
    /// A part of a drive cannot be read, so that no commit is made of it.
    #[error("{path} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The target holds something and no overwrite rule was given.
    #[error("{path} is not empty")]
    TargetNotEmpty {
        /// The directory.
        path: String,
    },
    /// Sealed bytes do not open or do not fit their description.
    #[error("Sealed data is damaged or not ours")]
    Sealed(#[from] chunker::Error),
    /// A record is not what it should be.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A record that came back does not make sense.
    #[error(transparent)]
    Format(#[from] crate::vault::FormatError),
    /// The local index failed.
    #[error("The local catalog failed")]
    Catalog(#[from] store::CatalogError),
    /// The disk under the spool failed or is full.
    #[error("The spool failed")]
    Spool(#[from] store::SpoolError),
    /// The metadata cache failed or its disk is full.
    #[error("The metadata cache failed")]
    Cache {
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// What an owner entrusted cannot be read or written.
    #[error(transparent)]
    Wards(#[from] store::WardsError),
    /// The mandate we were given is no good any more.
    #[error("The mandate to care for another owner's shards is void")]
    Mandate(#[source] p2p::MandateError),
    /// More than a guardian takes.
    #[error("A guardian cannot take a list of {packs} packs")]
    TooLargeToGuard {
        /// How many.
        packs: u64,
    },
    /// One peer could not be asked, or declined.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The place of a drill cannot be made or emptied.
    #[error("The place of the drill failed")]
    Place {
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The previous head could not be matched with what the grid holds.
    #[error(
        "Another head with number {seq} of this device exists: this home was copied or rolled back"
    )]
    Forked {
        /// The number used twice.
        seq: u64,
    },
    /// The peers that answer have only older heads of this device than this home does.
    #[error("This home has head {mine}, the peers that answer know number {found} at most")]
    HeadBehind {
        /// The number of this home's newest head.
        mine: u64,
        /// The newest number they know; 0 for none.
        found: u64,
    },
    /// Too few holders confirmed the head to make it count.
    #[error("Only {confirmed} of {asked} holders confirmed the new head")]
    NotWitnessed {
        /// Holders that confirmed.
        confirmed: usize,
        /// Holders asked.
        asked: usize,
    },
    /// So many snapshots that what names them does not fit into a head.
    #[error("The head would take {len} bytes, and may take {limit}: there are too many snapshots")]
    HeadTooLarge {
        /// Its size.
        len: usize,
        /// What holders take.
        limit: usize,
    },
    /// This device claims so many drives that another one would not fit into its heads.
    #[error("This machine writes or wrote {limit} drives, which is as many as one can")]
    TooManyDrives {
        /// How many.
        limit: usize,
    },
    /// Sealed packs were damaged before they were sent, and with them what waited for them.
    #[error("{packs} packs that waited to be sent are damaged; back up again")]
    SpoolLost {
        /// How many.
        packs: u64,
    },
    /// Nothing says what to keep.
    #[error("No rule says what to keep, so nothing is forgotten")]
    NoRules,
    /// A tag that is none.
    #[error("A tag has 1 to {limit} bytes and no comma")]
    BadTag {
        /// Most bytes.
        limit: usize,
    },
    /// More tags than a snapshot may have.
    #[error("Snapshot {snapshot} would have more than {limit} tags")]
    TooManyTags {
        /// Which snapshot.
        snapshot: chunker::SnapshotId,
        /// Most tags.
        limit: usize,
    },
    /// Another device published it: that one may change what is said of it.
    #[error("Snapshot {snapshot} is another machine's: say it there")]
    OthersSnapshot {
        /// Which snapshot.
        snapshot: chunker::SnapshotId,
    },
    /// It is not forgotten while it is pinned.
    #[error("Snapshot {snapshot} is pinned")]
    Pinned {
        /// Which snapshot.
        snapshot: chunker::SnapshotId,
    },
    /// The rules would forget every snapshot of a group.
    #[error("The rules keep none of the {snapshots} snapshots of a group, so nothing is forgotten")]
    KeepsNothing {
        /// Snapshots of the group.
        snapshots: usize,
    },
    /// A glob pattern is wrong.
    #[error("Pattern {pattern} is not valid")]
    Pattern {
        /// As typed.
        pattern: String,
    },
    /// The redundancy asked for is not valid.
    #[error("Redundancy {text} is not like 8+4")]
    Redundancy {
        /// As typed.
        text: String,
    },
    /// Background work panicked or was dropped at shutdown.
    #[error(transparent)]
    WorkLost(#[from] WorkLost),
    /// The caller asked to stop.
    #[error("Stopped on request")]
    Cancelled,
}

/// Why one request to one peer came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No answer.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// Declined.
    #[error("Peer {peer} refused: {refusal}")]
    Refused {
        /// Who.
        peer: PeerId,
        /// Why.
        refusal: Refusal,
    },
    /// The bytes it gave do not match their name.
    #[error("Peer {peer} gave wrong bytes for shard {shard}")]
    WrongBytes {
        /// Who.
        peer: PeerId,
        /// Which.
        shard: chunker::ShardId,
    },
}
