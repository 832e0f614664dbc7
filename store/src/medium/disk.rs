//! A directory of the real disk.
//!
//! Invariants: files are 0600, directories 0700, nothing is executable, and no symbolic link is
//! followed in a file's place. Every call goes through the path, so that an unmounted disk answers
//! "not found" (the mount point below is empty) and never gets a file written under it: the
//! directories are made once, when the shelf is first opened.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::ops::{Range, RangeInclusive};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use chunker::Pool;

use super::Medium;

/// A directory of the real disk.
#[derive(Debug, Clone)]
pub struct DiskMedium {
    root: PathBuf,
    /// What whole files are read into, again and again.
    buffers: Pool,
}

/// Files of these lengths are read into memory that is used again: smaller ones the allocator has
/// at hand, and larger ones are rare.
const POOLED: RangeInclusive<u64> = 1 << 20..=4 << 20;
/// How many such buffers are kept while files are read and sent.
const BUFFERS: usize = 2;

impl DiskMedium {
    /// The files under `root`, which must exist by the time of the first write.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), buffers: Pool::while_used(BUFFERS) }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn at(&self, path: &str) -> PathBuf {
        let plain = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        assert!(plain, "the shelf only makes plain relative paths");
        self.root.join(path)
    }
}

impl Medium for DiskMedium {
    fn create_dir(&self, dir: &str) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(self.at(dir)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    fn write_durable(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.at(path);
        let mut file =
            no_follow(OpenOptions::new().write(true).create_new(true).mode(0o600)).open(&path)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if written.is_err() {
            // The write's own error is what matters; a file that stays is an orphan, and those are
            // swept at the next open.
            drop(std::fs::remove_file(&path));
        }
        written
    }

    fn read(&self, path: &str, limit: u64) -> io::Result<Bytes> {
        let file = no_follow(OpenOptions::new().read(true)).open(self.at(path))?;
        let len = file.metadata()?.len().min(limit);
        // Room for a byte more: without it the end of the file would be looked for in more memory.
        let room = len as usize + 1;
        let pooled = POOLED.contains(&len);
        let pool = if pooled { self.buffers.clone() } else { Pool::default() };
        let mut bytes = pool.take(room);
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes.freeze())
    }

    fn read_part(&self, path: &str, range: Range<u64>) -> io::Result<Vec<u8>> {
        let file = no_follow(OpenOptions::new().read(true)).open(self.at(path))?;
        // Before anything is allocated for it.
        if range.start > range.end || file.metadata()?.len() < range.end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; (range.end - range.start) as usize];
        file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes)
    }

    fn len(&self, path: &str) -> io::Result<Option<u64>> {
        match std::fs::symlink_metadata(self.at(path)) {
            Ok(found) => Ok(Some(found.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        std::fs::remove_file(self.at(path))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.at(from), self.at(to))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.at(dir))? {
            // A name that is not UTF-8 cannot be ours; lossy, it still cannot be mistaken for ours.
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }

    fn forget(&self, path: &str) {
        if let Ok(file) = no_follow(OpenOptions::new().read(true)).open(self.at(path)) {
            // What the system does not drop was read by somebody else just now.
            let _best_effort = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
        }
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        // The root has no name of its own among relative paths: it is asked for as ".".
        let path = if dir == "." { self.root.clone() } else { self.at(dir) };
        File::open(path)?.sync_all()
    }
}

fn no_follow(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
}
