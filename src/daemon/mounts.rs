//! Which drives are mounted where, kept in the home: an agent that starts mounts them again.
//!
//! Invariants: what `mount` answered for is noted durably before it answers, and `unmount` takes it
//! from there before it answers. Whatever else takes a mount away ends the wish only when the agent
//! goes on for a minute after it: a computer that shuts down unmounts first and stops the agent
//! then.
//!
//! How it fails: a drive that cannot be mounted keeps nobody from starting; `drive status` says
//! why. What may come by itself is tried again, less and less often: the directory, peers. What is
//! a person's to decide is not: another machine writes the drive, the system refuses. A file that
//! cannot be read brings nothing back.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chunker::Record;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::failure::told;
use crate::api::{Call, DriveAct, DriveArgs, PathBytes, codes};
use crate::drive::session;
use crate::monitor::NoMonitor;

/// How long the agent goes on after a drive was unmounted by hand until that counts as a wish.
const GRACE: Duration = Duration::from_secs(60);
/// How long to wait for the first peers: they say who writes a drive.
const PEERS: Duration = Duration::from_secs(3);
/// Between the first two tries,
const SOON: Duration = Duration::from_secs(2);
/// and between later ones at most.
const SELDOM: Duration = Duration::from_secs(60);

/// Where a drive is mounted, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The directory, absolute.
    #[serde(rename = "d")]
    pub(super) dir: PathBytes,
    /// Whether other users of the computer may enter.
    #[serde(rename = "o", default)]
    pub(super) allow_other: bool,
    /// Whether it is followed.
    #[serde(rename = "r", default)]
    pub(super) read_only: bool,
}

/// What is kept: places by the drives' names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    #[serde(rename = "m")]
    mounts: BTreeMap<String, Place>,
}

impl Record for Kept {
    const NAME: &'static str = "mounts";
    const VERSION: u8 = 1;
    const LIMIT: usize = 1 << 20;
}

/// What is to be mounted, and why some of it is not.
#[derive(Debug, Default)]
struct State {
    kept: Kept,
    missed: BTreeMap<String, String>,
}

/// The mounts of a home.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    file: PathBuf,
    state: Mutex<State>,
}

impl Mounts {
    /// Those of the home `root`. Blocks.
    pub(super) fn of(root: &Path) -> Self {
        let file = root.join("mounts");
        let kept = match std::fs::read(&file) {
            Ok(bytes) => Kept::decode(&bytes).map_err(|error| told(&error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kept::default()),
            Err(error) => Err(told(&error)),
        };
        let kept = kept.unwrap_or_else(|error| {
            tracing::warn!(error, "which drives were mounted cannot be read");
            Kept::default()
        });
        Self { file, state: Mutex::new(State { kept, missed: BTreeMap::new() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn names(&self) -> BTreeSet<String> {
        self.state().kept.mounts.keys().cloned().collect()
    }

    /// Where a drive is to be mounted, and how.
    pub(super) fn get(&self, name: &str) -> Option<Place> {
        self.state().kept.mounts.get(name).cloned()
    }

    /// Why a drive is not mounted that is to be.
    pub(super) fn missed(&self, name: &str) -> Option<String> {
        self.state().missed.get(name).cloned()
    }

    fn miss(&self, name: &str, reason: String) {
        tracing::warn!(drive = name, reason, "not mounted again");
        self.state().missed.insert(name.to_owned(), reason);
    }

    /// Notes, durably, where a drive is to be mounted; or that it is not to be. Blocks.
    fn note(&self, name: &str, place: Option<Place>) -> io::Result<()> {
        let mut state = self.state();
        state.missed.remove(name);
        let mut kept = state.kept.clone();
        match place {
            Some(place) => drop(kept.mounts.insert(name.to_owned(), place)),
            None => drop(kept.mounts.remove(name)),
        }
        if kept != state.kept {
            store::write_file_durable(&self.file, &kept.encode())?;
            state.kept = kept;
        }
        Ok(())
    }
}

impl Engine {
    /// Notes, durably, where a drive is to be mounted; or that it is not to be.
    pub(super) async fn note_mount(&self, name: &str, place: Option<Place>) -> io::Result<()> {
        let (mounts, name) = (Arc::clone(&self.drives.mounts), name.to_owned());
        let noted = self.ctx.work(move || mounts.note(&name, place)).await;
        noted.unwrap_or_else(|lost| Err(io::Error::other(lost)))
    }

    pub(super) fn is_mounted(&self, name: &str) -> bool {
        let written = self.drives.get(name).is_some_and(|running| running.dir().is_some());
        written || self.drives.followed.get(name).is_some()
    }

    /// A drive was unmounted, by whomever: that is a wish, unless the agent stops soon after it.
    pub(super) async fn was_unmounted(&self, name: &str) {
        if goes_on(&self.stopping, GRACE).await
            && !self.is_mounted(name)
            && let Err(error) = self.note_mount(name, None).await
        {
            tracing::warn!(%error, drive = name, "will be mounted again when the agent starts");
        }
    }
}

/// Waits, and says whether nothing stopped meanwhile.
pub(super) async fn goes_on(stopping: &CancellationToken, wait: Duration) -> bool {
    tokio::select! { biased;
        () = stopping.cancelled() => false,
        () = tokio::time::sleep(wait) => true,
    }
}

/// Mounts what was mounted when the agent ended, until all of it is, or is not to be, or `stop`.
pub(super) async fn mount_again(engine: &Arc<Engine>, stop: CancellationToken) {
    let mut todo = engine.drives.mounts.names();
    if todo.is_empty() {
        return;
    }
    tokio::select! { biased;
        () = stop.cancelled() => return,
        () = engine.swarm.settle(PEERS) => {}
    }
    let mut pause = SOON;
    loop {
        for name in todo.clone() {
            if !stop.is_cancelled() && is_settled(engine, &name, &stop).await {
                todo.remove(&name);
            }
        }
        if todo.is_empty() || !goes_on(&stop, pause).await {
            return;
        }
        pause = (pause * 2).min(SELDOM);
    }
}

/// Tries to mount a drive. Returns whether nothing is left to be done.
async fn is_settled(engine: &Arc<Engine>, name: &str, stop: &CancellationToken) -> bool {
    let mounts = &engine.drives.mounts;
    let Some(place) = mounts.get(name) else { return true };
    if engine.is_mounted(name) {
        return true;
    }
    let dir = PathBuf::from(OsStr::from_bytes(&place.dir.0));
    // Before the drive is taken, and given back, for nothing.
    match engine.ctx.work(move || session::prepare(&dir)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            mounts.miss(name, told(&error));
            return false;
        }
        Err(_stopping) => return false,
    }
    let Place { dir, allow_other, read_only } = place;
    let (take_over, without_majority) = (false, false);
    let act = DriveAct::Mount { dir, allow_other, take_over, without_majority, read_only };
    let wait_peers_secs = Some(PEERS.as_secs());
    let call = Call::Drive(DriveArgs { name: name.to_owned(), act, wait_peers_secs });
    match engine.call(call, Arc::new(NoMonitor), stop.clone()).await {
        Ok(_) => {
            tracing::info!(drive = name, "mounted again");
            true
        }
        Err(_) if stop.is_cancelled() => true,
        Err(failure) => {
            let is_final = [codes::FENCED.name, codes::MOUNT.name].contains(&&*failure.code);
            mounts.miss(name, failure.message);
            is_final
        }
    }
}

#[cfg(test)]
mod tests;
