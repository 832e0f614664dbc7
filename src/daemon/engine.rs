//! One home in use: its keys, catalog, spool and shelf, served to the grid and ready for calls.
//!
//! Invariants: everything here is opened under the home's lock, which is given back last; what
//! blocks runs on the offload. How it fails: opening is all or nothing, with an error that says
//! which part is unusable; a catalog that is damaged is named as such, and thrown away only when
//! the caller came to rebuild it (I14).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chunker::PeerId;
use p2p::swarm::{Swarm, SwarmConfig, SwarmError};
use p2p::{Clock, Members};
use store::{
    Catalog, CatalogError, DbAt, DiskMedium, Donation, Home, HomeError, HomeLock, PackCache, Shelf,
    ShelfAt, ShelfError, Spool, SpoolError, StatvfsGauge, Wards,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::absence;
use super::disks;
use super::drives::Drives;
use super::hearing::Hearing;
use super::keys;
use super::measuring;
use super::mounts::Mounts;
use super::regulator::{Files, Regulator};
use super::roster::RosterKeeper;
use super::watch::Watch;
use crate::api::limits::CallLimits;
use crate::budget::Budget;
use crate::clock::SystemClock;
use crate::config::{Config, ConfigError};
use crate::entropy::{self, Entropy, OsEntropy};
use crate::flow::{self, Ctx};
use crate::host::{Admission, Host};
use crate::monitor::NoMonitor;
use crate::offload::{Offload, PoolOffload, WorkLost, offload};
use crate::vault::Vault;
use crate::vault::keystore::{KeyFile, KeyFileError};

/// What the cache of metadata packs may take, in bytes.
const CACHE_BYTES: u64 = 1 << 30;
/// Between two tries for a busy lock: `flock` cannot be waited for with a deadline.
const LOCK_POLL: Duration = Duration::from_millis(200);
/// Between two looks for quarantines that are over, unless these are shorter.
const SWEEP_PERIOD: Duration = Duration::from_secs(600);
/// However short they are.
const SWEEP_MIN: Duration = Duration::from_secs(1);
/// How long the roster may lag behind: changes come in bursts.
const ROSTER_LAG: Duration = Duration::from_secs(5);

/// Why a home cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// There is no such home, or somebody else has it.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The directory has no keys: nothing was set up there.
    #[error("No keys in {}", path.display())]
    NoKeys {
        /// The home.
        path: PathBuf,
    },
    /// The key file does not open.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The settings are wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The catalog's content cannot be trusted.
    #[error("The catalog {} is damaged; it can be read from the grid again", path.display())]
    CatalogDamaged {
        /// The database.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: CatalogError,
    },
    /// The catalog cannot be opened.
    #[error(transparent)]
    Catalog(CatalogError),
    /// The shelf cannot be opened.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// The spool cannot be opened.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The system refused something.
    #[error("Cannot use {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The network cannot be started.
    #[error(transparent)]
    Swarm(#[from] SwarmError),
    /// Background work was cut short.
    #[error(transparent)]
    WorkLost(#[from] WorkLost),
}

/// How to use a home.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// Listens there instead of where the settings say; empty keeps them.
    pub listen: Vec<String>,
    /// Listens on another port where one is taken: a command has no need of the one that others
    /// know, and whoever has it may be another user's agent.
    pub any_port: bool,
    /// Tried besides the settings' addresses.
    pub bootstrap: Vec<String>,
    /// Keeps away from mDNS whatever the settings say.
    pub no_mdns: bool,
    /// Throws a damaged catalog away instead of failing.
    pub discard_damaged_catalog: bool,
    /// The command line's limits, which win over the settings'.
    pub limits: CallLimits,
}

/// One home in use.
pub struct Engine {
    pub(super) home: Home,
    pub(super) config: Config,
    pub(super) host: Host,
    pub(super) swarm: Swarm,
    pub(super) ctx: Ctx<Swarm>,
    /// Held by whatever writes the owner's own backup: one at a time.
    pub(super) writing: tokio::sync::Mutex<()>,
    /// Held by whatever audits: one at a time.
    pub(super) auditing: tokio::sync::Mutex<()>,
    /// What other owners entrusted to this device.
    pub(super) wards: Wards,
    /// Told of whenever a holder said that it lost shards of ours.
    pub(super) lost: Arc<tokio::sync::Notify>,
    /// Held by whatever drills: one at a time.
    pub(super) drilling: tokio::sync::Mutex<()>,
    /// Held by whatever changes the settings' file.
    pub(super) changing: Arc<Mutex<()>>,
    /// Follows what happens to the disks.
    pub(super) watch: Watch,
    /// Keeps the network to the limits.
    pub(super) regulator: Arc<Regulator>,
    /// Data packs fetched for reading, opened when first needed.
    pub(super) reads: tokio::sync::OnceCell<Arc<PackCache>>,
    /// Drives that are mounted.
    pub(super) drives: Drives,
    roster: Arc<Mutex<RosterKeeper>>,
    /// Whether this is an agent's, which answers calls of others.
    agent: AtomicBool,
    pub(super) upkeep: TaskTracker,
    pub(super) stopping: CancellationToken,
    _lock: HomeLock,
}

/// Runs blocking work away from the async threads, for those who have no engine yet.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    let pool: Arc<dyn Offload> = Arc::new(PoolOffload::new(tokio::runtime::Handle::current()));
    offload(&pool, work).await?
}

/// Opens the home that is there and takes its lock, waiting for it at most `retry`.
pub async fn enter(root: PathBuf, retry: Duration) -> Result<(Home, HomeLock), EngineError> {
    let home = Home::open(root)?;
    let lock = take_lock(&home, retry).await?;
    Ok((home, lock))
}

/// Takes the lock of a home, waiting for it at most `retry`.
pub(super) async fn take_lock(home: &Home, retry: Duration) -> Result<HomeLock, HomeError> {
    let deadline = Instant::now() + retry;
    loop {
        match home.lock() {
            Err(HomeError::Busy { .. }) if Instant::now() < deadline => {
                tokio::time::sleep(LOCK_POLL).await;
            }
            done => return done,
        }
    }
}

/// What of the home's disk an engine works with.
pub(super) struct Disk {
    pub(super) catalog: Catalog,
    spool: Spool,
    cache: PackCache,
    pub(super) shelf: Shelf,
    roster: RosterKeeper,
    known: Vec<p2p::wire::Hello>,
    mounts: Mounts,
}

impl Engine {
    /// Starts an engine on a home whose lock is held, with its keys.
    pub async fn start(
        home: Home,
        lock: HomeLock,
        keys: KeyFile,
        opening: &Opening,
    ) -> Result<Self, EngineError> {
        let pool: Arc<dyn Offload> = Arc::new(PoolOffload::new(tokio::runtime::Handle::current()));
        let (root, discard) = (home.clone(), opening.discard_damaged_catalog);
        let opened = offload(&pool, move || {
            let config = Config::load(&root.config())?;
            let disk = open_disk(&root, &config, discard)?;
            Ok::<_, EngineError>((config, disk))
        });
        let ((config, disk), clock) = (opened.await??, Arc::new(SystemClock) as Arc<dyn Clock>);
        let members = Members::new(keys::identity(&keys), disk.known, clock.clone());
        introduce(&members, &config, home.root());
        measuring::resume(&disk.catalog, &members);
        let (roll, wards) = (Arc::new(members.clone()), Wards::at(home.wards()));
        let host = Host::new(disk.shelf, roll, clock.clone(), pool.clone(), admission(&keys))
            .guarding(wards.clone())
            .signing(keys::device_key(&keys), keys.device_cert.clone());
        offer_at_once(&host, &members).await;
        let swarm = start_swarm(&keys, members, &config, opening, host.clone()).await?;
        let (shared, system) = ((swarm.clone(), host.clone()), (clock.clone(), pool.clone()));
        let files = Files { config: home.config(), paused: home.root().join("paused") };
        let regulator =
            Regulator::new(shared, system, files, config.limits.clone(), opening.limits);
        let settings = Arc::new(super::policy::configured(&config.placement));
        let ctx = Ctx {
            grid: swarm.clone(),
            catalog: disk.catalog,
            spool: Arc::new(disk.spool),
            cache: Arc::new(disk.cache),
            vault: Arc::new(Vault::from_secret(&keys.vault_secret)),
            device: Arc::new(keys::device(&keys)),
            policy: Arc::clone(&settings),
            settings,
            clock,
            offload: pool,
            budget: Budget::new(Budget::AGENT),
            buffers: flow::buffers(),
            entropy: Arc::new(OsEntropy),
            monitor: Arc::new(NoMonitor),
        };
        let watch = Watch::new(&host, &swarm, (&ctx.offload, home.config()), Arc::default());
        let engine = Self {
            home,
            config,
            host,
            swarm,
            ctx,
            writing: tokio::sync::Mutex::new(()),
            auditing: tokio::sync::Mutex::new(()),
            wards,
            lost: Arc::default(),
            drilling: tokio::sync::Mutex::new(()),
            changing: Arc::clone(&watch.changing),
            watch,
            regulator: Arc::new(regulator),
            reads: tokio::sync::OnceCell::new(),
            drives: Drives::new(disk.mounts),
            roster: Arc::new(Mutex::new(disk.roster)),
            agent: AtomicBool::new(false),
            upkeep: TaskTracker::new(),
            stopping: CancellationToken::new(),
            _lock: lock,
        };
        engine.keep_up();
        Ok(engine)
    }

    /// This device.
    pub fn me(&self) -> PeerId {
        self.ctx.device.peer()
    }

    /// The grid as this engine sees it.
    pub const fn swarm(&self) -> &Swarm {
        &self.swarm
    }

    /// Everything a verb works with.
    pub const fn ctx(&self) -> &Ctx<Swarm> {
        &self.ctx
    }

    /// The target side.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// Whether an agent runs on this engine.
    pub fn is_agent(&self) -> bool {
        self.agent.load(Ordering::Relaxed)
    }

    pub(super) fn becomes_agent(&self) {
        self.agent.store(true, Ordering::Relaxed);
    }

    /// Stops in order: upkeep, network, roster. Calls must have ended. The lock is given back when
    /// the engine is dropped.
    pub async fn stop(&self) {
        self.stopping.cancel();
        self.upkeep.close();
        self.upkeep.wait().await;
        self.swarm.shutdown().await;
        let (roster, members) = (self.roster.clone(), self.swarm.members().clone());
        if let Err(error) = offload(&self.ctx.offload, move || save(&roster, &members)).await {
            tracing::warn!(%error, "roster not saved");
        }
    }

    /// Frees what others gave back, as its time comes.
    fn keep_sweeping(&self) {
        let (host, stopping) = (self.host.clone(), self.stopping.clone());
        let quarantine = Duration::from_secs(host.shelf().terms().quarantine_secs);
        let pause = quarantine.clamp(SWEEP_MIN, SWEEP_PERIOD);
        drop(self.upkeep.spawn(async move {
            loop {
                let swept = tokio::select! { biased;
                    // A sweep is safe to cut anywhere.
                    () = stopping.cancelled() => return,
                    swept = host.sweep() => swept,
                };
                match swept {
                    Ok(swept) if swept.ended > 0 => {
                        tracing::info!(?swept, "freed what was given back");
                    }
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, "nothing is freed"),
                }
                tokio::select! { biased;
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }));
    }

    /// Hears what holders lost, watches the disks, keeps the offer true and the roster saved until
    /// the engine stops.
    fn keep_up(&self) {
        drop(self.upkeep.spawn(self.watch.clone().keep(self.stopping.clone())));
        drop(self.upkeep.spawn(self.regulator.clone().follow(self.stopping.clone())));
        self.keep_sweeping();
        self.host.listen_with(Arc::new(Hearing {
            catalog: self.ctx.catalog.clone(),
            clock: Arc::clone(&self.ctx.clock),
            news: Arc::clone(&self.lost),
        }));
        let (roster, members) = (self.roster.clone(), self.swarm.members().clone());
        let (stopping, pool) = (self.stopping.clone(), self.ctx.offload.clone());
        drop(self.upkeep.spawn(async move {
            let mut changed = members.changed();
            loop {
                tokio::select! { biased;
                    () = stopping.cancelled() => return,
                    news = changed.changed() => if news.is_err() { return },
                }
                tokio::select! { biased;
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(ROSTER_LAG) => {}
                }
                changed.mark_unchanged();
                let (roster, members) = (roster.clone(), members.clone());
                if offload(&pool, move || save(&roster, &members)).await.is_err() {
                    return;
                }
            }
        }));
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("home", &self.home).finish_non_exhaustive()
    }
}

fn save(roster: &Mutex<RosterKeeper>, members: &Members) {
    let mut roster = roster.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(error) = roster.save(members) {
        tracing::warn!(error = %super::failure::told(&error), "roster not saved");
    }
}

/// The right to admit members, on a device that has the charter's key.
fn admission(keys: &KeyFile) -> Option<Admission> {
    let secret = keys.charter_secret.as_ref()?;
    let charter_key = ed25519_dalek::SigningKey::from_bytes(secret);
    Some(Admission { charter: keys.charter.clone(), charter_key })
}

/// What there is to offer from the first greeting on; nothing, where it cannot be measured yet.
async fn offer_at_once(host: &Host, members: &Members) {
    if let Ok(offer) = host.offer().await {
        members.set_offer(offer);
    }
}

/// Says of this machine what its user says of it. Blocks for a moment.
fn introduce(members: &Members, config: &Config, home: &Path) {
    members.set_site(config.node.site.clone());
    members.announce(config.node.announce.clone());
    absence::resume(home, members);
}

async fn start_swarm(
    keys: &KeyFile,
    members: Members,
    config: &Config,
    opening: &Opening,
    host: Host,
) -> Result<Swarm, SwarmError> {
    let listen = if opening.listen.is_empty() { &config.node.listen } else { &opening.listen };
    let bootstrap = config.node.bootstrap.iter().chain(&opening.bootstrap).cloned().collect();
    let config = SwarmConfig {
        key: *keys.device_secret,
        members,
        listen: listen.clone(),
        any_port: opening.any_port,
        bootstrap,
        mdns: config.node.mdns && !opening.no_mdns,
    };
    Swarm::start(config, Arc::new(host)).await
}

/// Opens all of it. Blocks; the caller holds the lock.
pub(super) fn open_disk(home: &Home, config: &Config, discard: bool) -> Result<Disk, EngineError> {
    let catalog = open_catalog(home, discard)?;
    let spool = Spool::open(&home.spool())?;
    let cache = PackCache::open(&home.cache(), CACHE_BYTES);
    let cache = cache.map_err(|source| EngineError::Io { path: home.cache(), source })?;
    let shelf = open_shelf(home, config)?;
    let mut roster = RosterKeeper::new(home.root().join("roster"));
    let known = roster.load();
    let mounts = Mounts::of(home.root());
    Ok(Disk { catalog, spool, cache, shelf, roster, known, mounts })
}

fn open_catalog(home: &Home, discard: bool) -> Result<Catalog, EngineError> {
    let path = home.catalog_db();
    let opened = Catalog::open(&path).and_then(|catalog| {
        // A database may open and still be torn inside: touch every table once.
        catalog.pack_count()?;
        catalog.chunk_count()?;
        catalog.snapshots()?;
        Ok(catalog)
    });
    match opened {
        Ok(catalog) => Ok(catalog),
        Err(error) if error.is_damaged() && discard => {
            let discarded = Catalog::discard(&path);
            discarded.map_err(|source| EngineError::Io { path: path.clone(), source })?;
            Catalog::open(&path).map_err(EngineError::Catalog)
        }
        Err(source) if source.is_damaged() => Err(EngineError::CatalogDamaged { path, source }),
        Err(error) => Err(EngineError::Catalog(error)),
    }
}

/// The shelf, lending what the settings say of the disk as it is now.
fn open_shelf(home: &Home, config: &Config) -> Result<Shelf, EngineError> {
    let at = ShelfAt {
        medium: Arc::new(DiskMedium::new(home.shelf())),
        db: DbAt::File(home.host_db()),
        donation: Donation::default(),
        gauge: Arc::new(StatvfsGauge),
        disk_path: home.shelf(),
        new_mark: entropy::bytes(&OsEntropy as &dyn Entropy),
    };
    let (shelf, _) = Shelf::open(at)?;
    disks::attach(&shelf, &config.donate);
    disks::apply(&shelf, &config.donate)?;
    shelf.set_terms(config.leases.terms());
    Ok(shelf)
}
