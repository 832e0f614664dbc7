//! How much may be written, and what makes room: space is taken before a write is answered.
//!
//! The limit counts bytes in data files. What is on the grid for sure can be dropped here to make
//! room, the longest unused first; nothing else ever is.
//!
//! A commit reaches the grid whole or not at all. So while the grid takes what is here, no more may
//! be *unproven* (not known to be on the grid) than it has room for: a writer that is faster than
//! the commits waits for them ([`Volume::do_coming`]) before it is answered. When the grid is full
//! or away, the disk's share is all there is: it is filled up, and then writes fail at once. So
//! what can be written is the grid's room and the disk's share, less what is unproven, however
//! fast.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::io::Errno;
use tokio::sync::{Notify, watch};

use super::node::{Body, Data};
use super::{State, Volume};
use crate::drive::ops::{Ino, Space};

/// How much is dropped at once beyond what is needed, as a part of the limit: so that not every
/// write has to look for something.
const SLACK: u64 = 16;
/// The part of the grid's room that no commit counts on, so that it surely fits: 1/8.
const SPARE: u64 = 8;
/// What a commit takes of the grid for itself, in bytes of files: listings, records, and the
/// padding of its last packs. Measured with a cache of 32 MiB: 704 to 720 MiB fitted where the
/// grid's room and the cache were 752.
const COMMIT_BYTES: u64 = 1024 * 1024;
/// With less room the grid counts as full: a pack of some size and what points to it. In bytes.
const LEAST_ROOM: u64 = 8 * 1024 * 1024;

/// So much of the disk is kept free by dropping what is on the grid, at most. In bytes.
const KEPT_FREE: u64 = 64 * 1024 * 1024;

/// How far it got with making room: whoever waits looks again when `rooms` grows, and gives up when
/// neither has for long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// How often there was more room.
    pub rooms: u64,
    /// How often something reached the grid.
    pub pulses: u64,
}

/// What may be written.
#[derive(Debug)]
pub(super) struct Room {
    /// Bytes of data files.
    limit: AtomicU64,
    /// Bytes of all files.
    size: AtomicU64,
    /// Bytes that the disk can take above its floor, as it was last measured.
    disk: AtomicU64,
    /// Bytes that the grid could take when no commit was under way last.
    grid: AtomicU64,
    /// Whether what is here goes to the grid.
    draining: AtomicBool,
    /// Nothing reached the grid for long, although it should have.
    stalled: AtomicBool,
    /// Something was dropped because the disk is full: it is free when the table is saved.
    freeing: AtomicBool,
    /// Bytes that were not known to be on the grid when they were last counted, and those that were
    /// written since.
    unproven: AtomicU64,
    grown: AtomicU64,
    progress: watch::Sender<Progress>,
    /// Somebody waits for room.
    wanted: Notify,
}

impl Default for Room {
    fn default() -> Self {
        let all = || AtomicU64::new(u64::MAX);
        Self {
            limit: all(),
            size: all(),
            disk: all(),
            grid: AtomicU64::default(),
            draining: AtomicBool::default(),
            stalled: AtomicBool::default(),
            freeing: AtomicBool::default(),
            unproven: AtomicU64::default(),
            grown: AtomicU64::default(),
            progress: watch::Sender::default(),
            wanted: Notify::new(),
        }
    }
}

impl Room {
    /// Whether room is coming by itself.
    fn is_coming(&self) -> bool {
        self.draining.load(Ordering::Relaxed) && !self.stalled.load(Ordering::Relaxed)
    }

    /// How much may be unproven now.
    fn unproven_limit(&self) -> u64 {
        let limit = self.limit.load(Ordering::Relaxed);
        if self.is_coming() {
            let grid = self.grid.load(Ordering::Relaxed);
            limit.min(grid - grid / SPARE)
        } else {
            limit
        }
    }

    /// How much is; a little more than is, at times.
    fn unproven(&self, here: u64) -> u64 {
        let counted = self.unproven.load(Ordering::Relaxed);
        counted.saturating_add(self.grown.load(Ordering::Relaxed)).min(here)
    }

    /// What of the grid's room is left for files. A commit has half of the cache at least, so with
    /// a small cache it takes many to get there.
    fn grid_for_files(&self) -> u64 {
        let grid = self.grid.load(Ordering::Relaxed);
        let commit = (self.limit.load(Ordering::Relaxed) / 2).min(grid);
        let share = u128::from(grid) * u128::from(commit);
        let share = share / (u128::from(commit) + u128::from(COMMIT_BYTES));
        u64::try_from(share).unwrap_or(grid)
    }

    fn more_room(&self) {
        self.progress.send_modify(|progress| progress.rooms += 1);
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
    /// Bytes that data files may take, and all files together. What is on the grid and beyond the
    /// limit is dropped; the disk has it back when the table is saved.
    pub fn set_limits(&self, cache: u64, size: u64) {
        self.room.limit.store(cache, Ordering::Relaxed);
        self.room.size.store(size, Ordering::Relaxed);
        {
            let mut state = self.state();
            let beyond = state.here.saturating_sub(cache);
            state.evict(beyond);
        }
        self.room.more_room();
    }

    /// What the disk can take now above its floor.
    pub fn set_disk(&self, bytes: u64) {
        let kept_free = (self.room.limit.load(Ordering::Relaxed) / SLACK).min(KEPT_FREE);
        if bytes < kept_free && self.state().evict(kept_free - bytes) {
            self.room.freeing.store(true, Ordering::Relaxed);
        }
        let before = self.room.disk.swap(bytes, Ordering::Relaxed);
        if bytes > before {
            self.room.freeing.store(false, Ordering::Relaxed);
            self.room.more_room();
        }
    }

    /// What the grid can take after redundancy, and whether a commit already waits for it. To be
    /// told between commits: while one is under way it has taken a part of what it counted on.
    pub fn set_grid(&self, bytes: u64, queued: bool) {
        let room = &self.room;
        let before = room.grid.swap(bytes, Ordering::Relaxed);
        if bytes > before {
            room.stalled.store(false, Ordering::Relaxed);
        }
        let draining = bytes >= LEAST_ROOM && !queued;
        if room.draining.swap(draining, Ordering::Relaxed) != draining || bytes != before {
            room.more_room();
        }
    }

    /// Commits up to this number are on the grid: what is in them may be dropped here.
    pub fn set_proven(&self, commit: u64) {
        let mut state = self.state();
        if commit <= state.proven {
            return;
        }
        state.proven = commit;
        self.count_unproven(&mut state);
        drop(state);
        self.room.stalled.store(false, Ordering::Relaxed);
        self.room.more_room();
    }

    /// Counts what is not on the grid yet. Looks at files that were not when it was counted last,
    /// or changed since.
    pub fn recount(&self) {
        self.count_unproven(&mut self.state());
    }

    fn count_unproven(&self, state: &mut State) {
        let bytes = state.count_unproven();
        self.room.unproven.store(bytes, Ordering::Relaxed);
        self.room.grown.store(0, Ordering::Relaxed);
    }

    /// Something reached the grid.
    pub(crate) fn pulse(&self) {
        self.room.progress.send_modify(|progress| progress.pulses += 1);
    }

    /// Waits until somebody waits for room. Cancel-safe.
    pub async fn room_wanted(&self) {
        self.room.wanted.notified().await;
    }

    /// Whether so much is unproven that a commit should not wait for quiet any more.
    pub fn is_pressed(&self) -> bool {
        let here = self.state().here;
        self.room.unproven(here) >= self.room.unproven_limit() / 2
    }

    /// Whether the grid takes a commit now; or as much as it can, while there is room on this disk
    /// for the rest to wait.
    pub fn can_commit(&self) -> bool {
        let get = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        let unproven = self.room.unproven(self.state().here);
        self.room.draining.load(Ordering::Relaxed)
            && unproven <= get(&self.room.grid).max(get(&self.room.disk))
    }

    /// After a write that failed for want of room: how to learn of more. None when none is coming,
    /// or never as much.
    pub(super) fn do_coming(&self, bytes: u64) -> Option<watch::Receiver<Progress>> {
        let hope = self.room.is_coming() || self.room.freeing.load(Ordering::Relaxed);
        if !hope || bytes > self.room.unproven_limit() {
            return None;
        }
        self.room.wanted.notify_one();
        Some(self.room.progress.subscribe())
    }

    /// Nobody waits again before something reaches the grid.
    pub(super) fn do_give_up(&self) {
        self.room.stalled.store(true, Ordering::Relaxed);
        self.room.freeing.store(false, Ordering::Relaxed);
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
        let room = &self.room;
        let local = get(&room.limit).min(here.saturating_add(get(&room.disk)));
        let draining = room.draining.load(Ordering::Relaxed);
        let grid = if draining { room.grid_for_files() } else { 0 };
        let available = grid.saturating_add(local).saturating_sub(room.unproven(here));
        let available = available.min(get(&room.size).saturating_sub(stored));
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
        let here = (state.here + state.promised).saturating_add(more);
        let unproven = self.room.unproven(here).saturating_add(more);
        if here > limit || more > 0 && unproven > self.room.unproven_limit() {
            return Err(Errno::NOSPC);
        }
        let left = self
            .room
            .disk
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(more));
        if left.is_err() {
            if state.evict(more.saturating_add(limit / SLACK)) {
                self.room.freeing.store(true, Ordering::Relaxed);
            }
            return Err(Errno::NOSPC);
        }
        self.room.grown.fetch_add(more, Ordering::Relaxed);
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

    /// Bytes in data files that are not on the grid for sure.
    fn count_unproven(&mut self) -> u64 {
        let mut files = std::mem::take(&mut self.unproven);
        let mut bytes = 0;
        files.retain(|ino| {
            let here = self.data_of(*ino).map_or(0, |data| match self.safety(data) {
                "grid" => 0,
                _ => data.ranges.bytes(),
            });
            bytes += here;
            here > 0
        });
        self.unproven = files;
        bytes
    }

    /// Drops data that is on the grid for sure, the longest unused first, until so many bytes are
    /// free or nothing is left to drop. Says whether something was dropped.
    pub(super) fn evict(&mut self, bytes: u64) -> bool {
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
        let any = !all.is_empty() && bytes > 0;
        for (_, ino) in all {
            if self.here <= goal {
                break;
            }
            let gone = self.change_data(ino, |data, _| {
                data.ranges = super::ranges::Ranges::default();
                data.no.take()
            });
            if let Ok(Some(no)) = gone {
                self.doom(no);
            }
        }
        any
    }
}

#[cfg(test)]
impl Volume {
    /// What was counted last.
    pub(super) fn counted(&self) -> u64 {
        self.room.unproven.load(Ordering::Relaxed)
    }
}
