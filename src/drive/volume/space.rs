//! How much may be written, and what makes room: space is taken before a write is answered.
//!
//! The limit counts bytes in data files. What is on the grid for sure can be dropped here to make
//! room, the longest unused first; nothing else ever is.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

use super::node::{Body, Data};
use super::{State, Volume};
use crate::drive::ops::{Ino, Space};

/// How much is dropped at once beyond what is needed, as a part of the limit: so that not every
/// write has to look for something.
const SLACK: u64 = 16;

/// What may be written.
#[derive(Debug)]
pub(super) struct Room {
    /// Bytes of data files.
    limit: AtomicU64,
    /// Bytes of all files.
    size: AtomicU64,
    /// Bytes that the disk can take above its floor, as it was last measured.
    disk: AtomicU64,
    /// Bytes that the grid can take.
    grid: AtomicU64,
}

impl Default for Room {
    fn default() -> Self {
        let all = || AtomicU64::new(u64::MAX);
        Self { limit: all(), size: all(), disk: all(), grid: AtomicU64::new(0) }
    }
}

/// What there is of a drive, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Of all files.
    pub stored: u64,
    /// In data files on this disk.
    pub here: u64,
    /// In data files, changed since the last commit.
    pub dirty: u64,
    /// In a commit that is not proven to be on the grid.
    pub queued: u64,
}

impl Volume {
    /// Bytes that data files may take, and all files together.
    pub fn set_limits(&self, cache: u64, size: u64) {
        self.room.limit.store(cache, Ordering::Relaxed);
        self.room.size.store(size, Ordering::Relaxed);
    }

    /// What the disk can take now above its floor, and the grid after redundancy.
    pub fn set_room(&self, disk: u64, grid: u64) {
        self.room.disk.store(disk, Ordering::Relaxed);
        self.room.grid.store(grid, Ordering::Relaxed);
    }

    /// Commits up to this number are on the grid: what is in them may be dropped here.
    pub fn set_proven(&self, commit: u64) {
        let mut state = self.state();
        state.proven = state.proven.max(commit);
    }

    /// What there is.
    pub fn figures(&self) -> Figures {
        let state = self.state();
        let mut figures = Figures { stored: state.stored, here: state.here, ..Figures::default() };
        for inode in state.inodes.values() {
            let Body::File(data) = &inode.body else { continue };
            match state.safety(data) {
                "here" => figures.dirty += data.ranges.bytes(),
                "queued" => figures.queued += data.ranges.bytes(),
                _ => {}
            }
        }
        figures
    }

    pub(super) fn do_space(&self) -> Space {
        let state = self.state();
        let (stored, here) = (state.stored, state.here + state.promised);
        let files = state.inodes.len() as u64;
        drop(state);
        let get = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        // What is here and not on the grid yet will take its part of the grid's room; when that is
        // none, the cache still takes what it can.
        let cache = get(&self.room.limit).saturating_sub(here).min(get(&self.room.disk));
        let available = get(&self.room.grid).max(cache);
        let available = available.min(get(&self.room.size).saturating_sub(stored));
        let available = if self.writable().is_ok() { available } else { 0 };
        Space { total: stored.saturating_add(available), available, files }
    }

    /// Counts bytes that are going to be written: all that can fail for want of room fails here.
    pub(super) fn promise(&self, state: &mut State, more: u64) -> Result<(), Errno> {
        let get = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        if state.stored.saturating_add(state.promised + more) > get(&self.room.size) {
            return Err(Errno::DQUOT);
        }
        let limit = get(&self.room.limit);
        let wanted = (state.here + state.promised).saturating_add(more);
        if wanted > limit {
            state.evict(wanted - limit + limit / SLACK);
        }
        if (state.here + state.promised).saturating_add(more) > limit {
            return Err(Errno::NOSPC);
        }
        let left = self
            .room
            .disk
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(more));
        left.map_err(|_less| Errno::NOSPC)?;
        state.promised += more;
        Ok(())
    }
}

impl State {
    /// `here` (in no commit), `queued` (in one that is not on the grid yet) or `grid`.
    pub(super) fn safety(&self, data: &Data) -> &'static str {
        match &data.base {
            Some(base) if data.is_clean() && base.commit <= self.proven => "grid",
            Some(_) if data.is_clean() => "queued",
            _ => "here",
        }
    }

    /// Drops data that is on the grid for sure, the longest unused first, until so many bytes are
    /// free or nothing is left to drop.
    pub(super) fn evict(&mut self, bytes: u64) {
        let mut all: Vec<(u64, Ino)> = Vec::new();
        for inode in self.inodes.values() {
            let Body::File(data) = &inode.body else { continue };
            if !data.ranges.is_empty() && self.safety(data) == "grid" {
                let used = self.used.get(&inode.attr.ino).copied().unwrap_or_default();
                all.push((used, inode.attr.ino));
            }
        }
        all.sort_unstable();
        let goal = self.here.saturating_sub(bytes);
        for (_, ino) in all {
            if self.here <= goal {
                return;
            }
            let gone = self.change_data(ino, |data, _| {
                data.ranges = super::ranges::Ranges::default();
                data.no.take()
            });
            if let Ok(Some(no)) = gone {
                self.doom(no);
            }
        }
    }
}
