//! What may be typed to make again what is missing.

use std::time::Duration;

use clap::Args;

use crate::cli::parse;

/// `gbak repair`: exit 0, 4 (some packs still miss shards) or 6 (data loss)
#[derive(Debug, Args)]
pub(crate) struct Repair {
    /// How long to wait for peers to connect
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) wait_peers: Option<Duration>,
}
