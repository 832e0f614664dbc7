//! The files under the shelf, as little of a file system as the shelf needs.
//!
//! Contract: paths are relative, `dir/name` or `dir/sub/name`, and made by the shelf, never by a
//! peer. [`Medium::write_durable`] makes a file's *content* survive a power cut; its *name*
//! survives after [`Medium::sync_dir`] of the directory. A rename is atomic: after a power cut the
//! file has the old name or the new one, which journaling file systems (ext4, XFS, Btrfs, ZFS)
//! keep. An `fsync` that failed is never retried: the kernel may have dropped the data and call the
//! second attempt a success (Rebello et al., ATC'20).
//!
//! How it fails: with the system's own [`io::Error`], so that a full disk can be told from a broken
//! one.

use std::io;
use std::ops::Range;

use bytes::Bytes;

mod disk;
mod mem;

pub use disk::DiskMedium;
pub use mem::{MemMedium, Step};

/// Files under the shelf.
pub trait Medium: Send + Sync + 'static {
    /// Makes a directory, private to us; one that exists already is fine.
    fn create_dir(&self, dir: &str) -> io::Result<()>;

    /// Writes a new file and `fsync`s it; a file of that name is an error. When it fails, what was
    /// written is removed as far as the disk still obeys.
    fn write_durable(&self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// The file's bytes; of a file longer than `limit` bytes only the first `limit`.
    fn read(&self, path: &str, limit: u64) -> io::Result<Bytes>;

    /// The bytes of this range of the file, which must have all of them.
    fn read_part(&self, path: &str, range: Range<u64>) -> io::Result<Vec<u8>>;

    /// The file's length in bytes; none when there is no such file.
    fn len(&self, path: &str) -> io::Result<Option<u64>>;

    /// Takes the file away.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Gives a file a new name, in place of whatever had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Names in a directory, in no particular order.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;

    /// Drops what memory keeps of a file, so that the next read is the disk's own. Best effort.
    fn forget(&self, path: &str);

    /// Makes the names in a directory durable, and whatever was renamed out of it or into it.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;
}

#[cfg(test)]
mod tests;
