//! One file on its way into the target.

use std::num::NonZeroU64;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{self, AtFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::attrs::{self, Handle, Rights};
use super::error::{TargetError, io};
use super::temp::{self, Temps};
use super::{Dir, Place};
use crate::monitor::Problem;
use crate::vault::tree::Meta;

/// Larger files get their length at once, so that one no file system can hold fails before anything
/// is fetched for it. Smaller ones get it at the end, and only if they end in a hole.
const SMALL: u64 = 1024 * 1024;
/// After so many bytes of a file the disk begins to write them, if they lie near each other. What is
/// left for the end of a restore, when nothing else is done, is little then.
const STEP: u64 = 8 * 1024 * 1024;
/// Bytes lie near each other when they are no further apart: several packs are written at once.
const NEAR: u64 = 4 * STEP;
/// Files shorter than this are left for the end: there are many of them, and the system writes them
/// together.
const SHORT: u64 = 128 * 1024;

/// A file being written under a temporary name. Dropped before [`FileWriter::finish`], it leaves
/// nothing behind.
#[derive(Debug)]
pub struct FileWriter {
    dir: Arc<Dir>,
    temp: Vec<u8>,
    name: Vec<u8>,
    path: Vec<u8>,
    file: OwnedFd,
    size: u64,
    /// Where the last byte written so far ends.
    end: AtomicU64,
    /// Bytes written.
    written: AtomicU64,
    /// Where the bytes written since the disk was told last begin and end.
    recent: (AtomicU64, AtomicU64),
    rights: Rights,
    /// The temporary name is gone.
    settled: bool,
}

impl FileWriter {
    pub(super) fn begin(
        temps: &Temps,
        rights: Rights,
        place: Place<'_>,
        size: u64,
    ) -> Result<Self, TargetError> {
        let (temp, file) = create(temps, &place.dir).map_err(io("create", &place.path))?;
        let Place { dir, name, path } = place;
        let name = name.to_vec();
        let (end, written, settled) = (AtomicU64::new(0), AtomicU64::new(0), false);
        let recent = (AtomicU64::new(u64::MAX), AtomicU64::new(0));
        let writer =
            Self { dir, temp, name, path, file, size, end, written, recent, rights, settled };
        if size > SMALL {
            writer.set_len()?;
        }
        Ok(writer)
    }

    /// Writes `bytes` at `offset`. Several threads may write different parts at once.
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), TargetError> {
        let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= self.size);
        let Some(end) = end else {
            return Err(TargetError::BeyondEnd { path: self.path.clone(), size: self.size });
        };
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            match rustix::io::pwrite(&self.file, rest, at) {
                Ok(0) => return Err(io("write", &self.path)(Errno::IO)),
                Ok(len) => {
                    at += len as u64;
                    rest = rest.get(len..).unwrap_or_default();
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(io("write", &self.path)(error)),
            }
        }
        self.end.fetch_max(end, Ordering::Relaxed);
        self.recent.0.fetch_min(offset, Ordering::Relaxed);
        self.recent.1.fetch_max(end, Ordering::Relaxed);
        let before = self.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if before / STEP != (before + bytes.len() as u64) / STEP {
            self.begin_to_sync_recent();
        }
        Ok(())
    }

    /// Has the disk begin to write what came last, if it lies together. What came before is left
    /// alone: a page that the disk has is forgotten, and when the next chunk begins in its middle it
    /// would be read again. Chunks that come in no order all begin so.
    fn begin_to_sync_recent(&self) {
        let from = self.recent.0.swap(u64::MAX, Ordering::Relaxed);
        let end = self.recent.1.swap(0, Ordering::Relaxed);
        if let Some(len) = end.checked_sub(from).filter(|len| *len <= NEAR) {
            self.begin_to_sync(from, NonZeroU64::new(len));
        }
    }

    /// Has the disk begin to write what is here, from `offset` to the end if there is no `len`, and
    /// waits for nothing: Linux does that for pages that it is told to forget.
    fn begin_to_sync(&self, offset: u64, len: Option<NonZeroU64>) {
        let _best_effort = fs::fadvise(&self.file, offset, len, fs::Advice::DontNeed);
    }

    /// Sets metadata and gives the file its name. What has the name is in the way, or replaced if
    /// `overwrite`. Returns what metadata could not be set.
    pub fn finish(mut self, meta: &Meta, overwrite: bool) -> Result<Vec<Problem>, TargetError> {
        if self.end.load(Ordering::Relaxed) < self.size && self.size <= SMALL {
            self.set_len()?;
        }
        if self.size >= SHORT {
            self.begin_to_sync(0, None);
        }
        if self.dir.default_acl {
            attrs::drop_inherited(self.file.as_fd());
        }
        let handle = Handle::Open(self.file.as_fd());
        let failures = attrs::apply(handle, FileType::RegularFile, meta, self.rights);
        let place = Place { dir: Arc::clone(&self.dir), name: &self.name, path: self.path.clone() };
        // What is replaced must not be lost before what replaces it is safe.
        temp::settle(&place, &self.temp, overwrite, || fs::fdatasync(&self.file))?;
        self.settled = true;
        let path = self.path.as_slice();
        Ok(failures.into_iter().map(|error| Problem::new(path, &error)).collect())
    }

    fn set_len(&self) -> Result<(), TargetError> {
        if i64::try_from(self.size).is_err() {
            return Err(io("create", &self.path)(Errno::FBIG));
        }
        fs::ftruncate(&self.file, self.size).map_err(io("create", &self.path))
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        if let Err(error) = fs::unlinkat(&self.dir.fd, &self.temp, AtFlags::empty()) {
            tracing::debug!(%error, "a temporary file stays");
        }
    }
}

/// Creates a temporary file, and locks it as long as it is written.
fn create(temps: &Temps, dir: &Dir) -> Result<(Vec<u8>, OwnedFd), Errno> {
    loop {
        let name = temps.name();
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match fs::openat(&dir.fd, &name, flags, Mode::RUSR | Mode::WUSR) {
            Err(Errno::EXIST) => continue,
            result => result?,
        };
        match fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            // Another restore takes it for a left-over, and is about to remove it.
            Err(Errno::WOULDBLOCK) => {}
            // A file system without locks has no protection against that, and needs none otherwise.
            Ok(()) | Err(_) => return Ok((name, file)),
        }
    }
}
