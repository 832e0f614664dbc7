//! What may be typed of drives.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};

use super::DriveServe;
use crate::cli::parse;

/// `gbak drive`
#[derive(Debug, Args)]
pub(crate) struct Drive {
    #[command(subcommand)]
    pub(crate) what: DriveWhat,
}

/// What to do with a drive.
#[derive(Debug, Subcommand)]
pub(crate) enum DriveWhat {
    /// Make a new, empty drive
    Create(DriveCreate),
    /// Mount a drive; one that is only on the grid is brought here
    Mount(DriveMount),
    /// Serve a drive over WebDAV to programs of this computer, without FUSE
    Serve(DriveServe),
    /// Unmount a drive, after a last commit
    Unmount(DriveName),
    /// Show how a drive stands
    Status(DriveName),
    /// Make a commit now
    Sync(DriveSync),
    /// Show which computers contribute, and how much fits
    Table(DriveName),
    /// Change a drive's limits
    Resize(DriveResize),
    /// List a drive's commits
    Snapshots(DriveName),
    /// Make a drive what it was at a commit
    Rollback(DriveRollback),
    /// Take a drive from this machine; its commits stay
    Delete(DriveDelete),
}

/// A drive.
#[derive(Debug, Args)]
pub(crate) struct DriveName {
    /// The drive
    pub(crate) name: String,
}

/// `gbak drive create`
#[derive(Debug, Args)]
pub(crate) struct DriveCreate {
    /// The drive: letters, digits, dots, hyphens and underscores
    pub(crate) name: String,
    /// All its files together
    #[arg(long, value_name = "SIZE", value_parser = parse::size)]
    pub(crate) size: Option<u64>,
    /// Its data on this disk; 4 GiB when absent
    #[arg(long, value_name = "SIZE", value_parser = parse::size)]
    pub(crate) cache: Option<u64>,
}

/// `gbak drive mount`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct DriveMount {
    /// The drive
    pub(crate) name: String,
    /// Directory to mount on
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// Let other users of this computer in
    #[arg(long)]
    pub(crate) allow_other: bool,
    /// Take it from a machine that has not been heard of for the length of its lease
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Where most of the machines that decide are gone for good: a writer that still reaches them
    /// will find what it wrote since beside the drive
    #[arg(long, requires = "take_over")]
    pub(crate) without_majority: bool,
    /// Follow what another machine writes: always its last commit, and nothing can be changed
    #[arg(long, conflicts_with = "take_over")]
    pub(crate) read_only: bool,
    /// How long to wait for peers to connect
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) wait_peers: Option<Duration>,
}

/// What a sync waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SyncWait {
    /// Until everything is on the grid
    Grid,
}

/// `gbak drive sync`
#[derive(Debug, Args)]
pub(crate) struct DriveSync {
    /// The drive
    pub(crate) name: String,
    /// Wait for this as well
    #[arg(long, value_name = "WHAT")]
    pub(crate) wait: Option<SyncWait>,
}

/// `gbak drive resize`
#[derive(Debug, Args)]
pub(crate) struct DriveResize {
    /// The drive
    pub(crate) name: String,
    /// All its files together
    #[arg(long, value_name = "SIZE", value_parser = parse::size, required_unless_present = "cache")]
    pub(crate) size: Option<u64>,
    /// Its data on this disk
    #[arg(long, value_name = "SIZE", value_parser = parse::size)]
    pub(crate) cache: Option<u64>,
}

/// `gbak drive rollback`
#[derive(Debug, Args)]
pub(crate) struct DriveRollback {
    /// The drive
    pub(crate) name: String,
    /// A commit's id, its beginning, latest or latest~N
    #[arg(value_name = "SNAP")]
    pub(crate) snapshot: String,
}

/// `gbak drive delete`
#[derive(Debug, Args)]
pub(crate) struct DriveDelete {
    /// The drive
    pub(crate) name: String,
    /// Also when it has data that is in no commit on the grid
    #[arg(long)]
    pub(crate) force: bool,
}
