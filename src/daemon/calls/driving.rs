//! `drive`: made, mounted, looked at, committed, taken away.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chunker::Code;
use futures::FutureExt;
use p2p::swarm::Swarm;
use p2p::{Grid, PeerState};
use tokio::runtime::Handle;

use super::{Run, following, wait};
use crate::api::{
    DonorView, DriveAct, DriveAnswer, DriveArgs, DriveDeletedView, DriveTableView, DriveView,
    Failure, PathBytes, SnapshotsView, codes,
};
use crate::clock::SystemClock;
use crate::daemon::drives::{Door, Running};
use crate::daemon::duties;
use crate::daemon::failure::{failure, told};
use crate::daemon::mounts::Place;
use crate::daemon::views;
use crate::drive::disk::{self, Drive, DriveError, DriveSettings};
use crate::drive::lease::{self, Role};
use crate::drive::ops::Files;
use crate::drive::session::{self, Access, Options};
use crate::flow::backup::is_shortage;
use crate::flow::fence::{self, TakeOver};
use crate::flow::look::Listed;
use crate::flow::recover;
use crate::vault::tree::Stamp;
use crate::vault::view::{self, SnapshotSpec};

/// What a drive keeps on this disk when nothing was said.
const CACHE_BYTES: u64 = 4 << 30;
/// Between two looks whether everything is on the grid.
const LOOK: Duration = Duration::from_millis(500);
/// Longest name of a drive: it is part of file names and tags.
const NAME_LIMIT: usize = 64;

impl Run {
    /// Not cancel-safe where it commits: stop it through `cancel`.
    pub(super) async fn drive(&self, args: DriveArgs) -> Result<DriveAnswer, Failure> {
        let name = checked(args.name)?;
        if !matches!(args.act, DriveAct::Status | DriveAct::Snapshots | DriveAct::Unmount) {
            self.settle(wait(args.wait_peers_secs)).await?;
        }
        match args.act {
            DriveAct::Create { size, cache } => self.create_drive(&name, size, cache).await,
            DriveAct::Mount { dir, allow_other, read_only: true, .. } => {
                self.follow_drive(&name, dir, allow_other).boxed().await
            }
            DriveAct::Mount { dir, allow_other, take_over, without_majority, .. } => {
                let how = match (take_over, without_majority) {
                    (false, _) => TakeOver::Never,
                    (true, false) => TakeOver::AfterLease,
                    (true, true) => TakeOver::WithoutMajority,
                };
                self.mount_drive(&name, dir, allow_other, how).boxed().await
            }
            DriveAct::Unmount => self.unmount_drive(&name).await,
            DriveAct::Status => self.drive_status(&name).await,
            DriveAct::Sync { grid } => self.sync_drive(&name, grid).boxed().await,
            DriveAct::Table => self.drive_table(&name).await,
            DriveAct::Resize { size, cache } => self.resize_drive(&name, size, cache).await,
            DriveAct::Snapshots => self.drive_snapshots(&name),
            DriveAct::Rollback { snapshot } => self.roll_back(&name, &snapshot).boxed().await,
            DriveAct::Delete { force } => self.delete_drive(&name, force).await,
        }
    }

    async fn create_drive(
        &self,
        name: &str,
        size: Option<u64>,
        cache: Option<u64>,
    ) -> Result<DriveAnswer, Failure> {
        let changing = self.engine.drives.changing.lock().await;
        let dir = self.engine.drive_dir(name);
        if dir.exists() {
            return Err(codes::DRIVE.failure(format!("There is a drive {name} here already")));
        }
        if !disk::commits(&self.ctx, name)?.is_empty() {
            let message = format!("The vault has a drive {name} already: mount it");
            return Err(failure(codes::DRIVE, message, &["gbak drive mount NAME DIR"]));
        }
        self.make_drive(name, DriveSettings { size, cache: cache.unwrap_or(CACHE_BYTES) }).await?;
        drop(changing);
        self.drive_status(name).await
    }

    async fn make_drive(&self, name: &str, settings: DriveSettings) -> Result<(), Failure> {
        let dir = self.engine.drive_dir(name);
        let above = self.engine.home.root().join("drives");
        let made = move || {
            store::make_private_dir(&above).map_err(|source| no_directory(&above, &source))?;
            Ok::<_, Failure>(disk::create(&dir, settings)?)
        };
        self.ctx.work(made).await?
    }

    /// The drive that is on this machine, opened.
    async fn open_drive(&self, name: &str) -> Result<Drive<Swarm>, Failure> {
        let packs = self.engine.data_packs().await?;
        let (dir, name) = (self.engine.drive_dir(name), name.to_owned());
        if !dir.exists() {
            return Err(unknown(&name));
        }
        // A drive outlives the call's progress.
        let ctx = self.engine.ctx().clone();
        let now = Arc::new(|| {
            let (secs, nanos) = SystemClock.stamp();
            Stamp { secs, nanos }
        });
        let open = move || Drive::open(&dir, &name, ctx, packs, now);
        Ok(self.ctx.work(open).await??.coded(self.engine.config.placement.code()))
    }

    async fn mount_drive(
        &self,
        name: &str,
        dir: PathBytes,
        allow_other: bool,
        take_over: TakeOver,
    ) -> Result<DriveAnswer, Failure> {
        let changing = self.engine.drives.changing.lock().await;
        let at = Path::new(OsStr::from_bytes(&dir.0)).to_owned();
        let place = Place { dir, allow_other, read_only: false };
        let fenced = |running: Arc<Running>| matches!(running.drive.role(), Role::Fenced { .. });
        let there = self.is_mounted_so(name, &place)?;
        if there && !self.engine.drives.get(name).is_some_and(fenced) {
            drop(changing);
            return self.drive_status(name).await;
        }
        let prepared = at.clone();
        // Before the drive is taken for nothing.
        self.ctx.work(move || session::prepare(&prepared)).await??;
        let open = self.open_door(name, take_over).boxed().await?;
        let drive = &open.running().drive;
        let options = Options { name: name.to_owned(), allow_other, access: Access::ReadWrite };
        let (volume, runtime) = (Arc::clone(drive.volume()), Handle::current());
        let mounting = move || session::mount(volume, &at, &options, runtime);
        let mounted = self.ctx.work(mounting).await??;
        self.engine.keep_mount(open, mounted);
        self.remember(name, place).await;
        drop(changing);
        self.drive_status(name).await
    }

    /// A way into a drive: into the one that is open, or else it is opened.
    pub(super) async fn door(&self, name: &str, wait_secs: Option<u64>) -> Result<Door, Failure> {
        let name = checked(name.to_owned())?;
        self.settle(wait(wait_secs)).await?;
        let _changing = self.engine.drives.changing.lock().await;
        self.check_served()?;
        if self.engine.drives.followed.get(&name).is_some() {
            let message = format!("Drive {name} is only followed here");
            return Err(failure(codes::FENCED, message, &["gbak drive serve NAME --read-only"]));
        }
        self.open_door(&name, TakeOver::Never).await
    }

    /// The same for who holds the lock.
    async fn open_door(&self, name: &str, take_over: TakeOver) -> Result<Door, Failure> {
        while let Some(running) = self.engine.drives.get(name) {
            match Door::into(&running) {
                Some(door) => return Ok(door),
                // It is being closed: it can be opened again in a moment.
                None => running.ended().await,
            }
        }
        self.learn().await?;
        let drive = Arc::new(self.drive_here(name).boxed().await?);
        let taken = self.engine.take_drive(&drive, take_over, &self.cancel).boxed().await;
        taken.map_err(|error| self.refused(error))?;
        Ok(self.engine.keep_drive(drive))
    }

    /// Who has the drive, by the name that its owner gave it.
    fn refused(&self, error: DriveError) -> Failure {
        let DriveError::Held { by, ran_out } = error else { return error.into() };
        let known = self.ctx.grid.peers().into_iter().find(|peer| peer.peer == by);
        let name = known.map_or_else(|| "another machine".to_owned(), |peer| peer.name);
        let (short, lease) = (by.short(), self.engine.config.drive.lease);
        let since = match ran_out {
            Some(true) => format!("has not been heard of for {lease}"),
            Some(false) => format!("was heard of within the last {lease}"),
            None => "too few peers answer to say when it was heard of last".to_owned(),
        };
        let message = format!("Machine {name} ({short}) writes the drive, and {since}");
        let help: &[&str] = if ran_out == Some(true) {
            &["gbak drive mount NAME DIR --take-over"]
        } else {
            &["gbak drive mount NAME DIR --read-only"]
        };
        failure(codes::FENCED, message, help)
    }

    /// Learns what other machines of the owner committed, as far as anybody answers.
    async fn learn(&self) -> Result<(), Failure> {
        if self.ctx.grid.peers().iter().any(|peer| peer.state == PeerState::Online) {
            recover::refresh(&self.ctx).await?;
        }
        Ok(())
    }

    /// The drive on this machine; made from its last commit when it is only on the grid.
    async fn drive_here(&self, name: &str) -> Result<Drive<Swarm>, Failure> {
        if self.engine.drive_dir(name).exists() {
            return self.open_drive(name).await;
        }
        let newest = lease::line(disk::commits(&self.ctx, name)?).pop();
        let newest = newest.ok_or_else(|| unknown(name))?;
        self.make_drive(name, DriveSettings { size: None, cache: CACHE_BYTES }).await?;
        let adopted = self.adopt(name, &newest).await;
        if adopted.is_err() {
            // Half a drive must not pass for an empty one.
            let dir = self.engine.drive_dir(name);
            let removed = self.ctx.work(move || std::fs::remove_dir_all(dir)).await?;
            removed.unwrap_or_else(|error| tracing::warn!(%error, "half a drive stays behind"));
        }
        adopted
    }

    async fn adopt(&self, name: &str, commit: &Listed) -> Result<Drive<Swarm>, Failure> {
        let drive = self.open_drive(name).await?;
        drive.adopt(commit.id, &commit.snapshot).await?;
        Ok(drive)
    }

    async fn unmount_drive(&self, name: &str) -> Result<DriveAnswer, Failure> {
        if !self.engine.is_mounted(name) {
            // The agent may be about to mount it again.
            drop(self.engine.drives.changing.lock().await);
        }
        if let Some(following) = self.engine.drives.followed.get(name) {
            return self.unfollow_drive(following).await;
        }
        let Some(running) = self.engine.drives.get(name) else {
            return self.give_up(name).await;
        };
        let unmounting = Arc::clone(&running);
        self.ctx.work(move || unmounting.unmount()).await??;
        self.forget_mount(name).await?;
        if running.unmounted().await {
            running.ended().await;
        } else {
            // Others are still in it.
            self.engine.commit_drive(&running.drive, &self.cancel).await?;
        }
        self.drive_status(name).await
    }

    fn running(&self, name: &str) -> Result<Arc<Running>, Failure> {
        if let Some(following) = self.engine.drives.followed.get(name) {
            let at = following.dir.display();
            let message = format!("Drive {name} is mounted read only at {at}");
            return Err(codes::DRIVE.failure(message));
        }
        let running = self.engine.drives.get(name);
        running.ok_or_else(|| codes::DRIVE.failure(format!("Drive {name} is not mounted")))
    }

    pub(super) async fn drive_status(&self, name: &str) -> Result<DriveAnswer, Failure> {
        if let Some(following) = self.engine.drives.followed.get(name) {
            return Ok(DriveAnswer::Status(following::view(&following, true)));
        }
        if let Some(running) = self.engine.drives.get(name) {
            let dir = running.dir().map(|dir| PathBytes(dir.as_os_str().as_bytes().to_vec()));
            let mut view = self.drive_view(&running.drive, dir).await?;
            view.served = running.is_served();
            return Ok(DriveAnswer::Status(self.with_wish(view)));
        }
        if let Some(view) = self.only_wanted(name) {
            return Ok(DriveAnswer::Status(view));
        }
        let _changing = self.engine.drives.changing.lock().await;
        let drive = Arc::new(self.open_drive(name).await?);
        let view = self.drive_view(&drive, None).await?;
        Ok(DriveAnswer::Status(self.with_wish(view)))
    }

    async fn drive_view(
        &self,
        drive: &Arc<Drive<Swarm>>,
        dir: Option<PathBytes>,
    ) -> Result<DriveView, Failure> {
        drive.settle().await?;
        let looked = Arc::clone(drive);
        let figures = self.ctx.work(move || looked.figures()).await?;
        self.engine.measure_drive(drive);
        let space = drive.volume().space();
        let mounted = dir.is_some();
        let (role, taken_by) = match drive.role() {
            Role::Unconfirmed { .. } => ("unconfirmed", None),
            Role::Writer { .. } => ("writer", None),
            Role::Fenced { by, .. } => ("fenced", Some(by.to_string())),
        };
        Ok(DriveView {
            schema: "gbak.drive/1".to_owned(),
            name: drive.name().to_owned(),
            mounted,
            dir,
            served: false,
            stored_bytes: figures.stored,
            dirty_bytes: figures.dirty,
            queued_bytes: figures.queued,
            committed_snapshot: drive.facts().snapshot.map(|id| id.to_string()),
            cache_bytes: figures.here,
            cache_limit_bytes: drive.settings().cache,
            capacity_bytes: space.total,
            available_bytes: space.available,
            trouble: drive.trouble(),
            role: mounted.then(|| role.to_owned()),
            epoch: drive.role().epoch(),
            taken_by,
            conflict_snapshot: drive.conflict().map(|id| id.to_string()),
            ..DriveView::default()
        })
    }

    async fn sync_drive(&self, name: &str, grid: bool) -> Result<DriveAnswer, Failure> {
        let running = self.running(name)?;
        let volume = Arc::clone(running.drive.volume());
        self.ctx.work(move || volume.sync_all()).await?.map_err(DriveError::from)?;
        self.engine.commit_drive(&running.drive, &self.cancel).await?;
        if let Role::Fenced { by, .. } = running.drive.role() {
            return Err(DriveError::Fenced { by }.into());
        }
        while grid && running.drive.facts().proven < running.drive.facts().number {
            tokio::select! { biased;
                () = self.cancel.cancelled() => {
                    let message = "Stopped on request; the commit is queued";
                    return Err(codes::INTERRUPTED.failure(message));
                }
                () = tokio::time::sleep(LOOK) => {}
            }
            if let Role::Fenced { by, .. } = running.drive.role() {
                return Err(DriveError::Fenced { by }.into());
            }
            // Somebody waits: not only when the agent would look by itself.
            match duties::catch_up_once(&self.engine).await {
                Err(error) if !is_shortage(&error) => return Err(error.into()),
                _ => running.drive.settle().await?,
            }
        }
        self.drive_status(name).await
    }

    async fn drive_table(&self, name: &str) -> Result<DriveAnswer, Failure> {
        let health = self.health().await?;
        let (code, usable_bytes) = self.engine.pooled();
        let donor = |info: &p2p::PeerInfo| DonorView {
            peer_id: info.peer.to_string(),
            name: info.name.clone(),
            state: views::state(info.state).to_owned(),
            donated_bytes: info.offer.donated_bytes,
            free_bytes: info.offer.free_bytes,
            mine_bytes: health.kept_by.get(&info.peer).map_or(0, |kept| kept.bytes),
        };
        Ok(DriveAnswer::Table(DriveTableView {
            schema: "gbak.drive-table/1".to_owned(),
            name: name.to_owned(),
            k: code.map_or(0, Code::k),
            m: code.map_or(0, Code::m),
            donors: self.ctx.grid.peers().iter().map(donor).collect(),
            usable_bytes,
        }))
    }

    async fn resize_drive(
        &self,
        name: &str,
        size: Option<u64>,
        cache: Option<u64>,
    ) -> Result<DriveAnswer, Failure> {
        let changing = self.engine.drives.changing.lock().await;
        if let Some(running) = self.engine.drives.get(name) {
            let drive = Arc::clone(&running.drive);
            self.ctx.work(move || drive.resize(size, cache)).await??;
        } else {
            let drive = self.open_drive(name).await?;
            self.ctx.work(move || drive.resize(size, cache)).await??;
        }
        drop(changing);
        self.drive_status(name).await
    }

    fn drive_snapshots(&self, name: &str) -> Result<DriveAnswer, Failure> {
        let all = lease::line(disk::commits(&self.ctx, name)?);
        let schema = "gbak.snapshots/1".to_owned();
        let snapshots = all.iter().map(views::snapshot).collect();
        Ok(DriveAnswer::Snapshots(SnapshotsView { schema, snapshots }))
    }

    /// What is not in a commit yet gets one first: rolling back loses nothing.
    async fn roll_back(&self, name: &str, snapshot: &str) -> Result<DriveAnswer, Failure> {
        let changing = self.engine.drives.changing.lock().await;
        if self.engine.drives.get(name).is_some() {
            let message = format!("Drive {name} is in use; programs would see it change");
            return Err(failure(codes::DRIVE, message, &["gbak drive unmount NAME"]));
        }
        let spec =
            SnapshotSpec::parse(snapshot.as_bytes()).map_err(crate::flow::FlowError::from)?;
        let all = disk::commits(&self.ctx, name)?;
        let times: Vec<_> = all.iter().map(|one| (one.id, one.snapshot.time)).collect();
        let id = view::resolve(&spec, &times).map_err(crate::flow::FlowError::from)?;
        let drive = self.open_drive(name).await?;
        let taken = self.engine.take_drive(&drive, TakeOver::Never, &self.cancel).boxed().await;
        taken.map_err(|error| self.refused(error))?;
        self.engine.commit_drive(&drive, &self.cancel).await?;
        if let Some(commit) = all.into_iter().find(|one| one.id == id) {
            drive.adopt(commit.id, &commit.snapshot).await?;
        }
        self.engine.leave_drive(&drive).await;
        drop((drive, changing));
        self.drive_status(name).await
    }

    async fn delete_drive(&self, name: &str, force: bool) -> Result<DriveAnswer, Failure> {
        let _changing = self.engine.drives.changing.lock().await;
        if let Some(running) = self.engine.drives.get(name) {
            let message = match running.dir() {
                Some(at) => format!("Drive {name} is mounted at {}", at.display()),
                None => format!("Drive {name} is served"),
            };
            return Err(failure(codes::DRIVE, message, &["gbak drive unmount NAME"]));
        }
        let drive = self.open_drive(name).await?;
        drive.settle().await?;
        let figures = drive.figures();
        let only_here = figures.dirty + figures.queued;
        if only_here > 0 && !force {
            let message = format!("Drive {name} has {only_here} bytes that are only here");
            let help = &["gbak drive mount NAME DIR", "gbak drive delete NAME --force"];
            return Err(failure(codes::DRIVE, message, help));
        }
        drop(drive);
        {
            let _writing = self.engine.writing.lock().await;
            fence::drop_claim(&self.ctx, name).await?;
        }
        let dir: PathBuf = self.engine.drive_dir(name);
        let at = dir.clone();
        let removed = self.ctx.work(move || std::fs::remove_dir_all(dir)).await?;
        removed.map_err(|source| no_directory(&at, &source))?;
        self.forget_mount(name).await?;
        Ok(DriveAnswer::Deleted(DriveDeletedView {
            schema: "gbak.drive-deleted/1".to_owned(),
            name: name.to_owned(),
            snapshots_kept: disk::commits(&self.ctx, name)?.len() as u64,
        }))
    }
}

/// A name that can be part of a path and of a tag.
fn checked(name: String) -> Result<String, Failure> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty()
        || name.len() > NAME_LIMIT
        || name.starts_with('.')
        || !name.chars().all(fits)
    {
        let message = "A drive's name has letters, digits, dots, hyphens and underscores";
        return Err(codes::USAGE.failure(message));
    }
    Ok(name)
}

pub(super) fn unknown(name: &str) -> Failure {
    let message = format!("There is no drive {name}, neither here nor in the vault");
    failure(codes::DRIVE, message, &["gbak drive create NAME", "gbak snapshots"])
}

fn no_directory(dir: &Path, error: &std::io::Error) -> Failure {
    codes::DISK.failure(format!("Cannot use {}: {error}", dir.display()))
}

impl From<DriveError> for Failure {
    fn from(error: DriveError) -> Self {
        match error {
            DriveError::Flow(error) => error.into(),
            DriveError::Held { .. } | DriveError::Fenced { .. } => {
                codes::FENCED.failure(told(&error))
            }
            DriveError::Unclaimed => failure(codes::TOO_FEW_PEERS, told(&error), &["gbak peers"]),
            other => codes::DISK.failure(told(&other)),
        }
    }
}
