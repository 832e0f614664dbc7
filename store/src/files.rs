//! How a file is written so that a crash leaves the old one or the new one, never a torn one.
//!
//! Order: a temporary file in the same directory (0600, new, not through a link), its content, its
//! `fsync`, the rename over the target, the directory's `fsync`. On failure the temporary file is
//! removed and the target is as it was, unless the last step failed: then it is the old file or the
//! new one. A failed `fsync` is not retried.
//!
//! What is large and must be on the disk at once goes there past the page cache where the file
//! system allows it: nobody reads it from there before it is sent and removed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

/// The largest pack that is kept or read, in bytes: 16 MiB, with room for its header.
pub(crate) const MAX_PACK_LEN: usize = 17 * 1024 * 1024;

/// What the names of temporary files end in; whoever lists a directory leaves these out.
pub(crate) const TEMP_SUFFIX: &str = ".tmp";

/// Shorter files are as fast through the page cache.
const DIRECT_FROM: usize = 1024 * 1024;

/// What is written at once past the page cache, and where it has to begin in memory and in the
/// file: no disk has larger sectors.
const DIRECT_PIECE: usize = 512 * 1024;
const DIRECT_ALIGN: usize = 4096;

/// Puts `bytes` in the file at `path`, in place of what was there, and returns once a power cut
/// cannot undo it. The file is private to its owner (0600).
pub fn write_file_durable(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, true)?;
    File::open(dir_of(path)?)?.sync_all()
}

/// The same without any `fsync`: atomic for those who read, lost or whole after a kill, of unknown
/// content after a power cut. For what is verified when it is read.
pub(crate) fn write_file_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, false)
}

/// The file's bytes; of a file longer than `limit` bytes only one byte more, so that it cannot pass
/// for what it should be.
pub(crate) fn read_bounded(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    // Room for all at once, and for one byte more: so that the end is seen without growing.
    let len = usize::try_from(file.metadata()?.len()).unwrap_or(limit).min(limit);
    let mut bytes = Vec::with_capacity(len + 1);
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A range of a file's bytes, if it is as long; never more than a pack has.
pub(crate) fn read_range(path: &Path, range: Range<usize>) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; range.len().min(MAX_PACK_LEN)];
    File::open(path)?.read_exact_at(&mut bytes, range.start as u64)?;
    Ok(bytes)
}

fn replace(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
    let temp = temp_beside(path)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let file = options.open(&temp)?;
    let past = if durable { past_the_cache(&file, bytes) } else { Ok(0) };
    let written = past
        .and_then(|past| file.write_all_at(bytes.get(past..).unwrap_or_default(), past as u64))
        .and_then(|()| if durable { file.sync_all() } else { Ok(()) })
        .and_then(|()| std::fs::rename(&temp, path));
    if written.is_err() {
        // What failed first is what the caller hears of.
        drop(std::fs::remove_file(&temp));
    }
    written
}

/// Writes the whole pages of a large file past the page cache, if that can be. How many bytes that
/// were: the rest is to be written in the usual way.
fn past_the_cache(file: &File, bytes: &[u8]) -> io::Result<usize> {
    if bytes.len() < DIRECT_FROM {
        return Ok(0);
    }
    let flags = fcntl_getfl(file)?;
    if fcntl_setfl(file, flags | OFlags::DIRECT).is_err() {
        return Ok(0);
    }
    let written = write_pages(file, bytes);
    fcntl_setfl(file, flags)?;
    written
}

fn write_pages(file: &File, bytes: &[u8]) -> io::Result<usize> {
    let mut room = vec![0; DIRECT_PIECE + DIRECT_ALIGN];
    let start = room.as_ptr().align_offset(DIRECT_ALIGN);
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let len = (rest.len() / DIRECT_ALIGN * DIRECT_ALIGN).min(DIRECT_PIECE);
        let (Some(piece), Some(from)) = (room.get_mut(start..start + len), rest.get(..len)) else {
            return Ok(at);
        };
        if len == 0 {
            return Ok(at);
        }
        piece.copy_from_slice(from);
        match file.write_all_at(piece, at as u64) {
            Ok(()) => at += len,
            // A file system that took the flag, and now wants other lengths or places.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => return Ok(at),
            Err(error) => return Err(error),
        }
    }
}

fn dir_of(path: &Path) -> io::Result<&Path> {
    match path.parent() {
        Some(dir) if dir.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(dir) => Ok(dir),
        None => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// A name no other writer uses: the process and a count make it unique while we live, and what an
/// earlier process with our number left behind is removed.
fn temp_beside(path: &Path) -> io::Result<PathBuf> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut temp = std::ffi::OsString::from(".");
    temp.push(name);
    temp.push(format!(".{}.{count}{TEMP_SUFFIX}", std::process::id()));
    let temp = dir_of(path)?.join(temp);
    match std::fs::remove_file(&temp) {
        // A process with our number died in the middle of a write.
        Ok(()) => Ok(temp),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(temp),
        Err(error) => Err(error),
    }
}
