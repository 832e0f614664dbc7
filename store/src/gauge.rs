//! How much room a disk has: measured with `statvfs`, or set by a test.
//!
//! Invariant: `free_bytes` is what an ordinary process may still take (`f_bavail`), never the
//! blocks kept for root. A measurement that fails is an error, not a zero: an unknown is not a full
//! disk.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Room on the file system that holds a path, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiskSpace {
    /// Size of the file system.
    pub total_bytes: u64,
    /// What an unprivileged process can still take.
    pub free_bytes: u64,
}

/// Measures disks.
pub trait Gauge: Send + Sync + 'static {
    /// Room on the file system that holds `path`, which must exist.
    fn measure(&self, path: &Path) -> io::Result<DiskSpace>;
}

/// The real disk, by `statvfs`.
#[derive(Debug, Clone, Copy, Default)]
pub struct StatvfsGauge;

impl Gauge for StatvfsGauge {
    fn measure(&self, path: &Path) -> io::Result<DiskSpace> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(DiskSpace {
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        })
    }
}

/// A disk whose room is whatever was last set.
#[derive(Debug, Default)]
pub struct FakeGauge {
    space: Mutex<Option<DiskSpace>>,
}

impl FakeGauge {
    /// A disk of this size with this much free, in bytes.
    pub fn new(total_bytes: u64, free_bytes: u64) -> Self {
        Self { space: Mutex::new(Some(DiskSpace { total_bytes, free_bytes })) }
    }

    /// From now on the disk looks like this.
    pub fn set(&self, space: DiskSpace) {
        *self.space.lock().unwrap_or_else(PoisonError::into_inner) = Some(space);
    }

    /// From now on the disk cannot be measured.
    pub fn fail(&self) {
        *self.space.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Gauge for FakeGauge {
    fn measure(&self, _path: &Path) -> io::Result<DiskSpace> {
        let space = *self.space.lock().unwrap_or_else(PoisonError::into_inner);
        space.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}
