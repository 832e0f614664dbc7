//! The virtual drive: what is on the grid, at a mount point.
//!
//! ```text
//! kernel -> fuse (adapter, the only file that names fuser) -> Files (plain calls, no FUSE types)
//!           Files is a View: the snapshots of a vault, read-only, fetched when looked at
//!                or a Volume: the writable drive, its table and new data on this disk
//!                or a Follower: the last commit of a drive that another machine writes
//! HTTP   -> dav (adapter, the only file that names dav_server) -> the same Files
//! Volume -> freeze (the tree of one moment) -> tree -> the backup's pipeline: a commit
//! ```
//!
//! Invariants: no request of the kernel waits for the network without a deadline, after which it is
//! answered with EIO, so that one stalled holder cannot hang whoever walks past the mount point;
//! `statfs` never waits at all. Every byte that is handed out was verified and opened (I6). Names
//! out of a listing that no file system could have are left out (I9).

pub mod dav;
pub mod disk;
mod far;
pub mod follower;
pub mod fuse;
mod import;
pub mod lease;
mod lru;
pub mod ops;
mod patience;
pub mod reader;
pub mod session;
pub(crate) mod tree;
pub mod view;
pub mod volume;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the drive's locks guard is sound at every instant: a panic of whoever held one left nothing
/// half made.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
