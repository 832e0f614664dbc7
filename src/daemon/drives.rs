//! The drives of a home: opened when mounted or served, kept while somebody is in them, committed
//! behind.
//!
//! An open drive has one task of its own. It saves the table every second, looks how much room
//! there is, commits after some quiet or when somebody waits for room, and ends when the drive is
//! unmounted, by whomever, and not served, or the agent stops: with everything durable here in both
//! cases, and a last commit in the first.
//!
//! While the grid is full or away, or a commit waits for it, none is begun but on request: what is
//! queued takes room on this disk, beside the data, and would take more with each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chunker::{Code, PeerId};
use futures::future::BoxFuture;
use p2p::swarm::Swarm;
use p2p::{Grid, PeerState, Request};
use store::{Gauge, StatvfsGauge};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::failure::told;
use super::following::Followed;
use super::mounts::{Mounts, goes_on};
use crate::drive::disk::{Drive, DriveError};
use crate::drive::lease::{Role, Taking};
use crate::drive::session::{self, Kernel, MountError, Mounted};
use crate::flow::FlowError;
use crate::flow::fence::TakeOver;
use crate::flow::targets::Targets;

/// Between two looks at a drive.
const TICK: Duration = Duration::from_secs(1);
/// A commit begins when nothing has changed for so long,
const QUIET: Duration = Duration::from_secs(10);
/// or when something has waited for so long.
const AT_MOST: Duration = Duration::from_secs(300);
/// After a commit that failed.
const AGAIN: Duration = Duration::from_secs(30);
/// Between two tries to learn whether another machine writes a drive.
const UNSURE: Duration = Duration::from_secs(5);
/// How long peers may take to hear that a drive is given back, if the first time too few did.
const LEAVING: Duration = Duration::from_secs(20);
/// How long peers may take to say what they still offer.
const ASKING: Duration = Duration::from_secs(5);

/// Who is here with how much room.
type Donors = Vec<(PeerId, u64)>;
/// The code of packs, and how many bytes of files fit.
type Pooled = (Option<Code>, u64);

/// An open drive: mounted, or served over WebDAV, or both.
pub(super) struct Running {
    pub(super) drive: Arc<Drive<Swarm>>,
    /// Where it is mounted, told of what changes otherwise.
    pub(super) kernel: Arc<Kernel>,
    ways: watch::Sender<Ways>,
    /// True once everything is done.
    ended: watch::Receiver<bool>,
    /// Set when its user asked for the end: then there is a last commit.
    leaving: AtomicBool,
}

/// The ways into a drive that are open.
#[derive(Debug, Default)]
struct Ways {
    dir: Option<PathBuf>,
    /// All of them, the mount as well.
    count: usize,
    /// Nobody gets in any more.
    closed: bool,
}

/// A way into an open drive, which is open as long as there is one.
#[derive(Debug)]
pub(super) struct Door {
    running: Arc<Running>,
    /// Whether it is the mount.
    mount: bool,
}

impl Door {
    /// One more, unless it is being closed.
    pub(super) fn into(running: &Arc<Running>) -> Option<Self> {
        let mut entered = false;
        running.ways.send_if_modified(|ways| {
            entered = !ways.closed;
            ways.count += usize::from(entered);
            entered
        });
        entered.then(|| Self { running: Arc::clone(running), mount: false })
    }

    /// Where it leads.
    pub(super) const fn running(&self) -> &Arc<Running> {
        &self.running
    }

    /// Closes it. Returns whether it was the last one.
    pub(super) fn close(self) -> bool {
        let running = Arc::clone(&self.running);
        drop(self);
        running.ways.borrow().count == 0
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if self.mount {
            self.running.kernel.set(None);
        }
        // At once: who sees it unmounted sees who else is in it.
        self.running.ways.send_modify(|ways| {
            ways.count -= 1;
            if self.mount {
                ways.dir = None;
            }
        });
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("ways", &self.ways.borrow()).finish_non_exhaustive()
    }
}

impl Running {
    /// Unmounts it. Fails while it is in use.
    pub(super) fn unmount(&self) -> Result<(), MountError> {
        self.dir().map_or(Ok(()), |dir| session::unmount(&dir))
    }

    /// Where it is mounted.
    pub(super) fn dir(&self) -> Option<PathBuf> {
        self.ways.borrow().dir.clone()
    }

    /// Whether it is open otherwise than by being mounted.
    pub(super) fn is_served(&self) -> bool {
        let ways = self.ways.borrow();
        ways.count > usize::from(ways.dir.is_some())
    }

    /// Waits until it is not mounted any more. Returns whether nobody else is in it.
    pub(super) async fn unmounted(&self) -> bool {
        let mut ways = self.ways.subscribe();
        // It has a sender as long as we are here.
        let gone = ways.wait_for(|ways| ways.dir.is_none()).await;
        gone.map_or(true, |ways| ways.count == 0)
    }

    /// Waits until nobody is in it any more, and lets nobody in from then on. Cancel-safe.
    async fn left(&self) {
        let mut ways = self.ways.subscribe();
        loop {
            // An error cannot be, for the same reason.
            drop(ways.wait_for(|ways| ways.count == 0).await);
            if self.ways.send_if_modified(|ways| {
                ways.closed = ways.count == 0;
                ways.closed
            }) {
                return;
            }
        }
    }

    /// Waits until the last commit is made, or could not be.
    pub(super) async fn ended(&self) {
        let mut ended = self.ended.clone();
        // An error says that its task is gone, which is the end as well.
        drop(ended.wait_for(|ended| *ended).await);
    }
}

/// Mounted drives by name.
#[derive(Debug, Default)]
pub(super) struct Drives {
    all: Mutex<BTreeMap<String, Arc<Running>>>,
    /// Held by whoever opens, makes or removes one.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// Those that another machine writes.
    pub(super) followed: Followed,
    /// Which of them are to be mounted, where.
    pub(super) mounts: Arc<Mounts>,
    /// What was worked out last of the grid's room, and for whom.
    pooled: Mutex<Option<(Donors, Pooled)>>,
}

impl Drives {
    /// None yet, of those that are to be mounted.
    pub(super) fn new(mounts: Mounts) -> Self {
        Self { mounts: Arc::new(mounts), ..Self::default() }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Running>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn names(&self) -> Vec<String> {
        self.all().keys().cloned().collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<Running>> {
        self.all().get(name).cloned()
    }
}

impl Engine {
    /// Where a drive lives.
    pub(super) fn drive_dir(&self, name: &str) -> PathBuf {
        self.home.root().join("drives").join(name)
    }

    /// Keeps a drive open while somebody is in it: first the caller.
    pub(super) fn keep_drive(self: &Arc<Self>, drive: Arc<Drive<Swarm>>) -> Door {
        let (done, ended) = watch::channel(false);
        let name = drive.name().to_owned();
        let running = Arc::new(Running {
            drive,
            kernel: Arc::default(),
            ways: watch::Sender::new(Ways { count: 1, ..Ways::default() }),
            ended,
            leaving: AtomicBool::new(false),
        });
        let door = Door { running: Arc::clone(&running), mount: false };
        self.drives.all().insert(name.clone(), Arc::clone(&running));
        let (engine, leased) = (Arc::clone(self), Arc::clone(&running));
        drop(self.upkeep.spawn(async move { keep_lease(&engine, &leased).await }));
        let engine = Arc::clone(self);
        drop(self.upkeep.spawn(async move {
            keep(&engine, &running).await;
            engine.drives.all().remove(&name);
            // Nobody may be waiting.
            done.send_replace(true);
        }));
        door
    }

    /// Keeps a mount until it ends.
    pub(super) fn keep_mount(self: &Arc<Self>, mut door: Door, mut mounted: Mounted) {
        let engine = Arc::clone(self);
        let name = door.running.drive.name().to_owned();
        door.mount = true;
        door.running.kernel.set(Some(&mounted));
        door.running.ways.send_modify(|ways| ways.dir = Some(mounted.dir().to_owned()));
        drop(self.upkeep.spawn(async move {
            mounted.ended().await;
            drop(door);
            engine.was_unmounted(&name).await;
        }));
    }

    /// Commits a drive now, when no backup is being written.
    pub(super) async fn commit_drive(
        &self,
        drive: &Drive<Swarm>,
        cancel: &CancellationToken,
    ) -> Result<(), DriveError> {
        {
            let _writing = self.writing.lock().await;
            if let Role::Unconfirmed { .. } = drive.role() {
                self.settle_lease(drive).await?;
            }
            drive.commit(cancel).await?;
        }
        self.ask_for_room().await;
        self.measure_drive(drive);
        Ok(())
    }

    /// Has everybody who is here say what it still offers: it just took something.
    async fn ask_for_room(&self) {
        let offer = self.swarm.members().offer();
        let online = self.ctx.grid.peers().into_iter();
        let online = online.filter(|peer| peer.state == PeerState::Online);
        let asks =
            online.map(|peer| self.ctx.grid.ask(peer.peer, Request::Ping { nonce: 0, offer }));
        // Who is silent is asked again by itself, a little later.
        drop(tokio::time::timeout(ASKING, futures::future::join_all(asks)).await);
    }

    /// Claims a drive for this machine, or says which one has it.
    pub(super) async fn take_drive(
        &self,
        drive: &Drive<Swarm>,
        take_over: TakeOver,
        cancel: &CancellationToken,
    ) -> Result<(), DriveError> {
        let _writing = self.writing.lock().await;
        let (lease_secs, in_use) = (self.config.drive.lease.0, self.drives.names());
        drive.take(Taking { lease_secs, take_over, in_use: &in_use }, cancel).await
    }

    /// Gives a drive back, if all of it is on the grid. Peers that are here and slow are waited
    /// for, a while.
    pub(super) async fn leave_drive(&self, drive: &Drive<Swarm>) {
        let until = Instant::now() + LEAVING;
        loop {
            let given = {
                let _writing = self.writing.lock().await;
                drive.give_back().await
            };
            let online = |peer: &p2p::PeerInfo| peer.state == PeerState::Online;
            let waits = || Instant::now() < until && self.ctx.grid.peers().iter().any(online);
            let why = match given {
                Ok(true) => return,
                Ok(false) if waits() && goes_on(&self.stopping, TICK).await => continue,
                Ok(false) => "too few peers answer".to_owned(),
                Err(error) => told(&error),
            };
            return tracing::warn!(why, drive = drive.name(), "not given back");
        }
    }

    /// Renews the lease, and settles what came of it unless something else is being published.
    async fn tend_lease(&self, drive: &Drive<Swarm>) -> Result<(), DriveError> {
        if let Role::Writer { .. } = drive.role()
            && !drive.renew().await?
        {
            return Ok(());
        }
        let Some(_writing) = self.try_write() else { return Ok(()) };
        self.settle_lease(drive).await
    }

    /// Claims what could not be claimed before, goes on with what peers confirm, takes back what
    /// was overruled. Publishes: the caller lets nothing else do so.
    async fn settle_lease(&self, drive: &Drive<Swarm>) -> Result<(), DriveError> {
        match drive.role() {
            Role::Fenced { .. } => drive.step_back().await,
            Role::Writer { .. } => drive.move_on().await,
            Role::Unconfirmed { .. } if drive.renew().await? => drive.move_on().await,
            Role::Unconfirmed { .. } => {
                let (lease_secs, in_use) = (self.config.drive.lease.0, self.drives.names());
                let take_over = TakeOver::Never;
                let taking = Taking { lease_secs, take_over, in_use: &in_use };
                drive.claim_again(taking).await
            }
        }
    }

    /// What the grid can still take for this member, after redundancy.
    pub(super) fn pooled(&self) -> Pooled {
        let online = self.ctx.grid.peers().into_iter();
        let online = online.filter(|peer| peer.state == PeerState::Online);
        let donors: Donors = online.map(|peer| (peer.peer, peer.offer.free_bytes)).collect();
        let mut last = self.drives.pooled.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((same, pooled)) if *same == donors => *pooled,
            _ => {
                let asked = self.config.placement.code();
                let pooled = Targets::now(&self.ctx).pooled(&self.ctx, asked);
                *last = Some((donors, pooled));
                pooled
            }
        }
    }

    /// What this disk can take above what its user wants to keep free.
    fn disk_room(&self, dir: &Path) -> u64 {
        let Ok(space) = StatvfsGauge.measure(dir) else { return 0 };
        let kept = self.config.donate.on(space, 0);
        let kept = kept.min_free_bytes.saturating_add(kept.safe_area_bytes);
        space.free_bytes.saturating_sub(kept)
    }

    /// Tells a drive how much room there is.
    pub(super) fn measure_drive(&self, drive: &Drive<Swarm>) {
        let volume = drive.volume();
        volume.recount();
        volume.set_disk(self.disk_room(self.home.root()));
        if !drive.is_committing() {
            // What waits already comes first.
            let room = self.pooled().1.saturating_sub(self.ctx.spool.bytes());
            volume.set_grid(room, drive.is_queued());
        }
    }

    async fn look_at(&self, drive: &Arc<Drive<Swarm>>) -> Result<(), FlowError> {
        let volume = Arc::clone(drive.volume());
        let saved = self.ctx.work(move || volume.save()).await?;
        if let Err(error) = saved {
            tracing::warn!(%error, drive = drive.name(), "cannot save a drive's table");
        }
        self.measure_drive(drive);
        Ok(())
    }
}

/// When the next commit is due.
#[derive(Debug)]
struct Clockwork {
    seen: u64,
    changed: Instant,
    dirty: Option<Instant>,
    not_before: Instant,
}

impl Clockwork {
    fn new() -> Self {
        let now = Instant::now();
        Self { seen: 0, changed: now, dirty: None, not_before: now }
    }

    fn is_due(&mut self, drive: &Drive<Swarm>) -> bool {
        let now = Instant::now();
        if drive.owes() && now >= self.not_before {
            return true;
        }
        if !drive.is_dirty() {
            self.dirty = None;
            return false;
        }
        let dirty = *self.dirty.get_or_insert(now);
        let changes = drive.volume().changes();
        if changes != self.seen {
            self.seen = changes;
            self.changed = now;
        }
        let volume = drive.volume();
        if drive.is_queued() || !volume.can_commit() || now < self.not_before {
            return false;
        }
        volume.is_pressed() || now >= self.changed + QUIET || now >= dirty + AT_MOST
    }
}

/// Renews a drive's lease, and sees which commits are on the grid, until the drive has ended. Apart
/// from its upkeep: peers that do not answer must not keep that waiting.
async fn keep_lease(engine: &Engine, running: &Running) {
    let drive = &running.drive;
    // Heard of three times in the length of a lease.
    let renew = Duration::from_secs((engine.config.drive.lease.0 / 3).max(1));
    let mut renew_at = Instant::now() + renew;
    loop {
        tokio::select! { biased;
            () = running.ended() => break,
            () = tokio::time::sleep(TICK) => {}
        }
        if Instant::now() >= renew_at {
            if let Err(error) = engine.tend_lease(drive).await {
                tracing::warn!(error = %told(&error), drive = drive.name(), "no lease");
            }
            let sure = matches!(drive.role(), Role::Writer { .. });
            renew_at = Instant::now() + if sure { renew } else { renew.min(UNSURE) };
        }
        if let Err(error) = drive.settle().await {
            tracing::warn!(error = %told(&error), "cannot see whether a commit is on the grid");
        }
    }
}

/// A commit that is being made.
type Commit = BoxFuture<'static, Result<(), DriveError>>;

async fn keep(engine: &Arc<Engine>, running: &Arc<Running>) {
    let drive = &running.drive;
    let stopping = engine.stopping.clone();
    let mut clockwork = Clockwork::new();
    let mut commit: Option<Commit> = None;
    loop {
        let idle = commit.is_none();
        tokio::select! { biased;
            () = stopping.cancelled() => break,
            () = running.left() => {
                running.leaving.store(true, Ordering::SeqCst);
                break;
            }
            made = ended(&mut commit), if !idle => {
                commit = None;
                if let Err(error) = made {
                    tracing::warn!(error = %told(&error), drive = drive.name(), "no commit");
                    clockwork.not_before = Instant::now() + AGAIN;
                }
            }
            () = drive.volume().room_wanted() => {}
            () = tokio::time::sleep(TICK) => {}
        }
        if engine.look_at(drive).await.is_err() {
            break;
        }
        if commit.is_none() && clockwork.is_due(drive) {
            let (engine, drive) = (Arc::clone(engine), Arc::clone(drive));
            let cancel = stopping.child_token();
            let made = async move { engine.commit_drive(&drive, &cancel).await };
            commit = Some(Box::pin(made));
        }
    }
    if commit.is_some()
        && let Err(error) = ended(&mut commit).await
    {
        tracing::warn!(error = %told(&error), drive = drive.name(), "no commit");
    }
    end(engine, running, &stopping).await;
}

/// What came of the commit; never, while there is none. Cancel-safe: it goes on when asked again.
async fn ended(commit: &mut Option<Commit>) -> Result<(), DriveError> {
    match commit {
        Some(commit) => commit.await,
        None => std::future::pending().await,
    }
}

/// Everything durable here; and on the grid, or queued for it, unless the agent stops.
async fn end(engine: &Arc<Engine>, running: &Arc<Running>, stopping: &CancellationToken) {
    let drive = &running.drive;
    let leaving = running.leaving.load(Ordering::SeqCst);
    let dir = running.dir();
    let volume = Arc::clone(drive.volume());
    let durable = engine.ctx.work(move || {
        if let Some(dir) = dir.filter(|dir| !leaving && session::unmount(dir).is_err()) {
            // Whoever has files open keeps them until they are closed.
            session::detach(&dir).unwrap_or_default();
        }
        volume.sync_all()
    });
    match durable.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, drive = drive.name(), "a drive is not saved"),
        Err(error) => tracing::error!(%error, drive = drive.name(), "a drive is not saved"),
    }
    if leaving
        && drive.is_dirty()
        && let Err(error) = engine.commit_drive(drive, &stopping.child_token()).await
    {
        tracing::warn!(error = %told(&error), drive = drive.name(), "no last commit");
    }
    if leaving {
        engine.leave_drive(drive).await;
    }
}
