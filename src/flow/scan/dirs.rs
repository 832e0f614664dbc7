//! Opening and listing directories, at any depth.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{self, CWD, Mode, OFlags, RawDir, Statx};
use rustix::io::Errno;

use super::attrs;

/// Bytes of directory entries read at once.
const LIST_BYTES: usize = 32 * 1024;

/// Longest piece of a path given to the kernel at once; it takes 4,095 bytes.
const PATH_BYTES: usize = 4_000;

/// Which file it is, for as long as it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id {
    pub(super) device: u64,
    pub(super) inode: u64,
}

pub(super) fn id_of(stat: &Statx) -> Id {
    Id { device: fs::makedev(stat.stx_dev_major, stat.stx_dev_minor), inode: stat.stx_ino }
}

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
}

/// Opens a directory to list it (`whole`), or only to pass through it.
pub(super) fn open(
    at: BorrowedFd<'_>,
    name: &[u8],
    whole: bool,
    follow: bool,
    seen: &Statx,
) -> Result<OwnedFd, Errno> {
    let mut flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    flags.set(OFlags::NOFOLLOW, !follow);
    if !whole {
        return fs::openat(at, name, flags | OFlags::PATH, Mode::empty());
    }
    open_unseen(at, name, flags | OFlags::RDONLY, seen.stx_uid)
}

/// Opens for reading without leaving an access time behind, where that is permitted.
pub(super) fn open_unseen(
    at: BorrowedFd<'_>,
    name: &[u8],
    flags: OFlags,
    owner: u32,
) -> Result<OwnedFd, Errno> {
    let me = rustix::process::geteuid();
    if me.is_root() || me.as_raw() == owner {
        match fs::openat(at, name, flags | OFlags::NOATIME, Mode::empty()) {
            Err(Errno::PERM) => {}
            result => return result,
        }
    }
    fs::openat(at, name, flags, Mode::empty())
}

/// Adds the names in `dir`. What was read before a failure stays.
pub(super) fn list(dir: &OwnedFd, into: &mut Vec<Entry>) -> Result<(), Errno> {
    let mut buffer = Vec::with_capacity(LIST_BYTES);
    let mut raw = RawDir::new(dir, buffer.spare_capacity_mut());
    while let Some(entry) = raw.next() {
        let name = match &entry {
            Ok(entry) => entry.file_name().to_bytes(),
            Err(error) => return Err(*error),
        };
        if name != b"." && name != b".." {
            into.push(Entry { name: name.to_vec() });
        }
    }
    Ok(())
}

/// Opens a directory again that was open before: from a directory in it, or else by its path. It
/// must be the same one.
pub(super) fn reopen(
    inner: Option<&OwnedFd>,
    path: &[u8],
    id: Id,
    whole: bool,
) -> Result<OwnedFd, Errno> {
    let mut flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    flags.set(OFlags::PATH, !whole);
    let is_it =
        |dir: &OwnedFd| attrs::look(dir.as_fd(), b"", false).is_ok_and(|stat| id_of(&stat) == id);
    if let Some(inner) = inner {
        match fs::openat(inner, "..", flags, Mode::empty()) {
            Ok(dir) if is_it(&dir) => return Ok(dir),
            _ => {}
        }
    }
    let dir = open_long(path, flags)?;
    if is_it(&dir) { Ok(dir) } else { Err(Errno::NOENT) }
}

/// Opens an absolute path of any length.
pub(super) fn open_long(path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut rest = if path.is_empty() { b"/" } else { path };
    let mut dir: Option<OwnedFd> = None;
    while rest.len() > PATH_BYTES {
        let head = rest.get(..PATH_BYTES).unwrap_or(rest);
        let cut = head.iter().rposition(|byte| *byte == b'/').filter(|cut| *cut > 0);
        let cut = cut.ok_or(Errno::NAMETOOLONG)?;
        let (head, tail) = rest.split_at(cut);
        let place = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let at = dir.as_ref().map_or(CWD, AsFd::as_fd);
        let next = fs::openat(at, head, place, Mode::empty())?;
        dir = Some(next);
        rest = tail.get(1..).unwrap_or_default();
    }
    fs::openat(dir.as_ref().map_or(CWD, AsFd::as_fd), rest, flags, Mode::empty())
}
