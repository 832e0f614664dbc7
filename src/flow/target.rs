//! The target of a restore: a directory, and a door through which nothing gets out of it.
//!
//! What is restored comes from a snapshot that somebody else may have written. So every operation
//! goes by descriptors beneath the target: a parent directory is opened with `openat2` and
//! `RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS` (component by component where
//! the kernel has no `openat2`), and then a single, validated name is created, renamed or looked at
//! in it. No link is ever followed, neither one that was restored nor one somebody puts there
//! meanwhile.
//!
//! A file is written under a temporary name beside its own, and takes its own when it is complete,
//! metadata included; so a name that is there is a whole file. Directories are made `0700` and get
//! their metadata at the end, from the innermost out. An owner is set before the bits and
//! capabilities that give its rights away.
//!
//! How it fails: an entry that cannot be made is a [`TargetError`]; metadata that cannot be set is
//! a [`Problem`], and the entry stays. Whoever is not root does not get other people's files: then
//! owners, `trusted.*` and `security.*` are passed over without a word, and with the owner the
//! set-id bits. A killed restore leaves temporary files, which the next one removes where it comes
//! by.

use std::fs::{DirBuilder, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{self, AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::monitor::Problem;
use crate::vault::tree::{Meta, Stamp};

mod attrs;
mod dirs;
mod error;
mod name;
mod nodes;
mod temp;
#[cfg(test)]
mod tests;
mod writer;

pub use error::TargetError;
pub use name::MAX_DEPTH;
pub use nodes::Special;
pub use writer::FileWriter;

use attrs::{Handle, Rights};
use dirs::{Dir, Dirs};
use error::io;
use temp::Temps;

/// A directory to restore into. Every call may come from any thread, and blocks.
#[derive(Debug)]
pub struct Target {
    dirs: Dirs,
    rights: Rights,
    temps: Temps,
}

/// Whether a directory was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It was made.
    New,
    /// It was there.
    Existing,
}

/// What already bears a name in the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Existing {
    /// What it is.
    pub kind: ExistingKind,
    /// Its bytes.
    pub size: u64,
    /// When it was last modified.
    pub mtime: Stamp,
}

/// Kinds of what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExistingKind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A pipe, socket or device.
    Other,
}

/// A directory, and a valid name in it.
struct Place<'a> {
    dir: Arc<Dir>,
    name: &'a [u8],
    path: Vec<u8>,
}

impl Target {
    /// Opens `dir`, with `create` making it if needed. Here, and only here, a path is taken as the
    /// system takes it.
    pub fn open(dir: &Path, create: bool) -> Result<Self, TargetError> {
        let path = dir.as_os_str().as_bytes();
        if create {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
            made.map_err(|error| {
                io("create", path)(Errno::from_io_error(&error).unwrap_or(Errno::IO))
            })?;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = fs::openat(CWD, path, flags, Mode::empty()).map_err(|error| match error {
            Errno::NOENT => TargetError::NotFound { path: path.to_vec() },
            Errno::NOTDIR => TargetError::NotADirectory { path: path.to_vec() },
            error => io("open", path)(error),
        })?;
        let temps = Temps::new();
        temp::sweep(&root).map_err(io("list", path))?;
        Ok(Self { dirs: Dirs::new(root), rights: Rights::of_process(), temps })
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> Result<bool, TargetError> {
        temp::is_empty(&self.dirs.root().fd).map_err(io("list", b"."))
    }

    /// Makes a directory, for now for its owner only. One that is there is taken as it is, and made
    /// accessible if it is ours. Anything else of that name is in the way, or removed if
    /// `overwrite`.
    pub fn make_dir(&self, rel: &[Vec<u8>], overwrite: bool) -> Result<Made, TargetError> {
        let place = self.place(rel)?;
        match Self::make_new_dir(&place) {
            Err(Errno::EXIST) => {}
            Ok(dir) => {
                self.dirs.keep(&place.path, rel.len(), Arc::new(dir));
                return Ok(Made::New);
            }
            Err(error) => return Err(io("create", &place.path)(error)),
        }
        let found = fs::statat(&place.dir.fd, place.name, AtFlags::SYMLINK_NOFOLLOW);
        let found = found.map_err(io("look at", &place.path))?;
        if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
            let dir = dirs::open_existing(&place.dir, place.name, self.rights)
                .map_err(io("open", &place.path))?;
            temp::sweep(&dir.fd).map_err(io("list", &place.path))?;
            self.dirs.keep(&place.path, rel.len(), Arc::new(dir));
            return Ok(Made::Existing);
        }
        if !overwrite {
            return Err(TargetError::Exists { path: place.path });
        }
        fs::unlinkat(&place.dir.fd, place.name, AtFlags::empty())
            .map_err(io("replace", &place.path))?;
        let dir = Self::make_new_dir(&place).map_err(io("create", &place.path))?;
        self.dirs.keep(&place.path, rel.len(), Arc::new(dir));
        Ok(Made::New)
    }

    fn make_new_dir(place: &Place<'_>) -> Result<Dir, Errno> {
        fs::mkdirat(&place.dir.fd, place.name, Mode::RWXU)?;
        let dir = dirs::open_child(&place.dir, place.name)?;
        if place.dir.default_acl {
            attrs::drop_inherited(dir.fd.as_fd());
            fs::fchmod(&dir.fd, Mode::RWXU)?;
        }
        Ok(Dir { default_acl: false, ..dir })
    }

    /// Begins a file of `size` bytes, all of them holes until they are written.
    pub fn begin_file(&self, rel: &[Vec<u8>], size: u64) -> Result<FileWriter, TargetError> {
        let place = self.place(rel)?;
        FileWriter::begin(&self.temps, self.rights, place, size)
    }

    /// Makes what is neither file nor directory. What has its name is in the way, or replaced if
    /// `overwrite`. Returns what metadata could not be set.
    pub fn make_special(
        &self,
        rel: &[Vec<u8>],
        what: Special<'_>,
        meta: &Meta,
        overwrite: bool,
    ) -> Result<Vec<Problem>, TargetError> {
        let place = self.place(rel)?;
        nodes::make(&self.temps, self.rights, &place, what, (meta, overwrite))
    }

    /// Gives the file or other leaf at `existing` a second name.
    pub fn hard_link(
        &self,
        existing: &[Vec<u8>],
        rel: &[Vec<u8>],
        overwrite: bool,
    ) -> Result<(), TargetError> {
        let (first, second) = (self.place(existing)?, self.place(rel)?);
        nodes::link(&self.temps, &first, &second, overwrite)
    }

    /// Sets a directory's metadata: when everything in it is there. An empty `rel` is the target
    /// itself. Returns what could not be set.
    pub fn set_dir_meta(&self, rel: &[Vec<u8>], meta: &Meta) -> Result<Vec<Problem>, TargetError> {
        let path = name::check(rel)?;
        let dir = self.dirs.open(rel, &path).map_err(not_a_dir(&path))?;
        let handle =
            if dir.held { Handle::held(dir.fd.as_fd()) } else { Handle::Open(dir.fd.as_fd()) };
        let failures = attrs::apply(handle, FileType::Directory, meta, self.rights);
        Ok(failures.into_iter().map(|error| Problem::new(path.as_slice(), &error)).collect())
    }

    /// What has this name now; links are not followed.
    pub fn existing(&self, rel: &[Vec<u8>]) -> Result<Option<Existing>, TargetError> {
        let place = self.place(rel)?;
        let stat = match fs::statat(&place.dir.fd, place.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(io("look at", &place.path)(error)),
        };
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => ExistingKind::File,
            FileType::Directory => ExistingKind::Dir,
            FileType::Symlink => ExistingKind::Symlink,
            _ => ExistingKind::Other,
        };
        let mtime = Stamp { secs: stat.st_mtime, nanos: stat.st_mtime_nsec as u32 };
        Ok(Some(Existing { kind, size: stat.st_size.max(0) as u64, mtime }))
    }

    /// Opens a regular file to compare it with what it should be.
    pub fn read_back(&self, rel: &[Vec<u8>]) -> Result<File, TargetError> {
        let place = self.place(rel)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = fs::openat(&place.dir.fd, place.name, flags, Mode::empty());
        let file = file.map_err(io("open", &place.path))?;
        let stat = fs::fstat(&file).map_err(io("look at", &place.path))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(TargetError::NotAFile { path: place.path });
        }
        Ok(File::from(file))
    }

    /// Waits until everything is on the disk.
    pub fn sync(&self) -> Result<(), TargetError> {
        let root: &OwnedFd = &self.dirs.root().fd;
        fs::syncfs(root).map_err(io("sync", b"."))
    }

    fn place<'a>(&self, rel: &'a [Vec<u8>]) -> Result<Place<'a>, TargetError> {
        let path = name::check(rel)?;
        let Some((name, parents)) = rel.split_last() else {
            return Err(TargetError::BadName { path });
        };
        let above = path.len().saturating_sub(name.len() + 1);
        let above = path.get(..above).unwrap_or_default();
        let dir = self.dirs.open(parents, above).map_err(not_a_dir(&path))?;
        Ok(Place { dir, name, path })
    }
}

/// Why a directory on the way cannot be entered.
fn not_a_dir(path: &[u8]) -> impl FnOnce(Errno) -> TargetError {
    move |error| match error {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV => {
            TargetError::NoParent { path: path.to_vec() }
        }
        error => io("reach", path)(error),
    }
}
