//! The writable drive: every rule of a POSIX file system, over a table in memory that is written to
//! disk behind, and data files beside it.
//!
//! ```text
//! naming    entries: make, link, unlink, rename       content  bytes: read, write, cut, punch
//! attrs     modes, owners, times, attributes, lists   saving   the table to disk; fsync
//! freeze    the tree of one moment, for a commit      space    how much may be written
//! placing   files that get their name when they are whole
//! ```
//!
//! Invariants. *Locks*: `saving`, then `gate` (writers of bytes share it, whoever needs a moment
//! without writes takes it alone), then `state`, and none is held while waiting for the grid.
//! *Crash*: what `sync` returned for survives a power cut; the table is always that of one moment.
//! *Space*: a write is answered only after its bytes were counted against the limit and stored on
//! this disk, so that no acknowledged byte can fail for want of room later. *Reads*: bytes that are
//! only on the grid are fetched through [`Far`], everything else never waits.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;
use futures::future::BoxFuture;
use rustix::io::Errno;
use store::{DataFile, DbError, DriveStore};

use super::ops::{Attr, Ino, ROOT, Type};
use super::reader::Layout;
use crate::vault::tree::{Content, Stamp};

pub(crate) mod acl;
mod attrs;
mod content;
mod files;
pub(crate) mod freeze;
mod naming;
pub(crate) mod node;
mod paths;
mod placing;
pub(crate) mod ranges;
mod saving;
mod space;
#[cfg(test)]
pub(crate) mod tests;

use freeze::Frozen;
use node::{Body, Data, Dir, Inode};
use space::Room;

pub use space::{Figures, Progress};

/// Data files kept open: a fraction of what a process may open.
const OPEN_FILES: usize = 256;

/// Bytes that are on the grid only.
pub trait Far: Send + Sync + 'static {
    /// Where the bytes of a content are.
    fn layout(&self, content: Content, size: u64)
    -> BoxFuture<'static, Result<Arc<Layout>, Errno>>;
    /// `len` bytes at `at` of a content of `size` bytes.
    fn read(
        &self,
        content: Content,
        size: u64,
        at: u64,
        len: u64,
    ) -> BoxFuture<'static, Result<Bytes, Errno>>;
}

/// What time it is, to the nanosecond.
pub type Now = Arc<dyn Fn() -> Stamp + Send + Sync>;

/// A drive cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Its table cannot be read.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Its data cannot be listed.
    #[error("The drive's data cannot be read")]
    Io(#[from] std::io::Error),
    /// A row makes no sense.
    #[error("The drive's table is damaged: number {ino}")]
    Damaged {
        /// Which inode.
        ino: Ino,
    },
}

/// A drive that is open.
pub struct Volume {
    store: DriveStore,
    far: Arc<dyn Far>,
    now: Now,
    /// Shared by writers of bytes.
    gate: RwLock<()>,
    /// Held by whoever writes the table to disk.
    saving: Mutex<()>,
    state: Mutex<State>,
    room: Room,
    /// Grows with every change that a commit would see.
    changes: AtomicU64,
    /// Whether another machine writes the drive now.
    fenced: AtomicBool,
}

impl fmt::Debug for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Volume").field("store", &self.store).finish_non_exhaustive()
    }
}

/// The table.
#[derive(Debug)]
struct State {
    inodes: BTreeMap<Ino, Arc<Inode>>,
    next_ino: Ino,
    next_data: u64,
    /// Rows that differ from the disk's.
    dirty: BTreeSet<Ino>,
    /// Those of them without which bytes cannot be found or pass for what they are not.
    vital: BTreeSet<Ino>,
    /// The same of rows that are being saved.
    vital_saving: BTreeSet<Ino>,
    /// Entries that differ from the disk's.
    renamed: BTreeSet<(Ino, Vec<u8>)>,
    /// Files whose bytes were written since they were last synced, and when.
    unsynced: BTreeMap<Ino, u64>,
    /// Notes beside the tree that differ from the disk's.
    settings: BTreeMap<&'static str, Vec<u8>>,
    /// Files of which the disk can be given something back.
    trimmed: BTreeSet<Ino>,
    /// Data files that go when the table on disk does not name them any more.
    doomed: Vec<u64>,
    /// How often the kernel was told of each number.
    known: BTreeMap<Ino, u64>,
    /// Open data files, by when they were used.
    open: BTreeMap<u64, (Arc<DataFile>, u64)>,
    /// When files were used last, in numbers that only grow.
    used: BTreeMap<Ino, u64>,
    tick: u64,
    /// Bytes in data files, and bytes of all files.
    here: u64,
    stored: u64,
    /// Bytes being written: counted before they are there.
    promised: u64,
    /// Files that may have bytes here that are not on the grid: all that have, and some that had.
    unproven: BTreeSet<Ino>,
    /// The moment a commit is reading.
    frozen: Option<Arc<Frozen>>,
    /// Commits up to this number are proven to be on the grid.
    proven: u64,
}

impl Volume {
    /// Opens a drive, or makes an empty one. Files that had no name any more and data that no file
    /// has are removed.
    pub fn open(store: DriveStore, far: Arc<dyn Far>, now: Now) -> Result<Self, OpenError> {
        let mut state = State::empty();
        store.inodes(|ino, row| {
            let inode = Inode::from_row(ino, row).ok_or(OpenError::Damaged { ino })?;
            state.insert(Arc::new(inode));
            Ok::<_, OpenError>(())
        })?;
        store.entries(|parent, name, ino| {
            let dir = state.inodes.get_mut(&parent).map(Arc::make_mut);
            match dir.map(|inode| &mut inode.body) {
                Some(Body::Dir(dir)) => dir.entries.insert(name, ino),
                _ => return Err(OpenError::Damaged { ino: parent }),
            };
            Ok::<_, OpenError>(())
        })?;
        if !state.inodes.contains_key(&ROOT) {
            state.make_root(now());
        }
        state.reap();
        let named: BTreeSet<u64> = state.data_numbers().collect();
        for no in store.numbers()? {
            state.next_data = state.next_data.max(no + 1);
            if !named.contains(&no) {
                store.remove(no)?;
            }
        }
        Ok(Self {
            store,
            far,
            now,
            gate: RwLock::default(),
            saving: Mutex::default(),
            state: Mutex::new(state),
            room: Room::default(),
            changes: AtomicU64::new(0),
            fenced: AtomicBool::new(false),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No operation leaves a half-made change behind that a panic could expose: each is made of
        // checks first and changes after.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Stamp {
        (self.now)()
    }

    /// From now on nothing is changed any more: programs get EROFS.
    pub fn fence(&self) {
        // No change of bytes is half made.
        let _gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        self.fenced.store(true, Ordering::SeqCst);
    }

    /// Whether it may be changed.
    fn writable(&self) -> Result<(), Errno> {
        if self.fenced.load(Ordering::SeqCst) { Err(Errno::ROFS) } else { Ok(()) }
    }

    /// Something changed that a commit would see.
    fn touched(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// How often something changed.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }
}

impl State {
    const fn empty() -> Self {
        Self {
            inodes: BTreeMap::new(),
            next_ino: ROOT + 1,
            next_data: 1,
            dirty: BTreeSet::new(),
            vital: BTreeSet::new(),
            vital_saving: BTreeSet::new(),
            renamed: BTreeSet::new(),
            unsynced: BTreeMap::new(),
            settings: BTreeMap::new(),
            trimmed: BTreeSet::new(),
            doomed: Vec::new(),
            known: BTreeMap::new(),
            open: BTreeMap::new(),
            used: BTreeMap::new(),
            tick: 0,
            here: 0,
            stored: 0,
            promised: 0,
            unproven: BTreeSet::new(),
            frozen: None,
            proven: 0,
        }
    }

    fn make_root(&mut self, now: Stamp) {
        let mut root = new_inode(ROOT, Type::Dir, now);
        root.attr.mode = 0o755;
        root.attr.uid = rustix::process::geteuid().as_raw();
        root.attr.gid = rustix::process::getegid().as_raw();
        root.body = Body::Dir(Dir { parent: ROOT, entries: BTreeMap::new() });
        self.insert(Arc::new(root));
        self.dirty.insert(ROOT);
    }

    /// Adds an inode to the table in memory.
    fn insert(&mut self, inode: Arc<Inode>) {
        let ino = inode.attr.ino;
        self.next_ino = self.next_ino.max(ino + 1);
        if let Body::File(Data { no: Some(no), .. }) = &inode.body {
            self.next_data = self.next_data.max(no + 1);
        }
        let (here, stored) = inode.weight();
        self.here += here;
        self.stored += stored;
        if here > 0 {
            self.unproven.insert(ino);
        }
        self.inodes.insert(ino, inode);
    }

    /// Removes what a crash left without a name.
    fn reap(&mut self) {
        let gone: Vec<Ino> = self
            .inodes
            .values()
            .filter(|inode| inode.attr.links == 0)
            .map(|inode| inode.attr.ino)
            .collect();
        for ino in gone {
            self.drop_inode(ino);
        }
    }

    fn data_numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.inodes.values().filter_map(|inode| match &inode.body {
            Body::File(data) => data.no,
            _ => None,
        })
    }

    fn get(&self, ino: Ino) -> Result<&Arc<Inode>, Errno> {
        self.inodes.get(&ino).ok_or(Errno::NOENT)
    }

    fn dir(&self, ino: Ino) -> Result<&Dir, Errno> {
        match &self.get(ino)?.body {
            Body::Dir(dir) => Ok(dir),
            _ => Err(Errno::NOTDIR),
        }
    }

    fn data_of(&self, ino: Ino) -> Result<&Data, Errno> {
        match &self.get(ino)?.body {
            Body::File(data) => Ok(data),
            Body::Dir(_) => Err(Errno::ISDIR),
            _ => Err(Errno::INVAL),
        }
    }

    /// Changes an inode, its row to be saved and the sums kept.
    fn change<T>(&mut self, ino: Ino, work: impl FnOnce(&mut Inode) -> T) -> Result<T, Errno> {
        self.vital.insert(ino);
        self.retouch(ino, work)
    }

    /// The same of what a program that syncs a file's bytes does without: its times.
    fn retouch<T>(&mut self, ino: Ino, work: impl FnOnce(&mut Inode) -> T) -> Result<T, Errno> {
        let slot = self.inodes.get_mut(&ino).ok_or(Errno::NOENT)?;
        let before = slot.weight();
        let value = work(Arc::make_mut(slot));
        let after = slot.weight();
        self.here = self.here + after.0 - before.0;
        self.stored = self.stored + after.1 - before.1;
        if after.0 > 0 {
            self.unproven.insert(ino);
        }
        self.dirty.insert(ino);
        Ok(value)
    }

    /// The same of a file's data.
    fn change_data<T>(
        &mut self,
        ino: Ino,
        work: impl FnOnce(&mut Data, &mut Attr) -> T,
    ) -> Result<T, Errno> {
        self.retouch_data(ino, true, work)
    }

    /// The same; `vital` unless the row on disk finds the same bytes.
    fn retouch_data<T>(
        &mut self,
        ino: Ino,
        vital: bool,
        work: impl FnOnce(&mut Data, &mut Attr) -> T,
    ) -> Result<T, Errno> {
        if vital {
            self.vital.insert(ino);
        }
        self.retouch(ino, |inode| match &mut inode.body {
            Body::File(data) => Ok(work(data, &mut inode.attr)),
            _ => Err(Errno::INVAL),
        })?
    }

    /// Whether writing `from..to` of a file changes more of its row than times and the count of
    /// changes: where its bytes are, or that its last commit is not all of it.
    fn is_vital(&self, ino: Ino, from: u64, to: u64) -> Result<bool, Errno> {
        let data = self.data_of(ino)?;
        let known = data.ranges.missing(from, to) == 0
            && (data.base.is_none() || data.fresh.missing(from, to) == 0);
        Ok(!known || data.is_clean() || to > self.get(ino)?.attr.size)
    }

    /// Changes the entries of a directory, and its times.
    fn set_entry(
        &mut self,
        dir: Ino,
        name: &[u8],
        ino: Option<Ino>,
        now: Stamp,
    ) -> Result<(), Errno> {
        self.change(dir, |inode| {
            let Body::Dir(dir) = &mut inode.body else { return Err(Errno::NOTDIR) };
            match ino {
                Some(ino) => dir.entries.insert(name.to_vec(), ino),
                None => dir.entries.remove(name),
            };
            inode.attr.mtime = now;
            inode.attr.ctime = now;
            Ok(())
        })??;
        self.renamed.insert((dir, name.to_vec()));
        Ok(())
    }

    /// Takes an inode out for good.
    fn drop_inode(&mut self, ino: Ino) {
        let Some(inode) = self.inodes.remove(&ino) else { return };
        let (here, stored) = inode.weight();
        self.here -= here;
        self.stored -= stored;
        self.dirty.insert(ino);
        self.vital.remove(&ino);
        self.unsynced.remove(&ino);
        self.unproven.remove(&ino);
        self.used.remove(&ino);
        if let Body::File(Data { no: Some(no), .. }) = &inode.body {
            self.doom(*no);
        }
    }

    /// A data file that is not needed once the table on disk says so.
    fn doom(&mut self, no: u64) {
        self.open.remove(&no);
        self.doomed.push(no);
    }

    /// Takes out what has no name and nobody knows any more.
    fn drop_if_gone(&mut self, ino: Ino) {
        let unnamed = self.inodes.get(&ino).is_some_and(|inode| inode.attr.links == 0);
        if unnamed && !self.known.contains_key(&ino) {
            self.drop_inode(ino);
        }
    }

    /// Bytes were written.
    fn wrote(&mut self, ino: Ino) {
        self.use_now(ino);
        self.unsynced.insert(ino, self.tick);
    }

    fn use_now(&mut self, ino: Ino) {
        self.tick += 1;
        self.used.insert(ino, self.tick);
    }

    /// An open data file.
    fn open_data(&mut self, store: &DriveStore, no: u64) -> Result<Arc<DataFile>, Errno> {
        self.tick += 1;
        if let Some((file, used)) = self.open.get_mut(&no) {
            *used = self.tick;
            return Ok(Arc::clone(file));
        }
        if self.open.len() >= OPEN_FILES {
            let mut by_use: Vec<(u64, u64)> =
                self.open.iter().map(|(no, (_, used))| (*used, *no)).collect();
            by_use.sort_unstable();
            for (_, no) in by_use.into_iter().take(OPEN_FILES / 4) {
                self.open.remove(&no);
            }
        }
        let file = Arc::new(store.data(no).map_err(|error| errno(&error))?);
        self.open.insert(no, (Arc::clone(&file), self.tick));
        Ok(file)
    }
}

/// What the disk's refusal is to a program.
fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

/// An entry of no content, with no names yet.
fn new_inode(ino: Ino, kind: Type, now: Stamp) -> Inode {
    let body = match kind {
        Type::Dir => Body::Dir(Dir::default()),
        Type::File => Body::File(Data::default()),
        Type::Symlink => Body::Symlink(Vec::new()),
        _ => Body::Other,
    };
    let is_dir = kind == Type::Dir;
    let attr = Attr {
        ino,
        kind,
        size: if is_dir { 4096 } else { 0 },
        allocated: 0,
        mode: 0,
        links: if is_dir { 2 } else { 1 },
        uid: 0,
        gid: 0,
        rdev: 0,
        atime: now,
        mtime: now,
        ctime: now,
    };
    Inode { attr, xattrs: BTreeMap::new(), body }
}
