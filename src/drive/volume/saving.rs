//! The table in memory, written to disk: behind, and at once when a program asks for it.
//!
//! Order: `fsync` ends when both a file's bytes and the table are durable, whichever came first:
//! of bytes that were written and not synced the table may speak before they are there. Data files
//! go, and parts of them are given back, only after the table that does not name them is durable.

use rustix::io::Errno;
use store::DriveChanges;

use super::node::{Body, Inode};
use super::{State, Volume, errno};
use crate::drive::ops::Ino;

impl Volume {
    /// Makes a file's bytes and everything about it durable.
    pub(super) fn do_sync(&self, ino: Ino) -> Result<(), Errno> {
        // The disk takes both together in little more time than either.
        std::thread::scope(|scope| {
            let table = std::thread::Builder::new().spawn_scoped(scope, || self.save());
            let bytes = self.sync_data(ino);
            let saved = match table {
                Ok(table) => table.join().unwrap_or(Err(Errno::IO)),
                // No thread to be had: one after the other.
                Err(_) => self.save(),
            };
            bytes.and(saved)
        })
    }

    /// The same of a file's bytes and of what it takes to find them.
    pub(super) fn do_sync_bytes(&self, ino: Ino) -> Result<(), Errno> {
        let vital = {
            let state = self.state();
            // What is just being saved is not durable yet.
            state.vital.contains(&ino) || state.vital_saving.contains(&ino)
        };
        if vital { self.do_sync(ino) } else { self.sync_data(ino) }
    }

    /// Makes everything durable.
    pub fn sync_all(&self) -> Result<(), Errno> {
        let files: Vec<Ino> = self.state().unsynced.keys().copied().collect();
        for ino in files {
            self.sync_data(ino)?;
        }
        self.save()
    }

    fn sync_data(&self, ino: Ino) -> Result<(), Errno> {
        let (file, written) = {
            let mut state = self.state();
            let Some(written) = state.unsynced.get(&ino).copied() else { return Ok(()) };
            match state.data_of(ino).map(|data| data.no) {
                Ok(Some(no)) => (state.open_data(&self.store, no)?, written),
                _ => return Ok(()),
            }
        };
        // Only now is it synced, for whoever asks meanwhile as well; and not what came since.
        file.sync().map_err(|error| errno(&error))?;
        let mut state = self.state();
        if state.unsynced.get(&ino) == Some(&written) {
            state.unsynced.remove(&ino);
        }
        Ok(())
    }

    /// Writes what changed of the table, in one transaction. Who comes while another one is at it
    /// waits, and often finds its changes saved.
    pub fn save(&self) -> Result<(), Errno> {
        let _one = self.saving.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (changes, doomed, trimmed) = self.state().take_changes();
        if let Err(error) = self.store.write(&changes) {
            tracing::error!(%error, "the drive's table cannot be saved");
            let mut state = self.state();
            state.take_back(changes);
            state.doomed.extend(doomed);
            state.trimmed.extend(trimmed);
            return Err(if error.is_full() { Errno::NOSPC } else { Errno::IO });
        }
        self.state().vital_saving.clear();
        for no in doomed {
            if let Err(error) = self.store.remove(no) {
                // Found again at the next open.
                tracing::warn!(%error, no, "data stays behind");
            }
        }
        for ino in trimmed {
            if let Err(error) = self.trim(ino) {
                tracing::warn!(%error, ino, "a part of a file is not given back to the disk");
            }
        }
        Ok(())
    }

    /// Gives the disk back what the table does not list of a data file.
    fn trim(&self, ino: Ino) -> std::io::Result<()> {
        // Nobody writes meanwhile: what is not listed now is not going to be.
        let _gate = self.gate.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut state = self.state();
        if state.frozen.is_some() {
            state.trimmed.insert(ino);
            return Ok(());
        }
        let Ok(data) = state.data_of(ino) else { return Ok(()) };
        let Some(no) = data.no else { return Ok(()) };
        let end = data.ranges.runs().last().map_or(0, |(_, to)| to);
        let holes: Vec<_> = data.ranges.parts(0, end).into_iter().filter(|part| !part.2).collect();
        let file = state.open_data(&self.store, no)?;
        file.cut(end)?;
        for (from, to, _) in holes {
            file.punch(from, to - from)?;
        }
        Ok(())
    }
}

impl State {
    /// What differs from the table on disk, and what is not needed once it is there.
    fn take_changes(&mut self) -> (DriveChanges, Vec<u64>, Vec<Ino>) {
        let dirty = std::mem::take(&mut self.dirty);
        self.vital_saving = std::mem::take(&mut self.vital);
        let row = |ino: Ino| (ino, self.inodes.get(&ino).map(|inode| inode.row()));
        let inodes = dirty.into_iter().map(row).collect();
        let renamed = std::mem::take(&mut self.renamed);
        let entry = |(dir, name): (Ino, Vec<u8>)| {
            let now = self.inodes.get(&dir).and_then(|inode| entry_of(inode, &name));
            (dir, name, now)
        };
        let entries = renamed.into_iter().map(entry).collect();
        let settings = std::mem::take(&mut self.settings).into_iter().collect();
        // What a commit is reading stays until it has read it.
        let doomed = match &self.frozen {
            Some(_) => Vec::new(),
            None => std::mem::take(&mut self.doomed),
        };
        let trimmed = std::mem::take(&mut self.trimmed).into_iter().collect();
        (DriveChanges { inodes, entries, settings }, doomed, trimmed)
    }

    fn take_back(&mut self, changes: DriveChanges) {
        self.dirty.extend(changes.inodes.into_iter().map(|(ino, _)| ino));
        let vital = std::mem::take(&mut self.vital_saving);
        self.vital.extend(vital);
        self.renamed.extend(changes.entries.into_iter().map(|(dir, name, _)| (dir, name)));
        for (name, value) in changes.settings {
            // What was noted since is newer.
            self.settings.entry(name).or_insert(value);
        }
    }
}

fn entry_of(inode: &Inode, name: &[u8]) -> Option<Ino> {
    match &inode.body {
        Body::Dir(dir) => dir.entries.get(name).copied(),
        _ => None,
    }
}
