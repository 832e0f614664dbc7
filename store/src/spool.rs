//! Our own sealed packs that wait for holders, one file each, named by its pack.
//!
//! Invariants: a file has its name only once it is whole (temporary file, then rename), its bytes are
//! checked against the name when read, and the sum of sizes is exact. How much may wait is the
//! caller's decision. A pack that a power cut tore (put without `durable`) is reported as damaged; it
//! can be made again from its recipe, or from the files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chunker::PackId;

use crate::db::is_disk_full;
use crate::files::{TEMP_SUFFIX, write_file_atomic, write_file_durable};
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

/// Packs that wait. Every call may come from any thread, and blocks.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    sizes: Mutex<BTreeMap<PackId, u64>>,
}

impl Spool {
    /// Opens the spool in `dir`, made if absent; removes what interrupted writes left.
    pub fn open(dir: &Path) -> Result<Self, SpoolError> {
        let sizes = pack_files(dir)
            .map_err(|source| SpoolError::Io { path: dir.to_owned(), source })?
            .into_iter()
            .map(|file| (file.pack, file.bytes))
            .collect();
        Ok(Self { dir: dir.to_owned(), sizes: Mutex::new(sizes) })
    }

    /// Keeps a sealed pack; with `durable` it survives a power cut when this returns. The bytes must
    /// be the pack's own: that they hash to its name is checked when they are read.
    pub fn put(&self, pack: &PackId, bytes: &[u8], durable: bool) -> Result<(), SpoolError> {
        let path = self.path(pack);
        let written = if durable {
            write_file_durable(&path, bytes)
        } else {
            write_file_atomic(&path, bytes)
        };
        written.map_err(|source| SpoolError::Io { path, source })?;
        self.sizes().insert(*pack, bytes.len() as u64);
        Ok(())
    }

    /// A pack's bytes, checked against its name.
    pub fn get(&self, pack: &PackId) -> Result<Bytes, SpoolError> {
        let path = self.path(pack);
        match std::fs::read(&path) {
            Ok(bytes) if PackId::from(blake3::hash(&bytes)) == *pack => Ok(bytes.into()),
            Ok(_) => Err(SpoolError::Damaged { pack: *pack }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(SpoolError::Unknown { pack: *pack })
            }
            Err(source) => Err(SpoolError::Io { path, source }),
        }
    }

    /// Whether a pack waits here, by its name alone.
    pub fn contains(&self, pack: &PackId) -> bool {
        self.sizes().contains_key(pack)
    }

    /// Takes a pack away; one that is not there is fine.
    pub fn remove(&self, pack: &PackId) -> Result<(), SpoolError> {
        let path = self.path(pack);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(SpoolError::Io { path, source: error })
            }
            _ => {
                self.sizes().remove(pack);
                Ok(())
            }
        }
    }

    /// Packs that wait, ordered by name.
    pub fn list(&self) -> Vec<PackId> {
        self.sizes().keys().copied().collect()
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> u64 {
        self.sizes().values().sum()
    }

    /// Makes every pack's name durable that is in the spool now (content is by `durable` puts).
    pub fn sync(&self) -> Result<(), SpoolError> {
        let synced = File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(|source| SpoolError::Io { path: self.dir.clone(), source })
    }

    fn path(&self, pack: &PackId) -> PathBuf {
        self.dir.join(pack.to_string())
    }

    fn sizes(&self) -> MutexGuard<'_, BTreeMap<PackId, u64>> {
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pack's file in a directory of such files.
pub(crate) struct PackFile {
    pub(crate) pack: PackId,
    pub(crate) bytes: u64,
    pub(crate) modified: std::time::SystemTime,
}

/// The packs in `dir`, which is made if absent. Leftovers of interrupted writes are removed; names
/// that are not ours are passed over.
pub(crate) fn pack_files(dir: &Path) -> io::Result<Vec<PackFile>> {
    make_private_dir(dir)?;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(TEMP_SUFFIX) {
            std::fs::remove_file(entry.path())?;
        } else if let Ok(pack) = PackId::from_str(&name) {
            let found = entry.metadata()?;
            files.push(PackFile { pack, bytes: found.len(), modified: found.modified()? });
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
