//! Watching the disks: what is lent follows what is there.
//!
//! Every few seconds, and whenever somebody asks for it, each disk is measured. One that has come
//! (back) is lent as the settings say; one that has grown is lent more of, by the settings' rule
//! and within their ceiling; of one on which somebody else takes room, disk is given back
//! ([`crate::host::giveback`]). What there is to offer is told to the grid as soon as it is seen,
//! before anything is done about it and again after that, and when shards came or went meanwhile.
//! What owners have not moved in time is handed over to other peers.
//!
//! How it fails: a look that fails is told and repeated; nothing is let go of on account of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use p2p::swarm::Swarm;
use store::{DiskNo, DiskState, Presence, Shelf, ShelfError};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::disks;
use super::failure::told;
use crate::config::{Amount, Config, ConfigError, Donate, Grow};
use crate::host::giveback::grown;
use crate::host::{GaveBack, Host, handover};
use crate::offload::{Offload, offload};

/// How often the disks are looked at, and how long owners have, while the settings cannot be read.
const DEFAULT: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(24 * 3600));

/// The shortest time between two looks, whatever the settings say.
const SHORTEST: Duration = Duration::from_secs(1);

/// Between two offers, however many shards come and go: each is a measurement of all disks.
const OFFER_EVERY: Duration = Duration::from_secs(1);

/// What is watched, and who is told.
#[derive(Clone)]
pub(super) struct Watch {
    pub(super) host: Host,
    pub(super) swarm: Swarm,
    pub(super) offload: Arc<dyn Offload>,
    /// The settings' file.
    pub(super) config: PathBuf,
    /// Held by whatever changes that file.
    pub(super) changing: Arc<Mutex<()>>,
    /// The disks that were there at the last look.
    pub(super) here: Arc<Mutex<Option<BTreeSet<DiskNo>>>>,
    /// Somebody wants a look now.
    pub(super) now: Arc<Notify>,
}

impl Watch {
    pub(super) fn new(
        host: &Host,
        swarm: &Swarm,
        (offload, config): (&Arc<dyn Offload>, PathBuf),
        changing: Arc<Mutex<()>>,
    ) -> Self {
        Self {
            host: host.clone(),
            swarm: swarm.clone(),
            offload: Arc::clone(offload),
            config,
            changing,
            here: Arc::default(),
            now: Arc::default(),
        }
    }

    /// Watches until the engine stops.
    pub(super) async fn keep(self, stopping: CancellationToken) {
        tokio::join!(self.keep_looking(&stopping), self.keep_offering(&stopping));
    }

    /// Offers what is left whenever shards came or went.
    async fn keep_offering(&self, stopping: &CancellationToken) {
        loop {
            tokio::select! { biased;
                () = stopping.cancelled() => return,
                () = self.host.changed() => {}
            }
            tokio::select! { biased;
                () = stopping.cancelled() => return,
                () = self.offer() => {}
            }
            tokio::select! { biased;
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(OFFER_EVERY) => {}
            }
        }
    }

    /// Says what there is to offer now.
    async fn offer(&self) {
        match self.host.offer().await {
            Ok(offer) => self.swarm.members().set_offer(offer),
            Err(error) => tracing::warn!(error = %told(&error), "nothing is offered"),
        }
    }

    async fn keep_looking(&self, stopping: &CancellationToken) {
        loop {
            let (every, grace) = self.pace().await;
            tokio::select! { biased;
                () = stopping.cancelled() => return,
                () = self.now.notified() => {}
                () = tokio::time::sleep(every) => {}
            }
            tokio::select! { biased;
                // Whatever is let go of is confirmed elsewhere by then: safe to cut anywhere.
                () = stopping.cancelled() => return,
                _ = self.look(grace) => {}
            }
        }
    }

    async fn pace(&self) -> (Duration, Duration) {
        let file = self.config.clone();
        match offload(&self.offload, move || Config::load(&file)).await {
            Ok(Ok(config)) => {
                let Donate { look_every, grace, .. } = config.donate;
                (Duration::from_secs(look_every.0).max(SHORTEST), Duration::from_secs(grace.0))
            }
            _ => DEFAULT,
        }
    }

    /// One look, and what follows from it. What owners did not move within `patience` is handed
    /// over.
    pub(super) async fn look(&self, patience: Duration) -> GaveBack {
        let watch = self.clone();
        match offload(&self.offload, move || watch.follow()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = %told(&error), "cannot look at the disks"),
            Err(_) => return GaveBack::default(),
        }
        self.offer().await;
        let gave = self.host.give_back().await.unwrap_or_else(|error| {
            tracing::warn!(error = %told(&error), "cannot give disk back");
            GaveBack::default()
        });
        if gave.moving_bytes > 0 {
            tracing::info!(?gave, "disk has to be given back");
        }
        self.offer().await;
        handover::hand_over(&self.host, &self.swarm, patience).await;
        gave
    }

    /// Lends what is there by now as the settings say. Blocks.
    fn follow(&self) -> Result<(), WatchError> {
        let shelf = self.host.shelf();
        let states = shelf.disks()?;
        let here: Vec<&DiskState> =
            states.iter().filter(|state| state.presence == Presence::Here).collect();
        let numbers: BTreeSet<DiskNo> = here.iter().map(|state| state.no).collect();
        let before = self.here.lock().unwrap_or_else(PoisonError::into_inner).replace(numbers);
        let mut added = Vec::new();
        for state in &here {
            let bytes = shelf.note_total(state.no, state.space.total_bytes)?;
            if bytes > 0 {
                added.push((*state, bytes));
            }
        }
        let is_new = |state: &&&DiskState| before.as_ref().is_some_and(|b| !b.contains(&state.no));
        let came: Vec<&&DiskState> = here.iter().filter(is_new).collect();
        if came.is_empty() && added.is_empty() {
            return Ok(());
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut donate = Config::load(&self.config)?.donate;
        for state in came {
            tracing::info!(path = %state.path.display(), "disk is back");
            shelf.set_donation_of(state.no, disks::wanted(&donate, state));
        }
        for (state, bytes) in added {
            grow(shelf, &mut donate, &self.config, (state, bytes))?;
        }
        Ok(())
    }
}

/// Why a look came to nothing.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Lends more of a disk that has grown, if the settings say so. Settings first, as for every split.
fn grow(
    shelf: &Shelf,
    donate: &mut Donate,
    file: &Path,
    (state, added_bytes): (&DiskState, u64),
) -> Result<(), WatchError> {
    let Grow::OfAdded(percent) = donate.grow else { return Ok(()) };
    let (lent, used) = (state.donation, state.usage.bytes);
    if lent.size_bytes == 0 {
        return Ok(());
    }
    let now = disks::wanted(donate, state);
    let ceiling = donate.ceiling.map_or(u64::MAX, |ceiling| ceiling.of(state.space.total_bytes));
    let ceiling = ceiling.min(now.carried_bytes(state.space, used));
    let size_bytes = grown(lent.size_bytes, added_bytes, percent, ceiling);
    if size_bytes == lent.size_bytes {
        return Ok(());
    }
    match donate.disks.iter_mut().find(|disk| disk.path == state.path) {
        Some(disk) => disk.donate = Amount::Bytes(size_bytes),
        None => donate.size = Amount::Bytes(size_bytes),
    }
    Config::save_donate(file, donate)?;
    shelf.set_donation_of(state.no, store::Donation { size_bytes, ..now });
    let path = state.path.display();
    tracing::info!(%path, added_bytes, size_bytes, "the disk has grown: more is lent");
    Ok(())
}
