//! What is known of an entry: its kind, its metadata, its extended attributes.
//!
//! Extended attributes of an entry are asked for by `/proc/self/fd/<directory>/<name>`, which stays
//! right when a directory is moved and has no length limit; without `/proc`, by the entry's path.

use std::io::Write;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{self, AtFlags, FileType, Statx, StatxFlags, StatxTimestamp};
use rustix::io::Errno;

use super::accounts::Accounts;
use super::error::ItemError;
use crate::vault::tree::{Content, Kind, Meta, Stamp, Xattr};

/// The kernel's limit of a list of names, and of one value.
const XATTR_BYTES: usize = 64 * 1024;

/// Bytes of extended attributes kept of one entry. File systems without a limit of their own could
/// otherwise make one directory's listing larger than memory.
const XATTRS_LIMIT: usize = 4 * 1024 * 1024;

/// Looks at `name` in `dir`, or at `dir` itself when the name is empty.
pub(super) fn look(dir: BorrowedFd<'_>, name: &[u8], follow: bool) -> Result<Statx, Errno> {
    let mut flags = AtFlags::NO_AUTOMOUNT;
    flags.set(AtFlags::SYMLINK_NOFOLLOW, !follow);
    flags.set(AtFlags::EMPTY_PATH, name.is_empty());
    fs::statx(dir, name, flags, StatxFlags::BASIC_STATS)
}

pub(super) fn file_type(stat: &Statx) -> FileType {
    FileType::from_raw_mode(u32::from(stat.stx_mode))
}

/// What `name` in `at` is.
pub(super) fn kind(at: BorrowedFd<'_>, name: &[u8], stat: &Statx) -> Result<Kind, ItemError> {
    let rdev = || fs::makedev(stat.stx_rdev_major, stat.stx_rdev_minor);
    Ok(match file_type(stat) {
        FileType::RegularFile => Kind::File { size: stat.stx_size, content: Content::empty() },
        FileType::Symlink => {
            let target = fs::readlinkat(at, name, Vec::new()).map_err(ItemError::looking)?;
            Kind::Symlink { target: target.into_bytes() }
        }
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::CharacterDevice => Kind::CharDevice { rdev: rdev() },
        FileType::BlockDevice => Kind::BlockDevice { rdev: rdev() },
        FileType::Directory => Kind::Dir { tree: Vec::new() },
        FileType::Unknown => return Err(ItemError::UnknownKind),
    })
}

/// Whose extended attributes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of<'a> {
    /// Of what is open.
    Open(BorrowedFd<'a>),
    /// Of what is open only as a place (`O_PATH`).
    Held(BorrowedFd<'a>),
    /// Of an entry of a directory; links are not followed.
    Entry(BorrowedFd<'a>, &'a [u8]),
}

/// Collects metadata; keeps its buffers from one entry to the next.
#[derive(Debug)]
pub(super) struct Attrs {
    accounts: Accounts,
    has_proc: bool,
    /// A file system that knows no extended attributes: the last one met.
    without: Option<u64>,
    names: Vec<u8>,
    value: Vec<u8>,
    path: Vec<u8>,
}

impl Attrs {
    pub(super) fn new() -> Self {
        Self {
            accounts: Accounts::load(),
            has_proc: std::path::Path::new("/proc/self/fd").exists(),
            without: None,
            names: vec![0; XATTR_BYTES],
            value: vec![0; XATTR_BYTES],
            path: Vec::new(),
        }
    }

    /// The metadata of an entry, and what could not be read of it.
    pub(super) fn meta(
        &mut self,
        stat: &Statx,
        of: Of<'_>,
        path: &[u8],
    ) -> (Meta, Option<ItemError>) {
        let device = fs::makedev(stat.stx_dev_major, stat.stx_dev_minor);
        let mut xattrs = Vec::new();
        let problem = match self.xattrs(of, path, device, &mut xattrs) {
            // If it is gone already, whoever reads its content will tell.
            Ok(()) | Err(ItemError::Vanished) => None,
            Err(error) => Some(error),
        };
        xattrs.sort_unstable();
        let meta = Meta {
            mode: u32::from(stat.stx_mode) & 0o7777,
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            user: self.accounts.user(stat.stx_uid).map(str::to_owned),
            group: self.accounts.group(stat.stx_gid).map(str::to_owned),
            mtime: stamp(stat.stx_mtime),
            ctime: stamp(stat.stx_ctime),
            inode: stat.stx_ino,
            device,
            links: u64::from(stat.stx_nlink),
            xattrs,
        };
        (meta, problem)
    }

    fn xattrs(
        &mut self,
        of: Of<'_>,
        path: &[u8],
        device: u64,
        into: &mut Vec<Xattr>,
    ) -> Result<(), ItemError> {
        if self.without == Some(device) {
            return Ok(());
        }
        self.set_path(of, path);
        let listed = match of {
            Of::Open(fd) => fs::flistxattr(fd, &mut self.names[..]),
            Of::Held(_) => fs::listxattr(&self.path, &mut self.names[..]),
            Of::Entry(..) => fs::llistxattr(&self.path, &mut self.names[..]),
        };
        let len = match listed {
            Ok(0) => return Ok(()),
            Ok(len) => len,
            Err(Errno::NOTSUP) => {
                self.without = Some(device);
                return Ok(());
            }
            Err(error) => return Err(unreadable(error)),
        };
        let mut total = 0;
        let mut failed = None;
        let names = self.names.get(..len).unwrap_or_default();
        for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            let got = match of {
                Of::Open(fd) => fs::fgetxattr(fd, name, &mut self.value[..]),
                Of::Held(_) => fs::getxattr(&self.path, name, &mut self.value[..]),
                Of::Entry(..) => fs::lgetxattr(&self.path, name, &mut self.value[..]),
            };
            match got {
                Ok(len) => {
                    total += name.len() + len;
                    if total > XATTRS_LIMIT {
                        return Err(ItemError::TooManyXattrs { limit: XATTRS_LIMIT });
                    }
                    let value = self.value.get(..len).unwrap_or_default().to_vec();
                    into.push(Xattr { name: name.to_vec(), value });
                }
                // Removed since it was listed.
                Err(Errno::NODATA) => {}
                Err(error) => failed = Some(unreadable(error)),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Writes down by which path the calls that need one reach the entry.
    fn set_path(&mut self, of: Of<'_>, path: &[u8]) {
        self.path.clear();
        let (fd, name) = match of {
            Of::Open(_) => return,
            Of::Held(fd) => (fd, None),
            Of::Entry(fd, name) => (fd, Some(name)),
        };
        match name {
            Some(name) if name.starts_with(b"/") => self.path.extend_from_slice(name),
            _ if !self.has_proc && path.is_empty() => self.path.push(b'/'),
            _ if !self.has_proc => self.path.extend_from_slice(path),
            _ => {
                // Writing to memory does not fail.
                write!(self.path, "/proc/self/fd/{}", fd.as_raw_fd()).unwrap_or_default();
                if let Some(name) = name {
                    self.path.push(b'/');
                    self.path.extend_from_slice(name);
                }
            }
        }
    }
}

fn unreadable(error: Errno) -> ItemError {
    match error {
        Errno::NOENT => ItemError::Vanished,
        error => ItemError::Xattrs(error.into()),
    }
}

const fn stamp(time: StatxTimestamp) -> Stamp {
    Stamp { secs: time.tv_sec, nanos: time.tv_nsec }
}
