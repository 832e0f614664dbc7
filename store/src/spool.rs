//! Our own sealed packs that wait for holders, one file each, named by its pack.
//!
//! Invariants: a file has its name only once it is whole (temporary file, then rename), its bytes
//! are checked against the name when read, and the sum of sizes is exact. How much may wait is the
//! caller's decision. A pack that a power cut tore (put without `durable`, and no [`Spool::sync`]
//! since) is reported as damaged; it can be made again from its recipe, or from the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chunker::PackId;

use crate::db::is_disk_full;
use crate::files::{
    MAX_PACK_LEN, TEMP_SUFFIX, read_bounded, read_range, write_file_atomic, write_file_durable,
};
use crate::home::make_private_dir;

/// Why the spool cannot do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// No such pack waits here.
    #[error("Pack {pack} is not in the spool")]
    Unknown {
        /// The pack asked for.
        pack: PackId,
    },
    /// The file's bytes are not those of the name.
    #[error("Pack {pack} is damaged in the spool")]
    Damaged {
        /// The pack asked for.
        pack: PackId,
    },
    /// Larger than any pack.
    #[error("Pack {pack} has {len} bytes, more than the {limit} accepted")]
    TooLarge {
        /// The pack to be kept.
        pack: PackId,
        /// Its size, in bytes.
        len: usize,
        /// The most accepted, in bytes.
        limit: usize,
    },
    /// The system refused something.
    #[error("Cannot use the spool at {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl SpoolError {
    /// Whether the disk is full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if is_disk_full(source))
    }
}

/// Packs that wait. Clones share one spool; every call may come from any thread, and blocks.
#[derive(Debug, Clone)]
pub struct Spool {
    dir: PathBuf,
    packs: Arc<Mutex<Packs>>,
}

#[derive(Debug, Default)]
struct Packs {
    sizes: BTreeMap<PackId, u64>,
    /// Those a power cut could still tear.
    unsynced: BTreeSet<PackId>,
    /// Those that this process wrote whole and durably, or has read and found whole.
    seen_whole: BTreeSet<PackId>,
}

impl Spool {
    /// Opens the spool in `dir`, made if absent; removes what interrupted writes left.
    pub fn open(dir: &Path) -> Result<Self, SpoolError> {
        let sizes: BTreeMap<_, _> = files_of::<PackId>(dir)
            .map_err(|source| SpoolError::Io { path: dir.to_owned(), source })?
            .into_iter()
            .map(|file| (file.name, file.bytes))
            .collect();
        // What an earlier process put was never synced, as far as we know.
        let unsynced = sizes.keys().copied().collect();
        let packs = Packs { unsynced, sizes, seen_whole: BTreeSet::new() };
        Ok(Self { dir: dir.to_owned(), packs: Arc::new(Mutex::new(packs)) })
    }

    /// Keeps a sealed pack; with `durable` it survives a power cut when this returns. The bytes
    /// must be the pack's own: that they hash to its name is checked when they are read.
    pub fn put(&self, pack: &PackId, bytes: &[u8], durable: bool) -> Result<(), SpoolError> {
        if bytes.len() > MAX_PACK_LEN {
            let (pack, len) = (*pack, bytes.len());
            return Err(SpoolError::TooLarge { pack, len, limit: MAX_PACK_LEN });
        }
        let path = self.path(pack);
        let written = if durable {
            write_file_durable(&path, bytes)
        } else {
            write_file_atomic(&path, bytes)
        };
        written.map_err(|source| SpoolError::Io { path, source })?;
        let mut packs = self.packs();
        packs.sizes.insert(*pack, bytes.len() as u64);
        if durable {
            packs.unsynced.remove(pack);
            packs.seen_whole.insert(*pack);
        } else {
            packs.unsynced.insert(*pack);
        }
        Ok(())
    }

    /// A pack's bytes, checked against its name.
    pub fn get(&self, pack: &PackId) -> Result<Bytes, SpoolError> {
        let path = self.path(pack);
        match read_bounded(&path, MAX_PACK_LEN) {
            Ok(bytes) if PackId::from(blake3::hash(&bytes)) == *pack => {
                self.packs().seen_whole.insert(*pack);
                Ok(bytes.into())
            }
            Ok(_) => {
                self.packs().seen_whole.remove(pack);
                Err(SpoolError::Damaged { pack: *pack })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(SpoolError::Unknown { pack: *pack })
            }
            Err(source) => Err(SpoolError::Io { path, source }),
        }
    }

    /// A range of a pack's bytes, unverified: for what is authenticated by itself when opened.
    pub fn peek(&self, pack: &PackId, range: Range<usize>) -> Option<Bytes> {
        if !self.contains(pack) {
            return None;
        }
        read_range(&self.path(pack), range).ok().map(Bytes::from)
    }

    /// Whether a pack waits here, by its name alone.
    pub fn contains(&self, pack: &PackId) -> bool {
        self.packs().sizes.contains_key(pack)
    }

    /// Whether a pack that waits here was whole when this process wrote it durably, or when it read
    /// it last: reading it again would tell what is known.
    pub fn was_whole(&self, pack: &PackId) -> bool {
        let packs = self.packs();
        packs.sizes.contains_key(pack) && packs.seen_whole.contains(pack)
    }

    /// Takes a pack away; one that is not there is fine.
    pub fn remove(&self, pack: &PackId) -> Result<(), SpoolError> {
        let path = self.path(pack);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(SpoolError::Io { path, source: error })
            }
            _ => {
                let mut packs = self.packs();
                packs.sizes.remove(pack);
                packs.unsynced.remove(pack);
                packs.seen_whole.remove(pack);
                Ok(())
            }
        }
    }

    /// Packs that wait, ordered by name.
    pub fn list(&self) -> Vec<PackId> {
        self.packs().sizes.keys().copied().collect()
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> u64 {
        self.packs().sizes.values().sum()
    }

    /// Makes every pack durable that is in the spool now.
    pub fn sync(&self) -> Result<(), SpoolError> {
        let unsynced = self.packs().unsynced.clone();
        for pack in &unsynced {
            sync_file(self.path(pack), true)?;
        }
        sync_file(self.dir.clone(), false)?;
        self.packs().unsynced.retain(|pack| !unsynced.contains(pack));
        Ok(())
    }

    fn path(&self, pack: &PackId) -> PathBuf {
        self.dir.join(pack.to_string())
    }

    fn packs(&self) -> MutexGuard<'_, Packs> {
        self.packs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Syncs a file or directory; one that was removed meanwhile is fine if it `may_be_gone`.
fn sync_file(path: PathBuf, may_be_gone: bool) -> Result<(), SpoolError> {
    match File::open(&path).and_then(|file| file.sync_all()) {
        Err(error) if may_be_gone && error.kind() == io::ErrorKind::NotFound => Ok(()),
        synced => synced.map_err(|source| SpoolError::Io { path, source }),
    }
}

/// A file in a directory of packs, by what its name says.
pub(crate) struct Found<T> {
    pub(crate) name: T,
    pub(crate) bytes: u64,
    pub(crate) modified: std::time::SystemTime,
}

/// The files in `dir`, which is made if absent. Leftovers of interrupted writes are removed; names
/// that are not ours are passed over.
pub(crate) fn files_of<T: FromStr + ToString>(dir: &Path) -> io::Result<Vec<Found<T>>> {
    make_private_dir(dir)?;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(TEMP_SUFFIX) {
            std::fs::remove_file(entry.path())?;
        } else if let Some(ours) = our_name::<T>(&name) {
            let found = entry.metadata()?;
            files.push(Found { name: ours, bytes: found.len(), modified: found.modified()? });
        }
    }
    Ok(files)
}

/// What a file stands for that we named.
fn our_name<T: FromStr + ToString>(name: &str) -> Option<T> {
    name.parse().ok().filter(|ours: &T| ours.to_string() == name)
}

#[cfg(test)]
mod tests;
