//! What may be typed to make again what is missing.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::parse;

/// `gbak repair`: exit 0, 4 (some packs still miss shards) or 6 (data loss)
#[derive(Debug, Args)]
pub(crate) struct Repair {
    #[command(subcommand)]
    pub(crate) what: Option<RepairWhat>,
    /// How long to wait for peers to connect
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) wait_peers: Option<Duration>,
}

/// What to repair but shards.
#[derive(Debug, Subcommand)]
pub(crate) enum RepairWhat {
    /// Read again from the grid what this home knows of it
    Index,
    /// Make snapshots again without what is lost: exit 6 when some of it could not be
    #[command(
        after_help = "What is out of reach is not lost: it may come back. A backup of files \
                            that are still here mends old snapshots as well, so try that first."
    )]
    Snapshots {
        /// These; all of this machine's when absent
        #[arg(value_name = "SNAP")]
        snapshots: Vec<String>,
        /// Forget the originals afterwards
        #[arg(long)]
        forget: bool,
        /// Only tell what is lost
        #[arg(long, short = 'n')]
        dry_run: bool,
    },
}
