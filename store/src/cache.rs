//! Our own packs and parts of packs, kept to spare downloads. Losing all of it costs time, nothing
//! else.
//!
//! A part is the sealed bytes of one block of a pack, with a hash after them that covers which one
//! it is. Invariants: what is handed out hashes to its name, or to the hash after it (a damaged
//! file is dropped and reported as absent), except by [`PackCache::peek`]; the files together stay
//! within the limit, the longest unused going first, also across restarts (use is noted as the
//! file's modification time). Nothing is synced.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chunker::PackId;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};

use crate::files::{MAX_PACK_LEN, read_bounded, read_range, write_file_atomic};
use crate::spool::files_of;

/// A use of a pack is noted on the disk when so many of all packs were counted since the last one.
const NOTED_EVERY: u64 = 1024;

/// Packs kept to spare downloads. Clones share one cache; every call may come from any thread, and
/// blocks.
#[derive(Debug, Clone)]
pub struct PackCache {
    dir: PathBuf,
    limit_bytes: u64,
    packs: Arc<Mutex<Packs>>,
}

/// A pack, or the block of this number in it. Packs come before their parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    pack: PackId,
    part: Option<u32>,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            None => write!(f, "{}", self.pack),
            Some(part) => write!(f, "{}.{part}", self.pack),
        }
    }
}

impl FromStr for Key {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let (pack, part) = match name.split_once('.') {
            None => (name, None),
            Some((pack, part)) => (pack, Some(part.parse().map_err(|_unlike| ())?)),
        };
        Ok(Self { pack: pack.parse().map_err(|_unlike| ())?, part })
    }
}

impl Key {
    const fn whole(pack: PackId) -> Self {
        Self { pack, part: None }
    }

    /// What a file of this name has to hash to.
    fn hash(&self, bytes: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        if let Some(part) = self.part {
            hasher.update(self.pack.as_bytes()).update(&part.to_le_bytes());
        }
        hasher.update(bytes).finalize()
    }

    /// What is in a file of this name; none when it is not whole.
    fn opened(&self, mut file: Vec<u8>) -> Option<Bytes> {
        let wanted = if self.part.is_none() {
            *self.pack.as_bytes()
        } else {
            let at = file.len().checked_sub(blake3::OUT_LEN)?;
            file.split_off(at).try_into().ok()?
        };
        (self.hash(&file) == blake3::Hash::from_bytes(wanted)).then(|| file.into())
    }
}

/// Packs by name and by when they were last used, in numbers that only grow.
#[derive(Debug, Default)]
struct Packs {
    by_name: BTreeMap<Key, Entry>,
    by_use: BTreeMap<u64, Key>,
    bytes: u64,
    next_use: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    bytes: u64,
    used: u64,
    /// The use that this process noted last on the disk.
    noted: Option<u64>,
}

impl PackCache {
    /// Opens the cache in `dir`, made if absent, which may take up to `limit_bytes`.
    pub fn open(dir: &Path, limit_bytes: u64) -> io::Result<Self> {
        let mut files = files_of::<Key>(dir)?;
        files.sort_by_key(|file| (file.modified, file.name));
        let mut packs = Packs::default();
        for file in files {
            packs.insert(file.name, file.bytes);
        }
        let cache = Self { dir: dir.to_owned(), limit_bytes, packs: Arc::new(Mutex::new(packs)) };
        cache.make_room(0);
        Ok(cache)
    }

    /// A pack's bytes, if they are here and whole.
    pub fn get(&self, pack: &PackId) -> Option<Bytes> {
        self.take_out(Key::whole(*pack))
    }

    /// A range of a pack's bytes, unverified: for what is authenticated by itself when opened.
    pub fn peek(&self, pack: &PackId, range: Range<usize>) -> Option<Bytes> {
        let key = Key::whole(*pack);
        if !self.touch(key) {
            return None;
        }
        read_range(&self.path(key), range).ok().map(Bytes::from)
    }

    /// The sealed bytes of a pack's block of this number, if they were kept by themselves.
    pub fn get_part(&self, pack: &PackId, part: u32) -> Option<Bytes> {
        self.take_out(Key { pack: *pack, part: Some(part) })
    }

    /// Keeps a pack, making room for it; one larger than the whole cache is not kept. Its parts are
    /// not needed by themselves any more.
    pub fn put(&self, pack: &PackId, bytes: &[u8]) -> io::Result<()> {
        self.put_in(Key::whole(*pack), bytes)?;
        let parts = self.packs().parts(pack);
        parts.into_iter().for_each(|part| self.remove_key(part));
        Ok(())
    }

    /// Keeps the sealed bytes of one block of a pack.
    pub fn put_part(&self, pack: &PackId, part: u32, bytes: &[u8]) -> io::Result<()> {
        let key = Key { pack: *pack, part: Some(part) };
        let file = [bytes, key.hash(bytes).as_bytes()].concat();
        self.put_in(key, &file)
    }

    /// Whether a pack is here, by its name alone.
    pub fn contains(&self, pack: &PackId) -> bool {
        self.packs().by_name.contains_key(&Key::whole(*pack))
    }

    /// Drops a pack; one that is not here is fine.
    pub fn remove(&self, pack: &PackId) {
        self.remove_key(Key::whole(*pack));
    }

    fn take_out(&self, key: Key) -> Option<Bytes> {
        self.packs().touch(key)?;
        let path = self.path(key);
        let found = read_bounded(&path, MAX_PACK_LEN).ok().and_then(|file| key.opened(file));
        if found.is_some() {
            note_use(&path);
        } else {
            self.remove_key(key);
        }
        found
    }

    fn put_in(&self, key: Key, file: &[u8]) -> io::Result<()> {
        let len = file.len() as u64;
        if len > self.limit_bytes || self.touch(key) {
            return Ok(());
        }
        self.make_room(len);
        write_file_atomic(&self.path(key), file)?;
        self.packs().insert(key, len);
        // Others may have put theirs meanwhile.
        self.make_room(0);
        Ok(())
    }

    /// Counts a use, now and then on the disk too. False when it is not here.
    fn touch(&self, key: Key) -> bool {
        let due = self.packs().touch(key);
        if due == Some(true) {
            note_use(&self.path(key));
        }
        due.is_some()
    }

    fn remove_key(&self, key: Key) {
        self.packs().remove(key);
        // A file that stays is found again at the next open: still bounded, still verified.
        drop(std::fs::remove_file(self.path(key)));
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
            self.remove_key(oldest);
        }
    }

    fn path(&self, key: Key) -> PathBuf {
        self.dir.join(key.to_string())
    }

    fn packs(&self) -> MutexGuard<'_, Packs> {
        self.packs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Packs {
    fn insert(&mut self, key: Key, bytes: u64) {
        self.insert_noted(key, bytes, None);
    }

    fn insert_noted(&mut self, key: Key, bytes: u64, noted: Option<u64>) {
        self.remove(key);
        let used = self.next_use;
        self.next_use += 1;
        self.by_name.insert(key, Entry { bytes, used, noted });
        self.by_use.insert(used, key);
        self.bytes += bytes;
    }

    fn remove(&mut self, key: Key) {
        if let Some(entry) = self.by_name.remove(&key) {
            self.by_use.remove(&entry.used);
            self.bytes -= entry.bytes;
        }
    }

    /// Counts a use. Returns whether it is to be noted on the disk; none when it is not here.
    fn touch(&mut self, key: Key) -> Option<bool> {
        let Entry { bytes, noted, .. } = self.by_name.get(&key).copied()?;
        let due = noted.is_none_or(|use_no| self.next_use - use_no >= NOTED_EVERY);
        self.insert_noted(key, bytes, if due { Some(self.next_use) } else { noted });
        Some(due)
    }

    /// The parts of a pack that are kept by themselves.
    fn parts(&self, pack: &PackId) -> Vec<Key> {
        let key = |part| Key { pack: *pack, part: Some(part) };
        self.by_name.range(key(0)..=key(u32::MAX)).map(|(key, _)| *key).collect()
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
