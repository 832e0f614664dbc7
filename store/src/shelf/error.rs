//! Why the shelf declines. Each variant is something a caller answers in its own way: walk on,
//! wait, mount the disk, ask the owner for the bytes again.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use chunker::ShardId;

use super::commit::CommitFailure;
use crate::db::{DbError, is_disk_full};

/// Why the shelf declines.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShelfError {
    /// The donation has no room for this.
    #[error("The donation has {free_bytes} bytes left, {wanted_bytes} are wanted")]
    Full {
        /// Size of what was to be stored.
        wanted_bytes: u64,
        /// What new shards may still take.
        free_bytes: u64,
    },
    /// The disk has less free space than its user wants to keep.
    #[error("The disk's free space is below the floor of {min_free_bytes} bytes")]
    Floor {
        /// The floor.
        min_free_bytes: u64,
    },
    /// The bytes are not those of the name.
    #[error("The bytes do not hash to shard {shard}")]
    HashMismatch {
        /// The name given.
        shard: ShardId,
    },
    /// Larger than any shard or head.
    #[error("{len} bytes are more than the {limit} accepted")]
    TooLarge {
        /// Size of what was to be stored, in bytes.
        len: usize,
        /// The most accepted, in bytes.
        limit: usize,
    },
    /// Not here, or not this owner's.
    #[error("Shard {shard} is not here")]
    Unknown {
        /// The name asked for.
        shard: ShardId,
    },
    /// The disk gave back other bytes than were written.
    #[error("Shard {shard} is damaged on this disk")]
    Rotten {
        /// The name asked for.
        shard: ShardId,
    },
    /// The mark is not where it was: the disk is not mounted.
    #[error("The disk of the shelf at {} is away", path.display())]
    DiskAway {
        /// Where it should be.
        path: PathBuf,
    },
    /// Another shelf's disk is there.
    #[error("The disk at {} belongs to another shelf", path.display())]
    WrongDisk {
        /// Where it is.
        path: PathBuf,
    },
    /// A shelf of which the database knows nothing: the database was lost.
    #[error("The shelf at {} is not the one the database describes", path.display())]
    ForeignShelf {
        /// Where it is.
        path: PathBuf,
    },
    /// A commit failed with an outcome that only a new open can tell.
    #[error("The shelf takes no writes until it is opened again, because a commit failed")]
    Ailing,
    /// A head with a higher number is here.
    #[error("A newer head (number {newest}) is here")]
    StaleHead {
        /// The newest number.
        newest: u64,
    },
    /// A head with the same number and another content is here; it stays, as the proof of a fork.
    #[error("Another head with the same number is here")]
    ForkedHead,
    /// The owner has heads of as many devices as are kept.
    #[error("Heads of {limit} devices are here, more are not kept")]
    TooManyDevices {
        /// The most kept.
        limit: usize,
    },
    /// The owner's heads of the last days take as much as is kept.
    #[error("The owner's heads take {limit} bytes, more are not kept")]
    TooManyHeads {
        /// The most kept, in bytes.
        limit: u64,
    },
    /// A newer retain set of that device was applied before.
    #[error("A newer retain set (of {newest_secs}) was applied before")]
    StaleSet {
        /// When that one was made, by the device's clock.
        newest_secs: u64,
    },
    /// The device's clock is far ahead of ours.
    #[error("The retain set is from the future; it is {now_secs} here")]
    FutureSet {
        /// Our time.
        now_secs: u64,
    },
    /// The names are not in order, or not of the range they are for.
    #[error("The names of a retain set are not in order")]
    Unordered,
    /// A file could not be read or written.
    #[error("Cannot {doing} a file of the shelf")]
    Medium {
        /// What was attempted.
        doing: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The directory's names could not be made durable.
    #[error("Cannot sync the shelf's directory")]
    Sync {
        /// What the system says, to all whose put was in the group.
        #[source]
        source: Arc<io::Error>,
    },
    /// The disk cannot be measured, so nothing more is taken.
    #[error("Cannot measure the disk of the shelf")]
    Gauge {
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The rows could not be committed.
    #[error("Cannot commit to the database of the shelf")]
    Commit {
        /// Why, to all whose put was in the group.
        #[source]
        source: Arc<DbError>,
    },
    /// A thread that was committing for others died.
    #[error("The commit was abandoned")]
    Abandoned,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl ShelfError {
    /// Whether there is no room, in the donation or on the disk: others may still take the shard.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Floor { .. } => true,
            Self::Medium { source, .. } => is_disk_full(source),
            Self::Sync { source } => is_disk_full(source),
            Self::Commit { source } => source.is_full(),
            Self::Db(error) => error.is_full(),
            _ => false,
        }
    }
}

impl From<CommitFailure> for ShelfError {
    fn from(failure: CommitFailure) -> Self {
        match failure {
            CommitFailure::Dir(source) => Self::Sync { source },
            CommitFailure::Db(source) => Self::Commit { source },
            CommitFailure::Abandoned => Self::Abandoned,
        }
    }
}

/// Why an invitation is not honoured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InviteError {
    /// We never made it.
    #[error("The invitation is unknown here")]
    Unknown,
    /// Its time is over.
    #[error("The invitation has expired")]
    Expired,
    /// Somebody used it.
    #[error("The invitation was used before")]
    Used,
    /// We cannot tell.
    #[error(transparent)]
    Db(#[from] DbError),
}
