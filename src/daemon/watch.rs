//! Watching the disks: what is lent follows what is there.
//!
//! Every few seconds each disk is measured. One that has come (back) is lent as the settings say,
//! and what it has to offer is told to the grid; one that has gone offers nothing.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use p2p::Members;
use store::{DiskNo, Presence, Shelf, ShelfError};
use tokio_util::sync::CancellationToken;

use super::disks;
use super::failure::told;
use crate::config::Config;
use crate::host::Host;
use crate::offload::{Offload, offload};

/// Between two looks at the disks.
const PERIOD: Duration = Duration::from_secs(10);

/// What is watched, and who is told.
pub(super) struct Watched {
    pub(super) host: Host,
    pub(super) members: Members,
    pub(super) offload: Arc<dyn Offload>,
    /// The settings' file.
    pub(super) config: PathBuf,
    pub(super) stopping: CancellationToken,
}

/// Watches until the engine stops.
pub(super) async fn keep(watched: Watched) {
    let Watched { host, members, offload: pool, config, stopping } = watched;
    let mut here: Option<BTreeSet<DiskNo>> = None;
    loop {
        tokio::select! { biased;
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
        let (shelf, file, before) = (host.shelf().clone(), config.clone(), here.take());
        match offload(&pool, move || look(&shelf, &file, before.as_ref())).await {
            Ok(Ok(found)) => here = Some(found),
            Ok(Err(error)) => tracing::warn!(error = %told(&error), "cannot look at the disks"),
            Err(_) => return,
        }
        match host.offer().await {
            Ok(offer) => members.set_offer(offer),
            Err(error) => tracing::warn!(error = %told(&error), "nothing is offered"),
        }
    }
}

/// Which disks are here; those that were not before are lent as the settings say. Blocks.
fn look(
    shelf: &Shelf,
    config: &std::path::Path,
    before: Option<&BTreeSet<DiskNo>>,
) -> Result<BTreeSet<DiskNo>, ShelfError> {
    let states = shelf.disks()?;
    let here = states.iter().filter(|state| state.presence == Presence::Here);
    let here: BTreeSet<DiskNo> = here.map(|state| state.no).collect();
    let Some(before) = before.filter(|before| **before != here) else { return Ok(here) };
    tracing::info!(before = before.len(), now = here.len(), "disks came or went");
    match Config::load(config) {
        Ok(config) => {
            for state in states.iter().filter(|state| !before.contains(&state.no)) {
                if state.presence == Presence::Here {
                    shelf.set_donation_of(state.no, disks::wanted(&config.donate, state));
                }
            }
        }
        Err(error) => tracing::error!(error = %told(&error), "what to lend is not known"),
    }
    Ok(here)
}
