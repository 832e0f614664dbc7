//! A write that found no room waits for the next commit instead of failing.
//!
//! Nothing is acknowledged while it waits, so whatever becomes of it, ENOSPC never comes after
//! the acknowledgement. It gives up when nothing reached the grid for as long as it was told.

use std::time::Duration;

use rustix::io::Errno;

use crate::drive::ops::Files;

/// Tries again whenever there is more room, until it is told no for good. Gives up when for
/// `patience` nothing reached the grid.
pub(super) async fn tried<F: Files + ?Sized>(
    files: &F,
    bytes: u64,
    patience: Duration,
    mut attempt: impl FnMut(&F) -> Result<(), Errno>,
) -> Result<(), Errno> {
    loop {
        let coming = files.coming(bytes).map(|mut coming| {
            let rooms = coming.borrow_and_update().rooms;
            (coming, rooms)
        });
        // Only now: what comes from here on is news.
        let result = attempt(files);
        let Some((mut coming, rooms)) = coming.filter(|_| result == Err(Errno::NOSPC)) else {
            return result;
        };
        while coming.borrow_and_update().rooms == rooms {
            if !matches!(tokio::time::timeout(patience, coming.changed()).await, Ok(Ok(()))) {
                files.give_up();
                return attempt(files);
            }
        }
    }
}

/// The grid did not answer in time.
pub(super) fn late<T>() -> Result<T, Errno> {
    tracing::warn!("a request to the drive waited too long for the grid");
    Err(Errno::IO)
}
