//! How fast what is to be backed up can be read: many files, or parts of large ones, at once.
//!
//! What the kernel remembers of a file is dropped first, as far as it lets go: what somebody is
//! changing or has mapped stays, and what a disk or a host remembers is not ours to drop. At most
//! so many bytes are read, for so long. How it fails: what cannot be read is left out and counted;
//! a path that is not there is an error.

use std::fs::{self, File};
use std::io;
use std::num::NonZeroU64;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::fs::{Advice, OFlags};
use tokio::time::Instant;

/// Read in pieces of this length, each by whoever is free.
const PIECE: u64 = 4 * 1024 * 1024;
/// Read in steps of this length.
const STEP: usize = 256 * 1024;
/// Most files looked at.
const MOST_FILES: usize = 50_000;
/// Readers for each thread of the machine: most of the time they wait for the disk.
const EACH: usize = 4;
/// Between two looks at the clock, a reader reads at most one step; whole trees end here.
const WITHIN: Duration = Duration::from_secs(10);

/// What reading showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Source {
    /// Files that were read, or parts of them.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Files that could not be read.
    pub unread: u64,
    /// From the first byte to the last.
    pub took: Duration,
}

impl Source {
    /// Bytes a second.
    pub fn rate(&self) -> Option<f64> {
        super::rate(self.bytes as usize, self.took).filter(|rate| *rate > 0.0)
    }
}

/// A part of a file.
struct Piece {
    file: usize,
    at: u64,
    len: u64,
}

/// Reads up to `bytes` of the file or the tree at `path`.
pub fn read(path: &Path, bytes: u64) -> io::Result<Source> {
    read_with(path, bytes, || ())
}

/// The same; `known` is called once it is known what to read.
pub(super) fn read_with(path: &Path, bytes: u64, known: impl FnOnce()) -> io::Result<Source> {
    let files = found(path, bytes)?;
    known();
    let pieces = pieces(&files, bytes);
    let reading = Reading { files: &files, pieces: &pieces, ..Reading::default() };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let began = Instant::now();
    std::thread::scope(|scope| {
        // One thread reads on when the system gives no more of them.
        for _ in 1..threads * EACH {
            drop(std::thread::Builder::new().spawn_scoped(scope, || reading.run(began)));
        }
        reading.run(began);
    });
    let took = began.elapsed();
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let (files, unread) = (of(&reading.opened), of(&reading.unread));
    Ok(Source { files, bytes: of(&reading.bytes), unread, took })
}

/// Regular files and their lengths, until they hold enough. Other file systems are not entered by
/// links, which are not followed.
fn found(path: &Path, enough: u64) -> io::Result<Vec<(PathBuf, u64)>> {
    let (mut files, mut bytes) = (Vec::new(), 0);
    let mut waiting = vec![path.to_owned()];
    let mut first = true;
    while let Some(path) = waiting.pop() {
        // Of the path that was given, a link is meant to be followed.
        let meta = if first { fs::metadata(&path) } else { fs::symlink_metadata(&path) };
        let meta = match meta {
            Err(error) if first => return Err(error),
            meta => meta,
        };
        let Ok(meta) = meta else { continue };
        if meta.is_dir() {
            let entries = match fs::read_dir(&path) {
                Err(error) if first => return Err(error),
                entries => entries,
            };
            let names = entries.into_iter().flatten().filter_map(Result::ok);
            waiting.extend(names.map(|entry| entry.path()));
        } else if meta.is_file() && meta.len() > 0 {
            bytes += meta.len();
            files.push((path, meta.len()));
        }
        first = false;
        if bytes >= enough || files.len() >= MOST_FILES || waiting.len() > MOST_FILES {
            break;
        }
    }
    Ok(files)
}

fn pieces(files: &[(PathBuf, u64)], most: u64) -> Vec<Piece> {
    let (mut pieces, mut left) = (Vec::new(), most);
    for (file, (_, len)) in files.iter().enumerate() {
        let mut at = 0;
        while at < *len && left > 0 {
            let part = PIECE.min(len - at).min(left);
            pieces.push(Piece { file, at, len: part });
            at += part;
            left -= part;
        }
    }
    pieces
}

/// What all readers share.
#[derive(Default)]
struct Reading<'a> {
    files: &'a [(PathBuf, u64)],
    pieces: &'a [Piece],
    next: AtomicUsize,
    late: AtomicBool,
    opened: AtomicU64,
    unread: AtomicU64,
    bytes: AtomicU64,
}

impl Reading<'_> {
    fn run(&self, began: Instant) {
        let mut buffer = vec![0; STEP];
        while !self.late.load(Ordering::Relaxed)
            && let Some(piece) = self.pieces.get(self.next.fetch_add(1, Ordering::Relaxed))
        {
            let Some((path, _)) = self.files.get(piece.file) else { continue };
            let begins = u64::from(piece.at == 0);
            match self.piece(path, piece, &mut buffer, began) {
                Ok(()) => self.opened.fetch_add(begins, Ordering::Relaxed),
                Err(_) => self.unread.fetch_add(begins, Ordering::Relaxed),
            };
        }
    }

    fn piece(
        &self,
        path: &Path,
        piece: &Piece,
        buffer: &mut [u8],
        began: Instant,
    ) -> io::Result<()> {
        // What has become a pipe meanwhile must not hold a reader.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        let file = File::options().read(true).custom_flags(flags as i32).open(path);
        // The path that was given may be a link.
        let file = file
            .or_else(|error| if self.files.len() == 1 { File::open(path) } else { Err(error) })?;
        let len = NonZeroU64::new(piece.len);
        let _best_effort = rustix::fs::fadvise(&file, piece.at, len, Advice::DontNeed);
        let mut at = piece.at;
        let end = piece.at + piece.len;
        while at < end {
            let step = (end - at).min(STEP as u64) as usize;
            let part = buffer.get_mut(..step).unwrap_or_default();
            let read = file.read_at(part, at)?;
            if read == 0 {
                break;
            }
            at += read as u64;
            self.bytes.fetch_add(read as u64, Ordering::Relaxed);
            if began.elapsed() > WITHIN {
                self.late.store(true, Ordering::Relaxed);
                break;
            }
        }
        Ok(())
    }
}
