//! The disks that are lent, as the settings name them, and the shelf that lies on them.
//!
//! Invariants: a place is marked only when a person adds it ([`claim`]); a restart uses what is
//! marked and takes everything else for away. A disk that cannot be used is told and left alone:
//! the agent starts without it.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use store::{
    DiskAt, DiskMedium, DiskNo, DiskState, Donation, Presence, Shelf, ShelfError, StatvfsGauge,
};

use super::failure::told;
use crate::config::{Donate, LentDisk};
use crate::entropy::{self, Entropy, OsEntropy};

fn at(disk: &LentDisk) -> DiskAt {
    DiskAt {
        medium: Arc::new(DiskMedium::new(&disk.path)),
        gauge: Arc::new(StatvfsGauge),
        path: disk.path.clone(),
        donation: Donation::default(),
    }
}

/// Uses the disks that the settings name, those that are away as well. Blocks.
pub(super) fn attach(shelf: &Shelf, donate: &Donate) {
    for disk in &donate.disks {
        if let Err(error) = shelf.attach(at(disk)) {
            tracing::error!(error = %told(&error), path = %disk.path.display(), "disk not used");
        }
    }
}

/// Makes a disk the shelf's. Blocks.
pub(super) fn claim(shelf: &Shelf, disk: &LentDisk) -> Result<DiskNo, ShelfError> {
    shelf.claim(at(disk), entropy::bytes(&OsEntropy as &dyn Entropy))
}

/// Lends what the settings say of every disk that is there, as it is now. Blocks.
pub(super) fn apply(shelf: &Shelf, donate: &Donate) -> Result<(), ShelfError> {
    for state in shelf.disks()?.iter().filter(|state| state.presence == Presence::Here) {
        shelf.set_donation_of(state.no, wanted(donate, state));
    }
    Ok(())
}

/// What the settings say of a disk as it is now; nothing of one that they do not name.
pub(super) fn wanted(donate: &Donate, state: &DiskState) -> Donation {
    let used = state.usage.bytes;
    match donate.disk(&state.path) {
        _ if state.no == DiskNo::HOME => donate.on(state.space, used),
        Some(disk) => donate.on_disk(disk, state.space, used),
        None => Donation { size_bytes: 0, ..donate.on(state.space, used) },
    }
}

/// The home's own disk.
pub(super) fn home(states: &[DiskState]) -> Option<&DiskState> {
    states.iter().find(|state| state.no == DiskNo::HOME)
}

/// Two of these that are on one file system, if there are such.
pub(super) fn on_one_file_system(paths: &[PathBuf]) -> Option<(PathBuf, PathBuf)> {
    let mut seen: BTreeMap<u64, &PathBuf> = BTreeMap::new();
    for path in paths {
        let Ok(found) = std::fs::metadata(path) else { continue };
        if let Some(other) = seen.insert(found.dev(), path) {
            return Some((other.clone(), path.clone()));
        }
    }
    None
}
