//! What `gbak drive` asks and shows.

use serde::{Deserialize, Serialize};

use super::{PathBytes, SnapshotsView};

/// One thing to do with a drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriveAct {
    /// Make a new, empty one.
    Create {
        /// All its files together, in bytes; unlimited when absent.
        size: Option<u64>,
        /// Its data on this disk, in bytes; the default when absent.
        cache: Option<u64>,
    },
    /// Mount it.
    Mount {
        /// The directory, absolute.
        dir: PathBytes,
        /// Whether other users of the computer may enter.
        allow_other: bool,
        /// Whether to overrule a writer whose lease ran out.
        #[serde(default)]
        take_over: bool,
        /// Whether to do so where too few of those who decide are left.
        #[serde(default)]
        without_majority: bool,
        /// Whether to follow it instead of writing it.
        #[serde(default)]
        read_only: bool,
    },
    /// Unmount it, and make a last commit.
    Unmount,
    /// How it stands.
    Status,
    /// Make a commit now.
    Sync {
        /// Wait until everything is on the grid.
        grid: bool,
    },
    /// Who contributes.
    Table,
    /// Give it other limits; what is absent stays.
    Resize {
        /// All its files together, in bytes.
        size: Option<u64>,
        /// Its data on this disk, in bytes.
        cache: Option<u64>,
    },
    /// Its commits.
    Snapshots,
    /// Make it what it was at a commit.
    Rollback {
        /// The snapshot's id or its beginning.
        snapshot: String,
    },
    /// Take it from this machine.
    Delete {
        /// With data that is nowhere else.
        force: bool,
    },
}

/// What to do, with which drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriveArgs {
    /// The drive's name.
    pub name: String,
    /// What.
    pub act: DriveAct,
    /// How long to wait for peers, in seconds.
    #[serde(default)]
    pub wait_peers_secs: Option<u64>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriveAnswer {
    /// How the drive stands.
    Status(DriveView),
    /// Who contributes.
    Table(DriveTableView),
    /// Its commits.
    Snapshots(SnapshotsView),
    /// It is not on this machine any more.
    Deleted(DriveDeletedView),
}

/// How a drive stands. All in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriveView {
    /// `gbak.drive/1`.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Whether it is mounted.
    pub mounted: bool,
    /// Whether it is served over WebDAV.
    #[serde(default)]
    pub served: bool,
    /// Where.
    pub dir: Option<PathBytes>,
    /// Of all files.
    pub stored_bytes: u64,
    /// On this disk, and in no commit yet.
    pub dirty_bytes: u64,
    /// In a commit that is not on the grid yet.
    pub queued_bytes: u64,
    /// The last commit's snapshot.
    pub committed_snapshot: Option<String>,
    /// Data on this disk.
    pub cache_bytes: u64,
    /// What that may grow to.
    pub cache_limit_bytes: u64,
    /// What the drive holds and can still take.
    pub capacity_bytes: u64,
    /// What can still be written.
    pub available_bytes: u64,
    /// A file that could not be read from the grid, and why; absent once it was read after all.
    pub trouble: Option<String>,
    /// `writer`, `unconfirmed` (too few peers answered), `fenced` (another machine took over),
    /// `follower` (mounted read only); none when it is not mounted.
    #[serde(default)]
    pub role: Option<String>,
    /// This machine's claim to write it, or of the commit that it follows: it counts up over all
    /// machines.
    #[serde(default)]
    pub epoch: u64,
    /// The full id of the device that took it over.
    #[serde(default)]
    pub taken_by: Option<String>,
    /// The snapshot of what was only here when another machine took over.
    #[serde(default)]
    pub conflict_snapshot: Option<String>,
    /// Of one that is followed: for how many seconds peers have not confirmed that the commit is
    /// the drive's last; none when they never did.
    #[serde(default)]
    pub unconfirmed_secs: Option<u64>,
    /// Where it is to be mounted again, while it is not.
    #[serde(default)]
    pub wanted: Option<Box<WantedView>>,
}

/// A mount that was there when the agent ended, and is not yet again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedView {
    /// Where.
    pub dir: PathBytes,
    /// Why it could not be so far.
    pub reason: Option<String>,
}

/// Who contributes to a drive. All in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriveTableView {
    /// `gbak.drive-table/1`.
    pub schema: String,
    /// The drive's name.
    pub name: String,
    /// Shards needed of each pack.
    pub k: u8,
    /// Spare shards of each pack.
    pub m: u8,
    /// One entry for each computer.
    pub donors: Vec<DonorView>,
    /// Files that fit into what is free, after redundancy.
    pub usable_bytes: u64,
}

/// One computer's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DonorView {
    /// Its full id.
    pub peer_id: String,
    /// Its name.
    pub name: String,
    /// `online`, `offline`, ...
    pub state: String,
    /// Lent.
    pub donated_bytes: u64,
    /// Free for new shards.
    pub free_bytes: u64,
    /// Of this member's shards, on it.
    pub mine_bytes: u64,
}

/// A drive that was taken from this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriveDeletedView {
    /// `gbak.drive-deleted/1`.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Commits that stay in the vault.
    pub snapshots_kept: u64,
}
