//! `gbak bench`: what may be typed.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::cli::parse;

/// `gbak bench`
///
/// Measures what this machine and its disk can do, asks the agent how far the others are, and says
/// what would limit a backup. Nothing is sent, and nothing stays on the disk.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Try the disk below DIR
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// How much to work on
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = parse::size)]
    pub(crate) size: u64,
    /// Needed and spare shards, like 8+4
    #[arg(long, value_name = "K+M", default_value = "3+2", value_parser = parse::redundancy)]
    pub(crate) redundancy: String,
    /// How fast your connection sends, like 5MiB; the agent's limit when absent
    #[arg(long, value_name = "SPEED", value_parser = parse::speed)]
    pub(crate) link: Option<u64>,
}
