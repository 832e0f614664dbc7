//! Temporary names: how a restored entry comes into being, and what a killed restore left behind.
//!
//! A temporary file is locked for as long as its writer lives. So one that can be locked belongs to
//! nobody, and is removed; two restores into one directory do not harm each other.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags, RawDir, RenameFlags};
use rustix::io::Errno;

use super::error::{TargetError, io};
use super::{Dir, Place};

/// How every temporary name begins.
pub(super) const PREFIX: &[u8] = b".gbak-restore-";

/// Bytes of directory entries read at once.
const LIST_BYTES: usize = 32 * 1024;

/// Makes names nobody else has.
#[derive(Debug)]
pub(super) struct Temps {
    /// Tells restores apart.
    run: u64,
    next: AtomicU64,
}

impl Temps {
    pub(super) fn new() -> Self {
        // The standard library's hash keys are random; it needs to be hard to guess, not secret,
        // since a name that exists is never opened.
        Self { run: RandomState::new().build_hasher().finish(), next: AtomicU64::new(0) }
    }

    pub(super) fn name(&self) -> Vec<u8> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let mut name = PREFIX.to_vec();
        name.extend_from_slice(format!("{:016x}-{next:08x}", self.run).as_bytes());
        name
    }
}

fn is_temp(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else { return false };
    let is_hex = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_hexdigit);
    match rest.split_at_checked(16) {
        Some((run, [b'-', number @ ..])) => is_hex(run) && number.len() >= 8 && is_hex(number),
        _ => false,
    }
}

/// Removes temporary entries that belong to nobody.
pub(super) fn sweep(dir: &OwnedFd) -> Result<(), Errno> {
    let mut stale = Vec::new();
    each_name(dir, |name| {
        if is_temp(name) {
            stale.push(name.to_vec());
        }
    })?;
    for name in stale {
        // It may be somebody else's, or be gone by now: then it is not in the way.
        if let Err(error) = remove_stale(dir, &name) {
            tracing::debug!(%error, "a temporary file stays");
        }
    }
    Ok(())
}

fn remove_stale(dir: &OwnedFd, name: &[u8]) -> Result<(), Errno> {
    let stat = fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let mut lock = None;
    if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = fs::openat(dir, name, flags, Mode::empty())?;
        fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        lock = Some(file);
    }
    let removed = fs::unlinkat(dir, name, AtFlags::empty());
    drop(lock);
    removed
}

/// Whether a directory has no entries, but for what every new file system has.
pub(super) fn is_empty(dir: &OwnedFd) -> Result<bool, Errno> {
    let mut empty = true;
    each_name(dir, |name| empty &= is_temp(name) || name == b"lost+found")?;
    Ok(empty)
}

fn each_name(dir: &OwnedFd, mut each: impl FnMut(&[u8])) -> Result<(), Errno> {
    // A descriptor of its own: listing moves it.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = match fs::openat(dir, ".", flags, Mode::empty()) {
        // Not to be listed by us, so nothing of ours is to be found either.
        Err(Errno::ACCESS) => return Ok(()),
        result => result?,
    };
    let mut buffer = Vec::with_capacity(LIST_BYTES);
    let mut raw = RawDir::new(dir, buffer.spare_capacity_mut());
    while let Some(entry) = raw.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            each(name);
        }
    }
    Ok(())
}

/// Gives a finished temporary entry its name. What has the name is in the way, or replaced if
/// `overwrite`; a link is replaced, never followed; a directory is always in the way.
pub(super) fn settle(
    place: &Place<'_>,
    temp: &[u8],
    overwrite: bool,
    before: impl FnOnce() -> Result<(), Errno>,
) -> Result<(), TargetError> {
    let settled = rename_new(&place.dir, temp, place.name);
    match settled {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) if overwrite => {
            before().map_err(io("sync", &place.path))?;
            fs::renameat(&place.dir.fd, temp, &place.dir.fd, place.name)
                .map_err(io("replace", &place.path))
        }
        Err(Errno::EXIST) => Err(TargetError::Exists { path: place.path.clone() }),
        Err(error) => Err(io("create", &place.path)(error)),
    }
}

fn rename_new(dir: &Dir, temp: &[u8], name: &[u8]) -> Result<(), Errno> {
    match fs::renameat_with(&dir.fd, temp, &dir.fd, name, RenameFlags::NOREPLACE) {
        // File systems that cannot: a second name is never made over another one either.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        result => return result,
    }
    match fs::linkat(&dir.fd, temp, &dir.fd, name, AtFlags::empty()) {
        Ok(()) => return fs::unlinkat(&dir.fd, temp, AtFlags::empty()),
        Err(Errno::EXIST) => return Err(Errno::EXIST),
        Err(_) => {}
    }
    match fs::statat(&dir.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => fs::renameat(&dir.fd, temp, &dir.fd, name),
        Ok(_) => Err(Errno::EXIST),
        Err(error) => Err(error),
    }
}
