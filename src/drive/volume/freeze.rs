//! The tree of one moment, for a commit to read while programs go on writing.
//!
//! The table of the moment is shared, not copied: what changes afterwards is copied then. Bytes
//! that are overwritten in a data file while the commit may still read it are kept aside first, so
//! that the commit sees every file as it was at the moment, and the whole tree at the same one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use store::{DataFile, DriveStore};

use super::node::{Base, Body, Data, Inode};
use super::ranges::Ranges;
use super::{State, Volume};
use crate::drive::ops::Ino;

/// How much is copied at once.
const COPY: usize = 256 * 1024;

/// A moment's tree.
#[derive(Debug)]
pub(crate) struct Frozen {
    inodes: BTreeMap<Ino, Arc<Inode>>,
    store: DriveStore,
    /// Bytes kept aside, by data file; only of files that the commit has to read.
    kept: Mutex<BTreeMap<u64, Kept>>,
    /// How often something had changed at the moment.
    pub(crate) changes: u64,
}

/// What was overwritten of one data file since.
#[derive(Debug, Default)]
struct Kept {
    ranges: Ranges,
    file: Option<File>,
}

impl Frozen {
    /// A file or directory as it was.
    pub(crate) fn get(&self, ino: Ino) -> Option<&Arc<Inode>> {
        self.inodes.get(&ino)
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<u64, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called before `from..to` of a data file is overwritten.
    pub(super) fn keep(&self, no: u64, file: &DataFile, from: u64, to: u64) -> io::Result<()> {
        let mut all = self.kept();
        let Some(kept) = all.get_mut(&no) else { return Ok(()) };
        let new: Vec<_> = kept.ranges.parts(from, to).into_iter().filter(|part| !part.2).collect();
        if new.is_empty() {
            return Ok(());
        }
        if kept.file.is_none() {
            kept.file = Some(tempfile::tempfile_in(self.store.dir())?);
        }
        let Some(aside) = &kept.file else { return Ok(()) };
        let mut buffer = vec![0; COPY];
        for (from, to, _) in new {
            let mut at = from;
            while at < to {
                let len = ((to - at) as usize).min(COPY);
                let part = buffer.get_mut(..len).unwrap_or_default();
                file.read_at(part, at)?;
                aside.write_all_at(part, at)?;
                at += len as u64;
            }
            kept.ranges.insert(from, to);
        }
        Ok(())
    }

    /// Bytes of a data file as they were.
    pub(crate) fn read(&self, no: u64, buffer: &mut [u8], at: u64) -> io::Result<()> {
        // Held while reading: nobody overwrites between the look at what was kept and the read.
        let all = self.kept();
        let end = at + buffer.len() as u64;
        let parts = all.get(&no).map(|kept| kept.ranges.parts(at, end));
        let parts = parts.unwrap_or_else(|| vec![(at, end, false)]);
        let file = self.store.data(no)?;
        for (from, to, aside) in parts {
            let part = buffer.get_mut((from - at) as usize..(to - at) as usize).unwrap_or_default();
            match all.get(&no).and_then(|kept| kept.file.as_ref()) {
                Some(kept) if aside => kept.read_exact_at(part, from)?,
                _ => file.read_at(part, from)?,
            }
        }
        Ok(())
    }
}

/// The content that a commit made of one file.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) ino: Ino,
    /// `changed` at the moment.
    pub(crate) of: u64,
    pub(crate) base: Base,
}

impl Volume {
    /// Takes the tree of this moment. One at a time; `thaw` ends it.
    pub(crate) fn freeze(&self) -> Arc<Frozen> {
        // No write is half done.
        let _gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        let kept = state.inodes.values().filter_map(|inode| match &inode.body {
            Body::File(data) if !data.is_clean() => Some((data.no?, Kept::default())),
            _ => None,
        });
        let frozen = Arc::new(Frozen {
            kept: Mutex::new(kept.collect()),
            inodes: state.inodes.clone(),
            store: self.store.clone(),
            changes: self.changes(),
        });
        state.frozen = Some(Arc::clone(&frozen));
        frozen
    }

    /// The commit has read what it needs, or gave up.
    pub(crate) fn thaw(&self) {
        self.state().frozen = None;
    }

    /// Notes what a commit made of files: those that did not change since are clean.
    pub(crate) fn committed(&self, taken: Vec<Taken>) {
        let mut state = self.state();
        for Taken { ino, of, base } in taken {
            let unchanged = state.data_of(ino).is_ok_and(|data| data.changed == of);
            if unchanged {
                let rebase = |data: &mut Data| {
                    data.blank = Ranges::default();
                    data.fresh = Ranges::default();
                    data.base = Some(base);
                };
                // A file that went meanwhile needs no base.
                state.change_data(ino, |data, _| rebase(data)).unwrap_or_default();
            }
        }
    }

    /// A commit that was queued is lost: what it took of this disk's bytes is in no commit any
    /// more.
    pub(crate) fn uncommit(&self) {
        let mut state = self.state();
        let proven = state.proven;
        let lost = |data: &Data| data.base.as_ref().is_some_and(|base| base.commit > proven);
        let files = state.inodes.values().filter_map(|inode| match &inode.body {
            Body::File(data) if lost(data) => Some(inode.attr.ino),
            _ => None,
        });
        let files: Vec<Ino> = files.collect();
        for ino in files {
            let undone = state.change_data(ino, |data, _| {
                data.fresh = data.ranges.clone();
                data.changed += 1;
            });
            // It was there a moment ago, under this lock.
            undone.unwrap_or_default();
        }
        drop(state);
        self.touched();
    }

    /// Notes something beside the tree, saved with it.
    pub(crate) fn note(&self, name: &'static str, value: Vec<u8>) {
        self.state().settings.insert(name, value);
    }

    /// Replaces the whole tree by another one.
    pub(crate) fn replace(&self, inodes: Vec<Inode>) -> Result<(), Errno> {
        let mut state = self.state();
        let old: Vec<Ino> = state.inodes.keys().copied().collect();
        for ino in old {
            state.forget_entries(ino);
            state.drop_inode(ino);
        }
        for inode in inodes {
            let ino = inode.attr.ino;
            if let Body::Dir(dir) = &inode.body {
                state.renamed.extend(dir.entries.keys().map(|name| (ino, name.clone())));
            }
            state.insert(Arc::new(inode));
            state.dirty.insert(ino);
        }
        drop(state);
        self.touched();
        self.save()
    }
}

impl State {
    fn forget_entries(&mut self, ino: Ino) {
        if let Some(Inode { body: Body::Dir(dir), .. }) = self.inodes.get(&ino).map(|dir| &**dir) {
            let names: Vec<_> = dir.entries.keys().map(|name| (ino, name.clone())).collect();
            self.renamed.extend(names);
        }
    }
}
