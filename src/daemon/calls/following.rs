//! `drive mount --read-only`: what another machine writes.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::Run;
use super::driving::unknown;
use crate::api::{DriveAnswer, DriveView, Failure, PathBytes, codes};
use crate::daemon::failure::failure;
use crate::daemon::following::Following;
use crate::daemon::mounts::Place;
use crate::drive::follower::Follower;
use crate::drive::session::{self, Access, Options};

impl Run {
    /// Mounts the drive's last commit, and the next ones when they come.
    pub(super) async fn follow_drive(
        &self,
        name: &str,
        dir: PathBytes,
        allow_other: bool,
    ) -> Result<DriveAnswer, Failure> {
        let changing = self.engine.drives.changing.lock().await;
        let place = Place { dir: dir.clone(), allow_other, read_only: true };
        if self.is_mounted_so(name, &place)? {
            drop(changing);
            return self.drive_status(name).await;
        }
        let packs = self.engine.data_packs().await?;
        // A mounted drive outlives the call's progress.
        let follower = Follower::new(name, self.engine.ctx().clone(), packs).await?;
        let follower = Arc::new(follower.ok_or_else(|| unknown(name))?);
        let at = Path::new(OsStr::from_bytes(&dir.0)).to_owned();
        let options = Options { name: name.to_owned(), allow_other, access: Access::ReadOnly };
        let (files, runtime) = (Arc::clone(&follower), Handle::current());
        let mounting = move || session::mount(files, &at, &options, runtime);
        let mounted = self.ctx.work(mounting).await??;
        self.engine.follow_drive(follower, mounted);
        self.remember(name, place).await;
        drop(changing);
        self.drive_status(name).await
    }

    /// Whether it is mounted there already, in this very way. Refuses what is mounted otherwise, or
    /// could not be served.
    pub(super) fn is_mounted_so(&self, name: &str, place: &Place) -> Result<bool, Failure> {
        self.check_served()?;
        let written = self.engine.drives.get(name).and_then(|running| running.dir());
        let followed =
            || self.engine.drives.followed.get(name).map(|following| following.dir.clone());
        match written.or_else(followed) {
            Some(_) if self.engine.drives.mounts.get(name).as_ref() == Some(place) => Ok(true),
            Some(at) => {
                let message = format!("Drive {name} is mounted at {} already", at.display());
                Err(codes::DRIVE.failure(message))
            }
            None => Ok(false),
        }
    }

    /// Refuses what no agent would serve.
    pub(super) fn check_served(&self) -> Result<(), Failure> {
        if self.engine.is_agent() {
            return Ok(());
        }
        let message = "A drive is served by the agent, and none runs here";
        Err(failure(codes::DAEMON_UNREACHABLE, message, &["gbak daemon"]))
    }

    pub(super) async fn unfollow_drive(
        &self,
        following: Arc<Following>,
    ) -> Result<DriveAnswer, Failure> {
        let unmounting = Arc::clone(&following);
        self.ctx.work(move || unmounting.unmount()).await??;
        self.forget_mount(following.follower.name()).await?;
        following.ended().await;
        Ok(DriveAnswer::Status(view(&following, false)))
    }
}

/// How a followed drive stands.
pub(super) fn view(following: &Following, mounted: bool) -> DriveView {
    let (follower, showing) = (&following.follower, following.follower.showing());
    let dir = mounted.then(|| PathBytes(following.dir.clone().into_os_string().into_vec()));
    DriveView {
        schema: "gbak.drive/1".to_owned(),
        name: follower.name().to_owned(),
        mounted,
        dir,
        stored_bytes: follower.stored(),
        capacity_bytes: follower.stored(),
        committed_snapshot: Some(showing.commit.to_string()),
        trouble: follower.trouble(),
        role: mounted.then(|| "follower".to_owned()),
        epoch: showing.epoch,
        unconfirmed_secs: showing.confirmed.map(|at| at.elapsed().as_secs()),
        ..DriveView::default()
    }
}
