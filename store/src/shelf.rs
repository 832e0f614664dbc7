//! The shelf: other members' shards, as files on the donated disks with their facts in SQLite.
//!
//! ```text
//! gbak-shelf          a disk's mark; without it the disk is away and nothing is written there
//! incoming/<shard>    written and synced, its row perhaps not committed yet
//! shards/ab/<shard>   in place
//! ```
//!
//! Order of a put, of which each step is durable before the next begins:
//! 1. the hash is checked, and room is set aside against the real disk (I8);
//! 2. the file is written to `incoming/` and synced, by each caller for itself;
//! 3. `incoming/` is synced and the rows are committed, for all waiting callers at once;
//! 4. the file is renamed into place, which needs no sync: readers look in both places, and the
//!    next open finishes what a crash cut off. Then the put is acknowledged.
//!
//! So after a crash a file in `incoming/` is either acknowledged (it has a row: renamed into place)
//! or an orphan (removed); `shards/` never needs a scan, and opening costs what was in flight, not
//! what is stored. One file serves all owners of the same bytes; each owner has a lease on it,
//! which ends in the order of `sweep.rs`.
//!
//! How it fails: a failed sync fails its put and removes the file, never retries. A commit that
//! failed for another reason than a full disk leaves it unknown whether it will be there after a
//! restart; then no more writes are taken until the shelf is opened again ([`ShelfError::Ailing`]).
//! A file that is gone, rotten or unreadable is marked when it is read and can be put again; one
//! that is good again (the disk came back) loses its mark when it is read. Reads go on in every one
//! of these states, on a full disk too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chunker::{OwnerId, ShardId, ShardTree};

use crate::db::{Db, DbError};

mod claims;
mod commit;
mod disks;
mod error;
mod giveback;
mod heads;
mod invites;
mod leases;
mod mandates;
mod opening;
mod recount;
mod rows;
mod scrub;
mod slices;
mod sums;
mod sweep;
mod time;

pub use disks::{DiskAt, DiskNo, DiskState, Presence};
pub use error::{InviteError, ShelfError};
pub use giveback::Movable;
pub use heads::{HeadStored, KeptHead, KeptHeads, MAX_DEVICES, MAX_HEAD_LEN};
pub use invites::InviteRow;
pub use leases::{Contact, HeldPage, LEASE_PAGE, Mark, RetainRange, Retained, Terms};
pub use opening::{MARK_LEN, Opened, ShelfAt};
pub use recount::{Recount, RecountPass, Recounted};
pub use rows::{Damage, Usage};
pub use scrub::{LostPage, Scrub, ScrubPass, Scrubbed};
pub use sweep::Swept;

use claims::Claims;
use commit::{CommitFailure, Commits};
use disks::Disk;
use rows::{FileState, Known, Lease};

/// The largest shard, in bytes: a whole pack of the largest class, with room for its header.
pub const MAX_SHARD_LEN: usize = 17 * 1024 * 1024;

/// What came of a put that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Kept now: new for this owner, or in place of bytes that had been lost.
    New,
    /// Kept before.
    Already,
}

/// Other members' shards. Clones share one shelf; every call may come from any thread, and blocks.
#[derive(Clone)]
pub struct Shelf {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    disks: Mutex<BTreeMap<DiskNo, Arc<Disk>>>,
    terms: Mutex<Terms>,
    time: time::Time,
    contacts: leases::Contacts,
    claims: Claims,
    trees: slices::Trees,
    commits: Commits,
    /// A thread died while it committed; what the database itself calls unknown, it remembers.
    ailing: AtomicBool,
}

impl Shelf {
    /// Keeps `bytes` for `owner`; when this returns `Ok`, they survive a power cut.
    pub fn put(
        &self,
        owner: OwnerId,
        shard: ShardId,
        bytes: &[u8],
        now_secs: u64,
    ) -> Result<Stored, ShelfError> {
        if bytes.len() > MAX_SHARD_LEN {
            return Err(ShelfError::TooLarge { len: bytes.len(), limit: MAX_SHARD_LEN });
        }
        // Hashing the bytes gives the tree for nothing.
        let tree = ShardTree::of(shard, bytes).ok_or(ShelfError::HashMismatch { shard })?;
        self.check_well()?;
        let _claim = self.inner.claims.take(shard);
        let known = rows::find(&self.inner.db.read(), owner, shard)?;
        let held = known.is_good() && self.holds(&known, shard, bytes)?;
        let now_secs = self.inner.time.at(now_secs);
        let (disk, len) = (known.disk, bytes.len() as u64);
        let lease = Lease { owner, shard, len, now_secs, file: !held, disk };
        if held {
            // Also of what is here already: a retain set on its way may leave it out.
            self.commit(lease)?;
            if known.leased && !known.left {
                return Ok(Stored::Already);
            }
        } else {
            let room = self.inner.set_aside(len, &known)?;
            Self::write_incoming(&room.disk, shard, bytes)?;
            self.commit(Lease { disk: room.disk.no, ..lease })?;
            move_into_place(&room.disk, shard);
            self.inner.trees.keep(shard, Arc::new(tree));
        }
        Ok(Stored::New)
    }

    /// The bytes of a shard that `owner` has here, in quarantine too, checked against its name.
    pub fn get(&self, owner: OwnerId, shard: ShardId) -> Result<Bytes, ShelfError> {
        let known = rows::find(&self.inner.db.read(), owner, shard)?;
        if !known.leased {
            return Err(ShelfError::Unknown { shard });
        }
        if known.is_good()
            && let Found::Good(bytes) =
                read_verified(&*self.inner.disk(known.disk)?, shard, known.len)?
        {
            return Ok(bytes);
        }
        self.look_again(owner, shard)
    }

    /// Which of these `owner` has here, as far as is known without reading them. What is in
    /// quarantine will go, so it does not count.
    pub fn have(&self, owner: OwnerId, shards: &[ShardId]) -> Result<Vec<bool>, ShelfError> {
        let db = self.inner.db.read();
        let one = |shard: &ShardId| Ok(rows::find(&db, owner, *shard)?.is_held());
        shards.iter().map(one).collect()
    }

    /// All files of the shelf, each counted once however many owners it has, in quarantine or not.
    pub fn usage(&self) -> Result<Usage, ShelfError> {
        Ok(rows::total(&self.inner.db.read())?)
    }

    /// What one owner holds here, without what is in quarantine.
    pub fn usage_of(&self, owner: OwnerId) -> Result<Usage, ShelfError> {
        Ok(rows::usage_of(&self.inner.db.read(), owner)?)
    }

    /// What each owner holds here, ordered by owner. A file of two owners counts for both.
    pub fn usage_by_owner(&self) -> Result<Vec<(OwnerId, Usage)>, ShelfError> {
        Ok(rows::usage_by_owner(&self.inner.db.read())?)
    }

    /// Files found rotten or missing, and not put again since.
    pub fn damage(&self) -> Result<Damage, ShelfError> {
        Ok(rows::damage(&self.inner.db.read())?)
    }

    fn write_incoming(disk: &Disk, shard: ShardId, bytes: &[u8]) -> Result<(), ShelfError> {
        let path = incoming(shard);
        let mut written = disk.medium.write_durable(&path, bytes);
        if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists) {
            // We hold the claim and the row says "not here": the leftover of a put that failed.
            written = disk.medium.remove(&path);
            written = written.and_then(|()| disk.medium.write_durable(&path, bytes));
        }
        written.map_err(|source| disk_error(disk, "write", source))
    }

    /// Commits a lease together with those of other callers, or undoes its file.
    fn commit(&self, lease: Lease) -> Result<(), ShelfError> {
        let path = lease.file.then(|| incoming(lease.shard));
        let committed = self.inner.commits.submit(lease, |leases| self.inner.commit_all(leases));
        let Err(failure) = committed else { return Ok(()) };
        if failure.is_certain(&self.inner.db) {
            if let Some(path) = path
                && let Ok(disk) = self.inner.disk(lease.disk)
            {
                // A file that stays is an orphan: the next put of it or the next open removes it.
                drop(disk.medium.remove(&path));
            }
        } else {
            self.inner.ailing.store(true, Ordering::SeqCst);
        }
        Err(failure.into())
    }

    /// Whether the bytes are on the disk already. For an owner who has the shard the length is
    /// proof enough; a lease for another one begins only after the file was read.
    fn holds(&self, known: &Known, shard: ShardId, bytes: &[u8]) -> Result<bool, ShelfError> {
        let disk = self.inner.disk(known.disk)?;
        let len = bytes.len() as u64;
        if !known.leased {
            return Ok(matches!(read_verified(&disk, shard, len)?, Found::Good(_)));
        }
        for path in [incoming(shard), place(shard)] {
            let found = disk.medium.len(&path);
            if let Some(found) = found.map_err(|source| disk_error(&disk, "look at", source))? {
                return Ok(found == len);
            }
        }
        Ok(false)
    }

    /// Reads a shard that looked lost, or is marked so, with nobody else at it, and notes what it
    /// finds: lost, or good again.
    fn look_again(&self, owner: OwnerId, shard: ShardId) -> Result<Bytes, ShelfError> {
        let _claim = self.inner.claims.take(shard);
        let known = rows::find(&self.inner.db.read(), owner, shard)?;
        if !known.leased {
            return Err(ShelfError::Unknown { shard });
        }
        let disk = self.inner.disk(known.disk)?;
        let found = if known.is_good() {
            read_verified(&disk, shard, known.len)?
        } else {
            // Only a good row vouches for a file in `incoming/`.
            read_at(&disk, &place(shard), shard, known.len)?
        };
        let (state, answer) = match found {
            Found::Good(bytes) => (FileState::Good, Ok(bytes)),
            Found::Rotten => (FileState::Rotten, Err(ShelfError::Rotten { shard })),
            Found::Missing => (FileState::Missing, Err(ShelfError::Unknown { shard })),
        };
        if answer.is_err() {
            // What is on a disk that is away is not lost.
            opening::check_mark(&disk)?;
        }
        if known.state != Some(state) {
            self.note(shard, state);
        }
        answer
    }

    fn note(&self, shard: ShardId, state: FileState) {
        if state == FileState::Good {
            tracing::info!(shard = %shard.short(), "shard is good again");
        } else {
            tracing::error!(shard = %shard.short(), ?state, "shard lost on this disk");
        }
        if let Err(error) = self.inner.db.write(|db| rows::mark(db, shard, state)) {
            tracing::warn!(%error, shard = %shard.short(), "cannot note a shard's state");
        }
    }

    fn check_well(&self) -> Result<(), ShelfError> {
        let ailing = self.inner.ailing.load(Ordering::SeqCst) || self.inner.db.is_ailing();
        if ailing { Err(ShelfError::Ailing) } else { Ok(()) }
    }
}

impl Inner {
    fn commit_all(&self, leases: &[Lease]) -> Result<(), CommitFailure> {
        let written = leases.iter().filter(|lease| lease.file).map(|lease| lease.disk);
        for no in written.collect::<BTreeSet<_>>() {
            let gone = |_| io::Error::from(io::ErrorKind::NotFound);
            let synced = self.disk(no).map_err(gone).and_then(|d| d.medium.sync_dir(INCOMING));
            synced.map_err(|error| CommitFailure::Dir(Arc::new(error)))?;
        }
        let rows = |db: &_| {
            self.time.save(db)?;
            leases.iter().try_for_each(|lease| rows::add(db, lease))
        };
        self.db.write(rows).map_err(|error: DbError| CommitFailure::Db(Arc::new(error)))
    }
}

/// What reading a file came to.
enum Found {
    Good(Bytes),
    Rotten,
    Missing,
}

fn move_into_place(disk: &Disk, shard: ShardId) {
    if let Err(error) = disk.medium.rename(&incoming(shard), &place(shard)) {
        // Still found where it is; the next open tries again.
        tracing::warn!(%error, shard = %shard.short(), "shard stays in incoming");
    }
}

fn read_verified(disk: &Disk, shard: ShardId, len: u64) -> Result<Found, ShelfError> {
    // First where a put leaves it: a file never moves back.
    match read_at(disk, &incoming(shard), shard, len)? {
        Found::Good(bytes) => Ok(Found::Good(bytes)),
        Found::Missing => read_at(disk, &place(shard), shard, len),
        // What a failed put could not take away does not hide the file in its place.
        Found::Rotten => match read_at(disk, &place(shard), shard, len)? {
            Found::Missing => Ok(Found::Rotten),
            found => Ok(found),
        },
    }
}

fn read_at(disk: &Disk, path: &str, shard: ShardId, len: u64) -> Result<Found, ShelfError> {
    match disk.medium.read(path, len + 1) {
        Ok(bytes) if ShardId::from(blake3::hash(&bytes)) == shard => Ok(Found::Good(bytes)),
        Ok(_) => Ok(Found::Rotten),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Missing),
        Err(error) if error.raw_os_error() == Some(EIO) => Ok(Found::Rotten),
        Err(source) => Err(ShelfError::Medium { doing: "read", source }),
    }
}

/// A file's error, or the one behind it: the whole disk is away.
fn disk_error(disk: &Disk, doing: &'static str, source: io::Error) -> ShelfError {
    if source.kind() == io::ErrorKind::NotFound
        && let Err(away @ ShelfError::DiskAway { .. }) = opening::check_mark(disk)
    {
        return away;
    }
    ShelfError::Medium { doing, source }
}

/// What the system says of a bad sector.
const EIO: i32 = rustix::io::Errno::IO.raw_os_error();

const INCOMING: &str = "incoming";
const SHARDS: &str = "shards";

fn incoming(shard: ShardId) -> String {
    format!("{INCOMING}/{shard}")
}

fn place(shard: ShardId) -> String {
    format!("{SHARDS}/{:02x}/{shard}", shard.as_bytes()[0])
}

/// None of our sections leaves its data half changed, so a poisoned lock is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.inner.all_disks().iter().map(|disk| disk.path.clone()).collect();
        f.debug_struct("Shelf").field("disks", &paths).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
