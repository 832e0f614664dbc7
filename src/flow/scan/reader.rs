//! Reads one regular file, as runs of data and holes.
//!
//! A file without holes is read plainly; in one that has fewer blocks than bytes the file system is
//! asked where the data is, so that a hole costs nothing however large. A file that shrinks or
//! grows meanwhile ends where it ends.
//!
//! How it fails: anything that is not a regular file, a named pipe or a link put in its place
//! included, is an error at once and never blocks.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{self, Advice, FileType, OFlags, SeekFrom, Stat};
use rustix::io::Errno;

use crate::vault::tree::Piece;

use super::dirs;
use super::error::ItemError;

/// From this size on the kernel is told to read ahead: below, it costs more than it saves.
const SEQUENTIAL_FROM: u64 = 1024 * 1024;

/// A file of this size is dropped from the page cache behind the reader, so that backing it up does
/// not push out what the computer works with. Smaller ones may well be needed again.
const DROP_FROM: u64 = 64 * 1024 * 1024;

/// How much is dropped at once.
const DROP_STEP: u64 = 8 * 1024 * 1024;

/// Least bytes asked for at once: files in `/proc` and the like say they are empty.
const LEAST: u64 = 4096;

/// What comes next in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentKind {
    /// So many bytes, which were appended to the buffer.
    Data(usize),
    /// So many zeros that take no disk.
    Hole(u64),
    /// A piece that was stored before and is still the same; never of a file on disk.
    Kept(Piece),
}

/// A regular file open for reading.
#[derive(Debug)]
pub struct FileReader {
    file: OwnedFd,
    /// Its size when it was opened.
    size: u64,
    at: u64,
    /// Where the data around `at` ends; none when the file has no holes.
    data_end: Option<u64>,
    /// Bytes before this were dropped from the page cache.
    dropped: u64,
    ended: bool,
}

impl FileReader {
    /// Opens a file by its path, of any length.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = path.as_os_str().as_bytes();
        let open = |flags| dirs::open_long(path, flags);
        Self::open_with(open)
    }

    /// Opens an entry of a directory.
    pub(super) fn open_at(dir: BorrowedFd<'_>, name: &[u8]) -> io::Result<Self> {
        Self::open_with(|flags| fs::openat(dir, name, flags, fs::Mode::empty()))
    }

    fn open_with(open: impl Fn(OFlags) -> Result<OwnedFd, Errno>) -> io::Result<Self> {
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        // Only its owner may read a file without leaving a trace.
        let opened = match open(flags | OFlags::NOATIME) {
            Err(Errno::PERM) => open(flags),
            result => result,
        };
        let file = opened.map_err(|error| match error {
            // A link, or a socket or device without anybody behind it.
            Errno::LOOP | Errno::NXIO => ItemError::NotAFile.into_io(),
            error => ItemError::looking(error).into_io(),
        })?;
        let stat = fs::fstat(&file).map_err(failed)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(ItemError::NotAFile.into_io());
        }
        let size = stat.st_size.max(0) as u64;
        if size >= SEQUENTIAL_FROM {
            advise(&file, 0, size, Advice::Sequential);
        }
        let data_end = may_have_holes(&stat).then_some(0);
        Ok(Self { file, size, at: 0, data_end, dropped: 0, ended: false })
    }

    /// The next run of the file: at most `max` bytes of data appended to `buffer`, or a hole; none
    /// at the end. After an error the buffer is as it was.
    pub fn next(&mut self, buffer: &mut Vec<u8>, max: usize) -> io::Result<Option<SegmentKind>> {
        if self.ended || max == 0 {
            return Ok(None);
        }
        if self.data_end.is_some_and(|end| self.at >= end) {
            if let Some(len) = self.find_data()? {
                self.at += len;
                return Ok(Some(SegmentKind::Hole(len)));
            }
            if self.ended {
                return Ok(None);
            }
        }
        let expected = match self.data_end {
            Some(end) => end - self.at,
            // One more, to see in the same call that the file has ended.
            None => (self.size.saturating_sub(self.at) + 1).max(LEAST),
        };
        let wanted = usize::try_from(expected).map_or(max, |expected| expected.min(max));
        let len = self.read(buffer, wanted)?;
        self.at += len as u64;
        self.drop_behind();
        // Less than asked for, and all that was promised: the end.
        self.ended = len == 0 || (len < wanted && self.at >= self.size);
        Ok((len > 0).then_some(SegmentKind::Data(len)))
    }

    fn read(&self, buffer: &mut Vec<u8>, wanted: usize) -> io::Result<usize> {
        let start = buffer.len();
        buffer.resize(start + wanted, 0);
        let room = buffer.get_mut(start..).unwrap_or_default();
        let result = loop {
            match rustix::io::pread(&self.file, &mut *room, self.at) {
                Err(Errno::INTR) => {}
                result => break result,
            }
        };
        buffer.truncate(start + result.unwrap_or(0));
        result.map_err(failed)
    }

    /// Finds the data at or after `at`. Returns the length of the hole before it, if there is one;
    /// after the last data, the hole to the end.
    fn find_data(&mut self) -> io::Result<Option<u64>> {
        let start = match fs::seek(&self.file, SeekFrom::Data(self.at)) {
            Ok(start) => start.max(self.at),
            // No more data.
            Err(Errno::NXIO) => {
                let end = fs::fstat(&self.file).map_err(failed)?.st_size.max(0) as u64;
                self.ended = true;
                return Ok(end.checked_sub(self.at).filter(|len| *len > 0));
            }
            // The file system cannot tell.
            Err(Errno::INVAL | Errno::NOTSUP) => {
                self.data_end = None;
                return Ok(None);
            }
            Err(error) => return Err(failed(error)),
        };
        if start > self.at {
            self.data_end = Some(start);
            return Ok(Some(start - self.at));
        }
        match fs::seek(&self.file, SeekFrom::Hole(start)) {
            Ok(end) if end > start => self.data_end = Some(end),
            // It was cut off in between: reading will find the end.
            Ok(_) | Err(Errno::NXIO) => self.data_end = None,
            Err(error) => return Err(failed(error)),
        }
        Ok(None)
    }

    fn drop_behind(&mut self) {
        if self.size >= DROP_FROM && self.at - self.dropped >= DROP_STEP {
            advise(&self.file, self.dropped, self.at - self.dropped, Advice::DontNeed);
            self.dropped = self.at;
        }
    }
}

fn may_have_holes(stat: &Stat) -> bool {
    stat.st_blocks.max(0) as u64 * 512 < stat.st_size.max(0) as u64
}

/// Advice may be ignored, so its failure may be too.
fn advise(file: &OwnedFd, offset: u64, len: u64, advice: Advice) {
    if let Err(error) = fs::fadvise(file.as_fd(), offset, std::num::NonZeroU64::new(len), advice) {
        tracing::trace!(%error, "advice not taken");
    }
}

fn failed(error: Errno) -> io::Error {
    ItemError::Read(error.into()).into_io()
}
