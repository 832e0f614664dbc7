//! `GBAK_HOME`: the directory everything of one install lives in, and its lock.
//!
//! ```text
//! keys           wrapped or 0600 key file          config.toml    settings
//! catalog.db     own index, a cache                host.db        facts about the shelf
//! shelf/         others' shards (unless the donation names another disk)
//! spool/         own sealed packs without holders  cache/         own metadata packs
//! lock           flock: one engine at a time       control.sock   the agent's API
//! ```
//!
//! Invariants: the directory and those below it are 0700; one engine per home, decided by an
//! exclusive `flock` that the kernel drops with the process, however it ends.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// Why a home cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomeError {
    /// There is no such directory.
    #[error("No home at {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Another process has the lock.
    #[error("Home {} is in use by another process", path.display())]
    Busy {
        /// The home.
        path: PathBuf,
        /// The process that has it, when it left its number.
        pid: Option<u32>,
    },
    /// The system refused something.
    #[error("Cannot use {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// The directory everything of one install lives in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// Opens a home that exists. Makes it private and completes its directories.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, HomeError> {
        let root = root.into();
        if !root.is_dir() {
            return Err(HomeError::Missing { path: root });
        }
        let home = Self { root };
        for dir in [home.root.clone(), home.shelf(), home.spool(), home.cache()] {
            make_private_dir(&dir).map_err(|source| HomeError::Io { path: dir, source })?;
        }
        Ok(home)
    }

    /// Makes a home with its parents, or opens the one that is there.
    pub fn create(root: impl Into<PathBuf>) -> Result<Self, HomeError> {
        let root = root.into();
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&root);
        made.map_err(|source| HomeError::Io { path: root.clone(), source })?;
        Self::open(root)
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The key file.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// The settings.
    pub fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// The owner's index.
    pub fn catalog_db(&self) -> PathBuf {
        self.root.join("catalog.db")
    }

    /// Facts about the shelf.
    pub fn host_db(&self) -> PathBuf {
        self.root.join("host.db")
    }

    /// The shelf, unless the donation names another disk.
    pub fn shelf(&self) -> PathBuf {
        self.root.join("shelf")
    }

    /// Sealed packs that wait for holders.
    pub fn spool(&self) -> PathBuf {
        self.root.join("spool")
    }

    /// What other owners entrusted to this device as their guardian.
    pub fn wards(&self) -> PathBuf {
        self.root.join("wards")
    }

    /// Metadata packs.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// The agent's socket.
    pub fn control_sock(&self) -> PathBuf {
        self.root.join("control.sock")
    }

    /// Takes the home for this process, or says at once who has it.
    pub fn lock(&self) -> Result<HomeLock, HomeError> {
        let path = self.root.join("lock");
        let io_error = |source| HomeError::Io { path: path.clone(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(io_error)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(HomeError::Busy { path: self.root.clone(), pid: read_pid(&mut file) });
            }
            Err(error) => return Err(io_error(error.into())),
        }
        write_pid(&mut file).map_err(io_error)?;
        Ok(HomeLock { file })
    }
}

/// The right to use a home; given back when dropped, or when the process ends.
#[derive(Debug)]
pub struct HomeLock {
    file: File,
}

impl Drop for HomeLock {
    fn drop(&mut self) {
        // Closing is not enough while a child process that was just forked still has our file.
        flock(&self.file, FlockOperation::Unlock).unwrap_or_default();
    }
}

/// Makes the directory if absent, and private whatever it was.
pub(crate) fn make_private_dir(dir: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let mode = std::fs::metadata(dir)?.permissions().mode();
    let open_to_others = mode & 0o077;
    if open_to_others != 0 {
        std::fs::set_permissions(dir, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// Only for a message: the holder may be between taking the lock and writing its number.
fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests;
