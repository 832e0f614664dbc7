//! Our own metadata packs, kept to spare downloads. Losing all of it costs time, nothing else.
//!
//! Invariants: what is handed out hashes to its name (a damaged file is dropped and reported as
//! absent); the files together stay within the limit, the longest unused going first, also across
//! restarts (use is noted as the file's modification time). Nothing is synced.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chunker::PackId;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};

use crate::files::{MAX_PACK_LEN, read_bounded, write_file_atomic};
use crate::spool::pack_files;

/// Packs kept to spare downloads. Clones share one cache; every call may come from any thread, and
/// blocks.
#[derive(Debug, Clone)]
pub struct PackCache {
    dir: PathBuf,
    limit_bytes: u64,
    packs: Arc<Mutex<Packs>>,
}

/// Packs by name and by when they were last used, in numbers that only grow.
#[derive(Debug, Default)]
struct Packs {
    by_pack: BTreeMap<PackId, Entry>,
    by_use: BTreeMap<u64, PackId>,
    bytes: u64,
    next_use: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    bytes: u64,
    used: u64,
}

impl PackCache {
    /// Opens the cache in `dir`, made if absent, which may take up to `limit_bytes`.
    pub fn open(dir: &Path, limit_bytes: u64) -> io::Result<Self> {
        let mut files = pack_files(dir)?;
        files.sort_by_key(|file| (file.modified, file.pack));
        let mut packs = Packs::default();
        for file in files {
            packs.insert(file.pack, file.bytes);
        }
        let cache = Self { dir: dir.to_owned(), limit_bytes, packs: Arc::new(Mutex::new(packs)) };
        cache.make_room(0);
        Ok(cache)
    }

    /// A pack's bytes, if they are here and whole.
    pub fn get(&self, pack: &PackId) -> Option<Bytes> {
        if !self.packs().touch(pack) {
            return None;
        }
        let path = self.path(pack);
        match read_bounded(&path, MAX_PACK_LEN) {
            Ok(bytes) if PackId::from(blake3::hash(&bytes)) == *pack => {
                note_use(&path);
                Some(bytes.into())
            }
            _ => {
                self.remove(pack);
                None
            }
        }
    }

    /// Keeps a pack, making room for it; one larger than the whole cache is not kept.
    pub fn put(&self, pack: &PackId, bytes: &[u8]) -> io::Result<()> {
        let len = bytes.len() as u64;
        if len > self.limit_bytes || self.packs().touch(pack) {
            return Ok(());
        }
        self.make_room(len);
        write_file_atomic(&self.path(pack), bytes)?;
        self.packs().insert(*pack, len);
        // Others may have put theirs meanwhile.
        self.make_room(0);
        Ok(())
    }

    /// Whether a pack is here, by its name alone.
    pub fn contains(&self, pack: &PackId) -> bool {
        self.packs().by_pack.contains_key(pack)
    }

    /// Drops a pack; one that is not here is fine.
    pub fn remove(&self, pack: &PackId) {
        self.packs().remove(pack);
        // A file that stays is found again at the next open: still bounded, still verified.
        drop(std::fs::remove_file(self.path(pack)));
    }

    /// Bytes kept.
    pub fn bytes(&self) -> u64 {
        self.packs().bytes
    }

    fn make_room(&self, len: u64) {
        loop {
            let oldest = {
                let packs = self.packs();
                if packs.bytes.saturating_add(len) <= self.limit_bytes {
                    return;
                }
                packs.by_use.values().next().copied()
            };
            let Some(oldest) = oldest else { return };
            self.remove(&oldest);
        }
    }

    fn path(&self, pack: &PackId) -> PathBuf {
        self.dir.join(pack.to_string())
    }

    fn packs(&self) -> MutexGuard<'_, Packs> {
        self.packs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Packs {
    fn insert(&mut self, pack: PackId, bytes: u64) {
        self.remove(&pack);
        let used = self.next_use;
        self.next_use += 1;
        self.by_pack.insert(pack, Entry { bytes, used });
        self.by_use.insert(used, pack);
        self.bytes += bytes;
    }

    fn remove(&mut self, pack: &PackId) {
        if let Some(entry) = self.by_pack.remove(pack) {
            self.by_use.remove(&entry.used);
            self.bytes -= entry.bytes;
        }
    }

    /// Notes a use. False when the pack is not here.
    fn touch(&mut self, pack: &PackId) -> bool {
        let Some(entry) = self.by_pack.get(pack).copied() else { return false };
        self.insert(*pack, entry.bytes);
        true
    }
}

/// Best effort: without it only the order of eviction after a restart is worse.
fn note_use(path: &Path) {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    if let Ok(file) = OpenOptions::new().write(true).open(path) {
        futimens(file, &times).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;
