//! Files in memory, with the faults of real disks: for tests and simulations.
//!
//! The model: content is durable after `write_durable`'s last step; names change in a journal whose
//! entries become durable in order, up to the last one that touches the directory being synced. A
//! power cut keeps what is durable, and as many further journal entries as the test asks for; a
//! file whose content was not durable is left torn (half of it).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::Medium;

/// A point between two things a disk does, at which a power cut can fall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A file gets its name.
    Create,
    /// Bytes are written.
    Write,
    /// A file's content is made durable.
    SyncFile,
    /// A name is taken away.
    Remove,
    /// A name changes.
    Rename,
    /// A directory's names are made durable.
    SyncDir,
}

/// Files in memory, with faults.
#[derive(Default)]
pub struct MemMedium {
    state: Mutex<State>,
    watch: Mutex<Option<Watch>>,
}

type Watch = Box<dyn FnMut(&MemMedium, Step) + Send>;

#[derive(Default, Clone)]
struct State {
    names: BTreeMap<String, u64>,
    dirs: BTreeSet<String>,
    durable_names: BTreeMap<String, u64>,
    journal: Vec<Change>,
    files: BTreeMap<u64, MemFile>,
    next_file: u64,
    capacity: Option<u64>,
    failing_syncs: u32,
    unreadable: BTreeSet<String>,
}

#[derive(Clone)]
struct MemFile {
    bytes: Vec<u8>,
    durable: bool,
}

#[derive(Clone)]
enum Change {
    Add { path: String, file: u64 },
    Remove { path: String },
    Rename { from: String, to: String, file: u64 },
}

impl MemMedium {
    /// An empty disk without a size.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on at most this many bytes fit; none lifts the limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.lock().capacity = bytes;
    }

    /// The next `count` syncs (of files or directories) fail with `EIO`.
    pub fn fail_syncs(&self, count: u32) {
        self.lock().failing_syncs = count;
    }

    /// Flips one bit of a file, unnoticed. False when there is no such file or byte.
    pub fn rot(&self, path: &str, byte: usize) -> bool {
        let mut state = self.lock();
        let Some(file) = state.names.get(path).copied() else { return false };
        let found = state.files.get_mut(&file).and_then(|file| file.bytes.get_mut(byte));
        found.map(|byte| *byte ^= 1).is_some()
    }

    /// From now on reads of this path fail with `EIO`, or work again.
    pub fn set_unreadable(&self, path: &str, unreadable: bool) {
        let mut state = self.lock();
        if unreadable {
            state.unreadable.insert(path.to_owned());
        } else {
            state.unreadable.remove(path);
        }
    }

    /// Every file's path.
    pub fn paths(&self) -> Vec<String> {
        self.lock().names.keys().cloned().collect()
    }

    /// Names changed since they were last made durable.
    pub fn unsynced_changes(&self) -> usize {
        self.lock().journal.len()
    }

    /// The disk as it is found after a power cut now, of which the first `surviving` unsynced
    /// changes of names happened to be on the platter. This one goes on as if nothing happened.
    #[must_use]
    pub fn after_power_cut(&self, surviving: usize) -> Self {
        let mut state = self.lock().clone();
        let surviving = surviving.min(state.journal.len());
        state.persist(surviving);
        state.journal.clear();
        state.names = state.durable_names.clone();
        let named: BTreeSet<u64> = state.names.values().copied().collect();
        state.files.retain(|file, _| named.contains(file));
        for file in state.files.values_mut().filter(|file| !file.durable) {
            file.bytes.truncate(file.bytes.len() / 2);
            file.durable = true;
        }
        state.failing_syncs = 0;
        Self { state: Mutex::new(state), watch: Mutex::default() }
    }

    /// Calls `watch` before every step from now on.
    pub fn on_step(&self, watch: impl FnMut(&MemMedium, Step) + Send + 'static) {
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(watch));
    }

    fn step(&self, step: Step) {
        // Taken out for the call, so that the watcher may look at this medium.
        let taken = self.watch.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut watch) = taken {
            watch(self, step);
            *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(watch);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn file(&self, path: &str) -> io::Result<(u64, &MemFile)> {
        let file = self.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        let found = self.files.get(file).ok_or(io::ErrorKind::NotFound)?;
        Ok((*file, found))
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.names, &change);
        self.journal.push(change);
    }

    fn persist(&mut self, count: usize) {
        for change in self.journal.drain(..count) {
            apply(&mut self.durable_names, &change);
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.failing_syncs > 0 {
            self.failing_syncs -= 1;
            return Err(rustix::io::Errno::IO.into());
        }
        Ok(())
    }

    fn full(&self, more: usize) -> bool {
        let taken: u64 = self.names.values().filter_map(|id| self.files.get(id)).map(size).sum();
        self.capacity.is_some_and(|capacity| taken + more as u64 > capacity)
    }
}

fn size(file: &MemFile) -> u64 {
    file.bytes.len() as u64
}

fn apply(names: &mut BTreeMap<String, u64>, change: &Change) {
    match change {
        Change::Add { path, file } => {
            names.insert(path.clone(), *file);
        }
        Change::Remove { path } => {
            names.remove(path);
        }
        Change::Rename { from, to, file } => {
            names.remove(from);
            names.insert(to.clone(), *file);
        }
    }
}

impl Change {
    fn touches(&self, dir: &str) -> bool {
        match self {
            Self::Add { path, .. } | Self::Remove { path } => parent(path) == dir,
            Self::Rename { from, to, .. } => parent(from) == dir || parent(to) == dir,
        }
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(dir, _)| dir)
}

impl Medium for MemMedium {
    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.lock().dirs.insert(dir.to_owned());
        Ok(())
    }

    fn write_durable(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.step(Step::Create);
        let file = {
            let mut state = self.lock();
            if parent(path) != "." && !state.dirs.contains(parent(path)) {
                return Err(io::ErrorKind::NotFound.into());
            }
            if state.names.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let file = state.next_file;
            state.next_file += 1;
            state.files.insert(file, MemFile { bytes: Vec::new(), durable: false });
            state.change(Change::Add { path: path.to_owned(), file });
            file
        };
        self.step(Step::Write);
        {
            let mut state = self.lock();
            if state.full(bytes.len()) {
                state.change(Change::Remove { path: path.to_owned() });
                return Err(rustix::io::Errno::NOSPC.into());
            }
            if let Some(found) = state.files.get_mut(&file) {
                found.bytes = bytes.to_vec();
            }
        }
        self.step(Step::SyncFile);
        let mut state = self.lock();
        if let Err(error) = state.sync() {
            state.change(Change::Remove { path: path.to_owned() });
            return Err(error);
        }
        if let Some(found) = state.files.get_mut(&file) {
            found.durable = true;
        }
        Ok(())
    }

    fn read(&self, path: &str, limit: u64) -> io::Result<Bytes> {
        let state = self.lock();
        let (_, file) = state.file(path)?;
        if state.unreadable.contains(path) {
            return Err(rustix::io::Errno::IO.into());
        }
        Ok(file.bytes.iter().copied().take(limit as usize).collect())
    }

    fn read_part(&self, path: &str, range: Range<u64>) -> io::Result<Vec<u8>> {
        let bytes = self.read(path, range.end)?;
        let part = bytes.get(range.start as usize..range.end as usize);
        part.map(<[u8]>::to_vec).ok_or(io::ErrorKind::UnexpectedEof.into())
    }

    fn len(&self, path: &str) -> io::Result<Option<u64>> {
        Ok(self.lock().file(path).ok().map(|(_, file)| size(file)))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.step(Step::Remove);
        let mut state = self.lock();
        state.file(path)?;
        state.change(Change::Remove { path: path.to_owned() });
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step(Step::Rename);
        let mut state = self.lock();
        let (file, _) = state.file(from)?;
        state.change(Change::Rename { from: from.to_owned(), to: to.to_owned(), file });
        Ok(())
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let state = self.lock();
        if dir != "." && !state.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        // Only what sorts below the directory's name: there may be many files elsewhere.
        let below = if dir == "." { String::new() } else { format!("{dir}/") };
        let here = state.names.range(below.clone()..).map(|(path, _)| path);
        let here = here.take_while(|path| path.starts_with(&below));
        let here = here.filter(|path| parent(path) == dir);
        Ok(here.map(|path| path.rsplit('/').next().unwrap_or(path).to_owned()).collect())
    }

    /// There is no disk below this one.
    fn forget(&self, _: &str) {}

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.step(Step::SyncDir);
        let mut state = self.lock();
        state.sync()?;
        let last = state.journal.iter().rposition(|change| change.touches(dir));
        state.persist(last.map_or(0, |last| last + 1));
        Ok(())
    }
}

impl fmt::Debug for MemMedium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemMedium").field("files", &self.lock().names.len()).finish_non_exhaustive()
    }
}
