//! What is remembered of a drive's mount: where it is to come back when the agent starts again.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Run;
use crate::api::{DriveAnswer, DriveView, Failure, WantedView, codes};
use crate::daemon::engine::EngineError;
use crate::daemon::mounts::Place;
use crate::drive::session;

impl Run {
    /// Notes, durably, that a drive was mounted. It is mounted, whatever comes of that.
    pub(super) async fn remember(&self, name: &str, place: Place) {
        if let Err(error) = self.engine.note_mount(name, Some(place)).await {
            self.ctx.monitor.warn(&format!("it will not come back when the agent starts: {error}"));
        }
    }

    /// Notes, durably, that a drive is not to be mounted.
    pub(super) async fn forget_mount(&self, name: &str) -> Result<(), Failure> {
        let path = self.engine.home.root().to_owned();
        let noted = self.engine.note_mount(name, None).await;
        Ok(noted.map_err(|source| EngineError::Io { path, source })?)
    }

    /// Unmounts what is not mounted, but is to be.
    pub(super) async fn give_up(&self, name: &str) -> Result<DriveAnswer, Failure> {
        let Some(place) = self.engine.drives.mounts.get(name) else {
            return Err(codes::DRIVE.failure(format!("Drive {name} is not mounted")));
        };
        self.forget_mount(name).await?;
        let dir = Path::new(OsStr::from_bytes(&place.dir.0)).to_owned();
        self.ctx.work(move || session::clear(&dir)).await??;
        match self.drive_status(name).await {
            // Followed here, and never written.
            Err(_) if !self.engine.drive_dir(name).exists() => {
                Ok(DriveAnswer::Status(nowhere(name)))
            }
            status => status,
        }
    }

    /// Adds where a drive is to be mounted, and why it is not, to how it stands.
    pub(super) fn with_wish(&self, view: DriveView) -> DriveView {
        if view.mounted {
            return view;
        }
        let mounts = &self.engine.drives.mounts;
        let place = mounts.get(&view.name);
        let wanted = place
            .map(|Place { dir, .. }| WantedView { dir, reason: mounts.missed(&view.name) })
            .map(Box::new);
        DriveView { wanted, ..view }
    }

    /// How a drive stands of which nothing is here but the wish to have it mounted.
    pub(super) fn only_wanted(&self, name: &str) -> Option<DriveView> {
        let wanted = self.engine.drives.mounts.get(name).is_some();
        (wanted && !self.engine.drive_dir(name).exists()).then(|| self.with_wish(nowhere(name)))
    }
}

fn nowhere(name: &str) -> DriveView {
    let schema = "gbak.drive/1".to_owned();
    DriveView { schema, name: name.to_owned(), ..DriveView::default() }
}
