//! Drives of this home that another machine writes: mounted read only, and refreshed until they are
//! unmounted, by whomever, or the agent stops.
//!
//! One that cannot be refreshed shows what it shows: peers are asked again after the same time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use p2p::swarm::Swarm;
use tokio::sync::watch;

use super::engine::Engine;
use super::failure::told;
use crate::drive::follower::Follower;
use crate::drive::session::{self, MountError, Mounted};

/// A drive that is followed.
#[derive(Debug)]
pub(super) struct Following {
    pub(super) follower: Arc<Follower<Swarm>>,
    pub(super) dir: PathBuf,
    /// True once it is unmounted.
    ended: watch::Receiver<bool>,
}

impl Following {
    /// Unmounts it. Fails while it is in use. Blocks.
    pub(super) fn unmount(&self) -> Result<(), MountError> {
        session::unmount(&self.dir)
    }

    /// Waits until it is unmounted.
    pub(super) async fn ended(&self) {
        let mut ended = self.ended.clone();
        // An error says that its task is gone, which is the end as well.
        drop(ended.wait_for(|ended| *ended).await);
    }
}

/// Followed drives by name.
#[derive(Debug, Default)]
pub(super) struct Followed {
    all: Mutex<BTreeMap<String, Arc<Following>>>,
}

impl Followed {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Following>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<Following>> {
        self.all().get(name).cloned()
    }
}

impl Engine {
    /// Has a follower show the next commit whenever there is one. Never ends; cancel-safe.
    pub(super) async fn keep_fresh(&self, follower: &Follower<Swarm>) {
        let every = Duration::from_secs(self.config.drive.follow.0.max(1));
        loop {
            tokio::time::sleep(every).await;
            if let Err(error) = follower.refresh().await {
                tracing::warn!(error = %told(&error), drive = follower.name(), "not refreshed");
            }
        }
    }

    /// Follows a mounted drive until it ends.
    pub(super) fn follow_drive(
        self: &Arc<Self>,
        follower: Arc<Follower<Swarm>>,
        mut mounted: Mounted,
    ) {
        let (done, ended) = watch::channel(false);
        let name = follower.name().to_owned();
        let following = Arc::new(Following { follower, dir: mounted.dir().to_owned(), ended });
        self.drives.followed.all().insert(name.clone(), Arc::clone(&following));
        let engine = Arc::clone(self);
        drop(self.upkeep.spawn(async move {
            follow(&engine, &following, &mut mounted).await;
            engine.drives.followed.all().remove(&name);
            // Nobody may be waiting.
            done.send_replace(true);
            engine.was_unmounted(&name).await;
        }));
    }
}

async fn follow(engine: &Engine, following: &Following, mounted: &mut Mounted) {
    let follower = &following.follower;
    tokio::select! { biased;
        () = engine.stopping.cancelled() => {}
        () = mounted.ended() => return,
        () = engine.keep_fresh(follower) => {}
    }
    let dir = following.dir.clone();
    let unmounting = engine.ctx.work(move || {
        if session::unmount(&dir).is_err() {
            // Whoever has files open keeps them until they are closed.
            session::detach(&dir).unwrap_or_default();
        }
    });
    if unmounting.await.is_err() {
        tracing::warn!(drive = follower.name(), "stays mounted");
    }
}
